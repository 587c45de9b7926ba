/* What a network returns, of which the class scores are one tensor. */
#ifndef SSCAM_TOOLS_COMMANDS_NETWORK_OUTPUTS_H
#define SSCAM_TOOLS_COMMANDS_NETWORK_OUTPUTS_H

#include <sscam/sscam.h>

/* "0 (logits) 1x1000"; a number alone where there is no name. The caller frees it. */
char *format_output(const sscam_layers *layers, int64_t index);

/* Prints a remark where a network has several outputs, with the one that was taken. `shape`: of the
 * input that was explained, so that the network need not run again. */
void note_outputs(sscam_model *model, const int64_t *shape, int32_t rank);

#endif
