/* sscam eval: the tables of the paper, methods evaluated on a data set. */
#include "commands/eval.h"

#include <string.h>

#include "commands/commands.h"

void eval_flags(struct eval *eval, struct flag flags[EVAL_FLAG_COUNT + 1])
{
    const struct flag table[EVAL_FLAG_COUNT + 1] = {
        {"layout", 0, "NAME",
         "imagenet, voc, stanford40, folders, csv, coco or yolo. Default: found out.",
         .text = &eval->request.layout},
        {"annotations", 0, "PATH",
         "Folder of the XML or YOLO files, where they are not in their usual place; or the list or "
         "JSON file of a folder of images.",
         .text = &eval->request.annotations},
        {"truth", 0, "FILE",
         "Classes of the images of layout imagenet: lines NAME CLASS, or CLASS alone in the order "
         "of names; numbers are those of the network's outputs, from 0.",
         .text = &eval->request.truth},
        {"split", 0, "NAME",
         "Which part of the data set, by the name of its list, folder or entry. Default: test, "
         "else "
         "val, else another.",
         .text = &eval->request.split},
        {"boxes", 0, "class|any",
         "Boxes that the pointing games count: those of the class, or all of the image whatever "
         "their class. Default: class.",
         .text = &eval->boxes},
        {"max-objects", 0, "N", "Skip images with more than N annotated objects. Default: 4096.",
         .count = &eval->request.max_objects},
        {"limit", 0, "N", "Only the first N images.", .text = &eval->limit_text},
        {"shard", 0, "I/N", "Only part I of N equal ones; 'sscam merge' puts them together.",
         .text = &eval->shard_text},
        {"resume", 0, "FILE",
         "Keep a journal of the results, and go on with the one that is there.",
         .text = &eval->journal_path},
        {"csv", 0, "FILE.csv", "Write the values of each case.", .text = &eval->csv_path},
        {"report", 0, "FILE.html", "Write tables, charts and images as one HTML file.",
         .text = &eval->report_path},
        {"json", 0, NULL, "Print one JSON object in place of the table.", .given = &eval->as_json},
        {0},
    };

    memcpy(flags, table, sizeof table);
}

void eval_selection_flags(struct eval *eval, struct flag flags[SELECTION_FLAG_COUNT + 1])
{
    selection_flags(&eval->selection, flags);
    for (struct flag *flag = flags; flag->name; flag++) {
        if (flag->letter == 'c')
            flag->help = "Classes to evaluate on every image, by number or by a name from the "
                         "labels; 'top' for the one that the network predicts. Default: those that "
                         "are annotated; without any, the predicted one.";
        else if (flag->text == &eval->selection.labels_path)
            flag->help = "Names of the classes: one a line, the first being class 0; a table with "
                         "indices; JSON or YAML. Identifiers such as n01440764 count as names.";
    }
}

static int parse(struct eval *eval, int argc, char **argv, struct text_list *operands)
{
    struct flag shared[SELECTION_FLAG_COUNT + 1], own[EVAL_FLAG_COUNT + 1];
    const struct syntax syntax = {
        .command = "eval",
        .usage =
            {"MODEL DATASET [-m METHOD[,...]] [--labels FILE] [--metrics METRIC[,...]] [FLAG]..."},
        .min_operands = 2,
        .max_operands = 2,
        .operands = "a model and a data set",
        .flags = {shared, own},
        .purpose =
            "Evaluates methods on a data set: average drop, average increase, pointing games, and "
            "with --metrics also insertion, deletion, class_sensitivity, complexity, coherency, "
            "adcc, road, arcc, infidelity, max_sensitivity, and what a map costs: passes, seconds, "
            "peak_memory. "
            "The classes are those "
            "annotated, or those of -c. DATASET is a folder of images with VOC's XML, a VOC or "
            "Stanford40 folder, a folder of folders named by class, a list "
            "file,class,xmin,ymin,xmax,ymax, COCO's JSON, or YOLO's data.yaml or folder. Class "
            "names are those of --labels.",
    };

    eval_selection_flags(eval, shared);
    eval_flags(eval, own);
    return arguments_parse(&syntax, argc, argv, operands);
}

int run_eval(int argc, char **argv)
{
    static const struct eval_kind kind = {.report_title = "Class activation maps, evaluated",
                                          .create_explainers = eval_create_explainers};
    struct eval eval = eval_defaults("eval", &kind, NULL);
    struct text_list operands = {0};
    int code = parse(&eval, argc, argv, &operands);

    return eval_finish(&eval, &operands, code);
}
