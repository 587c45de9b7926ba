"""Networks for the oracles: their activations, gradients and scores by eager PyTorch."""

from typing import NamedTuple

import numpy as np
import torch
import torchvision
from torch import nn

from cams import Capture


class ChannelsFirst:
    """A layer with output [1,K,h,w]."""

    channel_axis = 1

    def maps(self, values):
        """[K,h,w] of the layer's output."""
        return values[0]


class ChannelsLast:
    """A layer with output [1,h,w,K]."""

    channel_axis = 3

    def maps(self, values):
        return np.moveaxis(values[0], -1, 0)


class Tokens:
    """A layer with output [1,T,K], [T,1,K] or [1,K,T]: `extra` tokens, then those of the grid row
    by row."""

    def __init__(self, grid, extra, axes=(1, 2)):
        self.grid, self.extra = grid, extra
        self.token_axis, self.channel_axis = axes

    def maps(self, values):
        by_channel = np.moveaxis(values, (self.channel_axis, self.token_axis), (0, -1))
        return by_channel.reshape(by_channel.shape[0], -1)[:, self.extra :].reshape(-1, *self.grid)


class Network:
    """A module and one of its layers, by name.

    `double` runs it in float64, where it is cheap enough to take the network's own rounding away.
    """

    def __init__(self, module, layer, linear=None, double=False, order=None):
        self.module = module.eval().to(torch.float64 if double else torch.float32)
        self.layer = layer
        self.linear = linear  # name of the linear layer, when pooling and it alone follow
        self.dtype = torch.float64 if double else torch.float32
        self.order = order or ChannelsFirst()

    def _input(self, batch):
        return torch.from_numpy(np.ascontiguousarray(batch)).to(self.dtype)

    def forward(self, batch):
        """Raw logits of float32 [N,C,H,W]."""
        with torch.no_grad():
            return self.module(self._input(batch)).numpy()

    def capture(self, image, class_index):
        """A and dY/dA of one image [C,H,W].

        The layer's output is replaced by a copy, whose source is the leaf: a ReLU that works in
        place on what follows then changes the copy and neither A nor the leaf.
        """
        leaves = []

        def cut(_module, _inputs, output):
            leaves.append(output.detach().clone().requires_grad_())
            return leaves[-1].clone()

        hook = self.module.get_submodule(self.layer).register_forward_hook(cut)
        try:
            logits = self.module(self._input(image[None]))[0]
        finally:
            hook.remove()
        leaf = leaves[-1]
        (gradients,) = torch.autograd.grad(logits[class_index], leaf)
        weights = None
        if self.linear:
            weights = self.module.get_submodule(self.linear).weight.detach().numpy()
        return Capture(
            self.order.maps(leaf.detach().numpy()),
            self.order.maps(gradients.numpy()),
            logits.detach().numpy(),
            weights,
        )

    def without_channel(self, image, channel):
        """Logits with one of the layer's channels set to zero."""

        def silence(_module, _inputs, output):
            output = output.clone()
            output.select(self.order.channel_axis, channel).zero_()
            return output

        hook = self.module.get_submodule(self.layer).register_forward_hook(silence)
        try:
            return self.forward(image[None])[0]
        finally:
            hook.remove()


class Targeted(nn.Module):
    """A network whose output `class_index` is that of option `target`. Its layers are named below
    `network`."""

    def __init__(self, network, target, class_index, other=None):
        super().__init__()
        self.network = network
        self.target, self.class_index, self.other = target, class_index, other

    def forward(self, x):
        logits = self.network(x)
        explained = -logits[:, self.class_index]
        if self.target == "difference":
            explained = -explained - logits[:, self.other]
        return torch.cat(
            [logits[:, : self.class_index], explained[:, None], logits[:, self.class_index + 1 :]],
            dim=1,
        )


class TwoHeads(nn.Module):
    """A tiny network with another linear layer."""

    def __init__(self, network):
        super().__init__()
        self.features, self.classifier = network.features, network.classifier
        self.aux = nn.Linear(8, 4)
        with torch.no_grad():
            self.aux.weight *= 9


