/* The vtable between the C core and a backend, which runs networks.
 *
 * Rules for a backend: every function may be called from several threads on one network at the same
 * time; none throws, prints or changes global state; each failure sets a message with sscam_fail()
 * and returns its status; memory handed out comes from malloc(), and the core frees it; on failure
 * the backend frees what it has written to out-parameters. Inputs are float32, of the rank of their
 * sscam_shape; the core has checked that they are finite. */
#ifndef SSCAM_LIB_MODEL_BACKEND_H
#define SSCAM_LIB_MODEL_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#include "base/byte_source.h"
#include "base/progress.h"
#include "base/reference_count.h"
#include "base/shape.h"
#include "detect/detection_target.h"
#include "masks/masked_input.h"
#include "model/activation_layout.h"
#include "model/input_layout.h"
#include "model/other_inputs.h"
#include "model/target_pixels.h"
#include "sscam/cuda.h"
#include "sscam/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SSCAM_LAYER_MAX_RANK 8

typedef struct sscam_layer {
    char *name; /* malloc'ed */
    char *kind; /* malloc'ed */
    int32_t rank;
    int64_t shape[SSCAM_LAYER_MAX_RANK];
} sscam_layer;

struct sscam_layers {
    sscam_layer *layer; /* malloc'ed array, in the order of execution */
    size_t count;
    int64_t default_index; /* -1: none */
    sscam_layer *output;   /* malloc'ed array of the network's outputs; without a kind, and of the
                              name "" where they have none */
    size_t output_count;   /* 0: unknown */
    int64_t output_index;  /* of the one with the class scores */
    sscam_reference_count references;
};

/* What of the network's outputs is explained. */
typedef enum sscam_target_kind {
    SSCAM_TARGET_CLASS,      /* f^c */
    SSCAM_TARGET_AGAINST,    /* -f^c */
    SSCAM_TARGET_DIFFERENCE, /* f^c - gamma (1/n) sum_i f^d_i */
    SSCAM_TARGET_WEIGHTS,    /* sum_j w_j f^j */
    SSCAM_TARGET_COSINE,     /* sum_j w_j Y^j / (|w| |Y|), of logits */
    SSCAM_TARGET_DETECTION   /* of a detector, whose row of outputs holds all boxes and scores */
} sscam_target_kind;

/* Classes that a difference may subtract. */
#define SSCAM_REFERENCES_LIMIT 16

typedef struct sscam_target {
    sscam_target_kind kind;
    int64_t class_index; /* c; until resolved, -k means the class with the kth highest logit, the
                            lower index first among equals */
    int64_t other_index; /* d of a difference; until resolved, -1 means the class with the highest
                            logit besides c */
    const sscam_target_pixels *target_pixels; /* of a dense output; NULL until resolved, and for
                                                 other outputs */
    double contrast_factor;                   /* gamma - 1 of a difference */
    int64_t reference_count; /* n of a difference, 1 to SSCAM_REFERENCES_LIMIT; 0 is 1 */
    int64_t references[SSCAM_REFERENCES_LIMIT]; /* d_i, the first of which is d */
    int32_t has_references;                     /* once resolved */
    const float *weights; /* w of the last two kinds, [weight_count]; the caller's */
    int64_t weight_count;
    const sscam_detection_target *detection; /* of a detection; the caller's */
    int64_t anchor; /* of a detection: the box whose score gradients explain; -1 until resolved */
} sscam_target;

/* How the outputs for an input become a score. */
typedef enum sscam_score_kind {
    SSCAM_SCORE_LOGIT,
    SSCAM_SCORE_SOFTMAX, /* softmax over the classes */
    SSCAM_SCORE_SIGMOID
} sscam_score_kind;

