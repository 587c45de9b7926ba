// A small memory of what was used last; the oldest entry makes room for a new one.
#ifndef SSCAM_SHIM_COMMON_LRU_CACHE_HPP
#define SSCAM_SHIM_COMMON_LRU_CACHE_HPP

#include <list>
#include <utility>

namespace sscam {

template <class Key, class Value>
class Recent {
public:
    // The value of `key`, or an empty one.
    Value find(const Key &key)
    {
        for (auto entry = entries_.begin(); entry != entries_.end(); ++entry)
            if (entry->first == key) {
                entries_.splice(entries_.begin(), entries_, entry);
                return entry->second;
            }
        return Value();
    }

    void keep(const Key &key, Value value)
    {
        if (entries_.size() == capacity)
            entries_.pop_back();
        entries_.emplace_front(key, std::move(value));
    }

    void forget(const Key &key)
    {
        entries_.remove_if([&](const auto &entry) { return entry.first == key; });
    }

private:
    static constexpr std::size_t capacity = 16;
    std::list<std::pair<Key, Value>> entries_;
};

} // namespace sscam

#endif
