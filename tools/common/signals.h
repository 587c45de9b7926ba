/* Ctrl-C asks for a clean end; a second one ends the program, though not in the middle of a file.
 */
#ifndef SSCAM_TOOLS_COMMON_SIGNALS_H
#define SSCAM_TOOLS_COMMON_SIGNALS_H

#include <stdbool.h>

/* Catches SIGINT, SIGTERM and SIGHUP. One that is ignored when the program starts stays ignored: so
 * nohup and shells protect what they start in the background. */
void interruption_catch(void);

/* Whether one of them has come. */
bool interruption_requested(void);

/* Between these two a second signal does not end the program, but does so afterwards: a temporary
 * file would stay behind. Blocking calls still return with EINTR. */
void interruption_defer(void);
void interruption_resume(void);

#endif
