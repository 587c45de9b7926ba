/* Uses one network from several threads at once, cancels, and scores in batches of several sizes;
 * fails when any result depends on that.
 *
 * usage: sharing_probe MODEL CHANNELS HEIGHT WIDTH */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/torch_backend.h"
#include "model/activation_layout.h"
#include "model/backend.h"
#include "sscam/explainer.h"

enum { THREADS = 4, ROUNDS = 3, CHANNELS = 20 };

static const sscam_backend *backend;
static void *network;
static sscam_shape shape = {.rank = SSCAM_IMAGE_RANK, .images = 1, .sides = {.depth = 1}};
static float *input;
static sscam_capture expected;
static sscam_activation_layout arrangement; /* of its layer */
static float expected_scores[CHANNELS];

static void need(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s: %s\n", what, sscam_last_error());
        exit(1);
    }
}

static int near(const float *a, const float *b, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!(fabsf(a[i] - b[i]) <= 1e-5f * (1.0f + fabsf(b[i]))))
            return 0;
    return 1;
}

static void read_model(const char *path)
{
    FILE *file = fopen(path, "rb");
    need(file != NULL && fseek(file, 0, SEEK_END) == 0, path);
    size_t size = (size_t)ftell(file);
    rewind(file);
    char *data = malloc(size);
    need(data != NULL && fread(data, 1, size, file) == size, path);
    fclose(file);
    need(backend->load(path, data, size, NULL, &network) == SSCAM_OK, "load");
    free(data);
}

static sscam_status capture(sscam_capture *out)
{
    sscam_capture_request request = {.input = input,
                                     .shape = shape,
                                     .target = {.class_index = SSCAM_CLASS_TOP},
                                     .want_gradients = 1};
    return backend->capture(network, &request, out);
}

static sscam_status score(int64_t batch, const sscam_progress *progress, float *scores)
{
    sscam_mask_channel channels[CHANNELS];
    for (int k = 0; k < CHANNELS; k++)
        channels[k] = (sscam_mask_channel){k % arrangement.channels, 0.0f, 0.5f, 0.25f};
    sscam_mask_plan plan = {.input = input,
                            .input_rank = shape.rank,
                            .input_channels = shape.channels,
                            .input_sides = shape.sides,
                            .activations = expected.activations,
                            .map_sides = arrangement.sides,
                            .channels = channels,
                            .channel_count = CHANNELS,
                            .samples = 1};
    const sscam_mask_plan *plans[] = {&plan};
    sscam_mask_list masks = {plans, 1};
    sscam_score_request request = {.masks = &masks,
                                   .targets = &expected.target,
                                   .target_count = 1,
                                   .scoring = {.batch_size = batch, .calibrate = 1},
                                   .progress = progress};
    return backend->score(network, &request, scores);
}

static int32_t cancel(void *user, double fraction)
{
    (void)user;
    return fraction > 0.2;
}

static void *use_network(void *unused)
{
    int64_t size = arrangement.channels * sscam_position_count(arrangement.sides);
    for (int round = 0; round < ROUNDS; round++) {
        sscam_capture found;
        float scores[CHANNELS];
        need(capture(&found) == SSCAM_OK, "capture in a thread");
        need(near(found.activations, expected.activations, size), "activations in a thread");
        need(near(found.gradients, expected.gradients, size), "gradients in a thread");
        sscam_capture_release(&found);
        need(score(4, NULL, scores) == SSCAM_OK, "score in a thread");
        need(near(scores, expected_scores, CHANNELS), "scores in a thread");
    }
    return unused;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: sharing_probe MODEL CHANNELS HEIGHT WIDTH\n");
        return 2;
    }
    backend = sscam_torch_backend();
    read_model(argv[1]);
    shape.channels = atoll(argv[2]);
    shape.sides.height = atoll(argv[3]);
    shape.sides.width = atoll(argv[4]);
    int64_t size = sscam_input_size(&shape);
    input = malloc((size_t)size * sizeof *input);
    need(input != NULL, "input");
    for (int64_t i = 0; i < size; i++)
        input[i] = sinf((float)i * 0.37f);

    const sscam_layout_hint found = {0};
    need(capture(&expected) == SSCAM_OK, "capture");
    need(sscam_require_activation_layout(expected.layer, expected.shape, expected.rank, &shape,
                                         &found, &arrangement) == SSCAM_OK,
         "layer");
    need(score(1, NULL, expected_scores) == SSCAM_OK, "score");
    const int64_t batches[] = {0, 7, 64};
    float scores[CHANNELS];
    for (int i = 0; i < 3; i++)
        need(score(batches[i], NULL, scores) == SSCAM_OK && near(scores, expected_scores, CHANNELS),
             "batch size");
    sscam_progress progress = {.callback = cancel, .end = 1.0};
    need(score(2, &progress, scores) == SSCAM_E_CANCELLED, "cancellation");

    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        need(pthread_create(&threads[i], NULL, use_network, NULL) == 0, "thread");
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    sscam_capture_release(&expected);
    backend->destroy(network);
    free(input);
    return 0;
}
