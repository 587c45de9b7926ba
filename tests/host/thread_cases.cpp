// Threads of the host's: many at a time, none left to make, and those of another OpenMP runtime.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>

#include <dlfcn.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ATen/Parallel.h>

#include "cases.hpp"
#include "host_settings.hpp"

namespace {

/* --- several threads -------------------------------------------------------------------------- */

// Runs all at the same time and throws what the first of them threw.
void run_together(const std::vector<std::function<void()>> &bodies)
{
    std::mutex mutex;
    std::exception_ptr first;
    std::vector<std::thread> threads;
    for (const auto &body : bodies)
        threads.emplace_back([&, body] {
            try {
                body();
            } catch (...) {
                const std::lock_guard<std::mutex> lock(mutex);
                if (!first)
                    first = std::current_exception();
            }
        });
    for (std::thread &thread : threads)
        thread.join();
    if (first)
        std::rethrow_exception(first);
}

void explain_in_threads(const Files &files)
{
    const Maps reference = read_maps(files.reference);
    const Owned<sscam_model> model = load_model(files);
    const Owned<sscam_image> image = read_image(files);
    const auto explain_once = [&] {
        require_equal(explain_by_all(model.get(), image.get()), reference);
    };
    run_together({explain_once, explain_once, explain_once});
}

// A call that changes or uses the explainer succeeds or is refused.
void allow_refusal(const std::function<void()> &call)
{
    try {
        call();
    } catch (const Failed &failure) {
        require(failure.status == SSCAM_E_ARGUMENT && std::strstr(failure.what(), "in use"),
                failure.what());
    }
}

constexpr int changes = 100000;
constexpr int explanations = 20;

std::vector<std::function<void()>> settings_of(sscam_explainer *explainer,
                                               const std::atomic<bool> &done)
{
    std::vector<std::function<void()>> bodies;
    for (const char *layer : {"features", "features.17", ""})
        bodies.push_back([explainer, layer, &done] {
            for (int i = 0; i < changes && !done; i++)
                allow_refusal([&] { check(sscam_explainer_set(explainer, "layer", layer)); });
        });
    for (const char *mean : {"0.5", "0.4,0.5,0.6"})
        bodies.push_back([explainer, mean, &done] {
            for (int i = 0; i < changes && !done; i++)
                allow_refusal([&] { check(sscam_explainer_set(explainer, "mean", mean)); });
        });
    bodies.push_back([explainer, &done] {
        for (int i = 0; i < changes && !done; i++)
            allow_refusal(
                [&] { check(sscam_explainer_set_progress(explainer, nullptr, nullptr)); });
    });
    return bodies;
}

// Threads change one explainer's settings.
void change_in_threads(const Files &files)
{
    const Owned<sscam_model> model = load_model(files);
    const Owned<sscam_explainer> explainer = create_explainer(model.get(), {"grad-cam", 1});
    const std::atomic<bool> done{false};
    std::vector<std::function<void()>> bodies = settings_of(explainer.get(), done);
    for (int size : {2, 40})
        bodies.push_back([&, size] {
            const std::vector<uint8_t> mask(size * size, 1);
            for (int i = 0; i < changes; i++)
                allow_refusal([&] {
                    check(sscam_explainer_set_region(explainer.get(), mask.data(), size, size));
                });
        });
    run_together(bodies);
}

// The same, while another thread explains with it.
void change_while_explaining(const Files &files)
{
    const Owned<sscam_model> model = load_model(files);
    const Owned<sscam_image> image = read_image(files);
    const Owned<sscam_explainer> explainer = create_explainer(model.get(), {"grad-cam", 1});
    std::atomic<bool> done{false};
    std::vector<std::function<void()>> bodies = settings_of(explainer.get(), done);
    bodies.push_back([&] {
        for (int made = 0, tried = 0; made < explanations && tried < 100 * changes; tried++)
            allow_refusal([&] {
                sscam_map *map = nullptr;
                int64_t shape[4];
                check(sscam_explainer_preprocess(explainer.get(), image.get(), shape, nullptr, 0));
                check(sscam_explain_image(explainer.get(), image.get(), SSCAM_CLASS_TOP, &map));
                sscam_map_unref(map);
                made++;
            });
        done = true;
    });
    run_together(bodies);
}

/* --- an exhausted limit of threads ------------------------------------------------------------ */

// The limit does not hold for root.
void forbid_new_threads()
{
    constexpr uid_t nobody = 65534;
    if (geteuid() == 0)
        require(setgid(nobody) == 0 && setuid(nobody) == 0, std::strerror(errno));
    const rlimit none = {0, 0};
    require(setrlimit(RLIMIT_NPROC, &none) == 0, std::strerror(errno));
    try {
        std::thread([] {}).join();
    } catch (const std::system_error &) {
        return;
    }
    throw std::runtime_error("threads can be made in spite of the limit");
}

// libtorch's own threads exist already, or it wants none.
void explain_without_new_threads(const Files &files)
{
    at::set_num_threads(1);
    const Maps reference = read_maps(files.reference);
    const Owned<sscam_image> image = read_image(files);
    forbid_new_threads();
    const Owned<sscam_model> model = load_model(files);
    require_equal(explain_by_all(model.get(), image.get()), reference);
}

void explain_without_new_threads_again(const Files &files)
{
    const Maps reference = read_maps(files.reference);
    const Owned<sscam_image> image = read_image(files);
    const Owned<sscam_model> model = load_model(files);
    require_equal(explain_by_all(model.get(), image.get()), reference);
    forbid_new_threads();
    require_equal(explain_by_all(model.get(), image.get()), reference);
}

// libtorch has not used its threads, and would make them now.
void explain_without_torch_threads(const Files &files)
{
    const Maps reference = read_maps(files.reference);
    const Owned<sscam_image> image = read_image(files);
    forbid_new_threads();
    const Owned<sscam_model> model = load_model(files);
    require_equal(explain_by_all(model.get(), image.get()), reference);
}

/* --- another OpenMP runtime ------------------------------------------------------------------- */

// What a compiler makes of `#pragma omp parallel` for LLVM's runtime.
struct Location {
    int32_t reserved = 0, flags = 2, reserved2 = 0, reserved3 = 0;
    const char *source = ";unknown;unknown;0;0;;";
};

using ParallelBody = std::function<void()>;

void run_region(int32_t *, int32_t *, void *body)
{
    (*static_cast<ParallelBody *>(body))();
}

class LlvmOpenMP {
public:
    LlvmOpenMP() : library_(dlopen("libomp.so.5", RTLD_NOW | RTLD_LOCAL))
    {
        require(library_ != nullptr, "libomp.so.5 cannot be loaded");
    }

