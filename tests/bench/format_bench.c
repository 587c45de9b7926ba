/* Compares the time of one explanation on two files of one network.
 *
 * usage: format-bench FIRST SECOND [METHOD [ROUNDS]]
 *
 * The files are explained in turn, so that a busy machine slows both; shown are medians, and the
 * ratio of the second to the first, also of each round, whose median is exact where the load
 * changes. The input is synthetic, 224 x 224. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sscam/sscam.h"
#include "support/arrays.h"

enum { SIDE = 224, CHANNELS = 3, MOST_ROUNDS = 99, FILES = 2 };

static sscam_explainer *explainers[FILES];
static float *input;

static void need(sscam_status status, const char *what)
{
    if (status == SSCAM_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, sscam_last_error());
    exit(1);
}

static sscam_explainer *explainer_of(const char *path, const char *method)
{
    sscam_model *model = NULL;
    sscam_explainer *explainer = NULL;
    need(sscam_model_load(path, "cpu", &model), path);
    need(sscam_explainer_create(model, method, &explainer), method);
    sscam_model_unref(model);
    return explainer;
}

static double seconds_of(sscam_explainer *explainer)
{
    static const int64_t shape[4] = {1, CHANNELS, SIDE, SIDE};
    struct timespec start, end;
    sscam_map *map = NULL;
    clock_gettime(CLOCK_MONOTONIC, &start);
    need(sscam_explain_array(explainer, ARRAY(input, shape, 4), NULL, &map), "explain");
    clock_gettime(CLOCK_MONOTONIC, &end);
    sscam_map_unref(map);
    return (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
}

static int by_size(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_size);
    return count % 2 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

int main(int argc, char **argv)
{
    static double seconds[FILES][MOST_ROUNDS], ratios[MOST_ROUNDS];
    const char *method = argc > 3 ? argv[3] : "score-cam";
    const int rounds = argc > 4 ? atoi(argv[4]) : 9;
    if (argc < 3 || rounds < 1 || rounds > MOST_ROUNDS) {
        fprintf(stderr, "usage: format-bench FIRST SECOND [METHOD [ROUNDS]]\n");
        return 2;
    }
    input = malloc(sizeof(float) * CHANNELS * SIDE * SIDE);
    if (!input)
        return 1;
    for (int i = 0; i < CHANNELS * SIDE * SIDE; i++)
        input[i] = sinf(0.01f * (float)i) + cosf(0.003f * (float)i);
    for (int file = 0; file < FILES; file++) {
        explainers[file] = explainer_of(argv[1 + file], method);
        seconds_of(explainers[file]); /* chooses the form of scoring */
    }
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < FILES; i++) {
            const int file = round % 2 ? FILES - 1 - i : i;
            seconds[file][round] = seconds_of(explainers[file]);
        }
        ratios[round] = seconds[1][round] / seconds[0][round];
    }
    printf("%s: %.3f s, %s: %.3f s, ratio of the medians ", argv[1], median(seconds[0], rounds),
           argv[2], median(seconds[1], rounds));
    printf("%.3f, median of the ratios %.3f\n",
           median(seconds[1], rounds) / median(seconds[0], rounds), median(ratios, rounds));
    for (int file = 0; file < FILES; file++)
        sscam_explainer_unref(explainers[file]);
    free(input);
    return 0;
}
