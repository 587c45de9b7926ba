/* Builds zip archives of stored entries in memory. */
#ifndef SSCAM_TESTS_SUPPORT_ZIP_BUILDER_H
#define SSCAM_TESTS_SUPPORT_ZIP_BUILDER_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { ZIP_BUILDER_CAPACITY = 1 << 17, ZIP_BUILDER_ENTRIES = 32 };

typedef struct zip_builder {
    uint8_t bytes[ZIP_BUILDER_CAPACITY];
    size_t size;
    struct {
        const char *name;
        size_t content, offset;
        int method;
    } entries[ZIP_BUILDER_ENTRIES];
    int count;
} zip_builder;

static inline void zip_put(zip_builder *zip, const void *bytes, size_t count)
{
    ck_assert_uint_le(count, ZIP_BUILDER_CAPACITY - zip->size);
    memcpy(zip->bytes + zip->size, bytes, count);
    zip->size += count;
}

/* Little endian. */
static inline void zip_put_number(zip_builder *zip, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        const uint8_t byte = (uint8_t)(i < 8 ? value >> (8 * i) : 0);
        zip_put(zip, &byte, 1);
    }
}

/* The fields that local headers and entries of the directory share. */
static inline void zip_put_description(zip_builder *zip, const char *name, size_t content,
                                       int method)
{
    zip_put_number(zip, 20, 2); /* version */
    zip_put_number(zip, 0, 2);  /* flags */
    zip_put_number(zip, (uint64_t)method, 2);
    zip_put_number(zip, 0, 8); /* time, date, checksum */
    zip_put_number(zip, content, 4);
    zip_put_number(zip, content, 4);
    zip_put_number(zip, strlen(name), 2);
    zip_put_number(zip, 0, 2); /* extra field */
}

/* The method is 0, stored; another one is only claimed. */
static inline void zip_add(zip_builder *zip, const char *name, const void *content, size_t size,
                           int method)
{
    ck_assert_int_lt(zip->count, ZIP_BUILDER_ENTRIES);
    zip->entries[zip->count].name = name;
    zip->entries[zip->count].content = size;
    zip->entries[zip->count].offset = zip->size;
    zip->entries[zip->count++].method = method;
    zip_put(zip, "PK\3\4", 4);
    zip_put_description(zip, name, size, method);
    zip_put(zip, name, strlen(name));
    zip_put(zip, content, size);
}

/* Returns the directory's offset. */
static inline size_t zip_put_directory(zip_builder *zip)
{
    const size_t start = zip->size;
    for (int i = 0; i < zip->count; i++) {
        zip_put(zip, "PK\1\2", 4);
        zip_put_number(zip, 20, 2);
        zip_put_description(zip, zip->entries[i].name, zip->entries[i].content,
                            zip->entries[i].method);
        zip_put_number(zip, 0, 2 + 2 + 2); /* comment, disk, attributes */
        zip_put_number(zip, 0, 4);
        zip_put_number(zip, zip->entries[i].offset, 4);
        zip_put(zip, zip->entries[i].name, strlen(zip->entries[i].name));
    }
    return start;
}

static inline void zip_put_end(zip_builder *zip, uint64_t directory, uint64_t size, size_t comment)
{
    zip_put(zip, "PK\5\6", 4);
    zip_put_number(zip, 0, 4); /* disks */
    zip_put_number(zip, (uint64_t)zip->count, 2);
    zip_put_number(zip, (uint64_t)zip->count, 2);
    zip_put_number(zip, size, 4);
    zip_put_number(zip, directory, 4);
    zip_put_number(zip, comment, 2);
    for (size_t i = 0; i < comment; i++)
        zip_put(zip, " ", 1);
}

static inline void zip_finish(zip_builder *zip)
{
    const size_t directory = zip_put_directory(zip);
    zip_put_end(zip, directory, zip->size - directory, 0);
}

/* With the records that archives above 4 GiB have. */
static inline void zip_finish64(zip_builder *zip)
{
    const size_t directory = zip_put_directory(zip), size = zip->size - directory;
    const size_t record = zip->size;
    zip_put(zip, "PK\6\6", 4);
    zip_put_number(zip, 44, 8);
    zip_put_number(zip, 0, 4 + 8); /* versions, disks */
    zip_put_number(zip, (uint64_t)zip->count, 8);
    zip_put_number(zip, (uint64_t)zip->count, 8);
    zip_put_number(zip, size, 8);
    zip_put_number(zip, directory, 8);
    zip_put(zip, "PK\6\7", 4);
    zip_put_number(zip, 0, 4);
    zip_put_number(zip, record, 8);
    zip_put_number(zip, 1, 4);
    zip_put_end(zip, 0xFFFFFFFFu, 0xFFFFFFFFu, 0);
}

#endif
