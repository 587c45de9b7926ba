/* Scoring as a GPU does it: on the one that SSCAM_TEST_DEVICE names, or by the same arithmetic on
 * the CPU.
 *
 * The reference is lib/masks/masked_input.c and the backend on the CPU, which have
 * oracles of their own. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda/cuda_check.h"
#include "engine/torch_backend.h"
#include "sscam/sscam.h"
#include "support/check_main.h"

/* These are calls below the public ones, which leave a message of an earlier failure where it
 * is. */
#define NEED(call)                                                               \
    do {                                                                         \
        sscam_status status_ = (call);                                           \
        ck_assert_msg(status_ == SSCAM_OK, "%s: %s", sscam_status_name(status_), \
                      sscam_last_error());                                       \
    } while (0)

enum {
    COLOURS = 3,
    HEIGHT = 37,
    WIDTH = 50,
    CHANNELS = 5,
    MAP_HEIGHT = 4,
    MAP_WIDTH = 7,
    SAMPLES = 3
};
enum { SIZE = COLOURS * HEIGHT * WIDTH, COUNT = CHANNELS * SAMPLES };

static float input[SIZE], background[SIZE], activations[CHANNELS * MAP_HEIGHT * MAP_WIDTH];
static sscam_mask_channel channels[CHANNELS];
static const char *device = "cpu";

static void fill(float *values, int count, double step)
{
    for (int i = 0; i < count; i++)
        values[i] = (float)(sin(i * step) + 0.3 * cos(i * step * 7.3));
}

static void make_plans_parts(void)
{
    const char *wanted = getenv("SSCAM_TEST_DEVICE");
    device = wanted && *wanted != '\0' ? wanted : "cpu";
    fill(input, SIZE, 0.013);
    fill(background, SIZE, 0.0071);
    fill(activations, CHANNELS * MAP_HEIGHT * MAP_WIDTH, 0.37);
    for (int i = 0; i < CHANNELS; i++)
        channels[i] = (sscam_mask_channel){.channel = CHANNELS - 1 - i,
                                           .offset = -1.25f + 0.1f * (float)i,
                                           .gain = i == 2 ? -0.4f : 0.4f,
                                           .noise_stddev = i == 3 ? 0.0f : 0.5f + (float)i};
}

/* The same memory as an image's, a sound's, a video's, and an image's whose rows of values are
 * aligned. */
static const struct {
    int32_t rank;
    sscam_sides input, map;
} shapes[] = {
    {4, {1, HEIGHT, WIDTH}, {1, MAP_HEIGHT, MAP_WIDTH}},
    {3, {1, 1, HEIGHT *WIDTH}, {1, 1, MAP_HEIGHT *MAP_WIDTH}},
    {5, {5, HEIGHT, WIDTH / 5}, {MAP_HEIGHT / 2, 2, MAP_WIDTH}},
    {4, {1, HEIGHT - 1, WIDTH}, {1, MAP_HEIGHT, MAP_WIDTH}},
};
enum {
    SHAPES = sizeof shapes / sizeof shapes[0],
    PLANS_A_SHAPE = 12,
    PLANS = SHAPES * PLANS_A_SHAPE
};

static sscam_mask_plan plan_of(int number)
{
    const int shape = number / PLANS_A_SHAPE;
    static const sscam_noise_target targets[] = {SSCAM_NOISE_ON_MASK, SSCAM_NOISE_ON_INPUT,
                                                 SSCAM_NOISE_ON_ACTIVATION};
    return (sscam_mask_plan){.input = input,
                             .input_rank = shapes[shape].rank,
                             .input_channels = COLOURS,
                             .input_sides = shapes[shape].input,
                             .activations = activations,
                             .map_sides = shapes[shape].map,
                             .align_corners = number % 2,
                             .channels = channels,
                             .channel_count = CHANNELS,
                             .samples = SAMPLES,
                             .fades_in = number / 6 % 2,
                             .noise_target = targets[number % 3],
                             .seed = -5 - number,
                             .image_index = 40 + number,
                             .background = number / 3 % 2 ? background : NULL};
}

