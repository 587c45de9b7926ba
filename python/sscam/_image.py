"""Images: what is accepted as one, and how it reaches the library."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Callable, NamedTuple, Optional, Protocol, Union

import numpy as np
import numpy.typing as npt

from . import _constants, _native
from ._arguments import looks_like_pixels
from ._errors import ArgumentError, check
from ._handle import encode
from ._tensors import is_on_gpu

Pixels = npt.NDArray[np.uint8]


class PilImage(Protocol):
    """A PIL.Image.Image, as far as it is used here."""

    mode: str
    info: dict[Any, Any]

    def convert(self, mode: str) -> Any: ...


@dataclasses.dataclass(frozen=True)
class ImageFile:
    """An image file that is read in another way than by default, to be passed wherever an image is.

    >>> read_image(ImageFile(image_path, max_pixels=10))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    sscam._errors.FormatError: ... more than the 10 allowed

    Attributes:
        source: file name, or the content of a file as bytes.
        max_pixels: most pixels (width x height), at least 1. A lower limit saves memory where files
            come from strangers, a higher one lets in images that are known to be large.
        ignore_orientation: leave the image as it is stored, whatever turn EXIF asks for.
        allow_truncated: take what is there of a PNG, JPEG or BMP file that ends too early.
        significant_bits: of files of 16 bits a channel: how many the values use, 9 to 16.
    """

    source: Union[str, os.PathLike[Any], bytes]
    max_pixels: int = _constants.IMAGE_MAX_PIXELS
    ignore_orientation: bool = False
    allow_truncated: bool = False
    significant_bits: int = 16


@dataclasses.dataclass(frozen=True, eq=False)
class PixelArray:
    """An array of pixels that are not RGB, or of which not all bits are used: to be passed wherever
    an image is, and as `out` of Map.overlay() and Map.heatmap().

    >>> PixelArray(np.zeros((4, 4, 3), np.uint8), order="BGR").order  # as OpenCV has them
    'BGR'

    Attributes:
        array: uint8 or uint16 [height, width] or [height, width, 1, 3 or 4], read where it is.
        order: "RGB" or "BGR", of 3 channels and of the first 3 of 4.
        significant_bits: of uint16: how many the values use, 9 to 16.
    """

    array: npt.NDArray[Any]
    order: str = "RGB"
    significant_bits: int = 16

    def __post_init__(self) -> None:
        if self.order not in ("RGB", "BGR"):
            raise ArgumentError(f"order is {self.order!r}, not 'RGB' or 'BGR'")


ImageLike = Union[
    str, os.PathLike[Any], bytes, ImageFile, PilImage, PixelArray, "npt.NDArray[np.generic]"
]

# By the number of channels.
_FORMATS = {1: _constants.PIXELS_GRAY8, 3: _constants.PIXELS_RGB8, 4: _constants.PIXELS_RGBA8}
_DEEP_FORMATS = {
    1: _constants.PIXELS_GRAY16,
    3: _constants.PIXELS_RGB16,
    4: _constants.PIXELS_RGBA16,
}
_BGR_FORMATS = {
    1: _constants.PIXELS_GRAY8,
    3: _constants.PIXELS_BGR8,
    4: _constants.PIXELS_BGRA8,
}

# PIL clips these to 8 bits instead of scaling them.
_DEEP_MODES = ("I", "F")


def read_image(source: Union[str, os.PathLike[Any], bytes, ImageFile]) -> Pixels:
    """Read a PNG, JPEG, BMP, TIFF or WebP file; its content decides which, not its name.

    Palettes become RGB or RGBA, CMYK becomes RGB, and images are turned as their EXIF orientation
    says. An explanation uses all 16 bits that a file may have; here they are reduced to 8.

    Args:
        source: file name, or the content of a file as bytes; or a ImageFile of either.

    Returns:
        uint8 [height, width, channels]; 1 (gray), 3 (RGB) or 4 (RGBA) channels.

    Raises:
        FileError: the file cannot be read.
        FormatError: it is of no format that the library reads, damaged, or larger than allowed.
    """
    if not isinstance(source, (str, os.PathLike, bytes, ImageFile)):
        raise TypeError(f"expected a file name or a file's content, not {type(source).__name__}")
    with opened(source) as image:
        return pixels_of(image)


def write_png(
    path: Union[str, os.PathLike[Any]], pixels: Union[npt.NDArray[Any], PixelArray]
) -> None:
    """Write a PNG file. It appears whole or not at all.

    Args:
        path: file name; an existing file is replaced.
        pixels: uint8 or uint16 [height, width] or [height, width, channels] with 1 (gray), 3 (RGB)
            or 4 (RGBA) channels; or a PixelArray.

    Raises:
        FileError: the file cannot be written.
    """
    with _wrapped(pixels) as image:
        check(_native.sscam_image_write_png(image, encode(path)))


def encode_png(pixels: Union[npt.NDArray[Any], PixelArray]) -> bytes:
    """The content of a PNG file.

    Args:
        pixels: as for write_png().

    >>> encode_png(np.zeros((2, 3), np.uint8))[1:4]
    b'PNG'
    """
    data, size = ctypes.c_void_p(), ctypes.c_size_t()
    with _wrapped(pixels) as image:
        check(_native.sscam_image_encode_png(image, ctypes.byref(data), ctypes.byref(size)))
    try:
        return ctypes.string_at(data, size.value)
    finally:
        _native.sscam_free(data)


def is_image(value: Any) -> bool:
    """Whether a value stands for an image; arrays do when they are of 8 or 16 bits, or of floats
    in a shape that is no input's."""
    if isinstance(value, np.ndarray):
        return (value.dtype.kind == "u" and value.dtype.itemsize <= 2) or _is_float_image(value)
    return isinstance(value, (str, os.PathLike, bytes, ImageFile, PixelArray)) or _is_pil(value)


