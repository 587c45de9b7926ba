/* Batches of inputs in the order of an engine, and their runs. */
#ifndef SSCAM_LIB_ENGINE_ENGINE_BATCH_H
#define SSCAM_LIB_ENGINE_ENGINE_BATCH_H

#include "engine/engine_call.h"

typedef struct sscam_engine_batch {
    sscam_engine_network *network;
    sscam_shape shape;        /* of one input */
    int32_t output;           /* which is read */
    int64_t row_count;        /* room for as many inputs */
    sscam_input_block *block; /* [row_count] inputs, each in the engine's order */
} sscam_engine_batch;

/* How many inputs to run at once where the option `batch_size` is `wanted`; SSCAM_E_ARGUMENT where
 * the engine does not take so many. */
sscam_status sscam_engine_choose_rows(const sscam_engine_network *network, int64_t wanted,
                                      int64_t *rows);

/* Finds an output by position or name; NULL or "": the first. */
sscam_status sscam_engine_find_output(const sscam_engine_network *network, const char *name,
                                      int32_t *output);

/* Checks the shape of inputs, of which `images` is not read, and allocates room for `rows` of them.
 * To be destroyed. */
sscam_status sscam_engine_batch_create(sscam_engine_network *network, const sscam_shape *shape,
                                       const char *output, int64_t rows, sscam_engine_batch *out);
void sscam_engine_batch_destroy(sscam_engine_batch *batch);

/* Frees the memory that is kept between calls. */
void sscam_engine_free_blocks(sscam_engine_network *network);

/* The order in which inputs are written. */
sscam_memory_format sscam_engine_format(const sscam_engine_network *network);

/* Where input number `row` of the batch lies. */
float *sscam_engine_batch_row(const sscam_engine_batch *batch, int64_t row);

/* Copies an input [C,D,H,W] into the batch. */
void sscam_engine_batch_set(const sscam_engine_batch *batch, int64_t row, const float *input);

/* The request for the first `rows` inputs, after them copies of the first one where the engine
 * takes a fixed number. `numbers` receives the shape and has to outlive the request. */
sscam_engine_request sscam_engine_batch_request(const sscam_engine_batch *batch, int64_t rows,
                                                int64_t numbers[SSCAM_MOST_RANK]);

/* Runs the first `rows` inputs; the reply has as many rows of outputs and, where `layer` is not
 * NULL and rows is 1, its activations for one input. To be released. */
sscam_status sscam_engine_batch_run(const sscam_engine_batch *batch, int64_t rows,
                                    const char *layer, sscam_engine_reply *reply);

#endif
