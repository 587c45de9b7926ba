/* The instructions: Lib/pickletools.py of Python, protocols 0 to 5. */
#include "model/pickle_content.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What follows an instruction's byte. */
typedef enum argument_kind {
    ARGUMENT_UNKNOWN, /* no such instruction */
    ARGUMENT_NONE,
    ARGUMENT_1_BYTE,
    ARGUMENT_2_BYTES,
    ARGUMENT_4_BYTES,
    ARGUMENT_8_BYTES,
    ARGUMENT_LINE,
    ARGUMENT_TWO_LINES,
    ARGUMENT_TEXT_1, /* a length of one byte, and as many bytes */
    ARGUMENT_TEXT_4,
    ARGUMENT_TEXT_8
} argument_kind;

enum {
    MARK = '(',
    STOP = '.',
    GLOBAL = 'c',
    EMPTY_DICT = '}',
    UNICODE_4 = 'X',
    PROTO = 0x80,
    UNICODE_1 = 0x8c,
    STACK_GLOBAL = 0x93,
    MEMOIZE = 0x94,
    FRAME = 0x95
};

static argument_kind argument_of(uint8_t instruction)
{
    static const char *const instructions[] = {
        [ARGUMENT_NONE] = "(.012NQRabde]}los)tu\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x97"
                          "\x98",
        [ARGUMENT_1_BYTE] = "Khq\x80\x82",
        [ARGUMENT_2_BYTES] = "M\x83",
        [ARGUMENT_4_BYTES] = "Jjr\x84",
        [ARGUMENT_8_BYTES] = "G\x95",
        [ARGUMENT_LINE] = "FILPSVgp",
        [ARGUMENT_TWO_LINES] = "ci",
        [ARGUMENT_TEXT_1] = "UC\x8a\x8c",
        [ARGUMENT_TEXT_4] = "TXB\x8b",
        [ARGUMENT_TEXT_8] = "\x8d\x8e\x96",
    };
    for (int kind = ARGUMENT_NONE; instruction && kind <= ARGUMENT_TEXT_8; kind++)
        if (strchr(instructions[kind], instruction))
            return (argument_kind)kind;
    return ARGUMENT_UNKNOWN;
}

typedef struct text_span {
    const char *start;
    size_t length;
} text_span;

typedef struct instruction {
    uint8_t code;
    text_span text;   /* of a text, or of the first line */
    text_span second; /* the second line */
} instruction;

/* What is left to read; of strings, the last two are kept, which STACK_GLOBAL takes. */
typedef struct pickle_reader {
    const uint8_t *next, *end;
    text_span strings[2];
} pickle_reader;

static bool take(pickle_reader *reader, uint64_t count, text_span *out)
{
    if (count > (uint64_t)(reader->end - reader->next))
        return false;
    *out = (text_span){(const char *)reader->next, (size_t)count};
    reader->next += count;
    return true;
}

static bool take_line(pickle_reader *reader, text_span *out)
{
    const uint8_t *feed = memchr(reader->next, '\n', (size_t)(reader->end - reader->next));
    if (!feed || !take(reader, (uint64_t)(feed - reader->next), out))
        return false;
    reader->next++;
    return true;
}

static bool take_text(pickle_reader *reader, size_t length_bytes, text_span *out)
{
    text_span bytes;
    uint64_t length = 0;
    if (!take(reader, length_bytes, &bytes))
        return false;
    for (size_t i = length_bytes; i-- > 0;)
        length = length << 8 | (uint8_t)bytes.start[i];
    return take(reader, length, out);
}

/* False at the end of the bytes, and where they are no pickle. */
static bool next_instruction(pickle_reader *reader, instruction *out)
{
    *out = (instruction){0};
    if (reader->next == reader->end)
        return false;
    out->code = *reader->next++;
    switch (argument_of(out->code)) {
    case ARGUMENT_UNKNOWN: return false;
    case ARGUMENT_NONE: return true;
    case ARGUMENT_1_BYTE: return take(reader, 1, &out->text);
    case ARGUMENT_2_BYTES: return take(reader, 2, &out->text);
    case ARGUMENT_4_BYTES: return take(reader, 4, &out->text);
    case ARGUMENT_8_BYTES: return take(reader, 8, &out->text);
    case ARGUMENT_LINE: return take_line(reader, &out->text);
    case ARGUMENT_TWO_LINES:
        return take_line(reader, &out->text) && take_line(reader, &out->second);
    case ARGUMENT_TEXT_1: return take_text(reader, 1, &out->text);
    case ARGUMENT_TEXT_4: return take_text(reader, 4, &out->text);
    case ARGUMENT_TEXT_8: return take_text(reader, 8, &out->text);
    }
    return false;
}

static bool is_string(const instruction *one)
{
    return one->code == UNICODE_4 || one->code == UNICODE_1;
}

/* Whether an instruction names a class or function: its module and name. */
static bool is_global(const pickle_reader *reader, const instruction *one, text_span *module,
                      text_span *name)
{
    if (one->code != GLOBAL && one->code != STACK_GLOBAL)
        return false;
    *module = one->code == GLOBAL ? one->text : reader->strings[0];
    *name = one->code == GLOBAL ? one->second : reader->strings[1];
    return module->start && name->start;
}

