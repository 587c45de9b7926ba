"""Networks that use what torch.export treats in a way of its own, one construct each."""

import dataclasses

import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional as F
from torch.nn.utils import parametrizations

import program_networks
from networks import CLASSES, Classifier
from program_networks import BATCH, Case, ConvClassifier, batched, image, settle, with_reference

SIDES = {**BATCH, 2: Dim.AUTO, 3: Dim.AUTO}


def resizable(network, **options):
    return lambda: Case(network(), image(2, 3, 32, 48), SIDES, **options)


# --- sizes ----------------------------------------------------------------------------------------


class ChoosesBySize(ConvClassifier):
    """The program has one of the ways; sizes of the other one are refused."""

    def forward(self, x: Tensor) -> Tensor:
        x = x * (2.0 if x.shape[2] <= x.shape[3] else 3.0)
        x = self.features(x)
        return self.classify(x + 1 if x.shape[2] * x.shape[3] > 200 else x)


class Windows(ConvClassifier):
    """Attention in windows of 6, to whose multiple the map is padded."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(12, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x).permute(0, 2, 3, 1)
        batch, height, width, channels = x.shape
        x = F.pad(x, (0, 0, 0, -width % 6, 0, -height % 6))
        rows, columns = x.shape[1] // 6, x.shape[2] // 6
        x = torch.roll(x, (-3, -3), (1, 2))
        x = x.view(batch, rows, 6, columns, 6, channels).transpose(2, 3)
        x = x.reshape(batch * rows * columns, 36, channels)
        x = x + self.attention(x, x, x)[0]
        x = x.view(batch, rows, columns, 6, 6, channels).transpose(2, 3)
        x = x.reshape(batch, rows * 6, columns * 6, channels)[:, :height, :width]
        return self.classify(x.permute(0, 3, 1, 2))


class SizesAsNumbers(ConvClassifier):
    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        grid = torch.stack(
            torch.meshgrid(
                torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij"
            )
        )
        x = x + grid.mean(0) * (height / width) + float(height) ** 0.5 / 8
        x = self.features(x) / torch.tensor(height * width).sqrt()
        return self.classify(x * (height % 7 + min(height, width)))


class Checked(ConvClassifier):
    def forward(self, x: Tensor) -> Tensor:
        torch._check(x.shape[3] % 4 == 0)
        torch._check(x.shape[2] != 36)
        x = self.features(x)
        torch._assert_async(x.amax() < 1000, "activations below 1000")
        return self.classify(x)


class DependsOnCounts(ConvClassifier):
    """A size that the values decide."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        count = (x > 0).sum().item()
        torch._check(count >= 2)
        torch._check(count <= 100000)
        high = torch.masked_select(x, x > 0.5)
        return self.classify(x) * (count / 1000.0) + high.sum() / 1000


# --- numbers --------------------------------------------------------------------------------------


class ReducedAttention(nn.Module):
    """Softmax in float32 in a network of another type, as transformers write it."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 24, 8, stride=8)
        self.norm = nn.LayerNorm(24)
        self.qkv = nn.Linear(24, 72)
        self.head = nn.Linear(24, CLASSES)
        self.register_buffer("scale", torch.tensor(0.5))

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        q, k, v = self.qkv(self.norm(x)).chunk(3, -1)
        attention = torch.softmax(q @ k.transpose(1, 2) * self.scale, -1, dtype=torch.float32)
        x = x + attention.to(v.dtype) @ v
        x = self.norm(x.float().to(x.dtype))
        return self.head(x.mean(1))


def reduced(network, dtype):
    def make():
        exact = settle(network())
        converted = program_networks.copy.deepcopy(exact).to(dtype)
        return Case(converted, image(dtype=dtype), reference=exact, limit=3e-2)

    return make


class AutocastInNoGrad(ConvClassifier):
    by_parts = True

    def forward(self, x: Tensor) -> Tensor:
        if not self.by_parts:
            x = self.features(x)
            return self.classify(x + torch.tanh(x))
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            x = self.features(x)
            with torch.autocast("cpu", enabled=False):
                y = torch.tanh(x.float())
        with torch.enable_grad():
            return self.classify(x.float() + y)


class Detached(ConvClassifier):
    """What the network detaches has no gradient."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        return self.classify(x * x.detach().sigmoid() + x.clone().detach())


