"""Small networks whose layers give tokens, or maps with their channels last."""

import torch
import torchvision
from torch import nn
from torchvision.models import convnext

from oracle_networks import Tokens

CLASSES = 10


def shaken(build):
    """Fixed weights that preserve signals, so that masks matter; torchvision's heads begin
    at zero."""
    torch.manual_seed(5)
    network = build()
    for layer in network.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            nn.init.xavier_normal_(layer.weight, 1.5)
        if isinstance(layer, nn.LayerNorm):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, 0, 0.2)
    return network.eval()


def vit():
    """Grid 4x4 at 64x64, and a class token."""
    return shaken(
        lambda: torchvision.models.VisionTransformer(
            64, 16, num_layers=3, num_heads=2, hidden_dim=24, mlp_dim=48, num_classes=CLASSES
        )
    )


def swin():
    return shaken(
        lambda: torchvision.models.SwinTransformer(
            [4, 4], 12, [2, 2], [2, 3], [4, 4], num_classes=CLASSES
        )
    )


def convnext_small():
    blocks = [convnext.CNBlockConfig(12, 20, 2), convnext.CNBlockConfig(20, None, 2)]
    return shaken(lambda: torchvision.models.ConvNeXt(blocks, layer_scale=0.5, num_classes=CLASSES))


class Block(nn.Module):
    """Attention written out, on [N,T,K] or [T,N,K]."""

    def __init__(self, channels, batch_first):
        super().__init__()
        self.batch_first = batch_first
        self.norm = nn.LayerNorm(channels)
        self.query, self.key, self.value = (nn.Linear(channels, channels) for _ in range(3))

    def forward(self, x):
        y = self.norm(x)
        if not self.batch_first:
            y = y.transpose(0, 1)
        shares = torch.softmax(self.query(y) @ self.key(y).transpose(1, 2) / 4, -1)
        y = shares @ self.value(y)
        return x + (y if self.batch_first else y.transpose(0, 1))


class Plain(nn.Module):
    """A transformer with `extra` tokens before those of patches of 8x8, for any size of input.

    The head pools the patches, or all tokens, or reads the first token.
    """

    CHANNELS = 16

    def __init__(self, extra=0, batch_first=True, colours=3, pool="patches"):
        super().__init__()
        self.extra, self.batch_first, self.pool = extra, batch_first, pool
        self.patches = nn.Conv2d(colours, self.CHANNELS, 8, stride=8)
        self.flatten = nn.Flatten(2)
        self.tokens = nn.Parameter(torch.zeros(1, extra, self.CHANNELS))
        self.blocks = nn.Sequential(*(Block(self.CHANNELS, batch_first) for _ in range(2)))
        self.norm = nn.LayerNorm(self.CHANNELS)
        self.head = nn.Linear(self.CHANNELS, CLASSES)

    def forward(self, x):
        x = self.flatten(self.patches(x)).transpose(1, 2)
        x = torch.cat([self.tokens.expand(x.shape[0], -1, -1), x], 1)
        if not self.batch_first:
            x = x.transpose(0, 1)
        x = self.norm(self.blocks(x))
        if not self.batch_first:
            x = x.transpose(0, 1)
        if self.pool == "first":
            return self.head(x[:, 0])
        return self.head((x[:, self.extra :] if self.pool == "patches" else x).mean(1))


def plain(**options):
    network = shaken(lambda: Plain(**options))
    with torch.no_grad():
        network.tokens.normal_()
    return network


def plain_order(size, extra, batch_first=True):
    """The order of the blocks' outputs."""
    return Tokens((size[0] // 8, size[1] // 8), extra, (1, 2) if batch_first else (0, 2))
