"""Class activation maps of classifiers: where a network looks.

>>> import sscam
>>> with sscam.Model(model_path) as model:
...     found = model.explain(image_path, method="grad-cam")
>>> found.data.shape
(224, 224)
>>> found.overlay(image_path).dtype
dtype('uint8')
"""

import os

from . import _native
from ._activations import map_from_activations
from ._arguments import Ranked
from ._errors import (
    ArgumentError,
    Cancelled,
    ClassError,
    DeviceError,
    FileError,
    FormatError,
    LayerError,
    ModelError,
    OutOfMemoryError,
    SscamError,
    UnsupportedError,
)
from ._evaluate import Comparison, Results, Sample, compare, evaluate
from ._evaluation import Evaluation, Total
from ._explain_all import explain_all
from ._explainer import ClassScore, Explainer, Options
from ._image import ImageFile, PixelArray, encode_png, read_image, write_png
from ._labels import Labels
from ._map import Detection, Map, colormaps
from ._model import Layer, Model, Output
from ._progress import progress_passes
from ._runtime import load_library, log_to_logging, max_threads, set_log_callback, set_max_threads
from ._tables import Method, Metric, Option, methods, metrics, options

#: Release of the library in use.
__version__: str = _native.sscam_version().decode()

__all__ = [
    "ArgumentError",
    "Cancelled",
    "ClassError",
    "ClassScore",
    "Comparison",
    "Detection",
    "DeviceError",
    "Evaluation",
    "Explainer",
    "FileError",
    "FormatError",
    "ImageFile",
    "Labels",
    "Layer",
    "LayerError",
    "Map",
    "Method",
    "Metric",
    "Model",
    "ModelError",
    "Option",
    "Options",
    "OutOfMemoryError",
    "Output",
    "PixelArray",
    "Ranked",
    "Results",
    "Sample",
    "SscamError",
    "Total",
    "UnsupportedError",
    "__version__",
    "build_info",
    "colormaps",
    "compare",
    "encode_png",
    "evaluate",
    "explain_all",
    "get_include",
    "load_library",
    "log_to_logging",
    "map_from_activations",
    "max_threads",
    "methods",
    "metrics",
    "options",
    "progress_passes",
    "read_image",
    "set_log_callback",
    "set_max_threads",
    "write_png",
]


def build_info() -> str:
    """What the library was built with and runs on, one line a component; for reports of faults.

    >>> print(build_info().splitlines()[0].split(":")[0])
    sscam
    """
    return str(_native.sscam_build_info().decode("utf-8", "replace"))


def get_include() -> str:
    """Folder of the headers that pip installed beside the library, for compilers.

    >>> os.path.basename(get_include())
    'include'
    """
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "include")
