/* One model in many threads, and explainers in use: by a callback, by another thread. */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "support/fixtures.h"
#include "support/shorthands.h"

enum { HEIGHT = 6, WIDTH = 8, PLANE = HEIGHT * WIDTH, SIZE = FAKE_COLORS * PLANE };
static const int64_t one[4] = {1, FAKE_COLORS, HEIGHT, WIDTH};

static float input[SIZE];
static sscam_model *model;

static void set_up(void)
{
    fill_random(input, SIZE, 99u, -0.75, 2.0);
    model = load_fake("fake linear");
    fake_reset();
}

static void tear_down(void)
{
    sscam_model_unref(model);
    assert_all_networks_freed();
}

static sscam_explainer *make(const char *method)
{
    sscam_explainer *made = NULL;
    ASSERT_OK(sscam_explainer_create(model, method, &made));
    ASSERT_OK(sscam_explainer_set(made, "samples", "3"));
    ASSERT_OK(sscam_explainer_set(made, "batch_size", "2"));
    return made;
}

/* --- eight threads ---------------------------------------------------------------------------- */

enum { THREADS = 8, ROUNDS = 10, MOST_METHODS = 64 };

static sscam_map *alone[MOST_METHODS];

/* A thread that explains by all methods, beginning at its own; Check's assertions are for the main
 * thread. */
typedef struct worker {
    size_t first;
    int failures;
} worker;

static int explain_as_alone(size_t method)
{
    sscam_explainer *own = NULL;
    sscam_map *map = NULL;
    int good = sscam_explainer_create(model, sscam_method_name(sscam_method_info(method)), &own) ==
                   SSCAM_OK &&
               sscam_explainer_set(own, "samples", "3") == SSCAM_OK &&
               sscam_explain_array(own, ARRAY(input, one, 4), NULL, &map) == SSCAM_OK &&
               same_maps(map, alone[method]);
    /* A failure is the thread's own: its message too. */
    good = good && sscam_explainer_set(own, "samples", "0") == SSCAM_E_ARGUMENT &&
           strstr(sscam_last_error(), "samples");
    sscam_map_unref(map);
    sscam_explainer_unref(own);
    return good;
}

static void *explain_by_all(void *user)
{
    worker *own = user;
    for (int64_t turn = 0; turn < ROUNDS * sscam_method_count(); turn++)
        own->failures += !explain_as_alone((own->first + turn) % sscam_method_count());
    return NULL;
}

