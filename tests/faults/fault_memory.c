/* An allocator that fails as planned on the fault board and tracks the blocks of chosen modules. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

#include "fault_board.h"

/* The C library's own. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

static fault_board own_board, *board = &own_board;
static atomic_bool is_program = true; /* false in the fork server */

fault_board *fault_board_here(void)
{
    return board;
}

/* --- callers ---------------------------------------------------------------------------------- */

enum { TRANSPARENT = 0, MOST_MODULES = 512 };

typedef struct module {
    uintptr_t start, end;
    int owner;
} module;

static module modules[MOST_MODULES];
static atomic_int module_count;
static atomic_flag lock = ATOMIC_FLAG_INIT;
static _Thread_local bool is_busy __attribute__((tls_model("initial-exec")));

static void take(void)
{
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire))
        continue;
}

static void give(void)
{
    atomic_flag_clear_explicit(&lock, memory_order_release);
}

static int owner_named(const char *path)
{
    static const struct {
        const char *part;
        int owner;
    } names[] = {
        {"libfault", TRANSPARENT},   {"/libc.so", TRANSPARENT},   {"/libc-", TRANSPARENT},
        {"ld-linux", TRANSPARENT},   {"libstdc++", TRANSPARENT},  {"libgcc_s", TRANSPARENT},
        {"/libm.so", TRANSPARENT},   {"libgomp", FAULT_THREADS},  {"libsscam.so", FAULT_LIBRARY},
        {"torch", FAULT_TORCH},      {"libc10", FAULT_TORCH},     {"dnnl", FAULT_TORCH},
        {"blas", FAULT_TORCH},       {"lapack", FAULT_TORCH},     {"protobuf", FAULT_TORCH},
        {"libsleef", FAULT_TORCH},   {"fontconfig", FAULT_FONTS}, {"freetype", FAULT_FONTS},
        {"libexpat", FAULT_FONTS},   {"XNNPACK", FAULT_TORCH},    {"pthreadpool", FAULT_TORCH},
        {"cpuinfo", FAULT_TORCH},    {"libonnx", FAULT_TORCH},    {"libglib", FAULT_GLIB},
        {"libgobject", FAULT_GLIB},  {"libpango", FAULT_FONTS},   {"libharfbuzz", FAULT_FONTS},
        {"libfribidi", FAULT_FONTS},
    };
    if (*path == '\0')
        return FAULT_PROGRAM;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strstr(path, names[i].part))
            return names[i].owner;
    return FAULT_DRAWING;
}

static int add_module(struct dl_phdr_info *about, size_t size, void *user)
{
    int *count = user;
    (void)size;
    for (int i = 0; i < about->dlpi_phnum && *count < MOST_MODULES; i++) {
        const ElfW(Phdr) *part = &about->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || (part->p_flags & PF_X) == 0)
            continue;
        uintptr_t start = about->dlpi_addr + part->p_vaddr;
        modules[(*count)++] = (module){start, start + part->p_memsz, owner_named(about->dlpi_name)};
    }
    return 0;
}

static const module *module_at(uintptr_t address)
{
    int count = atomic_load(&module_count);
    for (int i = 0; i < count; i++)
        if (address >= modules[i].start && address < modules[i].end)
            return &modules[i];
    return NULL;
}

static void read_modules(void)
{
    int count = 0;
    atomic_store(&module_count, 0);
    dl_iterate_phdr(add_module, &count);
    atomic_store(&module_count, count);
}

