// Progress callbacks that do what the header allows: explain with other explainers, cancel, wait
// for other threads.
#include <atomic>
#include <future>
#include <thread>

#include "cases.hpp"

namespace {

constexpr int inner_reports = 2; // reports from which a callback explains

// Measuring takes seconds.
std::vector<int> worker_counts(bool calibrate)
{
    return calibrate ? std::vector<int>{2} : std::vector<int>{1, 2};
}

// Maps are compared bit for bit in a fixed form of the network, and approximately where the fastest
// form is measured: measuring reports progress, too.
void compare(const std::vector<float> &values, const Options &options, const Maps &reference)
{
    if (options.calibrate)
        require_close(values, options, reference);
    else
        require_equal(values, options, reference);
}

void explain_and_compare(sscam_model *model, const sscam_image *image, const Options &options,
                         const Maps &reference, const Progress &progress = {})
{
    const Owned<sscam_explainer> explainer = create_explainer(model, options);
    compare(explain(explainer.get(), image, progress), options, reference);
}

// Explains by `outer`, and in its callback by `inner`.
void explain_inside(sscam_model *outer, sscam_model *inner, bool calibrate, const Files &files)
{
    const Maps reference = read_maps(files.reference);
    const Owned<sscam_image> image = read_image(files);
    for (const int workers : worker_counts(calibrate)) {
        const Options options{"score-cam", workers, calibrate};
        int reports = 0;
        explain_and_compare(outer, image.get(), options, reference, [&](int number) {
            reports = number;
            if (number <= inner_reports) {
                explain_and_compare(inner, image.get(), options, reference);
                explain_and_compare(inner, image.get(), {"ss-cam-mean", workers}, reference);
                explain_and_compare(inner, image.get(), {"grad-cam", workers, calibrate},
                                    reference);
            }
            return true;
        });
        require(reports >= 2, "the callback was called fewer than two times");
    }
}

void explain_same_model(bool calibrate, const Files &files)
{
    const Owned<sscam_model> model = load_model(files);
    explain_inside(model.get(), model.get(), calibrate, files);
}

void explain_other_model(bool calibrate, const Files &files)
{
    const Owned<sscam_model> outer = load_model(files), inner = load_model(files);
    explain_inside(outer.get(), inner.get(), calibrate, files);
}

// Two threads, each of which explains by the other's model in its callback.
void explain_crosswise(bool calibrate, const Files &files)
{
    const Owned<sscam_model> a = load_model(files), b = load_model(files);
    auto other = std::async(std::launch::async,
                            [&] { explain_inside(a.get(), b.get(), calibrate, files); });
    explain_inside(b.get(), a.get(), calibrate, files);
    other.get();
}

// Cancelled at a report, early or late, the explainer gives the whole map afterwards.
void cancel_often(bool calibrate, const Files &files)
{
    const Maps reference = read_maps(files.reference);
    const Owned<sscam_model> model = load_model(files);
    const Owned<sscam_image> image = read_image(files);
    const Options options{"score-cam", 2, calibrate};
    const Owned<sscam_explainer> explainer = create_explainer(model.get(), options);
    for (const int last : {1, 2, 3}) {
        int reports = 0;
        try {
            explain(explainer.get(), image.get(), [&](int number) {
                reports = number;
                return number < last;
            });
            throw std::runtime_error("a cancelled explanation succeeds");
        } catch (const Failed &failure) {
            require(failure.status == SSCAM_E_CANCELLED, failure.what());
            require(reports == last, "reports go on after the callback has cancelled");
        }
    }
    compare(explain(explainer.get(), image.get()), options, reference);
}

// While the callback waits, another thread explains the same model by the same options.
void wait_for_other_thread(bool calibrate, const Files &files)
{
    const Maps reference = read_maps(files.reference);
    const Owned<sscam_model> model = load_model(files);
    const Owned<sscam_image> image = read_image(files);
    for (const int workers : worker_counts(calibrate)) {
        const Options options{"score-cam", workers, calibrate};
        explain_and_compare(model.get(), image.get(), options, reference, [&](int number) {
            if (number <= inner_reports)
                std::async(std::launch::async, explain_and_compare, model.get(), image.get(),
                           options, reference, Progress())
                    .get();
            return true;
        });
    }
}

// A thread that waits for another's measurement is cancelled meanwhile.
void cancel_while_other_measures(const Files &files)
{
    const Maps reference = read_maps(files.reference);
    const Owned<sscam_model> model = load_model(files);
    const Owned<sscam_image> image = read_image(files);
    const Options options{"score-cam", 2, true};
    bool was_cancelled = false;
    explain_and_compare(model.get(), image.get(), options, reference, [&](int number) {
        if (number != 1)
            return true;
        std::thread other([&] {
            try {
                const Owned<sscam_explainer> explainer = create_explainer(model.get(), options);
                explain(explainer.get(), image.get(), [](int) { return false; });
            } catch (const Failed &failure) {
                was_cancelled = failure.status == SSCAM_E_CANCELLED;
            }
        });
        other.join();
        return true;
    });
    require(was_cancelled, "the other thread was not cancelled");
}

} // namespace

std::vector<Case> callback_cases()
{
    const std::vector<std::pair<std::string, void (*)(bool, const Files &)>> callbacks = {
        {"callback_explains_same_model", explain_same_model},
        {"callback_explains_other_model", explain_other_model},
        {"callbacks_explain_crosswise", explain_crosswise},
        {"callback_cancels", cancel_often},
        {"callback_waits_for_other_thread", wait_for_other_thread},
    };
    std::vector<Case> cases;
    for (const auto &[name, run] : callbacks)
        for (const bool calibrate : {false, true})
            cases.push_back(
                {name + (calibrate ? "_measuring" : ""),
                 [run = run, calibrate](const Files &files) { run(calibrate, files); }});
    cases.push_back({"cancel_while_other_measures", cancel_while_other_measures});
    return cases;
}
