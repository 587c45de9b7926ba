"""Transformers whose tokens are in different orders, and what is right for each.

Weights are random from a fixed seed. `orders` are the positions, in reading order, of the tokens
after each block; None: no order is right, and the layer is refused.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CLASSES = 7
SIDE = 64  # of the image
GRID = 16  # tokens a side


class Block(nn.Module):
    """Attention among the tokens t, t + units, t + 2 units, ... and a perceptron."""

    def __init__(self, width: int, units: int, strength: float = 1.0):
        super().__init__()
        self.units, self.strength = units, strength
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, t: Tensor) -> Tensor:
        batch, count, width = t.shape
        y = self.qkv(self.norm1(t)).reshape(
            batch, count // self.units, self.units, 3, 2, width // 2
        )
        y = y.permute(3, 0, 2, 4, 1, 5)  # of queries, keys and values; units, heads, tokens
        weights = (y[0] @ y[1].transpose(-2, -1) * (width // 2) ** -0.5).softmax(-1)
        y = (weights @ y[2]).permute(0, 3, 1, 2, 4).reshape(batch, count, width)
        t = t + self.strength * self.proj(y)
        return t + self.strength * self.fc2(F.gelu(self.fc1(self.norm2(t))))


class MaskUnits(nn.Module):
    """Patches that overlap; tokens unrolled by two strides of 2 x 2, attention within the units of
    these, and pooling of four tokens that the unrolling has put far apart: Hiera."""

    def __init__(self, strength: float = 1.0):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 7, 4, 3)
        self.positions = nn.Parameter(torch.randn(1, GRID * GRID, 16) / 4)
        units = (16, 16, 16, 16, 1, 1)
        self.blocks = nn.ModuleList([Block(16, count, strength) for count in units])
        self.norm, self.fc = nn.LayerNorm(16), nn.Linear(16, CLASSES)

    @staticmethod
    def unrolled(t: Tensor, strides: int) -> Tensor:
        """[1,side,side,C] to [1,tokens,C]."""
        side, width = t.shape[1], t.shape[3]
        for _ in range(strides):
            side = side // 2
            t = t.reshape(t.shape[0], side, 2, side, 2, width)
            t = t.permute(0, 2, 4, 1, 3, 5).reshape(-1, side, side, width)
        return t.reshape(1, -1, width)

    def forward(self, x: Tensor) -> Tensor:
        t = self.patches(x).flatten(2).transpose(1, 2) + self.positions
        t = self.unrolled(t.reshape(1, GRID, GRID, 16), 2)
        for i, block in enumerate(self.blocks):
            if i == 2 or i == 4:
                t = t.reshape(1, 4, t.shape[1] // 4, 16).amax(1)
            t = block(t)
        return self.fc(self.norm(t).mean(1))

    def orders(self):
        found = []
        for side, strides in (GRID, 2), (GRID // 2, 1), (GRID // 4, 0):
            numbers = torch.arange(side * side).view(1, side, side, 1)
            found += 2 * [self.unrolled(numbers, strides).flatten()]
        return found


class StrongMaskUnits(MaskUnits):
    """Attention changes the tokens much."""

    def __init__(self):
        super().__init__(4.0)


class Tokens(nn.Module):
    """Two blocks of attention among all tokens, in an order of the class's own."""

    kernel, padding = 4, 0

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, self.kernel, 4, self.padding)
        self.blocks = nn.ModuleList([Block(16, 1), Block(16, 1)])
        self.norm, self.fc = nn.LayerNorm(16), nn.Linear(16, CLASSES)

    def arranged(self, t: Tensor) -> Tensor:
        """[1,side,side,C] to [1,tokens,C]."""
        return t.flatten(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        t = self.arranged(self.patches(x).permute(0, 2, 3, 1))
        for block in self.blocks:
            t = block(t)
        return self.fc(self.norm(t).mean(1))

    def orders(self):
        return 2 * [self.arranged(torch.arange(GRID * GRID).view(1, GRID, GRID, 1)).flatten()]


class ReadingOrder(Tokens):
    pass


class Overlapping(Tokens):
    kernel, padding = 7, 3


class Columns(Tokens):
    """By the map's axes, which has no further ones on the way."""

    def forward(self, x: Tensor) -> Tensor:
        t = self.patches(x).transpose(2, 3).flatten(2).transpose(1, 2)
        for block in self.blocks:
            t = block(t)
        return self.fc(self.norm(t).mean(1))

    def arranged(self, t: Tensor) -> Tensor:
        return t.transpose(1, 2).flatten(1, 2)


class OverlappingColumns(Columns):
    kernel, padding = 7, 3


class Windows(Tokens):
    """Windows of 4 x 4, one after the other."""

    def arranged(self, t: Tensor) -> Tensor:
        side, width = t.shape[1] // 4, t.shape[3]
        t = t.reshape(1, side, 4, side, 4, width).permute(0, 1, 3, 2, 4, 5)
        return t.reshape(1, -1, width)


class OverlappingWindows(Windows):
    kernel, padding = 7, 3


class ShiftedWindows(Windows):
    """The image is shifted before, as every other block of Swin's does."""

    def arranged(self, t: Tensor) -> Tensor:
        return super().arranged(torch.roll(t, (-2, -2), (1, 2)))


class Morton(Tokens):
    """The Z-order curve: bits of rows and columns in turn."""

    def arranged(self, t: Tensor) -> Tensor:
        width = t.shape[3]
        t = t.reshape(1, 2, 2, 2, 2, 2, 2, 2, 2, width)
        return t.permute(0, 1, 5, 2, 6, 3, 7, 4, 8, 9).reshape(1, -1, width)


class SmallMorton(Tokens):
    """On 4 x 4 patches half of the tokens are where reading order has them."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 16, 16)

    def arranged(self, t: Tensor) -> Tensor:
        width = t.shape[3]
        return t.reshape(1, 2, 2, 2, 2, width).permute(0, 1, 3, 2, 4, 5).reshape(1, -1, width)

    def orders(self):
        return 2 * [self.arranged(torch.arange(16).view(1, 4, 4, 1)).flatten()]


class Flipped(Tokens):
    """From the last token to the first."""

    def arranged(self, t: Tensor) -> Tensor:
        return t.flip(1, 2).flatten(1, 2)


class Mirrored(Tokens):
    kernel, padding = 7, 3

    def arranged(self, t: Tensor) -> Tensor:
        return t.flip(2).flatten(1, 2)


class Snake(Tokens):
    """Every other row backwards."""

    def arranged(self, t: Tensor) -> Tensor:
        t = t.reshape(1, GRID // 2, 2, GRID, -1)
        t = torch.stack([t[:, :, 0], t[:, :, 1].flip(2)], 2)
        return t.reshape(1, GRID * GRID, -1)


class Shuffled(Tokens):
    """By an index tensor."""

    def __init__(self):
        super().__init__()
        self.register_buffer("order", torch.randperm(GRID * GRID))

    def arranged(self, t: Tensor) -> Tensor:
        return t.flatten(1, 2)[:, self.order]


class OverlappingShuffled(Shuffled):
    """Positions are told too coarsely for an order without any rule."""

    kernel, padding = 7, 3

    def orders(self):
        return [None, None]


class Pruned(Shuffled):
    """A part of the tokens, as many as a smaller grid has."""

    def arranged(self, t: Tensor) -> Tensor:
        return t.flatten(1, 2)[:, self.order[:144]]

    def orders(self):
        return [None, None]


NETWORKS = [
    MaskUnits,
    StrongMaskUnits,
    ReadingOrder,
    Overlapping,
    Columns,
    OverlappingColumns,
    Windows,
    OverlappingWindows,
    ShiftedWindows,
    Morton,
    SmallMorton,
    Flipped,
    Mirrored,
    Snake,
    Shuffled,
    OverlappingShuffled,
    Pruned,
]