/* The largest difference of a list's masked inputs from lib/masks/masked_input.c's. */
static double furthest_of(const sscam_mask_list *list, int64_t first, int64_t rows,
                          sscam_memory_format layout, sscam_precision precision, int64_t *uploaded)
{
    const sscam_shape shape = sscam_mask_shape(list->plans[0]);
    const int64_t size = sscam_input_size(&shape);
    float *found = malloc((size_t)(rows * size) * sizeof *found),
          *wanted = malloc((size_t)size * sizeof *wanted);
    float *scratch = malloc((size_t)sscam_mask_list_scratch_size(list) * sizeof *scratch);
    double furthest = 0.0;
    NEED(sscam_check_cuda_masks(device, list, first, rows, layout, precision, found, uploaded));
    for (int64_t row = 0; row < rows; row++) {
        sscam_mask_list_write(list, first + row, layout, scratch, wanted);
        for (int64_t i = 0; i < size; i++) {
            double scale = precision == SSCAM_PRECISION_FP32 ? 1.0
                                                             : fmax(1.0, fabs((double)wanted[i]));
            furthest = fmax(furthest, fabs((double)found[row * size + i] - wanted[i]) / scale);
        }
    }
    free(found);
    free(wanted);
    free(scratch);
    return furthest;
}

START_TEST(masked_inputs_are_those_of_the_processor)
{
    const sscam_mask_plan plan = plan_of(_i);
    const sscam_mask_plan *plans[] = {&plan};
    const sscam_mask_list list = {plans, 1};
    int64_t uploaded;
    for (int layout = 0; layout <= (plan.input_rank > SSCAM_LEAST_RANK);
         layout++) { /* sound has one */
        double furthest = furthest_of(&list, 0, COUNT, layout, SSCAM_PRECISION_FP32, &uploaded);
        ck_assert_msg(furthest <= 1e-6, "plan %d, layout %d: %g", _i, layout, furthest);
        furthest = furthest_of(&list, 0, COUNT, layout, SSCAM_PRECISION_FP16, &uploaded);
        ck_assert_msg(furthest > 0 && furthest <= 0x1p-11, "fp16, plan %d, layout %d: %g", _i,
                      layout, furthest);
        furthest = furthest_of(&list, 0, COUNT, layout, SSCAM_PRECISION_BF16, &uploaded);
        ck_assert_msg(furthest > 0 && furthest <= 0x1p-8, "bf16, plan %d, layout %d: %g", _i,
                      layout, furthest);
    }
}
END_TEST

START_TEST(a_batch_goes_across_plans)
{
    sscam_mask_plan all[3] = {plan_of(0), plan_of(4), plan_of(7)};
    const sscam_mask_plan *plans[] = {&all[0], &all[1], &all[2]};
    const sscam_mask_list list = {plans, 3};
    int64_t uploaded;
    all[1].samples = 1; /* 15, 5 and 15 masked inputs */
    ck_assert_double_le(
        furthest_of(&list, 0, 35, SSCAM_MEMORY_FORMAT_NCHW, SSCAM_PRECISION_FP32, &uploaded), 1e-6);
    ck_assert_double_le(
        furthest_of(&list, 13, 9, SSCAM_MEMORY_FORMAT_NHWC, SSCAM_PRECISION_FP32, &uploaded), 1e-6);
    ck_assert_double_le(
        furthest_of(&list, 20, 3, SSCAM_MEMORY_FORMAT_NCHW, SSCAM_PRECISION_FP32, &uploaded), 1e-6);
    ck_assert_double_le(
        furthest_of(&list, 19, 1, SSCAM_MEMORY_FORMAT_NCHW, SSCAM_PRECISION_FP32, &uploaded), 1e-6);
}
END_TEST

/* Whatever N is, what goes up is the input, the maps, and a few numbers a channel, row and
 * column. */
START_TEST(masked_inputs_do_not_cross_the_bus)
{
    sscam_mask_plan plan = plan_of(0);
    const sscam_mask_plan *plans[] = {&plan};
    const sscam_mask_list list = {plans, 1};
    const int64_t wanted = 4 * (SIZE + CHANNELS * MAP_HEIGHT * MAP_WIDTH + 2 * HEIGHT + 2 * WIDTH +
                                5 * CHANNELS);
    for (plan.samples = 1; plan.samples <= 1000; plan.samples *= 10) {
        int64_t uploaded = 0;
        furthest_of(&list, plan.samples - 1, 2, SSCAM_MEMORY_FORMAT_NCHW, SSCAM_PRECISION_FP32,
                    &uploaded);
        ck_assert_int_eq(uploaded, wanted);
    }
}
END_TEST

