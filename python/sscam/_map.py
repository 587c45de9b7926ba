"""The result of an explanation."""

from __future__ import annotations

import ctypes
import json
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from . import _native
from ._arguments import array_argument
from ._errors import check
from ._handle import Handle, decode, encode, view
from ._image import ImageLike, Pixels, opened, take_pixels


def colormaps() -> list[str]:
    """Names of the colormaps. "viridis" grows lighter evenly, also for colour-blind readers."""
    count = _native.sscam_colormap_count()
    return [decode(_native.sscam_colormap_name(index)) for index in range(count)]


def _draw_options(colormap: str, alpha: float) -> _native.DrawOptions:
    return _native.DrawOptions(ctypes.sizeof(_native.DrawOptions), encode(colormap), alpha)


class Map:
    """A saliency map of one class on one input. Immutable; made by explain().

    Its arrays are read-only views of the library's memory, which lives as long as the map or any
    of them does. numpy.asarray(map) is map.data.
    """

    __slots__ = ("__weakref__", "_handle")

    def __init__(self, pointer: Any) -> None:
        self._handle = Handle(pointer, _native.sscam_map_unref)

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

    def overlay(self, image: ImageLike, colormap: str = "turbo", alpha: float = 0.5) -> Pixels:
        """Draw the map over the image it explains: alpha x colour + (1 - alpha) x image.

        Resize and crop of the preprocessing are undone; pixels that the network did not see are
        shown in dimmed gray.

        Args:
            image: the image, in any form that explain() takes. A map made from an array takes
                any image and stretches over all of it; a map made from an image takes one of
                that same size.
            colormap: one of colormaps(), but "gray".
            alpha: share of the colour, 0 to 1.

        Returns:
            uint8 RGB [height, width, 3], of the image's size.

        Raises:
            UnsupportedError: the map is of sound or video, which is no image.
        """
        drawn = ctypes.POINTER(_native.Image)()
        options = _draw_options(colormap, alpha)
        with opened(image) as native:
            check(
                _native.sscam_map_overlay(
                    self._handle.pointer, native, ctypes.byref(options), ctypes.byref(drawn)
                )
            )
        return take_pixels(drawn)

    def heatmap(self, colormap: str = "turbo") -> Pixels:
        """Paint the map in colours, without an image beneath, at the network's input size.

        Args:
            colormap: one of colormaps().

        Returns:
            uint8 [height, width, 3]; [height, width, 1] for "gray".

        Raises:
            UnsupportedError: the map is of sound or video, which is no image.
        """
        painted = ctypes.POINTER(_native.Image)()
        options = _draw_options(colormap, 0.5)
        check(
            _native.sscam_map_heatmap(
                self._handle.pointer, ctypes.byref(options), ctypes.byref(painted)
            )
        )
        return take_pixels(painted)

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
        array = np.ascontiguousarray(values, dtype=np.float32)
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

    def __repr__(self) -> str:
        size = "x".join(map(str, self.data.shape))
        flat = ", flat" if self.is_flat else ""
        return (
            f"<sscam.Map: {self.method} of class {self.class_index} at {self.layer}, "
            f"{size}, probability {self.probability:.3g}{flat}>"
        )
