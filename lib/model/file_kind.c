#include "model/file_kind.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "model/pickle_content.h"
#include "model/zip_entries.h"

/* Of a file's start: all signatures, and what tells pickles apart. */
enum { START_SIZE = 16384, TEXT_SAMPLE = 512 };

/* --- what to do instead ----------------------------------------------------------------------- */

#define EXPORT_MODEL                                                                       \
    "torch.export.save(torch.export.export(model.eval(), (torch.rand(1, 3, 224, 224),)), " \
    "\"network.pt2\"), or torch.jit.script(model.eval()).save(\"network.pt\")"

static const char EXPORT_AGAIN[] = "export the network again: " EXPORT_MODEL;
static const char NEEDS_PYTORCH[] =
    "only networks of PyTorch are read: export its equal there: " EXPORT_MODEL;
static const char FROM_STATE_DICT[] =
    "build the network in Python, load the weights and export it: "
    "model.load_state_dict(torch.load(FILE)); " EXPORT_MODEL;
static const char FROM_CHECKPOINT[] =
    "build the network in Python, load the weights that the checkpoint holds and export it: "
    "model.load_state_dict(torch.load(FILE)[KEY]); " EXPORT_MODEL;
static const char FROM_SAFETENSORS[] =
    "build the network in Python, load the weights and export it: "
    "model.load_state_dict(safetensors.torch.load_file(FILE)); " EXPORT_MODEL;
static const char FROM_MODULE[] =
    "reading it runs code, in Python alone: where its origin is trusted, export the network there: "
    "model = torch.load(FILE, weights_only=False); " EXPORT_MODEL;
static const char FROM_CHECKPOINT_OF_MODULE[] =
    "reading it runs code, in Python alone: where its origin is trusted, export the network there: "
    "model = torch.load(FILE, weights_only=False)[\"model\"].float(); " EXPORT_MODEL;
static const char FROM_UNCOMPILED[] =
    "it is compiled for one kind of machine and gives no gradients: save the program that it was "
    "compiled from: torch.export.save(program, \"network.pt2\"), or "
    "torch.jit.script(model.eval()).save(\"network.pt\")";
static const char SWAPPED[] = "have the network and the image changed places?";
static const char UNPACK[] = "unpack it first";
static const char DOWNLOAD_AGAIN[] = "download or copy it again";

static sscam_status fail_kind(const sscam_byte_source *source, const char *kind, const char *remedy)
{
    return sscam_fail(SSCAM_E_FORMAT, "%s: %s; %s", source->name, kind, remedy);
}

/* --- formats with a signature ----------------------------------------------------------------- */

typedef struct signature {
    const char *bytes;
    size_t length, offset;
    const char *kind, *remedy;
} signature;

#define BYTES(text) text, sizeof(text) - 1

static const char IMAGE[] = "an image, not a network";
static const char LIBRARY[] = "a compiled library, such as AOTInductor makes, not a network";

static const signature signatures[] = {
    {BYTES("\x89PNG\r\n\x1a\n"), 0, IMAGE, SWAPPED},
    {BYTES("\xff\xd8\xff"), 0, IMAGE, SWAPPED},
    {BYTES("GIF8"), 0, IMAGE, SWAPPED},
    {BYTES("II*\0"), 0, IMAGE, SWAPPED},
    {BYTES("MM\0*"), 0, IMAGE, SWAPPED},
    {BYTES("WEBP"), 8, IMAGE, SWAPPED},
    {BYTES("\x93NUMPY"), 0, "an array of NumPy, not a network",
     "have the network and the input changed places?"},
    {BYTES("\x89HDF\r\n\x1a\n"), 0, "an HDF5 file, such as a Keras network or its weights",
     NEEDS_PYTORCH},
    {BYTES("TFL3"), 4, "a TensorFlow Lite network", NEEDS_PYTORCH},
    {BYTES("PTMF"), 4, "a network for PyTorch's lite interpreter (flatbuffer)", EXPORT_AGAIN},
    {BYTES("ET12"), 4, "an ExecuTorch program", EXPORT_AGAIN},
    {BYTES("GGUF"), 0, "a GGUF file, the weights of a language model", NEEDS_PYTORCH},
    {BYTES("ftrt"), 0, "a TensorRT engine", NEEDS_PYTORCH},
    {BYTES("7767517"), 0, "an ncnn network", NEEDS_PYTORCH},
    {BYTES("\x7f\x45LF"), 0, LIBRARY, FROM_UNCOMPILED},
    {BYTES("\x1f\x8b"), 0, "compressed by gzip", UNPACK},
    {BYTES("\xfd\x37zXZ"), 0, "compressed by xz", UNPACK},
    {BYTES("BZh"), 0, "compressed by bzip2", UNPACK},
    {BYTES("\x28\xb5\x2f\xfd"), 0, "compressed by Zstandard", UNPACK},
    {BYTES("7z\xbc\xaf\x27\x1c"), 0, "a 7-Zip archive", UNPACK},
    {BYTES("Rar!"), 0, "a RAR archive", UNPACK},
    {BYTES("ustar"), 257, "a tar archive", UNPACK},
    {BYTES("version https://git-lfs."), 0, "a Git LFS pointer, not the file that it stands for",
     "fetch that by `git lfs pull`"},
};

