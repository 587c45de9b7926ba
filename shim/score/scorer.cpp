#include "score/scorer.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <new>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "common/guard.hpp"
#include "common/log_queue.hpp"
#include "common/workers.hpp"
#include "cuda/cuda_scorer.hpp"
#include "engine/network.hpp"
#include "score/score_rows.hpp"
#include "score/winograd_variant.hpp"

namespace sscam {

namespace {

struct BatchSizes {
    int64_t standard;
    c10::IntArrayRef candidates;
    int64_t worth_tuning; // masked inputs from which on measuring batch sizes costs little beside
                          // the work, or saves more later
};

// Small batches stay in a processor's caches; a GPU needs large ones to be busy. Nothing here is
// destroyed at exit, while another thread may still score.
BatchSizes batch_sizes(c10::Device device)
{
    static constexpr int64_t cpu_candidates[] = {1, 2, 8};
    static constexpr int64_t gpu_candidates[] = {64, 128, 256, 512};
    return device.is_cpu() ? BatchSizes{4, cpu_candidates, 1024}
                           : BatchSizes{32, gpu_candidates, 64};
}

// What measuring may take where the work is short. On a GPU each plan first has its kernels chosen
// and loaded.
double least_tuning_seconds(c10::Device device)
{
    return device.is_cpu() ? 0.3 : 2.0;
}

// The more workers, the fewer inputs each takes: together they hold no more than a few batches in
// memory.
int64_t batch_per_worker(int64_t workers)
{
    constexpr int64_t most_inputs = 16;
    return std::max<int64_t>(1, std::min(batch_sizes(at::kCPU).standard, most_inputs / workers));
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

// Each chunk of rows has scratch space of its own, whichever thread of whichever OpenMP runtime
// takes it.
void write_masked_inputs(const sscam_mask_list &masks, sscam_memory_format layout, int64_t first,
                         int64_t rows, float *batch)
{
    const sscam_shape shape = sscam_mask_shape(masks.plans[0]);
    const int64_t row_size = sscam_input_size(&shape);
    const int64_t scratch_size = sscam_mask_list_scratch_size(&masks);
    const int64_t chunks = std::min<int64_t>(rows, at::get_num_threads());
    std::vector<float> scratch(scratch_size * chunks);
    const auto write_chunk = [&](int64_t chunk) {
        for (int64_t row = rows * chunk / chunks; row < rows * (chunk + 1) / chunks; row++)
            sscam_mask_list_write(&masks, first + row, layout,
                                  scratch.data() + scratch_size * chunk, batch + row * row_size);
    };
    at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
        for (int64_t chunk = begin; chunk < end; chunk++)
            write_chunk(chunk);
    });
}

// None where the network has no such form.
std::shared_ptr<const ModelVariant> variant_named(const ModelVariants &variants,
                                                  const std::string &form)
{
    for (const auto &variant : variants.list)
        if (variant->form() == form)
            return variant;
    return named_winograd_variant(variants, form);
}

// Another call may have measured a plan just before others were set.
bool is_that(const ScoringPlan &plan, const CalibratedPlan &wanted)
{
    return plan.variant->form() == wanted.form && plan.workers == wanted.run_workers &&
           plan.batch == wanted.batch;
}

} // namespace

int64_t default_batch(c10::Device device)
{
    return batch_sizes(device).standard;
}

Scorer::Scorer(const Network &network, Precision precision)
    : network_(network), precision_(precision), buffers_(!network.device().is_cpu())
{
}

void Scorer::score(const sscam_score_request &request, float *scores)
{
    const Choice choice = plan_for(request, false);
    const ScoringPlan &plan = choice.plan;
    if (request.diagnostics)
        *request.diagnostics = {plan.is_one_by_one ? plan.variant->name_one_by_one
                                                   : plan.variant->name,
                                within_thread_limit(plan.workers), plan.batch, choice.passes};
    if (makes_masks(network_.device()))
        score_on_card(plan, request, network_, scores);
    else
        score_batches(plan, request, scores);
}

