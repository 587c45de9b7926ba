#include "program/zip_records.hpp"

#include "common/guard.hpp"

namespace sscam {

namespace {

[[noreturn]] void damaged_archive(const std::string &what)
{
    throw Error(SSCAM_E_FORMAT, "damaged zip archive: " + what);
}

} // namespace

bool ZipRecords::is_archive(const sscam_byte_source &source)
{
    uint8_t start[4];
    if (source.size < sizeof start)
        return false;
    throw_if_failed(sscam_byte_source_read(&source, 0, start, sizeof start));
    return sscam_zip_is_archive(start, sizeof start);
}

ZipRecords::ZipRecords(const sscam_byte_source &source) : source_(source)
{
    sscam_zip_entries directory;
    sscam_status status = SSCAM_OK;
    const bool is_open = sscam_zip_open(&source, &directory, &status);
    throw_if_failed(status);
    if (!is_open)
        damaged_archive("it has no directory");
    for (Record record; directory.next < directory.end;) {
        const bool is_read = sscam_zip_next(&directory, &record, &status);
        throw_if_failed(status);
        if (!is_read)
            damaged_archive("its directory breaks off");
        if (record.header_offset > source.size || record.size > source.size - record.header_offset)
            damaged_archive(std::string("the record \"") + record.name + "\" goes beyond its end");
        if (!records_.emplace(record.name, record).second)
            damaged_archive(std::string("two records are named \"") + record.name + "\"");
    }
}

const ZipRecords::Record *ZipRecords::find(const std::string &name) const
{
    const auto found = records_.find(name);
    return found == records_.end() ? nullptr : &found->second;
}

void ZipRecords::read(const Record &record, void *buffer) const
{
    if (!record.is_stored)
        throw Error(SSCAM_E_UNSUPPORTED, "the zip archive is compressed, which torch.export.save "
                                         "does not do; pack it again without compression");
    size_t count = 0;
    throw_if_failed(sscam_zip_read_start(&source_, &record, static_cast<uint8_t *>(buffer),
                                         record.size, &count));
    if (count != record.size)
        damaged_archive(std::string("the record \"") + record.name + "\" goes beyond its end");
}

std::vector<unsigned char> ZipRecords::bytes(const Record &record) const
{
    std::vector<unsigned char> found(record.size);
    read(record, found.data());
    return found;
}

} // namespace sscam
