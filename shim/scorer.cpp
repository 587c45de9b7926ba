#include "scorer.hpp"

#include <chrono>
#include <cmath>
#include <limits>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "guard.hpp"
#include "network.hpp"

namespace sscam {

namespace {

// Forms differ in rounding; more than this share of the largest logit is another network.
constexpr double form_tolerance = 1e-3;
// Masked inputs from which on measuring batch sizes costs little beside the work itself.
constexpr int64_t long_plan = 1024;

struct BatchSizes {
    int64_t usual;
    std::vector<int64_t> candidates;
};

// Small batches stay in a processor's caches; a graphics card needs large ones to be busy.
const BatchSizes &batch_sizes(c10::Device device)
{
    static const BatchSizes processor = {4, {2, 4, 8, 16}};
    static const BatchSizes card = {32, {32, 64, 128, 256}};
    return device.is_cpu() ? processor : card;
}

int64_t input_size(const sscam_mask_plan &plan)
{
    return plan.input_channels * plan.input_height * plan.input_width;
}

at::Tensor input_of(const sscam_mask_plan &plan, const Network &network)
{
    const int64_t shape[4] = {1, plan.input_channels, plan.input_height, plan.input_width};
    return network.input_from(plan.input, shape);
}

at::Tensor repeated(const at::Tensor &input, int64_t rows, sscam_layout layout)
{
    at::Tensor batch = input.expand({rows, -1, -1, -1});
    return layout == SSCAM_LAYOUT_NHWC ? batch.clone(at::MemoryFormat::ChannelsLast)
                                       : batch.clone(at::MemoryFormat::Contiguous);
}

// Whether every row of a batch of `input` gives `logits`. A form that fails is not usable, whatever the reason.
bool agrees(const ScoringForm &form, const at::Tensor &input, const std::string &output, int64_t rows,
            const at::Tensor &logits)
{
    try {
        at::Tensor found =
            run_for_logits(*form.program, repeated(input, rows, form.layout), {}, 0, output).to(at::kCPU);
        return logits_agree(found, logits);
    } catch (...) {
        if (memory_ran_out())
            throw;
        return false;
    }
}

// Seconds per image. The best of several runs: the first prepares memory and kernels.
double time_form(const ScoringForm &form, const at::Tensor &input, const std::string &output, int64_t rows)
{
    using clock = std::chrono::steady_clock;
    constexpr int runs = 3;
    double best = std::numeric_limits<double>::infinity();
    const at::Tensor batch = repeated(input, rows, form.layout);
    for (int run = 0; run < runs; run++) {
        auto start = clock::now();
        run_for_logits(*form.program, batch, {}, 0, output).to(at::kCPU); // also waits for the device
        best = std::min(best, std::chrono::duration<double>(clock::now() - start).count());
    }
    return best / static_cast<double>(rows);
}

void write_masked_inputs(const sscam_mask_list &masks, sscam_layout layout, int64_t first, int64_t rows, float *batch)
{
    const int64_t row_size = input_size(*masks.plans[0]);
    const int64_t scratch_size = sscam_mask_list_scratch_size(&masks);
    std::vector<float> scratch(scratch_size * at::get_num_threads());
    at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
        float *own_scratch = scratch.data() + scratch_size * at::get_thread_num();
        for (int64_t row = begin; row < end; row++)
            sscam_mask_list_write(&masks, first + row, layout, own_scratch, batch + row * row_size);
    });
}

// A batch's logits become scores, at their places among all.
void store_scores(const sscam_score_request &request, const at::Tensor &logits, int64_t first, float *scores)
{
    const int64_t count = sscam_mask_list_count(request.masks);
    const float *row = logits.data_ptr<float>();
    for (int64_t i = 0; i < logits.size(0); i++, row += logits.size(1))
        for (int64_t t = 0; t < request.target_count; t++) {
            double score = sscam_target_score(row, logits.size(1), &request.targets[t], request.kind);
            if (!std::isfinite(score))
                throw Refusal(SSCAM_E_MODEL, "the network's score of masked input " + std::to_string(first + i) +
                                                 " is not finite");
            scores[t * count + first + i] = static_cast<float>(score);
        }
}

void report(const sscam_score_request &request, double fraction)
{
    if (sscam_status status = sscam_progress_report(request.progress, fraction))
        throw Reported(status);
}

} // namespace

int64_t usual_batch(c10::Device device)
{
    return batch_sizes(device).usual;
}

bool logits_agree(const at::Tensor &found, const at::Tensor &logits)
{
    if (found.size(1) != logits.size(1))
        return false;
    double scale = std::max(logits.abs().max().item<double>(), 1e-6);
    double difference = (found - logits).abs().max().item<double>();
    return difference <= form_tolerance * scale; // false for NaN
}

