/* Progress callbacks that explain, block, cancel and fork while scoring plans are measured, forked
 * children, and threads that cannot be started. A hang is ended by an alarm.
 *
 * usage: callback_probe CASE MODEL CHANNELS HEIGHT WIDTH */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "matrix/probe_scene.h"
#include "sscam/explainer.h"

enum { ALARM_SECONDS = 120 };

static scene shared;
static const sscam_scoring_options calibrated = {.calibrate = 1};
static const sscam_scoring_options by_workers = {.workers = 2, .batch_size = 1};

static void score_and_check(void *network, sscam_scoring_options options,
                            const sscam_progress *progress, const char *what)
{
    float scores[SCENE_CHANNELS];
    need(scene_score(&shared, network, options, progress, scores) == SSCAM_OK, what);
    scene_check_scores(&shared, scores, what);
}

/* --- a callback that explains with the same model ----------------------------------------------
 */

typedef struct nesting {
    void *network;
    int32_t reports;
} nesting;

static int32_t score_again(void *user, double fraction)
{
    (void)fraction;
    nesting *outer = user;
    outer->reports++;
    score_and_check(outer->network, calibrated, NULL, "nested in a report");
    return 0;
}

static void run_nested(void)
{
    nesting outer = {scene_load(&shared), 0};
    sscam_progress progress = {.callback = score_again, .user = &outer, .end = 1.0};
    score_and_check(outer.network, calibrated, &progress, "around a nested call");
    need(outer.reports >= 3, "reports");
    shared.backend->destroy(outer.network);
}

/* --- two threads that explain with each other's model ------------------------------------------
 */

typedef struct partner {
    void *own, *other;
    pthread_barrier_t *both_measure;
    int32_t has_met;
} partner;

static int32_t score_other(void *user, double fraction)
{
    (void)fraction;
    partner *self = user;
    if (!self->has_met) {
        self->has_met = 1;
        pthread_barrier_wait(self->both_measure);
        score_and_check(self->other, calibrated, NULL, "with the other thread's model");
    }
    return 0;
}

static void *measure_own(void *user)
{
    partner *self = user;
    sscam_progress progress = {.callback = score_other, .user = self, .end = 1.0};
    score_and_check(self->own, calibrated, &progress, "with the own model");
    return NULL;
}

static void run_crossed(void)
{
    void *a = scene_load(&shared), *b = scene_load(&shared);
    pthread_barrier_t both_measure;
    pthread_barrier_init(&both_measure, NULL, 2);
    partner partners[2] = {{a, b, &both_measure, 0}, {b, a, &both_measure, 0}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        need(pthread_create(&threads[i], NULL, measure_own, &partners[i]) == 0, "thread");
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&both_measure);
    shared.backend->destroy(a);
    shared.backend->destroy(b);
}

/* --- a second thread while one measures --------------------------------------------------------
 */

typedef struct pair {
    void *network;
    int32_t answer_of_second; /* of its callback */
    int32_t answer_of_first;  /* of its callback, after the second has reported or ended */
    int32_t waits_for_end;
    pthread_t second;
    atomic_int second_has_reported, first_reports;
    sscam_status status_of_second;
} pair;

static int32_t report_of_second(void *user, double fraction)
{
    (void)fraction;
    pair *both = user;
    atomic_store(&both->second_has_reported, 1);
    return both->answer_of_second;
}

static void *score_second(void *user)
{
    pair *both = user;
    sscam_progress progress = {.callback = report_of_second, .user = both, .end = 1.0};
    float scores[SCENE_CHANNELS];
    both->status_of_second = scene_score(&shared, both->network, calibrated, &progress, scores);
    if (both->status_of_second == SSCAM_OK)
        scene_check_scores(&shared, scores, "of the second thread");
    return NULL;
}

static int32_t report_of_first(void *user, double fraction)
{
    (void)fraction;
    pair *both = user;
    if (atomic_fetch_add(&both->first_reports, 1) > 0)
        return 0;
    need(pthread_create(&both->second, NULL, score_second, both) == 0, "second thread");
    if (both->waits_for_end)
        pthread_join(both->second, NULL);
    while (!atomic_load(&both->second_has_reported))
        sched_yield();
    return both->answer_of_first;
}

static sscam_status score_pair(pair *both)
{
    both->network = scene_load(&shared);
    sscam_progress progress = {.callback = report_of_first, .user = both, .end = 1.0};
    float scores[SCENE_CHANNELS];
    sscam_status status = scene_score(&shared, both->network, calibrated, &progress, scores);
    if (!both->waits_for_end)
        pthread_join(both->second, NULL);
    score_and_check(both->network, calibrated, NULL, "after a pair");
    shared.backend->destroy(both->network);
    return status;
}

static void run_waiting(void)
{
    pair cancelled = {.answer_of_second = 1, .waits_for_end = 1};
    need(score_pair(&cancelled) == SSCAM_OK, "beside a cancelled thread");
    need(cancelled.status_of_second == SSCAM_E_CANCELLED, "a thread that waits is cancelled");

    pair blocked = {.waits_for_end = 1};
    need(score_pair(&blocked) == SSCAM_OK, "around another thread");
    need(blocked.status_of_second == SSCAM_OK, "a thread that a callback waits for");

    pair failing = {.answer_of_first = 1};
    need(score_pair(&failing) == SSCAM_E_CANCELLED, "the measuring thread is cancelled");
    need(failing.status_of_second == SSCAM_OK, "a thread that measures after that");
}

/* --- workers ------------------------------------------------------------------------------------
 */

typedef struct caller {
    pthread_t thread;
    double last;
    int32_t cancels_at; /* report */
    int32_t reports;
} caller;

