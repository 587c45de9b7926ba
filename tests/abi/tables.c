/* Prints what callers name in text: every option with its type, default, values and range; every
 * method with what it needs; every metric. A table that grows adds lines and changes none. */
#include <stdio.h>

#include <sscam/sscam.h>

static const char *type_name(int32_t type)
{
    switch (type) {
    case SSCAM_OPTION_TYPE_STRING: return "string";
    case SSCAM_OPTION_TYPE_INT: return "int";
    case SSCAM_OPTION_TYPE_REAL: return "real";
    case SSCAM_OPTION_TYPE_CHOICE: return "choice";
    default: return "unknown";
    }
}

static void print_choices(const sscam_option *option)
{
    for (int64_t i = 0; i < sscam_option_choice_count(option); i++)
        printf("option %s value=%s\n", sscam_option_name(option), sscam_option_choice(option, i));
}

static void print_option(const sscam_option *option)
{
    printf("option %s id=%d type=%s default=\"%s\"\n", sscam_option_name(option),
           (int)sscam_option_id(option), type_name(sscam_option_type(option)),
           sscam_option_default(option, NULL));
    print_choices(option);
    if (sscam_option_minimum(option) < sscam_option_maximum(option))
        printf("option %s range=%g..%g\n", sscam_option_name(option), sscam_option_minimum(option),
               sscam_option_maximum(option));
}

int main(void)
{
    for (int64_t i = 0; i < sscam_option_count(); i++)
        print_option(sscam_option_info(i));
    for (int64_t i = 0; i < sscam_method_count(); i++)
        printf("method %s needs=%d\n", sscam_method_name(sscam_method_info(i)),
               (int)sscam_method_needs(sscam_method_info(i)));
    for (int64_t i = 0; i < sscam_metric_count(); i++)
        printf("metric %s id=%d direction=%d\n", sscam_metric_name(sscam_metric_info(i)),
               (int)sscam_metric_id(sscam_metric_info(i)),
               (int)sscam_metric_direction(sscam_metric_info(i)));
    return 0;
}
