#include "commands/results_file.h"

#include "common/cli_error.h"
#include "common/output_file.h"

int write_results(const char *path, const struct results *results)
{
    sscam_atomic_file file;

    if (output_file_open(&file, path))
        return EXIT_FAILED;
    results_put_heading(file.stream, results);
    results_put_cases(file.stream, results, 0, results->count);
    return output_file_commit(&file);
}