def _is_float_image(array: npt.NDArray[Any]) -> bool:
    return array.dtype.kind == "f" and array.ndim == 3 and looks_like_pixels(array.shape)


def _is_pil(value: Any) -> bool:
    # An object of PIL can only exist where PIL has been imported.
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)


@contextlib.contextmanager
def opened(image: ImageLike) -> Iterator[Any]:
    """The image as a native image, for the length of a block."""
    if isinstance(image, ImageFile):
        native = _read_file(image)
    elif isinstance(image, (str, os.PathLike, bytes)):
        native = _read_file(ImageFile(image))
    elif _is_pil(image):
        with _wrapped(_pil_pixels(image)) as native:
            yield native
        return
    else:
        if isinstance(image, np.ndarray) and _is_float_image(image):
            image = _scaled(image)
        with _wrapped(image) as native:
            yield native
        return
    with _owned(native) as owned:
        yield owned


@contextlib.contextmanager
def _owned(image: Any) -> Iterator[Any]:
    try:
        yield image
    finally:
        _native.sscam_image_unref(image)


def take_pixels(image: Any) -> Pixels:
    """Copy the pixels out of a native image and destroy it."""
    with _owned(image) as owned:
        return pixels_of(owned)


def pixels_of(image: Any) -> Pixels:
    """Copy of a native image's pixels, uint8 [height, width, channels]."""
    channels = _native.sscam_image_channels(image)
    described = _native.Pixels(ctypes.sizeof(_native.Pixels))
    check(_native.sscam_image_describe(image, ctypes.byref(described)))
    pixels = np.empty((described.height, described.width, channels), np.uint8)
    canvas = _native.Canvas(
        struct_size=ctypes.sizeof(_native.Canvas),
        data=pixels.ctypes.data,
        width=described.width,
        height=described.height,
        format=_FORMATS[channels],
    )
    check(_native.sscam_image_copy_pixels(image, ctypes.byref(canvas)))
    return pixels


