/* AVX-512: 28 sums in 32 registers. */
#define LANES 16
#define ROWS 14
#define VECTORS 2
#define CODE sscam_convolution_avx512
#include "convolution/convolution_blocks.h"