START_TEST(eight_threads_find_what_one_finds)
{
    worker workers[THREADS] = {{0}};
    pthread_t thread[THREADS];
    ck_assert_uint_le(sscam_method_count(), MOST_METHODS);
    for (int64_t i = 0; i < sscam_method_count(); i++) {
        sscam_explainer *explainer = make(sscam_method_name(sscam_method_info(i)));
        ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, one, 4), NULL, &alone[i]));
        sscam_explainer_unref(explainer);
    }
    for (size_t i = 0; i < THREADS; i++) {
        workers[i].first = i * sscam_method_count() / THREADS;
        ck_assert_int_eq(pthread_create(&thread[i], NULL, explain_by_all, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        ck_assert_int_eq(workers[i].failures, 0);
    }
    for (int64_t i = 0; i < sscam_method_count(); i++)
        sscam_map_unref(alone[i]);
}
END_TEST

/* --- another thread --------------------------------------------------------------------------- */

/* A call that waits in its callback, in the middle of its work, until it is told what to answer. */
typedef struct held_call {
    sscam_explainer *explainer;
    sem_t is_held, may_go_on;
    atomic_int answer;
    sscam_status status;
    sscam_map *map;
    int is_held_already;
} held_call;

static int32_t hold(void *user, double fraction)
{
    held_call *call = user;
    if (fraction <= 0.0 || call->is_held_already)
        return 0;
    call->is_held_already = 1;
    sem_post(&call->is_held);
    sem_wait(&call->may_go_on);
    return atomic_load(&call->answer);
}

static void *run_held(void *user)
{
    held_call *call = user;
    call->status = sscam_explain_array(call->explainer, ARRAY(input, one, 4), NULL, &call->map);
    return NULL;
}

static void begin_held(held_call *call, pthread_t *thread)
{
    *call = (held_call){.explainer = make("ss-cam-max")};
    sem_init(&call->is_held, 0, 0);
    sem_init(&call->may_go_on, 0, 0);
    ASSERT_OK(sscam_explainer_set_progress(call->explainer, hold, call));
    ck_assert_int_eq(pthread_create(thread, NULL, run_held, call), 0);
    sem_wait(&call->is_held);
}

static void end_held(held_call *call, pthread_t thread, int32_t answer)
{
    atomic_store(&call->answer, answer);
    sem_post(&call->may_go_on);
    pthread_join(thread, NULL);
    sem_destroy(&call->is_held);
    sem_destroy(&call->may_go_on);
}

START_TEST(a_second_thread_is_refused)
{
    held_call call;
    pthread_t thread;
    sscam_map *map = NULL;
    begin_held(&call, &thread);
    ASSERT_FAILS(sscam_explain_array(call.explainer, ARRAY(input, one, 4), NULL, &map),
                 SSCAM_E_ARGUMENT, "in use by a call");
    ck_assert_ptr_null(map);
    ASSERT_FAILS(sscam_explainer_set(call.explainer, "sigma", "1"), SSCAM_E_ARGUMENT,
                 "in use by a call");
    end_held(&call, thread, 0);
    ck_assert_int_eq(call.status, SSCAM_OK);
    sscam_map_unref(call.map);
    ASSERT_OK(sscam_explain_array(call.explainer, ARRAY(input, one, 4), NULL, &map));
    sscam_map_unref(map);
    sscam_explainer_unref(call.explainer);
}
END_TEST

/* The batch that is under way when another thread wants to cancel is the last. */
START_TEST(another_thread_cancels_within_a_batch)
{
    held_call call;
    pthread_t thread;
    begin_held(&call, &thread);
    long long batches = atomic_load(&fake_counted.calls[FAKE_BATCH]);
    end_held(&call, thread, 1);
    ck_assert_int_eq(call.status, SSCAM_E_CANCELLED);
    ck_assert_ptr_null(call.map);
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_BATCH]), batches);
    sscam_explainer_unref(call.explainer);
}
END_TEST

/* --- two calls at the same time --------------------------------------------------------------- */

enum { RACES = 200 };

/* One of two threads that use the same explainer. */
typedef struct racer {
    sscam_explainer *explainer;
    sscam_evaluation *evaluation;
    const sscam_image *image;
    sscam_status (*act)(struct racer *);
    pthread_barrier_t *start;
    const char *layer;
    int failures;
} racer;

static sscam_status race_set(racer *own)
{
    return sscam_explainer_set(own->explainer, "layer", own->layer);
}

static sscam_status race_set_int(racer *own)
{
    return sscam_explainer_set_int(own->explainer, SSCAM_OPTION_SAMPLES, 1);
}

static sscam_status race_set_real(racer *own)
{
    return sscam_explainer_set_real(own->explainer, SSCAM_OPTION_SIGMA, 1.5);
}

static sscam_status race_set_string(racer *own)
{
    return sscam_explainer_set_string(own->explainer, SSCAM_OPTION_LAYER, own->layer);
}

static sscam_status race_set_region(racer *own)
{
    static const uint8_t mask[PLANE] = {1};
    return sscam_explainer_set_region(own->explainer, mask, HEIGHT, WIDTH);
}

static sscam_status race_set_progress(racer *own)
{
    return sscam_explainer_set_progress(own->explainer, NULL, own);
}

static sscam_status race_get(racer *own)
{
    char *text;
    const sscam_status status = sscam_explainer_get(own->explainer, "samples", &text);
    ck_assert((text != NULL) == (status == SSCAM_OK));
    sscam_free(text);
    return status;
}

static sscam_status race_preprocess(racer *own)
{
    int64_t shape[4];
    return sscam_explainer_preprocess(own->explainer, own->image, shape, NULL, 0);
}

static sscam_status race_explain_tensor(racer *own)
{
    sscam_map *map = NULL;
    sscam_status status = sscam_explain_array(own->explainer, ARRAY(input, one, 4), NULL, &map);
    sscam_map_unref(map);
    return status;
}

static sscam_status race_explain_image(racer *own)
{
    sscam_map *map = NULL;
    sscam_status status = sscam_explain_image(own->explainer, own->image, 0, &map);
    sscam_map_unref(map);
    return status;
}

