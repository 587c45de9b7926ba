"""The Python packages for class activation maps and libsscam, called alike.

Needs a libsscam that was built with this Python's torch (its path in SSCAM_LIBRARY), and from PyPI torchcam, grad-cam,
captum and torchvision.
"""

import contextlib
import io
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
import sscam  # noqa: E402


def import_torchvision():
    """torchvision's networks are Python alone; its compiled operators, which may want CUDA, are not needed."""
    try:
        import torchvision
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            with contextlib.suppress(RuntimeError):
                library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision
        torchvision.kept_alive = library
    return torchvision


torchvision = import_torchvision()
import captum  # noqa: E402
import captum.attr  # noqa: E402
import pytorch_grad_cam  # noqa: E402
import torchcam.methods  # noqa: E402
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget  # noqa: E402

LAYERS = {"resnet18": "layer4", "squeezenet1_0": "features.12", "mobilenet_v2": "features"}


def weights_file(folder, name):
    files = sorted(Path(folder).glob(f"{name}*.pt"))
    if not files:
        sys.exit(f"{folder}: no {name}*.pt")
    return files[0]


class Subject:
    """One network, eager and as a file, one input, one class."""

    def __init__(self, name, weights, folder):
        torch.manual_seed(1)
        self.name, self.layer = name, LAYERS[name]
        self.network = getattr(torchvision.models, name)(weights=None).eval()
        if weights:
            self.network.load_state_dict(torch.jit.load(str(weights_file(weights, name))).state_dict())
        for module in self.network.modules():
            if isinstance(module, torch.nn.ReLU):
                module.inplace = False  # the packages' hooks give wrong gradients otherwise
        path = Path(folder) / f"{name}.pt"
        torch.jit.script(self.network).save(str(path))
        self.model = sscam.Model(path)
        coarse = torch.randn(1, 3, 7, 7)
        self.input = torch.nn.functional.interpolate(coarse, (224, 224), mode="bicubic") + 0.1 * torch.randn(1, 3, 224, 224)
        self.target_module = self.network.get_submodule(self.layer)
        with torch.no_grad():
            self.class_index = int(self.network(self.input).argmax())

    # Each gives (map, whether it is of the layer's size).
    def by_sscam(self, method, **options):
        explainer = sscam.Explainer(self.model, method, layer=self.layer, **options)

        def run():
            return explainer.explain(self.input.numpy()[0], class_index=self.class_index)
        return run

    def by_torchcam(self, kind, **options):
        def run():
            with getattr(torchcam.methods, kind)(self.network, self.layer, **options) as extractor:
                scores = self.network(self.input)
                return extractor(self.class_index, scores)[0][0].detach().numpy()
        return run

    def by_pytorch_grad_cam(self, kind):
        def run():
            with getattr(pytorch_grad_cam, kind)(model=self.network, target_layers=[self.target_module]) as cam, \
                    contextlib.redirect_stderr(io.StringIO()):
                return cam(input_tensor=self.input, targets=[ClassifierOutputTarget(self.class_index)])[0]
        return run

    def by_captum(self):
        def run():
            found = captum.attr.LayerGradCam(self.network, self.target_module).attribute(
                self.input, target=self.class_index, relu_attributions=True)
            return found[0, 0].detach().numpy()
        return run


def normalised(values):
    values = values.ravel().astype(float)
    values = values - values.min()
    return values / values.max() if values.any() else values


def cosine(theirs, ours):
    """Of the maps in [0,1], at the layer's size or at the input's, whichever the peer gives."""
    mine = ours.raw if theirs.shape == ours.raw.shape else ours.data
    a, b = normalised(theirs), normalised(mine)
    scale = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / scale) if scale else float("nan")


def surroundings():
    """One line: when, on what, with which versions."""
    processor = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if "model name" in line),
                     platform.processor())
    return (f"{time.strftime('%Y-%m-%d')}; {processor}, {torch.get_num_threads()} threads; torch {torch.__version__}, "
            f"torchcam {torchcam.__version__}, grad-cam {version('grad-cam')}, captum {captum.__version__}; "
            f"libsscam {sscam.__version__}")
