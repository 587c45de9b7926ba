#include "explain/pipeline.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/augmentation.h"
#include "explain/detection_plan.h"
#include "explain/explainer_private.h"
#include "explain/fusion.h"
#include "explain/map_job.h"
#include "explain/option_values.h"
#include "model/model_private.h"
#include "options/region_option.h"

/* What an explainer's maps are computed from: a map has a job for each layer and augmentation. */
typedef struct explainer_plan {
    const sscam_explainer *explainer;
    char *layer_names;   /* one after another, each ended by '\0' */
    int64_t layer_count; /* at least 1 */
    int64_t augmentation_count;
    float black[3];
    sscam_region region;
} explainer_plan;

/* Everything of one call of sscam_explain_images(). */
typedef struct pipeline {
    const sscam_explain_request *request;
    int64_t first, images;
    int64_t input_size;    /* floats */
    explainer_plan *plans; /* [explainer_count] */
    sscam_detection_plan detections;
    float *augmented;     /* [images][SSCAM_AUGMENTATIONS - 1][input_size]; NULL: no plan has any */
    sscam_map_job *jobs;  /* [job_count]: by image, explainer, class, augmentation and layer */
    sscam_map **job_maps; /* [job_count] */
    int64_t job_count;
} pipeline;

static int64_t jobs_per_map(const explainer_plan *plan)
{
    return sscam_times(plan->layer_count, plan->augmentation_count);
}

/* Value of a black pixel in the network's input, for baseline=black. */
static void find_black(const sscam_transform *transform, float black[3])
{
    for (int c = 0; c < 3; c++) {
        double mean = transform->mean[transform->mean_count == 1 ? 0 : c];
        double std = transform->std[transform->std_count == 1 ? 0 : c];
        black[c] = (float)((0.0 - mean) / std);
    }
}

static int32_t has_weighted_target(const sscam_settings *settings)
{
    const int64_t kind = settings->value[SSCAM_OPTION_TARGET].integer;
    return kind == SSCAM_TARGET_WEIGHTS || kind == SSCAM_TARGET_COSINE;
}

static sscam_status check_target(const sscam_explainer *explainer)
{
    const sscam_settings *settings = &explainer->settings;
    const int32_t is_cosine = settings->value[SSCAM_OPTION_TARGET].integer == SSCAM_TARGET_COSINE;
    if (has_weighted_target(settings) && !explainer->target_weights)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "option target: %s, but no weights were given; "
                          "sscam_explainer_set_target_weights() takes them",
                          is_cosine ? "cosine" : "weights");
    if (is_cosine && settings->value[SSCAM_OPTION_SCORE].integer == SSCAM_SCORE_CHOICE_PROBABILITY)
        return sscam_fail(SSCAM_E_ARGUMENT, "option target: cosine is of the outputs themselves, "
                                            "and not of probabilities: set score=logit");
    return SSCAM_OK;
}

static sscam_status plan_explainer(const sscam_explainer *explainer, explainer_plan *plan)
{
    const sscam_settings *settings = &explainer->settings;
    sscam_transform transform;
    plan->explainer = explainer;
    plan->augmentation_count = settings->value[SSCAM_OPTION_AUG_SMOOTH].integer ==
                                       SSCAM_AUG_SMOOTH_ON
                                   ? SSCAM_AUGMENTATIONS
                                   : 1;
    plan->layer_names = strdup(explainer->method->needs & SSCAM_NEEDS_NO_LAYER
                                   ? ""
                                   : settings->value[SSCAM_OPTION_LAYER].text);
    if (!plan->layer_names)
        return sscam_fail_memory("layers' names");
    plan->layer_count = 1;
    for (char *comma = strchr(plan->layer_names, ','); comma != NULL;
         comma = strchr(comma + 1, ',')) {
        *comma = '\0';
        plan->layer_count++;
    }
    sscam_status status = check_target(explainer);
    if (status == SSCAM_OK)
        status = sscam_settings_transform(settings, &transform);
    if (status == SSCAM_OK)
        find_black(&transform, plan->black);
    if (status == SSCAM_OK)
        status = sscam_region_of(settings, explainer->region_mask, explainer->region_height,
                                 explainer->region_width, &plan->region);
    return status;
}

