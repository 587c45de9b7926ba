/* What `sscam explain` was asked for, and what its parts share. */
#ifndef SSCAM_TOOLS_COMMANDS_EXPLAIN_REQUEST_H
#define SSCAM_TOOLS_COMMANDS_EXPLAIN_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sscam/sscam.h>

#include "commands/explainer_set.h"
#include "commands/selection.h"
#include "common/progress_bar.h"
#include "data/npy.h"

enum { OVERLAY, HEATMAP, MAP, RAW, WEIGHTS, OUTPUT_COUNT };

struct explanation {
    struct selection selection;
    const char *model_path, *image_path, *tensor_path;
    const char *dimensions; /* of the tensor's places, as given; NULL: told by its rank */
    const char *output_paths[OUTPUT_COUNT]; /* NULL for what was not asked for */
    bool as_json;

    sscam_image *image;
    struct npy_array tensor;
    int64_t shape[NPY_MAX_RANK]; /* of the tensor, with N */
    int32_t rank;
    int64_t input_count;
    sscam_model *model;
    struct ensemble ensemble;
    struct progress progress;
};

/* One map among those of the call: its place in each of the lists that were asked for. */
struct which {
    size_t method, layer, class_place;
    int64_t input;
};

/* Files: written, named and checked in explain_output.c. */

bool writes_files(const struct explanation *explanation);

/* Name in JSON of one of the outputs. */
const char *output_key(size_t output);

/* Name of one of a map's files, or NULL when it was not asked for. The caller frees it. */
char *output_path(const struct explanation *explanation, const struct which *which, size_t output);

/* Before minutes of work: may every file be written, and has each a name of its own? */
int check_outputs(const struct explanation *explanation);

/* Whether a map has such an output. Where a method was named that has none, writing it fails; where
 * all methods were asked for, those without leave it out. */
bool has_output(const struct explanation *explanation, const sscam_map *map, size_t output);

int write_outputs(const struct explanation *explanation, const sscam_map *map,
                  const struct which *which);

/* Standard output: explain_report.c. */

void put_json_line(const struct explanation *explanation, const sscam_map *map,
                   const struct which *which, sscam_explainer *explainer, double seconds);

void put_sentence(const struct explanation *explanation, const sscam_map *map,
                  const struct which *which, double seconds);

#endif
