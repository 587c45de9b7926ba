/* The request of `sscam explain`, with the inputs and the model once they are loaded. */
#ifndef SSCAM_TOOLS_COMMANDS_EXPLAIN_REQUEST_H
#define SSCAM_TOOLS_COMMANDS_EXPLAIN_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sscam/sscam.h>

#include "commands/explainer_set.h"
#include "commands/input_list.h"
#include "commands/selection.h"
#include "common/progress_bar.h"
#include "data/npy.h"

enum { OVERLAY, HEATMAP, MAP, RAW, WEIGHTS, OUTPUT_COUNT };

struct explain_request {
    struct selection selection;
    const char *model_path, *tensor_path;
    const char *dimensions; /* spatial ones of the tensor, as given; NULL: from its rank */
    const char *output_paths[OUTPUT_COUNT]; /* NULL where there is none */
    bool as_json;
    bool with_legend; /* drawn beside overlays and heatmaps */

    struct input_list images; /* none where there is a tensor */
    bool *unusable;           /* images that could not be read, which has been told */
    sscam_image *image;       /* the one that is being explained, or NULL */
    size_t image_index;
    struct npy_array tensor;
    int64_t shape[NPY_MAX_RANK]; /* of the tensor, with N where has_batch_axis */
    int32_t rank;
    bool has_batch_axis;
    int64_t input_count;
    sscam_model *model;
    struct explainer_set explainer_set;
    struct progress progress;
    struct chosen_class *named_classes; /* while detections take their place in the selection */
    size_t named_class_count;
};

/* One map among those of the call, by the index of each of its properties in the request. */
struct map_position {
    size_t method, layer, class_position, image;
    int64_t input; /* of a tensor */
};

/* Inputs: explain_inputs.c. */

/* Reads the tensor, or the first image that can be read. EXIT_FAILED with a line where there is
 * none; images that cannot be read have a line each. */
int load_first_input(struct explain_request *request);

/* Finds out which axes of the tensor are which, now that the network is loaded. EXIT_FAILED or
 * EXIT_USAGE with a line. */
int place_tensor(struct explain_request *request);

/* Makes an image the one that is explained. EXIT_FAILED with a line. */
int load_input_image(struct explain_request *request, size_t index);

/* How messages call what is explained, and what is at a position of the images. */
const char *input_name(const struct explain_request *request);
const char *input_name_at(const struct explain_request *request, size_t image);

/* Detections: explain_detections.c. */

/* Where the network is a detector, has the detections of the image that is loaded take the place of
 * the selection's classes: those of each class, or of the top class the most confident ones. */
void take_detections(struct explain_request *request);

/* The named classes again. */
void drop_detections(struct explain_request *request);

/* Files: written, named and checked in explain_output.c. */

bool writes_files(const struct explain_request *request);

/* Name in JSON of one of the outputs. */
const char *output_key(size_t output);

/* Name of one of a map's files, or NULL when it is not written: in a folder, that of the image;
 * else the given one, with what varies. The caller frees it. */
char *output_path(const struct explain_request *request, const struct map_position *position,
                  size_t output);

/* Checks before the work that every file can be written and has a name of its own; makes folders
 * that are missing. */
int check_outputs(const struct explain_request *request);

/* Whether the content of a file goes to standard output, where nothing else may be written then. */
bool writes_standard_output(const struct explain_request *request);

/* Whether an output of a map is to be written. Methods without channel weights write none if all
 * methods are explained; a method that is named and has none fails. */
bool has_output(const struct explain_request *request, const sscam_map *map, size_t output);

int write_outputs(const struct explain_request *request, const sscam_map *map,
                  const struct map_position *position);

/* Standard output: explain_report.c. The sentence goes to standard error where a file is written to
 * standard output. */

void put_json_line(const struct explain_request *request, const sscam_map *map,
                   const struct map_position *position, sscam_explainer *explainer, double seconds);

void put_sentence(const struct explain_request *request, const sscam_map *map,
                  const struct map_position *position, double seconds);

#endif
