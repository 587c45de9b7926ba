#include "program/zip_directory.hpp"

#include <algorithm>
#include <cstring>

#include "common/guard.hpp"

namespace sscam {

namespace {

using Bytes = std::vector<unsigned char>;

// Sizes of the fixed parts, and what they start with (APPNOTE.TXT of PKWARE, 4.3).
constexpr size_t LOCAL_SIZE = 30, CENTRAL_SIZE = 46, END_SIZE = 22, END64_SIZE = 56,
                 LOCATOR64_SIZE = 20, LARGEST_COMMENT = 0xffff;
constexpr uint32_t LOCAL = 0x04034b50, CENTRAL = 0x02014b50, END = 0x06054b50, END64 = 0x06064b50,
                   LOCATOR64 = 0x07064b50;
constexpr uint32_t IN_EXTRA_FIELD = 0xffffffff;
constexpr uint16_t EXTRA_FIELD_64 = 1;

uint64_t number(const Bytes &bytes, size_t at, size_t width)
{
    uint64_t value = 0;
    for (size_t i = width; i-- > 0;)
        value = value << 8 | bytes[at + i];
    return value;
}

uint16_t two(const Bytes &bytes, size_t at)
{
    return static_cast<uint16_t>(number(bytes, at, 2));
}

uint32_t four(const Bytes &bytes, size_t at)
{
    return static_cast<uint32_t>(number(bytes, at, 4));
}

[[noreturn]] void damaged(const std::string &what)
{
    throw Error(SSCAM_E_FORMAT, "damaged zip archive: " + what);
}

// The fields that did not fit into 32 bits, in their fixed order.
void read_extra_field(const Bytes &directory, size_t at, size_t end, std::vector<uint64_t *> wanted)
{
    while (!wanted.empty() && at + 4 <= end) {
        const uint16_t kind = two(directory, at), size = two(directory, at + 2);
        at += 4;
        if (at + size > end)
            break;
        if (kind == EXTRA_FIELD_64) {
            if (wanted.size() * 8 > size)
                break;
            for (size_t i = 0; i < wanted.size(); i++)
                *wanted[i] = number(directory, at + i * 8, 8);
            return;
        }
        at += size;
    }
    if (!wanted.empty())
        damaged("a record's size is missing");
}

} // namespace

bool ZipDirectory::is_zip(const sscam_byte_source &source)
{
    char start[4];
    if (source.size < END_SIZE)
        return false;
    const sscam_status status = sscam_byte_source_read(&source, 0, start, sizeof start);
    if (status != SSCAM_OK)
        throw Reported(status);
    return std::memcmp(start, "PK\3\4", sizeof start) == 0;
}

void ZipDirectory::read_bytes(uint64_t position, void *buffer, size_t count) const
{
    if (position > source_.size || count > source_.size - position)
        damaged("it ends before its contents");
    const sscam_status status = sscam_byte_source_read(&source_, position, buffer, count);
    if (status != SSCAM_OK)
        throw Reported(status);
}

Bytes ZipDirectory::bytes(uint64_t position, size_t count) const
{
    if (count > source_.size)
        damaged("it ends before its contents");
    Bytes found(count);
    read_bytes(position, found.data(), count);
    return found;
}

ZipDirectory::ZipDirectory(const sscam_byte_source &source) : source_(source)
{
    const size_t searched = std::min<size_t>(source.size, END_SIZE + LARGEST_COMMENT);
    const size_t start = source.size - searched;
    const Bytes tail = bytes(start, searched);
    size_t end = searched < END_SIZE ? 0 : searched - END_SIZE + 1;
    while (end > 0 && four(tail, end - 1) != END)
        end--;
    if (end-- == 0)
        damaged("no directory at its end; the file may be cut off");

    uint64_t count = two(tail, end + 10), size = four(tail, end + 12), at = four(tail, end + 16);
    if (end >= LOCATOR64_SIZE && four(tail, end - LOCATOR64_SIZE) == LOCATOR64) {
        const Bytes large = bytes(number(tail, end - LOCATOR64_SIZE + 8, 8), END64_SIZE);
        if (four(large, 0) != END64)
            damaged("its directory of 64 bits is not where it should be");
        count = number(large, 32, 8);
        size = number(large, 40, 8);
        at = number(large, 48, 8);
    }
    if (size > source.size || at > source.size - size)
        damaged("its directory is beyond its end");
    read_entries(bytes(at, size), count);
}

void ZipDirectory::read_entries(const Bytes &directory, uint64_t count)
{
    size_t at = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (directory.size() - at < CENTRAL_SIZE || four(directory, at) != CENTRAL)
            damaged("its directory has fewer records than it says");
        Record record = {four(directory, at + 42), four(directory, at + 24),
                         two(directory, at + 10) != 0};
        const size_t name = at + CENTRAL_SIZE, extra = name + two(directory, at + 28),
                     comment = extra + two(directory, at + 30),
                     next = comment + two(directory, at + 32);
        if (next > directory.size())
            damaged("its directory has fewer records than it says");
        uint64_t stored = four(directory, at + 20);
        std::vector<uint64_t *> large;
        for (uint64_t *field : {&record.size, &stored, &record.header})
            if (*field == IN_EXTRA_FIELD)
                large.push_back(field);
        read_extra_field(directory, extra, comment, std::move(large));
        const std::string text(directory.begin() + static_cast<ptrdiff_t>(name),
                               directory.begin() + static_cast<ptrdiff_t>(extra));
        if (record.header > source_.size || stored > source_.size - record.header ||
            (!record.is_compressed && record.size != stored))
            damaged("the record \"" + text + "\" goes beyond its end");
        if (!records_.emplace(text, record).second)
            damaged("two records are named \"" + text + "\"");
        at = next;
    }
}

const ZipDirectory::Record *ZipDirectory::find(const std::string &name) const
{
    const auto found = records_.find(name);
    return found == records_.end() ? nullptr : &found->second;
}

void ZipDirectory::read(const Record &record, void *buffer) const
{
    if (record.is_compressed)
        throw Error(SSCAM_E_UNSUPPORTED, "the zip archive is compressed, which torch.export.save "
                                         "does not do; pack it again without compression");
    const Bytes header = bytes(record.header, LOCAL_SIZE);
    if (four(header, 0) != LOCAL)
        damaged("a record is not where it should be");
    read_bytes(record.header + LOCAL_SIZE + two(header, 26) + two(header, 28), buffer, record.size);
}

} // namespace sscam
