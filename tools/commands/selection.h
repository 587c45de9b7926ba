/* What both `explain` and `compare` let the user choose: methods, layers, classes, the library's
 * options. */
#ifndef SSCAM_TOOLS_COMMANDS_SELECTION_H
#define SSCAM_TOOLS_COMMANDS_SELECTION_H

#include <sscam/sscam.h>

#include "commands/arguments.h"
#include "commands/network_inputs.h"
#include "data/labels.h"

#define SELECTION_FLAG_COUNT 16

struct chosen_class {
    int64_t index; /* or SSCAM_CLASS_TOP, SSCAM_CLASS_RANKED() */
    char name[24]; /* for file names: the index in digits, or "top", "top2" */
};

struct selection {
    const char *command;
    const char *labels_path, *device;
    const char *target_weights_path; /* NULL: none were given */
    struct text_list libraries;      /* that register operators */
    sscam_draw_options drawing;
    sscam_read_options reading; /* complete after selection_resolve() */
    bool keeps_orientation, takes_truncated;
    int64_t significant_bits; /* 16 where nothing was given */
    bool is_quiet;
    struct settings settings;
    struct network_inputs inputs;
    struct text_list class_texts;

    struct text_list methods; /* at least one after selection_resolve() */
    bool every_method;        /* `all`: those that cannot explain the network are left out */
    struct text_list layers;  /* at least one; "" stands for the default layer */
    struct labels labels;
    struct chosen_class *classes; /* at least one */
    size_t class_count;
};

/* A selection of nothing yet, with the defaults of its flags. */
struct selection selection_defaults(const char *command);

/* The flags that fill a selection, and the end of the table. */
void selection_flags(struct selection *selection, struct flag flags[SELECTION_FLAG_COUNT + 1]);

/* Checks what was given, reads the labels and fills in defaults; `default_method` may be "all". */
int selection_resolve(struct selection *selection, const char *default_method);

/* Finds the classes anew, once the labels have changed. */
int selection_resolve_classes(struct selection *selection);

/* Loads a network, whose inputs are given as the selection says. EXIT_FAILED or EXIT_USAGE with a
 * line. */
int selection_load_model(struct selection *selection, const char *path, sscam_model **out);

/* An explainer for a method and a layer of the selection, with its options set. */
int selection_explainer(const struct selection *selection, sscam_model *model, const char *method,
                        const char *layer, sscam_explainer **out);

/* An explainer of the cheapest method with the options of the selection: its maps tell the
 * predicted class. */
int selection_top_class_explainer(const struct selection *selection, sscam_model *model,
                                  sscam_explainer **out);

void selection_free(struct selection *selection);

#endif
