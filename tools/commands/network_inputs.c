#include "commands/network_inputs.h"

#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "data/fingerprint.h"
#include "data/npy.h"

/* One input: an array of a file, or a number. */
struct given_input {
    char *name;
    sscam_array view; /* of what follows */
    struct npy_array array;
    double real;
    int64_t integer;
    uint8_t flag;
};

void network_inputs_sort(const struct text_list *given, struct network_inputs *inputs,
                         const char **shape)
{
    for (size_t i = 0; i < given->count; i++)
        if (strchr(given->items[i], '='))
            text_list_add(&inputs->assignments, given->items[i]);
        else
            *shape = given->items[i];
}

void network_inputs_take(const struct settings *settings, struct network_inputs *inputs)
{
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *setting = &settings->items[i];

        if (!strcmp(setting->name, "input_layout"))
            inputs->layout = setting->value;
        else if (!strcmp(setting->name, "input_type"))
            inputs->type = setting->value;
        else if (!strcmp(setting->name, "image_input"))
            inputs->image_input = setting->value;
    }
}

static bool is_flag(const char *value)
{
    return !strcmp(value, "true") || !strcmp(value, "false");
}

/* Whether a value is given on the command line itself; then `input` has it. */
static bool take_number(const char *value, struct given_input *input)
{
    input->view = (sscam_array)SSCAM_ARRAY_INIT;
    if (is_flag(value)) {
        input->flag = value[0] == 't';
        input->view.data = &input->flag;
        input->view.element_type = SSCAM_ELEMENT_BOOL;
    } else if (sscam_parse_int(value, &input->integer)) {
        input->view.data = &input->integer;
        input->view.element_type = SSCAM_ELEMENT_INT64;
    } else if (sscam_parse_real(value, &input->real)) {
        input->view.data = &input->real;
        input->view.element_type = SSCAM_ELEMENT_FLOAT64;
    }
    return input->view.data != NULL;
}

static int take_assignment(const char *command, const char *assignment, struct given_input *input)
{
    const char *equals = strchr(assignment, '=');

    if (!equals || equals == assignment || !equals[1])
        return fail_usage(command,
                          "--input takes NAME=FILE.npy, NAME=NUMBER, NAME=true or "
                          "NAME=false, not '%s'",
                          assignment);
    input->name = copy_text(assignment, (size_t)(equals - assignment));
    if (take_number(equals + 1, input))
        return EXIT_OK;
    if (npy_read(equals + 1, &input->array))
        return EXIT_FAILED;
    input->view = npy_view(&input->array);
    return EXIT_OK;
}

static int derive(const struct network_inputs *inputs, const struct given_input *given,
                  sscam_model **model)
{
    const size_t count = inputs->assignments.count;
    const char **names = allocate(count + 1, sizeof *names);
    const sscam_array **values = allocate(count + 1, sizeof *values);
    sscam_model_inputs told = SSCAM_MODEL_INPUTS_INIT;
    sscam_model *derived = NULL;

    for (size_t i = 0; i < count; i++) {
        names[i] = given[i].name;
        values[i] = &given[i].view;
    }
    told.layout = inputs->layout;
    told.type = inputs->type;
    told.image_input = inputs->image_input;
    told.count = (int64_t)count;
    told.names = names;
    told.values = values;
    sscam_status status = sscam_model_with_inputs(*model, &told, &derived);
    free(names);
    free(values);
    if (status)
        return fail_library("--input", status);
    sscam_model_unref(*model);
    *model = derived;
    return EXIT_OK;
}

int network_inputs_apply(const struct network_inputs *inputs, const char *command,
                         sscam_model **model)
{
    const size_t count = inputs->assignments.count;
    int code = EXIT_OK;

    if (!count && !inputs->layout && !inputs->type && !inputs->image_input)
        return EXIT_OK;
    struct given_input *given = allocate(count + 1, sizeof *given);
    memset(given, 0, (count + 1) * sizeof *given);
    for (size_t i = 0; i < count && !code; i++)
        code = take_assignment(command, inputs->assignments.items[i], &given[i]);
    if (!code)
        code = derive(inputs, given, model);
    for (size_t i = 0; i < count; i++) {
        free(given[i].name);
        npy_free(&given[i].array);
    }
    free(given);
    return code;
}

int network_inputs_fingerprint(const struct network_inputs *inputs, uint64_t *fingerprint)
{
    int code = EXIT_OK;

    for (size_t i = 0; i < inputs->assignments.count && !code; i++) {
        const char *value = strchr(inputs->assignments.items[i], '=');
        struct given_input number;

        fingerprint_text(fingerprint, inputs->assignments.items[i]);
        if (value && value[1] && !take_number(value + 1, &number))
            code = fingerprint_file(fingerprint, value + 1);
    }
    return code;
}

void network_inputs_free(struct network_inputs *inputs)
{
    text_list_free(&inputs->assignments);
}