void Scorer::prepare(const sscam_score_request &request)
{
    plan_for(request, true);
}

void Scorer::score_batches(const ScoringPlan &plan, const sscam_score_request &request,
                           float *scores)
{
    const int64_t count = sscam_mask_list_count(request.masks);
    std::atomic<int64_t> next(0), done(0);
    const auto score_next = [&] {
        if (sscam_progress_is_interrupted(request.progress))
            return false; // report() says why
        int64_t first = next.fetch_add(plan.batch);
        const int64_t end = std::min(count, first + plan.batch);
        for (int64_t rows = end - first; first < end; first += rows) {
            rows = score_batch(plan, request, first, std::min(rows, end - first), scores);
            done += rows;
        }
        return end < count;
    };
    const auto report_progress = [&] {
        report(request, static_cast<double>(done) / static_cast<double>(count));
    };
    run_workers(plan.workers, {score_next, (count + plan.batch - 1) / plan.batch, report_progress});
    report(request, 1.0);
}

// Scores as many of the rows as fit in memory, and returns how many.
int64_t Scorer::score_batch(const ScoringPlan &plan, const sscam_score_request &request,
                            int64_t first, int64_t rows, float *scores)
{
    for (;;) {
        try {
            score_rows(*plan.variant, request, first, rows, scores);
            return rows;
        } catch (...) {
            if (!memory_ran_out() || rows == 1)
                throw;
            buffers_.free_idle();
            rows = (rows + 1) / 2;
        }
    }
}

void Scorer::score_rows(const ModelVariant &variant, const sscam_score_request &request,
                        int64_t first, int64_t rows, float *scores)
{
    const sscam_mask_list &masks = *request.masks;
    sscam_shape shape = sscam_mask_shape(masks.plans[0]);
    shape.images = rows;
    const int64_t size = rows * sscam_input_size(&shape);
    at::Tensor buffer = buffers_.take(size);
    write_masked_inputs(masks, variant.layout, first, rows, buffer.data_ptr<float>());
    const at::Tensor batch = in_layout(buffer.narrow(0, 0, size), sizes_of(shape), variant.layout);
    const at::Tensor logits = run_for_logits(*variant.program,
                                             batch.to(network_.device(), variant.precision.type),
                                             {}, 0, text_or_empty(request.output));
    store_scores(request, logits, first, sscam_mask_list_count(&masks), name_of_masked, scores);
    buffers_.give_back(std::move(buffer)); // not earlier: the logits may be a view of it
}

// --- plans ---------------------------------------------------------------------------------------