class Spectrum(ConvClassifier):
    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        waves = torch.fft.rfft2(x)
        x = torch.fft.irfft2(waves * torch.exp(-waves.abs() / 50), s=x.shape[-2:])
        return self.classify(x + torch.view_as_real(waves).sum(-1).mean() / 100)


# --- modules and parameters -----------------------------------------------------------------------


class Recurrent(ConvClassifier):
    """Rows of the map in a GRU, columns in an LSTM."""

    def __init__(self):
        super().__init__()
        self.rows = nn.GRU(12, 12, batch_first=True, bidirectional=True)
        self.columns = nn.LSTM(24, 12, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x).mean(3).transpose(1, 2)
        x, _ = self.rows(x)
        x, _ = self.columns(x)
        return self.head(x[:, -1])


class Tied(Classifier):
    """The head's weight is a part of the convolution's, and a buffer a view of a parameter."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(12, CLASSES + 12, 1)
        self.register_buffer("tail", self.conv.bias.data[-12:])
        self.again = self.conv

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.conv(self.stem(x)))[:, :12]
        x = torch.relu(self.again(x)[:, -12:] + self.tail.view(1, 12, 1, 1))
        return F.linear(x.mean((2, 3)), self.conv.weight[:CLASSES, :, 0, 0], self.head.bias)


class Parametrized(ConvClassifier):
    def __init__(self):
        super().__init__()
        self.conv = parametrizations.weight_norm(self.conv)
        self.second = parametrizations.spectral_norm(nn.Conv2d(12, 12, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(torch.tanh(self.second(self.features(x))))


class Lists(ConvClassifier):
    """Modules in lists and dictionaries, called in another order than they stand."""

    def __init__(self):
        super().__init__()
        self.ways = nn.ModuleDict({"b": nn.Conv2d(12, 12, 1), "a": nn.Conv2d(12, 12, 3, padding=1)})
        self.scales = nn.ParameterList([nn.Parameter(torch.rand(12, 1, 1)) for _ in range(3)])
        self.blocks = nn.ModuleList([nn.Sequential(nn.Conv2d(12, 12, 1), nn.GELU())] * 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in reversed(self.blocks):
            x = x + block(x)
        for name in ("a", "b"):
            x = torch.relu(self.ways[name](x))
        return self.classify(sum(x * scale for scale in self.scales))


# --- control flow ---------------------------------------------------------------------------------


class Conditions(Classifier):
    """Branches within branches, with several results, and modules that both use."""

    by_torch = True
    trains_weights = False

    def __init__(self):
        super().__init__()
        self.shared = nn.Conv2d(12, 12, 3, padding=1)
        self.other = nn.Conv2d(12, 12, 1, bias=False)

    def cond(self, choice, first, second, values):
        if self.by_torch:
            return torch.cond(choice, first, second, values)
        return first(*values) if choice else second(*values)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)

        def bright(x):
            def above(x):
                with torch.set_grad_enabled(self.trains_weights):
                    weights = x.mean((2, 3), keepdim=True).sigmoid()
                return torch.relu(self.shared(x)) * weights

            x = self.cond(x.amax() > -1, above, lambda x: self.other(x) * 1.0, (x,))
            return x * 2.0, x.mean((2, 3))

        def dark(x):
            x = torch.relu(self.shared(x)) + self.other(x)
            return x * 1.0, x.amax((2, 3))

        x, pooled = self.cond(x.mean() > -10, bright, dark, (x,))
        return self.classify(x) + self.head(pooled)


# --- changes in place and indices -----------------------------------------------------------------


class Indexed(ConvClassifier):
    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x).clone()
        x[:, ::2, 1:-1] += 0.5
        x[:, [0, 3, 3]] = x[:, [1, 2, 4]] * 2
        x[..., -1] = x[..., 0]
        x[x > 2] = 2.0
        values, order = x.flatten(2).topk(8, 2)
        x = torch.gather(x.flatten(2), 2, order.flip(2)) + values.cumsum(2) / 8
        x = x.scatter_add(2, order % 8, values)
        return self.head(x.sort(dim=2, descending=True)[0][:, :, :4].mean(2))


class InPlaceOfAll(ConvClassifier):
    """Becomes copy() and scatters where in-place operations are taken out."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        y = torch.zeros_like(x)
        y[:, :6].copy_(x[:, 6:])
        y[:, 6:] = x[:, :6].mean((2, 3), keepdim=True)
        y.diagonal(dim1=2, dim2=3).mul_(2)
        y[:, 0].fill_(0.25)
        y[:, 1].zero_().add_(x[:, 2], alpha=2)
        return self.classify(torch.nn.functional.relu_(y.add_(x)))


