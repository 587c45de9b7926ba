"""Networks as programs of torch.export: the families of networks.py and difficult cases.

Needs a torch that has torch.export. Every case is a function that gives a Case.
"""

import copy
import dataclasses
import math
import typing

import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional as F
from torch.utils import _pytree as pytree

import networks
from networks import CLASSES, Classifier

SIDE = 32


@dataclasses.dataclass
class Case:
    """What is exported, and what is expected of the file."""

    network: nn.Module
    example: Tensor | None = None  # a batch of one unless the program is dynamic
    dynamic: dict | None = None  # axes of the input that are dynamic
    decomposed: bool = False
    strict: bool = False
    reference: nn.Module | None = None  # the same for eager PyTorch, where that differs
    has_state: bool = False  # forward() changes it
    has_parts: bool = False  # operations of the program are parts of eager PyTorch's
    refused: tuple = ()  # shapes that it refuses, and words of the message
    limit: float = 1e-4  # relative difference to eager PyTorch


BATCH = {0: Dim("batch", min=1, max=512)}


def image(*shape, dtype=torch.float32):
    generator = torch.Generator().manual_seed(7)
    return torch.randn(*(shape or (1, 3, SIDE, SIDE)), generator=generator).to(dtype)


class ConvClassifier(Classifier):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(12, 12, 3, padding=1)

    def features(self, x: Tensor) -> Tensor:
        return F.relu(self.conv(self.stem(x)))

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.features(x))


def batched(network, **options):
    return lambda: Case(network(), image(2, 3, SIDE, SIDE), BATCH, **options)


def settle(network):
    """Statistics as training would leave them."""
    torch.manual_seed(13)
    for norm in network.modules():
        if isinstance(norm, networks.BATCH_NORMS):
            nn.init.uniform_(norm.running_mean, -0.2, 0.2)
            nn.init.uniform_(norm.running_var, 0.5, 1.5)
    return network.eval()


def with_reference(network, **differences):
    """The eager network has other attributes."""
    reference = copy.deepcopy(settle(network))
    for name, value in differences.items():
        setattr(reference, name, value)
    return Case(network, image(2, 3, SIDE, SIDE), BATCH, reference=reference)


# --- sizes ----------------------------------------------------------------------------------------


