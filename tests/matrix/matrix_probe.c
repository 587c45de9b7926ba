/* Shows what the libtorch backend makes of one network, for run_matrix.py to compare with eager
 * PyTorch.
 *
 * usage: matrix_probe MODEL INPUT SHAPE PREFIX COUNT
 *
 * INPUT holds one float32 input of the shape, such as 3x224x224, 1x16000 or 3x8x56x56. Standard
 * output has one line a fact, fields separated by tabs:
 *   layer    NAME KIND SHAPE [default]
 *   capture  LAYER N CLASS SHAPE                     arrays in PREFIX.N.{activations,gradients}
 *   refused  LAYER STATUS MESSAGE
 *   failed   CALL STATUS MESSAGE                     and the exit status is 1
 *   logits   COUNT                                   array in PREFIX.logits
 *   maps     CHANNELS SIDES                          array in PREFIX.maps: activations that masks
 *     are made of
 *   scores   BATCH CLASS CHANNELS                    array in PREFIX.scores.BATCH: logits of masked
 *     inputs
 * Captured are the default target, "-", and COUNT other layers of maps, or modules of tokens,
 * evenly spread. The masks are the normalised channels of the first layer that was captured. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "engine/torch_backend.h"
#include "math/min_max.h"
#include "model/backend.h"
#include "sscam/explainer.h"

enum { MASKED_CHANNELS = 9 };

static const sscam_backend *backend;
static void *network;
static sscam_shape shape = {.images = 1, .sides = {1, 1, 1}};
static float *input;
static const char *prefix;

static void need(const char *doing, sscam_status status)
{
    if (status == SSCAM_OK)
        return;
    printf("failed\t%s\t%s\t%s\n", doing, sscam_status_name(status), sscam_last_error());
    exit(1);
}

static void *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(2);
    }
    *size = (size_t)ftell(file);
    rewind(file);
    char *data = malloc(*size + 1);
    if (!data || fread(data, 1, *size, file) != *size) {
        perror(path);
        exit(2);
    }
    fclose(file);
    return data;
}

static void write_floats(const char *name, const float *values, int64_t count)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.%s", prefix, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(values, sizeof *values, (size_t)count, file) != (size_t)count ||
        fclose(file) != 0) {
        perror(path);
        exit(2);
    }
}

/* "3x224x224" */
static void read_shape(const char *text)
{
    int64_t sizes[SSCAM_MOST_RANK] = {0};
    int32_t count = 0;
    for (char *end; count < SSCAM_MOST_RANK; text = end + 1) {
        sizes[count++] = strtoll(text, &end, 10);
        if (*end != 'x')
            break;
    }
    shape.rank = 1 + count;
    shape.channels = sizes[0];
    shape.sides.width = sizes[count - 1];
    shape.sides.height = count > 2 ? sizes[count - 2] : 1;
    shape.sides.depth = count > 3 ? sizes[count - 3] : 1;
}

static void show_layers(const struct sscam_layers *list)
{
    for (size_t i = 0; i < list->count; i++) {
        printf("layer\t%s\t%s\t", list->layer[i].name, list->layer[i].kind);
        for (int32_t d = 0; d < list->layer[i].rank; d++)
            printf("%s%lld", d > 0 ? "x" : "", (long long)list->layer[i].shape[d]);
        printf("%s\n", (int64_t)i == list->default_index ? "\tdefault" : "");
    }
}

static const sscam_layout_hint nothing;

/* Eager PyTorch does not see the operations inside its attention. */
static int may_be_captured(const sscam_layer *layer)
{
    sscam_activation_layout arrangement;
    return (layer->rank == shape.rank || strncmp(layer->kind, "aten::", 6) != 0) &&
           sscam_find_activation_layout(layer->shape, layer->rank, &shape, &nothing, &arrangement);
}

/* The index of image number `wanted` of the list, or the number of images when there are fewer. */
static size_t find_image(const struct sscam_layers *list, size_t wanted, size_t *index)
{
    size_t images = 0;
    for (size_t i = 0; i < list->count; i++)
        if ((int64_t)i != list->default_index && may_be_captured(&list->layer[i])) {
            if (images == wanted)
                *index = i;
            images++;
        }
    return images;
}

static void show_logits(void)
{
    float *logits;
    int64_t count;
    const sscam_output_selection reading = {.kind = SSCAM_SCORE_LOGIT};
    need("classify", backend->classify(network, input, &shape, &reading, &logits, &count));
    write_floats("logits", logits, count);
    printf("logits\t%lld\n", (long long)count);
    free(logits);
}

