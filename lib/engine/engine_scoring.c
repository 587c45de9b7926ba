#include "engine/engine_scoring.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/background.h"
#include "base/checked_size.h"
#include "base/error.h"
#include "engine/engine_batch.h"
#include "engine/output_rows.h"
#include "sscam/runtime.h"

/* What masked inputs and ablations have in common. */
typedef struct scoring {
    sscam_engine_network *network;
    sscam_score_kind kind;
    const sscam_target *targets;
    int64_t target_count, count; /* scores: [target_count][count] */
    const sscam_progress *progress;
    float *scores;
} scoring;

static sscam_status check_classes(const scoring *work, const sscam_engine_values *outputs)
{
    const int64_t classes = sscam_engine_class_count(outputs);
    for (int64_t t = 0; t < work->target_count; t++) {
        const sscam_target *target = &work->targets[t];
        const int64_t wanted = sscam_target_output_count(target);
        if (wanted > classes || (sscam_target_takes_all_outputs(target) && wanted != classes) ||
            (target->target_pixels != NULL) != sscam_engine_is_dense(outputs))
            return sscam_fail(SSCAM_E_MODEL,
                              "%s: outputs [N,%lld%s] now, other than for the input itself",
                              work->network->engine.name, (long long)classes,
                              sscam_engine_is_dense(outputs) ? ",h,w" : "");
    }
    return SSCAM_OK;
}

/* Scores of one input, whose number is `index`, for all targets. `row`: [classes]. */
static sscam_status score_input(const scoring *work, const sscam_engine_values *outputs,
                                int64_t input, int64_t index, float *row)
{
    const int64_t classes = sscam_engine_class_count(outputs);
    sscam_status status = SSCAM_OK;
    for (int64_t t = 0; t < work->target_count && status == SSCAM_OK; t++) {
        const sscam_target *target = &work->targets[t];
        if (t == 0 || target->target_pixels != work->targets[t - 1].target_pixels)
            status = sscam_engine_read_row(outputs, input, target->target_pixels, work->kind, row);
        if (status == SSCAM_OK)
            work->scores[t * work->count + index] = (float)sscam_target_score(
                row, classes, target, sscam_row_kind(target, work->kind));
    }
    return status;
}

/* Scores of the inputs number `first` and following, from a row of outputs each. */
static sscam_status store_scores(const scoring *work, const sscam_engine_values *outputs,
                                 int64_t first)
{
    sscam_status status = check_classes(work, outputs);
    if (status != SSCAM_OK)
        return status;
    float *row = sscam_allocate_array(sscam_engine_class_count(outputs), sizeof *row);
    if (!row)
        return sscam_fail_memory("scores");
    for (int64_t i = 0; i < outputs->shape[0] && status == SSCAM_OK; i++)
        status = score_input(work, outputs, i, first + i, row);
    free(row);
    return status;
}

/* Runs inputs `first` to `first + rows - 1` and gives their outputs in the reply. */
typedef sscam_status (*run_rows)(void *context, int64_t first, int64_t rows,
                                 sscam_engine_reply *reply);

/* Scores all inputs batch by batch. Where memory runs out, batches have half as many from there on,
 * unless the engine takes no other number. */
static sscam_status score_in_batches(const scoring *work, int64_t batch, run_rows run,
                                     void *context)
{
    sscam_status status = SSCAM_OK;
    for (int64_t first = 0; first < work->count && status == SSCAM_OK;) {
        const int64_t left = work->count - first, rows = left < batch ? left : batch;
        sscam_engine_reply reply;
        sscam_engine_reply_begin(&reply, rows);
        status = run(context, first, rows, &reply);
        if (status == SSCAM_OK)
            status = store_scores(work, &reply.outputs, first);
        const int32_t can_go_on = !reply.lacks_inputs;
        sscam_engine_reply_release(&reply);
        if (status == SSCAM_E_MEMORY && rows > 1 && can_go_on &&
            sscam_engine_fixed_rows(work->network) == 0) {
            batch = (rows + 1) / 2;
            status = SSCAM_OK;
            continue;
        }
        first += rows;
        if (status == SSCAM_OK)
            status = sscam_progress_report(work->progress, (double)first / (double)work->count);
    }
    return status;
}

/* --- masked inputs ---------------------------------------------------------------------------- */

/* A batch of masked inputs: which ones, and memory to write them. */
typedef struct masked_buffer {
    const sscam_mask_list *masks;
    sscam_engine_batch batch;
    float *scratch;
    int64_t first, rows; /* that were written */
} masked_buffer;