def _read_file(file: ImageFile) -> Any:
    image = ctypes.POINTER(_native.Image)()
    # A number that an int64_t cannot hold would reach the library cut.
    if not 1 <= file.max_pixels < 1 << 63:
        raise ArgumentError(f"max_pixels is {file.max_pixels}, not at least 1 and below 2^63")
    if not 9 <= file.significant_bits <= 16:
        raise ArgumentError(f"significant_bits is {file.significant_bits}, not 9 to 16")
    options = _native.ReadOptions(
        struct_size=ctypes.sizeof(_native.ReadOptions),
        max_pixels=file.max_pixels,
        ignore_orientation=file.ignore_orientation,
        allow_truncated=file.allow_truncated,
        significant_bits=file.significant_bits if file.significant_bits < 16 else 0,
    )
    if isinstance(file.source, bytes):
        status = _native.sscam_image_read_memory(
            file.source, len(file.source), ctypes.byref(options), ctypes.byref(image)
        )
    else:
        status = _native.sscam_image_read(
            encode(file.source), ctypes.byref(options), ctypes.byref(image)
        )
    check(status)
    return image


def _pil_pixels(image: Any) -> Pixels:
    if image.mode.startswith(_DEEP_MODES):
        raise TypeError(
            f"an image of mode {image.mode!r} has more than 8 bits a channel; "
            "scale it to uint8, or pass the file's name"
        )
    if image.mode not in ("L", "RGB", "RGBA"):
        image = image.convert(_plain_mode(image))
    return np.asarray(image)


def _plain_mode(image: Any) -> str:
    """The mode of 8-bit gray, RGB or RGBA that keeps what an image of another mode shows."""
    if image.mode == "1":
        return "L"
    transparent = image.mode in ("LA", "La", "PA", "RGBa") or "transparency" in image.info
    return "RGBA" if transparent else "RGB"


# --- arrays -------------------------------------------------------------------------------------


