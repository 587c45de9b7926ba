/* Files given as networks that the engine refuses: each is named, or keeps the engine's message. */
#include <string.h>

#include "sscam/sscam.h"
#include "support/fake_backend.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sscam_model *model = NULL;
    if (size == 0 || (size >= 4 && memcmp(data, "fake", 4) == 0)) /* networks of the fake engine */
        return 0;
    PROMISE(sscam_model_load_memory(data, size, "cpu", &model) == SSCAM_E_FORMAT);
    PROMISE(!model);
    PROMISE(strncmp(sscam_last_error(), "memory: ", 8) == 0);
    PROMISE(!strpbrk(sscam_last_error(), "\r\n\t"));
    return 0;
}
