#include "cuda/cuda_masks.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

#include "common/guard.hpp"
#include "engine/network.hpp"
#include "math/upsample.h"

namespace sscam {

// Arrays of four-byte values that are copied to the device as one: a copy of a byte costs as much
// as one of ten thousand.
class SmallArrays {
public:
    // fill_in() sets `field` to the array's address on the device.
    template <class Value>
    void add(const std::vector<Value> &values, const Value *&field)
    {
        static_assert(sizeof(Value) == sizeof(float), "arrays follow each other without gaps");
        const size_t start = values_.size();
        values_.resize(start + values.size());
        std::memcpy(values_.data() + start, values.data(), values.size() * sizeof(Value));
        fields_.push_back([&field, start](const float *all) {
            field = reinterpret_cast<const Value *>(all + start);
        });
    }

    const float *values() const { return values_.data(); }
    int64_t count() const { return static_cast<int64_t>(values_.size()); }

    void fill_in(const float *all) const
    {
        for (const auto &field : fields_)
            field(all);
    }

private:
    std::vector<float> values_;
    std::vector<std::function<void(const float *)>> fields_;
};

namespace {

int32_t element_of(at::ScalarType type)
{
    switch (type) {
    case at::kHalf: return SSCAM_ELEMENT_HALF;
    case at::kBFloat16: return SSCAM_ELEMENT_BFLOAT16;
    default: return SSCAM_ELEMENT_FLOAT;
    }
}

const CudaProgram *program_for(c10::Device device)
{
    if (device.is_cpu())
        return nullptr;
    const CudaProgram *program = CudaProgram::for_device(device.index());
    if (!program)
        throw Error(SSCAM_E_DEVICE,
                    "no kernel for " + device.str() + ": " + CudaProgram::why(device.index()));
    return program;
}

// The channels' values, one array for each kind.
struct Channels {
    explicit Channels(const sscam_mask_plan &plan)
    {
        for (int64_t i = 0; i < plan.channel_count; i++) {
            const sscam_mask_channel &source = plan.channels[i];
            index.push_back(static_cast<int32_t>(source.channel));
            first_sample.push_back(static_cast<int32_t>(source.first_sample));
            offset.push_back(source.offset);
            gain.push_back(source.gain);
            noise_stddev.push_back(source.noise_stddev);
            count = std::max(count, source.channel + 1);
        }
    }

    std::vector<int32_t> index, first_sample;
    std::vector<float> offset, gain, noise_stddev;
    int64_t count = 0; // of A, up to the last one used
};

// Where the positions along one side of the input fall between those of the map.
struct Positions {
    Positions(int64_t source_size, int64_t size, int32_t align_corners) : lower(size), share(size)
    {
        sscam_source_positions(source_size, size, align_corners, lower.data(), share.data());
    }