// No callback of the host's is called under the mutex, and nothing is measured under it: a callback
// may explain with this network, and other threads can be cancelled while one measures.
//
// `is_first_of_many`: a batch size is measured for fewer inputs, too, since a later call may have
// more of them.
Scorer::Choice Scorer::plan_for(const sscam_score_request &request, bool is_first_of_many)
{
    PlanRequest wanted = plan_request(request);
    if (is_first_of_many && wanted.wants_tuned && request.scoring.batch_size == 0)
        wanted.wants_tuned_batch |= 2 * wanted.input_count >=
                                    batch_sizes(network_.device()).worth_tuning;
    if (wanted.wants_tuned) {
        const Choice fixed = calibrated_plan(request, wanted);
        if (fixed.plan.variant)
            return fixed;
    }
    int64_t passes = 0;
    const auto is_complete = [&](const std::shared_ptr<const ShapePlans> &plans) {
        return plans && (wanted.wants_tuned ? plans->tuned : plans->untuned) &&
               (!wanted.wants_tuned_batch || plans->batch_is_tuned);
    };
    auto plans = known_plans(wanted.key);
    if (!is_complete(plans)) {
        const std::function<void()> report_start = [&] { report(request, 0.0); };
        const TuningLock::Holder holder(tuning_, report_start);
        plans = known_plans(wanted.key); // of another thread, which held the lock
        if (!is_complete(plans) && holder.is_holding()) {
            const ReferenceInput reference = reference_input(request);
            plans = complete_plans(plans.get(), wanted, reference, [&] { holder.report(); });
            keep_plans(wanted.key, plans);
            passes = *reference.passes;
        } else if (!plans || !(plans->untuned || (wanted.wants_tuned && plans->tuned))) {
            PlanRequest untuned = wanted;
            untuned.wants_tuned = untuned.wants_tuned_batch = false;
            const ReferenceInput reference = reference_input(request);
            plans = complete_plans(plans.get(), untuned, reference, [] {});
            passes = *reference.passes;
        }
    }
    ScoringPlan plan = wanted.wants_tuned && plans->tuned ? *plans->tuned : *plans->untuned;
    plan.is_one_by_one = plans->largest_batch == 1;
    if (request.scoring.batch_size > 0)
        plan.batch = std::min(request.scoring.batch_size, plans->largest_batch);
    if (passes > 0)
        log_message(SSCAM_LOG_INFO, [&] {
            return "masked inputs of shape " + shape_text(std::get<0>(wanted.key)) +
                   " are scored by " + plan_text(plan) + ", chosen by " + std::to_string(passes) +
                   " evaluations";
        });
    return {plan, passes};
}

// --- calibration ---------------------------------------------------------------------------------

std::optional<CalibratedPlan> Scorer::find_calibrated(const PlanRequest &wanted,
                                                      bool &is_calibrated)
{
    std::lock_guard<std::mutex> lock(mutex_);
    is_calibrated = calibrated_.has_value();
    if (!is_calibrated)
        return std::nullopt;
    const auto found = calibrated_->find(wanted.key);
    return found == calibrated_->end() ? std::nullopt : std::optional(found->second);
}

// The plan that was set; none where nothing was. It is checked once before it is used.
Scorer::Choice Scorer::calibrated_plan(const sscam_score_request &request,
                                       const PlanRequest &wanted)
{
    bool is_calibrated = false;
    const auto fixed = find_calibrated(wanted, is_calibrated);
    if (!is_calibrated)
        return {};
    const std::string subject = "the calibration that was set ";
    const std::string way_out = "; set another one, or none, or calibrate=off";
    if (!fixed)
        throw Error(SSCAM_E_UNSUPPORTED,
                    subject + "has nothing for inputs of shape " +
                        shape_text(std::get<0>(wanted.key)) +
                        " with workers=" + std::to_string(std::get<2>(wanted.key)) +
                        " and this precision and output" + way_out);
    Choice choice;
    const auto plans = known_plans(wanted.key);
    if (plans && plans->tuned && is_that(*plans->tuned, *fixed)) {
        choice.plan = *plans->tuned;
    } else {
        const Variants known = variants();
        choice.plan = {variant_named(*known, fixed->form), fixed->run_workers, fixed->batch};
        const ReferenceInput reference = reference_input(request);
        if (!choice.plan.variant || !is_usable(choice.plan, reference))
            throw Error(SSCAM_E_UNSUPPORTED, subject + "asks for the form " + fixed->form +
                                                 ", which does not give the network's outputs" +
                                                 way_out);
        ShapePlans made = plans ? *plans : ShapePlans();
        made.largest_batch = fixed->largest_batch;
        made.tuned = choice.plan;
        made.batch_is_tuned = true;
        keep_plans(wanted.key, std::make_shared<const ShapePlans>(std::move(made)));
        choice.passes = *reference.passes;
    }
    if (request.scoring.batch_size > 0)
        choice.plan.batch = std::min(request.scoring.batch_size, fixed->largest_batch);
    return choice;
}

