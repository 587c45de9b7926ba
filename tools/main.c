/* sscam: class activation maps of TorchScript classifiers, from the command line. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sscam/sscam.h>

#include "base/suggestion.h"
#include "commands/arguments.h"
#include "commands/commands.h"
#include "common/cli_error.h"
#include "common/signals.h"
#include "text/terminal_text.h"

struct command {
    const char *name;
    const char *purpose;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"classify", "the highest classes of images, with their probabilities", run_classify},
    {"explain", "where a network looks: maps of an image's classes", run_explain},
    {"compare", "a labelled figure of images and methods", run_compare},
    {"eval", "the paper's tables: methods evaluated on a data set", run_eval},
    {"study", "what SS-CAM's noise and samples change, on a data set", run_study},
    {"recommend", "which method, layer and sigma serve a network, by your images", run_recommend},
    {"sanity", "whether maps change when the network's parameters do", run_sanity},
    {"merge", "tables of results that were computed in parts", run_merge},
    {"layers", "a network's layers, and the one explained by default", run_layers},
    {"doctor", "versions, devices, and whether a network loads: for reports", run_doctor},
    {"methods", "the methods, with their formulas and papers", run_methods},
    {"options", "the options of the methods, with their values", run_options},
};

#define COMMAND_COUNT (sizeof commands / sizeof *commands)

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

static int fail_no_command(const char *name)
{
    sscam_suggestion nearest = sscam_suggestion_for(name);

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        sscam_suggestion_consider(&nearest, commands[i].name);
    return fail_usage("usage", "there is no command '%s'%s", name, sscam_suggestion_text(&nearest));
}

static void put_help(void)
{
    puts("usage: sscam COMMAND [ARGUMENT]...\n\nClass activation maps of TorchScript image "
         "classifiers.\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fputs("  ", stdout);
        put_padded(stdout, commands[i].name, 10);
        puts(commands[i].purpose);
    }
    puts("\n'sscam help COMMAND' tells more about one, 'sscam --version' about this build.");
}

static void put_version(void)
{
    const char *library = sscam_build_info();
    size_t length = strlen(library);

    printf("sscam %d.%d.%d\n", SSCAM_VERSION_MAJOR, SSCAM_VERSION_MINOR, SSCAM_VERSION_PATCH);
    printf("%s%s", library, length && library[length - 1] != '\n' ? "\n" : "");
}

static int help(int argc, char **argv)
{
    char *ask[] = {(char[]){"--help"}};

    if (argc == 0) {
        put_help();
        return EXIT_OK;
    }
    const struct command *command = find_command(argv[0]);
    return command ? command->run(1, ask) : fail_no_command(argv[0]);
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2)
        return fail_usage("usage", "a command is needed");

    const char *name = argv[1];
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help"))
        return help(argc - 2, argv + 2);
    if (!strcmp(name, "--version")) {
        put_version();
        return EXIT_OK;
    }
    const struct command *command = find_command(name);
    return command ? command->run(argc - 2, argv + 2) : fail_no_command(name);
}

/* Opens closed standard streams: a file that got their descriptor would receive their output. */
static void occupy_standard_streams(void)
{
    for (int descriptor = 0; descriptor <= STDERR_FILENO; descriptor++)
        if (fcntl(descriptor, F_GETFD) == -1 && errno == EBADF)
            /* In the wrong direction, so that using the stream still fails. */
            (void)!open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
    occupy_standard_streams();
    signal(SIGPIPE, SIG_IGN);
    interruption_catch();

    int code = dispatch(argc, argv);
    if (code == ARGUMENTS_HELP_SHOWN)
        code = EXIT_OK;
    if (code == EXIT_OK && (ferror(stdout) || fflush(stdout)))
        code = fail_errno("standard output");
    return code;
}