    std::vector<int32_t> lower;
    std::vector<float> share;
};

void add_positions(const sscam_mask_plan &plan, sscam_mask_kernel &kernel, SmallArrays &small)
{
    const sscam_sides from = plan.map_sides, to = plan.input_sides;
    const Positions slices(from.depth, to.depth, plan.align_corners),
        rows(from.height, to.height, plan.align_corners),
        columns(from.width, to.width, plan.align_corners);
    if (from.depth > 1 || to.depth > 1) {
        small.add(slices.lower, kernel.source_slice);
        small.add(slices.share, kernel.slice_share);
    }
    small.add(rows.lower, kernel.source_row);
    small.add(rows.share, kernel.row_share);
    small.add(columns.lower, kernel.source_column);
    small.add(columns.share, kernel.column_share);
}

// `kind` as of sscam_row_kind().
at::Tensor class_scores(const at::Tensor &rows, sscam_score_kind kind)
{
    const at::Tensor scores = rows.to(at::kDouble);
    if (kind == SSCAM_SCORE_SIGMOID || (kind == SSCAM_SCORE_SOFTMAX && rows.size(1) == 1))
        return scores.sigmoid();
    return kind == SSCAM_SCORE_SOFTMAX ? scores.softmax(1) : scores;
}

} // namespace

CudaMasks::CudaMasks(const sscam_mask_list &masks, c10::Device device, const DeviceInputs &inputs)
    : device_(device), program_(program_for(device)), shape_(sscam_mask_shape(masks.plans[0]))
{
    plans_.reserve(static_cast<size_t>(masks.plan_count)); // fill_in() writes to their fields
    SmallArrays small;
    for (int64_t i = 0; i < masks.plan_count; i++) {
        plans_.emplace_back();
        prepare(*masks.plans[i], inputs, plans_.back(), small);
    }
    small.fill_in(upload(small.values(), small.count()));
}

const float *CudaMasks::upload(const float *values, int64_t count)
{
    held_.push_back(at::from_blob(const_cast<float *>(values), {count}, at::kFloat)
                        .to(device_, at::kFloat, /*non_blocking=*/false, /*copy=*/true));
    uploaded_bytes_ += static_cast<int64_t>(held_.back().nbytes());
    return held_.back().data_ptr<float>();
}

void CudaMasks::prepare(const sscam_mask_plan &plan, const DeviceInputs &inputs, Plan &out,
                        SmallArrays &small)
{
    const Channels channels(plan);
    const int64_t size = sscam_input_size(&shape_);
    sscam_mask_kernel &kernel = out.kernel;
    out.count = sscam_mask_count(&plan);
    kernel.input = inputs.find(plan.input, size).defined() ? plan.input : upload(plan.input, size);
    if (plan.background)
        kernel.background = upload(plan.background, size);
    kernel.activations = upload(plan.activations,
                                channels.count * sscam_position_count(plan.map_sides));
    add_positions(plan, kernel, small);
    small.add(channels.index, kernel.channel);
    small.add(channels.first_sample, kernel.first_sample);
    small.add(channels.offset, kernel.offset);
    small.add(channels.gain, kernel.gain);
    small.add(channels.noise_stddev, kernel.noise_stddev);
    kernel.seed = static_cast<uint64_t>(plan.seed);
    kernel.samples = plan.samples;
    kernel.colours = plan.input_channels;
    kernel.depth = plan.input_sides.depth;
    kernel.height = plan.input_sides.height;
    kernel.width = plan.input_sides.width;
    kernel.map_depth = plan.map_sides.depth;
    kernel.map_height = plan.map_sides.height;
    kernel.map_width = plan.map_sides.width;
    kernel.image = static_cast<uint32_t>(plan.image_index);
    kernel.fades_in = plan.fades_in;
    kernel.common_noise = plan.common_noise;
    kernel.noise_on_input = plan.noise_target == SSCAM_NOISE_ON_INPUT;
}

void CudaMasks::launch(const sscam_mask_kernel &kernel) const
{
    if (program_) {
        program_->write(kernel);
        return;
    }
    for (int64_t quad = 0; quad < sscam_quad_count(&kernel); quad++)
        sscam_write_quad_of_rows(&kernel, quad, 0, 1);
}

at::Tensor CudaMasks::write(int64_t first, int64_t rows, int64_t all_rows,
                            sscam_memory_format layout, at::ScalarType type) const
{
    sscam_shape shape = shape_;
    shape.images = all_rows;
    const auto order = layout == SSCAM_MEMORY_FORMAT_NHWC ? channels_last(shape.rank)
                                                          : at::MemoryFormat::Contiguous;
    at::Tensor batch = at::empty(sizes_of(shape), at::TensorOptions(device_).dtype(type), order);
    char *out = static_cast<char *>(batch.data_ptr());
    const int64_t row_bytes = static_cast<int64_t>(batch.nbytes()) / all_rows;
    if (all_rows > rows)
        batch.narrow(0, rows, all_rows - rows).zero_();
    for (const Plan &plan : plans_) {
        const int64_t taken = std::min(rows, plan.count - first);
        if (taken > 0) {
            sscam_mask_kernel kernel = plan.kernel;
            kernel.first = first;
            kernel.rows = taken;
            kernel.out = out;
            kernel.channels_last = layout == SSCAM_MEMORY_FORMAT_NHWC;
            kernel.element = element_of(type);
            launch(kernel);
            out += taken * row_bytes;
            rows -= taken;
        }
        first = std::max<int64_t>(0, first - plan.count);
    }
    return batch;
}

// [rows]: one target of the scores of all classes, [rows, classes].
static at::Tensor target_score(const at::Tensor &scores, const sscam_target &target)
{
    if (target.kind == SSCAM_TARGET_CLASS)
        return scores.select(1, target.class_index);
    if (target.kind == SSCAM_TARGET_AGAINST)
        return -scores.select(1, target.class_index);
    if (target.kind == SSCAM_TARGET_DIFFERENCE && target.reference_count <= 1 &&
        target.contrast_factor == 0.0)
        return scores.select(1, target.class_index) - scores.select(1, target.references[0]);
    std::vector<double> factors(scores.size(1));
    if (target.kind == SSCAM_TARGET_COSINE)
        std::copy_n(target.weights, factors.size(), factors.begin());
    else /* of a linear target these are the same for all outputs */
        sscam_target_slopes(&target, nullptr, scores.size(1), factors.data());
    const at::Tensor weights = at::from_blob(factors.data(), {scores.size(1)}, at::kDouble)
                                   .to(scores.device(), at::kDouble, false, /*copy=*/true);
    const at::Tensor values = scores.to(at::kDouble);
    const at::Tensor products = values.matmul(weights);
    return target.kind == SSCAM_TARGET_COSINE ? products / (values.norm(2, 1) * weights.norm())
                                              : products;
}

// [rows], by the core: boxes are compared on the host.
static at::Tensor detection_scores(const at::Tensor &logits, const sscam_target &target,
                                   sscam_score_kind kind)
{
    const at::Tensor rows = logits.to(at::kCPU, at::kFloat).contiguous();
    at::Tensor scores = at::empty({rows.size(0)}, at::kFloat);
    for (int64_t i = 0; i < rows.size(0); i++)
        scores.data_ptr<float>()[i] = static_cast<float>(
            sscam_target_score(rows[i].data_ptr<float>(), rows.size(1), &target, kind));
    return scores.to(logits.device());
}

at::Tensor target_scores(const at::Tensor &logits, const sscam_target *targets,
                         int64_t target_count, sscam_score_kind kind, RowReader &reader)
{
    at::Tensor scores;
    std::vector<at::Tensor> rows;
    for (const sscam_target *target = targets; target < targets + target_count; target++) {
        if (target->kind == SSCAM_TARGET_DETECTION) {
            rows.push_back(detection_scores(logits, *target, kind));
            continue;
        }
        if (!scores.defined() || target->target_pixels != target[-1].target_pixels)
            scores = class_scores(reader.rows(logits, target->target_pixels, kind),
                                  sscam_row_kind(target, kind));
        at::Tensor score = target_score(scores, *target);
        if (target->target_pixels)
            score = score * target->target_pixels->factor;
        rows.push_back(score.to(at::kFloat));
    }
    return at::stack(rows);
}

} // namespace sscam
