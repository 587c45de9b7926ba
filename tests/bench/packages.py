"""One interface to libsscam and the Python packages for class activation maps.

Needs a libsscam that was built with this Python's torch (its path in SSCAM_LIBRARY), and from PyPI:

    pip install torch==2.13.0 numpy pillow tqdm matplotlib scikit-learn opencv-python-headless ttach
    pip install --no-deps torchcam grad-cam captum torchvision
"""

import contextlib
import copy
import functools
import io
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import PIL.Image
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
import sscam


def import_torchvision():
    """torchvision's networks are Python alone; its compiled operators, which may want CUDA, are not
    needed."""
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
import captum
import captum.attr
import pytorch_grad_cam
import torchcam.methods
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

LAYERS = {
    "resnet18": "layer4",
    "squeezenet1_0": "features.12",
    "mobilenet_v2": "features",
    "vgg16": "features.30",
    "resnet34": "layer4",
}
EARLIER_LAYERS = {"resnet18": "layer3", "squeezenet1_0": "features.10"}


def weights_file(folder, name):
    files = sorted(Path(folder).glob(f"{name}*.pt"))
    if not files:
        sys.exit(f"{folder}: no {name}*.pt")
    return files[0]


def network_input(path):
    """[1,3,224,224]: resized to 256, cropped, normalised, as torchvision's networks were
    trained."""
    with PIL.Image.open(path) as opened:
        image = opened.convert("RGB")
    scale = 256 / min(image.size)
    image = image.resize(
        [round(side * scale) for side in image.size], PIL.Image.Resampling.BILINEAR
    )
    left, top = ((side - 224) // 2 for side in image.size)
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32) / 255
    pixels = (pixels - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None]


class Subject:
    """One network, eager and as a file, one input, one class."""

    def __init__(self, name, weights, folder):
        torch.manual_seed(1)
        self.name, self.layer = name, LAYERS[name]
        self.network = getattr(torchvision.models, name)(weights=None).eval()
        path = Path(folder) / f"{name}.pt"
        if weights:
            path = weights_file(weights, name)
            self.network.load_state_dict(torch.jit.load(str(path)).state_dict())
        for module in self.network.modules():
            if isinstance(module, torch.nn.ReLU):
                module.inplace = False  # the packages' hooks give wrong gradients otherwise
        if not weights:
            torch.jit.script(self.network).save(str(path))
        self.model = sscam.Model(path)
        smooth = torch.nn.functional.interpolate(
            torch.randn(1, 3, 7, 7), (224, 224), mode="bicubic"
        )
        self.show(smooth + 0.1 * torch.randn(1, 3, 224, 224))

    def show(self, tensor):
        """Sets the input, and its top class as the class."""
        self.input = tensor
        with torch.no_grad():
            self.class_index = int(self.network(self.input).argmax())

    def modules(self, layers):
        return [self.network.get_submodule(name) for name in layers or [self.layer]]

    # Each gives a function that explains what is shown when it is called.
    def by_sscam(self, method, layers=None, **options):
        explainer = sscam.Explainer(
            self.model, method, layer=",".join(layers or [self.layer]), **options
        )

        def run():
            return explainer.explain(self.input.numpy()[0], class_index=self.class_index)

        return run

    def by_torchcam(self, kind, layers=None, target=None, call=None, **options):
        """`target`: what the class's score becomes; `call`: further arguments of the extractor's
        call."""

        def run():
            where = {"target_layer": layers or self.layer, **options}
            with getattr(torchcam.methods, kind)(self.network, **where) as extractor:
                scores = self.network(self.input)
                what = (
                    {"targets": lambda output: target(output[self.class_index])}
                    if target
                    else {"class_idx": self.class_index}
                )
                maps = extractor(**what, scores=scores, **call or {})
                fused = extractor.fuse_cams(maps, (224, 224)) if layers else maps[0]
                return fused[0].detach().numpy()

        return run

    def by_pytorch_grad_cam(
        self, kind, layers=None, target=ClassifierOutputTarget, call=None, **options
    ):
        """`target`: class of the package's, called with the class, or None for none; `call`: as
        above."""

        def run():
            made = getattr(pytorch_grad_cam, kind)(
                model=self.network, target_layers=self.modules(layers), **options
            )
            with made as cam, contextlib.redirect_stderr(io.StringIO()):
                targets = target and [target(self.class_index)]
                return cam(input_tensor=self.input, targets=targets, **call or {})[0]

        return run

    def by_fast_grad_cam(self, form):
        """pytorch-grad-cam's Score-CAM whose masked inputs are scored by a faster form of the
        network, in the batch size that is best for it: what a user can build from the package."""

        @functools.cache  # not made for rows that are left out
        def prepared():
            network = FAST_FORMS[form](copy.deepcopy(self.network), self.input)
            return network, fastest_batch(network, self.input)

        def run():
            network, batch_size = prepared()
            made = pytorch_grad_cam.ScoreCAM(self.network, target_layers=self.modules(None))
            with made as cam, contextlib.redirect_stderr(io.StringIO()):
                cam.model, cam.batch_size = network, batch_size
                targets = [ClassifierOutputTarget(self.class_index)]
                return cam(input_tensor=self.input, targets=targets)[0]

        return run

    def by_captum(self, kind="LayerGradCam"):
        """ReLU of the sum of a layer's attributions over channels, in each class's own way."""

        def run():
            return CAPTUM[kind](self).detach().clamp(min=0).numpy()

        return run


