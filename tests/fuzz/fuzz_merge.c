/* Files of results, as `sscam merge` reads them. */
#include "commands/arguments.h"
#include "commands/commands.h"
#include "common/cli_error.h"
#include "memory_file.h"
#include "target.h"

/* The table that a merge prints is not checked. */
static void drop_standard_output(void)
{
    static int is_dropped;

    if (!is_dropped)
        PROMISE(freopen("/dev/null", "w", stdout) != NULL);
    is_dropped = 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64], as_json[] = "--json", *arguments[] = {path, as_json, NULL};

    if (size > 1 << 14) /* the confidence intervals of many cases take long */
        return 0;
    drop_standard_output();
    snprintf(path, sizeof path, "%s", memory_file(data, size));
    stderr_check_begin();
    int code = run_merge(2, arguments);
    stderr_check_end(code);
    PROMISE(code == EXIT_OK || code == EXIT_FAILED);
    return 0;
}