class Resampled(ConvClassifier):
    def __init__(self):
        super().__init__()
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        y = F.interpolate(x, scale_factor=2.0, mode="bicubic", antialias=True)
        y = F.avg_pool2d(F.interpolate(y, size=(20, 20), mode="bilinear", align_corners=True), 2)
        theta = torch.tensor([[[0.8, 0.1, 0.0], [0.0, 0.9, 0.1]]]).expand(x.shape[0], 2, 3)
        y = F.grid_sample(y, F.affine_grid(theta, list(y.shape), align_corners=False))
        z = self.shuffle(x).mean(1, keepdim=True)
        patches = F.unfold(x, 3, stride=2).mean((1, 2)).view(-1, 1, 1, 1)
        return self.classify(F.adaptive_max_pool2d(y, 4) + z.mean((2, 3), keepdim=True) + patches)


# --- outputs --------------------------------------------------------------------------------------


@dataclasses.dataclass
class Partial:
    logits: Tensor
    hidden: Tensor | None = None


class Returns(ConvClassifier):
    def __init__(self, make):
        super().__init__()
        self.make = make

    def forward(self, x: Tensor):
        x = self.features(x)
        return self.make(x, self.classify(x))


def partial_dataclass():
    torch.export.register_dataclass(Partial, serialized_type_name="sscam.Partial")
    return with_reference(
        Returns(lambda _, logits: {"b": Partial(logits), "a": (logits.argmax(1), 3)}),
        make=lambda _, logits: logits,
    )


def same_twice():
    return with_reference(
        Returns(lambda x, logits: {"logits": logits, "aux": logits, "x": x}),
        make=lambda _, logits: logits,
    )


def chooses_by_size():
    words = (((1, 3, 48, 32), ("H <= W",)), ((1, 3, 16, 20), ("> 200",)))
    return Case(ChoosesBySize(), image(2, 3, 32, 48), SIDES, refused=words)


def checked():
    words = (((1, 3, 32, 46), ("W % 4",)), ((1, 3, 36, 48), ("H != 36",)))
    return Case(Checked(), image(2, 3, 32, 48), SIDES, refused=words)


CASES = {
    "chooses_by_size": chooses_by_size,
    "windows": resizable(Windows, has_parts=True),
    "sizes_as_numbers": resizable(SizesAsNumbers, has_parts=True),
    "checked": checked,
    "depends_on_counts": batched(DependsOnCounts, has_parts=True),
    "bfloat16_attention": reduced(ReducedAttention, torch.bfloat16),
    "float16_attention": reduced(ReducedAttention, torch.float16),
    "autocast_in_no_grad": lambda: dataclasses.replace(
        with_reference(AutocastInNoGrad(), by_parts=False), limit=3e-2
    ),
    "detached": batched(Detached),
    "spectrum": batched(Spectrum),
    "recurrent": batched(Recurrent, has_parts=True),
    "recurrent_decomposed": batched(Recurrent, has_parts=True, decomposed=True),
    "tied": batched(Tied),
    "parametrized": batched(Parametrized),
    "lists": batched(Lists),
    "conditions": lambda: with_reference(Conditions(), by_torch=False, trains_weights=True),
    "indexed": batched(Indexed, has_parts=True),
    "indexed_decomposed": batched(Indexed, has_parts=True, decomposed=True),
    "in_place_of_all": batched(InPlaceOfAll, has_parts=True),
    "in_place_of_all_decomposed": batched(InPlaceOfAll, has_parts=True, decomposed=True),
    "resampled": batched(Resampled, has_parts=True),
    "resampled_decomposed": batched(Resampled, has_parts=True, decomposed=True),
    "partial_dataclass": partial_dataclass,
    "same_twice": same_twice,
}
program_networks.CASES.update(CASES)
