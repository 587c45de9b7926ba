#include "explain/pipeline.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/augmentation.h"
#include "explain/explainer_private.h"
#include "explain/fusion.h"
#include "explain/map_job.h"
#include "model/model_private.h"
#include "options/region_option.h"

/* How an explainer's maps are put together. */
typedef struct composition {
    const sscam_explainer *explainer;
    char *names;         /* of the layers, each ended by '\0' */
    int64_t layer_count; /* at least 1 */
    int64_t augmentation_count;
    float black[3];
    sscam_region region;
} composition;

/* Everything of one call of sscam_explain_images(). */
typedef struct parts_work {
    const sscam_explain_request *request;
    int64_t first, images, size; /* size: floats of an input */
    composition *compositions;   /* [explainer_count] */
    float *augmented;            /* [images][SSCAM_AUGMENTATIONS - 1][size]; NULL: none is wanted */
    sscam_map_job *explanations;
    sscam_map **part_maps;
    int64_t part_count;
} parts_work;

static int64_t parts_of(const composition *made)
{
    return sscam_times(made->layer_count, made->augmentation_count);
}

/* Model-space value of a black pixel, for baseline=black. */
static void find_black(const sscam_transform *transform, float black[3])
{
    for (int c = 0; c < 3; c++) {
        double mean = transform->mean[transform->mean_count == 1 ? 0 : c];
        double std = transform->std[transform->std_count == 1 ? 0 : c];
        black[c] = (float)((0.0 - mean) / std);
    }
}

static sscam_status plan_composition(const sscam_explainer *explainer, composition *made)
{
    const sscam_settings *settings = &explainer->settings;
    sscam_transform transform;
    made->explainer = explainer;
    made->augmentation_count = settings->value[SSCAM_OPTION_AUG_SMOOTH].integer ==
                                       SSCAM_AUG_SMOOTH_ON
                                   ? SSCAM_AUGMENTATIONS
                                   : 1;
    made->names = strdup(settings->value[SSCAM_OPTION_LAYER].text);
    if (made->names == NULL)
        return sscam_fail_memory("layers' names");
    made->layer_count = 1;
    for (char *comma = strchr(made->names, ','); comma != NULL; comma = strchr(comma + 1, ',')) {
        *comma = '\0';
        made->layer_count++;
    }
    sscam_status status = sscam_settings_transform(settings, &transform);
    if (status == SSCAM_OK)
        find_black(&transform, made->black);
    if (status == SSCAM_OK)
        status = sscam_region_of(settings, explainer->region_mask, explainer->region_height,
                                 explainer->region_width, &made->region);
    return status;
}

static sscam_status plan_compositions(parts_work *work)
{
    sscam_status status = SSCAM_OK;
    work->compositions = sscam_zeros(work->request->explainer_count, sizeof *work->compositions);
    if (work->compositions == NULL)
        return sscam_fail_memory("explanations");
    for (int64_t i = 0; i < work->request->explainer_count && status == SSCAM_OK; i++) {
        status = plan_composition(work->request->explainers[i], &work->compositions[i]);
        int64_t maps = sscam_times(work->request->class_count, work->images);
        work->part_count = sscam_plus(work->part_count,
                                      sscam_times(parts_of(&work->compositions[i]), maps));
    }
    return status;
}

static int32_t any_augmented(const parts_work *work)
{
    for (int64_t i = 0; i < work->request->explainer_count; i++)
        if (work->compositions[i].augmentation_count > 1)
            return 1;
    return 0;
}

static const float *input_of(const parts_work *work, int64_t image)
{
    return work->request->input + (work->first + image) * work->size;
}

static float *augmented_input(const parts_work *work, int64_t image, int64_t augmentation)
{
    return work->augmented + (image * (SSCAM_AUGMENTATIONS - 1) + augmentation - 1) * work->size;
}

static sscam_status make_augmented_inputs(parts_work *work)
{
    if (!any_augmented(work))
        return SSCAM_OK;
    work->augmented = sscam_array(
        sscam_times(sscam_times(work->images, work->size), SSCAM_AUGMENTATIONS - 1), sizeof(float));
    if (work->augmented == NULL)
        return sscam_fail_memory("altered inputs");
    for (int64_t image = 0; image < work->images; image++)
        for (int64_t i = 1; i < SSCAM_AUGMENTATIONS; i++)
            sscam_augment(input_of(work, image), &work->request->shape, i,
                          augmented_input(work, image, i));
    return SSCAM_OK;
}

static sscam_target target_of(const parts_work *work, const composition *made, int64_t image,
                              int64_t class_position)
{
    static const sscam_target_kind kinds[] = {SSCAM_TARGET_CLASS, SSCAM_TARGET_AGAINST,
                                              SSCAM_TARGET_DIFFERENCE};
    const sscam_explain_request *request = work->request;
    const sscam_settings *settings = &made->explainer->settings;
    return (sscam_target){
        .kind = kinds[settings->value[SSCAM_OPTION_TARGET].integer],
        .class_index =
            request->classes
                ? request->classes[(work->first + image) * request->class_count + class_position]
                : SSCAM_CLASS_TOP,
        .other_index = settings->value[SSCAM_OPTION_CONTRAST].integer,
    };
}