static sscam_status race_evaluate(racer *own)
{
    return sscam_evaluation_add(own->evaluation, own->image, NULL);
}

static sscam_status (*const race_actions[])(racer *) = {
    race_set,          race_set_int, race_set_real,   race_set_string,     race_set_region,
    race_set_progress, race_get,     race_preprocess, race_explain_tensor, race_explain_image,
    race_evaluate};
enum { RACE_ACTIONS = sizeof race_actions / sizeof race_actions[0] };

/* Each call succeeds, or is refused. */
static void *race(void *user)
{
    racer *own = user;
    pthread_barrier_wait(own->start);
    for (int i = 0; i < RACES; i++) {
        sscam_status status = own->act(own);
        own->failures += status != SSCAM_OK && (status != SSCAM_E_ARGUMENT ||
                                                !strstr(sscam_last_error(), "in use by a call"));
    }
    return NULL;
}

static void race_two(racer *first, racer *second)
{
    pthread_t thread;
    pthread_barrier_t start;
    ck_assert_int_eq(pthread_barrier_init(&start, NULL, 2), 0);
    first->start = second->start = &start;
    ck_assert_int_eq(pthread_create(&thread, NULL, race, first), 0);
    race(second);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&start);
    ck_assert_int_eq(first->failures, 0);
    ck_assert_int_eq(second->failures, 0);
}

START_TEST(of_two_calls_at_the_same_time_one_is_refused)
{
    static const char *const layers[2] = {"features", "stem"};
    sscam_explainer *explainer = make("grad-cam");
    sscam_image *image = make_image(WIDTH, HEIGHT, 3);
    racer racers[2];
    set_options(explainer, "resize=off crop=off region=all");
    for (int i = 0; i < 2; i++) {
        racers[i] = (racer){.explainer = explainer, .image = image, .layer = layers[i]};
        ASSERT_OK(sscam_evaluation_create(&explainer, 1, &racers[i].evaluation));
    }
    racers[0].act = race_actions[_i];
    for (int other = _i; other < RACE_ACTIONS; other++) {
        ASSERT_OK(sscam_explainer_set(explainer, "region", "all"));
        if (race_actions[_i] == race_set_region && other > 6)
            break; /* the network's output has no positions that a mask could choose */
        racers[1].act = race_actions[other];
        race_two(&racers[0], &racers[1]);
    }
    for (int i = 0; i < 2; i++)
        sscam_evaluation_unref(racers[i].evaluation);
    sscam_image_unref(image);
    sscam_explainer_unref(explainer);
}
END_TEST

/* --- callbacks that use the explainer of their call ------------------------------------------- */

/* The user data of a callback: what it does when it is called, and on which objects. */
typedef struct acting_callback {
    sscam_explainer *explainer, *other;
    sscam_evaluation *evaluation;
    sscam_image *image;
    void (*act)(struct acting_callback *);
    int calls;
} acting_callback;

static int32_t act_and_continue(void *user, double fraction)
{
    acting_callback *own = user;
    (void)fraction;
    own->calls++;
    own->act(own);
    return 0;
}

static const char in_use[] = "the explainer is in use by a call that has not ended";

static void use_again(acting_callback *own)
{
    sscam_map *map = (sscam_map *)own;
    int64_t shape[4];
    ASSERT_FAILS(sscam_explain_array(own->explainer, ARRAY(input, one, 4), NULL, &map),
                 SSCAM_E_ARGUMENT, in_use);
    ck_assert_ptr_null(map);
    map = (sscam_map *)own;
    ASSERT_FAILS(sscam_explain_image(own->explainer, own->image, 0, &map), SSCAM_E_ARGUMENT,
                 in_use);
    ck_assert_ptr_null(map);
    ASSERT_FAILS(sscam_explainer_preprocess(own->explainer, own->image, shape, NULL, 0),
                 SSCAM_E_ARGUMENT, in_use);
    ASSERT_FAILS(sscam_explainer_set(own->explainer, "layer", "stem"), SSCAM_E_ARGUMENT, in_use);
    ASSERT_FAILS(sscam_explainer_set_int(own->explainer, SSCAM_OPTION_SAMPLES, 9), SSCAM_E_ARGUMENT,
                 in_use);
    ASSERT_FAILS(sscam_explainer_set_real(own->explainer, SSCAM_OPTION_SIGMA, 9), SSCAM_E_ARGUMENT,
                 in_use);
    ASSERT_FAILS(sscam_explainer_set_string(own->explainer, SSCAM_OPTION_LAYER, "stem"),
                 SSCAM_E_ARGUMENT, in_use);
    ASSERT_FAILS(sscam_explainer_set_progress(own->explainer, NULL, NULL), SSCAM_E_ARGUMENT,
                 in_use);
    ck_assert_str_eq(option_text(own->explainer, "samples"), "3");
}

