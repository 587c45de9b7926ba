"""Arrays of other frameworks: tensors of torch, whatever they require, and memory of a GPU."""

from __future__ import annotations

import ctypes
import sys
from typing import Any, NamedTuple, Optional

import numpy as np

from . import _constants, _native
from ._errors import ArgumentError


def array_like(value: Any) -> Any:
    """An object that offers itself as an array, such as a tensor of torch, as that array; anything
    else, and what lies on a GPU, as it is. Nothing is copied where NumPy can look at the memory."""
    if isinstance(value, np.ndarray):
        return value
    if is_torch_tensor(value):
        return value if value.is_cuda else _from_torch(value)
    if is_on_gpu(value) or not (hasattr(value, "__array__") or hasattr(value, "__dlpack__")):
        return value
    return np.asarray(value) if hasattr(value, "__array__") else np.from_dlpack(value)


def is_torch_tensor(value: Any) -> bool:
    """Whether it is a torch.Tensor; torch is not imported for that."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, getattr(torch, "Tensor", ()))


def _from_torch(tensor: Any) -> Any:
    """The memory of a tensor in that of the host. NumPy knows neither gradients nor bfloat16."""
    plain = tensor.detach()
    if plain.layout is not _torch().strided:
        plain = plain.to_dense()
    if plain.device.type != "cpu":
        plain = plain.cpu()
    if plain.dtype is _torch().bfloat16:
        plain = plain.float()
    return plain.resolve_conj().resolve_neg().numpy()


def _torch() -> Any:
    return sys.modules["torch"]


# --- memory of a GPU ----------------------------------------------------------------------------


def is_on_gpu(value: Any) -> bool:
    """Whether its memory is that of a CUDA GPU: a tensor of torch, or what offers itself as
    __cuda_array_interface__, as arrays of CuPy and Numba do."""
    if is_torch_tensor(value):
        return bool(value.is_cuda)
    return hasattr(value, "__cuda_array_interface__")


class GpuInput(NamedTuple):
    """An input on a GPU as the library takes it."""

    argument: _native.CudaArray
    shape: tuple[int, ...]  #: with N
    owner: Any  #: what keeps the memory alive
    has_batch: bool  #: whether the caller gave N


_ELEMENTS = {
    "f4": _constants.ELEMENT_FLOAT32,
    "f8": _constants.ELEMENT_FLOAT64,
    "u1": _constants.ELEMENT_UINT8,
}


def gpu_input(value: Any, dimensions: Optional[int]) -> GpuInput:
    """The memory of an array on a GPU, with N put before a single input.

    Raises:
        TypeError: it is not of floating-point numbers.
        ArgumentError: its shape is no input's.
    """
    if is_torch_tensor(value):
        torch = _torch()
        tensor = value.detach()
        if tensor.dtype in (torch.float16, torch.bfloat16):
            tensor = tensor.float()
        if tensor.dtype not in (torch.float32, torch.float64):
            raise TypeError(
                f"an input on a GPU must be of floating-point numbers, not {value.dtype}"
            )
        stream = torch.cuda.current_stream(tensor.device).cuda_stream
        return _gpu_input(
            tensor,
            tensor.data_ptr(),
            tuple(tensor.shape),
            tuple(tensor.stride()),
            f"f{tensor.element_size()}",
            tensor.device.index,
            stream,
            dimensions,
        )
    interface = value.__cuda_array_interface__
    kind = np.dtype(interface["typestr"])
    if kind.kind != "f" or kind.str[1:] not in _ELEMENTS or not kind.isnative:
        raise TypeError(f"an input on a GPU must be float32 or float64, not {kind}")
    strides = interface.get("strides")
    return _gpu_input(
        value,
        interface["data"][0],
        tuple(interface["shape"]),
        None if strides is None else tuple(stride // kind.itemsize for stride in strides),
        kind.str[1:],
        _device_of(value),
        interface.get("stream"),
        dimensions,
    )


def _device_of(value: Any) -> int:
    """The number of an array's GPU, of which the interface says nothing."""
    if hasattr(value, "__dlpack_device__"):
        return int(value.__dlpack_device__()[1])
    return int(getattr(getattr(value, "device", 0), "id", 0))


_LIKELY_DIMENSIONS = {2: 1, 3: 2, 4: 2, 5: 3}  # spatial ones, by an array's rank


def _gpu_input(
    owner: Any,
    address: int,
    shape: tuple[int, ...],
    strides: Optional[tuple[int, ...]],
    kind: str,
    device: int,
    stream: Optional[int],
    dimensions: Optional[int],
) -> GpuInput:
    spatial = _LIKELY_DIMENSIONS.get(len(shape), 2) if dimensions is None else dimensions
    if len(shape) not in (spatial + 1, spatial + 2):
        raise ArgumentError(
            f"an input with {spatial} spatial dimensions has {spatial + 1} or {spatial + 2} "
            f"dimensions, not the shape {shape}"
        )
    has_batch = len(shape) == spatial + 2
    if not has_batch:
        shape = (1, *shape)
        strides = None if strides is None else (0, *strides)
    argument = _native.CudaArray(
        struct_size=ctypes.sizeof(_native.CudaArray),
        data=address,
        shape=(ctypes.c_int64 * len(shape))(*shape),
        strides=None if strides is None else (ctypes.c_int64 * len(shape))(*strides),
        rank=len(shape),
        element_type=_ELEMENTS[kind],
        device=device,
        # Of the interface, 1 is the legacy default stream, as for CUDA itself.
        stream=stream or None,
    )
    return GpuInput(argument, shape, owner, has_batch)
