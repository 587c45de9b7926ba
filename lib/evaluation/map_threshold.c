/* The option metric_threshold: metrics see maps without their lowest values. */
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "evaluation/evaluation_run.h"
#include "evaluation/metrics.h"
#include "explain/map_private.h"

sscam_status sscam_run_cut_maps(sscam_evaluation_run *run)
{
    const double share = run->settings->value[SSCAM_OPTION_METRIC_THRESHOLD].real;
    const int64_t count = run->out->map_count;
    if (share == 0.0)
        return SSCAM_OK;
    run->cut_maps = sscam_zeros(sscam_times(count, run->pixels), sizeof *run->cut_maps);
    if (!run->cut_maps)
        return sscam_fail_memory("maps");
    for (int64_t i = 0; i < count; i++)
        if (run->out->maps[i])
            sscam_cut_below(run->out->maps[i]->data, run->pixels, share,
                            run->cut_maps + i * run->pixels);
    return SSCAM_OK;
}

const float *sscam_run_data(const sscam_evaluation_run *run, int64_t method, int64_t explained)
{
    if (!run->cut_maps)
        return sscam_run_map(run, method, explained)->data;
    return run->cut_maps + (method * run->out->explained_count + explained) * run->pixels;
}