START_TEST(a_callback_that_uses_its_explainer_is_refused)
{
    sscam_map *map = NULL, *wanted = NULL;
    acting_callback own = {
        .explainer = make("ss-cam-mean"), .image = make_image(WIDTH, HEIGHT, 3), .act = use_again};
    ASSERT_OK(sscam_explain_array(own.explainer, ARRAY(input, one, 4), NULL, &wanted));
    ASSERT_OK(sscam_explainer_set_progress(own.explainer, act_and_continue, &own));
    ASSERT_OK(sscam_explain_array(own.explainer, ARRAY(input, one, 4), NULL, &map));
    ck_assert_int_gt(own.calls, 2);
    ck_assert_int_eq(same_maps(map, wanted), 1);
    sscam_map_unref(map);
    sscam_map_unref(wanted);
    sscam_image_unref(own.image);
    sscam_explainer_unref(own.explainer);
}
END_TEST

static void use_another(acting_callback *own)
{
    sscam_map *map = NULL;
    ASSERT_OK(sscam_explain_array(own->other, ARRAY(input, one, 4), NULL, &map));
    sscam_map_unref(map);
}

/* Of the same model, with scores of masked inputs or without. */
START_TEST(a_callback_may_use_another_explainer)
{
    static const char *const methods[] = {"grad-cam", "score-cam", "ablation-cam"};
    sscam_map *map = NULL, *wanted = NULL;
    acting_callback own = {
        .explainer = make("ss-cam-mean"), .other = make(methods[_i]), .act = use_another};
    ASSERT_OK(sscam_explain_array(own.explainer, ARRAY(input, one, 4), NULL, &wanted));
    ASSERT_OK(sscam_explainer_set_progress(own.explainer, act_and_continue, &own));
    ASSERT_OK(sscam_explain_array(own.explainer, ARRAY(input, one, 4), NULL, &map));
    ck_assert_int_eq(same_maps(map, wanted), 1);
    sscam_map_unref(map);
    sscam_map_unref(wanted);
    sscam_explainer_unref(own.other);
    sscam_explainer_unref(own.explainer);
}
END_TEST

static void use_the_second(acting_callback *own)
{
    sscam_map *maps[2];
    sscam_explainer *const both[2] = {own->explainer, own->other};
    ASSERT_FAILS(sscam_explainer_set(own->other, "sigma", "1"), SSCAM_E_ARGUMENT, in_use);
    ASSERT_FAILS(sscam_explain_array_all(both, 2, ARRAY(input, one, 4), NULL, 0, maps),
                 SSCAM_E_ARGUMENT, in_use);
}

/* All explainers of a call are in use until it ends, also one that is listed twice. */
START_TEST(all_explainers_of_a_call_are_in_use)
{
    sscam_map *maps[3];
    acting_callback own = {
        .explainer = make("ss-cam-mean"), .other = make("grad-cam"), .act = use_the_second};
    sscam_explainer *const explainers[3] = {own.other, own.explainer, own.other};
    ASSERT_OK(sscam_explainer_set_progress(own.explainer, act_and_continue, &own));
    ASSERT_OK(sscam_explain_array_all(explainers, 3, ARRAY(input, one, 4), NULL, 0, maps));
    ck_assert_int_gt(own.calls, 0);
    for (int i = 0; i < 3; i++)
        sscam_map_unref(maps[i]);
    ASSERT_OK(sscam_explainer_set(own.other, "sigma", "1"));
    ASSERT_OK(sscam_explainer_set(own.explainer, "sigma", "1"));
    sscam_explainer_unref(own.other);
    sscam_explainer_unref(own.explainer);
}
END_TEST

