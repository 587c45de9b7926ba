#include "score/scorer.hpp"

#include <atomic>
#include <limits>
#include <new>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "common/guard.hpp"
#include "common/workers.hpp"
#include "cuda/cuda_scorer.hpp"
#include "engine/network.hpp"
#include "score/score_rows.hpp"

namespace sscam {

namespace {

struct BatchSizes {
    int64_t usual;
    std::vector<int64_t> candidates;
    int64_t long_plan; // masked inputs from which on measuring them costs little beside the work,
                       // or wins more later
};

// Small batches stay in a processor's caches; a graphics card needs large ones to be busy.
const BatchSizes &batch_sizes(c10::Device device)
{
    static const BatchSizes processor = {4, {1, 2, 8}, 1024};
    static const BatchSizes card = {32, {64, 128, 256, 512}, 64};
    return device.is_cpu() ? processor : card;
}

// What measuring may take where the work is short. On a card each way first has its kernels chosen
// and loaded.
double least_measuring_seconds(c10::Device device)
{
    return device.is_cpu() ? 0.3 : 2.0;
}

// Of many workers each takes fewer inputs: together they hold no more than a few batches in memory.
int64_t batch_of_a_worker(int64_t workers)
{
    constexpr int64_t together = 16;
    return std::max<int64_t>(1, std::min<int64_t>(batch_sizes(at::kCPU).usual, together / workers));
}

// Values in memory as a batch [N,C,...].
at::Tensor in_layout(const at::Tensor &values, std::vector<int64_t> sizes,
                     sscam_memory_format layout)
{
    if (layout == SSCAM_MEMORY_FORMAT_NCHW)
        return values.view(sizes);
    std::rotate(sizes.begin() + 1, sizes.begin() + 2, sizes.end());
    return values.view(sizes).movedim(-1, 1);
}

void write_masked_inputs(const sscam_mask_list &masks, sscam_memory_format layout, int64_t first,
                         int64_t rows, float *batch)
{
    const sscam_shape shape = sscam_mask_shape(masks.plans[0]);
    const int64_t row_size = sscam_input_size(&shape);
    const int64_t scratch_size = sscam_mask_list_scratch_size(&masks);
    std::vector<float> scratch(scratch_size * at::get_num_threads());
    at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
        float *own_scratch = scratch.data() + scratch_size * at::get_thread_num();
        for (int64_t row = begin; row < end; row++)
            sscam_mask_list_write(&masks, first + row, layout, own_scratch, batch + row * row_size);
    });
}

} // namespace

int64_t usual_batch(c10::Device device)
{
    return batch_sizes(device).usual;
}

Scorer::Scorer(const Network &network, Precision precision)
    : network_(network), precision_(precision), buffers_(!network.device().is_cpu())
{
}

void Scorer::score(const sscam_score_request &request, float *scores)
{
    ScoringWay way = way_for(request);
    if (request.diagnostics)
        *request.diagnostics = {way.form->name, way.workers, way.batch};
    if (makes_masks(network_.device()))
        score_on_card(way, request, network_.device(), scores);
    else
        score_batches(way, request, scores);
}

void Scorer::score_batches(const ScoringWay &way, const sscam_score_request &request, float *scores)
{
    const int64_t count = sscam_mask_list_count(request.masks);
    std::atomic<int64_t> next(0), done(0);
    run_workers(way.workers, [&](bool is_caller) {
        try {
            for (int64_t first; (first = next.fetch_add(way.batch)) < count;) {
                const int64_t end = std::min(count, first + way.batch);
                for (int64_t rows = end - first; first < end; first += rows) {
                    rows = score_batch(way, request, first, std::min(rows, end - first), scores);
                    done += rows;
                    if (is_caller)
                        report(request, static_cast<double>(done) / static_cast<double>(count));
                }
            }
        } catch (...) {
            next = count; // the others need not go on
            throw;
        }
    });
    report(request, 1.0); // the caller's last batch need not have been the last of all
}

// Scores as many of the rows as fit in memory, and says how many.
int64_t Scorer::score_batch(const ScoringWay &way, const sscam_score_request &request,
                            int64_t first, int64_t rows, float *scores)
{
    for (;;) {
        try {
            score_masked(*way.form, request, first, rows, scores);
            return rows;
        } catch (...) {
            if (!memory_ran_out() || rows == 1)
                throw;
            buffers_.free_idle();
            rows = (rows + 1) / 2;
        }
    }
}

