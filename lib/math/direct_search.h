/* DIRECT, a search for the lowest value of a function that has no derivatives: Jones, Perttunen &
 * Stuckman, Lipschitzian Optimization Without the Lipschitz Constant, 1993. */
#ifndef SSCAM_LIB_MATH_DIRECT_SEARCH_H
#define SSCAM_LIB_MATH_DIRECT_SEARCH_H

#include <stdint.h>

enum { SSCAM_DIRECT_MOST_DIMENSIONS = 3 };

/* A search in the unit cube. It names points; the caller evaluates the function there. */
typedef struct sscam_direct_search sscam_direct_search;

/* A search that names `limit` points, of 1 to SSCAM_DIRECT_MOST_DIMENSIONS dimensions; the first is
 * the cube's centre. A box is divided only where its lower bound lies below the lowest value found,
 * f, by at least epsilon |f|. NULL, with a message, where memory is short. */
sscam_direct_search *sscam_direct_search_new(int32_t dimensions, double epsilon, int64_t limit);
void sscam_direct_search_free(sscam_direct_search *search);

/* How many points have been named. Points keep their numbers. */
int64_t sscam_direct_search_count(const sscam_direct_search *search);

/* Point `index`, [dimensions]. */
const double *sscam_direct_search_point(const sscam_direct_search *search, int64_t index);

/* The function's value at a point, a finite number. */
void sscam_direct_search_set_value(sscam_direct_search *search, int64_t index, double value);

/* Names further points by the values of all points so far, which the caller has set. Where none are
 * added, the search has ended: the limit is reached, or all boxes are too small to divide. */
void sscam_direct_search_advance(sscam_direct_search *search);

#endif