class OneHead(nn.Module):
    """One output of TwoHeads."""

    def __init__(self, network, position):
        super().__init__()
        self.network, self.position = network, position

    def forward(self, x):
        found = self.network(x)
        return (list(found.values()) if isinstance(found, dict) else found)[self.position]


class DictOfTensors(TwoHeads):
    def forward(self, x):
        pooled = self.features(x).mean(dim=(2, 3))
        return {"out": self.classifier(pooled), "aux": self.aux(pooled)}


class Heads(NamedTuple):
    out: torch.Tensor
    aux: torch.Tensor


class NamedTupleOfTensors(TwoHeads):
    def forward(self, x):
        pooled = self.features(x).mean(dim=(2, 3))
        return Heads(self.classifier(pooled), self.aux(pooled))


class TupleOfTensors(TwoHeads):
    def forward(self, x):
        pooled = self.features(x).mean(dim=(2, 3))
        return self.classifier(pooled), self.aux(pooled)


class Reduced(nn.Module):
    """A classifier made of a segmentation network: the mean or the sum over fixed positions of
    logits, softmax or sigmoid. Its layers are named below `network`."""

    def __init__(self, network, positions, kind="logit", reduction="mean", key="out"):
        super().__init__()
        self.network, self.kind, self.reduction, self.key = network, kind, reduction, key
        self.positions = torch.from_numpy(np.asarray(positions, bool))

    def forward(self, x):
        found = self.network(x)
        found = found[self.key] if isinstance(found, dict) else found
        if self.kind != "logit":
            found = found.sigmoid() if self.kind == "sigmoid" else found.softmax(dim=1)
        chosen = found[:, :, self.positions]
        return chosen.sum(dim=2) if self.reduction == "sum" else chosen.mean(dim=2)


class ScriptedNetwork(Network):
    """A TorchScript file without an eager version, with `features` (the target), pooling and
    `classifier`. Scripted modules have no hooks, so its children are called in turn."""

    def __init__(self, path):
        super().__init__(torch.jit.load(str(path)), "features", "classifier")

    def capture(self, image, class_index):
        before = getattr(self.module, "preprocess", nn.Identity())
        with torch.no_grad():
            features = self.module.features(before(self._input(image[None])))
        leaf = features.clone().requires_grad_()
        logits = self.module.classifier(leaf.mean(dim=(2, 3)))[0]
        (gradients,) = torch.autograd.grad(logits[class_index], leaf)
        return Capture(
            leaf[0].detach().numpy(),
            gradients[0].numpy(),
            logits.detach().numpy(),
            self.module.classifier.weight.detach().numpy(),
        )

    def without_channel(self, image, channel):
        before = getattr(self.module, "preprocess", nn.Identity())
        with torch.no_grad():
            features = self.module.features(before(self._input(image[None]))).clone()
            features[:, channel] = 0
            return self.module.classifier(features.mean(dim=(2, 3)))[0].numpy()


# ----------------------------------------------------------------------------------- the networks


class TinyNet(nn.Module):
    """A few channels, so that hundreds of passes are cheap, constant and equal ones among them.

    `features.2` is a convolution (negative values too) that an in-place ReLU overwrites; of its
    channels, CONSTANT are constant and TWIN repeats an earlier one. Pooling and a linear layer
    follow `features`; with `curved_head` a convolution comes between, which makes gradients vary in
    space.
    """

    CHANNELS = 8
    CONSTANT = {2: 0.75, 5: -0.5}  # channel: its value
    TWIN = {6: 1}  # channel: the one that it repeats

    def __init__(self, classes=5, curved_head=False):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 6, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(6, self.CHANNELS, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
        )
        self.head = nn.Sequential()
        if curved_head:
            self.head = nn.Sequential(nn.Conv2d(self.CHANNELS, 8, 3), nn.Tanh())
        self.classifier = nn.Linear(8, classes)
        with torch.no_grad():
            # Large weights, so that masking changes logits by much more than any tolerance.
            for layer in self.modules():
                if isinstance(layer, (nn.Conv2d, nn.Linear)):
                    nn.init.kaiming_normal_(layer.weight)
            self.classifier.weight *= 3
            last = self.features[2]
            for channel, value in self.CONSTANT.items():
                last.weight[channel] = 0
                last.bias[channel] = value
            for channel, original in self.TWIN.items():
                last.weight[channel] = last.weight[original]
                last.bias[channel] = last.bias[original]

    def forward(self, x):
        x = self.head(self.features(x))
        return self.classifier(x.mean(dim=(2, 3)))


