#include "text/terminal_text.h"

#include <string.h>

#include "text/utf8.h"

void put_blanks(FILE *out, size_t count)
{
    fprintf(out, "%*s", (int)count, "");
}

void put_padded(FILE *out, const char *text, size_t width)
{
    size_t count = utf8_character_count(text);

    fputs(text, out);
    if (count < width)
        put_blanks(out, width - count);
}

void put_wrapped(FILE *out, const char *text, size_t column, size_t indent)
{
    size_t line_start = column;

    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        size_t length = strcspn(text, " ");
        size_t blank = column > line_start;

        if (blank && column + blank + length > LAYOUT_COLUMNS) {
            fputc('\n', out);
            put_blanks(out, indent);
            column = line_start = indent;
            blank = 0;
        }
        fprintf(out, "%s%.*s", blank ? " " : "", (int)length, text);
        column += blank + length;
        text += length;
    }
    fputc('\n', out);
}
