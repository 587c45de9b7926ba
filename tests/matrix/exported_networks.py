"""Small networks of the kinds that are exported in practice, each with what is right for it.

Weights are random from a fixed seed. NETWORKS has for each name: constructor, input shape, default
layer, and the shape of its map.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CLASSES = 7


class Trunk(nn.Module):
    """3 x 64 x 64 to 12 x 8 x 8."""

    def __init__(self, channels: int = 3):
        super().__init__()
        self.first = nn.Conv2d(channels, 6, 3, 2, 1)
        self.norm = nn.BatchNorm2d(6)
        self.second = nn.Conv2d(6, 12, 3, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.second(F.relu(self.norm(self.first(x)))))


class Classifier(nn.Module):
    def __init__(self, channels: int = 3, classes: int = CLASSES):
        super().__init__()
        self.trunk = Trunk(channels)
        self.fc = nn.Linear(12, classes)

    def classify(self, x: Tensor) -> Tensor:
        return self.fc(self.trunk(x).mean([2, 3]))

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(x)


class EarlyExit(Classifier):
    """Inputs without contrast leave early."""

    def __init__(self):
        super().__init__()
        self.exit = nn.Linear(6, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        features = F.relu(self.trunk.first(x))
        if bool(x.std() < 0.1):
            return self.exit(features.mean([2, 3]))
        return self.fc(F.relu(self.trunk.second(features)).mean([2, 3]))


class Experts(Classifier):
    """The input's mean selects one of two trunks."""

    def __init__(self):
        super().__init__()
        self.other = Trunk()

    def forward(self, x: Tensor) -> Tensor:
        if float(x.mean()) > 0.5:
            return self.fc(self.other(x).mean([2, 3]))
        return self.classify(x)