/* What to capture on one input. */
typedef struct sscam_capture_request {
    const float *input;
    sscam_shape shape;
    const char *layer;   /* NULL or "": the default target layer */
    const char *output;  /* position or name of the output that holds the logits; NULL or "": the
                            first of a usable shape */
    sscam_target target; /* need not be resolved */
    const sscam_region *region;   /* of a dense output, where the target has no pixels; NULL: all */
    sscam_score_kind probability; /* how the positions of a dense output become probabilities */
    int32_t want_gradients;       /* of the target by A, on raw logits */
    int32_t want_curvature;       /* with gradients: also the Hessian's product with A */
} sscam_capture_request;

/* The backend writes the layer's values in the order of the layer's output. The core then puts
 * their channels first and fills in the layout. */
typedef struct sscam_capture {
    char *layer; /* name of the layer that was used; malloc'ed */
    int32_t rank;
    int64_t shape[SSCAM_LAYER_MAX_RANK]; /* of the layer's output */
    float *activations;                  /* A, [shape], later [channels, positions]; malloc'ed */
    float *gradients;                    /* dY/dA, likewise; malloc'ed; NULL when not wanted */
    float *curvature;                    /* H A, H being the Hessian of Y by A; likewise */
    float *logits; /* [class_count]; of a dense output means over the target pixels; malloc'ed */
    float *probabilities; /* [class_count] means over the target pixels of a dense output;
                             malloc'ed; NULL for other outputs */
    sscam_target_pixels *target_pixels; /* of a dense output; NULL for other outputs */
    int64_t class_count;
    sscam_target target; /* resolved; the one of the gradients */
    sscam_layout_hint
        tokens; /* of a layer of tokens: what the network tells of their axes and grid;
                                 zeros: nothing */

    /* Filled in by the core. */
    int64_t channels;
    sscam_sides sides;
    int32_t batch_axis, channel_axis; /* of shape */
    int64_t extra_tokens;             /* outside the grid, before its tokens */
    float extra_gradient; /* the largest magnitude of a gradient at tokens outside the grid */
} sscam_capture;

/* Which output is read, and how a dense one becomes one row of values. */
typedef struct sscam_output_selection {
    const char *output;                       /* as in a capture */
    const sscam_target_pixels *target_pixels; /* of a dense output; NULL: all */
    sscam_score_kind kind; /* of a dense output the row holds means over the target pixels, of
                            * logits or of probabilities; of other outputs it holds the logits */
    int32_t *is_dense;     /* receives whether the output is dense; may be NULL */
} sscam_output_selection;

/* Number formats in which a network scores masked inputs; the values of the option `precision`. */
typedef enum sscam_precision {
    SSCAM_PRECISION_FP32,
    SSCAM_PRECISION_BF16,
    SSCAM_PRECISION_FP16,
    SSCAM_PRECISION_TF32 /* float32; the device may round factors of products to 10 bits */
} sscam_precision;

/* How the caller wants masked inputs scored. */
typedef struct sscam_scoring_options {
    sscam_precision precision;
    int64_t batch_size; /* 0: the backend chooses */
    int64_t workers;    /* batches evaluated in parallel; 0: the backend chooses */
    int32_t calibrate; /* whether it may choose by measuring time: faster, but rounding then differs
                          from run to run */
} sscam_scoring_options;

/* How a backend scored masked inputs, for reports. */
typedef struct sscam_scoring_diagnostics {
    const char *form; /* of the network; static; NULL: nothing was scored */
    int64_t workers;  /* batches evaluated in parallel */
    int64_t batch_size;
    int64_t calibration_passes; /* network evaluations by which these were chosen in this call */
} sscam_scoring_diagnostics;

/* What is certain of a network before it is run. */
typedef struct sscam_network_facts {
    int32_t rank;                   /* of its inputs; 0: unknown */
    int64_t shape[SSCAM_MOST_RANK]; /* of an input; 0: any number, or unknown */
    int64_t class_count;            /* 0: unknown */
    sscam_input_layout layout;      /* in which the network takes them */
    sscam_input_type type;          /* AUTO: float32 */
} sscam_network_facts;

