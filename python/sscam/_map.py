"""The result of an explanation."""

from __future__ import annotations

import base64
import ctypes
import html
import json
import os
from typing import Any, NamedTuple, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _native
from ._arguments import array_argument
from ._errors import ArgumentError, SscamError, UnsupportedError, check
from ._handle import Handle, decode, encode, view
from ._image import (
    ImageFile,
    ImageLike,
    PixelArray,
    Pixels,
    arrays_in,
    draw,
    encode_png,
    opened,
    take_pixels,
)
from ._labels import Labels
from ._tensors import array_like


class Detection(NamedTuple):
    """What a detector detects: a box, in pixels of the image, or of the input where that was an
    array."""

    left: float
    top: float
    right: float
    bottom: float
    class_index: int  #: of the network's classes; of networks that give labels, the label
    score: float  #: its confidence, in [0,1]
    label: Optional[str] = None  #: name of the class, where the model has labels


def detection_of(found: _native.Detection, labels: Optional[Labels]) -> Detection:
    """A detection from the library's struct."""
    return Detection(
        found.left,
        found.top,
        found.right,
        found.bottom,
        found.class_index,
        found.score,
        labels.name(found.class_index) if labels else None,
    )


def colormaps() -> list[str]:
    """Names of the colormaps. "viridis" grows lighter evenly, also for colour-blind readers."""
    count = _native.sscam_colormap_count()
    return [decode(_native.sscam_colormap_name(index)) for index in range(count)]


def _draw_options(colormap: str, alpha: float) -> _native.DrawOptions:
    return _native.DrawOptions(ctypes.sizeof(_native.DrawOptions), encode(colormap), alpha)


