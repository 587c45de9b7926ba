#include "load/archive.hpp"

#include <cstring>
#include <new>
#include <string>
#include <unordered_set>

#include <torch/csrc/jit/ir/constants.h>

#include "common/guard.hpp"
#include "common/tensor_bytes.hpp"
#include "graph/graph_walk.hpp"

namespace sscam {

namespace jit = torch::jit;

namespace {

// Of the header of a record within a zip archive.
constexpr size_t HEADER_SIZE = 30, METHOD_AT = 8, NAME_SIZE_AT = 26;

size_t two_bytes(const char *at)
{
    return static_cast<unsigned char>(at[0]) |
           static_cast<size_t>(static_cast<unsigned char>(at[1])) << 8;
}

bool is_in_folder(const std::string &path, const char *folder)
{
    const size_t inside = path.find('/') + 1; // the archive has one folder
    return path.compare(inside, std::strlen(folder), folder) == 0;
}

// --- one tensor ----------------------------------------------------------------------------------

// The loader's own storages, unlike all others, cannot grow and have no allocator.
size_t bytes_in_record(const c10::Storage &storage, const ArchiveReader &reader)
{
    if (!storage.device().is_cpu() || storage.resizable() || storage.allocator())
        return NO_SIZE;
    const void *address = storage.data_ptr().get();
    const int64_t found = !address ? 0 : reader.bytes_at(address);
    return found < 0 ? NO_SIZE : static_cast<size_t>(found);
}

void check_tensor(const at::Tensor &tensor, const std::string &name, const ArchiveReader &reader)
{
    if (!tensor.defined() || tensor.layout() != at::kStrided || !tensor.has_storage())
        return;
    const c10::Storage &storage = tensor.storage();
    const size_t present = std::min(storage.nbytes(), bytes_in_record(storage, reader));
    const size_t claimed = std::max(claimed_bytes(tensor.sizes(), tensor.strides(),
                                                  tensor.dtype().itemsize(),
                                                  tensor.storage_offset()),
                                    storage.nbytes());
    if (claimed <= present)
        return;
    throw Error(SSCAM_E_FORMAT,
                "damaged TorchScript file: " + name + " claims " +
                    (claimed > NO_SIZE / 2 ? "countless" : std::to_string(claimed)) +
                    " bytes, and its record has " + std::to_string(present));
}

// --- all of them ---------------------------------------------------------------------------------

bool may_hold_tensors(const c10::IValue &value)
{
    return value.isTensor() || value.isObject() || value.isList() || value.isTuple() ||
           value.isGenericDict();
}

// Visits values and the values inside of them, each once; without recursion, since a file could
// nest them deeper than the stack.
class TensorCheck {
public:
    explicit TensorCheck(const ArchiveReader &reader) : reader_(reader) {}

    void check(c10::IValue root, std::string name)
    {
        add(std::move(root), std::move(name));
        while (!pending_.empty()) {
            auto [value, name_of_value] = std::move(pending_.back());
            pending_.pop_back();
            check_one(value, name_of_value);
        }
    }

private:
    void add(c10::IValue value, std::string name)
    {
        pending_.emplace_back(std::move(value), std::move(name));
    }

    void check_one(const c10::IValue &value, const std::string &name)
    {
        if (value.isTensor())
            check_tensor(value.toTensor(), name, reader_);
        else if (seen_.insert(value.internalToPointer()).second)
            add_contents(value, name);
    }

    void add_elements(c10::ArrayRef<c10::IValue> elements, const std::string &name)
    {
        for (const c10::IValue &element : elements)
            if (may_hold_tensors(element))
                add(element, name);
    }

    // Elements have the name of their list.
    void add_contents(const c10::IValue &value, const std::string &name)
    {
        if (value.isObject()) {
            const auto object = value.toObject();
            for (size_t i = 0; i < object->slots().size(); i++)
                if (may_hold_tensors(object->getSlot(i)))
                    add(object->getSlot(i),
                        (name.empty() ? name : name + ".") + object->type()->getAttributeName(i));
        } else if (value.isList()) {
            add_elements(value.toListRef(), name);
        } else if (value.isTuple()) {
            add_elements(value.toTupleRef().elements(), name);
        } else if (value.isGenericDict()) {
            for (const auto &entry : value.toGenericDict())
                if (may_hold_tensors(entry.value()))
                    add(entry.value(), name);
        }
    }

    const ArchiveReader &reader_;
    std::vector<std::pair<c10::IValue, std::string>> pending_;
    std::unordered_set<const void *> seen_;
};

} // namespace

bool ArchiveReader::get(uint64_t position, void *buffer, size_t count) const noexcept
{
    if (failure_ == SSCAM_OK)
        failure_ = sscam_byte_source_read(&source_, position, buffer, count);
    return failure_ == SSCAM_OK;
}

size_t ArchiveReader::read(uint64_t position, void *buffer, size_t count, const char *) const
{
    if (position >= source_.size)
        return 0;
    count = std::min<size_t>(count, source_.size - position);
    if (!get(position, buffer, count))
        return 0;
    note(position, buffer, count);
    return count;
}

void ArchiveReader::throw_failure() const
{
    if (failure_ != SSCAM_OK)
        throw Reported(failure_);
}

// `position` is that of the header.
bool ArchiveReader::is_compressed_tensor(const char *header, uint64_t position) const
{
    if (std::memcmp(header, "PK\3\4", 4) != 0 || two_bytes(header + METHOD_AT) == 0)
        return false;
    std::string name(
        std::min<size_t>(two_bytes(header + NAME_SIZE_AT), source_.size - position - HEADER_SIZE),
        '\0');
    return get(position + HEADER_SIZE, &name[0], name.size()) &&
           (is_in_folder(name, "data/") || is_in_folder(name, "constants/"));
}

// A record that is not compressed is read in one call, after its header.
void ArchiveReader::note(uint64_t position, const void *buffer, size_t count) const noexcept
{
    try {
        read_[buffer] = count;
        if (count == HEADER_SIZE &&
            is_compressed_tensor(static_cast<const char *>(buffer), position))
            knows_all_ = false;
    } catch (const std::bad_alloc &) {
        knows_all_ = false;
    }
}

int64_t ArchiveReader::bytes_at(const void *address) const
{
    const auto found = read_.find(address);
    return !knows_all_ || found == read_.end() ? -1 : static_cast<int64_t>(found->second);
}

void check_tensors(const jit::Module &module, const ArchiveReader &reader)
{
    TensorCheck all(reader);
    all.check(module._ivalue(), "");
    for (jit::Function *function : module._ivalue()->compilation_unit()->get_functions())
        if (jit::GraphFunction *program = jit::tryToGraphFunction(*function))
            for_each_node(program->graph()->block(), [&](jit::Node *node) {
                if (node->kind() == c10::prim::Constant)
                    if (auto value = jit::toIValue(node->output());
                        value && may_hold_tensors(*value))
                        all.check(*value, "a constant of " + function->name() + "()");
            });
}

} // namespace sscam
