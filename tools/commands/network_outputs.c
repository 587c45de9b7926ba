#include "commands/network_outputs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands/input_shape.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"

enum { MOST_LISTED = 8 };

char *format_output(const sscam_layers *layers, int64_t index)
{
    int32_t rank;
    const int64_t *sides = sscam_layers_output_shape(layers, index, &rank);
    const char *name = sscam_layers_output_name(layers, index);
    char *shape = format_shape(sides, rank);
    char *text = *name ? format_text("%" PRId64 " (%s) %s", index, name, shape)
                       : format_text("%" PRId64 " %s", index, shape);

    free(shape);
    return text;
}

/* All but the one that was taken. */
static char *format_others(const sscam_layers *layers)
{
    int64_t taken = sscam_layers_output_taken(layers), listed = 0;
    char *all = copy_text("", 0);

    for (int64_t i = 0; i < sscam_layers_output_count(layers); i++) {
        if (i == taken || ++listed > MOST_LISTED)
            continue;
        char *one = format_output(layers, i);
        char *joined = format_text("%s%s%s", all, *all ? ", " : "", one);

        free(all);
        free(one);
        all = joined;
    }
    if (listed <= MOST_LISTED)
        return all;
    char *cut = format_text("%s and %" PRId64 " more", all, listed - MOST_LISTED);
    free(all);
    return cut;
}

void note_outputs(sscam_model *model, const int64_t *shape, int32_t rank)
{
    sscam_layers *layers = NULL;

    if (!sscam_model_layers(model, shape, rank, &layers) && sscam_layers_output_count(layers) > 1) {
        char *taken = format_output(layers, sscam_layers_output_taken(layers));
        char *others = format_others(layers);
        char *text = format_text("the class scores are those of the first that can hold some, %s; "
                                 "--set output=NUMBER takes another: %s",
                                 taken, others);

        note("outputs", text);
        free(text);
        free(others);
        free(taken);
    }
    sscam_layers_unref(layers);
}
