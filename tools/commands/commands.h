/* The program's commands. Each gets the arguments after its name and returns an exit code, or
 * ARGUMENTS_HELP_SHOWN. */
#ifndef SSCAM_TOOLS_COMMANDS_COMMANDS_H
#define SSCAM_TOOLS_COMMANDS_COMMANDS_H

int run_classify(int argc, char **argv);
int run_explain(int argc, char **argv);
int run_compare(int argc, char **argv);
int run_eval(int argc, char **argv);
int run_study(int argc, char **argv);
int run_recommend(int argc, char **argv);
int run_sanity(int argc, char **argv);
int run_merge(int argc, char **argv);
int run_layers(int argc, char **argv);
int run_doctor(int argc, char **argv);
int run_methods(int argc, char **argv);
int run_options(int argc, char **argv);

#endif
