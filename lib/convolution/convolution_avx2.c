/* AVX2 with FMA: 12 sums in 16 registers. */
#define LANES 8
#define ROWS 6
#define VECTORS 2
#define CODE sscam_convolution_avx2
#include "convolution/convolution_blocks.h"