std::vector<CalibratedPlan> Scorer::calibration()
{
    std::vector<CalibratedPlan> found;
    std::lock_guard<std::mutex> lock(mutex_);
    if (calibrated_) {
        for (const auto &[key, plan] : *calibrated_)
            found.push_back(plan);
        return found;
    }
    plans_.for_each([&](const Key &key, const std::shared_ptr<const ShapePlans> &plans) {
        if (plans->tuned)
            found.push_back({key, plans->tuned->variant->form(), plans->tuned->workers,
                             plans->tuned->batch, plans->largest_batch});
    });
    return found;
}

void Scorer::set_calibration(std::optional<std::vector<CalibratedPlan>> plans)
{
    std::optional<std::map<Key, CalibratedPlan>> calibrated;
    if (plans) {
        calibrated.emplace();
        for (CalibratedPlan &plan : *plans)
            calibrated->emplace(plan.key, plan);
    }
    std::lock_guard<std::mutex> lock(mutex_);
    calibrated_ = std::move(calibrated);
    first_tuned_.clear();
    plans_.clear();
}

// --- making plans --------------------------------------------------------------------------------

Scorer::PlanRequest Scorer::plan_request(const sscam_score_request &request) const
{
    PlanRequest wanted;
    // A GPU runs one batch at a time.
    wanted.workers = network_.device().is_cpu() ? within_thread_limit(request.scoring.workers) : 1;
    wanted.input_count = sscam_mask_list_count(request.masks);
    wanted.wants_tuned = request.scoring.calibrate;
    wanted.wants_tuned_batch = request.scoring.calibrate && request.scoring.batch_size == 0 &&
                               wanted.input_count >= batch_sizes(network_.device()).worth_tuning;
    const sscam_shape shape = sscam_mask_shape(request.masks->plans[0]); // all have one input shape
    wanted.key = {sizes_of(shape), text_or_empty(request.output), wanted.workers};
    return wanted;
}

std::shared_ptr<const Scorer::ShapePlans> Scorer::known_plans(const Key &key)
{
    std::lock_guard<std::mutex> lock(mutex_);
    return plans_.find(key);
}

void Scorer::keep_plans(const Key &key, const std::shared_ptr<const ShapePlans> &plans)
{
    std::lock_guard<std::mutex> lock(mutex_);
    if (plans->lacked_memory)
        plans_.erase(key);
    else
        plans_.insert(key, plans);
}

ReferenceInput Scorer::reference_input(const sscam_score_request &request) const
{
    const sscam_mask_plan &masks = *request.masks->plans[0];
    const at::Tensor input = network_.input_from(masks.input, sscam_mask_shape(&masks));
    const std::string output = text_or_empty(request.output);
    ReferenceInput reference{input, network_.classify(input.clone(), output).to(at::kCPU), output};
    *reference.passes = 1;
    return reference;
}

// Made without the mutex, which takes seconds. Two threads may do so at once only while a host's
// callback holds up the one that measures.
Scorer::Variants Scorer::variants()
{
    {
        std::lock_guard<std::mutex> lock(mutex_);
        if (variants_ && !variants_->lacked_memory)
            return variants_;
    }
    ModelVariants made = make_variants(network_, precision_);
    made.lacked_memory &= network_.device().is_cpu(); // a GPU's memory is taken to stay as it is
    std::lock_guard<std::mutex> lock(mutex_);
    variants_ = std::make_shared<const ModelVariants>(std::move(made));
    return variants_;
}

// Those of variants(), and the one whose convolutions are measured on the first input that plans
// are made for. Called by the thread that measures.
Scorer::Variants Scorer::all_variants(const ReferenceInput &reference)
{
    const Variants known = variants();
    if (known->has_measured_convolutions)
        return known;
    auto all = std::make_shared<ModelVariants>(*known);
    bool lacked_memory = false;
    if (auto variant = measured_winograd_variant(*known, reference,
                                                 default_batch(network_.device()), &lacked_memory))
        all->list.push_back(std::move(variant));
    all->has_measured_convolutions = !lacked_memory;
    all->lacked_memory |= lacked_memory;
    std::lock_guard<std::mutex> lock(mutex_);
    variants_ = all;
    return all;
}

