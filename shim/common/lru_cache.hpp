// A cache of a few entries: the least recently used one makes room for a new one.
#ifndef SSCAM_SHIM_COMMON_LRU_CACHE_HPP
#define SSCAM_SHIM_COMMON_LRU_CACHE_HPP

#include <cstddef>
#include <list>
#include <utility>

namespace sscam {

// Not safe to use from several threads at once. Comparing keys is enough: there are few.
template <class Key, class Value>
class LruCache {
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

    // Replaces the value that `key` may have.
    void insert(const Key &key, Value value)
    {
        erase(key);
        if (entries_.size() == capacity)
            entries_.pop_back();
        entries_.emplace_front(key, std::move(value));
    }

    // Calls visit(key, value) for all of them, the one used last first.
    template <class Visit>
    void for_each(const Visit &visit) const
    {
        for (const auto &entry : entries_)
            visit(entry.first, entry.second);
    }

    void clear() { entries_.clear(); }

    void erase(const Key &key)
    {
        entries_.remove_if([&](const auto &entry) { return entry.first == key; });
    }

private:
    static constexpr std::size_t capacity = 16;
    std::list<std::pair<Key, Value>> entries_;
};

} // namespace sscam

#endif