static const signature *find_signature(const uint8_t *start, size_t size)
{
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        const signature *one = &signatures[i];
        if (size >= one->offset + one->length &&
            memcmp(start + one->offset, one->bytes, one->length) == 0)
            return one;
    }
    return NULL;
}

/* --- formats without one ---------------------------------------------------------------------- */

/* Bytes of a length, of 64 bits, and a JSON object of that length. */
static bool is_safetensors(const uint8_t *start, size_t size, size_t file_size)
{
    uint64_t length = 0;
    if (size < 10)
        return false;
    for (size_t i = 8; i-- > 0;)
        length = length << 8 | start[i];
    return start[8] == '{' && (start[9] == '"' || start[9] == '}' || start[9] == ' ') &&
           length <= file_size - 8;
}

static bool contains(const uint8_t *start, size_t size, const char *word)
{
    const size_t length = strlen(word);
    for (size_t at = 0; at + length <= size; at++)
        if (memcmp(start + at, word, length) == 0)
            return true;
    return false;
}

/* Protocol buffers have no signature: field 1 is a version in the formats of whole networks, and a
 * node in graphs of TensorFlow 1. In ONNX, field 2 is a text, and in the others a message, whose
 * first byte is its own field 1 of type 2. */
static const char *protobuf_kind(const uint8_t *start, size_t size)
{
    enum { VERSION = 0x08, FIELD_1 = 0x0a, FIELD_2 = 0x12 };
    static const char ONNX[] = "an ONNX network";
    if (size < 16)
        return NULL;
    if (start[0] == FIELD_1)
        return contains(start, size < 256 ? size : 256, "Placeholder") ||
                       contains(start, size < 256 ? size : 256, "Const")
                   ? "a TensorFlow graph"
                   : NULL;
    if (start[0] != VERSION || start[1] < 1 || start[1] > 32)
        return NULL;
    if (start[2] != FIELD_2)
        return start[2] && start[2] < 0x80 && strchr("\x1a\x22\x28\x32\x3a\x42", start[2]) ? ONNX
                                                                                           : NULL;
    size_t inside = 4;
    while (inside < 12 && start[inside - 1] >= 0x80) /* bytes of the length */
        inside++;
    if (start[inside] != FIELD_1)
        return ONNX;
    return start[1] == 1 ? "a TensorFlow SavedModel" : "a Core ML network";
}

static bool is_text(const uint8_t *start, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (start[i] < ' ' && !(start[i] >= '\t' && start[i] <= '\r'))
            return false;
    return true;
}

static sscam_status fail_text(const sscam_byte_source *source, const uint8_t *start, size_t size)
{
    char text[TEXT_SAMPLE + 1];
    memcpy(text, start, size);
    text[size] = '\0';
    const char *first = text + strspn(text, "\xef\xbb\xbf \t\r\n");
    if (strncasecmp(first, "<!doctype html", 14) == 0 || strncasecmp(first, "<html", 5) == 0)
        return fail_kind(source, "a web page (HTML), not a network",
                         "the download gave a page in place of the file");
    if (*first == '<' && strstr(first, "<net "))
        return fail_kind(source, "an OpenVINO network", NEEDS_PYTORCH);
    if (*first == '<')
        return fail_kind(source, "an XML file, not a network", DOWNLOAD_AGAIN);
    if (*first == '{' || *first == '[')
        return fail_kind(source, "a JSON file, such as the configuration of a network, without it",
                         EXPORT_AGAIN);
    return sscam_fail(SSCAM_E_FORMAT, "%s: a text file that starts with \"%.*s\", not a network",
                      source->name,
                      (int)strcspn(first, "\r\n") < 40 ? (int)strcspn(first, "\r\n") : 40, first);
}