// Lets go of convolutions that were measured and lost: their weights take up to four times the
// memory of the network's own.
void Scorer::release_measured_variants(const ScoringPlan &chosen)
{
    std::lock_guard<std::mutex> lock(mutex_);
    auto left = std::make_shared<ModelVariants>(*variants_);
    auto &list = left->list;
    list.erase(std::remove_if(list.begin(), list.end(),
                              [&](const auto &variant) {
                                  return !variant->choices.empty() && variant != chosen.variant;
                              }),
               list.end());
    variants_ = std::move(left);
}

// What is known, if anything, with the plans that are wanted. `report` is called between
// measurements.
std::shared_ptr<const Scorer::ShapePlans>
Scorer::complete_plans(const ShapePlans *known, const PlanRequest &wanted,
                       const ReferenceInput &reference, const std::function<void()> &report)
{
    const Variants variants = wanted.wants_tuned ? all_variants(reference) : this->variants();
    auto plans = std::make_shared<ShapePlans>(known ? *known : new_plans(*variants, reference));
    const TuningBudget budget(least_tuning_seconds(network_.device()), wanted.input_count,
                              report); // after making the variants, which does not count
    if (wanted.wants_tuned && !plans->tuned) {
        const int64_t free_before = free_memory(network_.device());
        plans->tuned = tuned_plan(*plans, *variants, wanted.workers, reference, budget);
        plans->bytes_per_input = (free_before - free_memory(network_.device())) /
                                 plans->tuned->batch;
        release_measured_variants(*plans->tuned);
    }
    if (wanted.wants_tuned_batch && !plans->batch_is_tuned) {
        plans->tuned = with_tuned_batch(*plans, reference, budget);
        plans->batch_is_tuned = true;
    }
    if (!wanted.wants_tuned && !plans->untuned)
        plans->untuned = untuned_plan(*plans, *variants, wanted.workers, reference);
    return plans;
}

Scorer::ShapePlans Scorer::new_plans(const ModelVariants &variants,
                                     const ReferenceInput &reference) const
{
    ShapePlans plans;
    bool lacked_memory = variants.lacked_memory;
    if (has_independent_rows(*variants.list[0], reference, &lacked_memory))
        plans.largest_batch = std::numeric_limits<int64_t>::max();
    plans.lacked_memory = lacked_memory && network_.device().is_cpu();
    return plans;
}

// The frozen variant computes exactly what the network computes.
ScoringPlan Scorer::untuned_plan(ShapePlans &plans, const ModelVariants &variants, int64_t workers,
                                 const ReferenceInput &reference) const
{
    workers = std::max<int64_t>(workers, 1);
    const int64_t batch = std::min(plans.largest_batch, default_batch(network_.device()));
    const bool has_plain = precision_.type == at::kFloat;
    const ScoringPlan frozen = {variants.list[has_plain && variants.list.size() > 1 ? 1 : 0],
                                workers, batch};
    bool lacked_memory = false;
    if (is_usable(frozen, reference, &lacked_memory))
        return frozen;
    if (!has_plain && lacked_memory)
        throw std::bad_alloc();
    plans.lacked_memory |= lacked_memory && network_.device().is_cpu();
    if (!has_plain)
        throw Error(SSCAM_E_UNSUPPORTED, std::string("computing in ") +
                                             at::toString(precision_.type) +
                                             ", the network fails or its outputs differ");
    return {variants.list[0], workers, batch};
}