void Scorer::score_masked(const ScoringForm &form, const sscam_score_request &request,
                          int64_t first, int64_t rows, float *scores)
{
    const sscam_mask_list &masks = *request.masks;
    sscam_shape shape = sscam_mask_shape(masks.plans[0]);
    shape.images = rows;
    const int64_t size = rows * sscam_input_size(&shape);
    at::Tensor buffer = buffers_.take(size);
    write_masked_inputs(masks, form.layout, first, rows, buffer.data_ptr<float>());
    const at::Tensor batch = in_layout(buffer.narrow(0, 0, size), sizes_of(shape), form.layout);
    const at::Tensor logits = run_for_logits(*form.program,
                                             batch.to(network_.device(), form.precision.type), {},
                                             0, text_or_empty(request.output));
    store_scores(request, logits, first, sscam_mask_list_count(&masks), name_of_masked, scores);
    buffers_.give_back(std::move(buffer)); // which the logits may be a part of
}

// --- choosing ------------------------------------------------------------------------------------

ScoringWay Scorer::way_for(const sscam_score_request &request)
{
    const int64_t workers = network_.device().is_cpu() ? request.scoring.workers
                                                       : 1; // a card has its own
    const sscam_mask_plan &plan = *request.masks->plans[0]; // all have one input shape
    const sscam_shape shape = sscam_mask_shape(&plan);
    const std::string output = text_or_empty(request.output);
    Key key = {sizes_of(shape), output};
    key.first.push_back(workers);
    const int64_t count = sscam_mask_list_count(request.masks);
    const bool wants_batch = request.scoring.calibrate && request.scoring.batch_size == 0 &&
                             count >= batch_sizes(network_.device()).long_plan;
    std::lock_guard<std::mutex> lock(mutex_);
    auto setting = settings_.find(key);
    if (!setting || !(request.scoring.calibrate ? setting->measured : setting->unmeasured) ||
        (wants_batch && !setting->batch_is_measured)) {
        const at::Tensor input = network_.input_from(plan.input, shape);
        const Example example = {input, network_.classify(input.clone(), output).to(at::kCPU),
                                 output};
        const bool is_new = !setting;
        if (is_new)
            setting = new_setting(example);
        const MeasuringTime time(least_measuring_seconds(network_.device()), count, [&] {
            report(request, 0.0);
        }); // without what making the forms took
        if (request.scoring.calibrate && !setting->measured) {
            const int64_t free_before = free_memory(network_.device());
            setting->measured = measured_way(*setting, workers, example, time);
            setting->bytes_an_input = (free_before - free_memory(network_.device())) /
                                      setting->measured->batch;
        }
        if (wants_batch && !setting->batch_is_measured) {
            setting->measured = with_measured_batch(*setting, example, time);
            setting->batch_is_measured = true;
        }
        if (!request.scoring.calibrate && !setting->unmeasured)
            setting->unmeasured = unmeasured_way(*setting, workers, example);
        if (setting->lacked_memory)
            settings_.forget(key);
        else if (is_new)
            settings_.keep(key, setting);
    }
    ScoringWay way = request.scoring.calibrate ? *setting->measured : *setting->unmeasured;
    if (request.scoring.batch_size > 0)
        way.batch = std::min(request.scoring.batch_size, setting->largest_batch);
    return way;
}

void Scorer::make_forms()
{
    if (precision_.tf32 && !network_.device().is_cuda())
        throw Refusal(SSCAM_E_UNSUPPORTED,
                      "precision=tf32: the device " + network_.device_name() + " has none");
    std::vector<std::shared_ptr<const ScoringForm>> forms;
    if (precision_.type == at::kFloat)
        forms.push_back(plain_form(network_.plain()));
    bool lacked_memory = false;
    for (auto &form : optimised_forms(network_, precision_, &lacked_memory))
        forms.push_back(std::move(form));
    if (forms.empty() && lacked_memory)
        throw std::bad_alloc();
    if (forms.empty())
        throw Refusal(SSCAM_E_UNSUPPORTED, std::string("the network cannot be converted to ") +
                                               at::toString(precision_.type));
    forms_ = std::move(forms);
    forms_lacked_memory_ = lacked_memory &&
                           network_.device().is_cpu(); // a card's is taken to stay as it is
}