static void show_scores(const sscam_capture *capture, const sscam_activation_layout *of,
                        const float *maps, int64_t batch)
{
    sscam_mask_channel channels[MASKED_CHANNELS];
    int64_t used = 0, map_size = sscam_position_count(of->sides);
    sscam_min_max_plan *finder = sscam_min_max_plan_new(of->sides, shape.sides, 0);
    need("range", finder ? SSCAM_OK : SSCAM_E_MEMORY);
    for (int64_t k = 0; k < of->channels && used < MASKED_CHANNELS; k++) {
        float minimum, maximum;
        sscam_upsampled_min_max(finder, maps + k * map_size, &minimum, &maximum);
        if (maximum > minimum)
            channels[used++] = (sscam_mask_channel){k, minimum, 1.0f / (maximum - minimum), 0.0f,
                                                    0};
    }
    sscam_min_max_plan_free(finder);
    sscam_mask_plan plan = {.input = input,
                            .input_rank = shape.rank,
                            .input_channels = shape.channels,
                            .input_sides = shape.sides,
                            .activations = maps,
                            .map_sides = of->sides,
                            .channels = channels,
                            .channel_count = used,
                            .samples = 1};
    const sscam_mask_plan *plans[] = {&plan};
    sscam_mask_list masks = {plans, 1};
    sscam_score_request request = {.masks = &masks,
                                   .kind = SSCAM_SCORE_LOGIT,
                                   .targets = &capture->target,
                                   .target_count = 1,
                                   .scoring = {.batch_size = batch, .calibrate = 1}};
    float scores[MASKED_CHANNELS];
    need("score", backend->score(network, &request, scores));
    char name[64];
    snprintf(name, sizeof name, "scores.%lld", (long long)batch);
    write_floats(name, scores, used);
    printf("scores\t%lld\t%lld", (long long)batch, (long long)capture->target.class_index);
    for (int64_t i = 0; i < used; i++)
        printf("%c%lld", i > 0 ? ',' : '\t', (long long)channels[i].channel);
    printf("\n");
}

static void show_all_scores(const sscam_capture *capture)
{
    sscam_activation_layout of;
    need("arrange", sscam_require_activation_layout(capture->layer, capture->shape, capture->rank,
                                                    &shape, &nothing, &of));
    const sscam_shape made = {shape.rank, 1, of.channels, of.sides};
    int64_t count = sscam_input_size(&made), sizes[SSCAM_MOST_RANK];
    float *maps = malloc((size_t)count * sizeof *maps);
    if (!maps)
        abort();
    sscam_put_channels_first(&of, capture->activations, maps);
    write_floats("maps", maps, count);
    sscam_shape_write(&made, sizes);
    printf("maps");
    for (int32_t d = 1; d < made.rank; d++)
        printf("\t%lld", (long long)sizes[d]);
    printf("\n");
    for (int64_t batch = 0; batch <= 6; batch += batch == 0 ? 1 : 5)
        show_scores(capture, &of, maps, batch);
    free(maps);
}

/* 1 when there was something to capture. */
static int show_capture(const char *layer, int number, int with_scores)
{
    sscam_capture_request request = {.input = input,
                                     .shape = shape,
                                     .layer = strcmp(layer, "-") == 0 ? NULL : layer,
                                     .target = {.class_index = SSCAM_CLASS_TOP},
                                     .want_gradients = 1};
    sscam_capture capture;
    sscam_status status = backend->capture(network, &request, &capture);
    if (status != SSCAM_OK) {
        printf("refused\t%s\t%s\t%s\n", layer, sscam_status_name(status), sscam_last_error());
        return 0;
    }
    char name[64];
    int64_t count = 1;
    for (int32_t d = 0; d < capture.rank; d++)
        count *= capture.shape[d];
    snprintf(name, sizeof name, "%d.activations", number);
    write_floats(name, capture.activations, count);
    snprintf(name, sizeof name, "%d.gradients", number);
    write_floats(name, capture.gradients, count);
    printf("capture\t%s\t%d\t%lld", capture.layer, number, (long long)capture.target.class_index);
    for (int32_t d = 0; d < capture.rank; d++)
        printf("%c%lld", d > 0 ? 'x' : '\t', (long long)capture.shape[d]);
    printf("\n");
    if (with_scores)
        show_all_scores(&capture);
    sscam_capture_release(&capture);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: matrix_probe MODEL INPUT SHAPE PREFIX COUNT\n");
        return 2;
    }
    size_t size;
    void *model = read_file(argv[1], &size);
    backend = sscam_torch_backend();
    const sscam_byte_source source = sscam_byte_source_in_memory(argv[1], model, size);
    need("load", backend->load(&source, "cpu", &network));
    free(model);
    input = read_file(argv[2], &size);
    read_shape(argv[3]);
    prefix = argv[4];

    struct sscam_layers list;
    need("layers", backend->layers(network, &shape, NULL, &list));
    show_layers(&list);
    show_logits();
    size_t index = 0, images = find_image(&list, 0, &index), wanted = (size_t)atoll(argv[5]);
    wanted = wanted < images ? wanted : images;
    int scored = show_capture("-", 0, 1);
    for (size_t i = 0; i < wanted; i++) {
        find_image(&list, wanted > 1 ? i * (images - 1) / (wanted - 1) : 0, &index);
        scored |= show_capture(list.layer[index].name, (int)i + 1, !scored);
    }
    sscam_layers_release(&list);
    backend->destroy(network);
    free(input);
    return 0;
}
