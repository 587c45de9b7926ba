#include "explanations.hpp"

#include <cmath>
#include <cstring>
#include <fstream>

namespace {

const char *const methods[] = {"grad-cam", "layer-cam", "score-cam", "ss-cam-mean", "ablation-cam"};
constexpr int most_reports = 10000;
constexpr float tolerance = 1e-4F; // of a map whose largest value is 1

struct ProgressState {
    const Progress &progress;
    int reports = 0;
    std::exception_ptr failure; // of the callback, which must not throw
};

int32_t report(void *user, double)
{
    auto *state = static_cast<ProgressState *>(user);
    try {
        state->reports++;
        require(state->reports <= most_reports, "the explanation does not end");
        return !state->progress || state->progress(state->reports) ? 0 : 1;
    } catch (...) {
        state->failure = std::current_exception();
        return 1;
    }
}

std::string name_of(const Options &options)
{
    return options.method + " workers=" + std::to_string(options.workers);
}

const std::vector<float> &find(const Maps &reference, const Options &options)
{
    for (const NamedMap &map : reference)
        if (map.name == name_of(options))
            return map.values;
    throw std::runtime_error("no reference for " + name_of(options));
}

bool is_equal(const std::vector<float> &a, const std::vector<float> &b)
{
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// "equal", or how far apart two maps are.
std::string difference(const std::vector<float> &a, const std::vector<float> &b)
{
    if (a.size() != b.size())
        return "other sizes";
    float largest = 0;
    for (size_t i = 0; i < a.size(); i++) {
        const float distance = std::fabs(a[i] - b[i]);
        if (!(distance <= largest)) // also NaN
            largest = distance;
    }
    return "by up to " + std::to_string(largest);
}

} // namespace

void check(sscam_status status)
{
    if (status != SSCAM_OK)
        throw Failed(status);
}

void require(bool holds, const std::string &what)
{
    if (!holds)
        throw std::runtime_error(what);
}

Owned<sscam_model> load_model(const Files &files)
{
    sscam_model *model = nullptr;
    check(sscam_model_load(files.model.c_str(), "cpu", &model));
    return Owned<sscam_model>(model);
}

Owned<sscam_image> read_image(const Files &files)
{
    sscam_image *image = nullptr;
    check(sscam_image_read(files.image.c_str(), nullptr, &image));
    return Owned<sscam_image>(image);
}

Owned<sscam_explainer> create_explainer(sscam_model *model, const Options &options)
{
    sscam_explainer *created = nullptr;
    check(sscam_explainer_create(model, options.method.c_str(), &created));
    Owned<sscam_explainer> explainer(created);
    check(sscam_explainer_set(created, "workers", std::to_string(options.workers).c_str()));
    check(sscam_explainer_set(created, "calibrate", options.calibrate ? "on" : "off"));
    check(sscam_explainer_set(created, "samples", "2"));
    check(sscam_explainer_set(created, "max_channels", "8"));
    check(sscam_explainer_set(created, "batch_size", "4"));
    return explainer;
}

std::vector<float> explain(sscam_explainer *explainer, const sscam_image *image,
                           const Progress &progress)
{
    ProgressState state{progress, 0, nullptr};
    check(sscam_explainer_set_progress(explainer, report, &state));
    sscam_map *made = nullptr;
    const sscam_status status = sscam_explain_image(explainer, image, SSCAM_CLASS_TOP, &made);
    const Owned<sscam_map> map(made);
    if (state.failure)
        std::rethrow_exception(state.failure);
    check(status);
    check(sscam_explainer_set_progress(explainer, nullptr, nullptr));

    const float *raw = sscam_map_raw(made), *data = sscam_map_data(made);
    const int64_t *sides = sscam_map_raw_shape(made, nullptr);
    std::vector<float> values(raw, raw + sides[0] * sides[1]);
    values.insert(values.end(), data, data + sscam_map_width(made) * sscam_map_height(made));
    return values;
}

Maps explain_by_all(sscam_model *model, const sscam_image *image)
{
    Maps maps;
    for (const char *method : methods)
        for (const int workers : {1, 2}) {
            const Options options{method, workers};
            const Owned<sscam_explainer> explainer = create_explainer(model, options);
            maps.push_back({name_of(options), explain(explainer.get(), image)});
        }
    return maps;
}

// A line with the name and the number of values, then the values.
void write_maps(const std::string &path, const Maps &maps)
{
    std::ofstream file(path, std::ios::binary);
    for (const NamedMap &map : maps) {
        file << map.name << '\n' << std::to_string(map.values.size()) << '\n';
        file.write(reinterpret_cast<const char *>(map.values.data()),
                   static_cast<std::streamsize>(map.values.size() * sizeof(float)));
    }
    require(file.flush().good(), path + " cannot be written");
}

Maps read_maps(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    Maps maps;
    for (std::string name, count; std::getline(file, name) && std::getline(file, count);) {
        std::vector<float> values(std::stoul(count));
        file.read(reinterpret_cast<char *>(values.data()),
                  static_cast<std::streamsize>(values.size() * sizeof(float)));
        require(file.good(), path + " is cut short");
        maps.push_back({name, std::move(values)});
    }
    require(!maps.empty(), path + " has no maps");
    return maps;
}

void require_equal(const Maps &maps, const Maps &reference)
{
    require(maps.size() == reference.size(), "another number of maps");
    std::string differences;
    for (size_t i = 0; i < maps.size(); i++)
        if (!is_equal(maps[i].values, reference[i].values))
            differences += "; " + maps[i].name + " differs " +
                           difference(maps[i].values, reference[i].values);
    require(differences.empty(), "maps of a clean process differ" + differences);
}

void require_equal(const std::vector<float> &values, const Options &options, const Maps &reference)
{
    const std::vector<float> &expected = find(reference, options);
    require(is_equal(values, expected),
            name_of(options) + " differs " + difference(values, expected));
}

// The raw map has other units, so that only the map itself is compared.
void require_close(const std::vector<float> &values, const Options &options, const Maps &reference)
{
    const std::vector<float> &expected = find(reference, options);
    require(values.size() == expected.size(), name_of(options) + " has another size");
    const size_t map = expected.size() - 224 * 224;
    for (size_t i = map; i < values.size(); i++)
        require(std::fabs(values[i] - expected[i]) <= tolerance,
                name_of(options) + " differs " + difference(values, expected));
}
