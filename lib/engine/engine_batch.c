#include "engine/engine_batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"

/* Where neither the caller nor the engine names a number. */
enum { DEFAULT_ROWS = 8 };

sscam_status sscam_engine_choose_rows(const sscam_engine_network *network, int64_t wanted,
                                      int64_t *rows)
{
    const sscam_engine *engine = &network->engine;
    const int64_t fixed = sscam_engine_fixed_rows(network), largest = engine->largest_batch;
    if (fixed > 0 && wanted > 0 && wanted != fixed)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "option batch_size: %lld, but %s takes exactly %lld inputs at once",
                          (long long)wanted, engine->name, (long long)fixed);
    if (largest > 0 && wanted > largest)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "option batch_size: %lld, but %s takes at most %lld inputs at once",
                          (long long)wanted, engine->name, (long long)largest);
    *rows = wanted > 0                    ? wanted
            : fixed > 0                   ? fixed
            : engine->preferred_batch > 0 ? engine->preferred_batch
                                          : DEFAULT_ROWS;
    if (largest > 0 && *rows > largest)
        *rows = largest;
    return SSCAM_OK;
}

static sscam_status fail_unknown_output(const sscam_engine *engine, const char *name, int64_t count)
{
    char listed[512] = "";
    size_t length = 0;
    for (int64_t i = 0; i < count && length < sizeof listed; i++) {
        const char *own = i < engine->output_count ? engine->output_names[i] : "";
        const int32_t is_named = own[0] != '\0';
        length += (size_t)snprintf(listed + length, sizeof listed - length, "%s%lld%s%s%s",
                                   i > 0 ? ", " : "", (long long)i, is_named ? " (" : "", own,
                                   is_named ? ")" : "");
    }
    return sscam_fail(SSCAM_E_ARGUMENT, "option output: %s has no output \"%s\"; it has %s",
                      engine->name, name, listed);
}

sscam_status sscam_engine_find_output(const sscam_engine_network *network, const char *name,
                                      int32_t *output)
{
    const sscam_engine *engine = &network->engine;
    const int64_t count = engine->output_count > 0 ? engine->output_count : 1;
    *output = 0;
    if (!name || name[0] == '\0')
        return SSCAM_OK;
    for (int32_t i = 0; i < engine->output_count; i++) {
        *output = i;
        if (strcmp(engine->output_names[i], name) == 0)
            return SSCAM_OK;
    }
    for (int32_t i = 0; i < count; i++) {
        char position[16];
        *output = i;
        snprintf(position, sizeof position, "%d", (int)i);
        if (strcmp(position, name) == 0)
            return SSCAM_OK;
    }
    return fail_unknown_output(engine, name, count);
}

/* --- shapes ----------------------------------------------------------------------------------- */

static sscam_status check_shape(const sscam_engine_network *network, const sscam_shape *shape)
{
    const sscam_engine *engine = &network->engine;
    int64_t numbers[SSCAM_MOST_RANK];
    char given[SSCAM_ENGINE_SHAPE_SIZE], expected[SSCAM_ENGINE_SHAPE_SIZE];
    if (engine->input_rank == 0)
        return SSCAM_OK;
    if (shape->rank != engine->input_rank)
        return sscam_fail(SSCAM_E_ARGUMENT, "input rank: %d, but %s takes inputs of rank %d",
                          (int)shape->rank, engine->name, (int)engine->input_rank);
    sscam_shape_write(shape, numbers);
    for (int32_t i = 1; i < shape->rank; i++)
        if (engine->input_shape[i] > 0 && numbers[i] != engine->input_shape[i])
            return sscam_fail(SSCAM_E_ARGUMENT, "input shape %s: %s takes %s, where ? is any size",
                              sscam_engine_write_shape(numbers, shape->rank, given), engine->name,
                              sscam_engine_write_shape(engine->input_shape, shape->rank, expected));
    return SSCAM_OK;
}

/* --- inputs ----------------------------------------------------------------------------------- */

static void free_block(sscam_input_block *block)
{
    if (block)
        free(block->inputs);
    free(block);
}

static sscam_input_block *create_block(int64_t size)
{
    sscam_input_block *created = malloc(sizeof *created);
    if (!created)
        return NULL;
    created->size = size;
    created->inputs = sscam_allocate_array(size, sizeof *created->inputs);
    if (created->inputs)
        return created;
    free(created);
    return NULL;
}

/* Memory for that many floats: what an earlier call left, or new. NULL: there is none. */
static sscam_input_block *take_block(sscam_engine_network *network, int64_t size)
{
    for (int i = 0; i < SSCAM_ENGINE_BLOCKS; i++) {
        sscam_input_block *block = atomic_exchange(&network->blocks[i], NULL);
        if (block && block->size == size)
            return block;
        free_block(block ? atomic_exchange(&network->blocks[i], block) : NULL);
    }
    return create_block(size);
}

