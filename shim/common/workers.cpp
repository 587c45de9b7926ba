#include "common/workers.hpp"

#include <algorithm>
#include <cstdlib>

namespace sscam {

int64_t most_workers()
{
    int64_t most = std::min(omp_get_num_procs(), omp_get_thread_limit());
    // The environment and not omp_get_max_threads(), which libtorch sets to the number of cores.
    const char *limit = std::getenv("OMP_NUM_THREADS");
    const int64_t wanted = limit ? std::strtol(limit, nullptr, 10) : 0;
    return wanted > 0 ? std::min(most, wanted) : most;
}

} // namespace sscam
