/* What the suites of the core say often. */
#ifndef SSCAM_TESTS_SUPPORT_ASSERTIONS_H
#define SSCAM_TESTS_SUPPORT_ASSERTIONS_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "sscam/sscam.h"
#include "support/map_shape.h"

/* A call succeeds, and leaves no message behind. One assertion: Check writes each to a file. */
#define ASSERT_OK(call)                                                               \
    do {                                                                              \
        sscam_status status_ = (call);                                                \
        ck_assert_msg(status_ == SSCAM_OK && sscam_last_error()[0] == '\0', "%s: %s", \
                      sscam_status_name(status_), sscam_last_error());                \
    } while (0)

/* The thread's message is one line that names the thing. */
#define ASSERT_MESSAGE_NAMES(thing)                                                          \
    do {                                                                                     \
        ck_assert_str_ne(sscam_last_error(), "");                                            \
        ck_assert_ptr_null(strpbrk(sscam_last_error(), "\n\r\t"));                           \
        ck_assert_msg(strstr(sscam_last_error(), thing) != NULL,                             \
                      "the message \"%s\" does not name \"%s\"", sscam_last_error(), thing); \
    } while (0)

/* A call fails with a status, and says why. */
#define ASSERT_FAILS(call, wanted_status, thing)                                        \
    do {                                                                                \
        sscam_status status_ = (call);                                                  \
        ck_assert_str_eq(sscam_status_name(status_), sscam_status_name(wanted_status)); \
        ASSERT_MESSAGE_NAMES(thing);                                                    \
    } while (0)

/* A fake network by its words, such as "fake linear". */
static inline sscam_model *load_fake(const char *words)
{
    sscam_model *model = NULL;
    ASSERT_OK(sscam_model_load_memory(words, strlen(words), "cpu", &model));
    ck_assert_ptr_nonnull(model);
    return model;
}

/* An explainer of a fake network, the only holder of its model. */
static inline sscam_explainer *make_explainer(const char *words, const char *method)
{
    sscam_model *model = load_fake(words);
    sscam_explainer *explainer = NULL;
    ASSERT_OK(sscam_explainer_create(model, method, &explainer));
    sscam_model_unref(model);
    return explainer;
}

/* Options as "name=value name=value". */
static inline void set_options(sscam_explainer *explainer, const char *options)
{
    char copy[256], *rest = NULL;
    sscam_status status = SSCAM_OK;
    snprintf(copy, sizeof copy, "%s", options);
    for (char *name = strtok_r(copy, " ", &rest); name && status == SSCAM_OK;
         name = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(name, '=');
        *value++ = '\0';
        status = sscam_explainer_set(explainer, name, value);
    }
    ASSERT_OK(status);
}

/* The same of the fake network whose kind is `head`, with options. */
static inline sscam_explainer *explainer_with(const char *head, const char *method,
                                              const char *options)
{
    char words[64];
    snprintf(words, sizeof words, "fake %s", head);
    sscam_explainer *explainer = make_explainer(words, method);
    set_options(explainer, options);
    return explainer;
}

/* Whether weights, raw map and map of two are the same to the last bit. */
static inline int same_maps(const sscam_map *left, const sscam_map *right)
{
    size_t channels = (size_t)sscam_map_channel_count(left);
    const size_t raw = (size_t)raw_size(left), data = (size_t)data_size(left);
    int32_t rank = 0, other_rank = 0;
    sscam_map_shape(left, &rank);
    sscam_map_shape(right, &other_rank);
    ck_assert_int_eq(other_rank, rank);
    ck_assert_int_eq(sscam_map_channel_count(right), sscam_map_channel_count(left));
    ck_assert_mem_eq(sscam_map_shape(right, NULL), sscam_map_shape(left, NULL),
                     (size_t)rank * sizeof(int64_t));
    ck_assert_mem_eq(sscam_map_raw_shape(right, NULL), sscam_map_raw_shape(left, NULL),
                     (size_t)rank * sizeof(int64_t));
    ck_assert_int_eq(!sscam_map_weights(left), !sscam_map_weights(right));
    return (!sscam_map_weights(left) || memcmp(sscam_map_weights(left), sscam_map_weights(right),
                                               channels * sizeof(float)) == 0) &&
           memcmp(sscam_map_raw(left), sscam_map_raw(right), raw * sizeof(float)) == 0 &&
           memcmp(sscam_map_data(left), sscam_map_data(right), data * sizeof(float)) == 0;
}

#endif
