/* The strategy table: a method is one row and one function. */
#ifndef SSCAM_LIB_EXPLAIN_METHOD_PRIVATE_H
#define SSCAM_LIB_EXPLAIN_METHOD_PRIVATE_H

#include <stdint.h>

#include "model/backend.h"
#include "options/options.h"
#include "sscam/method.h"

/* One class of one input on its way to a map: what a strategy sees and fills. */
typedef struct sscam_map_job {
    const sscam_method *method;
    const sscam_backend *backend;
    void *network;
    const sscam_settings *settings;
    const char *layer;  /* name of the target layer; "": the default one */
    const float *input; /* X0 */
    sscam_shape shape;
    int64_t image_index;          /* v of the noise counter */
    float black[3];               /* (0 - mean) / std: the value of a black pixel, by channel */
    const sscam_capture *capture; /* shared with explanations of the same input and layer */
    const sscam_region *region;   /* of dense outputs */
    int32_t is_mirrored; /* whether the input is the leader's mirror image, so that its places are,
                            too */
    sscam_target asked;  /* as it was before it was resolved */
    sscam_target target; /* resolved when it is weighed */
    const struct sscam_map_job
        *leader;    /* the one whose target this one takes, earlier in the call; NULL: none */
    float *weights; /* a_k, [capture->channels], zero at first; filled by weigh() unless it makes
                       terms */
    float *terms;   /* T_k(p), shaped as A, whose sum over k is the map; malloc'ed by weigh(); NULL:
                       a_k A_k */
    int32_t projects; /* whether the map is the terms' projection on their principal component
                         instead of their sum */
    int64_t passes;   /* network evaluations that were run for this explanation */
    sscam_scoring_diagnostics diagnostics; /* of its last scores */
    sscam_progress progress; /* where weigh() says how far it is, if its row says runs_network */

    /* How weigh() asks for scores of masked inputs or of ablations: it sets one of `wanted` and
     * `wanted_ablations` and returns; it is called again with `scores`, one a masked input or a
     * channel, for the target. It is done when it returns with both NULL. */
    const sscam_mask_plan *wanted;
    const sscam_ablation_plan *wanted_ablations;
    const float *scores;
    void *working; /* weigh()'s own between its calls, freed by release_working() */
    void (*release_working)(void *working);
} sscam_map_job;

typedef sscam_status (*sscam_weigh)(sscam_map_job *job);

struct sscam_method {
    const char *name, *title, *summary, *citation;
    int32_t needs;
    sscam_weigh weigh;
    int32_t runs_network; /* whether weigh() runs the network itself, again and again */
};

/* The row of a name; NULL with a message that lists the names. */
const sscam_method *sscam_method_find(const char *name);

/* Which of the network's outputs is meant (option `output`). */
const char *sscam_output_of(const sscam_settings *settings);

/* Whether the capture must bring gradients. */
int32_t sscam_needs_gradients(const sscam_method *method, const sscam_settings *settings);

/* How probabilities are made (option `probability`), and what masked inputs are scored by (option
 * `score`). */
sscam_score_kind sscam_probability_kind(const sscam_settings *settings);
sscam_score_kind sscam_score_kind_of(const sscam_settings *settings);

/* Standard deviation of noise on values whose maximum is `range` above their minimum (options
 * `sigma` and `noise_scale`); not finite where the range is too small to divide by. */
double sscam_noise_stddev(const sscam_settings *settings, double range);

/* How masked inputs are to be scored (options `batch_size`, `workers` and `calibrate`). */
sscam_scoring_options sscam_scoring_options_of(const sscam_settings *settings);

/* How the layer's output is arranged (options `channel_axis` and `grid`). */
sscam_layout_hint sscam_layout_hint_of(const sscam_settings *settings);

/* --- methods/ --------------------------------------------------------------------------------- */

sscam_status sscam_weigh_cam(sscam_map_job *job);
sscam_status sscam_weigh_grad_cam(sscam_map_job *job);
sscam_status sscam_weigh_grad_cam_pp(sscam_map_job *job);
sscam_status sscam_weigh_score_cam(sscam_map_job *job);
sscam_status sscam_weigh_ss_cam_mean(sscam_map_job *job);
sscam_status sscam_weigh_ss_cam_max(sscam_map_job *job);
sscam_status sscam_weigh_smooth_grad_cam_pp(sscam_map_job *job);
sscam_status sscam_weigh_xgrad_cam(sscam_map_job *job);
sscam_status sscam_weigh_eigen_cam(sscam_map_job *job);
sscam_status sscam_weigh_eigen_grad_cam(sscam_map_job *job);
sscam_status sscam_weigh_is_cam(sscam_map_job *job);
sscam_status sscam_weigh_ablation_cam(sscam_map_job *job);
sscam_status sscam_weigh_hires_cam(sscam_map_job *job);
sscam_status sscam_weigh_grad_cam_elementwise(sscam_map_job *job);
sscam_status sscam_weigh_layer_cam(sscam_map_job *job);

/* w_fc[c,k] into weights; SSCAM_E_UNSUPPORTED where the head is not pooling and one linear layer.
 */
sscam_status sscam_last_layer_weights(sscam_map_job *job, float *weights);

/* mean_p g_k(p) into weights (Grad-CAM: Naidu & Michael 2020, eq. 4). */
void sscam_mean_gradients(const sscam_capture *capture, float *weights);

/* Makes terms out of each activation and its gradient (0 without gradients); such methods have no
 * weights. */
sscam_status sscam_make_terms(sscam_map_job *job, float (*term)(float activation, float gradient));

float sscam_gradient_times_activation(float activation, float gradient);

#endif
