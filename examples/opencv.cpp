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

// An 8-bit BGR matrix, as OpenCV has them, as an image, without a copy: the matrix must live as
// long. Its rows need not be contiguous, as those of a region of a larger matrix are not.
Owned<sscam_image> view(const cv::Mat &bgr)
{
    sscam_pixels pixels = SSCAM_PIXELS_INIT;
    pixels.data = bgr.ptr<uint8_t>();
    pixels.width = bgr.cols;
    pixels.height = bgr.rows;
    pixels.stride = static_cast<int64_t>(bgr.step[0]);
    pixels.format = SSCAM_PIXELS_BGR8;
    sscam_image *image = nullptr;
    check(sscam_image_wrap(&pixels, nullptr, nullptr, &image));
    return Owned<sscam_image>(image);
}

// Draws a map over an image, into a BGR matrix of the image's size.
void draw(const sscam_map *map, const sscam_image *image, cv::Mat &bgr)
{
    sscam_canvas canvas = SSCAM_CANVAS_INIT;
    canvas.data = bgr.ptr<uint8_t>();
    canvas.width = bgr.cols;
    canvas.height = bgr.rows;
    canvas.stride = static_cast<int64_t>(bgr.step[0]);
    canvas.format = SSCAM_PIXELS_BGR8;
    check(sscam_map_overlay_into(map, image, nullptr, &canvas));
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
    const cv::Mat saliency(static_cast<int>(sscam_map_height(&map)),
                           static_cast<int>(sscam_map_width(&map)), CV_32FC1,
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
    cv::Mat square = pixels(middle_square(pixels.size()));

    sscam_model *loaded = nullptr;
    check(sscam_model_load(model_path.c_str(), "cpu", &loaded));
    const Owned<sscam_model> model(loaded);
    const cv::Mat original = square.clone();
    const Owned<sscam_image> image = view(original);
    const Owned<sscam_map> map = explain(model.get(), image.get());

    draw(map.get(), image.get(), square);
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
