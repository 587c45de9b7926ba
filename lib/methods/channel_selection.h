/* The channels that the option max_channels selects. */
#ifndef SSCAM_LIB_METHODS_CHANNEL_SELECTION_H
#define SSCAM_LIB_METHODS_CHANNEL_SELECTION_H

#include "model/backend.h"
#include "options/options.h"

/* Sets chosen[k] to 1 for the `wanted` channels of highest spatial standard deviation (Faster
 * Score-CAM; the lower index among equals), to 0 for others. `wanted` 0: all. */
sscam_status sscam_select_channels(const sscam_capture *capture, int64_t wanted, int32_t *chosen);

/* How many channels the options max_channels and channel_share select; 0: all. */
int64_t sscam_wanted_channels(const sscam_settings *settings, int64_t channels);

#endif
