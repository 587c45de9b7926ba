// Explains a network that runs in OpenCV's DNN module, without libtorch.
//
// opencv_dnn MODEL.onnx IMAGE EXPLAINED.png [METHOD [MAP.f32]]
//
// The network takes images of 3 x 224 x 224 and gives logits. Any layer can be explained whose
// output has positions; the last of them is the default. MAP.f32 receives the map's values.
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <sscam/sscam.h>

#include "opencv_engine.hpp"

namespace {

struct Unref {
    void operator()(sscam_model *model) const { sscam_model_unref(model); }
    void operator()(sscam_explainer *explainer) const { sscam_explainer_unref(explainer); }
    void operator()(sscam_image *image) const { sscam_image_unref(image); }
    void operator()(sscam_map *map) const { sscam_map_unref(map); }
};

template <typename Handle>
using Owned = std::unique_ptr<Handle, Unref>;

void check(sscam_status status)
{
    if (status != SSCAM_OK)
        throw std::runtime_error(sscam_last_error());
}

void write_values(const sscam_map *map, const std::string &path)
{
    const std::streamsize count = static_cast<std::streamsize>(sscam_map_width(map)) *
                                  sscam_map_height(map);
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char *>(sscam_map_data(map)),
               count * static_cast<std::streamsize>(sizeof(float)));
    if (!file.flush())
        throw std::runtime_error("cannot write " + path);
}

void explain(const std::vector<std::string> &words)
{
    sscam_explainer *created = nullptr;
    sscam_image *read = nullptr, *drawn = nullptr;
    sscam_map *made = nullptr;
    const std::string method = words.size() > 3 ? words[3] : "ss-cam-mean";

    const Owned<sscam_model> model(
        OpencvEngine::make_model(std::unique_ptr<OpencvEngine>(new OpencvEngine(words[0]))));
    check(sscam_image_read(words[1].c_str(), nullptr, &read));
    const Owned<sscam_image> image(read);
    check(sscam_explainer_create(model.get(), method.c_str(), &created));
    const Owned<sscam_explainer> explainer(created);
    check(sscam_explain_image(explainer.get(), image.get(), SSCAM_CLASS_TOP, &made));
    const Owned<sscam_map> map(made);
    check(sscam_map_overlay(map.get(), image.get(), nullptr, &drawn));
    const Owned<sscam_image> overlay(drawn);
    check(sscam_image_write_png(overlay.get(), words[2].c_str()));
    if (words.size() > 4)
        write_values(map.get(), words[4]);
    std::cout << "class " << sscam_map_class_index(map.get()) << ", layer "
              << sscam_map_layer(map.get()) << '\n';
}

} // namespace

int main(int argc, char **argv)
{
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() < 3 || words.size() > 5) {
        std::cerr << "usage: opencv_dnn MODEL.onnx IMAGE EXPLAINED.png [METHOD [MAP.f32]]\n";
        return 2;
    }
    try {
        explain(words);
    } catch (const std::exception &error) {
        std::cerr << "opencv_dnn: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