std::shared_ptr<Scorer::Setting> Scorer::new_setting(const Example &example)
{
    if (forms_.empty() || forms_lacked_memory_)
        make_forms();
    auto setting = std::make_shared<Setting>();
    bool lacked_memory = forms_lacked_memory_;
    if (is_usable({forms_[0], 1, 2}, example, &lacked_memory))
        setting->largest_batch = std::numeric_limits<int64_t>::max();
    setting->lacked_memory = lacked_memory && network_.device().is_cpu();
    return setting;
}

// The frozen form is the network's own arithmetic.
ScoringWay Scorer::unmeasured_way(Setting &setting, int64_t workers, const Example &example) const
{
    workers = std::max<int64_t>(workers, 1);
    const int64_t batch = std::min(setting.largest_batch, usual_batch(network_.device()));
    const ScoringWay frozen = {forms_[precision_.type == at::kFloat && forms_.size() > 1 ? 1 : 0],
                               workers, batch};
    bool lacked_memory = false;
    if (is_usable(frozen, example, &lacked_memory))
        return frozen;
    if (precision_.type != at::kFloat && lacked_memory)
        throw std::bad_alloc();
    setting.lacked_memory |= lacked_memory && network_.device().is_cpu();
    if (precision_.type != at::kFloat)
        throw Refusal(SSCAM_E_UNSUPPORTED, std::string("computing in ") +
                                               at::toString(precision_.type) +
                                               ", the network fails or its outputs are others");
    return {forms_[0], workers, batch};
}

// `workers`: 0 to choose their number, too.
ScoringWay Scorer::measured_way(Setting &setting, int64_t workers, const Example &example,
                                const MeasuringTime &time)
{
    auto chosen = chosen_.find(workers);
    if (chosen != chosen_.end() && is_usable({chosen->second.form, 1, 1}, example)) {
        ScoringWay way = chosen->second;
        way.batch = std::min(way.batch, setting.largest_batch);
        return way;
    }
    auto fastest = fastest_of(candidates(setting, workers, example.input.dim()), example, time);
    const ScoringWay way = fastest ? in_usual_batches(*fastest, setting, example)
                                   : unmeasured_way(setting, workers, example);
    if (!setting.lacked_memory)
        chosen_.emplace(workers, way);
    return way;
}

// What is worth measuring, the most promising first; on the processor with single inputs, so that
// all can be measured in a moment: which form is fastest hardly hangs on the batch there. Sound has
// no channels-last order.
std::vector<ScoringWay> Scorer::candidates(const Setting &setting, int64_t workers,
                                           int64_t rank) const
{
    const bool is_cpu = network_.device().is_cpu(), is_free = workers == 0 && is_cpu;
    workers = is_free ? most_workers() : std::max<int64_t>(workers, 1);
    const int64_t batch = is_cpu ? 1
                                 : std::min(setting.largest_batch, usual_batch(network_.device()));
    std::vector<ScoringWay> ways;
    for (auto form = forms_.rbegin(); form != forms_.rend(); ++form)
        if ((*form != forms_.front() ||
             precision_.type != at::kFloat) && // the plain one is never the fastest
            (rank > SSCAM_LEAST_RANK || (*form)->layout == SSCAM_MEMORY_FORMAT_NCHW))
            ways.push_back({*form, workers, batch});
    if (is_free && workers > 1)
        for (size_t i = 0, count = ways.size(); i + 1 < count; i++)
            ways.push_back({ways[i].form, 1, batch});
    return ways;
}

// The way with batches of the usual size, where they give the same.
ScoringWay Scorer::in_usual_batches(ScoringWay way, const Setting &setting,
                                    const Example &example) const
{
    const int64_t batch = way.batch;
    way.batch = std::min(setting.largest_batch, way.workers > 1 ? batch_of_a_worker(way.workers)
                                                                : usual_batch(network_.device()));
    if (way.batch != batch && !is_usable(way, example))
        way.batch = batch;
    return way;
}

ScoringWay Scorer::with_measured_batch(const Setting &setting, const Example &example,
                                       const MeasuringTime &time) const
{
    std::vector<ScoringWay> ways = {*setting.measured};
    for (int64_t batch : batch_sizes(network_.device()).candidates)
        if (batch <= setting.largest_batch &&
            batch * setting.bytes_an_input <= free_memory(network_.device()))
            ways.push_back({setting.measured->form, setting.measured->workers, batch});
    return fastest_of(ways, example, time).value_or(*setting.measured);
}

} // namespace sscam
