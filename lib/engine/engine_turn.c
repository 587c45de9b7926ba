#include "engine/engine_turn.h"

#include <errno.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

static _Thread_local sscam_engine_turn *innermost;

sscam_status sscam_engine_turns_create(sscam_engine_turns *turns)
{
    atomic_init(&turns->process, (int)getpid());
    return sem_init(&turns->free, 0, 1) == 0 ? SSCAM_OK : sscam_fail_memory("an engine");
}

void sscam_engine_turns_destroy(sscam_engine_turns *turns)
{
    sem_destroy(&turns->free);
}

static bool has_turn(const sscam_engine_turns *turns)
{
    const sscam_engine_turn *turn = innermost;
    while (turn && turn->turns != turns)
        turn = turn->outer;
    return turn != NULL;
}

static bool try_to_take(sscam_engine_turns *turns)
{
    int result;
    do
        result = sem_trywait(&turns->free);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

/* Whether the turn came within a second. */
static bool wait_a_second(sscam_engine_turns *turns)
{
    struct timespec end;
    int result;
    clock_gettime(CLOCK_REALTIME, &end); /* the clock of sem_timedwait() */
    end.tv_sec++;
    do
        result = sem_timedwait(&turns->free, &end);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

static sscam_status wait_for(sscam_engine_turns *turns, const char *name)
{
    while (!wait_a_second(turns))
        if (atomic_load(&turns->process) != (int)getpid())
            return sscam_fail(SSCAM_E_UNSUPPORTED,
                              "%s: the process was forked while another thread ran the engine; "
                              "create the engine in the child",
                              name);
    return SSCAM_OK;
}

sscam_status sscam_engine_turn_begin(sscam_engine_turns *turns, sscam_engine_turn *turn,
                                     const char *name)
{
    sscam_status status = SSCAM_OK;
    if (has_turn(turns))
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "%s: called from a callback of the same engine, which is not "
                          "SSCAM_ENGINE_THREAD_SAFE",
                          name);
    if (!try_to_take(turns)) {
        if (innermost)
            return sscam_fail(SSCAM_E_ARGUMENT,
                              "%s: in use by another thread, for which a callback of an engine "
                              "must not wait",
                              name);
        status = wait_for(turns, name);
    }
    if (status != SSCAM_OK)
        return status;
    atomic_store(&turns->process, (int)getpid());
    *turn = (sscam_engine_turn){turns, innermost};
    innermost = turn;
    return SSCAM_OK;
}

void sscam_engine_turn_end(sscam_engine_turns *turns, const sscam_engine_turn *turn)
{
    innermost = turn->outer;
    sem_post(&turns->free);
}