void Scorer::score(const sscam_score_request &request, float *scores)
{
    const sscam_mask_plan &plan = *request.masks->plans[0]; // all have one input shape
    const int64_t count = sscam_mask_list_count(request.masks);
    const bool is_long = count >= long_plan;
    const Setting setting = setting_for(plan, text_or_empty(request.output), is_long && request.batch_size == 0);
    int64_t batch = is_long ? setting.measured_batch : setting.usual_batch;
    if (request.batch_size > 0)
        batch = std::min(request.batch_size, setting.largest_batch);
    for (int64_t first = 0; first < count;) {
        const int64_t rows = std::min(batch, count - first);
        try {
            store_scores(request, logits_of_masked(*setting.form, request, first, rows), first, scores);
        } catch (...) {
            if (!memory_ran_out() || rows == 1)
                throw;
            free_idle_buffers();
            batch = (rows + 1) / 2;
            continue;
        }
        first += rows;
        report(request, static_cast<double>(first) / static_cast<double>(count));
    }
}

at::Tensor Scorer::logits_of_masked(const ScoringForm &form, const sscam_score_request &request, int64_t first,
                                    int64_t rows)
{
    const sscam_mask_list &masks = *request.masks;
    const sscam_mask_plan &plan = *masks.plans[0];
    const int64_t channels = plan.input_channels, height = plan.input_height, width = plan.input_width;
    at::Tensor buffer = take_buffer(rows * channels * height * width);
    write_masked_inputs(masks, form.layout, first, rows, buffer.data_ptr<float>());
    at::Tensor batch = buffer.narrow(0, 0, rows * channels * height * width);
    if (form.layout == SSCAM_LAYOUT_NHWC)
        batch = batch.view({rows, height, width, channels}).permute({0, 3, 1, 2});
    else
        batch = batch.view({rows, channels, height, width});
    at::Tensor logits =
        run_for_logits(*form.program, batch.to(network_.device()), {}, 0, text_or_empty(request.output))
            .to(at::kCPU)
            .contiguous();
    give_back(std::move(buffer));
    return logits;
}

// --- choosing -------------------------------------------------------------------------------------------

Scorer::Setting Scorer::setting_for(const sscam_mask_plan &plan, const std::string &output, bool measure)
{
    const Key key = {{plan.input_channels, plan.input_height, plan.input_width}, output};
    std::lock_guard<std::mutex> lock(mutex_);
    auto setting = settings_.find(key);
    if (!setting) {
        setting = std::make_shared<Setting>(first_setting(input_of(plan, network_), output));
        settings_.keep(key, setting);
    }
    if (measure && setting->measured_batch == 0)
        setting->measured_batch = fastest_batch(*setting, input_of(plan, network_), output);
    return *setting;
}

Scorer::Setting Scorer::first_setting(const at::Tensor &input, const std::string &output)
{
    const at::Tensor logits = network_.classify(input.clone(), output).to(at::kCPU);
    auto plain = plain_form(network_.plain());
    Setting setting = {plain, 1, 1, 0};
    if (agrees(*plain, input, output, 2, logits)) {
        setting.largest_batch = std::numeric_limits<int64_t>::max();
        setting.usual_batch = batch_sizes(network_.device()).usual;
    }
    if (!form_)
        form_ = fastest_form(input, output, logits, setting.usual_batch);
    if (agrees(*form_, input, output, setting.usual_batch, logits))
        setting.form = form_;
    return setting;
}

std::shared_ptr<const ScoringForm> Scorer::fastest_form(const at::Tensor &input, const std::string &output,
                                                        const at::Tensor &logits, int64_t rows)
{
    std::shared_ptr<const ScoringForm> fastest = plain_form(network_.plain());
    double best = std::numeric_limits<double>::infinity();
    for (const auto &form : optimised_forms(network_.module())) {
        if (!agrees(*form, input, output, rows, logits))
            continue;
        const double seconds = time_form(*form, input, output, rows);
        if (seconds < best) {
            best = seconds;
            fastest = form;
        }
    }
    return fastest;
}

int64_t Scorer::fastest_batch(const Setting &setting, const at::Tensor &input, const std::string &output)
{
    int64_t fastest = setting.usual_batch;
    double best = std::numeric_limits<double>::infinity();
    for (int64_t rows : batch_sizes(network_.device()).candidates) {
        if (rows > setting.largest_batch)
            break;
        const double seconds = time_form(*setting.form, input, output, rows);
        if (seconds < best) {
            best = seconds;
            fastest = rows;
        }
    }
    return fastest;
}

// --- buffers --------------------------------------------------------------------------------------------

at::Tensor Scorer::take_buffer(int64_t size)
{
    {
        std::lock_guard<std::mutex> lock(buffer_mutex_);
        while (!idle_buffers_.empty()) {
            at::Tensor buffer = std::move(idle_buffers_.back());
            idle_buffers_.pop_back();
            if (buffer.numel() >= size)
                return buffer;
        }
    }
    return at::empty({size}, at::TensorOptions(at::kFloat).pinned_memory(!network_.device().is_cpu()));
}

void Scorer::give_back(at::Tensor buffer)
{
    std::lock_guard<std::mutex> lock(buffer_mutex_);
    idle_buffers_.push_back(std::move(buffer));
}

void Scorer::free_idle_buffers()
{
    std::lock_guard<std::mutex> lock(buffer_mutex_);
    idle_buffers_.clear();
}

} // namespace sscam
