// Settings that change what libtorch, the C library or the processor computes.
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include "cases.hpp"
#include "host_settings.hpp"

namespace {

// The network is loaded under the setting and used again without it.
void explain_under(const std::vector<Setting> &settings, const Files &files)
{
    const Maps reference = read_maps(files.reference);
    Owned<sscam_model> model;
    const Owned<sscam_image> image = read_image(files);
    const HostState clean = read_host_state();
    {
        const SettingsOn on(settings);
        const HostState before = read_host_state();
        model = load_model(files);
        require_equal(explain_by_all(model.get(), image.get()), reference);
        require_same_state(read_host_state(), before);
    }
    require_same_state(read_host_state(), clean);
    explain_twice_and_compare(model.get(), image.get(), reference);
}

// Few maps: 64 threads on few processors mostly wait for each other.
void explain_with_threads(int threads, const Files &files)
{
    at::set_num_threads(threads);
    const HostState before = read_host_state();
    const Owned<sscam_model> model = load_model(files);
    explain_twice_and_compare(model.get(), read_image(files).get(), read_maps(files.reference));
    require_same_state(read_host_state(), before);
}

// A host that does its own work in the callback finds its own settings there.
void callback_has_host_settings(const Files &files)
{
    const Maps reference = read_maps(files.reference);
    const Owned<sscam_model> model = load_model(files);
    const Owned<sscam_image> image = read_image(files);
    const SettingsOn on(all_settings());
    const HostState before = read_host_state();
    for (const int workers : {1, 2}) {
        const Options options{"score-cam", workers};
        const Owned<sscam_explainer> explainer = create_explainer(model.get(), options);
        const std::vector<float> values = explain(explainer.get(), image.get(), [&](int) {
            require_same_state(read_host_state(), before);
            return true;
        });
        require_equal(values, options, reference);
    }
}

} // namespace

void explain_twice_and_compare(sscam_model *model, const sscam_image *image, const Maps &reference)
{
    for (const Options &options : {Options{"grad-cam", 1}, Options{"score-cam", 2}}) {
        const Owned<sscam_explainer> explainer = create_explainer(model, options);
        require_equal(explain(explainer.get(), image), options, reference);
    }
}

std::vector<Case> setting_cases()
{
    std::vector<Case> cases = {{"clean", [](const Files &files) { explain_under({}, files); }}};
    for (const Setting &setting : all_settings())
        cases.push_back(
            {setting.name, [setting](const Files &files) { explain_under({setting}, files); }});
    cases.push_back(
        {"all_settings", [](const Files &files) { explain_under(all_settings(), files); }});
    cases.push_back(
        {rounding_up().name, [](const Files &files) { explain_under({rounding_up()}, files); }});
    cases.push_back({"callback_has_host_settings", callback_has_host_settings});
    for (const int threads : {1, 64})
        cases.push_back({"torch_threads_" + std::to_string(threads),
                         [threads](const Files &files) { explain_with_threads(threads, files); }});
    return cases;
}