START_TEST(scores_are_those_of_the_processor)
{
    enum { ROWS = 7, MOST_CLASSES = 1000 };
    static float logits[ROWS * MOST_CLASSES], found[3 * ROWS];
    static const int64_t class_counts[] = {1, 2, 10, MOST_CLASSES};
    const int64_t classes = class_counts[_i];
    const sscam_target targets[] = {
        {.kind = SSCAM_TARGET_CLASS, .class_index = classes - 1, .other_index = -1},
        {.kind = SSCAM_TARGET_AGAINST, .class_index = 0, .other_index = -1},
        {.kind = SSCAM_TARGET_DIFFERENCE, .class_index = classes - 1, .other_index = 0}};
    const int target_count = classes > 1 ? 3 : 2;
    fill(logits, (int)(ROWS * classes), 1.7);
    for (int64_t i = 0; i < classes; i++)
        logits[classes + i] *= 1000.0f; /* a row whose exponentials overflow */
    for (int kind = SSCAM_SCORE_LOGIT; kind <= SSCAM_SCORE_SIGMOID; kind++) {
        NEED(sscam_check_cuda_scores(device, logits, ROWS, classes, targets, target_count, kind,
                                     found));
        for (int t = 0; t < target_count; t++)
            for (int row = 0; row < ROWS; row++) {
                double wanted = sscam_target_score(logits + row * classes, classes, &targets[t],
                                                   kind);
                ck_assert_double_eq_tol(found[t * ROWS + row], wanted,
                                        1e-6 * fmax(1.0, fabs(wanted)));
            }
    }
}
END_TEST

/* --- a whole scoring of the bundled network --------------------------------------------------- */

enum { SIDE = 112, IMAGE = 3 * SIDE * SIDE };

typedef struct scoring {
    void *network;
    sscam_mask_plan plan;
    const sscam_mask_plan *plans[1];
    sscam_mask_list list;
    sscam_target target;
    sscam_score_request request;
    int reports;
} scoring;

static int32_t count_report(void *user, double fraction)
{
    scoring *of = user;
    (void)fraction;
    of->reports++;
    return 0;
}

static int32_t cancel_third(void *user, double fraction)
{
    scoring *of = user;
    (void)fraction;
    return ++of->reports == 3;
}

static sscam_progress progress_of(scoring *of, sscam_progress_callback callback)
{
    return (sscam_progress){.callback = callback, .user = of, .end = 1.0};
}

static void *load_network(const char *on)
{
    static char data[1 << 22];
    void *network = NULL;
    const char *path = getenv("SSCAM_TEST_MODEL");
    ck_assert_ptr_nonnull(path);
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    ck_assert(size > 0 && size < sizeof data);
    const sscam_byte_source source = sscam_byte_source_in_memory("the bundled network", data, size);
    NEED(sscam_torch_backend()->load(&source, on, &network));
    return network;
}

static void begin(scoring *of, const char *on)
{
    static float image[IMAGE];
    fill(image, IMAGE, 0.0021);
    *of = (scoring){.network = load_network(on), .plan = plan_of(0)};
    of->plan.input = image;
    of->plan.input_sides = (sscam_sides){1, SIDE, SIDE};
    of->plans[0] = &of->plan;
    of->list = (sscam_mask_list){of->plans, 1};
    of->target = (sscam_target){.kind = SSCAM_TARGET_CLASS, .class_index = 1, .other_index = -1};
    of->request = (sscam_score_request){.masks = &of->list,
                                        .kind = SSCAM_SCORE_LOGIT,
                                        .targets = &of->target,
                                        .target_count = 1,
                                        .scoring = {.batch_size = 4}};
}

static void end(scoring *of)
{
    sscam_torch_backend()->destroy(of->network);
}