static bool advance(pickle_reader *reader, instruction *out)
{
    if (!next_instruction(reader, out))
        return false;
    if (is_string(out)) {
        reader->strings[0] = reader->strings[1];
        reader->strings[1] = out->text;
    }
    return true;
}

static bool equals(text_span text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.start, word, text.length) == 0;
}

static bool starts_with(text_span text, const char *word)
{
    return text.length >= strlen(word) && memcmp(text.start, word, strlen(word)) == 0;
}

static bool rebuilds_tensor(text_span module)
{
    return equals(module, "torch._utils") || equals(module, "torch._tensor") ||
           equals(module, "torch.storage");
}

/* --- what it holds ---------------------------------------------------------------------------- */

/* Whether a class of a network is named before the end of the pickle, or of the bytes. */
static bool has_module(pickle_reader reader)
{
    instruction one;
    text_span module, name;
    while (advance(&reader, &one) && one.code != STOP)
        if (is_global(&reader, &one, &module, &name) &&
            (starts_with(module, "torch.nn.modules.") || starts_with(module, "ultralytics.")))
            return true;
    return false;
}

static bool is_about_stack(uint8_t code)
{
    return code == MARK || code == MEMOIZE || code == 'q' || code == 'r' || code == PROTO ||
           code == FRAME || code == 'p';
}

/* The next instruction that is not about the stack or the memo. */
static bool next_value(pickle_reader *reader, instruction *out)
{
    while (advance(reader, out))
        if (!is_about_stack(out->code))
            return true;
    return false;
}

/* A dictionary is a state dict where its first value is a tensor. */
static sscam_pickle_content content_of_dictionary(pickle_reader reader, text_span *key)
{
    const pickle_reader start = reader;
    instruction one;
    text_span module, name;
    if (!next_value(&reader, &one) || !is_string(&one))
        return has_module(start) ? SSCAM_PICKLE_CHECKPOINT_OF_MODULE : SSCAM_PICKLE_OTHER;
    const text_span first = one.text;
    bool has_value = next_value(&reader, &one);
    while (has_value && is_string(&one)) /* the names of a class, or a value that is a text */
        has_value = next_value(&reader, &one);
    if (has_value && is_global(&reader, &one, &module, &name) && rebuilds_tensor(module))
        return SSCAM_PICKLE_STATE_DICT;
    *key = first;
    return has_module(start) ? SSCAM_PICKLE_CHECKPOINT_OF_MODULE : SSCAM_PICKLE_CHECKPOINT;
}

static sscam_pickle_content content_of_global(text_span module, text_span name)
{
    if (equals(module, "collections") && equals(name, "OrderedDict"))
        return SSCAM_PICKLE_STATE_DICT;
    return rebuilds_tensor(module) ? SSCAM_PICKLE_TENSOR : SSCAM_PICKLE_MODULE;
}

/* In the header of an old file, the module of a class stands before it, with its source. */
static sscam_pickle_content content_of_object(pickle_reader *reader, text_span *about,
                                              text_span *name)
{
    instruction one;
    if (!next_value(reader, &one))
        return SSCAM_PICKLE_UNKNOWN;
    if (one.code == EMPTY_DICT)
        return content_of_dictionary(*reader, about);
    while (is_string(&one))
        if (!next_value(reader, &one))
            return SSCAM_PICKLE_OTHER;
    if (!is_global(reader, &one, about, name))
        return SSCAM_PICKLE_OTHER;
    const sscam_pickle_content content = content_of_global(*about, *name);
    if (content != SSCAM_PICKLE_MODULE)
        *about = *name = (text_span){0};
    return content;
}

static const uint8_t OLD_MAGIC[] = {PROTO, 2,    0x8a, 10,   0x6c, 0xfc, 0x9c, 0x46,
                                    0xf9,  0x20, 0x6a, 0xa8, 0x50, 0x19, STOP};

int32_t sscam_pickle_is_old_torch_file(const uint8_t *bytes, size_t size)
{
    return size > sizeof OLD_MAGIC && bytes[0] == PROTO && bytes[1] >= 2 &&
           memcmp(bytes + 2, OLD_MAGIC + 2, sizeof OLD_MAGIC - 2) == 0;
}

/* Behind the magic number stand a protocol version and facts about the machine, each a pickle. */
static bool skip_old_header(pickle_reader *reader)
{
    instruction one;
    for (int pickles = 0; pickles < 3;) {
        if (!advance(reader, &one))
            return false;
        pickles += one.code == STOP;
    }
    return true;
}

sscam_pickle_content sscam_pickle_content_of(const uint8_t *bytes, size_t size,
                                             char name[SSCAM_PICKLE_NAME_SIZE])
{
    pickle_reader reader = {.next = bytes, .end = bytes + size};
    text_span about = {0}, class_name = {0};
    name[0] = '\0';
    if (size < 2 || (sscam_pickle_is_old_torch_file(bytes, size) && !skip_old_header(&reader)))
        return SSCAM_PICKLE_UNKNOWN;
    const sscam_pickle_content content = content_of_object(&reader, &about, &class_name);
    if (about.start)
        snprintf(name, SSCAM_PICKLE_NAME_SIZE, "%.*s%s%.*s",
                 (int)(about.length < 64 ? about.length : 64), about.start,
                 class_name.start ? "." : "",
                 (int)(class_name.length < 64 ? class_name.length : 64),
                 class_name.start ? class_name.start : "");
    return content;
}