/* --- pickles ---------------------------------------------------------------------------------- */

static sscam_status fail_pickle(const sscam_byte_source *source, const uint8_t *start, size_t size)
{
    char name[SSCAM_PICKLE_NAME_SIZE], kind[SSCAM_PICKLE_NAME_SIZE + 100];
    switch (sscam_pickle_content_of(start, size, name)) {
    case SSCAM_PICKLE_STATE_DICT:
        return fail_kind(source, "a state dict: the weights of a network without the network",
                         FROM_STATE_DICT);
    case SSCAM_PICKLE_CHECKPOINT:
        snprintf(kind, sizeof kind,
                 "a checkpoint: a dictionary whose first key is \"%s\", without a network", name);
        return fail_kind(source, kind, FROM_CHECKPOINT);
    case SSCAM_PICKLE_CHECKPOINT_OF_MODULE:
        return fail_kind(source, "a checkpoint with a whole network, as torch.save() pickles it",
                         FROM_CHECKPOINT_OF_MODULE);
    case SSCAM_PICKLE_MODULE:
        snprintf(kind, sizeof kind, "an object of the class %s, as torch.save(model) pickles it",
                 name);
        return fail_kind(source, kind, FROM_MODULE);
    case SSCAM_PICKLE_TENSOR:
        return fail_kind(source, "a tensor that torch.save() wrote, not a network", EXPORT_AGAIN);
    case SSCAM_PICKLE_UNKNOWN:
    case SSCAM_PICKLE_OTHER: break;
    }
    return fail_kind(source, "a pickle of Python without a network", EXPORT_AGAIN);
}

static bool is_pickle(const uint8_t *start, size_t size)
{
    return size >= 2 && start[0] == 0x80 && start[1] >= 2 && start[1] <= 5;
}

/* --- zip archives ----------------------------------------------------------------------------- */

/* Which entries an archive has. */
typedef struct zip_content {
    bool has_program, has_constants, has_code, has_bytecode, has_compiled, has_pickle;
    bool has_keras_weights, has_server_manifest, has_core_ml, has_saved_model,
        has_other_than_arrays;
    sscam_zip_entry pickle, first;
} zip_content;

/* Archives of PyTorch have one folder around all. */
static const char *name_inside(const char *name)
{
    const char *slash = strchr(name, '/');
    return slash ? slash + 1 : name;
}

static bool is_named(const char *name, const char *wanted)
{
    return strcmp(name, wanted) == 0 || strcmp(name_inside(name), wanted) == 0;
}

static bool is_below(const char *name, const char *folder)
{
    return strncmp(name, folder, strlen(folder)) == 0 ||
           strncmp(name_inside(name), folder, strlen(folder)) == 0;
}

static bool ends_with(const char *name, const char *ending)
{
    const size_t length = strlen(name), tail = strlen(ending);
    return length >= tail && strcmp(name + length - tail, ending) == 0;
}

static void note_entry(zip_content *content, const sscam_zip_entry *entry)
{
    const char *name = entry->name;
    if (!*content->first.name)
        content->first = *entry;
    content->has_program |= (is_below(name, "models/") && ends_with(name, ".json")) ||
                            is_named(name, "serialized_exported_program.json");
    content->has_compiled |= is_below(name, "data/aotinductor/");
    content->has_constants |= is_named(name, "constants.pkl");
    content->has_code |= is_below(name, "code/");
    content->has_bytecode |= is_named(name, "bytecode.pkl");
    content->has_keras_weights |= ends_with(name, "model.weights.h5");
    content->has_server_manifest |= is_below(name, "MAR-INF/");
    content->has_core_ml |= is_below(name, "Data/com.apple.CoreML/");
    content->has_saved_model |= ends_with(name, "saved_model.pb");
    content->has_other_than_arrays |= !ends_with(name, ".npy");
    if (!content->has_pickle && is_named(name, "data.pkl")) {
        content->has_pickle = true;
        content->pickle = *entry;
    }
}