static int32_t check_caller(void *user, double fraction)
{
    caller *self = user;
    need(pthread_equal(self->thread, pthread_self()), "reported by the calling thread");
    need(fraction >= self->last, "a fraction that does not decrease");
    self->last = fraction;
    return ++self->reports == self->cancels_at;
}

static void run_workers(void)
{
    caller self = {.thread = pthread_self()};
    sscam_progress progress = {.callback = check_caller, .user = &self, .end = 1.0};
    score_and_check(shared.network, by_workers, &progress, "by workers");
    need(self.last == 1.0, "the last report");
    caller cancels = {.thread = pthread_self(), .cancels_at = 2};
    progress.user = &cancels;
    float scores[SCENE_CHANNELS];
    need(scene_score(&shared, shared.network, by_workers, &progress, scores) == SSCAM_E_CANCELLED,
         "cancelled workers");
    need(cancels.reports == 2, "no report after cancellation");
}

/* Started with OMP_NUM_THREADS=1: libgomp ends the process when it cannot start a thread. */
static void run_without_threads(void)
{
    const struct rlimit none = {1, 1};
    if (getuid() == 0)
        need(setuid(65534) == 0, "setuid");
    need(setrlimit(RLIMIT_NPROC, &none) == 0, "setrlimit");
    score_and_check(shared.network, by_workers, NULL, "workers that cannot be started");
}

/* --- forks --------------------------------------------------------------------------------------
 */

static void wait_for(pid_t child, const char *what)
{
    int status;
    need(child > 0 && waitpid(child, &status, 0) == child, "waitpid");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fprintf(stderr, "child: status %x\n", (unsigned)status);
    need(WIFEXITED(status) && WEXITSTATUS(status) == 0, what);
}

static void capture_and_check(const char *what)
{
    sscam_capture found;
    need(scene_capture(&shared, &found) == SSCAM_OK, what);
    scene_check_capture(&shared, &found, what);
    sscam_capture_release(&found);
}

static void use_all_in_child(void)
{
    alarm(ALARM_SECONDS / 2);
    capture_and_check("capture in a child");
    score_and_check(shared.network, (sscam_scoring_options){0}, NULL, "score in a child");
    score_and_check(shared.network, by_workers, NULL, "workers in a child");
    void *own = scene_load(&shared);
    score_and_check(own, calibrated, NULL, "a child's own network");
    _exit(0);
}

static void run_forked(void)
{
    score_and_check(shared.network, by_workers, NULL, "before a fork");
    pid_t child = fork();
    if (child == 0)
        use_all_in_child();
    wait_for(child, "an idle process forked");
    capture_and_check("capture after a fork");
}

static void need_refusal(sscam_status status, const char *sentence, const char *what)
{
    need(status == SSCAM_E_UNSUPPORTED && strstr(sscam_last_error(), sentence), what);
}

typedef struct forking {
    pid_t child; /* 0 in the child */
    int32_t has_forked;
} forking;

static int32_t fork_once(void *user, double fraction)
{
    (void)fraction;
    forking *self = user;
    if (!self->has_forked) {
        self->has_forked = 1;
        self->child = fork();
        if (self->child == 0)
            alarm(ALARM_SECONDS / 2);
    }
    return 0;
}

static void fork_in_callback(sscam_scoring_options options)
{
    forking self = {0};
    void *network = scene_load(&shared);
    sscam_progress progress = {.callback = fork_once, .user = &self, .end = 1.0};
    float scores[SCENE_CHANNELS];
    sscam_status status = scene_score(&shared, network, options, &progress, scores);
    if (self.child == 0) {
        need_refusal(status, "forked in the progress callback", "the parent's call in a child");
        _exit(0);
    }
    need(status == SSCAM_OK, "a call that forks");
    wait_for(self.child, "forked in a callback");
    shared.backend->destroy(network);
}

static int32_t hold(void *user, double fraction)
{
    (void)fraction;
    pthread_barrier_t *steps = user;
    static int32_t has_held;
    if (!has_held) {
        has_held = 1;
        pthread_barrier_wait(steps); /* in a call now */
        pthread_barrier_wait(steps); /* the fork is done */
    }
    return 0;
}

static void *score_held(void *user)
{
    sscam_progress progress = {.callback = hold, .user = user, .end = 1.0};
    score_and_check(shared.network, by_workers, &progress, "a call during a fork");
    return NULL;
}

static void fork_beside_call(void)
{
    pthread_barrier_t steps;
    pthread_barrier_init(&steps, NULL, 2);
    pthread_t thread;
    need(pthread_create(&thread, NULL, score_held, &steps) == 0, "thread");
    pthread_barrier_wait(&steps);
    pid_t child = fork();
    if (child == 0)
        use_all_in_child();
    pthread_barrier_wait(&steps);
    wait_for(child, "forked beside a call");
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&steps);
}

static void run_forked_in_calls(void)
{
    fork_in_callback((sscam_scoring_options){.batch_size = 1});
    fork_in_callback(by_workers);
    fork_in_callback(calibrated);
    fork_beside_call();
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {{"nested", run_nested},
             {"crossed", run_crossed},
             {"waiting", run_waiting},
             {"workers", run_workers},
             {"no-threads", run_without_threads},
             {"forked", run_forked},
             {"forked-in-calls", run_forked_in_calls}};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 6 && i < sizeof cases / sizeof cases[0]; i++)
        if (strcmp(argv[1], cases[i].name) == 0) {
            alarm(ALARM_SECONDS);
            scene_open(&shared, argv + 2);
            cases[i].run();
            scene_close(&shared);
            return 0;
        }
    fprintf(stderr, "usage: callback_probe CASE MODEL CHANNELS HEIGHT WIDTH\n");
    return 2;
}
