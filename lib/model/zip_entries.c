/* The format: APPNOTE.TXT of PKWARE, 4.3.7 (local headers), 4.3.12 (the central directory), 4.3.14
 * to 4.3.16 (its end, also of 64 bits). */
#include "model/zip_entries.h"

#include <string.h>

enum {
    LOCAL_HEADER_SIZE = 30,
    ENTRY_SIZE = 46,
    END_SIZE = 22,
    LOCATOR_SIZE = 20,
    END64_SIZE = 56,
    COMMENT_LIMIT = 0xFFFF, /* which may follow the end of the directory */
    BLOCK = 4096            /* in which the end is searched */
};

static const uint32_t WITHOUT_VALUE = 0xFFFFFFFFu; /* 64 bits follow elsewhere */

static uint64_t little_endian(const uint8_t *bytes, size_t count)
{
    uint64_t value = 0;
    for (size_t i = count; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

static bool has_signature(const uint8_t *bytes, const char signature[2])
{
    return bytes[0] == 'P' && bytes[1] == 'K' && memcmp(bytes + 2, signature, 2) == 0;
}

bool sscam_zip_is_archive(const uint8_t *start, size_t count)
{
    return count >= 4 && (has_signature(start, "\3\4") || has_signature(start, "\5\6"));
}

/* Reads what lies within the source; false where it does not, and where reading fails. */
static bool read_within(const sscam_byte_source *source, uint64_t offset, uint8_t *buffer,
                        size_t count, sscam_status *status)
{
    if (offset > source->size || count > source->size - offset)
        return false;
    *status = sscam_byte_source_read(source, (size_t)offset, buffer, count);
    return *status == SSCAM_OK;
}

/* Whether a record at the end of the directory is followed by exactly its comment. */
static bool ends_source(const sscam_byte_source *source, size_t offset, const uint8_t *end)
{
    return has_signature(end, "\5\6") &&
           offset + END_SIZE + little_endian(end + 20, 2) == source->size;
}

/* Searches backwards; blocks overlap by all but one byte of the record. */
static bool find_end(const sscam_byte_source *source, uint8_t end[END_SIZE], size_t *offset,
                     sscam_status *status)
{
    uint8_t block[BLOCK];
    if (source->size < END_SIZE)
        return false;
    const size_t last = source->size - END_SIZE;
    const size_t first = last > COMMENT_LIMIT ? last - COMMENT_LIMIT : 0;
    for (size_t stop = last + 1; stop > first;) { /* records at stop and above are ruled out */
        const size_t most = BLOCK - END_SIZE + 1;
        const size_t start = stop - first > most ? stop - most : first;
        if (!read_within(source, start, block, stop - start + END_SIZE - 1, status))
            return false;
        for (size_t at = stop; at-- > start;)
            if (ends_source(source, at, block + (at - start))) {
                memcpy(end, block + (at - start), END_SIZE);
                *offset = at;
                return true;
            }
        stop = start;
    }
    return false;
}

/* Directories of large archives are described by a second record, which a locator finds. */
static bool read_end64(const sscam_byte_source *source, size_t end_offset, sscam_zip_entries *out,
                       sscam_status *status)
{
    uint8_t locator[LOCATOR_SIZE], end[END64_SIZE];
    if (end_offset < LOCATOR_SIZE ||
        !read_within(source, end_offset - LOCATOR_SIZE, locator, LOCATOR_SIZE, status) ||
        !has_signature(locator, "\6\7") ||
        !read_within(source, little_endian(locator + 8, 8), end, END64_SIZE, status) ||
        !has_signature(end, "\6\6"))
        return false;
    out->next = little_endian(end + 48, 8);
    out->end = little_endian(end + 40, 8); /* a size still */
    return true;
}

bool sscam_zip_open(const sscam_byte_source *source, sscam_zip_entries *out, sscam_status *status)
{
    uint8_t end[END_SIZE];
    size_t offset;
    *out = (sscam_zip_entries){.source = source};
    *status = SSCAM_OK;
    if (!find_end(source, end, &offset, status))
        return false;
    out->next = little_endian(end + 16, 4);
    out->end = little_endian(end + 12, 4);
    if (out->next == WITHOUT_VALUE || out->end == WITHOUT_VALUE)
        if (!read_end64(source, offset, out, status))
            return false;
    if (out->next > offset || out->end > offset - out->next)
        return false;
    out->end += out->next;
    return true;
}

/* Sizes and offsets above 32 bits are in an extra field of identifier 1, those alone that are
 * needed, in this order: size, size in the archive, offset. */
static void read_extra64(const uint8_t *entry, const uint8_t *extra, size_t length,
                         sscam_zip_entry *out)
{
    for (size_t at = 0; at + 4 <= length;) {
        const size_t size = (size_t)little_endian(extra + at + 2, 2);
        const uint8_t *value = extra + at + 4, *end = value + size;
        if (size > length - at - 4)
            return;
        if (little_endian(extra + at, 2) == 1) {
            if (little_endian(entry + 24, 4) == WITHOUT_VALUE)
                value += 8;
            if (out->size == WITHOUT_VALUE && end - value >= 8) {
                out->size = little_endian(value, 8);
                value += 8;
            }
            if (out->header_offset == WITHOUT_VALUE && end - value >= 8)
                out->header_offset = little_endian(value, 8);
            return;
        }
        at += 4 + size;
    }
}

bool sscam_zip_next(sscam_zip_entries *directory, sscam_zip_entry *out, sscam_status *status)
{
    uint8_t entry[ENTRY_SIZE], extra[64];
    if (directory->end - directory->next < ENTRY_SIZE ||
        !read_within(directory->source, directory->next, entry, ENTRY_SIZE, status) ||
        !has_signature(entry, "\1\2"))
        return false;
    const size_t name = (size_t)little_endian(entry + 28, 2);
    const size_t extra_size = (size_t)little_endian(entry + 30, 2);
    const size_t total = ENTRY_SIZE + name + extra_size + (size_t)little_endian(entry + 32, 2);
    if (total > directory->end - directory->next)
        return false;
    const uint64_t name_at = directory->next + ENTRY_SIZE;
    const size_t kept = name < SSCAM_ZIP_NAME_LIMIT ? name : SSCAM_ZIP_NAME_LIMIT;
    const size_t extra_kept = extra_size < sizeof extra ? extra_size : sizeof extra;
    *out = (sscam_zip_entry){.is_stored = little_endian(entry + 10, 2) == 0,
                             .size = little_endian(entry + 20, 4),
                             .header_offset = little_endian(entry + 42, 4)};
    if (!read_within(directory->source, name_at, (uint8_t *)out->name, kept, status) ||
        !read_within(directory->source, name_at + name, extra, extra_kept, status))
        return false;
    read_extra64(entry, extra, extra_kept, out);
    directory->next += total;
    return true;
}

sscam_status sscam_zip_read_start(const sscam_byte_source *source, const sscam_zip_entry *entry,
                                  uint8_t *buffer, size_t capacity, size_t *count)
{
    uint8_t header[LOCAL_HEADER_SIZE];
    sscam_status status = SSCAM_OK;
    *count = 0;
    if (!entry->is_stored ||
        !read_within(source, entry->header_offset, header, sizeof header, &status) ||
        !has_signature(header, "\3\4"))
        return status;
    const uint64_t start = entry->header_offset + LOCAL_HEADER_SIZE +
                           little_endian(header + 26, 2) + little_endian(header + 28, 2);
    size_t wanted = capacity;
    if (start >= source->size)
        return status;
    if (wanted > entry->size)
        wanted = (size_t)entry->size;
    if (wanted > source->size - start)
        wanted = (size_t)(source->size - start);
    if (read_within(source, start, buffer, wanted, &status))
        *count = wanted;
    return status;
}
