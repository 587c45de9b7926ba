"""Images: what is accepted as one, and how it reaches the library."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import os
import sys
from collections.abc import Iterator
from typing import Any, Protocol, Union

import numpy as np
import numpy.typing as npt

from . import _constants, _native
from ._errors import ArgumentError, check
from ._handle import encode

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


ImageLike = Union[str, os.PathLike[Any], bytes, ImageFile, PilImage, Pixels]

# By the number of channels.
_FORMATS = {1: _constants.PIXELS_GRAY8, 3: _constants.PIXELS_RGB8, 4: _constants.PIXELS_RGBA8}

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


def write_png(path: Union[str, os.PathLike[Any]], pixels: Pixels) -> None:
    """Write a PNG file. It appears whole or not at all.

    Args:
        path: file name; an existing file is replaced.
        pixels: uint8 [height, width] or [height, width, channels] with 1 (gray), 3 (RGB) or
            4 (RGBA) channels.

    Raises:
        FileError: the file cannot be written.
    """
    with _owned(_from_pixels(pixels)) as image:
        check(_native.sscam_image_write_png(image, encode(path)))


def encode_png(pixels: Pixels) -> bytes:
    """The content of a PNG file.

    Args:
        pixels: as for write_png().

    >>> encode_png(np.zeros((2, 3), np.uint8))[1:4]
    b'PNG'
    """
    data, size = ctypes.c_void_p(), ctypes.c_size_t()
    with _owned(_from_pixels(pixels)) as image:
        check(_native.sscam_image_encode_png(image, ctypes.byref(data), ctypes.byref(size)))
    try:
        return ctypes.string_at(data, size.value)
    finally:
        _native.sscam_free(data)


def is_image(value: Any) -> bool:
    """Whether a value stands for an image; arrays do when they are of 8-bit pixels."""
    if isinstance(value, np.ndarray):
        return bool(value.dtype == np.uint8)
    return isinstance(value, (str, os.PathLike, bytes, ImageFile)) or _is_pil(value)


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
        native = _from_pil(image)
    else:
        native = _from_pixels(image)
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
        ctypes.sizeof(_native.Canvas),
        pixels.ctypes.data,
        described.width,
        described.height,
        0,
        _FORMATS[channels],
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


def _from_pil(image: Any) -> Any:
    if image.mode.startswith(_DEEP_MODES):
        raise TypeError(
            f"an image of mode {image.mode!r} has more than 8 bits a channel; "
            "scale it to uint8, or pass the file's name"
        )
    if image.mode not in ("L", "RGB", "RGBA"):
        image = image.convert(_plain_mode(image))
    return _from_pixels(np.asarray(image))


def _plain_mode(image: Any) -> str:
    """The mode of 8-bit gray, RGB or RGBA that keeps what an image of another mode shows."""
    if image.mode == "1":
        return "L"
    transparent = image.mode in ("LA", "La", "PA", "RGBa") or "transparency" in image.info
    return "RGBA" if transparent else "RGB"


def _from_pixels(pixels: Any) -> Any:
    if not isinstance(pixels, np.ndarray):
        raise TypeError(
            "expected an image (file name, encoded bytes, PIL image or uint8 array), "
            f"not {type(pixels).__name__}"
        )
    if pixels.dtype != np.uint8:
        raise TypeError(f"pixels must be uint8, not {pixels.dtype}")
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
    # Before a strided view of this size is copied, and before a side is cut to 32 bits.
    if height * width > _constants.IMAGE_MAX_PIXELS:
        raise ArgumentError(
            f"an image of {width}x{height} is larger than {_constants.IMAGE_MAX_PIXELS} pixels"
        )
    packed = np.ascontiguousarray(pixels)
    described = _native.Pixels(
        ctypes.sizeof(_native.Pixels),
        packed.ctypes.data,
        width,
        height,
        0,
        _FORMATS[channels],
    )
    image = ctypes.POINTER(_native.Image)()
    check(_native.sscam_image_create(ctypes.byref(described), ctypes.byref(image)))
    return image