START_TEST(a_gpu_scores_as_the_processor_does)
{
    static const struct {
        int64_t size;
        int count;
    } batches[] = {{4, 4} /* 4 + 4 + 4 + 3 */, {16, 1} /* the last one is filled up */};
    scoring there, here;
    float found[COUNT], wanted[COUNT];
    begin(&here, "cpu");
    const sscam_progress none = progress_of(&here, NULL);
    here.request.progress = &none;
    NEED(sscam_torch_backend()->score(here.network, &here.request, wanted));
    begin(&there, device);
    const sscam_progress progress = progress_of(&there, count_report);
    there.request.progress = &progress;
    there.request.scoring.batch_size = batches[_i].size;
    NEED(sscam_check_cuda_scoring(there.network, &there.request, found));
    ck_assert_int_eq(there.reports, batches[_i].count);
    for (int i = 0; i < COUNT; i++)
        ck_assert_float_eq_tol(found[i], wanted[i], 1e-4f * fmaxf(1.0f, fabsf(wanted[i])));
    end(&there);
    end(&here);
}
END_TEST

START_TEST(a_cancelled_scoring_ends_with_its_batch)
{
    scoring of;
    float scores[COUNT];
    begin(&of, device);
    const sscam_progress progress = progress_of(&of, cancel_third);
    of.request.progress = &progress;
    ck_assert_int_eq(sscam_check_cuda_scoring(of.network, &of.request, scores), SSCAM_E_CANCELLED);
    ck_assert_int_eq(of.reports, 3);
    end(&of);
}
END_TEST

/* On the CPU alone: a GPU's memory cannot be limited. */
START_TEST(where_memory_runs_out_batches_are_halved)
{
    enum { BATCH = 64 }; /* filled up to a multiple of 4 rows, until it is smaller */
    const size_t row_bytes = IMAGE * sizeof(float);
    scoring of;
    float wanted[COUNT], found[2][COUNT];
    begin(&of, "cpu");
    const sscam_progress progress = progress_of(&of, count_report);
    of.request.progress = &progress;
    of.request.scoring.batch_size = BATCH;
    NEED(sscam_torch_backend()->score(of.network, &of.request, wanted));
    sscam_check_limit_memory(
        8 * row_bytes); /* a layer of the network may need more for an image than its input */
    of.reports = 0;
    NEED(sscam_torch_backend()->score(of.network, &of.request, found[0]));
    of.reports = 0;
    NEED(sscam_check_cuda_scoring(of.network, &of.request, found[1]));
    ck_assert_int_gt(of.reports, 1);
    sscam_check_limit_memory(row_bytes - 1);
    ck_assert_int_eq(sscam_check_cuda_scoring(of.network, &of.request, found[1] /* not touched */),
                     SSCAM_E_MEMORY);
    ck_assert_int_eq(sscam_torch_backend()->score(of.network, &of.request, found[0]),
                     SSCAM_E_MEMORY);
    sscam_check_limit_memory(0);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_float_eq_tol(found[0][i], wanted[i], 1e-4f * fmaxf(1.0f, fabsf(wanted[i])));
        ck_assert_float_eq_tol(found[1][i], wanted[i], 1e-4f * fmaxf(1.0f, fabsf(wanted[i])));
    }
    end(&of);
}
END_TEST

/* --- without a GPU ---------------------------------------------------------------------------- */

START_TEST(tf32_is_as_asked_whatever_the_host_has_set)
{
    for (int64_t setting = 0; setting < sscam_check_tf32_settings(); setting++)
        for (int in_tf32 = 0; in_tf32 <= 1; in_tf32++)
            ck_assert_msg(sscam_check_tf32(setting, in_tf32), "setting %d, tf32 %d", (int)setting,
                          in_tf32);
}
END_TEST

START_TEST(precisions_take_turns)
{
    NEED(sscam_check_tf32_turns());
}
END_TEST

START_TEST(a_call_within_a_callback_has_its_own_precision)
{
    NEED(sscam_check_tf32_nesting());
}
END_TEST

START_TEST(traced_convolutions_go_by_the_switches)
{
    NEED(sscam_check_traced_convolution());
}
END_TEST

/* libtorch looks them up when a batch does not fit in memory. */
START_TEST(failing_variants_hold_no_dangling_pointers)
{
    void *network = load_network(device);
    NEED(sscam_check_call_stacks(network));
    sscam_torch_backend()->destroy(network);
}
END_TEST

