/* The channels that the options max_channels and channel_share select. */
#ifndef SSCAM_LIB_METHODS_CHANNEL_SELECTION_H
#define SSCAM_LIB_METHODS_CHANNEL_SELECTION_H

#include "explain/method_private.h"

/* Sets chosen[k], [K], to 1 for the channels that are selected, the highest by channel_ranking and
 * the lower index among equals, to 0 for others, and the job's energy_share. */
sscam_status sscam_select_channels(sscam_map_job *job, int32_t *chosen);

#endif
