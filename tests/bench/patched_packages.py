"""The packages' own code, changed only where it differs from the publications or from libsscam.

Each function is a context manager; inside it, the package runs the changed source. All other code
stays the package's. If a version of a package no longer contains the text to be replaced, the run
stops: then check whether the patch is still needed.
"""

import contextlib
import inspect
import sys
import textwrap
from pathlib import Path
from unittest import mock

import pytorch_grad_cam.base_cam
import pytorch_grad_cam.utils.svd_on_activations as svd
import torch
import torchcam.methods

import packages  # noqa: F401 # first: see there

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracles"))
from philox import noise

DENOMINATOR = (
    "(g3 * act).flatten(2).sum(-1)[",
    "g3 * act.flatten(2).sum(-1)[",
)  # of Grad-CAM++'s alpha
PROJECTING = [
    "base_cam",
    "eigen_cam",
    "eigen_grad_cam",
    "layer_cam",
    "hirescam",
    "grad_cam_elementwise",
]


def rewritten(function, *changes):
    """The function, compiled anew from its source in which each (old, new) text is replaced."""
    source = textwrap.dedent(inspect.getsource(function))
    for old, new in changes:
        if source.count(old) != 1:
            sys.exit(
                f"{function.__qualname__}: no {old!r} in this version of the package: "
                "nothing to patch?"
            )
        source = source.replace(old, new)
    scope = {}
    code = compile(
        f"from __future__ import annotations\n{source}", inspect.getsourcefile(function), "exec"
    )
    # The package's own text, in its own module.
    exec(code, inspect.unwrap(function).__globals__, scope)
    return scope[function.__name__]


def changed(owner, name, *changes):
    return mock.patch.object(owner, name, rewritten(getattr(owner, name), *changes))


class LibraryNoise:
    """Replaces torch-cam's normal distribution; draws libsscam's noise of seed 0."""

    def __init__(self, mean, deviation):
        self.deviation = deviation
        self.drawn = 0

    def planes(self, size):
        """(channel, number of values) of each plane of noise: SS-CAM's, one a channel of the
        layer."""
        return [(channel, size[2] * size[3]) for channel in range(size[1])]

    def sample(self, size):
        values = [
            torch.from_numpy(noise(0, channel, self.drawn, 0, count)).float()
            for channel, count in self.planes(size)
        ]
        self.drawn += 1
        return self.deviation * torch.cat(values).reshape(size)


class LibraryInputNoise(LibraryNoise):
    """That of Smooth Grad-CAM++: one plane for all colours of the input."""

    def planes(self, size):
        return [(0, size.numel())]


def library_noise():
    return mock.patch.object(torch.distributions.normal, "Normal", LibraryNoise)


def torchcam_cam():
    """ReLU of the sum."""
    return changed(torchcam.methods.CAM, "compute_cams", ("if self._relu:", "if True:"))


def torchcam_grad_cam_pp():
    """Divides alpha itself, not a copy; by the sum over the activations alone, multiplied by
    g^3."""
    return changed(
        torchcam.methods.GradCAMpp,
        "_get_weights",
        DENOMINATOR,
        ("alpha[idx][mask].div_(d[mask] + eps)", "alpha[idx][mask] /= d[mask] + eps"),
    )


def torchcam_is_cam():
    """Steps i/N, not the sums of the steps so far."""
    return changed(
        torchcam.methods.ISCAM,
        "_get_score_weights",
        ("coeff += (sidx + 1) / self.num_samples", "coeff = (sidx + 1) / self.num_samples"),
    )


@contextlib.contextmanager
def torchcam_smooth_grad_cam_pp():
    """Grad-CAM++'s denominator; the mean gradient, not the last sample's; the input's own
    activations, not the last noisy one's; libsscam's noise."""
    last = "return [a.mul_(torch.relu(grad)).flatten(2).sum(-1) for a, grad in zip(alpha, "
    summed = (
        "grad_1 = [g + (grad_1[n] if _idx else 0) for n, g in enumerate(self.hook_g)]\n        "
    )
    with (
        changed(
            torchcam.methods.SmoothGradCAMpp,
            "_compute_smoothgrad_weights",
            DENOMINATOR,
            ("# Sum partial derivatives", f"{summed}    #"),
            (f"{last}self.hook_g", f"self.hook_a = init_fmap\n    {last}grad_1"),
        ),
        mock.patch.object(torch.distributions.normal, "Normal", LibraryInputNoise),
    ):
        yield


@contextlib.contextmanager
def torchcam_fusion():
    """Maps are scaled to [0,1] after upsampling; no tanh is applied to LayerCAM's."""

    def scaled(cams):
        return [torchcam.methods.GradCAM._normalize(upsampled(cam)) for cam in cams]

    def upsampled(cam):
        return torch.nn.functional.interpolate(cam[:, None], (224, 224), mode="bilinear")[:, 0]

    with (
        mock.patch.object(torchcam.methods.GradCAM, "_scale_cams", staticmethod(scaled)),
        mock.patch.object(torchcam.methods.LayerCAM, "_scale_cams", staticmethod(scaled)),
    ):
        yield


def grad_cam_grad_cam_pp():
    """Nothing is added to alpha's denominator."""
    return changed(
        pytorch_grad_cam.GradCAMPlusPlus, "get_cam_weights", ("eps = 0.000001", "eps = 0.0")
    )


@contextlib.contextmanager
def grad_cam_sign():
    """Of v and -v the one whose sum is positive."""
    projection = rewritten(
        svd.get_2d_projection, ("VT[0, :]", "VT[0, :] * np.sign(VT[0, :].sum())")
    )
    with contextlib.ExitStack() as stack:
        for name in PROJECTING:
            stack.enter_context(
                mock.patch(f"pytorch_grad_cam.{name}.get_2d_projection", projection)
            )
        yield


def grad_cam_fusion():
    """Maps are scaled to [0,1] after upsampling, too."""
    scale = pytorch_grad_cam.base_cam.scale_cam_image
    return mock.patch.object(
        pytorch_grad_cam.base_cam, "scale_cam_image", lambda cam, size=None: scale(scale(cam, size))
    )
