"""The networks of the matrix: torchvision's families with random weights, and difficult cases.

Without torchvision its families are left out. Every network is small, in evaluation mode, and gives
20 classes. Weights come from a fixed seed; batch norms have seen data, so that no layer is constant
or overflows.
"""

import importlib.util

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HAS_TORCHVISION = importlib.util.find_spec("torchvision") is not None
if HAS_TORCHVISION:
    from torchvision_import import torchvision

CLASSES = 20
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def small_classifier(features, hidden=64):
    """The classifier of VGG and AlexNet in miniature: theirs have a hundred million weights."""
    return nn.Sequential(
        nn.Linear(features, hidden),
        nn.ReLU(True),
        nn.Dropout(),
        nn.Linear(hidden, hidden),
        nn.ReLU(True),
        nn.Dropout(),
        nn.Linear(hidden, CLASSES),
    )


def vgg(name):
    network = getattr(torchvision.models, name)(
        weights=None, num_classes=CLASSES, init_weights=False
    )
    network.classifier = small_classifier(512 * 7 * 7)
    return network


def alexnet():
    network = torchvision.models.alexnet(weights=None, num_classes=CLASSES)
    network.classifier = small_classifier(256 * 6 * 6)
    return network


def torchvision_network(name, **options):
    return lambda: getattr(torchvision.models, name)(weights=None, num_classes=CLASSES, **options)


def vit():
    network = torchvision.models.VisionTransformer(
        64, 16, num_layers=2, num_heads=2, hidden_dim=24, mlp_dim=48, num_classes=CLASSES
    )
    nn.init.normal_(network.heads.head.weight)  # zeros by default
    return network


def swin():
    return torchvision.models.SwinTransformer(
        [4, 4], 12, [2, 2], [2, 3], [4, 4], num_classes=CLASSES
    )


def convnext():
    """With biases as training leaves them. torchvision's are zero, so that a masked region is zero
    up to rounding, which the norms after it make as large as the activations."""
    network = torchvision.models.convnext_tiny(weights=None, num_classes=CLASSES)
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter, 0.0, 0.1)
    return network


# name: (constructor, input size, or shape of what is no square image, default target)
FAMILIES = {
    "resnet18": (torchvision_network("resnet18"), 64, "layer4"),
    "resnet50": (torchvision_network("resnet50"), 64, "layer4"),
    "squeezenet1_0": (torchvision_network("squeezenet1_0"), 64, "features"),
    "squeezenet1_1": (torchvision_network("squeezenet1_1"), 64, "features"),
    "vgg11": (lambda: vgg("vgg11"), 64, "features.19"),
    "vgg11_bn": (lambda: vgg("vgg11_bn"), 64, "features.27"),
    "alexnet": (alexnet, 96, "features.11"),
    "mobilenet_v2": (torchvision_network("mobilenet_v2"), 64, "features"),
    "mobilenet_v3_small": (torchvision_network("mobilenet_v3_small"), 64, "features"),
    "mobilenet_v3_large": (torchvision_network("mobilenet_v3_large"), 64, "features"),
    "densenet121": (torchvision_network("densenet121"), 64, "relu"),
    "googlenet": (torchvision_network("googlenet", init_weights=False), 64, "inception5b"),
    "inception_v3": (torchvision_network("inception_v3", init_weights=False), 128, "Mixed_7c"),
    "efficientnet_b0": (torchvision_network("efficientnet_b0"), 64, "features"),
    "shufflenet_v2_x1_0": (torchvision_network("shufflenet_v2_x1_0"), 64, "conv5"),
    "mnasnet0_5": (torchvision_network("mnasnet0_5"), 64, "layers"),
    "regnet_y_400mf": (torchvision_network("regnet_y_400mf"), 64, "trunk_output"),
    "convnext_tiny": (convnext, 64, "features"),
    "mc3_18": (
        lambda: torchvision.models.video.mc3_18(weights=None, num_classes=CLASSES),
        (3, 4, 40, 40),
        "layer4",
    ),
    "vit": (vit, 64, "encoder.layers.encoder_layer_1.ln_1"),
    "swin": (swin, 64, "norm"),
}


