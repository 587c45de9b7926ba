/* Journals of `sscam eval --resume`: the input as a whole journal, and as what follows a valid
 * heading. */
#include <string.h>

#include "common/cli_error.h"
#include "data/journal.h"
#include "memory_file.h"
#include "target.h"

static const struct journal_origin origin = {.signature = 1, .device = "cpu"};

static void begin_results(struct results *results)
{
    *results = (struct results){0};
    text_list_add(&results->methods, "grad-cam");
    text_list_add(&results->methods, "ss-cam-mean");
    results_set_metrics(results, "average_drop,energy_pointing");
}

/* Opens a journal. One that is accepted holds complete cases, and is accepted again after what was
 * not complete has been cut off. */
static void resume(const uint8_t *data, size_t size)
{
    struct results results;
    struct journal journal;
    const char *path = memory_file(data, size);

    begin_results(&results);
    stderr_check_begin();
    int failed = journal_open(&journal, path, &origin, &results);
    stderr_check_end(failed);
    for (size_t i = 0; !failed && i < results.count; i++)
        PROMISE(results.cases[i].image && results.cases[i].class_index >= 0);
    if (!failed)
        journal_close(&journal);
    results_free(&results);
    if (failed)
        return;

    begin_results(&results);
    PROMISE(journal_open(&journal, path, &origin, &results) == EXIT_OK);
    journal_close(&journal);
    results_free(&results);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char heading[256];
    struct results results;

    resume(data, size);

    begin_results(&results);
    FILE *stream = fmemopen(heading, sizeof heading, "w");
    PROMISE(stream != NULL);
    journal_put_heading(stream, &origin, &results);
    size_t length = (size_t)ftell(stream);
    fclose(stream);
    results_free(&results);

    uint8_t *whole = malloc(length + size);
    PROMISE(whole && length < sizeof heading);
    memcpy(whole, heading, length);
    memcpy(whole + length, data, size);
    resume(whole, length + size);
    free(whole);
    return 0;
}