static _Unwind_Reason_Code look_at_frame(struct _Unwind_Context *context, void *user)
{
    int *owner = user;
    uintptr_t address = _Unwind_GetIP(context) - 1;
    const module *found = module_at(address);
    if (!found) { /* loaded since */
        read_modules();
        found = module_at(address);
    }
    *owner = found ? found->owner : FAULT_DRAWING;
    return *owner == TRANSPARENT ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

static bool is_of_owner(void)
{
    int owner = TRANSPARENT;
    if (board->owners == FAULT_ANYBODY)
        return true;
    is_busy = true;
    _Unwind_Backtrace(look_at_frame, &owner);
    is_busy = false;
    return (owner & board->owners) != 0;
}

/* --- tracked blocks
 * -------------------------------------------------------------------------------- */

enum { SLOTS = 1 << 18, SLOT_MASK = SLOTS - 1 };

static void *held[SLOTS]; /* a hash table with linear probing */

static size_t slot_of(const void *block)
{
    return ((uintptr_t)block >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 46 & SLOT_MASK;
}

static void hold(void *block)
{
    take();
    if (board->outstanding < SLOTS / 2) {
        size_t i = slot_of(block);
        while (held[i])
            i = (i + 1) & SLOT_MASK;
        held[i] = block;
        board->outstanding++;
    }
    give();
}

static void close_gap(size_t gap)
{
    for (size_t i = (gap + 1) & SLOT_MASK; held[i] != NULL; i = (i + 1) & SLOT_MASK)
        if (((i - slot_of(held[i])) & SLOT_MASK) >= ((i - gap) & SLOT_MASK)) {
            held[gap] = held[i];
            gap = i;
        }
    held[gap] = NULL;
}

/* Returns whether the block was tracked. */
static bool release(const void *block)
{
    bool found = false;
    if (!block || board->outstanding == 0)
        return false;
    take();
    for (size_t i = slot_of(block); held[i] && !found; i = (i + 1) & SLOT_MASK)
        if (held[i] == block) {
            close_gap(i);
            board->outstanding--;
            found = true;
        }
    give();
    return found;
}

/* --- the allocator ---------------------------------------------------------------------------- */

static void note_size(size_t size)
{
    int64_t largest = __atomic_load_n(&board->largest, __ATOMIC_RELAXED);
    while ((int64_t)size > largest &&
           !__atomic_compare_exchange_n(&board->largest, &largest, (int64_t)size, false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
}

/* Whether this allocation fails; `*is_tracked`: whether its block is tracked. */
static bool refuses(size_t size, bool *is_tracked)
{
    *is_tracked = false;
    if (is_busy || !atomic_load_explicit(&is_program, memory_order_relaxed) ||
        (!board->armed && !board->tracks))
        return false;
    if (!is_of_owner())
        return false;
    *is_tracked = board->tracks != 0;
    if (!board->armed)
        return false;
    note_size(size);
    int64_t number = __atomic_add_fetch(&board->allocations, 1, __ATOMIC_RELAXED);
    if (!fault_is_due(board, number, board->allocation))
        return false;
    __atomic_add_fetch(&board->refused, 1, __ATOMIC_RELAXED);
    errno = ENOMEM;
    return true;
}

static void *tracked(void *block, bool is_tracked)
{
    if (block && is_tracked)
        hold(block);
    return block;
}

void *malloc(size_t size)
{
    bool is_tracked;
    return refuses(size, &is_tracked) ? NULL : tracked(__libc_malloc(size), is_tracked);
}

void *calloc(size_t count, size_t size)
{
    bool is_tracked;
    return refuses(count * size, &is_tracked) ? NULL
                                              : tracked(__libc_calloc(count, size), is_tracked);
}

void *realloc(void *block, size_t size)
{
    bool is_tracked;
    if (refuses(size, &is_tracked))
        return NULL;
    bool was_held = release(block);
    void *moved = __libc_realloc(block, size);
    if (!moved && was_held && size > 0)
        hold(block);
    return tracked(moved, is_tracked || was_held);
}

void *memalign(size_t alignment, size_t size)
{
    bool is_tracked;
    return refuses(size, &is_tracked) ? NULL
                                      : tracked(__libc_memalign(alignment, size), is_tracked);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *block = memalign(alignment, size);
    if (!block)
        return ENOMEM;
    *out = block;
    return 0;
}

void free(void *block)
{
    release(block);
    __libc_free(block);
}

/* --- the board -------------------------------------------------------------------------------- */

/* Exit handlers are not under test. */
static void disarm(void)
{
    board->armed = 0;
}

static void become_program(void)
{
    atomic_store(&is_program, true);
    atexit(disarm);
}

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("SSCAM_FAULT_BOARD");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    read_modules();
    if (file < 0)
        return;
    void *shared = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (shared == MAP_FAILED)
        return;
    if (getenv("SSCAM_FORK_SERVER")) {
        atomic_store(&is_program, false);
        pthread_atfork(NULL, NULL, become_program);
    } else {
        atexit(disarm);
    }
    board = shared;
}
