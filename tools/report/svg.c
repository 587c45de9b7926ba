#include "report/svg.h"

#include "report/html.h"

const char *svg_colour(size_t index)
{
    /* Okabe & Ito */
    static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                          "#e69f00", "#56b4e9", "#000000", "#999999"};

    return colours[index % (sizeof colours / sizeof *colours)];
}

void svg_put_text(FILE *out, double x, double y, const char *anchor, const char *text)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    html_put_text(out, text);
    fputs("</text>", out);
}

void svg_open(FILE *out, double width, double height, const char *title)
{
    fprintf(out, "<svg width=\"%.0f\" height=\"%.0f\" role=\"img\">", width, height);
    svg_put_text(out, width / 2, 14, "middle", title);
}