/* How a network's inputs are given, as far as the caller says so. */
typedef struct sscam_input_form {
    sscam_input_layout layout; /* of the input that is explained; unknown: found out */
    sscam_input_type type;     /* likewise */
    const char *image_input;   /* its name; "": the first tensor that is an image */
    const sscam_other_inputs *others;
} sscam_input_form;

typedef struct sscam_score_request {
    const sscam_mask_list *masks;
    sscam_score_kind kind;
    const char *output;          /* as in a capture */
    const sscam_target *targets; /* resolved */
    int64_t target_count;
    sscam_scoring_options scoring;
    sscam_scoring_diagnostics *diagnostics; /* receives how the inputs were scored; may be NULL */
    const sscam_progress *progress;         /* reported between batches; cancels */
} sscam_score_request;

/* Alterations of a layer's output, each of which is scored alone: channels that are set to zero, or
 * positions that are kept while all others are set to zero. */
typedef struct sscam_ablation_plan {
    const float *input;
    const char *layer;                /* as a capture named it */
    int32_t batch_axis, channel_axis; /* of the layer's output */
    const int64_t *channels;          /* NULL: row i keeps position i */
    int64_t channel_count;            /* or of positions; at least 1 */

    /* Of positions. */
    sscam_sides sides;    /* of the grid */
    int64_t extra_tokens; /* before it, which are kept */
    int32_t is_spread;    /* whether a position's neighbours are kept, too: sscam_position_mask() */
} sscam_ablation_plan;

typedef struct sscam_ablation_request {
    const sscam_ablation_plan *plan;
    sscam_shape shape; /* of the input */
    sscam_score_kind kind;
    const char *output;          /* as in a capture */
    const sscam_target *targets; /* resolved */
    int64_t target_count;
    int64_t batch_size;    /* 0: the backend chooses */
    int64_t *extra_inputs; /* receives how many inputs were run besides those of the channels */
    const sscam_progress *progress; /* reported between batches; cancels */
} sscam_ablation_request;

/* What a pass back through the whole network gives besides the gradients by its input. */
typedef enum sscam_gradient_kind {
    SSCAM_GRADIENTS_OF_INPUT,  /* nothing */
    SSCAM_GRADIENTS_OF_BIASES, /* of convolutions and batch norms: b_c dY/dz_c, z being the output,
                                 [channels, sides], and b its bias; of a batch norm
                                 beta - mean gamma / sqrt(variance + epsilon) */
    SSCAM_GRADIENTS_OF_ATTENTION /* nothing by the input. Of each block of a transformer the mean
                                    over heads and queries of ReLU(dY'/dA), [1, tokens], those
                                    outside of the grid included, the others in its order; A being
                                    the attention's matrices, [heads, queries, keys], and Y' the
                                    target's value where all tokens after the last block are the
                                    mean of those after this one */
} sscam_gradient_kind;

typedef struct sscam_gradient_request {
    const float *input;
    sscam_shape shape;
    const char *output;         /* as in a capture */
    const sscam_target *target; /* resolved */
    sscam_gradient_kind kind;
    int64_t block_count; /* of attention: the last so many blocks; 0: all */
} sscam_gradient_request;

typedef struct sscam_gradient_map {
    int64_t channels;
    sscam_sides sides;
    float *values; /* malloc'ed */
} sscam_gradient_map;

typedef struct sscam_gradients {
    double value;             /* Y, the target's; of attention Y' of the last block */
    float *input;             /* dY/dX0, shaped as the input; malloc'ed; NULL for attention */
    sscam_gradient_map *maps; /* in the order of execution; malloc'ed */
    int64_t map_count;
    sscam_layout_hint tokens; /* of attention: the grid, as far as the network tells of it */
} sscam_gradients;

/* Values of a detector's row whose common layer is wanted. */
typedef struct sscam_anchor_request {
    const float *input;
    sscam_shape shape;
    const char *output;    /* the row, as in a capture */
    const int64_t *scores; /* positions in the row of the values that make a box's score */
    int64_t score_count;   /* at least 1 */
    const int64_t *sides;  /* of the values that make the box itself */
    int64_t side_count;
} sscam_anchor_request;