/* As libtorch 1.13 to 2.14 words them. */
START_TEST(failures_of_a_gpu_are_told_apart)
{
    static const struct {
        const char *text;
        sscam_status status;
    } failures[] = {
        {"CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.11 GiB",
         SSCAM_E_MEMORY},
        {"CUDA error: out of memory", SSCAM_E_MEMORY},
        {"The following operation failed in the TorchScript interpreter.\nTraceback of TorchScript "
         "(most recent call last):\nRuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB",
         SSCAM_E_MEMORY},
        {"CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
         SSCAM_E_MEMORY},
        {"cuDNN error: CUDNN_STATUS_ALLOC_FAILED", SSCAM_E_MEMORY},
        {"CUDA error: an illegal memory access was encountered", SSCAM_E_DEVICE},
        {"CUDA error: no kernel image is available for execution on the device", SSCAM_E_DEVICE},
        {"cuDNN error: CUDNN_STATUS_EXECUTION_FAILED", SSCAM_E_DEVICE},
        {"The size of tensor a (7) must match the size of tensor b (8)", SSCAM_E_MODEL},
    };
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        ck_assert_msg(sscam_check_status_of(failures[i].text) == failures[i].status, "%s",
                      failures[i].text);
}
END_TEST

START_TEST(devices_that_are_not_there_are_refused)
{
    static const char *const wanted[] = {
        "cuda:99", "cuda:999", "cuda:-1", "cuda:", "cuda:1x", "gpu", ""};
    const char *path = getenv("SSCAM_TEST_MODEL");
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        sscam_model *model = NULL;
        ck_assert_int_eq(sscam_model_load(path, wanted[i], &model), SSCAM_E_DEVICE);
        ck_assert_ptr_null(model);
        ck_assert_msg(strstr(sscam_last_error(), wanted[i]), "%s", sscam_last_error());
    }
}
END_TEST

/* Without a GPU, "auto" is the CPU, and "cuda" fails with the reason; with one, both are GPU 0. */
START_TEST(auto_takes_what_there_is)
{
    const char *path = getenv("SSCAM_TEST_MODEL");
    sscam_model *by_name = NULL, *by_auto = NULL;
    const sscam_status status = sscam_model_load(path, "cuda", &by_name);
    ck_assert_int_eq(status,
                     strcmp(device, "cpu") == 0 && status != SSCAM_OK ? SSCAM_E_DEVICE : SSCAM_OK);
    if (status != SSCAM_OK)
        ck_assert_msg(strstr(sscam_last_error(), "\"cuda\": "), "%s", sscam_last_error());
    ck_assert_int_eq(sscam_model_load(path, "auto", &by_auto), SSCAM_OK);
    ck_assert_str_eq(sscam_model_device(by_auto),
                     status == SSCAM_OK ? sscam_model_device(by_name) : "cpu");
    sscam_model_unref(by_auto);
    sscam_model_unref(by_name);
}
END_TEST

START_TEST(the_kernel_compiles_for_gpus)
{
    static const int32_t capabilities[] = {75, 80, 86, 90, 100, 999 /* newer than the compiler */};
    if (sscam_check_cuda_program(90) == SSCAM_E_DEVICE &&
        strstr(sscam_last_error(), "can be loaded")) {
        printf("# skipped: no compiler for CUDA here\n");
        return;
    }
    NEED(sscam_check_cuda_program(capabilities[_i]));
}
END_TEST

/* --- inputs in a GPU's memory ----------------------------------------------------------------- */

