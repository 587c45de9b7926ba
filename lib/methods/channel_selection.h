/* The channels that the option max_channels selects. */
#ifndef SSCAM_LIB_METHODS_CHANNEL_SELECTION_H
#define SSCAM_LIB_METHODS_CHANNEL_SELECTION_H

#include "explain/method_private.h"

/* Sets chosen[k], [K], to 1 for the channels that the options max_channels and channel_ranking
 * select, the lower index among equals, to 0 for others, and the job's energy_share. */
sscam_status sscam_select_channels(sscam_map_job *job, int32_t *chosen);

#endif