class Pyramid(ConvClassifier):
    """Sizes of the input decide those of an interpolation and of a pooling."""

    def forward(self, x: Tensor) -> Tensor:
        features = self.features(x)
        height, width = x.shape[2] // 4, x.shape[3] // 4
        small = F.adaptive_avg_pool2d(features, (height // 2, width // 2))
        return self.classify(features + F.interpolate(small, features.shape[2:], mode="nearest"))


class PositionsByArithmetic(nn.Module):
    """Tokens with a class token and positions: every kind of arithmetic with symbolic sizes."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 24, 8, stride=8)
        self.norm = nn.LayerNorm(24)
        self.attention = nn.MultiheadAttention(24, 2, batch_first=True)
        self.class_token = nn.Parameter(torch.randn(1, 1, 24))
        self.positions = nn.Parameter(torch.randn(1, 24, 6, 6))
        self.head = nn.Linear(24, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        x = self.patches(x)
        rows, columns = height // 8, (width + 7) // 8
        positions = F.interpolate(self.positions, (rows, columns), mode="bilinear")
        x = (x + positions).reshape(batch, 24, rows * columns).transpose(1, 2)
        x = x * math.sqrt(1.0 / 24) + torch.arange(rows * columns).view(1, -1, 1) / (rows * columns)
        x = self.norm(torch.cat([self.class_token.expand(batch, -1, -1), x], 1))
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return self.head(x[:, 1 : rows * columns + 1].sum(1) / max(rows * columns, 1))


def dynamic_sides():
    sides = {**BATCH, 2: 8 * Dim("rows", min=2, max=64), 3: 8 * Dim("columns", min=2, max=64)}
    return Case(Pyramid(), image(2, 3, 32, 48), sides)


def symbolic_arithmetic():
    sides = {**BATCH, 2: 8 * Dim("rows", min=2, max=64), 3: 8 * Dim("columns", min=2, max=64)}
    return Case(PositionsByArithmetic(), image(2, 3, 48, 32), sides, has_parts=True)


def fixed_size():
    other = [((1, 3, 40, 32), ("32", "40")), ((1, 1, 32, 32), ("3", "1"))]
    return Case(ConvClassifier(), refused=tuple(other))


def bounded_size():
    sides = {**BATCH, 2: Dim("height", min=24, max=40)}
    return Case(
        ConvClassifier(),
        image(2, 3, 32, 32),
        sides,
        refused=(((1, 3, 48, 32), ("40", "48")),),
    )


# --- state ----------------------------------------------------------------------------------------


class CountsCalls(ConvClassifier):
    """Buffers that forward() changes in place; the output depends on them."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))
        self.register_buffer("mean", torch.zeros(1, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        self.calls.add_(1)
        y = super().forward(x)
        self.mean.copy_(0.5 * self.mean + y.mean(0, keepdim=True))
        return y * self.calls + self.mean


class Constants(ConvClassifier):
    """Tensors made in forward(), held as attributes, and a buffer that no state dict has."""

    def __init__(self):
        super().__init__()
        self.attribute = torch.linspace(0.5, 1.5, 12).view(1, 12, 1, 1)
        self.register_buffer("scale", torch.linspace(1, 2, 12).view(1, 12, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        lifted = torch.tensor([0.25, 0.5, 0.75]).view(1, 3, 1, 1)
        mask = torch.ones(1, 1, 1, x.shape[3], device=x.device)
        x = self.features(x * lifted * mask) * self.attribute * self.scale
        return self.classify(x + torch.full_like(x, 0.125))


class Shared(Classifier):
    """One weight in two modules, and one module called twice."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(12, 12, 3, padding=1), nn.Conv2d(12, 12, 3, padding=1)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.first(self.stem(x)))
        return self.classify(torch.relu(self.second(torch.tanh(self.second(x)))))


class ViewsOfOneStorage(ConvClassifier):
    """Parameters and buffers that are parts, transposed and expanded views of one tensor."""

    def __init__(self):
        super().__init__()
        whole = torch.randn(2 * 12 * CLASSES + 40) / 4
        self.first = nn.Parameter(whole[40 : 40 + 12 * CLASSES].view(12, CLASSES).t())
        self.register_buffer("bias", whole[1 : 2 * CLASSES : 2])
        self.register_buffer("shift", whole[3:4].expand(12))
        self.register_buffer("steps", whole[:24].as_strided((12,), (2,)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x) + (self.shift + self.steps).view(1, 12, 1, 1)
        return F.linear(x.mean([2, 3]), self.first, self.bias)


# --- outputs --------------------------------------------------------------------------------------


@dataclasses.dataclass
class Outputs:
    hidden: Tensor
    logits: Tensor


class Named(typing.NamedTuple):
    hidden: Tensor
    logits: Tensor


class Structured(ConvClassifier):
    def __init__(self, make):
        super().__init__()
        self.make = make

    def forward(self, x: Tensor):
        x = self.features(x)
        return self.make(x, self.classify(x))


def structured(make):
    """The eager network returns the logits alone."""
    return lambda: with_reference(Structured(make), make=lambda _, logits: logits)


def dataclass_output():
    torch.export.register_dataclass(Outputs, serialized_type_name="sscam.Outputs")
    return structured(Outputs)()


def named_tuple_output():
    pytree._register_namedtuple(Named, serialized_type_name="sscam.Named")
    return structured(Named)()


# --- numbers --------------------------------------------------------------------------------------


class NoGradBody(ConvClassifier):
    """Its maps are those of the network that takes gradients everywhere."""

    trains_body = False

    def forward(self, x: Tensor) -> Tensor:
        with torch.set_grad_enabled(self.trains_body):
            x = self.features(x)
        return self.classify(x * 2.0)


class Autocast(ConvClassifier):
    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            x = self.features(x)
        return self.classify(x.float())


class WithoutAutocast(ConvClassifier):
    """Asks for full precision, as networks that are trained with mixed precision do."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        with torch.autocast("cpu", enabled=False):
            return self.classify(x.float())


class Casts(ConvClassifier):
    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.features(x).to(torch.float64).to(x.dtype))


def of_type(dtype):
    def make():
        exact = settle(ConvClassifier())
        network = copy.deepcopy(exact).to(dtype)
        return Case(network, image(dtype=dtype), reference=exact, limit=2e-2)

    return make


# --- control flow and changes in place ------------------------------------------------------------


class Condition(Classifier):
    by_torch = True

    def __init__(self):
        super().__init__()
        self.bright, self.dark = nn.Conv2d(12, 12, 3, padding=1), nn.Conv2d(12, 12, 1)

    def forward(self, x: Tensor) -> Tensor:
        choice = x.mean() > -10
        branches = [lambda x: torch.relu(self.bright(x)), lambda x: torch.relu(self.dark(x))]
        x = self.stem(x)
        if self.by_torch:
            x = torch.cond(choice, *branches, (x,))
        else:
            x = branches[0 if choice else 1](x)
        return self.classify(x)


class InPlace(ConvClassifier):
    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x).clone()
        x[:, :3] = 0.5
        x[:, 3:6] *= 2.0
        x.add_(0.25).clamp_(max=3.0)
        first = x[:, 6]
        first.mul_(3.0)
        return self.classify(F.hardswish(x, inplace=True))


class MaskedFill(ConvClassifier):
    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        x = x.masked_fill(x > 2.0, 2.0)
        x = torch.where(x > 0.5, x, x * 0.1)
        return self.classify(x.index_select(1, torch.arange(11, -1, -1)))


class ListArguments(ConvClassifier):
    """Operators with lists of tensors, several outputs, optional and keyword arguments."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        first, second, third = torch.split(x, [2, 4, 6], 1)
        rest, _ = torch.max(third, dim=1, keepdim=True)
        x = torch.cat([second, first, rest, third.flip(1)[:, :5]], 1)
        x = torch.stack(torch.chunk(x, 2, dim=1), 0).sum(0).repeat_interleave(2, dim=1)
        return self.classify(F.pad(x, (1, 1, 0, 2), value=0.1))


class Einsum(ConvClassifier):
    def __init__(self):
        super().__init__()
        self.mix = nn.Parameter(torch.randn(12, 12) / 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(torch.einsum("nchw,cd->ndhw", self.features(x), self.mix).sigmoid())


class KeywordOnly(ConvClassifier):
    """Further arguments with defaults, which become part of the program."""

    def forward(self, x: Tensor, scale: float = 2.0, *, names: tuple = ("a",), flag: bool = True):
        return self.classify(self.features(x)) * (scale if flag else 1.0)


def norms_of_all_kinds():
    class Norms(Classifier):
        def __init__(self):
            super().__init__()
            self.group, self.instance = nn.GroupNorm(3, 12), nn.InstanceNorm2d(12, affine=True)
            self.layer, self.prelu = nn.LayerNorm(12), nn.PReLU(12)
            self.conv = nn.ConvTranspose2d(12, 12, 2, stride=2)

        def forward(self, x):
            x = self.prelu(self.instance(self.group(self.conv(self.stem(x)))))
            x = self.layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            return self.classify(F.gelu(x, approximate="tanh") + F.silu(x) + F.mish(x))

    return batched(Norms)()


CASES = {
    "dynamic_sides": dynamic_sides,
    "symbolic_arithmetic": symbolic_arithmetic,
    "fixed_size": fixed_size,
    "bounded_size": bounded_size,
    "counts_calls": lambda: Case(CountsCalls(), has_state=True),
    "constants": batched(Constants),
    "shared_parameters": batched(Shared),
    "views_of_one_storage": batched(ViewsOfOneStorage),
    "tuple_output": structured(lambda *both: both),
    "named_tuple_output": named_tuple_output,
    "dict_output": structured(lambda x, y: {"hidden": x, "logits": y}),
    "nested_output": structured(lambda x, y: {"all": [x, (None, y)], "one": 1}),
    "dataclass_output": dataclass_output,
    "no_grad_body": lambda: with_reference(NoGradBody(), trains_body=True),
    "autocast": batched(Autocast, limit=2e-2),
    "without_autocast": batched(WithoutAutocast),
    "casts": batched(Casts),
    "float16": of_type(torch.float16),
    "bfloat16": of_type(torch.bfloat16),
    "float64": of_type(torch.float64),
    "condition": lambda: with_reference(Condition(), by_torch=False),
    "in_place": batched(InPlace),
    "in_place_decomposed": batched(InPlace, decomposed=True, has_parts=True),
    "masked_fill": batched(MaskedFill),
    "list_arguments": batched(ListArguments),
    "list_arguments_decomposed": batched(ListArguments, decomposed=True, has_parts=True),
    "einsum": batched(Einsum),
    "keyword_only": batched(KeywordOnly),
    "norms_of_all_kinds": norms_of_all_kinds,
    "strict": batched(ConvClassifier, strict=True),
}


def build(name):
    torch.manual_seed(11)
    case = CASES[name]()
    if case.reference is None:
        settle(case.network)
    return case


def example_of(case):
    return image() if case.example is None else case.example


def export(case, path):
    program = torch.export.export(
        case.network,
        (example_of(case),),
        dynamic_shapes=(case.dynamic,) if case.dynamic else None,
        strict=case.strict,
    )
    if case.decomposed:
        program = program.run_decompositions()
    torch.export.save(program, path)


# --- the networks of networks.py ------------------------------------------------------------------

FORMS = ["exported", "exported_dynamic", "decomposed"]
# torch.export follows no control flow that depends on data.
NOT_EXPORTABLE = {"branch", "changes_in_branch", "nested_control_flow"}
# Whose sizes are those of one image.
ONE_IMAGE_ONLY = {"one_image_only"}


def forms_of(name):
    if name in NOT_EXPORTABLE:
        return []
    return ["exported"] if name in ONE_IMAGE_ONLY else FORMS


def as_case(name, form):
    network = networks.build(name)
    example = networks.example_input(name, networks.dtype_of(network))
    has_parts = form == "decomposed" or name in networks.FUSABLE
    if form == "exported":
        return Case(network, example=example, has_parts=has_parts)
    return Case(
        network,
        example=example.repeat(2, *[1] * (example.dim() - 1)),
        dynamic=BATCH,
        decomposed=form == "decomposed",
        has_parts=has_parts,
    )