START_TEST(arrays_are_read_by_type_and_strides)
{
    static const int64_t sides[] = {1, 2, 3, 4}, mirrored[] = {24, 12, -4, 1},
                         spread[] = {0, 1, 2, 6};
    float single[24], found[24];
    double twice[24];
    uint8_t bytes[24];
    const void *const data[] = {single, twice, bytes};
    int32_t in_place = 0;
    for (int i = 0; i < 24; i++) {
        single[i] = (float)i;
        twice[i] = i;
        bytes[i] = (uint8_t)i;
    }
    for (int32_t type = SSCAM_ELEMENT_FLOAT32; type <= SSCAM_ELEMENT_UINT8; type++) {
        sscam_cuda_array array = SSCAM_CUDA_ARRAY_INIT;
        array.data = data[type];
        array.shape = sides;
        array.rank = 4;
        array.element_type = type;
        NEED(sscam_check_device_values(&array, found, &in_place));
        ck_assert_int_eq(in_place, type == SSCAM_ELEMENT_FLOAT32);
        ck_assert_mem_eq(found, single, sizeof found);
        array.strides = spread;
        NEED(sscam_check_device_values(&array, found, &in_place));
        ck_assert_int_eq(in_place, 0);
        for (int c = 0; c < 2; c++)
            for (int y = 0; y < 3; y++)
                for (int x = 0; x < 4; x++)
                    ck_assert_float_eq(found[c * 12 + y * 4 + x], (float)(c + 2 * y + 6 * x));
    }
    sscam_cuda_array array = {sizeof array, single + 8, sides, mirrored, 4, 0, 0, 0, NULL};
    NEED(sscam_check_device_values(&array, found, &in_place));
    for (int i = 0; i < 24; i++)
        ck_assert_float_eq(found[i], single[i / 12 * 12 + 8 - i / 4 % 3 * 4 + i % 4]);
    array.data = (const char *)single + 2;
    ck_assert_int_eq(sscam_check_device_values(&array, found, &in_place), SSCAM_E_ARGUMENT);
}
END_TEST

/* Of a held input, the address is enough for all that a backend does. */
START_TEST(held_inputs_are_read_by_their_address)
{
    scoring of;
    float wanted[COUNT], found[COUNT], *logits = NULL;
    const float *held = NULL;
    const sscam_shape shape = {4, 1, 3, .sides = {1, SIDE, SIDE}};
    const sscam_output_selection selection = {.kind = SSCAM_SCORE_LOGIT};
    int64_t classes = 0;
    begin(&of, "cpu");
    const sscam_progress none = progress_of(&of, NULL);
    of.request.progress = &none;
    NEED(sscam_check_cuda_scoring(of.network, &of.request, wanted));
    NEED(sscam_torch_backend()->classify(of.network, of.plan.input, &shape, &selection, &logits,
                                         &classes));
    float *own = logits;
    float *image = malloc(IMAGE * sizeof *image);
    memcpy(image, of.plan.input, IMAGE * sizeof *image);
    NEED(sscam_check_hold(of.network, image, IMAGE, &held));
    of.plan.input = held;
    NEED(sscam_check_cuda_scoring(of.network, &of.request, found));
    ck_assert_mem_eq(found, wanted, sizeof found);
    NEED(sscam_torch_backend()->classify(of.network, held, &shape, &selection, &logits, &classes));
    ck_assert_mem_eq(logits, own, (size_t)classes * sizeof *logits);
    NEED(sscam_torch_backend()->read_device_input(of.network, held + 5, IMAGE - 5, image));
    ck_assert_mem_eq(image, held + 5, (IMAGE - 5) * sizeof *image);
    sscam_torch_backend()->release_device_input(of.network, held);
    sscam_torch_backend()->release_device_input(of.network, held); /* nothing is left */
    free(image);
    free(own);
    free(logits);
    end(&of);
}
END_TEST

static sscam_cuda_array gpu_array(const void *data, void *stream)
{
    static const int64_t sides[] = {1, 3, SIDE, SIDE};
    sscam_cuda_array array = SSCAM_CUDA_ARRAY_INIT;
    array.data = data;
    array.shape = sides;
    array.rank = 4;
    array.stream = stream;
    return array;
}

static sscam_model *load_model(const char *on)
{
    sscam_model *model = NULL;
    NEED(sscam_model_load(getenv("SSCAM_TEST_MODEL"), on, &model));
    return model;
}

START_TEST(a_model_on_the_processor_takes_no_input_of_a_gpu)
{
    static float values[IMAGE];
    sscam_model *model = load_model("cpu");
    const sscam_cuda_array array = gpu_array(values, NULL);
    float logits[16];
    int64_t count = 0;
    ck_assert_int_eq(sscam_model_classify_cuda(model, &array, logits, 16, &count), SSCAM_E_DEVICE);
    ck_assert_ptr_nonnull(strstr(sscam_last_error(), "on cuda:0, and the model is on cpu"));
    ck_assert_ptr_nonnull(strstr(sscam_last_error(), "sscam_array"));
    sscam_model_unref(model);
}
END_TEST

