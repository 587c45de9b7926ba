/* Which positions of a layer's output an ablation plan keeps. */
#include <stdlib.h>

#include "model/backend.h"

/* The factor of a value `distance` steps away along an axis of `side` values. */
static float factor_along(const sscam_ablation_plan *plan, int64_t side, int64_t distance)
{
    if (!plan->is_spread || side == 1)
        return distance == 0 ? 1.0f : 0.0f;
    return distance == 0 ? 0.5f : distance == 1 ? 0.25f : 0.0f;
}

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

void sscam_position_mask(const sscam_ablation_plan *plan, int64_t position, float *mask)
{
    const sscam_sides sides = plan->sides;
    const int64_t plane = sides.height * sides.width, own_z = position / plane,
                  own_y = position % plane / sides.width, own_x = position % sides.width;
    for (int64_t t = 0; t < plan->extra_tokens; t++)
        *mask++ = 1.0f;
    for (int64_t z = 0; z < sides.depth; z++)
        for (int64_t y = 0; y < sides.height; y++)
            for (int64_t x = 0; x < sides.width; x++)
                *mask++ = factor_along(plan, sides.depth, distance(z, own_z)) *
                          factor_along(plan, sides.height, distance(y, own_y)) *
                          factor_along(plan, sides.width, distance(x, own_x));
}
