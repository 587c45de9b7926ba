/* The plan of what fails, and counts of what did: shared by the fault library and its tests.
 *
 * The library (fault_memory.c, fault_files.c) replaces the C library's allocator and calls on files
 * by being linked before it or preloaded (LD_PRELOAD). Tests in C change the board of
 * fault_board_here(); tests in Python one in the file SSCAM_FAULT_BOARD, which the program under
 * test maps: therefore all fields have 64 bits. */
#ifndef SSCAM_TESTS_FAULTS_FAULT_BOARD_H
#define SSCAM_TESTS_FAULTS_FAULT_BOARD_H

#include <stdint.h>

/* Whose allocations fail: the first caller that is not the C or the C++ library. */
enum {
    FAULT_PROGRAM = 1,  /* the executable */
    FAULT_LIBRARY = 2,  /* libsscam.so */
    FAULT_TORCH = 4,    /* libtorch and what it computes with */
    FAULT_DRAWING = 8,  /* cairo, libxml2, libpng, libjpeg and all others */
    FAULT_THREADS = 16, /* libgomp, which ends the process */
    FAULT_FONTS = 32,   /* fontconfig, freetype, Pango, HarfBuzz: dereference failed allocations */
    FAULT_GLIB = 64,    /* GLib, which ends the process */
    FAULT_ANYBODY = 127
};

/* Which calls on files fail. */
typedef enum fault_call {
    FAULT_NO_CALL,
    FAULT_OPEN,
    FAULT_CREATE,
    FAULT_STAT,
    FAULT_READ, /* with error 0: the file ends here */
    FAULT_SEEK,
    FAULT_LIST,
    FAULT_WRITE,
    FAULT_TRUNCATE,
    FAULT_SYNC,
    FAULT_CLOSE, /* of what was written to */
    FAULT_RENAME,
    FAULT_CALL_KINDS
} fault_call;

typedef struct fault_board {
    /* The plan. Numbers of calls are counted from 1 since `armed` was set; 0: none. */
    int64_t armed;
    int64_t owners, allocation; /* that allocation fails */
    int64_t call, number, error;
    int64_t from_on;    /* and all after it */
    int64_t short_read; /* most bytes that a read gives; 0: no limit */
    int64_t tracks;     /* blocks that `owners` allocate are followed until they are freed */
    /* The counts. */
    int64_t allocations, refused, failed_calls, outstanding;
    int64_t largest; /* size of an allocation */
    int64_t calls[FAULT_CALL_KINDS];
    char folder[256]; /* calls on files elsewhere do not count */
} fault_board;

fault_board *fault_board_here(void);

/* Whether the allocation or call whose number is `number` is one of those planned to fail. */
static inline int fault_is_due(const fault_board *board, int64_t number, int64_t planned)
{
    return planned > 0 && (board->from_on ? number >= planned : number == planned);
}

#endif
