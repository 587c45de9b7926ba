/* Calls that end early: cancelled by another thread, by a signal handler, at a deadline. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

#include "base/monotonic_clock.h"
#include "support/fixtures.h"

enum { HEIGHT = 6, WIDTH = 8, SIZE = FAKE_COLORS * HEIGHT * WIDTH };
static const int64_t one[4] = {1, FAKE_COLORS, HEIGHT, WIDTH};

static float input[SIZE];
static sscam_model *model;
static sscam_explainer *explainer;

/* In place of the library's clock: it stands still unless a test moves it. */
static atomic_llong clock_milliseconds;

int64_t sscam_monotonic_milliseconds(void)
{
    return atomic_load(&clock_milliseconds);
}

double sscam_monotonic_seconds(void)
{
    return 1e-3 * (double)atomic_load(&clock_milliseconds);
}

static sscam_explainer *make(const char *method)
{
    sscam_explainer *made = NULL;
    ASSERT_OK(sscam_explainer_create(model, method, &made));
    set_options(made, "samples=3 batch_size=2");
    return made;
}

static void set_up(void)
{
    fill_random(input, SIZE, 99u, -0.75, 2.0);
    model = load_fake("fake linear");
    explainer = make("ss-cam-mean");
    fake_reset();
}

static void tear_down(void)
{
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);
    assert_all_networks_freed();
}

static sscam_status explain(void)
{
    sscam_map *map = STALE;
    sscam_status status = sscam_explain_array(explainer, ARRAY(input, one, 4), NULL, &map);
    ck_assert_int_eq(!map, status != SSCAM_OK);
    sscam_map_unref(map);
    return status;
}

/* The call's message says what ended it, after `batches` batches. */
static void assert_ends(long long batches, const char *reason)
{
    ASSERT_FAILS(explain(), SSCAM_E_CANCELLED, reason);
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_BATCH]), batches);
}

static void assert_still_explains(void)
{
    fake_reset();
    ASSERT_OK(explain());
}

/* --- from inside the call --------------------------------------------------------------------- */

static fake_call cancelling_call;
static long long cancelling_number;

static void cancel_at(fake_call call, long long number)
{
    if (call == cancelling_call && number == cancelling_number)
        sscam_explainer_cancel(explainer);
}

START_TEST(no_batch_follows_a_cancellation)
{
    cancelling_call = FAKE_BATCH;
    for (cancelling_number = 1; cancelling_number <= 4; cancelling_number++) {
        fake_reset();
        fake_on_call(cancel_at);
        assert_ends(cancelling_number, "sscam_explainer_cancel()");
    }
    assert_still_explains();
}
END_TEST

/* What runs the network without batches: no evaluation follows the one that was cancelled. */
static const struct {
    const char *method, *options;
    fake_call call;
    long long number, inputs;
} single_evaluations[] = {
    {"grad-cam", "", FAKE_CAPTURE, 1, 1},
    {"layer-cam", "layer=stem,features", FAKE_CAPTURE, 1, 1},
    {"layer-cam", "layer=stem,features", FAKE_CAPTURE, 2, 2},
    {"grad-cam", "aug_smooth=on", FAKE_CAPTURE, 3, 3},
    {"smooth-grad-cam++", "samples=5", FAKE_CAPTURE, 3, 3},
    {"score-cam", "", FAKE_CAPTURE, 1, 1},
    {"score-cam", "baseline=input channel_softmax=off", FAKE_CAPTURE, 1, 1},
    {"ablation-cam", "", FAKE_CAPTURE, 1, 1},
};
enum { SINGLE_EVALUATIONS = sizeof single_evaluations / sizeof single_evaluations[0] };

START_TEST(no_evaluation_follows_a_cancellation)
{
    sscam_explainer_unref(explainer);
    explainer = make(single_evaluations[_i].method);
    set_options(explainer, single_evaluations[_i].options);
    cancelling_call = single_evaluations[_i].call;
    cancelling_number = single_evaluations[_i].number;
    fake_reset();
    fake_on_call(cancel_at);
    ASSERT_FAILS(explain(), SSCAM_E_CANCELLED, "sscam_explainer_cancel()");
    ck_assert_int_eq(atomic_load(&fake_counted.inputs), single_evaluations[_i].inputs);
    assert_still_explains();
}
END_TEST

START_TEST(cancelling_without_a_call_changes_nothing)
{
    sscam_explainer_cancel(NULL);
    sscam_explainer_cancel(explainer);
    ASSERT_OK(explain());
    sscam_explainer_cancel(explainer);
    ASSERT_OK(explain());
}
END_TEST

START_TEST(every_explainer_of_a_call_can_end_it)
{
    sscam_explainer *explainers[3] = {make("score-cam"), explainer, make("is-cam")};
    sscam_map *maps[3];
    cancelling_call = FAKE_BATCH;
    cancelling_number = 2;
    fake_on_call(cancel_at);
    ASSERT_FAILS(sscam_explain_array_all(explainers, 3, ARRAY(input, one, 4), NULL, 1, maps),
                 SSCAM_E_CANCELLED, "sscam_explainer_cancel()");
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_BATCH]), 2);
    sscam_explainer_unref(explainers[0]);
    sscam_explainer_unref(explainers[2]);
}
END_TEST

static int32_t cancel_and_go_on(void *user, double fraction)
{
    int *reports = user;
    if (fraction > 0.0 && ++*reports == 2)
        sscam_explainer_cancel(explainer);
    return 0;
}