class Map:
    """A saliency map of one class on one input. Immutable; made by explain().

    Its arrays are read-only views of the library's memory, which lives as long as the map or any
    of them does. numpy.asarray(map) is map.data, and torch.from_dlpack(map) a copy of it.

    It refers to the image that it explains. It can be pickled: all but the image travels, and of
    the image its file's name.

    Notebooks show the overlay, or the heat map where the image is not known.
    """

    __slots__ = ("__weakref__", "_handle", "_image", "_label")

    def __init__(
        self, pointer: Any, image: Optional[ImageLike] = None, label: Optional[str] = None
    ) -> None:
        self._handle = Handle(pointer, _native.sscam_map_unref)
        self._image = image
        self._label = label

    @property
    def data(self) -> npt.NDArray[np.float32]:
        """The map at the network's input size: float32 [height, width] in [0,1], or all zeros when
        it is flat; [width] of sound, [depth, height, width] of video. Read-only."""
        return self._values(_native.sscam_map_data, _native.sscam_map_shape)

    @property
    def raw(self) -> npt.NDArray[np.float32]:
        """The map before upsampling and normalising, ReLU(sum_k a_k A_k): float32 [h, w], 0 or
        more, at the target layer's size (with combine="upsampled" at the input's); [w] of sound,
        [d, h, w] of video. Read-only."""
        return self._values(_native.sscam_map_raw, _native.sscam_map_raw_shape)

    def _values(self, values_of: Any, shape_of: Any) -> npt.NDArray[np.float32]:
        pointer = self._handle.pointer
        rank = ctypes.c_int32()
        sides = shape_of(pointer, ctypes.byref(rank))
        return view(self._handle, values_of(pointer), tuple(sides[: rank.value]), np.float32)

    @property
    def weights(self) -> Optional[npt.NDArray[np.float32]]:
        """The channel weights a_k: float32 [K]; 0 for channels that were not scored. None for
        methods that do not weigh channels, such as layer-cam. Read-only."""
        pointer = self._handle.pointer
        weights = _native.sscam_map_weights(pointer)
        if not weights:
            return None
        shape = (_native.sscam_map_channel_count(pointer),)
        return view(self._handle, weights, shape, np.float32)

    @property
    def class_index(self) -> int:
        """Index of the class explained."""
        return int(_native.sscam_map_class_index(self._handle.pointer))

    @property
    def label(self) -> Optional[str]:
        """Name of the class explained, where the model has labels."""
        return self._label

    @property
    def detection(self) -> Optional[Detection]:
        """The detection explained; None where a class is. Its score is how similar the unmasked
        input's own detections are to it, at most 1."""
        found = _native.Detection()
        try:
            check(_native.sscam_map_detection(self._handle.pointer, ctypes.byref(found)))
        except ArgumentError:
            return None
        return detection_of(found, None)._replace(label=self._label)

    @property
    def logit(self) -> float:
        """The class's raw output on the unmasked input."""
        return float(_native.sscam_map_logit(self._handle.pointer))

    @property
    def probability(self) -> float:
        """The class's probability on the unmasked input, in [0,1], by the option `probability`."""
        return float(_native.sscam_map_probability(self._handle.pointer))

    @property
    def is_flat(self) -> bool:
        """Whether the raw map is constant, so that no position stands out."""
        return bool(_native.sscam_map_is_flat(self._handle.pointer))

    @property
    def method(self) -> str:
        """Name of the method that made it."""
        return decode(_native.sscam_map_method(self._handle.pointer))

    @property
    def layer(self) -> str:
        """Name of the target layer that was used."""
        return decode(_native.sscam_map_layer(self._handle.pointer))

    @property
    def passes(self) -> int:
        """Network evaluations that it took."""
        return int(_native.sscam_map_passes(self._handle.pointer))

    @property
    def estimated_error(self) -> float:
        """By how much the map would change at most, at any position, with 95 % certainty, if all
        samples had been scored (option `tolerance`); 0 where all were."""
        return float(_native.sscam_map_estimated_error(self._handle.pointer))

    @property
    def diagnostics(self) -> dict[str, Any]:
        """How masked inputs were scored, for reports: "form" of the network, "precision",
        "workers", "batch_size"; later releases may add keys. Empty for methods that score none."""
        text = _native.sscam_map_diagnostics(self._handle.pointer)
        return dict(json.loads(decode(text)))

    def overlay(
        self,
        image: Optional[ImageLike] = None,
        colormap: str = "turbo",
        alpha: float = 0.5,
        out: Union[Pixels, PixelArray, None] = None,
    ) -> Pixels:
        """Draw the map over the image it explains: alpha x colour + (1 - alpha) x image.

        Resize and crop of the preprocessing are undone; pixels that the network did not see are
        shown in dimmed gray.

        Args:
            image: the image, in any form that explain() takes; None for the one that was explained,
                as it is now. A map made from an array takes any image and stretches over all of
                it; a map made from an image takes one of that same size.
            colormap: one of colormaps(), but "gray".
            alpha: share of the colour, 0 to 1.
            out: uint8 [height, width, 3 or 4] of the image's size, to be drawn into; with any
                strides, or a PixelArray of order "BGR". Nothing is allocated where its pixels are
                packed. Alpha becomes 255.

        Returns:
            out, or uint8 RGB [height, width, 3], of the image's size.

        Raises:
            ArgumentError: there is no image, or one of another size; `out` does not fit.
            UnsupportedError: the map is of sound or video, which is no image.
        """
        image = self._image if image is None else array_like(image)
        if image is None:
            raise ArgumentError("this map knows no image: give overlay() one")
        options = _draw_options(colormap, alpha)
        drawn = ctypes.POINTER(_native.Image)()
        with opened(image) as native:
            if out is not None:
                size = _native.sscam_image_height(native), _native.sscam_image_width(native)
                return draw(
                    out,
                    size,
                    arrays_in(image),
                    lambda canvas: _native.sscam_map_overlay_into(
                        self._handle.pointer, native, ctypes.byref(options), canvas
                    ),
                )
            check(
                _native.sscam_map_overlay(
                    self._handle.pointer, native, ctypes.byref(options), ctypes.byref(drawn)
                )
            )
        return take_pixels(drawn)

    def heatmap(
        self, colormap: str = "turbo", out: Union[Pixels, PixelArray, None] = None
    ) -> Pixels:
        """Paint the map in colours, without an image beneath, at the network's input size.

        Args:
            colormap: one of colormaps().
            out: as for overlay(), of the map's size; for "gray" also [height, width] or
                [height, width, 1].

        Returns:
            out, or uint8 [height, width, 3]; [height, width, 1] for "gray".

        Raises:
            ArgumentError: there is no such colormap; `out` does not fit.
            UnsupportedError: the map is of sound or video, which is no image.
        """
        options = _draw_options(colormap, 0.5)
        if out is not None:
            pointer = self._handle.pointer
            return draw(
                out,
                (_native.sscam_map_height(pointer), _native.sscam_map_width(pointer)),
                (),
                lambda canvas: _native.sscam_map_heatmap_into(
                    pointer, ctypes.byref(options), canvas
                ),
            )
        painted = ctypes.POINTER(_native.Image)()
        check(
            _native.sscam_map_heatmap(
                self._handle.pointer, ctypes.byref(options), ctypes.byref(painted)
            )
        )
        return take_pixels(painted)

    def plot(
        self,
        axes: Any = None,
        image: Optional[ImageLike] = None,
        colormap: str = "turbo",
        alpha: float = 0.5,
    ) -> Any:
        """Draw the map with matplotlib: the overlay, or the heat map where no image is known; of
        sound a curve.

        Args:
            axes: matplotlib's Axes; None for new ones.
            image, colormap, alpha: as for overlay().

        Returns:
            the Axes.

        Raises:
            ImportError: there is no matplotlib.
            UnsupportedError: the map is of video or a volume.
        """
        if self.data.ndim > 2:
            raise UnsupportedError("a map of video is not plotted at once: plot slices of its data")
        if axes is None:
            from matplotlib import pyplot

            axes = pyplot.figure().add_subplot()
        if self.data.ndim == 1:
            axes.plot(self.data)
            axes.set_ylim(0, 1)
        else:
            known = self._image if image is None else image
            axes.imshow(
                self.heatmap(colormap) if known is None else self.overlay(known, colormap, alpha)
            )
            axes.set_axis_off()
        axes.set_title(self._title())
        return axes

    def _title(self) -> str:
        """What a figure shows, in a line."""
        named = self.label or f"class {self.class_index}"
        if self.class_index < 0:
            return self.method
        return f"{named} ({self.probability:.1%}), {self.method}"

    def _repr_png_(self) -> Optional[bytes]:
        if self.data.ndim != 2:
            return None
        if self._image is not None:
            try:
                return encode_png(self.overlay())
            except (SscamError, OSError):
                pass  # the image has been changed or deleted
        return encode_png(self.heatmap())

    def _repr_html_(self) -> Optional[str]:
        png = self._repr_png_()
        if png is None:
            return None
        title = html.escape(self._title())
        return (
            f'<figure style="display:inline-block;margin:0">'
            f'<img alt="{title}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
            f"<figcaption>{title}</figcaption></figure>"
        )

    @classmethod
    def from_values(cls, values: npt.ArrayLike) -> Map:
        """A map of values from elsewhere, to be drawn, evaluated and compared like others.

        Args:
            values: finite numbers, [height, width], [width] or [depth, height, width]. `raw` is
                these, `data` scales them to [0,1].

        >>> found = Map.from_values([[0.0, 1.0], [2.0, 4.0]])
        >>> found.data
        array([[0.  , 0.25],
               [0.5 , 1.  ]], dtype=float32)
        """
        array = np.ascontiguousarray(array_like(values), dtype=np.float32)
        pointer = ctypes.POINTER(_native.Map)()
        check(_native.sscam_map_create(ctypes.byref(array_argument(array)), ctypes.byref(pointer)))
        return cls(pointer)

    def correlation(self, other: Map) -> float:
        """Pearson's correlation with another map of the same shape; NaN where one is flat."""
        found = ctypes.c_double()
        check(
            _native.sscam_map_correlation(
                self._handle.pointer, other._handle.pointer, ctypes.byref(found)
            )
        )
        return found.value

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> npt.NDArray[Any]:
        data = self.data
        if dtype is not None and data.dtype != dtype:
            if copy is False:
                raise ValueError(f"a map is float32: {np.dtype(dtype)} takes a copy")
            return data.astype(dtype)
        return data.copy() if copy else data

    def __dlpack__(self, **options: Any) -> Any:
        # A copy: what is handed over could be written to.
        return self.data.copy().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)  # kDLCPU

    def __reduce__(self) -> Any:
        data, size = ctypes.c_void_p(), ctypes.c_size_t()
        check(
            _native.sscam_map_encode(self._handle.pointer, ctypes.byref(data), ctypes.byref(size))
        )
        try:
            content = ctypes.string_at(data, size.value)
        finally:
            _native.sscam_free(data)
        return _decoded, (content, _travelling(self._image), self._label)

    def __copy__(self) -> Map:
        return self

    def __deepcopy__(self, _: Any) -> Map:
        return self

    def __repr__(self) -> str:
        size = "x".join(map(str, self.data.shape))
        flat = ", flat" if self.is_flat else ""
        label = "" if self.label is None else f" ({self.label})"
        return (
            f"<sscam.Map: {self.method} of class {self.class_index}{label} at {self.layer}, "
            f"{size}, probability {self.probability:.3g}{flat}>"
        )


def _travelling(image: Optional[ImageLike]) -> Optional[ImageLike]:
    """What of an image goes with a pickled map: its file's name."""
    source = image.source if isinstance(image, ImageFile) else image
    return image if isinstance(source, (str, os.PathLike)) else None


def _decoded(content: bytes, image: Optional[ImageLike], label: Optional[str]) -> Map:
    """A pickled map."""
    pointer = ctypes.POINTER(_native.Map)()
    check(_native.sscam_map_decode(content, len(content), ctypes.byref(pointer)))
    return Map(pointer, image, label)
