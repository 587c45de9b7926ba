#include "graph/dense_output.hpp"

#include <algorithm>

#include "common/guard.hpp"

namespace sscam {

namespace {

// Of float32 [rows, classes, ...].
at::Tensor probabilities(const at::Tensor &logits, sscam_score_kind kind)
{
    return kind == SSCAM_SCORE_SIGMOID || logits.size(1) == 1 ? logits.sigmoid()
                                                              : logits.softmax(1);
}

at::Tensor inside_mask(const sscam_target_pixels &target_pixels)
{
    return at::from_blob(target_pixels.inside, {target_pixels.height, target_pixels.width},
                         at::kByte)
        .to(at::kBool);
}

// [classes, h, w]: at which pixels each class is predicted.
at::Tensor predicted_pixels(const at::Tensor &output, const sscam_region &region)
{
    const int64_t classes = output.size(0);
    if (region.by_sign || classes == 1)
        return output > 0;
    return output.argmax(0).unsqueeze(0) ==
           at::arange(classes, at::TensorOptions(output.device()).dtype(at::kLong))
               .view({classes, 1, 1});
}

} // namespace

const at::Tensor &RowReader::indices_of(const sscam_target_pixels *target_pixels,
                                        c10::Device device)
{
    auto found = indices_.find(target_pixels);
    if (found == indices_.end())
        found = indices_
                    .emplace(target_pixels,
                             inside_mask(*target_pixels).flatten().nonzero().squeeze(1).to(device))
                    .first;
    return found->second;
}

at::Tensor RowReader::rows(const at::Tensor &logits, const sscam_target_pixels *target_pixels,
                           sscam_score_kind kind)
{
    if (!is_dense(logits))
        return logits;
    if (target_pixels &&
        (logits.size(2) != target_pixels->height || logits.size(3) != target_pixels->width))
        throw Error(SSCAM_E_MODEL,
                    "the network's output has " + std::to_string(target_pixels->height) + "x" +
                        std::to_string(target_pixels->width) + " pixels for one input and " +
                        std::to_string(logits.size(2)) + "x" + std::to_string(logits.size(3)) +
                        " for another of the same size");
    at::Tensor values = logits.flatten(2);
    if (target_pixels && target_pixels->count < target_pixels->height * target_pixels->width)
        values = values.index_select(2, indices_of(target_pixels, logits.device()));
    if (kind != SSCAM_SCORE_LOGIT)
        values = probabilities(values, kind);
    return values.mean(2);
}

HostTargetPixels find_target_pixels(const at::Tensor &logits, const sscam_capture_request &request,
                                    sscam_target &target)
{
    static const sscam_region everywhere = {SSCAM_REGION_ALL, 0, 0, {0, 0, 0, 0}, nullptr, 0, 0};
    const sscam_region &region = request.region ? *request.region : everywhere;
    if (request.shape.rank != SSCAM_IMAGE_RANK &&
        (region.kind == SSCAM_REGION_BOX || region.kind == SSCAM_REGION_MASK))
        throw Error(SSCAM_E_UNSUPPORTED, "option region: boxes and masks select pixels of images; "
                                         "use predicted or all");
    sscam_target_pixels *found = nullptr;
    if (request.target.target_pixels) {
        throw_if_failed(sscam_target_pixels_copy(request.target.target_pixels, &found));
        return HostTargetPixels(found);
    }
    throw_if_failed(sscam_target_pixels_create(logits.size(2), logits.size(3), &found));
    HostTargetPixels target_pixels(found);
    throw_if_failed(sscam_target_pixels_mark(found, &region, request.shape.sides.height,
                                             request.shape.sides.width));
    const at::Tensor predicted = predicted_pixels(logits.detach().select(0, 0), region);
    const at::Tensor counts = (predicted & inside_mask(*found).to(logits.device()))
                                  .sum({1, 2})
                                  .to(at::kCPU, at::kLong)
                                  .contiguous();
    throw_if_failed(sscam_resolve_dense_class(&target, counts.data_ptr<int64_t>(), counts.numel()));
    if (region.kind == SSCAM_REGION_PREDICTED) {
        const at::Tensor own =
            predicted.select(0, target.class_index).to(at::kCPU, at::kByte).contiguous();
        std::copy_n(own.data_ptr<uint8_t>(), own.numel(), found->inside);
    }
    throw_if_failed(sscam_target_pixels_finish(found, &region, target.class_index));
    return target_pixels;
}

} // namespace sscam
