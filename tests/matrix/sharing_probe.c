/* Uses one network from several threads at once, cancels, and scores and ablates in batches of
 * several sizes; fails when any result depends on that. Writes the logits to standard output.
 *
 * usage: sharing_probe MODEL CHANNELS HEIGHT WIDTH */
#include <pthread.h>
#include <stdio.h>

#include "matrix/probe_scene.h"

enum { THREADS = 4, ROUNDS = 3 };

static scene shared;

static int32_t cancel(void *user, double fraction)
{
    (void)user;
    return fraction > 0.2;
}

static void capture_and_check(const char *what)
{
    sscam_capture found;
    need(scene_capture(&shared, &found) == SSCAM_OK, what);
    scene_check_capture(&shared, &found, what);
    sscam_capture_release(&found);
}

static void score_and_check(sscam_scoring_options options, const char *what)
{
    float scores[SCENE_CHANNELS];
    need(scene_score(&shared, shared.network, options, NULL, scores) == SSCAM_OK, what);
    scene_check_scores(&shared, scores, what);
}

static void ablate(int64_t batch_size, float *scores)
{
    int64_t channels[SCENE_CHANNELS], extra_inputs;
    for (int k = 0; k < SCENE_CHANNELS; k++)
        channels[k] = k % shared.layout.channels;
    const sscam_ablation_plan plan = {.input = shared.input,
                                      .layer = shared.expected.layer,
                                      .batch_axis = shared.layout.batch_axis,
                                      .channel_axis = shared.layout.channel_axis,
                                      .channels = channels,
                                      .channel_count = SCENE_CHANNELS};
    const sscam_ablation_request request = {.plan = &plan,
                                            .shape = shared.shape,
                                            .targets = &shared.expected.target,
                                            .target_count = 1,
                                            .batch_size = batch_size,
                                            .extra_inputs = &extra_inputs};
    need(shared.backend->ablate(shared.network, &request, scores) == SSCAM_OK, "ablate");
}

static void ablate_in_batches_and_check(void)
{
    float expected[SCENE_CHANNELS], scores[SCENE_CHANNELS];
    ablate(1, expected);
    const int64_t batches[] = {0, 7};
    for (int i = 0; i < 2; i++) {
        ablate(batches[i], scores);
        need(scene_are_near(scores, expected, SCENE_CHANNELS), "batch size of ablations");
    }
}

static void *use_network(void *unused)
{
    for (int round = 0; round < ROUNDS; round++) {
        capture_and_check("capture in a thread");
        score_and_check((sscam_scoring_options){.batch_size = 4, .calibrate = 1},
                        "score in a thread");
        score_and_check((sscam_scoring_options){.workers = 3}, "score by workers of a thread");
    }
    return unused;
}

static void use_network_in_threads(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        need(pthread_create(&threads[i], NULL, use_network, NULL) == 0, "thread");
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: sharing_probe MODEL CHANNELS HEIGHT WIDTH\n");
        return 2;
    }
    scene_open(&shared, argv + 1);
    for (int64_t i = 0; i < shared.expected.class_count; i++)
        printf("%.9g\n", (double)shared.expected.logits[i]);
    capture_and_check("second capture");
    const int64_t batches[] = {0, 7, 64};
    for (int i = 0; i < 3; i++)
        score_and_check((sscam_scoring_options){.batch_size = batches[i], .calibrate = 1},
                        "batch size");
    ablate_in_batches_and_check();
    sscam_progress progress = {.callback = cancel, .end = 1.0};
    float scores[SCENE_CHANNELS];
    const sscam_scoring_options pairs = {.batch_size = 2, .calibrate = 1};
    need(scene_score(&shared, shared.network, pairs, &progress, scores) == SSCAM_E_CANCELLED,
         "cancellation");
    use_network_in_threads();
    scene_close(&shared);
    return 0;
}
