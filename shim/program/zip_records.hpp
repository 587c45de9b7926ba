// The records of a zip archive by name. Unlike libtorch's reader this one takes archives without a
// folder around all records, which PyTorch 2.5 and 2.6 write, and knows a record's size before
// anything is allocated.
#ifndef SSCAM_SHIM_PROGRAM_ZIP_RECORDS_HPP
#define SSCAM_SHIM_PROGRAM_ZIP_RECORDS_HPP

#include <map>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "model/zip_entries.h"

namespace sscam {

class ZipRecords {
public:
    using Record = sscam_zip_entry;

    // Whether the source starts as a zip archive does.
    static bool is_archive(const sscam_byte_source &source);

    // Throws an Error if the directory is damaged or a record goes beyond the end. The source must
    // outlive it.
    explicit ZipRecords(const sscam_byte_source &source);

    const std::map<std::string, Record> &records() const { return records_; }
    const Record *find(const std::string &name) const;

    // Reads the whole record, of find(), to `buffer`, which has record.size bytes.
    void read(const Record &record, void *buffer) const;
    std::vector<unsigned char> bytes(const Record &record) const;

private:
    const sscam_byte_source &source_;
    std::map<std::string, Record> records_;
};

} // namespace sscam

#endif