static sscam_status plan_explainers(pipeline *work)
{
    sscam_status status = SSCAM_OK;
    work->plans = sscam_zeros(work->request->explainer_count, sizeof *work->plans);
    if (!work->plans)
        return sscam_fail_memory("the maps of a call");
    for (int64_t i = 0; i < work->request->explainer_count && status == SSCAM_OK; i++) {
        status = plan_explainer(work->request->explainers[i], &work->plans[i]);
        int64_t maps = sscam_times(work->request->class_count, work->images);
        work->job_count = sscam_plus(work->job_count,
                                     sscam_times(jobs_per_map(&work->plans[i]), maps));
    }
    return status;
}

static int32_t any_augmented(const pipeline *work)
{
    for (int64_t i = 0; i < work->request->explainer_count; i++)
        if (work->plans[i].augmentation_count > 1)
            return 1;
    return 0;
}

static const float *input_of(const pipeline *work, int64_t image)
{
    return work->request->input + (work->first + image) * work->input_size;
}

static float *augmented_input(const pipeline *work, int64_t image, int64_t augmentation)
{
    return work->augmented +
           (image * (SSCAM_AUGMENTATIONS - 1) + augmentation - 1) * work->input_size;
}

static sscam_status augment_inputs(pipeline *work)
{
    if (!any_augmented(work))
        return SSCAM_OK;
    work->augmented = sscam_allocate_array(
        sscam_times(sscam_times(work->images, work->input_size), SSCAM_AUGMENTATIONS - 1),
        sizeof(float));
    if (!work->augmented)
        return sscam_fail_memory("augmented inputs");
    sscam_status status = SSCAM_OK;
    for (int64_t image = 0; image < work->images && status == SSCAM_OK; image++) {
        const float *input = NULL;
        status = sscam_host_values(work->request->device_input, input_of(work, image), &input);
        for (int64_t i = 1; i < SSCAM_AUGMENTATIONS && status == SSCAM_OK; i++)
            sscam_augment(input, &work->request->shape, i, augmented_input(work, image, i));
    }
    return status;
}

static sscam_target target_of(const pipeline *work, const explainer_plan *plan, int64_t image,
                              int64_t class_position)
{
    const sscam_explain_request *request = work->request;
    const sscam_settings *settings = &plan->explainer->settings;
    const int32_t is_weighted = has_weighted_target(settings);
    return (sscam_target){
        .kind = (sscam_target_kind)settings->value[SSCAM_OPTION_TARGET].integer,
        .class_index =
            request->classes
                ? request->classes[(work->first + image) * request->class_count + class_position]
                : SSCAM_CLASS_TOP,
        .other_index = settings->value[SSCAM_OPTION_CONTRAST].integer,
        .contrast_factor = settings->value[SSCAM_OPTION_CONTRAST_WEIGHT].real - 1.0,
        .reference_count = settings->value[SSCAM_OPTION_CONTRAST_COUNT].integer,
        .weights = is_weighted ? plan->explainer->target_weights : NULL,
        .weight_count = is_weighted ? plan->explainer->target_weight_count : 0,
    };
}

/* Has a job explain a detection, in the layer that suits it where none is named. */
static void take_detection(const sscam_planned_detection *detection, sscam_map_job *job)
{
    if (!detection->reading)
        return;
    job->output = detection->reading->layout.selector;
    job->target.kind = SSCAM_TARGET_DETECTION;
    job->target.class_index = detection->target.class_index;
    job->target.detection = &detection->target;
    job->target.anchor = detection->anchor;
    job->mirrored_detection = &detection->mirrored;
    if (detection->layer && job->layer[0] == '\0')
        job->layer = detection->layer;
}

/* The jobs of one map. The first resolves the class of all. */
static void fill_jobs(const pipeline *work, const explainer_plan *plan, int64_t image,
                      int64_t class_position, sscam_map_job *jobs)
{
    const sscam_planned_detection *detection = sscam_detection_at(
        &work->detections, image, plan - work->plans, class_position);
    const sscam_explain_request *request = work->request;
    const char *layer = plan->layer_names;
    for (int64_t i = 0; i < jobs_per_map(plan); i++) {
        int64_t augmentation = i / plan->layer_count;
        if (i % plan->layer_count == 0)
            layer = plan->layer_names;
        jobs[i] = (sscam_map_job){
            .method = plan->explainer->method,
            .backend = plan->explainer->model->backend,
            .network = plan->explainer->model->network,
            .settings = &plan->explainer->settings,
            .layer = layer,
            .input = augmentation == 0 ? input_of(work, image)
                                       : augmented_input(work, image, augmentation),
            .device_input = request->device_input,
            .output = sscam_output_of(&plan->explainer->settings),
            .shape = request->shape,
            .image_index = work->first + image,
            .region = &plan->region,
            .is_mirrored = sscam_augmentation_mirrors(augmentation),
            .only_prepares = request->only_prepares,
            .target = target_of(work, plan, image, class_position),
            .target_job = i > 0 ? &jobs[0] : NULL,
        };
        jobs[i].shape.images = 1;
        memcpy(jobs[i].black, plan->black, sizeof plan->black);
        layer += strlen(layer) + 1;
        take_detection(detection, &jobs[i]);
        jobs[i].passes = i == 0 ? detection->passes : 0;
    }
}

