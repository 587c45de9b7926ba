/* Maps as bytes, to be kept in a cache or sent to another process: sscam_map_encode() and
 * sscam_map_decode().
 *
 * Numbers are little-endian: a magic, the version of the form, the fields in the order of
 * code_map(), and the FNV-1a hash of all of this. One function writes and reads, so that both know
 * the same fields. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/map_private.h"

/* Maps of detections have a box, in the second form. */
enum { VERSION = 2, VERSION_WITHOUT_BOX = 1, HASH_SIZE = 8, LONGEST_TEXT = 1 << 20 };
static const char MAGIC[8] = {'s', 's', 'c', 'a', 'm', 'm', 'a', 'p'};

/* Writes where `out` is not NULL, reads where `in` is not NULL, and else counts bytes. */
typedef struct codec {
    uint8_t *out;
    const uint8_t *in;
    size_t size, at;
    int32_t is_damaged, lacks_memory;
} codec;

static int32_t has_failed(const codec *c)
{
    return c->is_damaged || c->lacks_memory;
}

static void require(codec *c, int32_t is_right)
{
    if (c->in && !is_right)
        c->is_damaged = 1;
}

/* --- values ----------------------------------------------------------------------------------- */

static uint64_t code_bits(codec *c, uint64_t bits, size_t bytes)
{
    require(c, !c->in || bytes <= c->size - c->at);
    if (has_failed(c))
        return 0;
    uint64_t found = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (c->out)
            c->out[c->at + i] = (uint8_t)(bits >> 8 * i);
        if (c->in)
            found |= (uint64_t)c->in[c->at + i] << 8 * i;
    }
    c->at += bytes;
    return c->in ? found : bits;
}

static void code_integer(codec *c, int64_t *value, int64_t lowest, int64_t highest)
{
    const int64_t found = (int64_t)code_bits(c, (uint64_t)*value, sizeof *value);
    require(c, found >= lowest && found <= highest);
    *value = found;
}

static void code_small(codec *c, int32_t *value, int32_t lowest, int32_t highest)
{
    int64_t wide = *value;
    code_integer(c, &wide, lowest, highest);
    if (!has_failed(c))
        *value = (int32_t)wide;
}

static void code_real(codec *c, double *value)
{
    uint64_t bits;
    memcpy(&bits, value, sizeof bits);
    bits = code_bits(c, bits, sizeof bits);
    memcpy(value, &bits, sizeof bits);
    require(c, isfinite(*value));
}

/* Room for what is read: not more than the bytes that are left are said to hold. */
static void *room_for(codec *c, int64_t count, size_t element_size)
{
    require(c, count >= 0 && (uint64_t)count <= (c->size - c->at) / element_size);
    if (has_failed(c))
        return NULL;
    void *room = sscam_allocate_array(count, element_size);
    c->lacks_memory |= !room;
    return room;
}

static void code_floats(codec *c, float **values, int64_t count)
{
    if (c->in)
        *values = room_for(c, count, sizeof **values);
    for (int64_t i = 0; i < count && !has_failed(c); i++) {
        uint32_t bits = 0;
        if (!c->in)
            memcpy(&bits, &(*values)[i], sizeof bits);
        bits = (uint32_t)code_bits(c, bits, sizeof bits);
        if (c->in)
            memcpy(&(*values)[i], &bits, sizeof bits);
        require(c, isfinite((*values)[i]));
    }
}

/* What is written is not written to: it is a map's, which other threads read. */
static void code_byte(codec *c, uint8_t *byte)
{
    const uint64_t bits = code_bits(c, *byte, 1);
    if (c->in)
        *byte = (uint8_t)bits;
}

static void code_bytes(codec *c, uint8_t **values, int64_t count)
{
    if (c->in)
        *values = room_for(c, count, 1);
    for (int64_t i = 0; i < count && !has_failed(c); i++)
        code_byte(c, &(*values)[i]);
}

