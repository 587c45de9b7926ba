#include "sscam/memory.h"

#include <stdlib.h>

void sscam_free(void *memory)
{
    free(memory);
}
