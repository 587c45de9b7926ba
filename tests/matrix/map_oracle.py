"""Grad-CAM at every value of a network, by eager PyTorch's autograd."""

import numpy as np
import torch
from torch.overrides import TorchFunctionMode


class Recorder(TorchFunctionMode):
    """Keeps every tensor that an operation gives, with its gradient."""

    def __init__(self):
        super().__init__()
        self.values = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        output = function(*args, **(kwargs or {}))
        if isinstance(output, torch.Tensor) and output.requires_grad:
            output.retain_grad()
            self.values.append(output)
        return output


def grad_cam(activations, gradients):
    """Of [channels, ...]."""
    positions = tuple(range(1, activations.ndim))
    weights = gradients.mean(positions, keepdims=True)
    return np.maximum((weights * activations).sum(0), 0)


def maps_of(value, sides):
    """A value, [1,K,...], [1,...,K], [1,T,K], [T,1,K] or [1,K,T], as [K, sides]; None where it has
    none."""
    if value.ndim < 2:
        return None
    count = int(np.prod(sides))
    values = value.detach().double().numpy()
    array = values[:, 0] if values.ndim == 3 and values.shape[0] != 1 else values[0]
    if values.shape[0] != 1 and (values.ndim != 3 or values.shape[1] != 1):
        return None
    if array.shape[1:] == tuple(sides):
        return array
    if array.shape[:-1] == tuple(sides):
        return np.moveaxis(array, -1, 0)
    if array.ndim == 2 and array.shape[0] != count == array.shape[1]:
        return array.reshape(-1, *sides)
    if array.ndim == 2 and 0 <= array.shape[0] - count <= 8:
        return array[array.shape[0] - count :].T.reshape(-1, *sides)
    return None


def oracle_maps(network, example, sides, score):
    """Grad-CAM at every value of the network that has these sides."""
    with Recorder() as recorder:
        output = network(example.clone().requires_grad_())
    score(output).backward()
    found = []
    for value in recorder.values:
        if value.grad is None or maps_of(value, sides) is None:
            continue
        found.append(grad_cam(maps_of(value, sides), maps_of(value.grad, sides)))
    return found
