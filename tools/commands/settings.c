#include "commands/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/suggestion.h"
#include "commands/region_image.h"
#include "commands/target_weights.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "data/fingerprint.h"

static bool is_same_name(const char *given, const char *name)
{
    for (; *given && *name; given++, name++)
        if (*given != *name && !(*given == '-' && *name == '_'))
            return false;
    return *given == *name;
}

const sscam_option *find_option(const char *name)
{
    for (int64_t i = 0; i < sscam_option_count(); i++)
        if (is_same_name(name, sscam_option_name(sscam_option_info(i))))
            return sscam_option_info(i);
    return NULL;
}

void settings_add(struct settings *settings, const sscam_option *option, const char *value)
{
    settings->items = reallocate(settings->items, settings->count + 1, sizeof *settings->items);
    settings->items[settings->count++] = (struct setting){sscam_option_name(option),
                                                          copy_text(value, strlen(value))};
}

void settings_add_first(struct settings *settings, const sscam_option *option, const char *value)
{
    settings_add(settings, option, value);
    struct setting added = settings->items[settings->count - 1];
    memmove(settings->items + 1, settings->items, (settings->count - 1) * sizeof *settings->items);
    settings->items[0] = added;
}

static int fail_no_option(const char *command, const char *name)
{
    sscam_suggestion nearest = sscam_suggestion_for(name);

    for (int64_t i = 0; i < sscam_option_count(); i++)
        sscam_suggestion_consider(&nearest, sscam_option_name(sscam_option_info(i)));
    return fail_usage(command, "--set: there is no option '%s'%s", name,
                      sscam_suggestion_text(&nearest));
}

int settings_add_assignment(struct settings *settings, const char *command, const char *assignment)
{
    const char *equals = strchr(assignment, '=');

    if (!equals)
        return fail_usage(command, "--set takes NAME=VALUE, not '%s'", assignment);

    char *name = copy_text(assignment, (size_t)(equals - assignment));
    const sscam_option *option = find_option(name);
    int code = option ? EXIT_OK : fail_no_option(command, name);
    if (option)
        settings_add(settings, option, equals + 1);
    free(name);
    return code;
}

static bool is_region_file(const struct setting *setting)
{
    return !strcmp(setting->name, "region") && region_is_file(setting->value);
}

static bool is_target_file(const struct setting *setting)
{
    return !strcmp(setting->name, "target") && target_is_file(setting->value);
}

int settings_fingerprint(const struct settings *settings, uint64_t *fingerprint)
{
    int code = EXIT_OK;

    for (size_t i = 0; i < settings->count && !code; i++)
        if (is_region_file(&settings->items[i]) || is_target_file(&settings->items[i]))
            code = fingerprint_file(fingerprint, settings->items[i].value);
    return code;
}

int settings_apply(const struct settings *settings, const char *command, sscam_explainer *explainer)
{
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *setting = &settings->items[i];
        bool is_file = is_region_file(setting);

        if (is_target_file(setting)) {
            int code = target_set_file(explainer, setting->value);

            if (code)
                return code;
            continue;
        }
        sscam_status status = is_file
                                  ? region_set_file(explainer, setting->value)
                                  : sscam_explainer_set(explainer, setting->name, setting->value);

        if (status == SSCAM_E_ARGUMENT)
            return fail_usage(command, "%s", sscam_last_error());
        if (status)
            return fail_library(is_file ? setting->value : setting->name, status);
    }
    return EXIT_OK;
}

char *explainer_option(const sscam_explainer *explainer, const char *name)
{
    char *text;
    sscam_status status = sscam_explainer_get(explainer, name, &text);

    if (status == SSCAM_E_MEMORY)
        end_without_memory();
    char *copy = copy_text(text, strlen(text));
    sscam_free(text);
    return copy;
}

bool settings_have(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->count; i++)
        if (!strcmp(settings->items[i].name, name))
            return true;
    return false;
}

void settings_free(struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++)
        free(settings->items[i].value);
    free(settings->items);
    *settings = (struct settings){0};
}