/* While the engine runs one buffer, the other one is written. */
typedef struct masked_batches {
    masked_buffer buffers[2];
    int32_t next; /* which is run next */
    int64_t count;
} masked_batches;

static void write_masked(void *context)
{
    masked_buffer *buffer = context;
    for (int64_t i = 0; i < buffer->rows; i++)
        sscam_mask_list_write(buffer->masks, buffer->first + i,
                              sscam_engine_format(buffer->batch.network), buffer->scratch,
                              sscam_engine_batch_row(&buffer->batch, i));
}

static sscam_status run_masked(void *context, int64_t first, int64_t rows,
                               sscam_engine_reply *reply)
{
    masked_batches *work = context;
    masked_buffer *own = &work->buffers[work->next], *following = &work->buffers[1 - work->next];
    sscam_background writer;
    if (own->first != first || own->rows != rows) {
        own->first = first;
        own->rows = rows;
        write_masked(own);
    }
    following->first = first + rows;
    following->rows = work->count - following->first < rows ? work->count - following->first : rows;
    if (following->rows == 0 || sscam_max_threads() == 1 ||
        !sscam_background_start(&writer, write_masked, following)) {
        writer.is_running = false;
        following->rows = 0;
    }
    sscam_status status = sscam_engine_batch_run(&own->batch, rows, NULL, reply);
    sscam_background_wait(&writer);
    work->next = 1 - work->next;
    return status;
}

/* The engine decides about precision and threads. */
static sscam_status check_options(const sscam_engine_network *network,
                                  const sscam_scoring_options *options)
{
    if (options->precision != SSCAM_PRECISION_FP32)
        return sscam_fail(SSCAM_E_UNSUPPORTED,
                          "option precision: %s is an engine of the host, which decides about its "
                          "precision itself",
                          network->engine.name);
    if (options->workers > 1)
        return sscam_fail(SSCAM_E_UNSUPPORTED,
                          "option workers: %s is an engine of the host, which decides about its "
                          "threads itself",
                          network->engine.name);
    return SSCAM_OK;
}

static sscam_status create_buffer(sscam_engine_network *network, const sscam_score_request *request,
                                  int64_t rows, masked_buffer *out)
{
    const sscam_shape shape = sscam_mask_shape(request->masks->plans[0]); /* all have the same */
    out->masks = request->masks;
    sscam_status status = sscam_engine_batch_create(network, &shape, request->output, rows,
                                                    &out->batch);
    if (status != SSCAM_OK)
        return status;
    out->scratch = sscam_allocate_array(sscam_mask_list_scratch_size(request->masks),
                                        sizeof *out->scratch);
    return out->scratch ? SSCAM_OK : sscam_fail_memory("masked inputs");
}

static void destroy_buffers(masked_batches *work)
{
    for (int i = 0; i < 2; i++) {
        sscam_engine_batch_destroy(&work->buffers[i].batch);
        free(work->buffers[i].scratch);
    }
}

sscam_status sscam_engine_score(void *handle, const sscam_score_request *request, float *scores)
{
    sscam_engine_network *network = handle;
    const scoring work = {.network = network,
                          .kind = request->kind,
                          .targets = request->targets,
                          .target_count = request->target_count,
                          .count = sscam_mask_list_count(request->masks),
                          .progress = request->progress,
                          .scores = scores};
    masked_batches masked = {.count = work.count};
    int64_t rows = 0;
    sscam_status status = check_options(network, &request->scoring);
    if (status == SSCAM_OK)
        status = sscam_engine_choose_rows(network, request->scoring.batch_size, &rows);
    if (status == SSCAM_OK && sscam_engine_fixed_rows(network) == 0 && rows > work.count)
        rows = work.count;
    for (int i = 0; i < 2 && status == SSCAM_OK; i++)
        status = create_buffer(network, request, rows, &masked.buffers[i]);
    if (status == SSCAM_OK && request->diagnostics)
        *request->diagnostics = (sscam_scoring_diagnostics){"engine of the host", 1, rows, 0};
    if (status == SSCAM_OK)
        status = score_in_batches(&work, rows, run_masked, &masked);
    destroy_buffers(&masked);
    return status;
}

/* --- ablations -------------------------------------------------------------------------------- */

/* Rows of activations along their batch axis. */
typedef struct ablated_batch {
    const sscam_ablation_plan *plan;
    sscam_engine_batch input; /* the one input */
    sscam_engine_reply whole; /* its activations and outputs */
    float *activations;       /* [rows] times as large as those of the input */
    float *position_mask;     /* of a plan of positions: sscam_position_mask() of one row */
} ablated_batch;