typedef struct sscam_backend {
    /* One line a component, "name: value"; static. */
    const char *(*build_info)(void);
    /* Loads a network from a file's content, of which it need not hold a copy: it may be as large
     * as the network. Its name is what messages call the network. */
    sscam_status (*load)(const sscam_byte_source *source, const char *device, void **network);
    void (*destroy)(void *network);
    /* Name of the device it was loaded to; the network's. */
    const char *(*device)(const void *network);
    /* Layers for an input shape of one image, found by running some input of that shape; the
     * default one is that of an output, named as in a capture. A capture finds those of its own
     * input. */
    sscam_status (*layers)(void *network, const sscam_shape *shape, const char *output,
                           struct sscam_layers *out);
    /* Raw outputs of a batch: malloc'ed [N, class_count]. */
    sscam_status (*classify)(void *network, const float *input, const sscam_shape *shape,
                             const sscam_output_selection *selection, float **logits,
                             int64_t *class_count);
    sscam_status (*capture)(void *network, const sscam_capture_request *request,
                            sscam_capture *out);
    /* scores: [target_count of the request][sscam_mask_list_count(masks)]. */
    sscam_status (*score)(void *network, const sscam_score_request *request, float *scores);
    /* scores: [target_count of the request][channel_count of the plan]: the scores with the channel
     * set to zero for all that follows the layer. */
    sscam_status (*ablate)(void *network, const sscam_ablation_request *request, float *scores);

    /* What follows may be NULL. */

    void (*describe)(const void *network, sscam_network_facts *facts);
    /* Does what a first score() of such a request does besides later ones. */
    sscam_status (*prepare)(void *network, const sscam_score_request *request);
    /* What was measured to score masked inputs fast, as a malloc'ed text. */
    sscam_status (*calibration)(void *network, char **text);
    /* From now on that of a text, instead of measuring; NULL: measures anew. */
    sscam_status (*set_calibration)(void *network, const char *text);
    /* Loads a library that registers operators. */
    sscam_status (*load_library)(const char *path);
    /* How logits become the outputs of a network that gives probabilities itself: its logits are
     * what enters its last softmax or sigmoid. SSCAM_SCORE_LOGIT: its outputs are the logits. NULL:
     * so are those of all networks. */
    sscam_score_kind (*final_activation)(const void *network);
    /* A network of its own whose last `layers` modules with parameters have random ones; -1: all.
     * `randomised` receives how many have. */
    sscam_status (*randomise)(void *network, int64_t layers, int64_t seed, int64_t *randomised,
                              void **out);
    /* Takes an input that lies in the memory of the network's device, and whose description the
     * core has checked: from now on requests may pass `values`, or an address within, as their
     * input, which the core passes on and does not read. `is_finite`: whether all of them are
     * finite as float32. */
    sscam_status (*hold_device_input)(void *network, const sscam_cuda_array *array,
                                      const sscam_shape *shape, const float **values,
                                      int32_t *is_finite);
    /* Ends the holding, when nothing reads the values any more. */
    void (*release_device_input)(void *network, const float *values);
    /* Copies `count` of the values to the host. */
    sscam_status (*read_device_input)(void *network, const float *values, int64_t count,
                                      float *out);
    /* Another handle to a network, whose inputs are given as told; it is destroyed by itself, and
     * needs neither the first one nor the form to live. NULL: networks have one input, [N,C,sides].
     */
    sscam_status (*with_inputs)(const void *network, const sscam_input_form *form, void **out);
    /* Gradients of a target throughout the network, by one pass forward and one back to the
     * input. */
    sscam_status (*differentiate)(void *network, const sscam_gradient_request *request,
                                  sscam_gradients *out);
    /* The tensors that the network returns for one input: their names and shapes, as in layers().
     * The kind of one that has lost a last activation is "sigmoid", "softmax" or, where that is not
     * certain, "unknown"; a list with boxes, labels and scores is one of kind "detections". A
     * selection "@0+2" reads the values of outputs number 0 and 2 one after another as a row,
     * "@detections" those of such a list, as SSCAM_LISTED_DETECTIONS_LIMIT boxes. */
    sscam_status (*outputs)(void *network, const float *input, const sscam_shape *shape,
                            struct sscam_layers *out);
    /* Name of the last feature map, malloc'ed, on which the scores and the sides depend. */
    sscam_status (*detection_layer)(void *network, const sscam_anchor_request *request,
                                    char **layer);
} sscam_backend;

