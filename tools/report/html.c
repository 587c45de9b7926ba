#include "report/html.h"

#include <stdint.h>
#include <stdlib.h>

#include "text/utf8.h"

void html_put_text(FILE *out, const char *text)
{
    char *clean = utf8_cleaned(text);

    for (const char *at = clean; *at; at++)
        switch (*at) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\'': fputs("&#39;", out); break;
        default: fputc(*at, out);
        }
    free(clean);
}

/* An encoder of base64; up to two bytes wait for a third. */
struct base64 {
    FILE *out;
    uint32_t bytes;
    int count;
};

static void put_group(const struct base64 *base64, uint32_t bytes, int characters)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (int i = 0; i < 4; i++)
        fputc(i < characters ? digits[bytes >> (18 - 6 * i) & 63] : '=', base64->out);
}

static cairo_status_t take_bytes(void *closure, const unsigned char *data, unsigned int length)
{
    struct base64 *base64 = closure;

    for (unsigned int i = 0; i < length; i++) {
        base64->bytes = base64->bytes << 8 | data[i];
        if (++base64->count == 3) {
            put_group(base64, base64->bytes, 4);
            base64->bytes = 0;
            base64->count = 0;
        }
    }
    return CAIRO_STATUS_SUCCESS;
}

cairo_status_t html_put_image(FILE *out, cairo_surface_t *image, const char *description)
{
    struct base64 base64 = {.out = out};

    fprintf(out, "<img width=\"%d\" height=\"%d\" alt=\"", cairo_image_surface_get_width(image),
            cairo_image_surface_get_height(image));
    html_put_text(out, description);
    fputs("\" src=\"data:image/png;base64,", out);
    cairo_status_t status = cairo_surface_write_to_png_stream(image, take_bytes, &base64);
    if (base64.count)
        put_group(&base64, base64.bytes << (8 * (3 - base64.count)), base64.count + 1);
    fputs("\">", out);
    return status;
}
