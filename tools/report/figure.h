/* A figure: a labelled grid of images on white, for print. */
#ifndef SSCAM_TOOLS_REPORT_FIGURE_H
#define SSCAM_TOOLS_REPORT_FIGURE_H

#include <stddef.h>

#include <sscam/sscam.h>

/* More rows would not fit the tallest PNG that cairo draws. */
#define FIGURE_MAX_ROWS 128

struct figure;

/* Whether the name of a file ends in .png, .pdf or .svg, the formats that figure_write() writes. */
int figure_supports_extension(const char *path);

/* An empty figure to be written to `path`, whose extension says how fine its images must be. The
 * titles stand over the columns; they and the path must outlive it. Where there are many columns
 * they continue below, the first of them repeated. */
struct figure *figure_create(const char *path, size_t rows, size_t columns,
                             const char *const *titles);

/* Text beside a row: what it shows, a number that belongs to it, where it comes from. Copied. */
void figure_set_label(struct figure *figure, size_t row, const char *label, const char *detail,
                      const char *source);

/* The image of a cell, copied at the size it will have; `remark` is NULL or written across its
 * lower edge. Returns NULL, or why the image cannot be drawn. */
const char *figure_set_image(struct figure *figure, size_t row, size_t column,
                             const sscam_image *image, const char *remark);

/* Small print below the figure. Copied. */
void figure_set_footer(struct figure *figure, const char *footer);

/* Draws and writes the figure, whole or not at all. Returns an exit code, having printed its
 * line. */
int figure_write(const struct figure *figure);

void figure_free(struct figure *figure);

#endif
