/* What a pickle of Python holds, told by its first instructions. Nothing is built or run. */
#ifndef SSCAM_LIB_MODEL_PICKLE_CONTENT_H
#define SSCAM_LIB_MODEL_PICKLE_CONTENT_H

#include <stddef.h>
#include <stdint.h>

typedef enum sscam_pickle_content {
    SSCAM_PICKLE_UNKNOWN,    /* not a pickle, or cut before anything is told */
    SSCAM_PICKLE_STATE_DICT, /* names and their tensors */
    SSCAM_PICKLE_CHECKPOINT, /* a dictionary of other things, a state dict perhaps among them */
    SSCAM_PICKLE_CHECKPOINT_OF_MODULE, /* a dictionary with a whole network */
    SSCAM_PICKLE_TENSOR,
    SSCAM_PICKLE_MODULE, /* an object of a class, such as a whole network */
    SSCAM_PICKLE_OTHER
} sscam_pickle_content;

enum { SSCAM_PICKLE_NAME_SIZE = 96 };

/* Of a pickle, or of a file that torch.save() wrote before 1.6, whose first three pickles are a
 * header. `bytes` may be the start alone. `name` becomes the class of a module, or the first key of
 * a checkpoint, cut where it is long; "" otherwise. */
sscam_pickle_content sscam_pickle_content_of(const uint8_t *bytes, size_t size,
                                             char name[SSCAM_PICKLE_NAME_SIZE]);

/* Whether the bytes start as such a file of torch.save() does. */
int32_t sscam_pickle_is_old_torch_file(const uint8_t *bytes, size_t size);

#endif