static void destroy_once(acting_callback *own)
{
    if (own->calls == 1)
        sscam_explainer_unref(own->explainer);
}

/* As when a window is closed while its explanation runs. tear_down() checks that the model was
 * freed. */
START_TEST(an_explainer_destroyed_by_its_callback_goes_when_the_call_ends)
{
    sscam_map *maps[2];
    acting_callback own = {.explainer = make("score-cam"), .act = destroy_once};
    sscam_explainer *const twice[2] = {own.explainer, own.explainer};
    ASSERT_OK(sscam_explainer_set_progress(own.explainer, act_and_continue, &own));
    ASSERT_OK(sscam_explain_array_all(twice, 2, ARRAY(input, one, 4), NULL, 0, maps));
    ck_assert_int_gt(own.calls, 1);
    sscam_map_unref(maps[0]);
    sscam_map_unref(maps[1]);
}
END_TEST

static void release_evaluation(acting_callback *own)
{
    if (own->calls == 1)
        sscam_evaluation_unref(own->evaluation);
}

START_TEST(an_evaluation_released_by_its_callback_goes_when_the_call_ends)
{
    acting_callback own = {.explainer = make("grad-cam"),
                           .image = make_image(WIDTH, HEIGHT, 3),
                           .act = release_evaluation};
    set_options(own.explainer, "resize=off crop=off");
    ASSERT_OK(sscam_explainer_set_progress(own.explainer, act_and_continue, &own));
    ASSERT_OK(sscam_evaluation_create(&own.explainer, 1, &own.evaluation));
    sscam_explainer_unref(own.explainer); /* the evaluation's is the last */
    ASSERT_OK(sscam_evaluation_add(own.evaluation, own.image, NULL));
    ck_assert_int_gt(own.calls, 1);
    sscam_image_unref(own.image);
}
END_TEST

static void add_cases(acting_callback *own)
{
    ASSERT_FAILS(sscam_evaluation_add(own->evaluation, own->image, NULL), SSCAM_E_ARGUMENT, in_use);
    for (int i = 0; i < 8; i++)
        ASSERT_OK(sscam_evaluation_add_known(own->evaluation, 1));
}

START_TEST(a_callback_may_add_known_cases_and_no_others)
{
    acting_callback own = {
        .explainer = make("grad-cam"), .image = make_image(WIDTH, HEIGHT, 3), .act = add_cases};
    ASSERT_OK(sscam_explainer_set(own.explainer, "resize", "off"));
    ASSERT_OK(sscam_explainer_set(own.explainer, "crop", "off"));
    ASSERT_OK(sscam_explainer_set_progress(own.explainer, act_and_continue, &own));
    ASSERT_OK(sscam_evaluation_create(&own.explainer, 1, &own.evaluation));
    for (int image = 0; image < 2; image++)
        ASSERT_OK(sscam_evaluation_add(own.evaluation, own.image, NULL));
    ck_assert_int_gt(own.calls, 2);
    ck_assert_uint_eq(sscam_evaluation_case_count(own.evaluation), (size_t)own.calls * 8 + 2);
    sscam_evaluation_unref(own.evaluation);
    sscam_image_unref(own.image);
    sscam_explainer_unref(own.explainer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");
    TCase *threads = add_tcase(suite, "threads", set_up, tear_down),
          *callbacks = add_tcase(suite, "callbacks", set_up, tear_down);
    tcase_add_test(threads, eight_threads_find_what_one_finds);
    tcase_add_test(threads, a_second_thread_is_refused);
    tcase_add_test(threads, another_thread_cancels_within_a_batch);
    tcase_add_loop_test(threads, of_two_calls_at_the_same_time_one_is_refused, 0, RACE_ACTIONS);
    tcase_add_test(callbacks, a_callback_that_uses_its_explainer_is_refused);
    tcase_add_loop_test(callbacks, a_callback_may_use_another_explainer, 0, 3);
    tcase_add_test(callbacks, all_explainers_of_a_call_are_in_use);
    tcase_add_test(callbacks, an_explainer_destroyed_by_its_callback_goes_when_the_call_ends);
    tcase_add_test(callbacks, an_evaluation_released_by_its_callback_goes_when_the_call_ends);
    tcase_add_test(callbacks, a_callback_may_add_known_cases_and_no_others);
    return run_suite(suite);
}