static void code_text(codec *c, char **text)
{
    int64_t length = c->in ? 0 : (int64_t)strlen(*text);
    code_integer(c, &length, 0, LONGEST_TEXT);
    if (c->in) {
        require(c, (uint64_t)length <= c->size - c->at);
        if (has_failed(c))
            return;
        *text = sscam_zeros(length + 1, 1);
        c->lacks_memory |= !*text;
    }
    for (int64_t i = 0; i < length && !has_failed(c); i++) {
        code_byte(c, (uint8_t *)&(*text)[i]);
        require(c, (*text)[i] != '\0');
    }
}

/* --- parts of a map --------------------------------------------------------------------------- */

static void code_sides(codec *c, int32_t rank, sscam_sides *sides)
{
    code_integer(c, &sides->depth, 1, rank > 2 ? INT32_MAX : 1);
    code_integer(c, &sides->height, 1, rank > 1 ? INT32_MAX : 1);
    code_integer(c, &sides->width, 1, INT32_MAX);
    require(c, !has_failed(c) && sscam_times(sides->depth, sscam_times(sides->height,
                                                                       sides->width)) <= INT32_MAX);
}

static void code_geometry(codec *c, const sscam_map *map, sscam_geometry *geometry)
{
    const int32_t most = INT32_C(1) << 28;
    code_small(c, &geometry->source_width, 1, most);
    code_small(c, &geometry->source_height, 1, most);
    code_small(c, &geometry->resized_width, 1, most);
    code_small(c, &geometry->resized_height, 1, most);
    code_small(c, &geometry->crop_left, -most, most);
    code_small(c, &geometry->crop_top, -most, most);
    code_small(c, &geometry->input_width, 1, most);
    code_small(c, &geometry->input_height, 1, most);
    require(c, map->rank == 2 && geometry->input_width == map->sides.width &&
                   geometry->input_height == map->sides.height);
}

static void code_target_pixels(codec *c, sscam_target_pixels **pixels)
{
    int32_t has_pixels = *pixels != NULL;
    code_small(c, &has_pixels, 0, 1);
    if (has_failed(c) || !has_pixels)
        return;
    if (c->in) {
        *pixels = sscam_zeros(1, sizeof **pixels);
        c->lacks_memory |= !*pixels;
    }
    if (has_failed(c))
        return;
    code_integer(c, &(*pixels)->height, 1, INT32_MAX);
    code_integer(c, &(*pixels)->width, 1, INT32_MAX);
    code_integer(c, &(*pixels)->count, 1, INT64_MAX);
    code_real(c, &(*pixels)->factor);
    if (has_failed(c))
        return;
    const int64_t positions = sscam_times((*pixels)->height, (*pixels)->width);
    int64_t inside = 0;
    code_bytes(c, &(*pixels)->inside, positions);
    for (int64_t i = 0; i < positions && !has_failed(c); i++) {
        require(c, (*pixels)->inside[i] <= 1);
        inside += (*pixels)->inside[i];
    }
    require(c, inside == (*pixels)->count);
}

/* The name of a method that this release knows lives as long as the library; another one belongs to
 * the map. */
static void code_method(codec *c, sscam_map *map)
{
    char *name = c->in ? NULL : (char *)map->method;
    code_text(c, &name);
    if (!c->in)
        return;
    free(map->own_method);
    map->method = map->own_method = name;
}

static void code_map(codec *c, sscam_map *map)
{
    int32_t has_weights = map->weights != NULL;
    code_small(c, &map->rank, 1, 3);
    code_sides(c, map->rank, &map->sides);
    code_sides(c, map->rank, &map->raw_sides);
    code_integer(c, &map->channel_count, 0, INT64_MAX);
    code_integer(c, &map->class_index, -1, INT64_MAX);
    code_real(c, &map->logit);
    code_real(c, &map->probability);
    code_small(c, &map->is_flat, 0, 1);
    code_integer(c, &map->passes, 0, INT64_MAX);
    code_method(c, map);
    code_text(c, &map->layer);
    code_text(c, &map->diagnostics);
    code_small(c, &map->from_image, 0, 1);
    if (!has_failed(c) && map->from_image)
        code_geometry(c, map, &map->geometry);
    code_target_pixels(c, &map->target_pixels);
    if (has_failed(c))
        return;
    code_floats(c, &map->data, sscam_position_count(map->sides));
    code_floats(c, &map->raw, sscam_position_count(map->raw_sides));
    code_small(c, &has_weights, 0, 1);
    if (!has_failed(c) && has_weights)
        code_floats(c, &map->weights, map->channel_count);
}