static void keep_block(sscam_engine_network *network, sscam_input_block *block)
{
    sscam_input_block *nothing = NULL;
    if (!block->inputs) {
        free_block(block);
        return;
    }
    for (int i = 0; i < SSCAM_ENGINE_BLOCKS; i++, nothing = NULL)
        if (atomic_compare_exchange_strong(&network->blocks[i], &nothing, block))
            return;
    /* Of other sizes than those of recent calls, the first makes room. */
    free_block(atomic_exchange(&network->blocks[0], block));
}

void sscam_engine_free_blocks(sscam_engine_network *network)
{
    for (int i = 0; i < SSCAM_ENGINE_BLOCKS; i++)
        free_block(atomic_exchange(&network->blocks[i], NULL));
}

sscam_status sscam_engine_batch_create(sscam_engine_network *network, const sscam_shape *shape,
                                       const char *output, int64_t rows, sscam_engine_batch *out)
{
    const int64_t fixed = sscam_engine_fixed_rows(network);
    *out = (sscam_engine_batch){.network = network, .shape = *shape};
    out->shape.images = 1;
    out->row_count = rows > fixed ? rows : fixed;
    sscam_status status = check_shape(network, shape);
    if (status == SSCAM_OK)
        status = sscam_engine_find_output(network, output, &out->output);
    if (status != SSCAM_OK)
        return status;
    out->block = take_block(network, sscam_times(out->row_count, sscam_input_size(shape)));
    return out->block ? SSCAM_OK : sscam_fail_memory("a batch of inputs");
}

void sscam_engine_batch_destroy(sscam_engine_batch *batch)
{
    if (batch->block)
        keep_block(batch->network, batch->block);
    batch->block = NULL;
}

sscam_memory_format sscam_engine_format(const sscam_engine_network *network)
{
    return network->engine.flags & SSCAM_ENGINE_CHANNELS_LAST ? SSCAM_MEMORY_FORMAT_NHWC
                                                              : SSCAM_MEMORY_FORMAT_NCHW;
}

float *sscam_engine_batch_row(const sscam_engine_batch *batch, int64_t row)
{
    return batch->block->inputs + row * sscam_input_size(&batch->shape);
}

void sscam_engine_batch_set(const sscam_engine_batch *batch, int64_t row, const float *input)
{
    const int64_t channels = batch->shape.channels,
                  positions = sscam_position_count(batch->shape.sides);
    float *out = sscam_engine_batch_row(batch, row);
    if (sscam_engine_format(batch->network) == SSCAM_MEMORY_FORMAT_NCHW) {
        memcpy(out, input, (size_t)(channels * positions) * sizeof *out);
        return;
    }
    for (int64_t c = 0; c < channels; c++)
        for (int64_t p = 0; p < positions; p++)
            out[p * channels + c] = input[c * positions + p];
}

sscam_engine_request sscam_engine_batch_request(const sscam_engine_batch *batch, int64_t rows,
                                                int64_t numbers[SSCAM_MOST_RANK])
{
    const int64_t fixed = sscam_engine_fixed_rows(batch->network);
    const size_t size = (size_t)sscam_input_size(&batch->shape) * sizeof(float);
    sscam_shape_write(&batch->shape, numbers);
    numbers[0] = fixed > 0 ? fixed : rows;
    for (int64_t row = rows; row < numbers[0]; row++)
        memcpy(sscam_engine_batch_row(batch, row), sscam_engine_batch_row(batch, 0), size);
    return (sscam_engine_request){.input = sscam_engine_batch_row(batch, 0),
                                  .shape = numbers,
                                  .rank = batch->shape.rank,
                                  .output = batch->output};
}

sscam_status sscam_engine_batch_run(const sscam_engine_batch *batch, int64_t rows,
                                    const char *layer, sscam_engine_reply *reply)
{
    int64_t numbers[SSCAM_MOST_RANK];
    sscam_engine_request request = sscam_engine_batch_request(batch, rows, numbers);
    request.layer = layer;
    sscam_engine_reply_begin(reply, numbers[0]);
    reply->input_block = batch->block;
    sscam_status status = sscam_engine_run(batch->network, &request, reply);
    reply->input_block = NULL;
    if (status != SSCAM_OK)
        return status;
    reply->outputs.shape[0] = rows;
    return layer ? sscam_engine_keep_first(batch->network, reply->activations.shape, layer)
                 : SSCAM_OK;
}
