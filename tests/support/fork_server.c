/* Starts a program many times for the price of one.
 *
 * Loading libtorch takes longer than most of what tests ask of the program. Preloaded (LD_PRELOAD)
 * into the program under test, this stops it just before its main(), when everything is loaded, and
 * forks a copy for every request that comes over the socket SSCAM_FORK_SERVER: from there on the
 * copy is the program itself, with arguments, working folder and standard streams of its own. The
 * environment is the server's: libraries have read it by then. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STREAMS = 3, MOST_BYTES = 1 << 17, MOST_ARGUMENTS = 1024 };

typedef int main_function(int argc, char **argv, char **environment);
typedef int start_function(main_function *program, int argc, char **argv, void (*init)(void),
                           void (*fini)(void), void (*rtld_fini)(void), void *stack_end);

static main_function *program;
static char request[MOST_BYTES]; /* the working folder and the arguments, each ended by a NUL */

/* The bytes of a request and its streams; 0 when the tests have gone. */
static size_t receive(int socket, int streams[STREAMS])
{
    char control[CMSG_SPACE(STREAMS * sizeof(int))];
    struct iovec bytes = {request, sizeof request};
    struct msghdr message = {.msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *header = length > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (!header || header->cmsg_len != CMSG_LEN(STREAMS * sizeof(int)) ||
        request[length - 1] != '\0')
        return 0;
    memcpy(streams, CMSG_DATA(header), STREAMS * sizeof(int));
    return (size_t)length;
}

static int become(size_t length, const int streams[STREAMS], char **environment)
{
    static char *argv[MOST_ARGUMENTS + 1];
    int argc = 0;
    for (int i = 0; i < STREAMS; i++) {
        dup2(streams[i], i);
        close(streams[i]);
    }
    if (chdir(request) != 0) {
        perror(request);
        return 125;
    }
    for (char *text = request + strlen(request) + 1;
         text < request + length && argc < MOST_ARGUMENTS; text += strlen(text) + 1)
        argv[argc++] = text;
    return program(argc, argv, environment);
}

/* In a copy it returns the program's exit status, as main() does. */
static int serve(int argc, char **argv, char **environment)
{
    const int socket = atoi(getenv("SSCAM_FORK_SERVER"));
    int streams[STREAMS];
    size_t length;
    (void)argc;
    (void)argv;
    while ((length = receive(socket, streams)) > 0) {
        int32_t answer[2] = {
            fork(), 0}; /* the copy's number, so that it can be stopped, then how it ended */
        if (answer[0] == 0) {
            close(socket);
            return become(length, streams, environment);
        }
        for (int i = 0; i < STREAMS; i++)
            close(streams[i]);
        if (send(socket, &answer[0], sizeof answer[0], 0) < 0 ||
            waitpid(answer[0], &answer[1], 0) < 0 ||
            send(socket, &answer[1], sizeof answer[1], 0) < 0)
            return 125;
    }
    _exit(0);
}

__attribute__((visibility("default"))) int
__libc_start_main(main_function *started, int argc, char **argv, void (*init)(void),
                  void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
    start_function *start = NULL;
    *(void **)&start = dlsym(RTLD_NEXT, "__libc_start_main");
    program = started;
    return start(getenv("SSCAM_FORK_SERVER") ? serve : started, argc, argv, init, fini, rtld_fini,
                 stack_end);
}
