// What every case of a hostile host does with the library: load a network, explain an image by some
// methods, and compare the maps with those of a clean process.
#ifndef SSCAM_TESTS_HOST_EXPLANATIONS_HPP
#define SSCAM_TESTS_HOST_EXPLANATIONS_HPP

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <sscam/sscam.h>

struct Destroy {
    void operator()(sscam_model *model) const { sscam_model_unref(model); }
    void operator()(sscam_explainer *explainer) const { sscam_explainer_unref(explainer); }
    void operator()(sscam_image *image) const { sscam_image_unref(image); }
    void operator()(sscam_map *map) const { sscam_map_unref(map); }
};

template <typename Handle>
using Owned = std::unique_ptr<Handle, Destroy>;

// A call of the library that fails, with its status.
class Failed : public std::runtime_error {
public:
    explicit Failed(sscam_status status) : std::runtime_error(sscam_last_error()), status(status) {}
    const sscam_status status;
};

void check(sscam_status status);
void require(bool holds, const std::string &what);

// The files that all cases use.
struct Files {
    std::string model, image, reference;
};

Owned<sscam_model> load_model(const Files &files);
Owned<sscam_image> read_image(const Files &files);

struct Options {
    std::string method = "score-cam";
    int workers = 1;
    bool calibrate = false;
};

// Few channels and samples, so that a map takes a fraction of a second.
Owned<sscam_explainer> create_explainer(sscam_model *model, const Options &options);

// Receives the number of the report, from 1, and returns whether the call goes on.
using Progress = std::function<bool(int)>;

// The raw map and then the map of the class with the highest output. Throws when the progress
// callback is called more often than any explanation of this size can need.
std::vector<float> explain(sscam_explainer *explainer, const sscam_image *image,
                           const Progress &progress = {});

struct NamedMap {
    std::string name; // method and workers
    std::vector<float> values;
};
using Maps = std::vector<NamedMap>;

// By each method of the fixture with one and with two workers, in a fixed form of the network.
Maps explain_by_all(sscam_model *model, const sscam_image *image);

void write_maps(const std::string &path, const Maps &maps);
Maps read_maps(const std::string &path);

// Bit for bit.
void require_equal(const Maps &maps, const Maps &reference);
void require_equal(const std::vector<float> &values, const Options &options, const Maps &reference);

// For maps of a measured form of the network, whose last bits may differ.
void require_close(const std::vector<float> &values, const Options &options, const Maps &reference);

#endif