class Segments(NamedTuple):
    aux: torch.Tensor
    out: torch.Tensor


class TinySegments(nn.Module):
    """Class maps of a tiny network, upsampled to the input's size as torchvision's are, or coarse.
    A second head, which is not returned here, is of other classes."""

    def __init__(self, classes=5, coarse=False):
        super().__init__()
        self.features = TinyNet().features
        self.head = nn.Conv2d(TinyNet.CHANNELS, classes, 3, padding=1)
        self.aux = nn.Conv2d(TinyNet.CHANNELS, 3, 1)
        self.coarse = coarse
        with torch.no_grad():
            self.head.weight *= 6
            self.head.bias *= 0

    def segments(self, x) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.features(x)
        found, aux = torch.tanh(self.head(features)) * 3, self.aux(features)
        if not self.coarse:
            found = nn.functional.interpolate(
                found, size=x.shape[-2:], mode="bilinear", align_corners=False
            )
        return found, aux

    def forward(self, x):
        return self.segments(x)[0]


class SegmentsInDict(TinySegments):
    def forward(self, x):
        found, aux = self.segments(x)
        return {"out": found, "aux": aux}


class SegmentsInTuple(TinySegments):
    def forward(self, x):
        found, aux = self.segments(x)
        return Segments(aux, found)


def tiny(classes=5, curved_head=False, seed=7):
    torch.manual_seed(seed)
    return TinyNet(classes, curved_head)


def randomised(name, input_size, seed=3):
    """A torchvision classifier with random weights through which signals pass."""
    return shaken(getattr(torchvision.models, name), input_size, seed, weights=None)


def shaken(make, input_size, seed=3, **arguments):
    """A network that torchvision makes, with random weights through which signals pass.

    torchvision's own initial weights make logits that hardly depend on the input. Batch norm takes
    the statistics of random inputs, then each of its numbers is shaken; with wider weights of norms
    rounding grows a thousandfold from layer to layer, and no two releases of libtorch agree.
    """
    torch.manual_seed(seed)
    module = make(**arguments)
    norms = [norm for norm in module.modules() if isinstance(norm, nn.BatchNorm2d)]
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight)
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        module.train()(torch.from_numpy(random_input((8, 3, *input_size), seed)))
        for norm in norms:
            norm.running_var *= torch.empty_like(norm.running_var).uniform_(0.5, 1.5)
            norm.weight.uniform_(0.4, 1.2)
            norm.bias.normal_(0.1, 0.1)
    return module.eval()


def segmenting(name, input_size, classes=5, seed=3):
    """One of torchvision's segmentation networks with random weights, which predicts every class
    somewhere in random inputs."""
    module = shaken(
        getattr(torchvision.models.segmentation, name),
        input_size,
        seed,
        weights=None,
        weights_backbone=None,
        num_classes=classes,
    )
    *_, last = (layer for layer in module.classifier.modules() if isinstance(layer, nn.Conv2d))
    with torch.no_grad():
        output = module(torch.from_numpy(random_input((1, 3, *input_size), seed)))["out"]
        last.bias -= output.mean(dim=(0, 2, 3))
    return module


def shared(path):
    """The eager torchvision model that a shared TorchScript file was made from."""
    name = "resnet18" if "resnet18" in path.name else path.stem
    module = getattr(torchvision.models, name)(weights=None)
    module.load_state_dict(torch.jit.load(str(path)).state_dict())
    return module


def random_input(shape, seed=11):
    """A float32 input with structure at several scales, about as large as a normalised image."""
    rng = np.random.default_rng(seed)
    count, channels, height, width = shape
    coarse = torch.from_numpy(rng.standard_normal((count, channels, 4, 5)))
    smooth = nn.functional.interpolate(coarse, (height, width), mode="bicubic").numpy()
    return np.float32(1.5 * smooth + 0.3 * rng.standard_normal(shape))
