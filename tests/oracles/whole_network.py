"""FullGrad and Opti-CAM, which take gradients of a whole network, by eager PyTorch."""

import numpy as np
import torch
from torch import nn

from cams import upsample


def full_gradients(network, image, value_of):
    """X0 dY/dX0, and the gradients by the outputs of layers with a bias times it; and Y.
    `value_of` runs the network on an input and takes Y from its outputs."""
    outputs, hooks = [], []

    def keep(module, _, output):
        outputs.append((module, output))
        return output.clone()

    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.BatchNorm2d)):
            hooks.append(module.register_forward_hook(keep))
    leaf = torch.from_numpy(np.float64(image)).requires_grad_(True)
    value = value_of(leaf)
    by = [leaf, *(output for _, output in outputs)]
    gradients = torch.autograd.grad(value, by, allow_unused=True)
    for hook in hooks:
        hook.remove()
    parts = [leaf * gradients[0]]
    for (module, _), gradient in zip(outputs, gradients[1:]):
        bias = module.bias
        if isinstance(module, nn.BatchNorm2d):
            deviation = (module.running_var + module.eps).sqrt()
            bias = bias - module.running_mean * module.weight / deviation
        if bias is not None and gradient is not None:
            parts.append(bias[:, None, None] * gradient)
    return [part.detach().numpy()[0] for part in parts], value.item()


def psi(part, size, rescale, aligned):
    """|.|, scaled to [0, 1] and upsampled, summed over channels."""
    part = np.abs(part)
    axes = (0, 1, 2) if rescale == "layer" else (1, 2)
    epsilon = {"channel": 0, "layer": 1e-6, "channel_epsilon": 1e-7}[rescale]
    lowest = part.min(axes, keepdims=True)
    span = np.broadcast_to(part.max(axes, keepdims=True) - lowest + epsilon, part.shape)
    scaled = np.divide(part - lowest, span, out=np.zeros_like(part), where=span > 0)
    return upsample(scaled.sum(0), size, aligned)


def opti_cam(activations, inputs, value_of, iterations, rate=0.1):
    """The map [H,W] in [0,1] of Zhang et al. 2023, by autograd and PyTorch's Adam. activations
    [K,h,w] and inputs [1,C,H,W] are tensors of float64; `value_of` is of a masked input."""
    logits = torch.zeros(len(activations), dtype=torch.double, requires_grad=True)
    optimiser = torch.optim.Adam([logits], lr=rate)

    def heat():
        total = (torch.softmax(logits, 0)[:, None, None] * activations).sum(0)
        large = nn.functional.interpolate(
            total[None, None], inputs.shape[2:], mode="bilinear", align_corners=False
        )[0, 0]
        return (large - large.min()) / (large.max() - large.min())

    for _ in range(iterations):
        optimiser.zero_grad()
        (-value_of(inputs * heat())).backward()
        optimiser.step()
    return heat().detach().numpy()
