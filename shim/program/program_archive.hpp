// The records of a .pt2 file, in the layouts that torch.export.save of PyTorch 2.5 and later
// writes.
#ifndef SSCAM_SHIM_PROGRAM_PROGRAM_ARCHIVE_HPP
#define SSCAM_SHIM_PROGRAM_PROGRAM_ARCHIVE_HPP

#include <string>

#include "program/zip_records.hpp"

namespace sscam {

class ProgramArchive {
public:
    // Whether the source is a zip archive with the records of torch.export.save or AOTInductor.
    static bool is_one(const sscam_byte_source &source);

    // Throws an Error for a package of AOTInductor and for several programs in one file. The source
    // must outlive it.
    explicit ProgramArchive(const sscam_byte_source &source);

    // The program as JSON.
    std::string program() const;

    // Names of records, without the folder around all of them; "" where this layout has none.
    // Pickled ones hold all weights, or constants; configurations are JSON that tells which record
    // holds which tensor.
    std::string pickled_weights() const;
    std::string pickled_constants() const;
    std::string weight_configuration() const;
    std::string constant_configuration() const;

    const ZipRecords &directory() const { return directory_; }
    const std::string &folder() const { return folder_; } // with its slash
    const ZipRecords::Record *find(const std::string &name) const
    {
        return directory_.find(folder_ + name);
    }

    // Throws an Error if there is no such record, or its text is too long to be parsed.
    std::string text(const std::string &name) const;

private:
    std::string existing(const std::string &name) const { return find(name) ? name : ""; }

    ZipRecords directory_;
    std::string folder_; // with the slash; "" in the layout of PyTorch 2.5 and 2.6
    std::string model_;  // name of the program in its package
};

} // namespace sscam

#endif
