#include <inttypes.h>
#include <stdatomic.h>

#include "base/error.h"
#include "sscam/runtime.h"

static _Atomic(int64_t) limit;

sscam_status sscam_set_max_threads(int64_t count)
{
    if (count < 0)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_set_max_threads: count is %" PRId64, count);
    atomic_store(&limit, count);
    return sscam_succeed();
}

int64_t sscam_max_threads(void)
{
    return atomic_load(&limit);
}