    void run(int32_t threads, ParallelBody body) const
    {
        const int32_t thread = find<int32_t (*)(Location *)>("__kmpc_global_thread_num")(
            &location_);
        find<void (*)(Location *, int32_t, int32_t)>("__kmpc_push_num_threads")(&location_, thread,
                                                                                threads);
        find<void (*)(Location *, int32_t, void (*)(int32_t *, int32_t *, void *), void *)>(
            "__kmpc_fork_call")(&location_, 1, run_region, &body);
    }

private:
    template <typename Function>
    Function find(const char *name) const
    {
        auto function = reinterpret_cast<Function>(dlsym(library_, name));
        require(function != nullptr, std::string("libomp has no ") + name);
        return function;
    }

    void *library_;
    mutable Location location_;
};

// The host's parallel region explains in each of its threads.
void explain_in_other_openmp(const Files &files)
{
    const Maps reference = read_maps(files.reference);
    const Owned<sscam_model> model = load_model(files);
    const Owned<sscam_image> image = read_image(files);
    const LlvmOpenMP openmp;
    std::atomic<int> good{0};
    for (int round = 0; round < 2; round++) {
        openmp.run(3, [&] {
            try {
                require_equal(explain_by_all(model.get(), image.get()), reference);
                good++;
            } catch (const std::exception &failure) {
                std::fprintf(stderr, "%s\n", failure.what());
            }
        });
        require_equal(explain_by_all(model.get(), image.get()), reference);
    }
    require(good == 6, "an explanation in a parallel region failed");
}

// The program was started with LLVM's runtime in place of GNU's.
void explain_with_preloaded_openmp(const Files &files)
{
    require(dlsym(RTLD_DEFAULT, "__kmpc_fork_call") != nullptr, "libomp is not preloaded");
    const Maps reference = read_maps(files.reference);
    const HostState before = read_host_state();
    const Owned<sscam_model> model = load_model(files);
    const Owned<sscam_image> image = read_image(files);
    const auto explain_once = [&] {
        require_equal(explain_by_all(model.get(), image.get()), reference);
    };
    explain_once();
    run_together({explain_once, explain_once});
    require_same_state(read_host_state(), before);
}

// All settings, many threads, another OpenMP runtime, and callbacks that explain.
void explain_under_everything(const Files &files)
{
    const Maps reference = read_maps(files.reference);
    at::set_num_threads(64);
    const SettingsOn on(all_settings());
    const HostState before = read_host_state();
    const Owned<sscam_model> model = load_model(files);
    const Owned<sscam_image> image = read_image(files);
    const auto explain_nested = [&] {
        const Options outer{"score-cam", 2}, inner{"ss-cam-mean", 2};
        const Owned<sscam_explainer> explainer = create_explainer(model.get(), outer);
        const auto values = explain(explainer.get(), image.get(), [&](int number) {
            if (number <= 2) {
                const Owned<sscam_explainer> other = create_explainer(model.get(), inner);
                require_equal(explain(other.get(), image.get()), inner, reference);
            }
            return true;
        });
        require_equal(values, outer, reference);
    };
    explain_nested();
    require_same_state(read_host_state(), before);
    const LlvmOpenMP openmp;
    std::atomic<int> failures{0};
    openmp.run(2, [&] {
        try {
            explain_nested();
        } catch (const std::exception &failure) {
            std::fprintf(stderr, "%s\n", failure.what());
            failures++;
        }
    });
    require(failures == 0, "an explanation in a parallel region failed");
    require_same_state(read_host_state(), before);
}

} // namespace

std::vector<Case> thread_cases()
{
    return {
        {"threads", explain_in_threads},
        {"threads_change_one_explainer", change_in_threads},
        {"threads_change_explainer_in_use", change_while_explaining},
        {"no_new_threads", explain_without_new_threads},
        {"no_new_threads_after_use", explain_without_new_threads_again},
        {"no_threads_for_libtorch", explain_without_torch_threads},
        {"other_openmp", explain_in_other_openmp},
        {"preloaded_openmp", explain_with_preloaded_openmp},
        {"everything", explain_under_everything},
    };
}
