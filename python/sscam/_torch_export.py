"""Networks of torch as files in memory."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._errors import ArgumentError, ModelError

_FORMS = ("auto", "export", "trace", "script")
_MOST_ROWS = 1024


def device_of(module: Any) -> str:
    """The device of a module's parameters, the CPU where it has none."""
    for parameter in module.parameters():
        return str(parameter.device)
    return "cpu"


def exported(module: Any, example: Any, form: str) -> bytes:
    """A module as the content of a .pt2 file or of a TorchScript file."""
    import torch

    if form not in _FORMS:
        raise ArgumentError(f"form is {form!r}, not one of {', '.join(_FORMS)}")
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"expected a torch.nn.Module, not {type(module).__name__}")
    has_export = hasattr(torch, "export") and hasattr(getattr(torch.export, "Dim", None), "AUTO")
    if form == "export" and not has_export:
        raise ArgumentError(
            f"torch {torch.__version__} has no torch.export that can be read; use form='trace'"
        )
    with _evaluating(module), torch.no_grad():
        inputs = _example_of(example, torch.device(device_of(module)), torch)
        if form == "script":
            return _scripted(module, torch)
        if form == "export" or (form == "auto" and has_export):
            try:
                return _program(module, inputs, torch)
            except Exception as failure:
                if form == "export":
                    raise ModelError(
                        f"torch.export cannot follow the network: {_line(failure)}"
                    ) from failure
        try:
            return _traced(module, inputs, torch)
        except Exception as failure:
            raise ModelError(
                f"torch.jit.trace cannot follow the network: {_line(failure)}"
            ) from failure


def _line(failure: Exception) -> str:
    text = str(failure).strip()
    return text.splitlines()[0] if text else type(failure).__name__


@contextlib.contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """Evaluation mode for the length of a block, and then what each submodule had."""
    before = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


def _example_of(example: Any, device: Any, torch: Any) -> Any:
    """Two inputs: torch.export takes a size of 1 for a constant."""
    if isinstance(example, (tuple, list)) and all(isinstance(side, int) for side in example):
        example = torch.zeros(tuple(example))
    elif not isinstance(example, torch.Tensor):
        example = torch.from_numpy(np.ascontiguousarray(example))
    example = example.detach().to(device)
    if example.dim() in (2, 3):
        example = example[None]
    if example.dim() not in (3, 4, 5):
        raise ArgumentError(f"an example of {example.dim()} dimensions, not [N,C,H,W] or [C,H,W]")
    return torch.cat([example[:1]] * 2)


def _program(module: Any, inputs: Any, torch: Any) -> bytes:
    """The number of inputs is dynamic; where the network fixes it, it is one."""
    batch = torch.export.Dim("batch", min=1, max=_MOST_ROWS)
    try:
        program = torch.export.export(module, (inputs,), dynamic_shapes=({0: batch},))
    except Exception:
        program = torch.export.export(module, (inputs[:1],))
    content = io.BytesIO()
    torch.export.save(program, content)
    return content.getvalue()


def _traced(module: Any, inputs: Any, torch: Any) -> bytes:
    traced = torch.jit.trace(module, inputs[:1], check_trace=False)
    for other in (torch.zeros_like(inputs), torch.randn_like(inputs), -torch.rand_like(inputs)):
        if not _agree(traced(other), module(other), torch):
            raise ValueError(
                "what it computes depends on values or on their number; use torch.jit "
                "with form='script'"
            )
    content = io.BytesIO()
    torch.jit.save(traced, content)
    return content.getvalue()


def _agree(own: Any, other: Any, torch: Any) -> bool:
    """Whether two outputs, tensors or nested tuples of them, are the same up to rounding."""
    if isinstance(own, torch.Tensor):
        return own.shape == other.shape and torch.allclose(own, other, 1e-3, 1e-4, equal_nan=True)
    if isinstance(own, dict):
        return all(_agree(own[name], other[name], torch) for name in own)
    if isinstance(own, (tuple, list)):
        return all(_agree(left, right, torch) for left, right in zip(own, other))
    return bool(own == other)


def _scripted(module: Any, torch: Any) -> bytes:
    try:
        scripted = torch.jit.script(module)
    except Exception as failure:
        raise ModelError(
            f"torch.jit.script cannot follow the network: {_line(failure)}"
        ) from failure
    content = io.BytesIO()
    torch.jit.save(scripted, content)
    return content.getvalue()
