#include "matrix/probe_scene.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sscam/explainer.h"

void need(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s: %s\n", what, sscam_last_error());
        exit(1);
    }
}

int scene_are_near(const float *a, const float *b, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!(fabsf(a[i] - b[i]) <= 1e-5f * (1.0f + fabsf(b[i]))))
            return 0;
    return 1;
}

static void read_file(scene *scene, const char *path)
{
    FILE *file = fopen(path, "rb");
    need(file && fseek(file, 0, SEEK_END) == 0, path);
    scene->file_size = (size_t)ftell(file);
    rewind(file);
    scene->file = malloc(scene->file_size);
    need(scene->file && fread(scene->file, 1, scene->file_size, file) == scene->file_size, path);
    fclose(file);
}

void *scene_load(const scene *scene)
{
    void *network = NULL;
    const sscam_byte_source source = sscam_byte_source_in_memory("model", scene->file,
                                                                 scene->file_size);
    need(scene->backend->load(&source, NULL, &network) == SSCAM_OK, "load");
    return network;
}

static void make_input(scene *scene)
{
    int64_t size = sscam_input_size(&scene->shape);
    scene->input = malloc((size_t)size * sizeof *scene->input);
    need(scene->input != NULL, "input");
    for (int64_t i = 0; i < size; i++)
        scene->input[i] = sinf((float)i * 0.37f);
}

void scene_open(scene *scene, char *const *argv)
{
    memset(scene, 0, sizeof *scene);
    scene->backend = sscam_torch_backend();
    read_file(scene, argv[0]);
    scene->network = scene_load(scene);
    scene->shape = (sscam_shape){
        .rank = SSCAM_IMAGE_RANK,
        .images = 1,
        .channels = atoll(argv[1]),
        .sides = {.depth = 1, .height = atoll(argv[2]), .width = atoll(argv[3])}};
    make_input(scene);

    const sscam_layout_hint hint = {0};
    need(scene_capture(scene, &scene->expected) == SSCAM_OK, "capture");
    need(sscam_require_activation_layout(scene->expected.layer, scene->expected.shape,
                                         scene->expected.rank, &scene->shape, &hint,
                                         &scene->layout) == SSCAM_OK,
         "layer");
    const sscam_scoring_options single = {.batch_size = 1};
    need(scene_score(scene, scene->network, single, NULL, scene->expected_scores) == SSCAM_OK,
         "score");
}

void scene_close(scene *scene)
{
    sscam_capture_release(&scene->expected);
    scene->backend->destroy(scene->network);
    free(scene->input);
    free(scene->file);
}

sscam_status scene_capture(const scene *scene, sscam_capture *out)
{
    sscam_capture_request request = {.input = scene->input,
                                     .shape = scene->shape,
                                     .target = {.class_index = SSCAM_CLASS_TOP},
                                     .want_gradients = 1};
    return scene->backend->capture(scene->network, &request, out);
}

sscam_status scene_score(const scene *scene, void *network, sscam_scoring_options options,
                         const sscam_progress *progress, float *scores)
{
    sscam_mask_channel channels[SCENE_CHANNELS];
    for (int k = 0; k < SCENE_CHANNELS; k++)
        channels[k] = (sscam_mask_channel){k % scene->layout.channels, 0.0f, 0.5f, 0.25f, 0};
    sscam_mask_plan plan = {.input = scene->input,
                            .input_rank = scene->shape.rank,
                            .input_channels = scene->shape.channels,
                            .input_sides = scene->shape.sides,
                            .activations = scene->expected.activations,
                            .map_sides = scene->layout.sides,
                            .channels = channels,
                            .channel_count = SCENE_CHANNELS,
                            .samples = 1};
    const sscam_mask_plan *plans[] = {&plan};
    sscam_mask_list masks = {plans, 1};
    sscam_score_request request = {.masks = &masks,
                                   .targets = &scene->expected.target,
                                   .target_count = 1,
                                   .scoring = options,
                                   .progress = progress};
    return scene->backend->score(network, &request, scores);
}

void scene_check_capture(const scene *scene, const sscam_capture *found, const char *what)
{
    int64_t size = scene->layout.channels * sscam_position_count(scene->layout.sides);
    need(scene_are_near(found->activations, scene->expected.activations, size) &&
             scene_are_near(found->gradients, scene->expected.gradients, size) &&
             scene_are_near(found->logits, scene->expected.logits, scene->expected.class_count),
         what);
}

void scene_check_scores(const scene *scene, const float *found, const char *what)
{
    need(scene_are_near(found, scene->expected_scores, SCENE_CHANNELS), what);
}