static sscam_status create_jobs(pipeline *work)
{
    const sscam_explain_request *request = work->request;
    work->jobs = sscam_zeros(work->job_count, sizeof *work->jobs);
    work->job_maps = sscam_zeros(work->job_count, sizeof *work->job_maps);
    if (!work->jobs || !work->job_maps)
        return sscam_fail_memory("the maps of a call");
    sscam_map_job *jobs = work->jobs;
    for (int64_t image = 0; image < work->images; image++)
        for (int64_t i = 0; i < request->explainer_count; i++)
            for (int64_t class_position = 0; class_position < request->class_count;
                 class_position++) {
                fill_jobs(work, &work->plans[i], image, class_position, jobs);
                jobs += jobs_per_map(&work->plans[i]);
            }
    return SSCAM_OK;
}

/* The map of a single job is the explainer's map as it is. */
static sscam_status fuse(const explainer_plan *plan, sscam_map **job_maps, sscam_map **out)
{
    const sscam_settings *settings = &plan->explainer->settings;
    if (jobs_per_map(plan) == 1) {
        *out = job_maps[0];
        job_maps[0] = NULL;
        return SSCAM_OK;
    }
    const sscam_fusion fusion = {.maps = job_maps,
                                 .layer_count = plan->layer_count,
                                 .augmentation_count = plan->augmentation_count,
                                 .kind = settings->value[SSCAM_OPTION_FUSION].integer,
                                 .layers = settings->value[SSCAM_OPTION_LAYER].text};
    return sscam_fuse_maps(&fusion, out);
}

static sscam_status fuse_all(pipeline *work, sscam_map **maps)
{
    const int64_t maps_per_image = work->request->explainer_count * work->request->class_count;
    sscam_map **job_maps = work->job_maps;
    sscam_status status = SSCAM_OK;
    for (int64_t i = 0; i < work->images * maps_per_image && status == SSCAM_OK; i++) {
        const explainer_plan *plan = &work->plans[i % maps_per_image / work->request->class_count];
        status = fuse(plan, job_maps, &maps[i]);
        job_maps += jobs_per_map(plan);
    }
    for (int64_t i = 0; i < work->images * maps_per_image && status != SSCAM_OK; i++) {
        sscam_map_unref(maps[i]);
        maps[i] = NULL;
    }
    return status;
}

static void release(pipeline *work)
{
    for (int64_t i = 0; i < work->job_count && work->job_maps; i++)
        sscam_map_unref(work->job_maps[i]);
    for (int64_t i = 0; i < work->request->explainer_count && work->plans; i++)
        free(work->plans[i].layer_names);
    sscam_detection_plan_release(&work->detections);
    free(work->plans);
    free(work->augmented);
    free(work->jobs);
    free(work->job_maps);
}

sscam_status sscam_explain_images(const sscam_explain_request *request, int64_t first,
                                  int64_t images, const sscam_progress *progress, sscam_map **maps)
{
    pipeline work = {.request = request,
                     .first = first,
                     .images = images,
                     .input_size = sscam_input_size(&request->shape)};
    sscam_status status = plan_explainers(&work);
    if (status == SSCAM_OK)
        status = augment_inputs(&work);
    if (status == SSCAM_OK)
        status = sscam_plan_detections(request, first, images, progress, &work.detections);
    if (status == SSCAM_OK)
        status = create_jobs(&work);
    if (status == SSCAM_OK)
        status = sscam_run_map_jobs(work.jobs, work.job_count, progress, work.job_maps);
    if (status == SSCAM_OK && !request->only_prepares)
        status = fuse_all(&work, maps);
    release(&work);
    return status;
}