def optimized_for_inference(network, example):
    """Traced, since scripted networks of torchvision call functions of Python."""
    with torch.no_grad():
        traced = torch.jit.trace(network, example.expand(2, -1, -1, -1))
    return torch.jit.optimize_for_inference(torch.jit.freeze(traced))


def compiled(network, _example):
    return torch.compile(network, options={"freezing": True})


FAST_FORMS = {"torch.compile": compiled, "optimize_for_inference": optimized_for_inference}


def fastest_batch(network, example):
    """The batch size whose inputs cost the least, of those that divide usual channel counts."""
    costs = {}
    with torch.no_grad():
        for size in (8, 16, 32, 64):
            batch = example.repeat(size, 1, 1, 1)
            for _ in range(2):  # compiles, then profiles
                network(batch)
            times = []
            for _ in range(3):
                start = time.perf_counter()
                network(batch)
                times.append(time.perf_counter() - start)
            costs[size] = min(times) / size
    return min(costs, key=costs.__getitem__)


def captum_grad_cam(subject):
    return captum.attr.LayerGradCam(subject.network, *subject.modules(None)).attribute(
        subject.input, target=subject.class_index
    )[0, 0]


def captum_gradient_x_activation(subject):
    return (
        captum.attr.LayerGradientXActivation(subject.network, *subject.modules(None))
        .attribute(subject.input, target=subject.class_index)[0]
        .sum(0)
    )


def captum_feature_ablation(subject):
    """What each channel takes from the score when it is zero, times the channel."""
    (module,) = subject.modules(None)
    activations = captum.attr.LayerActivation(subject.network, module).attribute(subject.input)
    channels = torch.arange(activations.shape[1])[None, :, None, None].expand_as(activations)
    drops = captum.attr.LayerFeatureAblation(subject.network, module).attribute(
        subject.input, target=subject.class_index, layer_mask=channels, perturbations_per_eval=16
    )
    return (drops[:, :, :1, :1] * activations)[0].sum(0)


CAPTUM = {
    "LayerGradCam": captum_grad_cam,
    "LayerGradientXActivation": captum_gradient_x_activation,
    "LayerFeatureAblation": captum_feature_ablation,
}


def normalised(values):
    values = values.ravel().astype(float)
    values = values - values.min()
    return values / values.max() if values.any() else values


def cosine(theirs, ours):
    """Of the maps in [0,1], at the layer's size or at the input's, whichever the package gives."""
    mine = ours.raw if theirs.shape == ours.raw.shape else ours.data
    a, b = normalised(theirs), normalised(mine)
    scale = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / scale) if scale else float("nan")


def surroundings():
    """One line: date, machine and versions."""
    cpu_lines = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next(
        (line.split(":")[1].strip() for line in cpu_lines if "model name" in line),
        platform.processor(),
    )
    return (
        f"{time.strftime('%Y-%m-%d')}; {processor}, {torch.get_num_threads()} threads; "
        f"torch {torch.__version__}, "
        f"torchcam {torchcam.__version__}, grad-cam {version('grad-cam')}, "
        f"captum {captum.__version__}; "
        f"libsscam {sscam.__version__}"
    )
