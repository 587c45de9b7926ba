// The records of a zip archive that are stored as they are. Unlike libtorch's reader it takes
// archives without a folder around all records, which torch.export.save of PyTorch 2.5 and 2.6
// writes, and tells a record's size before anything is allocated.
#ifndef SSCAM_SHIM_PROGRAM_ZIP_DIRECTORY_HPP
#define SSCAM_SHIM_PROGRAM_ZIP_DIRECTORY_HPP

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_source.h"

namespace sscam {

class ZipDirectory {
public:
    struct Record {
        uint64_t header; // position of its header
        uint64_t size;
        bool is_compressed;
    };

    // Whether the source starts as a zip archive does.
    static bool is_zip(const sscam_byte_source &source);

    // Throws an Error if the directory is damaged or names records beyond the end. The source must
    // outlive it.
    explicit ZipDirectory(const sscam_byte_source &source);

    const std::map<std::string, Record> &records() const { return records_; }
    const Record *find(const std::string &name) const;

    // Reads the whole record, of find(), to `buffer`, which has record.size bytes.
    void read(const Record &record, void *buffer) const;

private:
    void read_bytes(uint64_t position, void *buffer, size_t count) const;
    std::vector<unsigned char> bytes(uint64_t position, size_t count) const;
    void read_entries(const std::vector<unsigned char> &directory, uint64_t count);

    const sscam_byte_source &source_;
    std::map<std::string, Record> records_;
};

} // namespace sscam

#endif
