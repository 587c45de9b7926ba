"""The constants of the public headers, without their SSCAM_ prefix."""

from typing import Final

ABI_VERSION: Final = 1

OK: Final = 0
E_ARGUMENT: Final = -1
E_MEMORY: Final = -2
E_IO: Final = -3
E_FORMAT: Final = -4
E_MODEL: Final = -5
E_LAYER: Final = -6
E_CLASS: Final = -7
E_DEVICE: Final = -8
E_UNSUPPORTED: Final = -9
E_CANCELLED: Final = -10

LOG_ERROR: Final = 1
LOG_WARNING: Final = 2
LOG_INFO: Final = 3
LOG_DEBUG: Final = 4

CLASS_TOP: Final = -1

INPUT_MAX_RANK: Final = 5

ELEMENT_FLOAT32: Final = 0
ELEMENT_FLOAT64: Final = 1
ELEMENT_UINT8: Final = 2
ELEMENT_INT64: Final = 3
ELEMENT_BOOL: Final = 4

IMAGE_MAX_PIXELS: Final = 1 << 28
PIXELS_GRAY8: Final = 1
PIXELS_GRAY16: Final = 2
PIXELS_RGB8: Final = 3
PIXELS_RGB16: Final = 4
PIXELS_RGBA8: Final = 5
PIXELS_RGBA16: Final = 6
PIXELS_BGR8: Final = 7
PIXELS_BGRA8: Final = 8
PIXELS_NV12: Final = 9
FILE_PNG: Final = 1
FILE_JPEG: Final = 2
FILE_BMP: Final = 4
FILE_TIFF: Final = 8
FILE_WEBP: Final = 16

OPTION_TYPE_STRING: Final = 1
OPTION_TYPE_INT: Final = 2
OPTION_TYPE_REAL: Final = 3
OPTION_TYPE_CHOICE: Final = 4

VALUE_ABSENT: Final = 0

NEEDS_GRADIENTS: Final = 1
NEEDS_SCORING: Final = 2
NEEDS_POOLED_LINEAR: Final = 4
NEEDS_ABLATION: Final = 8
NEEDS_POSITIONS: Final = 16
NEEDS_CURVATURE: Final = 32
NEEDS_NO_LAYER: Final = 64
NEEDS_BACKPROPAGATION: Final = 128
NEEDS_ATTENTION: Final = 256

ENGINE_THREAD_SAFE: Final = 1
ENGINE_CHANNELS_LAST: Final = 2
