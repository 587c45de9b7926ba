/* Turns of threads on an engine whose callbacks run one at a time.
 *
 * No lock is held while a callback runs, only the turn. A thread that has a turn does not wait for
 * another: so no circle of waiting threads can form. A turn that was taken in the parent of a
 * forked process never ends in the child, and is refused there. */
#ifndef SSCAM_LIB_ENGINE_ENGINE_TURN_H
#define SSCAM_LIB_ENGINE_ENGINE_TURN_H

#include <semaphore.h>
#include <stdatomic.h>

#include "sscam/status.h"

typedef struct sscam_engine_turns {
    sem_t free;         /* 1, or 0 while a thread has the turn */
    atomic_int process; /* that created it or took the last turn */
} sscam_engine_turns;

/* A turn that the thread has; on its stack. */
typedef struct sscam_engine_turn {
    const sscam_engine_turns *turns;
    struct sscam_engine_turn *outer;
} sscam_engine_turn;

sscam_status sscam_engine_turns_create(sscam_engine_turns *turns);
void sscam_engine_turns_destroy(sscam_engine_turns *turns);

/* Waits for the turn, which sscam_engine_turn_end() ends. SSCAM_E_ARGUMENT where the thread must
 * not wait; SSCAM_E_UNSUPPORTED after a fork. `name` is what messages call the engine. */
sscam_status sscam_engine_turn_begin(sscam_engine_turns *turns, sscam_engine_turn *turn,
                                     const char *name);
void sscam_engine_turn_end(sscam_engine_turns *turns, const sscam_engine_turn *turn);

#endif