class NeedsContrast(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        if bool(x.max() == x.min()):
            raise ValueError("the input is empty")
        return self.classify(x)


class NeedsUnitRange(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        if bool(x.min() < 0) or bool(x.max() > 1):
            raise ValueError("values must be from 0 to 1")
        return self.classify(x)


class Deep(nn.Module):
    """Many large maps, of which inference needs two at a time."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 16, 3, padding=1)
        self.convs = nn.ModuleList([nn.Conv2d(16, 16, 3, padding=1, groups=16) for _ in range(20)])
        self.fc = nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for conv in self.convs:
            x = torch.tanh(conv(x))
        return self.fc(x.mean([2, 3]))


class Halving(nn.Module):
    """A residual block at each of several scales, the first with maps of the input's sides."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 16, 3, padding=1)
        self.blocks = nn.ModuleList([nn.Conv2d(16, 16, 3, padding=1, groups=16) for _ in range(5)])
        self.fc = nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for block in self.blocks:
            x = F.max_pool2d(F.relu(x + block(x)), 2)
        return self.fc(x.mean([2, 3]))


class ScaledHeads(nn.Module):
    """Attention by normalised queries and keys; 64 tokens, so that heads of any width look like
    images: products are 64 x 64, and queries 64 x 16."""

    def __init__(self, heads: int = 2, width: int = 32):
        super().__init__()
        self.heads, self.width = heads, width
        self.patches = nn.Conv2d(3, width, 8, 8)
        self.norm = nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.bias = nn.Parameter(torch.randn(1, heads, 64, 64) * 0.1)
        self.fc = nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        t = self.patches(x).flatten(2).transpose(1, 2)
        qkv = self.qkv(self.norm(t)).reshape(1, 64, 3, self.heads, self.width // self.heads)
        qkv = qkv.permute(2, 0, 3, 1, 4)
        q, k, v = F.normalize(qkv[0], dim=-1), F.normalize(qkv[1], dim=-1), qkv[2]
        products = torch.matmul(q, k.transpose(-2, -1)) * 8.0 + self.bias
        mixed = torch.matmul(products.softmax(-1), v) + q
        t = t + self.out(mixed.transpose(1, 2).reshape(1, 64, self.width))
        return self.fc(t.mean(1))


class AffineMixer(nn.Module):
    """Mixing without attention and without layer norms."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 24, 8, 8)
        self.between_positions, self.between_channels = nn.Linear(64, 64), nn.Linear(24, 24)
        self.scale, self.shift = nn.Parameter(torch.ones(24)), nn.Parameter(torch.zeros(24))
        self.fc = nn.Linear(24, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        t = self.patches(x).flatten(2).transpose(1, 2)
        t = t + F.gelu(self.between_positions(t.transpose(1, 2))).transpose(1, 2)
        t = t + F.gelu(self.between_channels(t))
        return self.fc(torch.addcmul(self.shift, self.scale, t).mean(1))


class ChannelsFirstMixer(nn.Module):
    """Tokens [1,24,64], of which 16 channels and 8 extra tokens could be read, too."""

    def __init__(self):
        super().__init__()
        self.patches, self.positions = nn.Conv2d(3, 24, 8, 8), nn.Linear(64, 64)
        self.channels, self.fc = nn.Conv1d(24, 24, 1), nn.Linear(24, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        t = self.patches(x).flatten(2)
        t = t + F.gelu(self.positions(t))
        return self.fc((t + F.gelu(self.channels(t))).mean(2))


class Unrolled(nn.Module):
    """Tokens in the order of 2 x 2 windows within 4 x 4 windows, as Hiera has them; `block` is an
    earlier block, and the last tokens are pooled back into reading order."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, 4)  # 16 x 16
        self.block = TokenBlock(16)
        self.last = TokenBlock(16)
        self.fc = nn.Linear(16, CLASSES)

    def unroll(self, t: Tensor) -> Tensor:
        t = t.reshape(1, 4, 2, 2, 4, 2, 2, 16)
        return t.permute(0, 2, 5, 3, 6, 1, 4, 7).reshape(1, 256, 16)

    def forward(self, x: Tensor) -> Tensor:
        t = self.block(self.unroll(self.patches(x).permute(0, 2, 3, 1)))
        t = t.reshape(1, 16, 16, 16).amax(1)
        return self.fc(self.last(t).mean(1))


class Shuffled(Unrolled):
    """Tokens in an order that an index gives."""

    def __init__(self):
        super().__init__()
        self.register_buffer("order", torch.randperm(256))

    def unroll(self, t: Tensor) -> Tensor:
        return t.flatten(1, 2)[:, self.order]

    def forward(self, x: Tensor) -> Tensor:
        t = self.block(self.unroll(self.patches(x).permute(0, 2, 3, 1)))
        return self.fc(self.last(t).mean(1))


class TokenBlock(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.norm, self.mlp = nn.LayerNorm(width), nn.Linear(width, width)

    def forward(self, t: Tensor) -> Tensor:
        return t + F.gelu(self.mlp(self.norm(t)))


class FramesOneByOne(Classifier):
    """A network of images on the frames of a video, which it stacks into the batch."""

    def forward(self, x: Tensor) -> Tensor:
        frames = x.transpose(1, 2).flatten(0, 1)
        return self.fc(self.trunk(frames).mean([2, 3])).mean(0, keepdim=True)


class FlattenedMap(Classifier):
    """The map, flattened for pooling, is no tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.trunk(x).flatten(2).sigmoid().mean(2))


class VideoChannelsLast(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches, self.norm = nn.Conv3d(3, 10, (2, 8, 8), (2, 8, 8)), nn.LayerNorm(10)
        self.mix, self.fc = nn.Linear(10, 10), nn.Linear(10, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        t = self.patches(x).permute(0, 2, 3, 4, 1)
        t = self.norm(t + F.gelu(self.mix(t)))
        return self.fc(t.mean([1, 2, 3]))


class VideoTokens(nn.Module):
    """Tokens of a video behind a class token."""

    def __init__(self):
        super().__init__()
        self.patches, self.norm = nn.Conv3d(3, 16, (2, 8, 8), (2, 8, 8)), nn.LayerNorm(16)
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.token, self.fc = nn.Parameter(torch.randn(1, 1, 16)), nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        t = torch.cat([self.token, self.patches(x).flatten(2).transpose(1, 2)], 1)
        y = self.norm(t)
        t = t + self.attention(y, y, y)[0]
        return self.fc(t[:, 0])


class Electrodes(nn.Module):
    """A series of each of 8 electrodes as a picture; convolutions over time, then electrodes."""

    def __init__(self):
        super().__init__()
        self.time, self.space = nn.Conv2d(1, 6, (1, 9)), nn.Conv2d(6, 10, (8, 1))
        self.fc = nn.Linear(10, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = F.elu(self.space(self.time(x)))
        return self.fc(F.avg_pool2d(x, [1, 4]).mean([2, 3]))


class Column(nn.Module):
    """A series as a picture of one column."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 8, (9, 1), (2, 1)), nn.ReLU(), nn.Conv2d(8, 8, (9, 1), (2, 1)), nn.ReLU()
        )
        self.fc = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.body(x).mean([2, 3]))


class RowMeans(Classifier):
    """Means of rows are no map of one column."""

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.trunk(x).mean(3, keepdim=True).sigmoid().mean([2, 3]))


class AlwaysDropout(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        return self.fc(F.dropout(self.trunk(x), 0.5).mean([2, 3]))  # training=True is its default


class Regularised(Classifier):
    """Dropout and a batch norm, which a trace made in training mode has in that mode."""

    def __init__(self):
        super().__init__()
        self.drop = nn.Sequential(nn.Dropout2d(0.4), nn.AlphaDropout(0.4))
        nn.init.uniform_(self.trunk.norm.running_mean, -0.5, 0.5)
        nn.init.uniform_(self.trunk.norm.running_var, 0.5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.drop(self.trunk(x)).mean([2, 3]))


class Noisy(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        return self.classify(x + 0.1 * torch.randn_like(x))


class Coin(Classifier):
    """A coin decides whether the features count, as of stochastic depth in training."""

    def forward(self, x: Tensor) -> Tensor:
        features = self.trunk(x)
        coin = features.new_empty([1, 1, 1, 1]).bernoulli_(0.5)
        return self.fc((features * coin).mean([2, 3]))


class RareNoise(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        return self.classify(x) + (torch.rand(1) > 0.99).float()


class UnusedNoise(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        return self.classify(x + 0.0 * torch.rand_like(x))


class NoGrad(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            features = self.trunk(x)
        return self.fc(features.mean([2, 3]))


class Detached(Classifier):
    """A trunk that is not trained."""

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.trunk(x).mean([2, 3]).detach())


class DetachedScores(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        return self.classify(x).detach()


class PartlyDetached(Classifier):
    """Where gradients flow, they flow by one way only."""

    def forward(self, x: Tensor) -> Tensor:
        features = self.trunk(x)
        return self.fc(features.mean([2, 3])) + self.fc(features.amax([2, 3])).detach()


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, 8)
        self.rows = nn.LSTM(16, 8, num_layers=2, dropout=0.5, batch_first=True)
        self.fc = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.rows(self.patches(x).flatten(2).transpose(1, 2))[0].mean(1))


class OverlappingBuffers(Classifier):
    """What is written to one buffer shows in the other."""

    def __init__(self):
        super().__init__()
        memory = torch.arange(10.0)
        self.register_buffer("first", memory[:7])
        self.register_buffer("last", memory[3:])

    def forward(self, x: Tensor) -> Tensor:
        self.first.add_(1.0)
        return self.classify(x) * self.last


class NoGradInside(Classifier):
    """Only what follows the trunk has no gradients."""

    def pool(self, features: Tensor) -> Tensor:
        with torch.no_grad():
            return features.mean([2, 3])

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.pool(self.trunk(x)))


class Casts(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        return self.classify(x.to(torch.bfloat16)).float()


class HalfInTheMiddle(Classifier):
    """Single-precision weights, and products in half precision as autocast would have them."""

    def forward(self, x: Tensor) -> Tensor:
        features = self.trunk(x).half().float()
        scale = torch.ones([1], dtype=torch.half)
        return self.fc(features.mean([2, 3]) * scale.float())


class OnTheCard(Classifier):
    """Makes tensors on a GPU, whatever the device of its input."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.cuda() + torch.zeros([1], device=torch.device("cuda:0"))
        return self.classify(x.to("cuda")).cpu()


class Named(Classifier):
    """The first output of a usable shape is no class scores."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        features = self.trunk(x)
        pooled = features.mean([2, 3])
        return {"embedding": pooled, "scores": self.fc(pooled), "map": features}


class Softmax(Classifier):
    def __init__(self):
        super().__init__()
        self.activation = nn.Softmax(dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.classify(x) * 20)


class FunctionalSoftmax(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        return F.softmax(self.classify(x) * 20, dim=-1)


class ExpOfLogSoftmax(Classifier):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.exp(F.log_softmax(self.classify(x) * 20, dim=1)), x


class LogSoftmax(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        return F.log_softmax(self.classify(x) * 20, 1)


class NormalisedExponentials(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        exponentials = torch.exp(self.classify(x) * 20)
        return exponentials / exponentials.sum(1, keepdim=True)


class StableSoftmax(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        scores = self.classify(x) * 20
        exponentials = torch.exp(scores - scores.max(1, keepdim=True)[0])
        return exponentials / exponentials.sum(1, keepdim=True)


class Sigmoid(Classifier):
    """Several labels may be true."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.classify(x) * 20)


class OneProbability(Classifier):
    def __init__(self):
        super().__init__(classes=1)
        self.activation = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.classify(x) * 20).squeeze(1)


class OwnNormalisation(Classifier):
    """Probabilities by no operation that is known."""

    def forward(self, x: Tensor) -> Tensor:
        scores = F.softplus(self.classify(x))
        return scores / scores.sum(1, keepdim=True)


class Number(Classifier):
    def __init__(self):
        super().__init__(classes=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(x).squeeze()


class OneStep(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        return self.classify(x).unsqueeze(1)


class Heads(Classifier):
    def __init__(self):
        super().__init__()
        self.others = nn.Linear(12, 2 * CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.trunk(x).mean([2, 3])
        return torch.cat([self.fc(pooled), self.others(pooled)], 1).view(-1, 3, 7)


class NamedHeads(Heads):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        pooled = self.trunk(x).mean([2, 3])
        scores = torch.cat([self.fc(pooled), self.others(pooled)], 1).view(-1, 3, 7)
        return {"pooled": pooled, "scores": scores}


class DenseSeries(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv1d(2, 8, 9, 4), nn.ReLU())
        self.fc = nn.Conv1d(8, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.body(x))


class DenseVolume(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv3d(1, 8, 3, 2), nn.ReLU())
        self.fc = nn.Conv3d(8, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.body(x))


class StackedViews(Classifier):
    def forward(self, x: Tensor) -> Tensor:
        views = torch.cat([x, x.flip([3]), x.flip([2])], 0)
        return self.classify(views).view(3, -1, 7).mean(0)


class BatchRange(Classifier):
    """Scales by the range of the batch."""

    def forward(self, x: Tensor) -> Tensor:
        return self.classify((x - x.min()) / (x.max() - x.min()))


IMAGE, VIDEO = (3, 64, 64), (3, 8, 56, 56)
NETWORKS = {
    "early_exit": (EarlyExit, IMAGE, "relu_1", (8, 8)),
    "experts": (Experts, IMAGE, "trunk", (8, 8)),
    "needs_contrast": (NeedsContrast, IMAGE, "trunk", (8, 8)),
    "scaled_heads": (ScaledHeads, IMAGE, "norm", (8, 8)),
    "one_head": (lambda: ScaledHeads(1, 64), IMAGE, "norm", (8, 8)),
    "affine_mixer": (AffineMixer, IMAGE, "addcmul", (8, 8)),
    "channels_first_mixer": (ChannelsFirstMixer, IMAGE, "add_1", (8, 8)),
    "wide_video_tokens": (VideoTokens, (3, 8, 32, 48), "norm", (4, 4, 6)),
    "flattened_map": (FlattenedMap, IMAGE, "trunk", (8, 8)),
    "video_channels_last": (VideoChannelsLast, VIDEO, "norm", (4, 7, 7)),
    "video_tokens": (VideoTokens, VIDEO, "norm", (4, 7, 7)),
    "electrodes": (Electrodes, (1, 8, 120), "elu", (1, 112)),
    "column": (Column, (1, 200, 1), "body", (44, 1)),
    "row_means": (RowMeans, IMAGE, "trunk", (8, 8)),
}


def build(constructor):
    torch.manual_seed(3)
    network = constructor().eval()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network


def random_input(shape, low=-1.5, high=1.5):
    generator = torch.Generator().manual_seed(9)
    return torch.empty(1, *shape).uniform_(low, high, generator=generator)