/* Values from one element to the next along an axis. */
static int64_t step_of(const sscam_engine_values *values, int32_t axis)
{
    int64_t step = 1;
    for (int32_t i = axis + 1; i < values->rank; i++)
        step *= values->shape[i];
    return step;
}

/* Number of a value among the positions, those outside the grid included: its index along all axes
 * but those of the batch and the channels. */
static int64_t position_of(const ablated_batch *work, int64_t index)
{
    const sscam_engine_values *whole = &work->whole.activations;
    int64_t position = 0, step = 1;
    for (int32_t axis = whole->rank - 1; axis >= 0; axis--) {
        if (axis != work->plan->channel_axis && axis != work->plan->batch_axis) {
            position += index % whole->shape[axis] * step;
            step *= whole->shape[axis];
        }
        index /= whole->shape[axis];
    }
    return position;
}

/* Multiplies a row that was written with the mask of a position. */
static void keep_position(const ablated_batch *work, int64_t rows, int64_t row, int64_t position)
{
    const sscam_engine_values *whole = &work->whole.activations;
    const int64_t count = sscam_engine_value_count(whole),
                  inner = step_of(whole, work->plan->batch_axis);
    sscam_position_mask(work->plan, position, work->position_mask);
    for (int64_t i = 0; i < count; i++)
        work->activations[(i / inner * rows + row) * inner + i % inner] *=
            work->position_mask[position_of(work, i)];
}

/* Writes row number `row` of `rows` without a channel; -1: with all. */
static void write_row(const ablated_batch *work, int64_t rows, int64_t row, int64_t channel)
{
    const sscam_engine_values *whole = &work->whole.activations;
    const int64_t count = sscam_engine_value_count(whole),
                  inner = step_of(whole, work->plan->batch_axis),
                  step = step_of(whole, work->plan->channel_axis),
                  channels = whole->shape[work->plan->channel_axis];
    for (int64_t outer = 0; outer < count / inner; outer++)
        memcpy(work->activations + (outer * rows + row) * inner, whole->values + outer * inner,
               (size_t)inner * sizeof *whole->values);
    for (int64_t block = channel; channel >= 0 && block < count / step; block += channels)
        for (int64_t i = block * step; i < (block + 1) * step; i++)
            work->activations[(i / inner * rows + row) * inner + i % inner] = 0.0f;
}

/* Writes row number `row` of `rows` with alteration number `index` of the plan; -1: unaltered. */
static void write_altered(const ablated_batch *work, int64_t rows, int64_t row, int64_t index)
{
    const int32_t has_channels = work->plan->channels != NULL;
    write_row(work, rows, row, index >= 0 && has_channels ? work->plan->channels[index] : -1);
    if (index >= 0 && !has_channels)
        keep_position(work, rows, row, index);
}

/* Runs the tail with alterations number `first` and following, one in each row; -1: unaltered.
 * Where the engine takes a fixed number of rows, unaltered ones are added. */
static sscam_status run_tail(const ablated_batch *work, int64_t first, int64_t rows,
                             sscam_engine_reply *reply)
{
    int64_t input_shape[SSCAM_MOST_RANK], shape[SSCAM_LAYER_MAX_RANK];
    const sscam_engine_values *whole = &work->whole.activations;
    const int64_t fixed = sscam_engine_fixed_rows(work->input.network);
    const int64_t total = fixed > 0 ? fixed : rows;
    sscam_engine_request request = sscam_engine_batch_request(&work->input, 1, input_shape);
    for (int64_t row = 0; row < total; row++)
        write_altered(work, total, row, first >= 0 && row < rows ? first + row : -1);
    memcpy(shape, whole->shape, sizeof shape);
    shape[work->plan->batch_axis] = total;
    request.layer = work->plan->layer;
    request.activations = work->activations;
    request.activation_shape = shape;
    request.activation_rank = whole->rank;
    sscam_engine_reply_begin(reply, total);
    sscam_status status = sscam_engine_run_tail(work->input.network, &request, reply);
    if (status == SSCAM_OK)
        reply->outputs.shape[0] = rows;
    return status;
}

static sscam_status run_ablated(void *context, int64_t first, int64_t rows,
                                sscam_engine_reply *reply)
{
    const ablated_batch *work = context;
    return run_tail(work, first, rows, reply);
}

/* Unaltered activations have to give the outputs of the whole network: where something else than
 * the layer carries the input on, a tail may miss it. */