static void code_box(codec *c, sscam_map *map)
{
    map->has_detection = 1;
    code_real(c, &map->box.left);
    code_real(c, &map->box.top);
    code_real(c, &map->box.right);
    code_real(c, &map->box.bottom);
}

/* Values beyond [0,1] would index colours that there are none of. */
static void check_values(codec *c, const sscam_map *map)
{
    for (int64_t i = 0; !has_failed(c) && i < sscam_position_count(map->sides); i++)
        require(c, map->data[i] >= 0.0f && map->data[i] <= 1.0f);
}

/* --- the whole -------------------------------------------------------------------------------- */

static uint64_t hash_of(const uint8_t *bytes, size_t size)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001B3);
    return hash;
}

static void write_whole(codec *c, const sscam_map *map)
{
    sscam_map fields = *map; /* code_map() changes nothing that it writes */
    for (size_t i = 0; i < sizeof MAGIC; i++)
        code_bits(c, (uint8_t)MAGIC[i], 1);
    code_bits(c, map->has_detection ? VERSION : VERSION_WITHOUT_BOX, 4);
    code_map(c, &fields);
    if (map->has_detection)
        code_box(c, &fields);
    code_bits(c, c->out ? hash_of(c->out, c->at) : 0, HASH_SIZE);
}

sscam_status sscam_map_encode(const sscam_map *map, void **data, size_t *size)
{
    if (data)
        *data = NULL;
    if (size)
        *size = 0;
    if (!map || !data || !size)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_map_encode: %s is NULL",
                          !map    ? "map"
                          : !data ? "data"
                                  : "size");
    codec counting = {0};
    write_whole(&counting, map);
    codec writing = {.out = malloc(counting.at)};
    if (!writing.out)
        return sscam_fail_memory("a map's bytes");
    write_whole(&writing, map);
    *data = writing.out;
    *size = writing.at;
    return sscam_succeed();
}

static sscam_status check_frame(const uint8_t *bytes, size_t size, codec *c, uint64_t *form)
{
    if (size < sizeof MAGIC + 4 + HASH_SIZE || memcmp(bytes, MAGIC, sizeof MAGIC) != 0)
        return sscam_fail(SSCAM_E_FORMAT, "sscam_map_decode: no map of sscam_map_encode()");
    *c = (codec){.in = bytes, .size = size, .at = sizeof MAGIC};
    const uint64_t version = code_bits(c, 0, 4);
    if (version > VERSION)
        return sscam_fail(SSCAM_E_FORMAT,
                          "sscam_map_decode: a map of a later release, in form %" PRIu64
                          "; this release reads form %d",
                          version, VERSION);
    codec hash = {.in = bytes, .size = size, .at = size - HASH_SIZE};
    if (version < 1 || code_bits(&hash, 0, HASH_SIZE) != hash_of(bytes, size - HASH_SIZE))
        return sscam_fail(SSCAM_E_FORMAT, "sscam_map_decode: the map is damaged or truncated");
    c->size -= HASH_SIZE;
    *form = version;
    return SSCAM_OK;
}

sscam_status sscam_map_decode(const void *data, size_t size, sscam_map **out)
{
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_map_decode: out is NULL");
    *out = NULL;
    if (!data)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_map_decode: data is NULL");
    codec reading;
    uint64_t form = 0;
    sscam_status status = check_frame(data, size, &reading, &form);
    if (status != SSCAM_OK)
        return status;
    sscam_map *map = calloc(1, sizeof *map);
    if (!map)
        return sscam_fail_memory("a map");
    code_map(&reading, map);
    if (form == VERSION)
        code_box(&reading, map);
    check_values(&reading, map);
    require(&reading, reading.at == reading.size);
    if (reading.lacks_memory)
        status = sscam_fail_memory("a map");
    else if (reading.is_damaged)
        status = sscam_fail(SSCAM_E_FORMAT, "sscam_map_decode: the map is damaged");
    if (status != SSCAM_OK) {
        sscam_map_unref(map);
        return status;
    }
    *out = map;
    return sscam_succeed();
}
