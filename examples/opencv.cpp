// Explains the central square of an OpenCV matrix, without a file in between, and draws the result
// into the matrix. opencv MODEL.pt IMAGE EXPLAINED.png
#include <algorithm>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

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

// Copies an 8-bit RGB matrix. Its rows need not be contiguous, as those of a region of a larger
// matrix are not: the stride is passed.
Owned<sscam_image> to_image(const cv::Mat &rgb)
{
    sscam_image *image = nullptr;
    check(sscam_image_create(rgb.cols, rgb.rows, rgb.channels(), rgb.step[0], rgb.ptr<uint8_t>(),
                             &image));
    return Owned<sscam_image>(image);
}

// The pixels of an RGB image, not copied: valid as long as the image is. OpenCV has no matrix
// of constant data: callers must not write to it.
cv::Mat view(const sscam_image &image)
{
    return cv::Mat(sscam_image_height(&image), sscam_image_width(&image), CV_8UC3,
                   const_cast<uint8_t *>(sscam_image_pixels(&image)));
}

cv::Rect middle_square(const cv::Size &size)
{
    const int side = std::min(size.width, size.height);
    return cv::Rect((size.width - side) / 2, (size.height - side) / 2, side, side);
}

Owned<sscam_map> explain(sscam_model *model, const sscam_image *image)
{
    sscam_explainer *created = nullptr;
    check(sscam_explainer_create(model, "grad-cam++", &created));
    const Owned<sscam_explainer> explainer(created);

    sscam_map *map = nullptr;
    check(sscam_explain_image(explainer.get(), image, SSCAM_CLASS_TOP, &map));
    return Owned<sscam_map>(map);
}

// Where the map is highest, in the coordinates of the network's input.
cv::Point peak(const sscam_map &map)
{
    const cv::Mat saliency(sscam_map_height(&map), sscam_map_width(&map), CV_32FC1,
                           const_cast<float *>(sscam_map_data(&map)));
    cv::Point highest;
    cv::minMaxLoc(saliency, nullptr, nullptr, nullptr, &highest);
    return highest;
}

void run(const std::string &model_path, const std::string &image_path,
         const std::string &explained_path)
{
    cv::Mat pixels = cv::imread(image_path, cv::IMREAD_COLOR);
    if (pixels.empty())
        throw std::runtime_error("cannot read " + image_path);
    cv::cvtColor(pixels, pixels, cv::COLOR_BGR2RGB);
    cv::Mat square = pixels(middle_square(pixels.size()));

    sscam_model *loaded = nullptr;
    check(sscam_model_load(model_path.c_str(), "cpu", &loaded));
    const Owned<sscam_model> model(loaded);
    const Owned<sscam_image> image = to_image(square);
    const Owned<sscam_map> map = explain(model.get(), image.get());

    sscam_image *drawn = nullptr;
    check(sscam_map_overlay(map.get(), image.get(), "turbo", 0.5, &drawn));
    const Owned<sscam_image> overlay(drawn);
    view(*overlay).copyTo(square);

    cv::cvtColor(pixels, pixels, cv::COLOR_RGB2BGR);
    if (!cv::imwrite(explained_path, pixels))
        throw std::runtime_error("cannot write " + explained_path);
    std::cout << "class " << sscam_map_class_index(map.get()) << ", peak at " << peak(*map) << '\n';
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 4) {
        std::cerr << "usage: opencv MODEL.pt IMAGE EXPLAINED.png\n";
        return 2;
    }
    try {
        run(argv[1], argv[2], argv[3]);
    } catch (const std::exception &error) {
        std::cerr << "opencv: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
