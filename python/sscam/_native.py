"""The library's functions with their types, in the order of the headers; nothing else."""

from __future__ import annotations

import ctypes
from ctypes import (
    POINTER,
    c_char_p,
    c_double,
    c_float,
    c_int32,
    c_int64,
    c_size_t,
    c_uint8,
    c_void_p,
)
from typing import Any, Callable

from . import _library

_loaded = _library.load()


def _declare(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    try:
        function = getattr(_loaded, name)
    except AttributeError:
        raise ImportError(
            f"{_loaded._name} has no {name}: it is older than this package",
            name="sscam",
            path=_loaded._name,
        ) from None
    function.restype = result
    function.argtypes = arguments
    return function


class Model(ctypes.Structure):
    """sscam_model, opaque like all structures here."""


class Layers(ctypes.Structure):
    """sscam_layers."""


class Image(ctypes.Structure):
    """sscam_image."""


class Explainer(ctypes.Structure):
    """sscam_explainer."""


class Map(ctypes.Structure):
    """sscam_map."""


class Method(ctypes.Structure):
    """sscam_method."""


class Metric(ctypes.Structure):
    """sscam_metric."""


class Option(ctypes.Structure):
    """sscam_option."""


class Evaluation(ctypes.Structure):
    """sscam_evaluation."""


class Array(ctypes.Structure):
    """sscam_array, of which Python keeps data, shape and strides alive."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("data", c_void_p),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("rank", c_int32),
        ("element_type", c_int32),
    ]


class ModelInputs(ctypes.Structure):
    """sscam_model_inputs, of which Python keeps texts and arrays alive."""

    _fields_ = (
        ("struct_size", c_size_t),
        ("layout", c_char_p),
        ("type", c_char_p),
        ("image_input", c_char_p),
        ("count", c_int64),
        ("names", POINTER(c_char_p)),
        ("values", POINTER(POINTER(Array))),
    )


class CudaArray(ctypes.Structure):
    """sscam_cuda_array, of which Python keeps data, shape and strides alive."""

    _fields_ = (
        ("struct_size", c_size_t),
        ("data", c_void_p),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("rank", c_int32),
        ("element_type", c_int32),
        ("device", c_int32),
        ("reserved", c_int32),
        ("stream", c_void_p),
    )


class ClassScore(ctypes.Structure):
    """sscam_class_score."""

    _fields_ = [("class_index", c_int64), ("logit", c_double), ("probability", c_double)]


class Detection(ctypes.Structure):
    """sscam_detection."""

    _fields_ = (
        ("left", c_double),
        ("top", c_double),
        ("right", c_double),
        ("bottom", c_double),
        ("class_index", c_int64),
        ("score", c_double),
    )


class Activations(ctypes.Structure):
    """sscam_activations."""

    _fields_ = (
        ("struct_size", c_size_t),
        ("activations", POINTER(Array)),
        ("gradients", POINTER(Array)),
        ("class_weights", POINTER(Array)),
        ("sides", POINTER(c_int64)),
        ("rank", c_int32),
        ("option_count", c_int64),
        ("options", POINTER(c_char_p)),
        ("layer", c_char_p),
    )


class EvaluationCase(ctypes.Structure):
    """sscam_evaluation_case."""

    _fields_ = (
        ("struct_size", c_size_t),
        ("classes", POINTER(c_int64)),
        ("class_count", c_int64),
        ("boxes", POINTER(c_float)),
        ("box_classes", POINTER(c_int64)),
        ("box_count", c_int64),
        ("maps", POINTER(POINTER(Map))),
    )


class MetricTotal(ctypes.Structure):
    """sscam_metric_total."""

    _fields_ = (
        ("struct_size", c_size_t),
        ("mean", c_double),
        ("lower", c_double),
        ("upper", c_double),
        ("defined_count", c_int64),
        ("undefined_count", c_int64),
    )


class EngineRequest(ctypes.Structure):
    """sscam_engine_request."""

    _fields_ = (
        ("struct_size", c_size_t),
        ("input", POINTER(c_float)),
        ("shape", POINTER(c_int64)),
        ("rank", c_int32),
        ("output", c_int32),
        ("layer", c_char_p),
        ("activations", POINTER(c_float)),
        ("activation_shape", POINTER(c_int64)),
        ("activation_rank", c_int32),
        ("reserved", c_int32),
        ("output_weights", POINTER(c_float)),
        ("output_weight_count", c_int64),
    )


class EngineReply(ctypes.Structure):
    """sscam_engine_reply."""


# `user` is a number: see _engine.py.
engine_callback = ctypes.CFUNCTYPE(c_int32, c_size_t, POINTER(EngineRequest), POINTER(EngineReply))
engine_release = ctypes.CFUNCTYPE(None, c_size_t)


class Engine(ctypes.Structure):
    """sscam_engine."""

    _fields_ = (
        ("struct_size", c_size_t),
        ("user", c_size_t),
        ("name", c_char_p),
        ("device", c_char_p),
        ("flags", c_int32),
        ("input_rank", c_int32),
        ("input_shape", c_int64 * 5),
        ("class_count", c_int64),
        ("largest_batch", c_int64),
        ("preferred_batch", c_int64),
        ("output_names", POINTER(c_char_p)),
        ("output_count", c_int64),
        ("describe", engine_callback),
        ("run", engine_callback),
        ("gradients", engine_callback),
        ("tail", engine_callback),
        ("release", engine_release),
    )


class Pixels(ctypes.Structure):
    """sscam_pixels."""

    _fields_ = (
        ("struct_size", c_size_t),
        ("data", c_void_p),
        ("width", c_int64),
        ("height", c_int64),
        ("stride", c_int64),
        ("format", c_int32),
        ("significant_bits", c_int32),
        ("second_data", c_void_p),
        ("second_stride", c_int64),
    )


class Canvas(ctypes.Structure):
    """sscam_canvas."""

    _fields_ = (
        ("struct_size", c_size_t),
        ("data", c_void_p),
        ("width", c_int64),
        ("height", c_int64),
        ("stride", c_int64),
        ("format", c_int32),
        ("reserved", c_int32),
    )


class ReadOptions(ctypes.Structure):
    """sscam_read_options."""

    _fields_ = (
        ("struct_size", c_size_t),
        ("max_pixels", c_int64),
        ("formats", c_int32),
        ("ignore_orientation", c_int32),
        ("allow_truncated", c_int32),
        ("significant_bits", c_int32),
    )


class DrawOptions(ctypes.Structure):
    """sscam_draw_options."""

    _fields_ = (
        ("struct_size", c_size_t),
        ("colormap", c_char_p),
        ("alpha", c_double),
    )


_status = c_int32
_model = POINTER(Model)
_layers = POINTER(Layers)
_image = POINTER(Image)
_explainer = POINTER(Explainer)
_map = POINTER(Map)
_method = POINTER(Method)
_metric = POINTER(Metric)
_option = POINTER(Option)
_evaluation = POINTER(Evaluation)
_shape = POINTER(c_int64)
_array = POINTER(Array)
_cuda_array = POINTER(CudaArray)
_engine = POINTER(Engine)
_engine_reply = POINTER(EngineReply)
_pixels = POINTER(Pixels)
_canvas = POINTER(Canvas)
_read_options = POINTER(ReadOptions)
_draw_options = POINTER(DrawOptions)

# `user` is always a Python object: see _explainer.py.
progress_callback = ctypes.CFUNCTYPE(c_int32, ctypes.py_object, c_double)
log_callback = ctypes.CFUNCTYPE(None, c_void_p, c_int32, c_char_p)
release_callback = ctypes.CFUNCTYPE(None, c_void_p)

# activations.h
sscam_map_from_activations = _declare(
    "sscam_map_from_activations", _status, c_char_p, POINTER(Activations), POINTER(_map)
)

# cuda.h
sscam_explain_cuda = _declare(
    "sscam_explain_cuda", _status, _explainer, _cuda_array, POINTER(c_int64), POINTER(_map)
)
sscam_explain_cuda_all = _declare(
    "sscam_explain_cuda_all",
    _status,
    POINTER(_explainer),
    c_int64,
    _cuda_array,
    POINTER(c_int64),
    c_int64,
    POINTER(_map),
)
sscam_model_classify_cuda = _declare(
    "sscam_model_classify_cuda",
    _status,
    _model,
    _cuda_array,
    POINTER(c_float),
    c_int64,
    POINTER(c_int64),
)

# engine.h
sscam_model_create_from_engine = _declare(
    "sscam_model_create_from_engine", _status, _engine, POINTER(_model)
)
sscam_engine_reply_add_layer = _declare(
    "sscam_engine_reply_add_layer", _status, _engine_reply, c_char_p, c_char_p, _shape, c_int32
)
sscam_engine_reply_set_default_layer = _declare(
    "sscam_engine_reply_set_default_layer", _status, _engine_reply, c_char_p
)
sscam_engine_reply_set_outputs = _declare(
    "sscam_engine_reply_set_outputs", _status, _engine_reply, POINTER(c_float), _shape, c_int32
)
sscam_engine_reply_take_input = _declare("sscam_engine_reply_take_input", _status, _engine_reply)
sscam_engine_reply_set_activations = _declare(
    "sscam_engine_reply_set_activations", _status, _engine_reply, POINTER(c_float), _shape, c_int32
)
sscam_engine_reply_set_gradients = _declare(
    "sscam_engine_reply_set_gradients", _status, _engine_reply, POINTER(c_float), _shape, c_int32
)
sscam_engine_reply_set_error = _declare(
    "sscam_engine_reply_set_error", _status, _engine_reply, c_char_p
)

# evaluation.h
sscam_evaluation_create = _declare(
    "sscam_evaluation_create", _status, POINTER(_explainer), c_int64, POINTER(_evaluation)
)
sscam_evaluation_ref = _declare("sscam_evaluation_ref", _evaluation, _evaluation)
sscam_evaluation_unref = _declare("sscam_evaluation_unref", None, _evaluation)
sscam_evaluation_add = _declare(
    "sscam_evaluation_add", _status, _evaluation, _image, POINTER(EvaluationCase)
)
sscam_evaluation_add_known = _declare("sscam_evaluation_add_known", _status, _evaluation, c_int64)
sscam_evaluation_set_value = _declare(
    "sscam_evaluation_set_value", _status, _evaluation, c_int64, c_int64, c_int32, c_double
)
sscam_evaluation_method_count = _declare("sscam_evaluation_method_count", c_int64, _evaluation)
sscam_evaluation_case_count = _declare("sscam_evaluation_case_count", c_int64, _evaluation)
sscam_evaluation_class_index = _declare(
    "sscam_evaluation_class_index", c_int64, _evaluation, c_int64
)
sscam_evaluation_value = _declare(
    "sscam_evaluation_value", c_int32, _evaluation, c_int64, c_int64, c_int32, POINTER(c_double)
)
sscam_evaluation_total = _declare(
    "sscam_evaluation_total", _status, _evaluation, c_int64, c_int32, POINTER(MetricTotal)
)
sscam_evaluation_curve = _declare(
    "sscam_evaluation_curve",
    _status,
    _evaluation,
    c_int64,
    c_int32,
    POINTER(c_double),
    c_int64,
    POINTER(c_int64),
)
sscam_evaluation_map = _declare("sscam_evaluation_map", _map, _evaluation, c_int64, c_int64)

# explainer.h
sscam_explainer_create = _declare(
    "sscam_explainer_create", _status, _model, c_char_p, POINTER(_explainer)
)
sscam_explainer_ref = _declare("sscam_explainer_ref", _explainer, _explainer)
sscam_explainer_unref = _declare("sscam_explainer_unref", None, _explainer)
sscam_explainer_set = _declare("sscam_explainer_set", _status, _explainer, c_char_p, c_char_p)
sscam_explainer_set_int = _declare("sscam_explainer_set_int", _status, _explainer, c_int32, c_int64)
sscam_explainer_set_real = _declare(
    "sscam_explainer_set_real", _status, _explainer, c_int32, c_double
)
sscam_explainer_set_string = _declare(
    "sscam_explainer_set_string", _status, _explainer, c_int32, c_char_p
)
sscam_explainer_get = _declare(
    "sscam_explainer_get", _status, _explainer, c_char_p, POINTER(c_char_p)
)
sscam_explainer_get_int = _declare(
    "sscam_explainer_get_int", _status, _explainer, c_int32, POINTER(c_int64)
)
sscam_explainer_get_real = _declare(
    "sscam_explainer_get_real", _status, _explainer, c_int32, POINTER(c_double)
)
sscam_explainer_get_string = _declare(
    "sscam_explainer_get_string", _status, _explainer, c_int32, POINTER(c_char_p)
)
sscam_explainer_set_region = _declare(
    "sscam_explainer_set_region", _status, _explainer, POINTER(c_uint8), c_int64, c_int64
)
sscam_explainer_set_target_weights = _declare(
    "sscam_explainer_set_target_weights", _status, _explainer, POINTER(c_float), c_int64
)
sscam_explainer_set_input = _declare(
    "sscam_explainer_set_input", _status, _explainer, c_char_p, POINTER(Array)
)
sscam_explainer_input_form = _declare(
    "sscam_explainer_input_form", _status, _explainer, POINTER(c_char_p), POINTER(c_char_p)
)
sscam_explainer_set_progress = _declare(
    "sscam_explainer_set_progress", _status, _explainer, progress_callback, ctypes.py_object
)
sscam_progress_passes = _declare(
    "sscam_progress_passes", _status, POINTER(c_int64), POINTER(c_int64)
)
sscam_explainer_cancel = _declare("sscam_explainer_cancel", None, _explainer)
sscam_explainer_preprocess = _declare(
    "sscam_explainer_preprocess", _status, _explainer, _image, _shape, POINTER(c_float), c_int64
)
sscam_explainer_classify = _declare(
    "sscam_explainer_classify",
    _status,
    _explainer,
    _image,
    POINTER(ClassScore),
    c_int64,
    POINTER(c_int64),
)
# detection.h
sscam_explainer_detect = _declare(
    "sscam_explainer_detect",
    _status,
    _explainer,
    _image,
    POINTER(Detection),
    c_int64,
    POINTER(c_int64),
)
sscam_explainer_detect_array = _declare(
    "sscam_explainer_detect_array",
    _status,
    _explainer,
    _array,
    POINTER(Detection),
    c_int64,
    POINTER(c_int64),
)
sscam_map_detection = _declare("sscam_map_detection", _status, _map, POINTER(Detection))
sscam_explainer_prepare = _declare("sscam_explainer_prepare", _status, _explainer, _shape, c_int32)
sscam_explain_image = _declare(
    "sscam_explain_image", _status, _explainer, _image, c_int64, POINTER(_map)
)
sscam_explain_array = _declare(
    "sscam_explain_array", _status, _explainer, _array, POINTER(c_int64), POINTER(_map)
)
sscam_explain_image_all = _declare(
    "sscam_explain_image_all",
    _status,
    POINTER(_explainer),
    c_int64,
    _image,
    POINTER(c_int64),
    c_int64,
    POINTER(_map),
)
sscam_explain_array_all = _declare(
    "sscam_explain_array_all",
    _status,
    POINTER(_explainer),
    c_int64,
    _array,
    POINTER(c_int64),
    c_int64,
    POINTER(_map),
)

# image.h
sscam_image_create = _declare("sscam_image_create", _status, _pixels, POINTER(_image))
sscam_image_wrap = _declare(
    "sscam_image_wrap", _status, _pixels, release_callback, c_void_p, POINTER(_image)
)
sscam_image_file_formats = _declare("sscam_image_file_formats", c_int32)
sscam_image_read = _declare("sscam_image_read", _status, c_char_p, _read_options, POINTER(_image))
sscam_image_read_memory = _declare(
    "sscam_image_read_memory", _status, c_void_p, c_size_t, _read_options, POINTER(_image)
)
sscam_image_write_png = _declare("sscam_image_write_png", _status, _image, c_char_p)
sscam_image_encode_png = _declare(
    "sscam_image_encode_png", _status, _image, POINTER(c_void_p), POINTER(c_size_t)
)
sscam_image_width = _declare("sscam_image_width", c_int64, _image)
sscam_image_height = _declare("sscam_image_height", c_int64, _image)
sscam_image_channels = _declare("sscam_image_channels", c_int32, _image)
sscam_image_describe = _declare("sscam_image_describe", _status, _image, _pixels)
sscam_image_copy_pixels = _declare("sscam_image_copy_pixels", _status, _image, _canvas)
sscam_image_ref = _declare("sscam_image_ref", _image, _image)
sscam_image_unref = _declare("sscam_image_unref", None, _image)

# map.h
sscam_map_shape = _declare("sscam_map_shape", POINTER(c_int64), _map, POINTER(c_int32))
sscam_map_width = _declare("sscam_map_width", c_int64, _map)
sscam_map_height = _declare("sscam_map_height", c_int64, _map)
sscam_map_data = _declare("sscam_map_data", POINTER(c_float), _map)
sscam_map_raw = _declare("sscam_map_raw", POINTER(c_float), _map)
sscam_map_raw_shape = _declare("sscam_map_raw_shape", POINTER(c_int64), _map, POINTER(c_int32))
sscam_map_channel_count = _declare("sscam_map_channel_count", c_int64, _map)
sscam_map_weights = _declare("sscam_map_weights", POINTER(c_float), _map)
sscam_map_class_index = _declare("sscam_map_class_index", c_int64, _map)
sscam_map_logit = _declare("sscam_map_logit", c_double, _map)
sscam_map_probability = _declare("sscam_map_probability", c_double, _map)
sscam_map_is_flat = _declare("sscam_map_is_flat", c_int32, _map)
sscam_map_method = _declare("sscam_map_method", c_char_p, _map)
sscam_map_layer = _declare("sscam_map_layer", c_char_p, _map)
sscam_map_passes = _declare("sscam_map_passes", c_int64, _map)
sscam_map_estimated_error = _declare("sscam_map_estimated_error", c_double, _map)
sscam_map_diagnostics = _declare("sscam_map_diagnostics", c_char_p, _map)
sscam_colormap_count = _declare("sscam_colormap_count", c_int64)
sscam_colormap_name = _declare("sscam_colormap_name", c_char_p, c_int64)
sscam_map_overlay = _declare(
    "sscam_map_overlay", _status, _map, _image, _draw_options, POINTER(_image)
)
sscam_map_heatmap = _declare("sscam_map_heatmap", _status, _map, _draw_options, POINTER(_image))
sscam_map_overlay_into = _declare(
    "sscam_map_overlay_into", _status, _map, _image, _draw_options, _canvas
)
sscam_map_heatmap_into = _declare("sscam_map_heatmap_into", _status, _map, _draw_options, _canvas)
sscam_map_copy_data = _declare(
    "sscam_map_copy_data", _status, _map, _shape, c_int32, POINTER(c_int64), POINTER(c_float)
)
sscam_map_create = _declare("sscam_map_create", _status, _array, POINTER(_map))
sscam_map_encode = _declare("sscam_map_encode", _status, _map, POINTER(c_void_p), POINTER(c_size_t))
sscam_map_decode = _declare("sscam_map_decode", _status, c_void_p, c_size_t, POINTER(_map))
sscam_map_correlation = _declare("sscam_map_correlation", _status, _map, _map, POINTER(c_double))
sscam_map_ref = _declare("sscam_map_ref", _map, _map)
sscam_map_unref = _declare("sscam_map_unref", None, _map)

# memory.h
sscam_free = _declare("sscam_free", None, c_void_p)

# method.h
sscam_method_count = _declare("sscam_method_count", c_int64)
sscam_method_info = _declare("sscam_method_info", _method, c_int64)
sscam_method_find = _declare("sscam_method_find", _method, c_char_p)
sscam_method_name = _declare("sscam_method_name", c_char_p, _method)
sscam_method_title = _declare("sscam_method_title", c_char_p, _method)
sscam_method_summary = _declare("sscam_method_summary", c_char_p, _method)
sscam_method_citation = _declare("sscam_method_citation", c_char_p, _method)
sscam_method_needs = _declare("sscam_method_needs", c_int32, _method)

# metric.h
sscam_metric_count = _declare("sscam_metric_count", c_int64)
sscam_metric_info = _declare("sscam_metric_info", _metric, c_int64)
sscam_metric_find = _declare("sscam_metric_find", _metric, c_char_p)
sscam_metric_id = _declare("sscam_metric_id", c_int32, _metric)
sscam_metric_name = _declare("sscam_metric_name", c_char_p, _metric)
sscam_metric_title = _declare("sscam_metric_title", c_char_p, _metric)
sscam_metric_unit = _declare("sscam_metric_unit", c_char_p, _metric)
sscam_metric_direction = _declare("sscam_metric_direction", c_int32, _metric)
sscam_metric_is_reproducible = _declare("sscam_metric_is_reproducible", c_int32, _metric)
sscam_metric_summary = _declare("sscam_metric_summary", c_char_p, _metric)
sscam_metric_citation = _declare("sscam_metric_citation", c_char_p, _metric)

# model.h
sscam_model_load = _declare("sscam_model_load", _status, c_char_p, c_char_p, POINTER(_model))
sscam_model_load_memory = _declare(
    "sscam_model_load_memory", _status, c_void_p, c_size_t, c_char_p, POINTER(_model)
)
sscam_model_ref = _declare("sscam_model_ref", _model, _model)
sscam_model_unref = _declare("sscam_model_unref", None, _model)
sscam_model_device = _declare("sscam_model_device", c_char_p, _model)
sscam_model_input_shape = _declare("sscam_model_input_shape", c_int32, _model, _shape)
sscam_model_input_layout = _declare("sscam_model_input_layout", c_char_p, _model)
sscam_model_input_type = _declare("sscam_model_input_type", c_char_p, _model)
sscam_model_with_inputs = _declare(
    "sscam_model_with_inputs", _status, _model, POINTER(ModelInputs), POINTER(_model)
)
sscam_model_class_count = _declare("sscam_model_class_count", c_int64, _model)
sscam_model_calibration = _declare("sscam_model_calibration", _status, _model, POINTER(c_char_p))
sscam_model_set_calibration = _declare("sscam_model_set_calibration", _status, _model, c_char_p)
sscam_model_randomise = _declare(
    "sscam_model_randomise",
    _status,
    _model,
    c_int64,
    c_int64,
    POINTER(c_int64),
    POINTER(_model),
)
sscam_model_classify = _declare(
    "sscam_model_classify", _status, _model, _array, POINTER(c_float), c_int64, POINTER(c_int64)
)
sscam_model_layers = _declare(
    "sscam_model_layers", _status, _model, _shape, c_int32, POINTER(_layers)
)
sscam_layers_count = _declare("sscam_layers_count", c_int64, _layers)
sscam_layers_default = _declare("sscam_layers_default", c_int64, _layers)
sscam_layers_name = _declare("sscam_layers_name", c_char_p, _layers, c_int64)
sscam_layers_kind = _declare("sscam_layers_kind", c_char_p, _layers, c_int64)
sscam_layers_shape = _declare(
    "sscam_layers_shape", POINTER(c_int64), _layers, c_int64, POINTER(c_int32)
)
sscam_layers_output_count = _declare("sscam_layers_output_count", c_int64, _layers)
sscam_layers_output_taken = _declare("sscam_layers_output_taken", c_int64, _layers)
sscam_layers_output_name = _declare("sscam_layers_output_name", c_char_p, _layers, c_int64)
sscam_layers_output_shape = _declare(
    "sscam_layers_output_shape", POINTER(c_int64), _layers, c_int64, POINTER(c_int32)
)
sscam_layers_ref = _declare("sscam_layers_ref", _layers, _layers)
sscam_layers_unref = _declare("sscam_layers_unref", None, _layers)

# option.h
sscam_option_count = _declare("sscam_option_count", c_int64)
sscam_option_info = _declare("sscam_option_info", _option, c_int64)
sscam_option_find = _declare("sscam_option_find", _option, c_char_p)
sscam_option_id = _declare("sscam_option_id", c_int32, _option)
sscam_option_name = _declare("sscam_option_name", c_char_p, _option)
sscam_option_type = _declare("sscam_option_type", c_int32, _option)
sscam_option_default = _declare("sscam_option_default", c_char_p, _option, _method)
sscam_option_choice_count = _declare("sscam_option_choice_count", c_int64, _option)
sscam_option_choice = _declare("sscam_option_choice", c_char_p, _option, c_int64)
sscam_option_minimum = _declare("sscam_option_minimum", c_double, _option)
sscam_option_maximum = _declare("sscam_option_maximum", c_double, _option)
sscam_option_help = _declare("sscam_option_help", c_char_p, _option)

# runtime.h
sscam_set_log_callback = _declare("sscam_set_log_callback", _status, log_callback, c_void_p)
sscam_set_max_threads = _declare("sscam_set_max_threads", _status, c_int64)
sscam_max_threads = _declare("sscam_max_threads", c_int64)
sscam_load_library = _declare("sscam_load_library", _status, c_char_p)

# status.h
sscam_status_name = _declare("sscam_status_name", c_char_p, _status)
sscam_last_error = _declare("sscam_last_error", c_char_p)

# version.h
sscam_version = _declare("sscam_version", c_char_p)
sscam_version_number = _declare("sscam_version_number", c_int32)
sscam_abi_version = _declare("sscam_abi_version", c_int32)
sscam_build_info = _declare("sscam_build_info", c_char_p)