class Classifier(nn.Module):
    """Stem and head that the constructed networks share."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 12, 3, stride=2, padding=1), nn.BatchNorm2d(12), nn.ReLU(inplace=True)
        )
        self.head = nn.Linear(12, CLASSES)

    def classify(self, x: Tensor) -> Tensor:
        return self.head(x.mean([2, 3]))


class InPlaceAfterTarget(Classifier):
    """The batch norm's output is overwritten at once; so is the convolution's input."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(12, 12, 3, padding=1)
        self.norm = nn.BatchNorm2d(12)
        self.act = nn.Hardswish(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(self.stem(x)))
        x = self.act(x)
        x += 1.0
        return self.classify(x)


class ReluTwice(Classifier):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(12, 12, 3, padding=1)
        self.second = nn.Conv2d(12, 12, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.first(self.stem(x)))
        return self.classify(self.relu(self.second(x)))


class ReluReused(Classifier):
    """The target's module is called again on a value that is not a feature map."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(12, 4, 3, padding=1)
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(3)
        self.hidden = nn.Linear(36, 12)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu(self.conv(self.stem(x))))
        return self.head(self.relu(self.hidden(x.flatten(1))))


class SkipAlias(Classifier):
    """The skip connection is the tensor that the ReLU changed in place."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(12, 12, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.after = nn.Conv2d(12, 12, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(self.stem(x))
        y = self.relu(x)
        return self.classify(self.after(y) + x)


class Functional(Classifier):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(12, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 12, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.first(self.stem(x)), inplace=True)
        x = F.dropout(F.relu(self.second(x)), training=self.training)
        return self.classify(F.max_pool2d(x, 2))


class Branch(Classifier):
    """The layer that runs depends on the data."""

    def __init__(self):
        super().__init__()
        self.bright = nn.Conv2d(12, 12, 3, padding=1)
        self.dark = nn.Conv2d(12, 12, 5, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        is_bright = x.mean() >= -10
        x = self.stem(x)
        x = F.relu(self.bright(x)) if is_bright else self.dark(x)
        return self.classify(F.avg_pool2d(x, 2))


class ChangesInBranch(Classifier):
    """Inside a branch, a module returns a tensor from outside of the branch, and an operation
    changes it in place."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(12, 12, 3, padding=1)
        self.identity = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(self.stem(x))
        if x.mean() < 1000:
            y = self.identity(x) * 2
            x.mul_(3)
        else:
            y = x
        return self.classify(F.relu(x + y))


class Loop(Classifier):
    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(12, 12, 3, padding=1)
        self.rounds = 3

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for i in range(self.rounds):
            x = torch.relu_(self.body(x)) + x * float(i)
        return self.classify(x)


class Choosy(nn.Module):
    """Control flow with an early return, below the top."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(12, 12, 3, padding=1)
        self.norm = nn.BatchNorm2d(12)

    def forward(self, x: Tensor, scale: float) -> Tensor:
        if scale < 0:
            return x
        for _ in range(2):
            x = self.norm(self.conv(x))
            if bool(x.abs().max() > 1e6):
                return x * scale
        return F.relu_(x)


class NestedControlFlow(Classifier):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Choosy(), Choosy()])

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x, 0.5) + x
        return self.classify(x)