// `workers`: 0 to choose their number, too.
ScoringPlan Scorer::tuned_plan(ShapePlans &plans, const ModelVariants &variants, int64_t workers,
                               const ReferenceInput &reference, const TuningBudget &budget)
{
    std::optional<ScoringPlan> first;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        const auto found = first_tuned_.find(workers);
        if (found != first_tuned_.end())
            first = found->second;
    }
    if (first &&
        is_usable({first->variant, 1, std::min<int64_t>(plans.largest_batch, 2)}, reference)) {
        first->batch = std::min(first->batch, plans.largest_batch);
        return *first;
    }
    const auto fastest = fastest_for_batches(
        candidates(plans, variants, workers, reference.input.dim()), plans, reference, budget);
    const ScoringPlan plan = fastest ? *fastest : untuned_plan(plans, variants, workers, reference);
    if (!plans.lacked_memory) {
        std::lock_guard<std::mutex> lock(mutex_);
        first_tuned_.emplace(workers, plan);
    }
    return plan;
}

// What is worth measuring, the most promising first; on the CPU with single inputs, so that all can
// be measured in a moment: which variant is fastest hardly depends on the batch there. Sound has no
// channels-last order.
std::vector<ScoringPlan> Scorer::candidates(const ShapePlans &plans, const ModelVariants &variants,
                                            int64_t workers, int64_t rank) const
{
    const bool is_cpu = network_.device().is_cpu(), is_free = workers == 0 && is_cpu;
    workers = is_free ? max_workers() : std::max<int64_t>(workers, 1);
    const int64_t batch = is_cpu ? 1
                                 : std::min(plans.largest_batch, default_batch(network_.device()));
    const bool has_plain = precision_.type == at::kFloat; // which is never the fastest
    std::vector<ScoringPlan> found;
    for (size_t i = variants.list.size(); i-- > (has_plain ? 1 : 0);)
        if (rank > SSCAM_LEAST_RANK || variants.list[i]->layout == SSCAM_MEMORY_FORMAT_NCHW)
            found.push_back({variants.list[i], workers, batch});
    if (is_free && workers > 1)
        for (size_t i = 0, count = found.size(); i + 1 < count; i++)
            found.push_back({found[i].variant, 1, batch});
    return found;
}

// The fastest whose variant can run batches, too. A single input hides what other orders in memory
// break: where view() joins rows and channels, only a batch in channels-last order fails.
std::optional<ScoringPlan> Scorer::fastest_for_batches(std::vector<ScoringPlan> found,
                                                       const ShapePlans &plans,
                                                       const ReferenceInput &reference,
                                                       const TuningBudget &budget) const
{
    while (const auto fastest = fastest_plan(found, reference, budget)) {
        if (const auto plan = with_default_batch(*fastest, plans, reference))
            return plan;
        found.erase(std::remove_if(
                        found.begin(), found.end(),
                        [&](const ScoringPlan &plan) { return plan.variant == fastest->variant; }),
                    found.end());
    }
    return std::nullopt;
}

// The plan with batches of the default size, or as it is where there is no memory for them. None
// where they do not give the same logits.
std::optional<ScoringPlan> Scorer::with_default_batch(ScoringPlan plan, const ShapePlans &plans,
                                                      const ReferenceInput &reference) const
{
    const int64_t batch = plan.batch;
    bool lacked_memory = false;
    plan.batch = std::min(plans.largest_batch, plan.workers > 1 ? batch_per_worker(plan.workers)
                                                                : default_batch(network_.device()));
    if (plan.batch == batch || is_usable(plan, reference, &lacked_memory))
        return plan;
    if (!lacked_memory)
        return std::nullopt;
    plan.batch = batch;
    return plan;
}

ScoringPlan Scorer::with_tuned_batch(const ShapePlans &plans, const ReferenceInput &reference,
                                     const TuningBudget &budget) const
{
    std::vector<ScoringPlan> found = {*plans.tuned};
    for (int64_t batch : batch_sizes(network_.device()).candidates)
        if (batch <= plans.largest_batch &&
            batch * plans.bytes_per_input <= free_memory(network_.device()))
            found.push_back({plans.tuned->variant, plans.tuned->workers, batch});
    return fastest_plan(found, reference, budget).value_or(*plans.tuned);
}

} // namespace sscam
