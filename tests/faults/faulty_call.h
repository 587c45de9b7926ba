/* A call during which allocations are counted and may fail, and a hash of its results. */
#ifndef SSCAM_TESTS_FAULTS_FAULTY_CALL_H
#define SSCAM_TESTS_FAULTS_FAULTY_CALL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <sscam/status.h>

#include "fault_board.h"

static inline void begin_faults(void)
{
    fault_board_here()->allocations = fault_board_here()->refused = fault_board_here()->largest = 0;
    fault_board_here()->armed = 1;
}

/* The message of the last call under faults, which calls after it may have cleared. */
static char faulty_call_message[1024];

static inline sscam_status end_faults(sscam_status status)
{
    fault_board_here()->armed = 0;
    snprintf(faulty_call_message, sizeof faulty_call_message, "%s", sscam_last_error());
    return status;
}

#define UNDER_FAULTS(call) (begin_faults(), end_faults(call))

static inline void sign(uint64_t *signature, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *signature = (*signature ^ ((const unsigned char *)data)[i]) * UINT64_C(0x100000001b3);
}

#endif
