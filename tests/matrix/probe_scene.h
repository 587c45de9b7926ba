/* A network of libtorch's with an input and the numbers that are expected of it, for programs that
 * use it in several ways. */
#ifndef SSCAM_TESTS_MATRIX_PROBE_SCENE_H
#define SSCAM_TESTS_MATRIX_PROBE_SCENE_H

#include "engine/torch_backend.h"
#include "model/activation_layout.h"
#include "model/backend.h"

enum { SCENE_CHANNELS = 20 };

typedef struct scene {
    const sscam_backend *backend;
    void *network;
    sscam_shape shape;
    float *input;
    sscam_capture expected;
    sscam_activation_layout layout; /* of the layer that was captured */
    float expected_scores[SCENE_CHANNELS];
    char *file; /* content of the model's file */
    size_t file_size;
} scene;

/* Ends the program unless `holds`. */
void need(int holds, const char *what);

/* Loads, captures and scores; `argv` as in "MODEL CHANNELS HEIGHT WIDTH". */
void scene_open(scene *scene, char *const *argv);
void scene_close(scene *scene);

/* One more network from the scene's file. */
void *scene_load(const scene *scene);

sscam_status scene_capture(const scene *scene, sscam_capture *out);
sscam_status scene_score(const scene *scene, void *network, sscam_scoring_options options,
                         const sscam_progress *progress, float *scores);

/* Whether the numbers are equal up to rounding. */
int scene_are_near(const float *a, const float *b, int64_t count);

/* Fail unless the numbers are the expected ones. */
void scene_check_capture(const scene *scene, const sscam_capture *found, const char *what);
void scene_check_scores(const scene *scene, const float *found, const char *what);

#endif
