#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/printable.h"

enum { TEXT_SIZE = 1024, LONGEST_CHARACTER = 4 };

/* A callback that was set at some time. Never freed, since another thread may be about to call it;
 * a host that sets the same one again and again has one. */
typedef struct listener {
    sscam_log_callback callback;
    void *user;
    struct listener *next;
} listener;

static _Atomic(listener *) all_listeners, current;
static _Thread_local int32_t is_in_callback;

static listener *find_listener(sscam_log_callback callback, void *user)
{
    listener *found = atomic_load(&all_listeners);
    while (found && (found->callback != callback || found->user != user))
        found = found->next;
    return found;
}

static listener *add_listener(sscam_log_callback callback, void *user)
{
    listener *added = malloc(sizeof *added);
    if (!added)
        return NULL;
    *added = (listener){callback, user, atomic_load(&all_listeners)};
    while (!atomic_compare_exchange_weak(&all_listeners, &added->next, added))
        continue;
    return added;
}

sscam_status sscam_set_log_callback(sscam_log_callback callback, void *user)
{
    listener *wanted = NULL;
    if (callback) {
        wanted = find_listener(callback, user);
        if (!wanted)
            wanted = add_listener(callback, user);
        if (!wanted)
            return sscam_fail_memory("a log callback");
    }
    atomic_store(&current, wanted);
    return sscam_succeed();
}

int32_t sscam_log_is_wanted(void)
{
    return atomic_load(&current) && !is_in_callback;
}

void sscam_log(int32_t level, const char *format, ...)
{
    const listener *to = atomic_load(&current);
    char text[TEXT_SIZE], long_text[TEXT_SIZE + LONGEST_CHARACTER], failure[TEXT_SIZE];
    if (!to || is_in_callback)
        return;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(long_text, sizeof long_text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    sscam_copy_printable(text, sizeof text, long_text);
    snprintf(failure, sizeof failure, "%s", sscam_error_message());
    is_in_callback = 1;
    to->callback(to->user, level, text);
    is_in_callback = 0;
    sscam_fail(SSCAM_OK, "%s", failure);
}
