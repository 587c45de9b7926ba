/* Values of an explainer's options, in the types of those who use them. */
#ifndef SSCAM_LIB_EXPLAIN_OPTION_VALUES_H
#define SSCAM_LIB_EXPLAIN_OPTION_VALUES_H

#include <stdint.h>

#include "explain/method_private.h"

/* Name or position of the network's output that is explained (option `output`). */
const char *sscam_output_of(const sscam_settings *settings);

/* Whether channels may be left out (options `max_channels` and `channel_share`). */
int32_t sscam_selects_channels(const sscam_settings *settings);

/* Whether the capture must bring gradients. */
int32_t sscam_needs_gradients(const sscam_method *method, const sscam_settings *settings);

/* How logits become probabilities (option `probability`), and what masked inputs are scored by
 * (option `score`). */
sscam_score_kind sscam_probability_kind(const sscam_settings *settings);
sscam_score_kind sscam_score_kind_of(const sscam_settings *settings);

/* Standard deviation of noise on values whose maximum is `range` above their minimum (options
 * `sigma` and `noise_scale`); not finite where the range is too small to divide by. */
double sscam_noise_stddev(const sscam_settings *settings, double range);

/* How masked inputs are scored (options `precision`, `batch_size`, `workers` and `calibrate`). */
sscam_scoring_options sscam_scoring_options_of(const sscam_settings *settings);

/* The order of the layer's axes, as far as it is given (options `channel_axis` and `grid`). */
sscam_layout_hint sscam_layout_hint_of(const sscam_settings *settings);

#endif