def _scaled(array: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
    """The 16-bit image of floats in [0,1]; values of 8 bits, divided by 255, stay what they are."""
    if array.size and not (array.min() >= 0 and array.max() <= 1):
        raise ArgumentError(
            f"a float image must be in [0,1], not from {array.min():g} to {array.max():g}; scale "
            "it, or convert it to uint8"
        )
    return np.rint(array * np.float64(65535)).astype(np.uint16)


class _Layout(NamedTuple):
    """Where an array's pixels lie."""

    address: int
    height: int
    width: int
    stride: int
    channels: int
    is_reversed: bool  #: whether the colours lie in the opposite order in memory


def _layout_of(array: npt.NDArray[Any]) -> Optional[_Layout]:
    """The layout of pixels as the library can take it; None where they have to be copied: pixels
    apart from each other, rows that overlap, or another order of colours than of a whole pixel."""
    height, width = array.shape[:2]
    channels = array.shape[2] if array.ndim == 3 else 1
    size = array.dtype.itemsize
    between_channels = array.strides[2] if array.ndim == 3 and channels > 1 else size
    if array.size == 0 or (width > 1 and array.strides[1] != channels * size):
        return None
    if abs(between_channels) != size or (between_channels < 0 and channels != 3):
        return None
    stride = array.strides[0] if height > 1 else width * channels * size
    if abs(stride) < width * channels * size:
        return None
    is_reversed = between_channels < 0
    address = array.ctypes.data - (2 * size if is_reversed else 0)
    return _Layout(address, height, width, stride, channels, is_reversed)


def _check_pixels(pixels: Any) -> npt.NDArray[Any]:
    if is_on_gpu(pixels):
        raise TypeError("an image has to be in the host's memory: copy the array there")
    if not isinstance(pixels, np.ndarray):
        raise TypeError(
            "expected an image (file name, encoded bytes, PIL image, uint8 or uint16 array), "
            f"not {type(pixels).__name__}"
        )
    if pixels.dtype.kind != "u" or pixels.dtype.itemsize > 2:
        raise TypeError(f"pixels must be uint8 or uint16, not {pixels.dtype}")
    if pixels.ndim not in (2, 3):
        raise ArgumentError(
            "pixels must be [height, width] or [height, width, channels], "
            f"not of shape {pixels.shape}"
        )
    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if channels not in (1, 3, 4):
        raise ArgumentError(
            f"an image has 1 (gray), 3 (RGB) or 4 (RGBA) channels in its last "
            f"dimension; this one has the shape {pixels.shape}"
        )
    # Before a strided view of this size is copied.
    if height * width > _constants.IMAGE_MAX_PIXELS:
        raise ArgumentError(
            f"an image of {width}x{height} is larger than {_constants.IMAGE_MAX_PIXELS} pixels"
        )
    return pixels


def _native_format(channels: int, itemsize: int, is_bgr: bool) -> Optional[int]:
    if itemsize == 2:
        return None if is_bgr and channels > 1 else _DEEP_FORMATS[channels]
    return (_BGR_FORMATS if is_bgr else _FORMATS)[channels]


def _describe(given: PixelArray) -> tuple[_native.Pixels, npt.NDArray[Any]]:
    """The library's description of pixels, and what has to live as long: the array itself, or a
    copy in an order that the library takes."""
    pixels = _check_pixels(given.array)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    layout = _layout_of(pixels)
    format_ = None
    if layout is not None:
        is_bgr = (given.order == "BGR") != layout.is_reversed
        format_ = _native_format(layout.channels, pixels.dtype.itemsize, is_bgr)
    if layout is None or format_ is None:
        if given.order == "BGR" and pixels.ndim == 3 and pixels.shape[2] > 1:
            pixels = pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
        pixels = np.ascontiguousarray(pixels)
        channels = pixels.shape[2] if pixels.ndim == 3 else 1
        height, width = pixels.shape[:2]
        layout = _Layout(pixels.ctypes.data, height, width, 0, channels, False)
        format_ = _native_format(channels, pixels.dtype.itemsize, is_bgr=False)
    bits = given.significant_bits if pixels.dtype.itemsize == 2 else 0
    described = _native.Pixels(
        struct_size=ctypes.sizeof(_native.Pixels),
        data=layout.address,
        width=layout.width,
        height=layout.height,
        stride=layout.stride,
        format=format_,
        significant_bits=0 if bits == 16 else bits,
    )
    return described, pixels


_NO_RELEASE = _native.release_callback(0)  # NULL


@contextlib.contextmanager
def _wrapped(pixels: Any) -> Iterator[Any]:
    """An array as a native image, where it lies, for the length of a block."""
    given = pixels if isinstance(pixels, PixelArray) else PixelArray(pixels)
    described, owner = _describe(given)
    image = ctypes.POINTER(_native.Image)()
    check(_native.sscam_image_wrap(ctypes.byref(described), _NO_RELEASE, None, ctypes.byref(image)))
    with _owned(image) as owned:
        yield owned
    del owner


# --- drawings -----------------------------------------------------------------------------------


def draw(
    out: Union[Pixels, PixelArray],
    shape: tuple[int, int],
    sources: Sequence[Any],
    into: Callable[[Any], int],
) -> Pixels:
    """Draw into an array of the caller's.

    Args:
        out: uint8 [height, width, 3 or 4], or [height, width] or [height, width, 1] for gray.
        shape: the height and width that the drawing has.
        sources: arrays that are read meanwhile.
        into: draws into a native canvas.

    Returns:
        the array.
    """
    given = out if isinstance(out, PixelArray) else PixelArray(out)
    array = given.array
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8:
        raise TypeError(
            f"out must be an array of uint8, not {getattr(array, 'dtype', type(array))}"
        )
    _check_pixels(array)
    if not array.flags.writeable:
        raise ArgumentError("out is read-only")
    if array.shape[:2] != shape:
        raise ArgumentError(f"out has the shape {array.shape}, but the drawing has {shape}")
    layout = _layout_of(array)
    if layout is None or any(np.may_share_memory(array, source) for source in sources):
        packed = np.empty(array.shape, np.uint8)
        draw(PixelArray(packed, given.order), shape, (), into)
        array[...] = packed
        return array
    is_bgr = (given.order == "BGR") != layout.is_reversed
    canvas = _native.Canvas(
        struct_size=ctypes.sizeof(_native.Canvas),
        data=layout.address,
        width=layout.width,
        height=layout.height,
        stride=layout.stride,
        format=_native_format(layout.channels, 1, is_bgr),
    )
    check(into(ctypes.byref(canvas)))
    return array


def arrays_in(image: Any) -> list[npt.NDArray[Any]]:
    """The memory that an image is read from, as far as an array of the caller's could share it."""
    if isinstance(image, PixelArray):
        return [image.array]
    return [image] if isinstance(image, np.ndarray) else []
