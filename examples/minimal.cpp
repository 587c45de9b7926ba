// The same as minimal.c in C++11: handles free themselves, failures are exceptions.
// minimal_cpp MODEL.pt IMAGE EXPLAINED.png
#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>

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

// Lets a function of the library fill an owner through its out-parameter, as C++23's std::out_ptr
// does.
template <typename Handle>
class Receiver {
public:
    explicit Receiver(Owned<Handle> &owner) : owner_(owner) {}
    ~Receiver() { owner_.reset(received_); }
    operator Handle **() { return &received_; }

private:
    Owned<Handle> &owner_;
    Handle *received_ = nullptr;
};

template <typename Handle>
Receiver<Handle> into(Owned<Handle> &owner)
{
    return Receiver<Handle>(owner);
}

void check(sscam_status status)
{
    if (status != SSCAM_OK)
        throw std::runtime_error(sscam_last_error());
}

void explain(const char *model_path, const char *image_path, const char *explained_path)
{
    Owned<sscam_model> model;
    Owned<sscam_image> image, overlay;
    Owned<sscam_explainer> explainer;
    Owned<sscam_map> map;

    check(sscam_model_load(model_path, "cpu", into(model)));
    check(sscam_image_read(image_path, nullptr, into(image)));
    check(sscam_explainer_create(model.get(), "score-cam", into(explainer)));
    check(sscam_explain_image(explainer.get(), image.get(), SSCAM_CLASS_TOP, into(map)));
    check(sscam_map_overlay(map.get(), image.get(), nullptr, into(overlay)));
    check(sscam_image_write_png(overlay.get(), explained_path));
    std::cout << "class " << sscam_map_class_index(map.get()) << '\n';
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 4) {
        std::cerr << "usage: minimal_cpp MODEL.pt IMAGE EXPLAINED.png\n";
        return 2;
    }
    try {
        explain(argv[1], argv[2], argv[3]);
    } catch (const std::exception &error) {
        std::cerr << "minimal_cpp: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
