/* Any processor: what the compiler makes of vectors of four floats. */
#define LANES 4
#define ROWS 6
#define VECTORS 2
#define CODE sscam_convolution_portable
#include "convolution/convolution_blocks.h"
