/* A method as the registry lists it, and the job that computes one map. */
#ifndef SSCAM_LIB_EXPLAIN_METHOD_PRIVATE_H
#define SSCAM_LIB_EXPLAIN_METHOD_PRIVATE_H

#include <stdint.h>

#include "model/backend.h"
#include "model/device_input.h"
#include "options/options.h"
#include "sscam/method.h"

/* One map of one class of one input: what a method reads, and the weights that it computes. */
typedef struct sscam_map_job {
    const sscam_method *method;
    const sscam_backend *backend;
    void *network;
    const sscam_settings *settings;
    const char *layer;                /* name of the target layer; "": the default one */
    const float *input;               /* X0; to be read through sscam_host_values() */
    sscam_device_input *device_input; /* that holds X0; NULL: it is in the host's memory */
    const char *output; /* name or position of the network's output, or a detector's row */
    sscam_shape shape;
    int64_t image_index; /* v of the noise counter */
    float black[3];      /* (0 - mean) / std: the value of a black pixel, by channel */
    const sscam_detection_target *mirrored_detection; /* the target's, in the mirror image */
    const sscam_capture *capture;  /* shared with jobs of the same input and layer */
    const float *class_weights;    /* w_fc[c,k], where the caller gave them; NULL: not known */
    const sscam_region *region;    /* of dense outputs */
    int32_t only_prepares;         /* captures and plans, but scores nothing and makes no map */
    int32_t is_mirrored;           /* whether the input is the mirror image of target_job's */
    sscam_target requested_target; /* before it is resolved */
    sscam_target target;           /* resolved before the channels are weighed */
    const struct sscam_map_job *target_job; /* an earlier job whose target this one takes; NULL:
                                               none */
    float *weights; /* a_k, [capture->channels], zero at first; filled by weigh() unless it
                       computes terms */
    float *terms;   /* T_k(p), shaped as A, whose sum over k is the map; malloc'ed by weigh(); NULL:
                       a_k A_k */
    float
        *raw_map; /* the map before ReLU, [raw_map_sides], in place of weights and terms; malloc'ed
                       by weigh(); NULL: there are those */
    sscam_sides raw_map_sides;
    /* Of the projection and its negative, the map is the one whose value of the largest magnitude
     * is positive. */
    int32_t has_positive_peak;
    int32_t is_projected;   /* the map is the projection of the terms on their first principal
                             component instead of their sum */
    int64_t passes;         /* network evaluations that were run for this job */
    double estimated_error; /* of the map's data, by the samples left out; 0: none are */
    double energy_share; /* of all squared activations, in the channels that are selected; 0: none
                            have been */
    sscam_scoring_diagnostics diagnostics; /* of its last scores */
    sscam_progress progress; /* where weigh() reports, if its method has runs_network; says whether
                                the call is interrupted in any case */

    /* weigh() requests scores of masked inputs or of ablations by setting one of these two plans.
     * It is then called again with `scores`, one for each masked input or channel, for the target.
     * It is done when it returns with both NULL. Where it requests its inputs part by part,
     * later_inputs says how many it expects to request besides. */
    const sscam_mask_plan *requested_masks;
    const sscam_ablation_plan *requested_ablations;
    const float *scores;
    int64_t later_inputs;
    void *state; /* of weigh() between its calls; freed by release_state() */
    void (*release_state)(void *state);
} sscam_map_job;

/* Computes the channel weights, or the terms, of a job whose layer is captured. */
typedef sscam_status (*sscam_weigh)(sscam_map_job *job);

struct sscam_method {
    const char *name, *title, *summary, *citation;
    int32_t needs;
    sscam_weigh weigh;
    int32_t runs_network; /* whether weigh() runs the network itself, many times */
};

/* sscam_method_find(), with a message that lists the names when there is none. */
const sscam_method *sscam_method_require(const char *name);

#endif