/* The backend of this build: backend_default.c in the library, the fake one in the tests. */
const sscam_backend *sscam_backend_default(void);

/* --- shared by backends ----------------------------------------------------------------------- */

/* Score of one row of logits; float64 inside. */
double sscam_score_of(const float *logits, int64_t class_count, int64_t class_index,
                      sscam_score_kind kind);

/* Index of the highest logit, the lowest index among equals. */
int64_t sscam_top_class(const float *logits, int64_t class_count);

/* Score of a resolved target; includes the factor of its pixels. */
double sscam_target_score(const float *logits, int64_t class_count, const sscam_target *target,
                          sscam_score_kind kind);

/* Score of the captured input. Of a dense output, the region decides how outputs become
 * probabilities. */
double sscam_capture_score(const sscam_capture *capture, const sscam_target *target,
                           sscam_score_kind kind);

/* dY/dY^j of a resolved target by the logits of one row, without the factor of its pixels:
 * [class_count]. */
void sscam_target_slopes(const sscam_target *target, const float *logits, int64_t class_count,
                         double *slopes);

/* The least number of outputs that a resolved target needs, and whether there may be no more. */
int64_t sscam_target_output_count(const sscam_target *target);
int32_t sscam_target_takes_all_outputs(const sscam_target *target);

/* Positions in the row whose product a target is for gradients, 1 or 2; 0 for targets that are no
 * such product. */
int32_t sscam_target_factors(const sscam_target *target, int64_t positions[2]);

/* What row `position` of a plan of positions multiplies all channels with: [extra_tokens +
 * positions]. 1 for tokens outside of the grid. On the grid 1 at the position and 0 elsewhere or,
 * where the plan is spread, the product over the axes longer than 1 of 1/2 at the position, 1/4 at
 * its neighbours and 0 elsewhere. */
void sscam_position_mask(const sscam_ablation_plan *plan, int64_t position, float *mask);

/* The kind by which a row has to be scored that was read with `kind`: a dense output's rows of
 * probabilities are scores already. */
sscam_score_kind sscam_row_kind(const sscam_target *target, sscam_score_kind kind);

/* Makes class_index an index, where -k means the class predicted at the kth most pixels of the
 * region; pixel_counts: [class_count]. SSCAM_E_CLASS where there is no such class. */
sscam_status sscam_resolve_dense_class(sscam_target *target, const int64_t *pixel_counts,
                                       int64_t class_count);

/* SSCAM_E_CLASS with a message unless class_index is 0 to class_count - 1 or -1 to -class_count. */
sscam_status sscam_check_class(int64_t class_index, int64_t class_count);

/* Makes both classes of a target indices. SSCAM_E_CLASS where there is no such class, or none
 * besides it. */
sscam_status sscam_resolve_target(sscam_target *target, const float *logits, int64_t class_count);

/* Whether two resolved targets are the same. */
int32_t sscam_same_target(const sscam_target *a, const sscam_target *b);

/* Frees what a capture holds and clears it. */
void sscam_capture_release(sscam_capture *capture);

/* Frees what gradients hold and clears them. */
void sscam_gradients_release(sscam_gradients *gradients);

/* Frees the entries of a list and clears it, but does not free the struct. */
void sscam_layers_release(struct sscam_layers *layers);

/* SSCAM_E_LAYER: there is no layer `name`. The message lists the most similar names. */
sscam_status sscam_fail_unknown_layer(const char *name, const struct sscam_layers *layers);

#ifdef __cplusplus
}
#endif

#endif
