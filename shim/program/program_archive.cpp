#include "program/program_archive.hpp"

#include <vector>

#include "common/guard.hpp"
#include "common/text.hpp"

namespace sscam {

namespace {

// Of PyTorch 2.5 and 2.6.
const char flat_program[] = "serialized_exported_program.json",
           flat_weights[] = "serialized_state_dict.pt",
           flat_constants[] = "serialized_constants.pt";

const char models[] = "models/", model_ending[] = ".json", compiled[] = "data/aotinductor/";
constexpr size_t largest_text = size_t{1} << 28;

bool ends_with(const std::string &text, const std::string &ending)
{
    return text.size() >= ending.size() &&
           text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

std::string folder_of(const ZipRecords &directory)
{
    if (directory.records().empty() || directory.find(flat_program))
        return "";
    const std::string &first = directory.records().begin()->first;
    return first.substr(0, first.find('/') + 1);
}

// Names of the programs in a package, and whether it also holds compiled code.
struct Contents {
    std::vector<std::string> programs;
    bool is_compiled = false;
};

Contents contents_of(const ZipRecords &directory, const std::string &folder)
{
    Contents contents;
    for (const auto &[path, record] : directory.records()) {
        if (!starts_with(path, folder))
            continue;
        const std::string name = path.substr(folder.size());
        contents.is_compiled |= starts_with(name, compiled);
        if (starts_with(name, models) && ends_with(name, model_ending) &&
            name.size() > sizeof models - 1 + sizeof model_ending - 1)
            contents.programs.push_back(name.substr(
                sizeof models - 1, name.size() - (sizeof models - 1) - (sizeof model_ending - 1)));
    }
    return contents;
}

} // namespace

bool ProgramArchive::is_one(const sscam_byte_source &source)
{
    if (!ZipRecords::is_archive(source))
        return false;
    try {
        const ZipRecords directory(source);
        const std::string folder = folder_of(directory);
        const Contents contents = contents_of(directory, folder);
        return directory.find(flat_program) || directory.find(folder + "archive_format") ||
               !contents.programs.empty() || contents.is_compiled;
    } catch (const Error &) {
        return false; // whose damage libtorch's reader will tell
    }
}

ProgramArchive::ProgramArchive(const sscam_byte_source &source)
    : directory_(source), folder_(folder_of(directory_))
{
    if (directory_.find(flat_program))
        return;
    const Contents contents = contents_of(directory_, folder_);
    if (contents.programs.empty() && contents.is_compiled)
        throw Error(SSCAM_E_FORMAT,
                    "a package of AOTInductor: machine code that gives no gradients and no "
                    "activations; write the exported program itself with torch.export.save");
    if (contents.programs.empty())
        throw Error(SSCAM_E_FORMAT, "a .pt2 package without a program; write one with "
                                    "torch.export.save");
    if (contents.programs.size() > 1)
        throw Error(SSCAM_E_UNSUPPORTED, "the package holds " +
                                             std::to_string(contents.programs.size()) +
                                             " programs; write each with torch.export.save");
    model_ = contents.programs[0];
    if (find("byteorder") && text("byteorder") != "little")
        throw Error(SSCAM_E_UNSUPPORTED, "the program was written on a machine of another byte "
                                         "order; write it on one of little-endian order");
}

std::string ProgramArchive::program() const
{
    return text(model_.empty() ? flat_program : models + model_ + model_ending);
}

std::string ProgramArchive::pickled_weights() const
{
    return model_.empty() ? flat_weights : existing("data/weights/" + model_ + ".pt");
}

std::string ProgramArchive::pickled_constants() const
{
    return model_.empty() ? flat_constants : existing("data/constants/" + model_ + ".pt");
}

std::string ProgramArchive::weight_configuration() const
{
    return existing("data/weights/" + model_ + "_weights_config.json");
}

std::string ProgramArchive::constant_configuration() const
{
    return existing("data/constants/" + model_ + "_constants_config.json");
}

std::string ProgramArchive::text(const std::string &name) const
{
    const ZipRecords::Record *record = find(name);
    if (!record)
        throw Error(SSCAM_E_FORMAT, "damaged .pt2 file: no record \"" + name + "\"");
    if (record->size > largest_text)
        throw Error(SSCAM_E_UNSUPPORTED, "the record \"" + name + "\" has " +
                                             std::to_string(record->size) + " bytes of text");
    std::string found(record->size, '\0');
    directory_.read(*record, &found[0]);
    return found;
}

} // namespace sscam