/* False where the archive cannot be read to its end. */
static bool read_zip_content(const sscam_byte_source *source, zip_content *out,
                             sscam_status *status)
{
    enum { MOST_ENTRIES = 1 << 20 };
    sscam_zip_entries directory;
    sscam_zip_entry entry;
    *out = (zip_content){0};
    if (!sscam_zip_open(source, &directory, status))
        return false;
    for (int i = 0; i < MOST_ENTRIES && sscam_zip_next(&directory, &entry, status); i++)
        note_entry(out, &entry);
    const bool is_damaged = !*out->first.name && directory.next < directory.end;
    return *status == SSCAM_OK && !is_damaged;
}

static sscam_status fail_torch_save(const sscam_byte_source *source, const sscam_zip_entry *pickle)
{
    uint8_t start[START_SIZE];
    size_t size;
    const sscam_status status = sscam_zip_read_start(source, pickle, start, sizeof start, &size);
    return status == SSCAM_OK ? fail_pickle(source, start, size) : status;
}

static sscam_status fail_other_zip(const sscam_byte_source *source, const zip_content *content)
{
    if (content->has_keras_weights)
        return fail_kind(source, "a Keras network", NEEDS_PYTORCH);
    if (content->has_server_manifest)
        return fail_kind(source, "a TorchServe archive", "unpack it and load the network in it");
    if (content->has_core_ml)
        return fail_kind(source, "a Core ML package", NEEDS_PYTORCH);
    if (content->has_saved_model)
        return fail_kind(source, "a TensorFlow SavedModel", NEEDS_PYTORCH);
    if (*content->first.name && !content->has_other_than_arrays)
        return fail_kind(source, "arrays of NumPy (.npz), not a network", EXPORT_AGAIN);
    return sscam_fail(SSCAM_E_FORMAT,
                      "%s: a zip archive that holds no network itself; its first entry is \"%s\"",
                      source->name, content->first.name);
}

static sscam_status fail_zip(const sscam_byte_source *source)
{
    zip_content content;
    sscam_status status;
    if (!read_zip_content(source, &content, &status))
        return status != SSCAM_OK
                   ? status
                   : sscam_fail(SSCAM_E_FORMAT,
                                "%s: incomplete or damaged: a zip archive of %zu bytes without "
                                "its directory; %s",
                                source->name, source->size, DOWNLOAD_AGAIN);
    if (content.has_program)
        return SSCAM_E_FORMAT;
    if (content.has_compiled)
        return fail_kind(source, "a package of AOTInductor, not an exported program",
                         FROM_UNCOMPILED);
    if (content.has_bytecode && !content.has_code)
        return fail_kind(source, "a network for PyTorch's lite interpreter, without its code",
                         EXPORT_AGAIN);
    if (content.has_constants || content.has_code)
        return SSCAM_E_FORMAT;
    return content.has_pickle ? fail_torch_save(source, &content.pickle)
                              : fail_other_zip(source, &content);
}

/* --- all of them ------------------------------------------------------------------------------ */

static sscam_status fail_unknown(const sscam_byte_source *source, const uint8_t *start, size_t size)
{
    char bytes[3 * 8 + 1] = "";
    for (size_t i = 0; i < size && i < 8; i++)
        snprintf(bytes + 3 * i, 4, " %02x", start[i]);
    return sscam_fail(SSCAM_E_FORMAT,
                      "%s: neither a program of torch.export nor a TorchScript file; it starts "
                      "with the bytes%s",
                      source->name, bytes);
}

static sscam_status fail_start(const sscam_byte_source *source, const uint8_t *start, size_t size)
{
    const size_t sample = size < TEXT_SAMPLE ? size : TEXT_SAMPLE;
    const signature *known = find_signature(start, size);
    if (known)
        return fail_kind(source, known->kind, known->remedy);
    if (is_pickle(start, size))
        return fail_pickle(source, start, size);
    if (is_safetensors(start, size, source->size))
        return fail_kind(source, "a safetensors file: the weights of a network without the network",
                         FROM_SAFETENSORS);
    if (is_text(start, sample))
        return fail_text(source, start, sample);
    const char *protobuf = protobuf_kind(start, size);
    return protobuf ? fail_kind(source, protobuf, NEEDS_PYTORCH)
                    : fail_unknown(source, start, size);
}

sscam_status sscam_fail_file_kind(const sscam_byte_source *source)
{
    uint8_t start[START_SIZE];
    const size_t size = source->size < START_SIZE ? source->size : START_SIZE;
    const sscam_status status = sscam_byte_source_read(source, 0, start, size);
    if (status != SSCAM_OK)
        return status;
    return sscam_zip_is_archive(start, size) ? fail_zip(source) : fail_start(source, start, size);
}