START_TEST(a_progress_callback_can_cancel)
{
    int reports = 0;
    ASSERT_OK(sscam_explainer_set_progress(explainer, cancel_and_go_on, &reports));
    assert_ends(2, "sscam_explainer_cancel()");
    ck_assert_int_eq(reports, 2);
}
END_TEST

/* --- from elsewhere --------------------------------------------------------------------------- */

static sem_t batch_has_begun, has_cancelled;

static void wait_in_third_batch(fake_call call, long long number)
{
    if (call != FAKE_BATCH || number != 3)
        return;
    sem_post(&batch_has_begun);
    sem_wait(&has_cancelled);
}

static void *cancel_in_third_batch(void *user)
{
    sem_wait(&batch_has_begun);
    sscam_explainer_cancel(user);
    sem_post(&has_cancelled);
    return NULL;
}

START_TEST(another_thread_can_cancel)
{
    pthread_t thread;
    sem_init(&batch_has_begun, 0, 0);
    sem_init(&has_cancelled, 0, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_in_third_batch, explainer), 0);
    fake_on_call(wait_in_third_batch);
    assert_ends(3, "sscam_explainer_cancel()");
    pthread_join(thread, NULL);
    assert_still_explains();
}
END_TEST

static void cancel_in_handler(int signal_number)
{
    (void)signal_number;
    sscam_explainer_cancel(explainer);
}

static void raise_in_second_batch(fake_call call, long long number)
{
    if (call == FAKE_BATCH && number == 2)
        raise(SIGUSR1);
}

START_TEST(a_signal_handler_can_cancel)
{
    struct sigaction action = {.sa_handler = cancel_in_handler}, before;
    ck_assert_int_eq(sigaction(SIGUSR1, &action, &before), 0);
    fake_on_call(raise_in_second_batch);
    assert_ends(2, "sscam_explainer_cancel()");
    sigaction(SIGUSR1, &before, NULL);
    assert_still_explains();
}
END_TEST

/* --- deadlines -------------------------------------------------------------------------------- */

/* Every network evaluation or batch takes 10 ms. */
static void take_time(fake_call call, long long number)
{
    (void)number;
    if (call == FAKE_BATCH || call == FAKE_CAPTURE || call == FAKE_CLASSIFY)
        atomic_fetch_add(&clock_milliseconds, 10);
}

START_TEST(a_deadline_ends_the_call)
{
    fake_on_call(take_time);
    ASSERT_OK(explain()); /* the clock runs, but there is no deadline */
    ASSERT_OK(sscam_explainer_set_int(explainer, SSCAM_OPTION_DEADLINE, 35));
    fake_reset();
    fake_on_call(take_time);
    assert_ends(3, "the deadline of 35 ms has passed"); /* after the capture, 20, 30 and 40 ms */
    ASSERT_OK(sscam_explainer_set(explainer, "deadline", "10"));
    fake_reset();
    fake_on_call(take_time);
    assert_ends(0, "the deadline of 10 ms has passed");
    ASSERT_OK(sscam_explainer_set(explainer, "deadline", "1000000"));
    assert_still_explains();
}
END_TEST

START_TEST(the_earliest_deadline_holds)
{
    sscam_explainer *explainers[2] = {explainer, make("score-cam")};
    sscam_map *maps[2];
    set_options(explainers[0], "deadline=500");
    set_options(explainers[1], "deadline=25");
    fake_on_call(take_time);
    ASSERT_FAILS(sscam_explain_array_all(explainers, 2, ARRAY(input, one, 4), NULL, 1, maps),
                 SSCAM_E_CANCELLED, "25 ms");
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_BATCH]), 2);
    sscam_explainer_unref(explainers[1]);
}
END_TEST

START_TEST(a_deadline_ends_an_evaluation)
{
    sscam_image *image = make_image(WIDTH, HEIGHT, 3);
    sscam_evaluation *evaluation = NULL;
    skip_resizing(explainer);
    set_options(explainer, "deadline=45");
    ASSERT_OK(sscam_evaluation_create(&explainer, 1, &evaluation));
    fake_reset();
    fake_on_call(take_time);
    ASSERT_FAILS(sscam_evaluation_add(evaluation, image, NULL), SSCAM_E_CANCELLED, "45 ms");
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_BATCH]) +
                         atomic_load(&fake_counted.calls[FAKE_CAPTURE]) +
                         atomic_load(&fake_counted.calls[FAKE_CLASSIFY]),
                     5);
    ck_assert_int_eq(sscam_evaluation_case_count(evaluation), 0);
    sscam_evaluation_unref(evaluation);
    sscam_image_unref(image);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cancel");
    TCase *inside = add_tcase(suite, "inside", set_up, tear_down),
          *outside = add_tcase(suite, "outside", set_up, tear_down),
          *deadlines = add_tcase(suite, "deadlines", set_up, tear_down);
    tcase_add_test(inside, no_batch_follows_a_cancellation);
    tcase_add_loop_test(inside, no_evaluation_follows_a_cancellation, 0, SINGLE_EVALUATIONS);
    tcase_add_test(inside, cancelling_without_a_call_changes_nothing);
    tcase_add_test(inside, every_explainer_of_a_call_can_end_it);
    tcase_add_test(inside, a_progress_callback_can_cancel);
    tcase_add_test(outside, another_thread_can_cancel);
    tcase_add_test(outside, a_signal_handler_can_cancel);
    tcase_add_test(deadlines, a_deadline_ends_the_call);
    tcase_add_test(deadlines, the_earliest_deadline_holds);
    tcase_add_test(deadlines, a_deadline_ends_an_evaluation);
    return run_suite(suite);
}
