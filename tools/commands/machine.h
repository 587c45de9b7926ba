/* What the program runs on, as a report of a fault needs it. */
#ifndef SSCAM_TOOLS_COMMANDS_MACHINE_H
#define SSCAM_TOOLS_COMMANDS_MACHINE_H

/* Each returns one line, or NULL where it is not known; the caller frees it. */

char *machine_system(void);             /* Linux 6.1.0 x86_64 */
char *machine_processor(void);          /* the name of its model */
char *machine_processor_features(void); /* those that speed and precision depend on */
char *machine_threads(void);
char *machine_memory(void);
char *machine_gpus(void);
char *machine_environment(void); /* variables that change what libtorch does */

#endif
