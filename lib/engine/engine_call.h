/* Calls of the callbacks of an engine of the host, and what they reply. */
#ifndef SSCAM_LIB_ENGINE_ENGINE_CALL_H
#define SSCAM_LIB_ENGINE_ENGINE_CALL_H

#include "engine/engine_turn.h"
#include "model/backend.h"
#include "sscam/engine.h"

/* Memory of inputs that is kept between calls, since new memory is slow to write. */
typedef struct sscam_input_block {
    int64_t size;  /* in floats */
    float *inputs; /* NULL: the engine took them, and there was no memory for others */
} sscam_input_block;

enum { SSCAM_ENGINE_BLOCKS = 3 }; /* two batches, and a single input */

/* The network of a model that an engine serves. */
typedef struct sscam_engine_network {
    sscam_engine engine; /* its texts are owned by this struct */
    sscam_engine_turns turns;
    _Atomic(sscam_input_block *) blocks[SSCAM_ENGINE_BLOCKS]; /* not in use; NULL: none */
} sscam_engine_network;

/* Numbers that a callback gave. */
typedef struct sscam_engine_values {
    float *values; /* malloc'ed; NULL: none were given */
    int32_t rank;
    int64_t shape[SSCAM_LAYER_MAX_RANK];
} sscam_engine_values;

enum { SSCAM_ENGINE_TEXT_SIZE = 768, SSCAM_ENGINE_SHAPE_SIZE = 192 };

struct sscam_engine_reply {
    int64_t rows;           /* of outputs that are expected */
    int32_t is_description; /* layers may be added */
    int32_t wants_activations;
    struct sscam_layers layers; /* default_index is set after the call */
    char *default_layer;        /* malloc'ed; NULL: none was named */
    sscam_engine_values outputs, activations, gradients;
    sscam_input_block *input_block; /* which the engine may take the inputs of; NULL: none */
    int32_t lacks_inputs;           /* they were taken, and there was no memory for others */
    sscam_status status;            /* of the first function that failed */
    char text[SSCAM_ENGINE_TEXT_SIZE];
};

/* Clears a reply, whose buffers the functions below allocate. To be released. */
void sscam_engine_reply_begin(sscam_engine_reply *reply, int64_t rows);
void sscam_engine_reply_release(sscam_engine_reply *reply);

/* Number of values of a shape. */
int64_t sscam_engine_value_count(const sscam_engine_values *values);

/* "1x3x28x28"; a number of 0 is written as "?". Returns text. */
const char *sscam_engine_write_shape(const int64_t *numbers, int32_t rank,
                                     char text[SSCAM_ENGINE_SHAPE_SIZE]);

/* How many inputs the engine takes exactly; 0: any number. */
int64_t sscam_engine_fixed_rows(const sscam_engine_network *network);

/* Where the number of inputs is fixed, makes the shape of a layer, or of its values, that of the
 * first input. `what` is for messages. */
sscam_status sscam_engine_keep_first(const sscam_engine_network *network, int64_t *shape,
                                     const char *what);

/* Layers for one input of a shape; the default index is set. Shapes may be unknown, with rank 0.
 * To be released with the reply. */
sscam_status sscam_engine_describe(sscam_engine_network *network, const sscam_shape *shape,
                                   int32_t output, sscam_engine_reply *reply);

/* SSCAM_E_UNSUPPORTED, naming the callback, where the engine lacks one that is optional. */
sscam_status sscam_engine_require(const sscam_engine_network *network,
                                  sscam_engine_callback callback, const char *name);

/* The other callbacks. The request's struct_size is set here. What has to be given was given. */
sscam_status sscam_engine_run(sscam_engine_network *network, sscam_engine_request *request,
                              sscam_engine_reply *reply);
sscam_status sscam_engine_differentiate(sscam_engine_network *network,
                                        sscam_engine_request *request, sscam_engine_reply *reply);
sscam_status sscam_engine_run_tail(sscam_engine_network *network, sscam_engine_request *request,
                                   sscam_engine_reply *reply);

#endif