/* On a GPU alone: values that the host's stream is still to write. */
START_TEST(an_input_of_a_gpu_is_waited_for)
{
    static float values[IMAGE];
    const void *data = NULL;
    void *stream = NULL;
    if (strcmp(device, "cpu") == 0) {
        printf("# skipped: no GPU\n");
        return;
    }
    fill(values, IMAGE, 0.0021);
    sscam_model *model = load_model(device);
    const sscam_array host = {sizeof host, values, gpu_array(NULL, NULL).shape, NULL, 4, 0};
    float wanted[16], found[16];
    int64_t count = 0;
    NEED(sscam_model_classify(model, &host, wanted, 16, &count));
    NEED(sscam_check_late_values(device, values, IMAGE, &data, &stream));
    sscam_cuda_array array = gpu_array(data, stream);
    NEED(sscam_model_classify_cuda(model, &array, found, 16, &count));
    for (int64_t i = 0; i < count; i++)
        ck_assert_float_eq_tol(found[i], wanted[i], 1e-4f * fmaxf(1.0f, fabsf(wanted[i])));
    sscam_explainer *explainer = NULL;
    sscam_map *own = NULL, *other = NULL;
    double correlation = 0.0;
    NEED(sscam_explainer_create(model, "score-cam", &explainer));
    NEED(sscam_explain_array(explainer, &host, NULL, &own));
    NEED(sscam_explain_cuda(explainer, &array, NULL, &other));
    NEED(sscam_map_correlation(own, other, &correlation));
    ck_assert_double_ge(correlation, 0.9999);
    array.data = values;
    ck_assert_int_eq(sscam_model_classify_cuda(model, &array, found, 16, &count), SSCAM_E_ARGUMENT);
    array = gpu_array(data, NULL);
    array.device = 63;
    ck_assert_int_eq(sscam_model_classify_cuda(model, &array, found, 16, &count), SSCAM_E_DEVICE);
    sscam_map_unref(own);
    sscam_map_unref(other);
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gpu");
    TCase *test_case = tcase_create("gpu");
    tcase_add_unchecked_fixture(test_case, make_plans_parts, NULL);
    tcase_add_loop_test(test_case, masked_inputs_are_those_of_the_processor, 0, PLANS);
    tcase_add_test(test_case, a_batch_goes_across_plans);
    tcase_add_test(test_case, masked_inputs_do_not_cross_the_bus);
    tcase_add_loop_test(test_case, scores_are_those_of_the_processor, 0, 4);
    tcase_add_loop_test(test_case, a_gpu_scores_as_the_processor_does, 0, 2);
    tcase_add_test(test_case, a_cancelled_scoring_ends_with_its_batch);
    tcase_add_test(test_case, where_memory_runs_out_batches_are_halved);
    tcase_add_test(test_case, tf32_is_as_asked_whatever_the_host_has_set);
    tcase_add_test(test_case, precisions_take_turns);
    tcase_add_test(test_case, a_call_within_a_callback_has_its_own_precision);
    tcase_add_test(test_case, traced_convolutions_go_by_the_switches);
    tcase_add_test(test_case, failing_variants_hold_no_dangling_pointers);
    tcase_add_test(test_case, failures_of_a_gpu_are_told_apart);
    tcase_add_test(test_case, devices_that_are_not_there_are_refused);
    tcase_add_test(test_case, auto_takes_what_there_is);
    tcase_add_test(test_case, arrays_are_read_by_type_and_strides);
    tcase_add_test(test_case, held_inputs_are_read_by_their_address);
    tcase_add_test(test_case, a_model_on_the_processor_takes_no_input_of_a_gpu);
    tcase_add_test(test_case, an_input_of_a_gpu_is_waited_for);
    tcase_add_loop_test(test_case, the_kernel_compiles_for_gpus, 0, 6);
    suite_add_tcase(suite, test_case);
    make_plans_parts();
    return run_suite(suite);
}
