// A program that uses libtorch itself: it mirrors an image with a torch operation, hands the pixels
// over and reads the map as a tensor. There must be one libtorch in the process, in the state in
// which the program left it.
//
// with_libtorch MODEL.pt IMAGE CLASS XMIN YMIN XMAX YMAX
// The box is in pixels of the network's input, unmirrored.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>

#include <ATen/Parallel.h>
#include <torch/script.h>

#include <sscam/sscam.h>

namespace {

struct Destroy {
    void operator()(sscam_model *model) const { sscam_model_unref(model); }
    void operator()(sscam_explainer *explainer) const { sscam_explainer_unref(explainer); }
    void operator()(sscam_image *image) const { sscam_image_unref(image); }
    void operator()(sscam_map *map) const { sscam_map_unref(map); }
};

template <typename Handle>
using Owned = std::unique_ptr<Handle, Destroy>;

void check(sscam_status status)
{
    if (status != SSCAM_OK)
        throw std::runtime_error(sscam_last_error());
}

void require(bool holds, const std::string &what)
{
    if (!holds)
        throw std::runtime_error(what);
}

Owned<sscam_image> read_mirrored(const char *path)
{
    sscam_image *read = nullptr;
    check(sscam_image_read(path, nullptr, &read));
    const Owned<sscam_image> picture(read);
    const int64_t width = sscam_image_width(read), height = sscam_image_height(read);

    const at::Tensor pixels = at::empty({height, width, 3}, at::kByte);
    sscam_canvas canvas = SSCAM_CANVAS_INIT;
    canvas.data = pixels.data_ptr<uint8_t>();
    canvas.width = width;
    canvas.height = height;
    canvas.format = SSCAM_PIXELS_RGB8;
    check(sscam_image_copy_pixels(read, &canvas));

    const at::Tensor mirrored = pixels.flip(1).contiguous();
    sscam_pixels view = SSCAM_PIXELS_INIT;
    view.data = mirrored.data_ptr<uint8_t>();
    view.width = width;
    view.height = height;
    view.format = SSCAM_PIXELS_RGB8;
    sscam_image *image = nullptr;
    check(sscam_image_create(&view, &image));
    return Owned<sscam_image>(image);
}

Owned<sscam_explainer> create_explainer(sscam_model *model)
{
    sscam_explainer *explainer = nullptr;
    check(sscam_explainer_create(model, "grad-cam", &explainer));
    return Owned<sscam_explainer>(explainer);
}

at::Tensor preprocess(sscam_explainer *explainer, const sscam_image *image)
{
    int64_t shape[4];
    check(sscam_explainer_preprocess(explainer, image, shape, nullptr, 0));
    at::Tensor input = at::empty({shape[0], shape[1], shape[2], shape[3]}, at::kFloat);
    check(sscam_explainer_preprocess(explainer, image, shape, input.data_ptr<float>(),
                                     input.numel()));
    return input;
}

// The program's own run of the same file agrees with what the library says of the class.
void compare_logit(const char *model_path, const at::Tensor &input, const sscam_map *map)
{
    torch::jit::Module module = torch::jit::load(model_path);
    module.eval();
    const torch::NoGradGuard no_gradients;
    const at::Tensor logits = module.forward({input}).toTensor();
    const double own = logits[0][sscam_map_class_index(map)].item<double>();
    require(std::abs(own - sscam_map_logit(map)) < 1e-3,
            "the library's logit is not the program's");
}

void check_highest_in_mirrored_box(const sscam_map *map, char **box)
{
    const at::Tensor saliency = at::from_blob(const_cast<float *>(sscam_map_data(map)),
                                              {sscam_map_height(map), sscam_map_width(map)},
                                              at::kFloat);
    const at::Tensor unmirrored = saliency.flip(1);
    const int64_t highest = unmirrored.argmax().item<int64_t>();
    const int64_t x = highest % unmirrored.size(1), y = highest / unmirrored.size(1);
    std::cout << "highest at " << x << ',' << y << " when mirrored back\n";
    require(x >= std::atoi(box[0]) && y >= std::atoi(box[1]) && x <= std::atoi(box[2]) &&
                y <= std::atoi(box[3]),
            "the map is highest outside the box");
}

// Files of this process that are a libtorch_cpu.
std::set<std::string> loaded_libtorches()
{
    std::ifstream mappings("/proc/self/maps");
    std::set<std::string> files;
    for (std::string line; std::getline(mappings, line);) {
        const size_t path = line.find('/');
        if (path != std::string::npos && line.find("/libtorch_cpu") != std::string::npos)
            files.insert(line.substr(path));
    }
    return files;
}

void run(char **arguments)
{
    const int threads_before = at::get_num_threads();
    const bool gradients_before = at::GradMode::is_enabled();

    sscam_model *loaded = nullptr;
    check(sscam_model_load(arguments[1], "cpu", &loaded));
    const Owned<sscam_model> model(loaded);
    const Owned<sscam_image> mirrored = read_mirrored(arguments[2]);
    const Owned<sscam_explainer> explainer = create_explainer(model.get());
    sscam_map *made = nullptr;
    check(sscam_explain_image(explainer.get(), mirrored.get(), std::atoi(arguments[3]), &made));
    const Owned<sscam_map> map(made);

    check_highest_in_mirrored_box(map.get(), arguments + 4);
    compare_logit(arguments[1], preprocess(explainer.get(), mirrored.get()), map.get());
    require(at::get_num_threads() == threads_before,
            "the library changed the number of libtorch's threads");
    require(at::GradMode::is_enabled() == gradients_before,
            "the library changed libtorch's gradient mode");
    const std::set<std::string> libtorches = loaded_libtorches();
    require(libtorches.size() == 1,
            std::to_string(libtorches.size()) + " libtorches are in the process");
    std::cout << "one libtorch: " << *libtorches.begin() << '\n';
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 8) {
        std::cerr << "usage: with_libtorch MODEL.pt PICTURE CLASS XMIN YMIN XMAX YMAX\n";
        return 2;
    }
    try {
        run(argv);
    } catch (const std::exception &error) {
        std::cerr << "with_libtorch: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