/* The parts of one map; the first decides which class all of them are of. */
static void fill_parts(const parts_work *work, const composition *made, int64_t image,
                       int64_t class_position, sscam_map_job *parts)
{
    const sscam_explain_request *request = work->request;
    const char *layer = made->names;
    for (int64_t i = 0; i < parts_of(made); i++) {
        int64_t augmentation = i / made->layer_count;
        if (i % made->layer_count == 0)
            layer = made->names;
        parts[i] = (sscam_map_job){
            .method = made->explainer->method,
            .backend = made->explainer->model->backend,
            .network = made->explainer->model->network,
            .settings = &made->explainer->settings,
            .layer = layer,
            .input = augmentation == 0 ? input_of(work, image)
                                       : augmented_input(work, image, augmentation),
            .shape = request->shape,
            .image_index = work->first + image,
            .region = &made->region,
            .is_mirrored = sscam_augmentation_mirrors(augmentation),
            .target = target_of(work, made, image, class_position),
            .leader = i > 0 ? &parts[0] : NULL,
        };
        parts[i].shape.images = 1;
        memcpy(parts[i].black, made->black, sizeof made->black);
        layer += strlen(layer) + 1;
    }
}

static sscam_status fill_all_parts(parts_work *work)
{
    const sscam_explain_request *request = work->request;
    work->explanations = sscam_zeros(work->part_count, sizeof *work->explanations);
    work->part_maps = sscam_zeros(work->part_count, sizeof *work->part_maps);
    if (work->explanations == NULL || work->part_maps == NULL)
        return sscam_fail_memory("explanations");
    sscam_map_job *parts = work->explanations;
    for (int64_t image = 0; image < work->images; image++)
        for (int64_t i = 0; i < request->explainer_count; i++)
            for (int64_t class_position = 0; class_position < request->class_count;
                 class_position++) {
                fill_parts(work, &work->compositions[i], image, class_position, parts);
                parts += parts_of(&work->compositions[i]);
            }
    return SSCAM_OK;
}

/* Takes the map of a single part as it is. */
static sscam_status put_together(const composition *made, sscam_map **parts, sscam_map **out)
{
    const sscam_settings *settings = &made->explainer->settings;
    if (parts_of(made) == 1) {
        *out = parts[0];
        parts[0] = NULL;
        return SSCAM_OK;
    }
    const sscam_fusion fusion = {.parts = parts,
                                 .layer_count = made->layer_count,
                                 .augmentation_count = made->augmentation_count,
                                 .takes_mean = settings->value[SSCAM_OPTION_FUSION].integer ==
                                               SSCAM_FUSION_MEAN,
                                 .layers = settings->value[SSCAM_OPTION_LAYER].text};
    return sscam_fuse_maps(&fusion, out);
}

static sscam_status put_all_together(parts_work *work, sscam_map **maps)
{
    const int64_t a_image = work->request->explainer_count * work->request->class_count;
    sscam_map **parts = work->part_maps;
    sscam_status status = SSCAM_OK;
    for (int64_t i = 0; i < work->images * a_image && status == SSCAM_OK; i++) {
        const composition *made = &work->compositions[i % a_image / work->request->class_count];
        status = put_together(made, parts, &maps[i]);
        parts += parts_of(made);
    }
    for (int64_t i = 0; i < work->images * a_image && status != SSCAM_OK; i++) {
        sscam_map_destroy(maps[i]);
        maps[i] = NULL;
    }
    return status;
}

static void release(parts_work *work)
{
    for (int64_t i = 0; i < work->part_count && work->part_maps != NULL; i++)
        sscam_map_destroy(work->part_maps[i]);
    for (int64_t i = 0; i < work->request->explainer_count && work->compositions != NULL; i++)
        free(work->compositions[i].names);
    free(work->compositions);
    free(work->augmented);
    free(work->explanations);
    free(work->part_maps);
}

sscam_status sscam_explain_images(const sscam_explain_request *request, int64_t first,
                                  int64_t images, const sscam_progress *progress, sscam_map **maps)
{
    parts_work work = {.request = request,
                       .first = first,
                       .images = images,
                       .size = sscam_input_size(&request->shape)};
    sscam_status status = plan_compositions(&work);
    if (status == SSCAM_OK)
        status = make_augmented_inputs(&work);
    if (status == SSCAM_OK)
        status = fill_all_parts(&work);
    if (status == SSCAM_OK)
        status = sscam_run_map_jobs(work.explanations, work.part_count, progress, work.part_maps);
    if (status == SSCAM_OK)
        status = put_all_together(&work, maps);
    release(&work);
    return status;
}
