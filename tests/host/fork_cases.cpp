// Processes that are forked and not started anew: explanations in the child are those of the
// parent, or fail at once with a message that says what to do.
#include <cerrno>
#include <cstring>
#include <iostream>

#include <sys/wait.h>
#include <unistd.h>

#include <ATen/Parallel.h>
#include <ATen/ops/ones.h>

#include "cases.hpp"

namespace {

constexpr unsigned child_seconds = 60; // a child that hangs is ended by its alarm

// Runs the child's part in the calling process, which is the child.
[[noreturn]] void run_child(const std::function<void()> &body)
{
    alarm(child_seconds);
    int code = 0;
    try {
        body();
    } catch (const std::exception &failure) {
        std::cerr << "in the child: " << failure.what() << std::endl;
        code = 1;
    }
    _exit(code);
}

void wait_for(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        require(errno == EINTR, std::strerror(errno));
    require(!WIFSIGNALED(status),
            std::string("the child was ended by: ") + strsignal(WTERMSIG(status)));
    require(WEXITSTATUS(status) == 0, "the child failed");
}

void fork_and_wait(const std::function<void()> &body)
{
    const pid_t child = fork();
    require(child >= 0, std::strerror(errno));
    if (child == 0)
        run_child(body);
    wait_for(child);
}

// The child may explain, or say that it cannot since it was forked.
void explain_or_refuse(sscam_model *model, const sscam_image *image, const Options &options,
                       const Maps &reference)
{
    try {
        const Owned<sscam_explainer> explainer = create_explainer(model, options);
        require_equal(explain(explainer.get(), image), options, reference);
    } catch (const Failed &failure) {
        require(std::strstr(failure.what(), "fork") != nullptr, failure.what());
    }
}

void explain_all_in_child(sscam_model *model, const sscam_image *image, const Maps &reference)
{
    for (const char *method : {"grad-cam", "score-cam", "ablation-cam"})
        for (const int workers : {1, 2})
            explain_or_refuse(model, image, {method, workers}, reference);
}

// "Fork first, then load" is promised, so that the child may not refuse.
void load_in_child(const Files &files)
{
    const Maps reference = read_maps(files.reference);
    fork_and_wait([&] {
        const Owned<sscam_model> model = load_model(files);
        require_equal(explain_by_all(model.get(), read_image(files).get()), reference);
    });
}

void load_and_fork(const Files &files)
{
    const Maps reference = read_maps(files.reference);
    const Owned<sscam_model> model = load_model(files);
    const Owned<sscam_image> image = read_image(files);
    fork_and_wait([&] { explain_all_in_child(model.get(), image.get(), reference); });
    require_equal(explain_by_all(model.get(), image.get()), reference);
}

void explain_and_fork(const Files &files)
{
    const Maps reference = read_maps(files.reference);
    const Owned<sscam_model> model = load_model(files);
    const Owned<sscam_image> image = read_image(files);
    require_equal(explain_by_all(model.get(), image.get()), reference);
    fork_and_wait([&] { explain_all_in_child(model.get(), image.get(), reference); });
    fork_and_wait([&] {
        try {
            const Owned<sscam_model> loaded = load_model(files);
            explain_all_in_child(loaded.get(), image.get(), reference);
        } catch (const Failed &failure) {
            require(std::strstr(failure.what(), "fork") != nullptr, failure.what());
        }
    });
    require_equal(explain_by_all(model.get(), image.get()), reference);
}

// The child explains in the callback and ends; or it returns and goes on with the parent's call.
void fork_in_callback(bool child_returns, const Files &files)
{
    const Maps reference = read_maps(files.reference);
    const Owned<sscam_model> model = load_model(files);
    const Owned<sscam_image> image = read_image(files);
    for (const int workers : {1, 2}) {
        const Options options{"score-cam", workers};
        const Owned<sscam_explainer> explainer = create_explainer(model.get(), options);
        pid_t child = -1;
        const auto outer = [&] {
            return explain(explainer.get(), image.get(), [&](int number) {
                if (number != 2)
                    return true;
                child = fork();
                require(child >= 0, std::strerror(errno));
                if (child == 0 && child_returns)
                    alarm(child_seconds);
                else if (child == 0)
                    run_child([&] { explain_all_in_child(model.get(), image.get(), reference); });
                return true;
            });
        };
        std::vector<float> values;
        try {
            values = outer();
        } catch (const std::exception &failure) {
            if (child == 0) // which may refuse to go on
                run_child([&] {
                    require(std::strstr(failure.what(), "fork") != nullptr, failure.what());
                });
            throw;
        }
        if (child == 0)
            run_child([&] { require_equal(values, options, reference); });
        require_equal(values, options, reference);
        require(child > 0, "the callback was called fewer than two times");
        wait_for(child);
    }
}

} // namespace

std::vector<Case> fork_cases()
{
    return {
        {"fork_then_load", load_in_child},
        {"load_then_fork", load_and_fork},
        {"explain_then_fork", explain_and_fork},
        {"callback_forks", [](const Files &files) { fork_in_callback(false, files); }},
        {"callback_forks_and_child_goes_on",
         [](const Files &files) { fork_in_callback(true, files); }},
    };
}