static sscam_status check_tail(const ablated_batch *work)
{
    const sscam_engine_values *whole = &work->whole.outputs;
    const int64_t size = sscam_engine_output_size(whole);
    const char *name = work->input.network->engine.name;
    double scale = 1e-6;
    sscam_engine_reply reply;
    sscam_status status = run_tail(work, -1, 1, &reply);
    const sscam_engine_values *found = &reply.outputs;
    if (status == SSCAM_OK &&
        (found->rank != whole->rank || sscam_engine_output_size(found) != size))
        status = sscam_fail(SSCAM_E_MODEL, "%s: tail gave %lld outputs, and run %lld", name,
                            (long long)sscam_engine_output_size(found), (long long)size);
    for (int64_t i = 0; i < size && status == SSCAM_OK; i++)
        scale = fmax(scale, fabs(whole->values[i]));
    for (int64_t i = 0; i < size && status == SSCAM_OK; i++)
        if (!(fabs((double)found->values[i] - whole->values[i]) <= 1e-3 * scale))
            status = sscam_fail(SSCAM_E_MODEL,
                                "%s: tail gives %g for output %lld from the activations of layer "
                                "%s, where run gives %g",
                                name, (double)found->values[i], (long long)i, work->plan->layer,
                                (double)whole->values[i]);
    sscam_engine_reply_release(&reply);
    return status;
}

static sscam_status allocate_position_mask(ablated_batch *work)
{
    const sscam_engine_values *whole = &work->whole.activations;
    const int64_t positions = sscam_position_count(work->plan->sides) + work->plan->extra_tokens;
    if (work->plan->channels)
        return SSCAM_OK;
    if (positions * whole->shape[work->plan->channel_axis] != sscam_engine_value_count(whole))
        return sscam_fail(SSCAM_E_MODEL, "%s: layer %s has now another number of positions",
                          work->input.network->engine.name, work->plan->layer);
    work->position_mask = sscam_allocate_array(positions, sizeof *work->position_mask);
    return work->position_mask ? SSCAM_OK : sscam_fail_memory("a mask of positions");
}

/* Runs the input for the layer's activations. */
static sscam_status begin_ablated(sscam_engine_network *network,
                                  const sscam_ablation_request *request, int64_t rows,
                                  ablated_batch *out)
{
    *out = (ablated_batch){.plan = request->plan};
    sscam_engine_reply_begin(&out->whole, 1);
    sscam_status status = sscam_engine_batch_create(network, &request->shape, request->output, 1,
                                                    &out->input);
    if (status != SSCAM_OK)
        return status;
    sscam_engine_batch_set(&out->input, 0, request->plan->input);
    status = sscam_engine_batch_run(&out->input, 1, request->plan->layer, &out->whole);
    if (status != SSCAM_OK)
        return status;
    if (out->whole.activations.rank <= request->plan->batch_axis ||
        out->whole.activations.rank <= request->plan->channel_axis)
        return sscam_fail(SSCAM_E_MODEL, "%s: layer %s has now %d dimensions", network->engine.name,
                          request->plan->layer, (int)out->whole.activations.rank);
    status = allocate_position_mask(out);
    if (status != SSCAM_OK)
        return status;
    out->activations = sscam_allocate_array(
        sscam_times(rows, sscam_engine_value_count(&out->whole.activations)),
        sizeof *out->activations);
    return out->activations ? SSCAM_OK : sscam_fail_memory("altered activations");
}

static void end_ablated(ablated_batch *work)
{
    sscam_engine_batch_destroy(&work->input);
    sscam_engine_reply_release(&work->whole);
    free(work->activations);
    free(work->position_mask);
}

sscam_status sscam_engine_ablate(void *handle, const sscam_ablation_request *request, float *scores)
{
    sscam_engine_network *network = handle;
    const scoring work = {.network = network,
                          .kind = request->kind,
                          .targets = request->targets,
                          .target_count = request->target_count,
                          .count = request->plan->channel_count,
                          .progress = request->progress,
                          .scores = scores};
    ablated_batch ablated = {0};
    int64_t rows = 0;
    sscam_status status = sscam_engine_require(network, network->engine.tail, "tail");
    if (status == SSCAM_OK)
        status = sscam_engine_choose_rows(network, request->batch_size, &rows);
    if (status == SSCAM_OK && sscam_engine_fixed_rows(network) == 0 && rows > work.count)
        rows = work.count;
    if (status == SSCAM_OK)
        status = begin_ablated(network, request, rows, &ablated);
    if (status == SSCAM_OK)
        status = check_tail(&ablated);
    if (status == SSCAM_OK)
        status = score_in_batches(&work, rows, run_ablated, &ablated);
    end_ablated(&ablated);
    *request->extra_inputs = 2; /* the whole network, and its tail with nothing ablated */
    return status;
}