class TupleOutput(Classifier):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(12, 12, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.conv(self.stem(x))
        return x, self.classify(x)


class DictOutput(Classifier):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(12, 12, 3, padding=1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = self.conv(self.stem(x))
        return {"features": x, "out": self.classify(x)}


class ListOutput(Classifier):
    def forward(self, x: Tensor) -> list[Tensor]:
        return [self.classify(self.stem(x))]


class UnpooledOutput(Classifier):
    """Fully convolutional: logits of shape [N, classes, 1, 1]."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(12, CLASSES, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(self.conv(self.stem(x)), 1)


class ChangesItsInput(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        x.sub_(0.5).div_(0.25)
        return self.classify(self.stem(x))


class ViewInPlace(Classifier):
    """A view of the target is changed in place, and the target with it."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(12, 12, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(self.stem(x))
        first = x[:, :6]
        first.mul_(3.0)
        return self.classify(F.relu(x))


class SharedModule(Classifier):
    """One module under two names."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(12, 12, 3, padding=1)
        self.second = self.first

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.second(torch.tanh(self.first(self.stem(x)))))


class DefaultArguments(Classifier):
    def forward(self, x: Tensor, scale: float = 2.0, extra: bool = False) -> Tensor:
        x = self.classify(self.stem(x)) * scale
        return x + 1.0 if extra else x


class IdentityTail(Classifier):
    """Modules after the target that return their input."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(12, 12, 3, padding=1)
        self.tail = nn.Sequential(nn.Identity(), nn.Dropout2d(0.5), nn.MaxPool2d(2))

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.tail(self.conv(self.stem(x))).contiguous())


class OneImageOnly(Classifier):
    """Works for batches of one only."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(12, 12, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(self.stem(x)).mean([2, 3])[:1].view(1, 12))


class DoublePrecision(Classifier):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(12, 12, 3, padding=1)
        self.double()

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.conv(self.stem(x)))


class Tokens(nn.Module):
    """One attention without norms: the patches are the last layer with positions."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 24, 16, stride=16)
        self.attention = nn.MultiheadAttention(24, 2, batch_first=True)
        self.head = nn.Linear(24, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        attended, _ = self.attention(x, x, x)
        return self.head((x + attended).mean(1))


class Sound(nn.Module):
    """Convolutions over time, with squeeze and excitation, as in networks for sound."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(2, 16, 9, stride=4, padding=4),
            nn.BatchNorm1d(16),
            nn.ReLU(),
            nn.Conv1d(16, 24, 5, stride=2, padding=2),
            nn.BatchNorm1d(24),
            nn.ReLU(),
        )
        self.squeeze = nn.Linear(24, 24)
        self.head = nn.Linear(24, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        x = x * torch.sigmoid(self.squeeze(x.mean(2)))[:, :, None]
        return self.head(F.adaptive_avg_pool1d(x, 1).flatten(1))


class SoundTokens(nn.Module):
    """Convolutions, then positions as tokens [1, T, K], which have the rank of a feature map
    [1, K, T] but are none."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv1d(2, 24, 16, stride=8), nn.ReLU())
        self.mix = nn.Linear(24, 24)
        self.norm = nn.LayerNorm(24)
        self.head = nn.Linear(24, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x).transpose(1, 2)
        x = self.norm(x + torch.relu(self.mix(x)))
        return self.head(x.mean(1))


class Video(nn.Module):
    """Convolutions over frames, rows and columns; pooling leaves fewer frames."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv3d(3, 12, 3, stride=(1, 2, 2), padding=1),
            nn.BatchNorm3d(12),
            nn.ReLU(inplace=True),
            nn.Conv3d(12, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.MaxPool3d((1, 2, 2)),
        )
        self.head = nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).mean((2, 3, 4)))


class Encoder(nn.Module):
    """PyTorch's own transformer blocks, whole fused operations in evaluation mode, in either order
    of norm and sum."""

    def __init__(self, norm_first):
        super().__init__()
        self.patches = nn.Conv2d(3, 24, 16, stride=16)
        self.blocks = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(
                    24, 2, 48, 0.1, F.gelu, batch_first=True, norm_first=norm_first
                )
                for _ in range(2)
            )
        )
        self.head = nn.Linear(24, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.patches(x).flatten(2).transpose(1, 2)).mean(1))


class Mixer(nn.Module):
    """Tokens without attention."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 24, 16, stride=16)
        self.between_places = nn.Linear(16, 16)
        self.between_channels = nn.Linear(24, 24)
        self.norm = nn.LayerNorm(24)
        self.head = nn.Linear(24, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2)
        x = (x + torch.tanh(self.between_places(x))).transpose(1, 2)
        return self.head(self.norm(x + torch.tanh(self.between_channels(x))).mean(1))


class NoPositions(nn.Module):
    """No layer is a map."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Flatten(), nn.Linear(3 * 32 * 32, 24), nn.ReLU(), nn.Linear(24, CLASSES)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class AttentionPool(Classifier):
    """Attention only pools the feature map, as in CLIP's ResNets; tokens have the batch
    second."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(12, 2)
        self.place = nn.Parameter(torch.randn(17, 1, 12) / 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(self.stem(x), 4).flatten(2).permute(2, 0, 1)
        x = torch.cat([x.mean(0, keepdim=True), x]) + self.place
        return self.head(self.attention(x[:1], x, x)[0][0])


# name: (constructor, input size or shape, default target, or None where there is none)
HAND_MADE = {
    "in_place_after_target": (InPlaceAfterTarget, 32, "add"),
    "relu_twice": (ReluTwice, 32, "relu"),
    "relu_reused": (ReluReused, 32, "relu.relu"),
    "skip_alias": (SkipAlias, 32, "add"),
    "functional": (Functional, 32, "relu_1"),
    "branch": (Branch, 32, "relu"),
    "changes_in_branch": (ChangesInBranch, 32, "relu"),
    "loop": (Loop, 32, "add"),
    "nested_control_flow": (NestedControlFlow, 32, "add_1"),
    "tuple_output": (TupleOutput, 32, "conv"),
    "dict_output": (DictOutput, 32, "conv"),
    "list_output": (ListOutput, 32, "stem"),
    "unpooled_output": (UnpooledOutput, 32, "stem"),
    "changes_its_input": (ChangesItsInput, 32, "stem"),
    "view_in_place": (ViewInPlace, 32, "relu"),
    "shared_module": (SharedModule, 32, "second"),
    "default_arguments": (DefaultArguments, 32, "stem"),
    "identity_tail": (IdentityTail, 32, "conv"),
    "one_image_only": (OneImageOnly, 32, "conv"),
    "double_precision": (DoublePrecision, 32, "conv"),
    "tokens": (Tokens, 64, "patches"),
    "encoder": (lambda: Encoder(True), 64, "blocks.1.norm1"),
    "encoder_norm_last": (lambda: Encoder(False), 64, "blocks.0"),
    "mixer": (Mixer, 64, "norm"),
    "attention_pool": (AttentionPool, 32, "stem"),
    "no_positions": (NoPositions, 32, None),
    "sound": (Sound, (2, 160), "mul"),
    "sound_tokens": (SoundTokens, (2, 160), "features"),
    "video": (Video, (3, 6, 24, 28), "features.4"),
}

# Not traced: tracing loses the data-dependent control flow that these test.
NOT_TRACEABLE = {
    "branch",
    "changes_in_branch",
    "loop",
    "nested_control_flow",
    "dict_output",
    "default_arguments",
}

NETWORKS = {**(FAMILIES if HAS_TORCHVISION else {}), **HAND_MADE}
# "frozen" keeps the arithmetic; "folded" is what torch.jit.freeze does by default:
# batch norms become part of the convolutions.
FORMS = ["scripted", "traced", "frozen", "folded"]
# Traced without gradients, attention is one fused operation.
FUSABLE = {"vit", "tokens", "encoder", "encoder_norm_last", "attention_pool"}


def forms_of(name):
    lost = set()
    if name in NOT_TRACEABLE:
        lost |= {"traced"}
    return [form for form in FORMS if form not in lost] + ["fused"] * (name in FUSABLE)


def shape_of(size):
    """[C,H,W] of what a table has for images, one number; of others the whole shape."""
    return size if isinstance(size, tuple) else (3, size, size)


def example_input(name, dtype=torch.float32):
    generator = torch.Generator().manual_seed(7)
    return torch.randn(1, *shape_of(NETWORKS[name][1]), generator=generator).to(dtype)


def dtype_of(network):
    return next(network.parameters()).dtype


def settle_batch_norms(network, size):
    """Statistics of real activations and uneven scales, as training would leave them."""
    for norm in network.modules():
        if isinstance(norm, BATCH_NORMS):
            norm.train()
            norm.momentum = None
            nn.init.uniform_(norm.weight, 0.7, 1.3)
            nn.init.normal_(norm.bias, 0.0, 0.2)
    with torch.no_grad():
        network(torch.randn(8, *shape_of(size), dtype=dtype_of(network)))


def build(name):
    torch.manual_seed(11)
    constructor, size, _ = NETWORKS[name]
    network = constructor().eval()
    if any(isinstance(module, BATCH_NORMS) for module in network.modules()):
        settle_batch_norms(network, size)
    return network.eval()


def export(network, name, form, example):
    """The network as a TorchScript module in one of FORMS."""

    def script():
        return torch.jit.script(network)

    def trace():
        return torch.jit.trace(network, example.clone(), check_trace=False, strict=False)

    if form == "frozen":
        return torch.jit.freeze(script(), optimize_numerics=False)
    if form == "folded":
        return torch.jit.freeze(script() if name in NOT_TRACEABLE else trace())
    if form == "fused":
        with torch.no_grad():
            return trace()
    return script() if form == "scripted" else trace()
