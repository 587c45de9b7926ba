/* By how much a map changes when its channels are weighed otherwise. */
#ifndef SSCAM_LIB_EXPLAIN_MAP_CHANGE_H
#define SSCAM_LIB_EXPLAIN_MAP_CHANGE_H

#include "explain/method_private.h"

/* A map of reference, and what others are computed in; used by one thread at a time. */
typedef struct sscam_map_change sscam_map_change;

/* Of the maps that sscam_map_combine() would make of the job's capture without eigen_smooth. NULL,
 * with a message: out of memory. */
sscam_map_change *sscam_map_change_new(const sscam_map_job *job);
void sscam_map_change_free(sscam_map_change *change);

/* Makes the map of these weights, [channels], the reference. */
void sscam_map_change_refer(sscam_map_change *change, const double *weights);

/* The largest absolute difference of the data, which are in [0,1], between the map of these weights
 * and the reference. With combine=upsampled an upper bound of it: differences are taken before the
 * ReLU, which only makes them smaller. */
double sscam_map_change_of(sscam_map_change *change, const double *weights);

/* By how much the reference moves at most for each unit that a channel's weight alone is raised by,
 * to first order and with its range held: max_p abs(A_k(p) - center(p)) / range, into
 * sensitivity, [channels]. `center`: the mean of A by the weights of the reference, which are a
 * softmax, or zero. Of a constant reference, without the divisor. */
void sscam_map_change_sensitivities(const sscam_map_change *change, int32_t centered,
                                    double *sensitivity);

#endif
