#include "text/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "base/printable.h"
#include "text/utf8.h"

static void put_text(FILE *out, const char *text)
{
    fputc('"', out);
    while (*text) {
        size_t length = sscam_utf8_length(text);
        unsigned char byte = (unsigned char)*text;

        if (!length)
            fputs(UTF8_REPLACEMENT, out);
        else if (byte == '"' || byte == '\\')
            fprintf(out, "\\%c", byte);
        else if (byte == '\n')
            fputs("\\n", out);
        else if (byte < 0x20 || byte == 0x7f)
            fprintf(out, "\\u%04x", byte);
        else
            fwrite(text, 1, length, out);
        text += length ? length : 1;
    }
    fputc('"', out);
}

static void begin_value(struct json *json, const char *key)
{
    if (json->after_value)
        fputs(", ", json->out);
    if (key) {
        put_text(json->out, key);
        fputs(": ", json->out);
    }
    json->after_value = true;
}

static void open_bracket(struct json *json, const char *key, char bracket)
{
    begin_value(json, key);
    fputc(bracket, json->out);
    json->after_value = false;
}

static void close_bracket(struct json *json, char bracket)
{
    fputc(bracket, json->out);
    json->after_value = true;
}

void json_open_object(struct json *json, const char *key)
{
    open_bracket(json, key, '{');
}

void json_close_object(struct json *json)
{
    close_bracket(json, '}');
}

void json_open_array(struct json *json, const char *key)
{
    open_bracket(json, key, '[');
}

void json_close_array(struct json *json)
{
    close_bracket(json, ']');
}

void json_text(struct json *json, const char *key, const char *text)
{
    begin_value(json, key);
    if (text)
        put_text(json->out, text);
    else
        fputs("null", json->out);
}

void json_real(struct json *json, const char *key, double number)
{
    char text[SSCAM_REAL_SIZE];

    begin_value(json, key);
    fputs(isfinite(number) ? sscam_format_real(number, 9, text) : "null", json->out);
}

void json_integer(struct json *json, const char *key, int64_t number)
{
    begin_value(json, key);
    fprintf(json->out, "%" PRId64, number);
}

void json_boolean(struct json *json, const char *key, bool truth)
{
    begin_value(json, key);
    fputs(truth ? "true" : "false", json->out);
}

static const char *skip_digits(const char *text)
{
    return text + strspn(text, "0123456789");
}

/* JSON's number: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
static bool is_number(const char *text)
{
    const char *digits = *text == '-' ? text + 1 : text;
    const char *end = skip_digits(digits);

    if (end == digits || (*digits == '0' && end > digits + 1))
        return false;
    if (*end == '.') {
        digits = end + 1;
        end = skip_digits(digits);
        if (end == digits)
            return false;
    }
    if (*end == 'e' || *end == 'E') {
        digits = end + (end[1] == '+' || end[1] == '-' ? 2 : 1);
        end = skip_digits(digits);
        if (end == digits)
            return false;
    }
    return !*end;
}

void json_number_text(struct json *json, const char *key, const char *number)
{
    if (!number || !is_number(number)) {
        json_text(json, key, number);
        return;
    }
    begin_value(json, key);
    fputs(number, json->out);
}

void json_member(struct json *json, const char *key, const char *value)
{
    begin_value(json, key);
    fputs(value, json->out);
}

void json_end_line(struct json *json)
{
    fputc('\n', json->out);
    json->after_value = false;
}
