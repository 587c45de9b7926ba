#include "program/weights.hpp"

#include <optional>

#include "common/guard.hpp"
#include "program/pickled_tensors.hpp"
#include "program/program_schema.hpp"

namespace sscam {

namespace {

constexpr int64_t strided = 7; // of torch/_export/serde/schema.py
constexpr size_t largest_pickle = size_t{1} << 26;

// -1: a symbol, which no stored tensor has as a size.
int64_t stored_size(const pt2::Size &size)
{
    return size.symbol.empty() ? size.number : -1;
}

std::vector<int64_t> stored_sizes(const std::vector<pt2::Size> &sizes)
{
    std::vector<int64_t> found;
    for (const pt2::Size &size : sizes)
        found.push_back(stored_size(size));
    return found;
}

StoredTensor stored_tensor(const pt2::Payload &payload)
{
    StoredTensor stored;
    stored.record = payload.record;
    if (payload.is_pickled || !payload.has_description || payload.description.layout != strided) {
        stored.problem = "is a sparse one or of a class of Python's";
        return stored;
    }
    stored.type = scalar_type_of(payload.description.scalar_type);
    stored.sizes = stored_sizes(payload.description.sizes);
    stored.strides = stored_sizes(payload.description.strides);
    stored.offset = stored_size(payload.description.offset);
    return stored;
}

StoredTensors stored_tensors(const pt2::Payloads &payloads)
{
    StoredTensors tensors;
    for (const auto &[name, payload] : payloads)
        tensors.emplace(name, stored_tensor(payload));
    return tensors;
}

// The folder, with its slash, of the archive that torch.save wrote.
std::string pickle_folder(const ZipRecords &directory)
{
    const std::string ending = "/data.pkl";
    for (const auto &[name, record] : directory.records())
        if (name.size() > ending.size() &&
            name.compare(name.size() - ending.size(), ending.size(), ending) == 0)
            return name.substr(0, name.size() - ending.size() + 1);
    throw Error(SSCAM_E_FORMAT, "damaged .pt2 file: its pickled weights have no record data.pkl");
}

} // namespace

// Either a configuration tells where tensors lie in the program's archive, or a record of it is an
// archive of its own.
struct ProgramWeights::Source {
    std::vector<unsigned char> inner_bytes;
    sscam_byte_source inner_source = {};
    std::optional<ZipRecords> inner;
    StoredTensors tensors;
    std::optional<TensorRecords> records;
};

std::unique_ptr<ProgramWeights::Source> ProgramWeights::source(const ProgramArchive &archive,
                                                               const Conversion &conversion,
                                                               const std::string &folder,
                                                               const std::string &configuration,
                                                               const std::string &pickled)
{
    auto made = std::make_unique<Source>();
    const ZipRecords::Record *record = pickled.empty() ? nullptr : archive.find(pickled);
    if (!configuration.empty()) {
        made->tensors = stored_tensors(parse_payloads(archive.text(configuration)));
        made->records.emplace(archive.directory(), archive.folder() + folder, conversion);
    } else if (record && record->size > 0) {
        made->inner_bytes = archive.directory().bytes(*record);
        made->inner_source = sscam_byte_source_in_memory("weights", made->inner_bytes.data(),
                                                         made->inner_bytes.size());
        made->inner.emplace(made->inner_source);
        const std::string inner_folder = pickle_folder(*made->inner);
        const ZipRecords::Record &pickle = *made->inner->find(inner_folder + "data.pkl");
        if (pickle.size > largest_pickle)
            throw Error(SSCAM_E_UNSUPPORTED, "its pickled weights have " +
                                                 std::to_string(pickle.size) +
                                                 " bytes of descriptions");
        made->tensors = read_pickled_tensors(made->inner->bytes(pickle));
        made->records.emplace(*made->inner, inner_folder + "data/", conversion);
    }
    return made;
}

ProgramWeights::ProgramWeights(const ProgramArchive &archive, const Conversion &conversion)
    : weights_(source(archive, conversion, "data/weights/", archive.weight_configuration(),
                      archive.pickled_weights())),
      constants_(source(archive, conversion, "data/constants/", archive.constant_configuration(),
                        archive.pickled_constants()))
{
}

ProgramWeights::~ProgramWeights() = default;

at::Tensor ProgramWeights::find(Source &source, const std::string &name)
{
    const auto found = source.tensors.find(name);
    if (found == source.tensors.end())
        throw Error(SSCAM_E_FORMAT, "damaged .pt2 file: the tensor " + name + " is not in it");
    return source.records->build(found->second, name);
}

} // namespace sscam
