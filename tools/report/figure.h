/* A figure: a labelled grid of images on white, for print. */
#ifndef SSCAM_TOOLS_REPORT_FIGURE_H
#define SSCAM_TOOLS_REPORT_FIGURE_H

#include <stddef.h>

#include <sscam/sscam.h>

/* More rows would not fit the tallest PNG that cairo draws. */
#define PANEL_MOST_ROWS 128

struct panel;

/* Whether the name of a file ends in .png, .pdf or .svg, the kinds that panel_write() knows. */
int panel_knows_extension(const char *path);

/* An empty figure to be written to `path`, whose extension says how fine its images must be. The
 * titles stand over the columns; they and the path must outlive it. Where there are many columns
 * they continue below, the first of them repeated. */
struct panel *panel_create(const char *path, size_t rows, size_t columns,
                           const char *const *titles);

/* Text beside a row: what it shows, a number that belongs to it, where it comes from. Copied. */
void panel_set_label(struct panel *panel, size_t row, const char *label, const char *detail,
                     const char *source);

/* The image of a cell, copied at the size it will have; `remark` is NULL or written across its
 * foot. */
void panel_set_image(struct panel *panel, size_t row, size_t column, const sscam_image *image,
                     const char *remark);

/* Small print below the figure. Copied. */
void panel_set_footer(struct panel *panel, const char *footer);

/* Draws and writes the figure, whole or not at all. Returns an exit code, having printed its line.
 */
int panel_write(const struct panel *panel);

void panel_free(struct panel *panel);

#endif
