"""LeGrad against its formula (Bousselham et al. 2024) in float64 by eager PyTorch.

E_j = (1/L) sum_l (1/(h n)) sum_h sum_i ReLU(ds^l / dA^l_hij), A^l being the attention of block l,
and s^l the class score of the mean of the tokens that the block gives.
"""

import numpy as np
import pytest
import torch
from torch import nn

from oracle_networks import random_input, tiny
from test_tokens import SQUARE, WIDE, export, refusal
from transformers import plain, shaken, swin, vit

CLASS = 3
FORMS = ("scripted", "traced", "frozen", "traced without gradients")
FUSED = hasattr(torch.nn.functional, "scaled_dot_product_attention")


# ------------------------------------------------------------------------------ a network


class Attention(nn.Module):
    """Self-attention of all heads at once, written out."""

    def __init__(self, channels, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)

    def split(self, y):
        size = [y.shape[0], y.shape[1], 3, self.heads, -1]
        return self.qkv(y).reshape(size).permute(2, 0, 3, 1, 4)

    def matrices(self, y):
        qkv = self.split(y)
        return torch.softmax(qkv[0] @ qkv[1].transpose(-2, -1) * qkv.shape[-1] ** -0.5, -1)

    def mix(self, matrices, y):
        return self.out((matrices @ self.split(y)[2]).transpose(1, 2).flatten(2))

    def forward(self, y):
        return self.mix(self.matrices(y), y)


class FusedAttention(Attention):
    """The same by PyTorch's fused operation."""

    def forward(self, y):
        qkv = self.split(y)
        mixed = nn.functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
        return self.out(mixed.transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self, channels, heads, fused, norm_first, parallel):
        super().__init__()
        self.norm_first, self.parallel = norm_first, parallel
        self.attention = (FusedAttention if fused else Attention)(channels, heads)
        self.norm, self.other_norm = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.feed = nn.Sequential(
            nn.Linear(channels, 2 * channels), nn.GELU(), nn.Linear(2 * channels, channels)
        )

    def read(self, x):
        return self.norm(x) if self.norm_first else x

    def finish(self, x, attended):
        if self.parallel:
            return x + attended + self.feed(self.other_norm(x))
        x = x + attended
        if self.norm_first:
            return x + self.feed(self.other_norm(x))
        x = self.norm(x)
        return self.other_norm(x + self.feed(x))

    def forward(self, x):
        return self.finish(x, self.attention(self.read(x)))


class Transformer(nn.Module):
    """Patches of 8x8 behind `extra` tokens; the head reads the first token, or all."""

    def __init__(
        self,
        fused=False,
        depth=3,
        norm_first=True,
        parallel=False,
        extra=1,
        pool="first",
        norm=True,
    ):
        super().__init__()
        channels = 16
        self.extra, self.pool = extra, pool
        self.patches = nn.Conv2d(3, channels, 8, stride=8)
        self.tokens = nn.Parameter(torch.zeros(1, extra, channels))
        self.places = nn.Parameter(torch.zeros(1, 96 + extra, channels))
        self.blocks = nn.Sequential(
            *(Block(channels, 2, fused, norm_first, parallel) for _ in range(depth))
        )
        self.norm = nn.LayerNorm(channels) if norm else nn.Identity()
        self.head = nn.Linear(channels, 10)

    def embed(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        return torch.cat([self.tokens.expand(x.shape[0], -1, -1), x], 1) + self.places

    def classify(self, token):
        return self.head(self.norm(token))

    def forward(self, x):
        x = self.norm(self.blocks(self.embed(x)))
        return self.head(x[:, 0] if self.pool == "first" else x[:, self.extra :].mean(1))


def transformer(**options):
    network = shaken(lambda: Transformer(**options))
    with torch.no_grad():
        network.tokens.normal_()
        network.places.normal_()
    return network


# ------------------------------------------------------------------------------ the formula


def share_of(score, matrices):
    """The mean over heads and queries of the positive gradients by an attention: [tokens]."""
    (gradient,) = torch.autograd.grad(score, matrices)
    return gradient.clamp(min=0).flatten(0, -2).mean(0).numpy()


def relevances(network, image, class_index=CLASS):
    """E^l of each block of a Transformer."""
    network = network.double()
    with torch.no_grad():
        x = network.embed(torch.from_numpy(np.float64(image)))
    found = []
    for block in network.blocks:
        read = block.read(x).detach()
        matrices = block.attention.matrices(read).detach().requires_grad_()
        x = block.finish(x, block.attention.mix(matrices, read))
        found.append(share_of(network.classify(x.mean(1))[0, class_index], matrices))
        x = x.detach()
    return found


def packed_attention(attention, read):
    """The matrices of an nn.MultiheadAttention, as a leaf, and what it makes of such."""
    packed = nn.functional.linear(read, attention.in_proj_weight, attention.in_proj_bias)
    query, key, value = (
        part.unflatten(-1, (attention.num_heads, -1)).transpose(1, 2).detach()
        for part in packed.chunk(3, -1)
    )
    scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
    leaf = torch.softmax(scores, -1).detach().requires_grad_()
    return leaf, lambda matrices: attention.out_proj((matrices @ value).transpose(1, 2).flatten(2))


def vit_relevances(network, image):
    """E^l of each block of torchvision's VisionTransformer."""
    network = network.double()
    with torch.no_grad():
        x = network._process_input(torch.from_numpy(np.float64(image)))
        x = torch.cat([network.class_token, x], 1) + network.encoder.pos_embedding
    found = []
    for block in network.encoder.layers:
        matrices, mix = packed_attention(block.self_attention, block.ln_1(x))
        x = x + mix(matrices)
        x = x + block.mlp(block.ln_2(x))
        score = network.heads(network.encoder.ln(x.mean(1)))[0, CLASS]
        found.append(share_of(score, matrices))
        x = x.detach()
    return found


def plain_relevances(network, image):
    """E^l of each block of transformers.Plain."""
    network = network.double()
    with torch.no_grad():
        x = network.flatten(network.patches(torch.from_numpy(np.float64(image)))).transpose(1, 2)
        x = torch.cat([network.tokens, x], 1)
    found = []
    for block in network.blocks:
        read = block.norm(x).detach()
        scores = block.query(read) @ block.key(read).transpose(1, 2) / 4
        matrices = torch.softmax(scores, -1).detach().requires_grad_()
        x = x + matrices @ block.value(read)
        found.append(share_of(network.head(network.norm(x.mean(1)))[0, CLASS], matrices))
        x = x.detach()
    return found


class Encoder(nn.Module):
    """PyTorch's own encoder, whose layers tracing fuses."""

    def __init__(self, norm_first=False):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, stride=8)
        layer = nn.TransformerEncoderLayer(
            16, 2, 32, activation="gelu", batch_first=True, norm_first=norm_first
        )
        self.encoder = nn.TransformerEncoder(layer, 3)
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, 10)

    def embed(self, x):
        return self.patches(x).flatten(2).transpose(1, 2)

    def forward(self, x):
        return self.head(self.norm(self.encoder(self.embed(x))).mean(1))


def encoder(norm_first):
    network = shaken(lambda: Encoder(norm_first))
    with torch.no_grad():
        for layer in network.encoder.layers:
            layer.self_attn.in_proj_weight.normal_(0, 0.5)
            layer.self_attn.in_proj_bias.normal_(0, 0.5)
    return network


def encoder_relevances(network, image):
    """E^l of each layer of an Encoder."""
    network = network.double()
    with torch.no_grad():
        x = network.embed(torch.from_numpy(np.float64(image)))
    found = []
    for layer in network.encoder.layers:

        def feed(y, layer=layer):
            return layer.linear2(nn.functional.gelu(layer.linear1(y)))

        read = layer.norm1(x) if layer.norm_first else x
        matrices, mix = packed_attention(layer.self_attn, read)
        x = x + mix(matrices)
        if layer.norm_first:
            x = x + feed(layer.norm2(x))
        else:
            x = layer.norm1(x)
            x = layer.norm2(x + feed(x))
        score = network.head(network.norm(x.mean(1)))[0, CLASS]
        found.append(share_of(score, matrices))
        x = x.detach()
    return found


def map_of(found, extra, grid):
    return np.mean(found, 0)[extra:].reshape(grid)


# ------------------------------------------------------------------------------ tests

NETWORKS = {
    "as usual": {},
    "with tokens pooled": {"pool": "patches", "extra": 0},
    "with four tokens": {"extra": 4},
    "with parallel branches": {"parallel": True},
    "of one block": {"depth": 1},
    "normed behind sums": {"norm_first": False},
    "normed behind sums alone": {"norm_first": False, "norm": False},
    "normed behind sums, of one block": {"norm_first": False, "depth": 1},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "fused",
    [
        False,
        pytest.param(
            True, marks=pytest.mark.skipif(not FUSED, reason="skipped: no fused operation")
        ),
    ],
)
@pytest.mark.parametrize("kind", NETWORKS)
def test_legrad(program, tmp_path, kind, fused, form):
    options = {"fused": fused, **NETWORKS[kind]}
    image = random_input((1, 3, *WIDE))
    path = export(transformer(**options), form, WIDE, tmp_path / "it.pt")
    found = relevances(transformer(**options), image)
    (shown,) = program.explain_composed(path, image, "legrad", "", CLASS)
    wanted = map_of(found, options.get("extra", 1), (8, 12))
    assert (wanted > 0).any() and shown.report["layer"] == ""
    assert_wide_map(shown, wanted)
    assert shown.report["passes"] == 2 + len(found)


def assert_wide_map(shown, wanted):
    """assert_map() for any size of input."""
    assert shown.raw.shape == wanted.shape
    assert np.abs(shown.raw - wanted).max() <= 1e-4 * np.abs(wanted).max()


@pytest.mark.parametrize("form", FORMS)
def test_torchvision(program, tmp_path, form):
    image = random_input((1, 3, *SQUARE))
    path = export(vit(), form, SQUARE, tmp_path / "it.pt")
    (shown,) = program.explain_composed(path, image, "legrad", "", CLASS)
    assert_wide_map(shown, map_of(vit_relevances(vit(), image), 1, (4, 4)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("norm_first", [False, True])
def test_encoders(program, tmp_path, norm_first, form):
    image = random_input((1, 3, *WIDE))
    path = export(encoder(norm_first), form, WIDE, tmp_path / "it.pt")
    (shown,) = program.explain_composed(path, image, "legrad", "", CLASS)
    assert_wide_map(shown, map_of(encoder_relevances(encoder(norm_first), image), 0, (8, 12)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "options", [{}, {"extra": 5, "batch_first": False}, {"pool": "first", "extra": 2}]
)
def test_attention_of_rank_three(program, tmp_path, form, options):
    image = random_input((1, 3, *WIDE))
    path = export(plain(**options), form, WIDE, tmp_path / "it.pt")
    (shown,) = program.explain_composed(path, image, "legrad", "", CLASS)
    extra = options.get("extra", 0)
    assert_wide_map(shown, map_of(plain_relevances(plain(**options), image), extra, (8, 12)))


def test_last_blocks(program, tmp_path):
    image = random_input((1, 3, *WIDE))
    path = export(transformer(), "scripted", WIDE, tmp_path / "it.pt")
    found = relevances(transformer(), image)
    for options, count in (
        ({"attention_blocks": 1}, 1),
        ({"attention_blocks": 2}, 2),
        ({"attention_blocks": 3}, 3),
        ({"preset": "authors-code", "combine": "low_resolution"}, 2),
    ):
        (shown,) = program.explain_composed(path, image, "legrad", "", CLASS, **options)
        assert_wide_map(shown, map_of(found[-count:], 1, (8, 12)))
    text = refusal(program, path, image, tmp_path, "-m", "legrad", "--set", "attention_blocks=4")
    assert "attention_blocks" in text and "3 blocks" in text


def test_targets(program, tmp_path):
    """Of a difference the scores are linear in the outputs, and so are their gradients."""
    image = random_input((1, 3, *WIDE))
    network = transformer()
    path = export(network, "scripted", WIDE, tmp_path / "it.pt")
    with torch.no_grad():
        network.head.weight[CLASS] -= network.head.weight[5]
    found = relevances(network, image)
    (shown,) = program.explain_composed(
        path, image, "legrad", "", CLASS, target="difference", contrast=5
    )
    assert_wide_map(shown, map_of(found, 1, (8, 12)))


def test_a_grid_can_be_given(program, tmp_path):
    image = random_input((1, 3, *WIDE))
    path = export(transformer(), "scripted", WIDE, tmp_path / "it.pt")
    found = relevances(transformer(), image)
    (shown,) = program.explain_composed(path, image, "legrad", "", CLASS, grid="6x16")
    assert_wide_map(shown, map_of(found, 1, (6, 16)))


class Pooled(Transformer):
    """An attention of a single query gathers the tokens."""

    def forward(self, x):
        x = self.norm(self.blocks(self.embed(x)))
        shares = torch.softmax(x[:, :1] @ x.transpose(1, 2), -1)
        return self.head((shares @ x)[:, 0])


class Bare(Transformer):
    """Attention without residual connections."""

    def forward(self, x):
        x = self.embed(x)
        for block in self.blocks:
            x = block.attention(block.norm(x))
        return self.head(x[:, 0])


class Tilted(Transformer):
    """A softmax over queries is no attention."""

    def forward(self, x):
        x = self.embed(x)
        for block in self.blocks:
            y = block.norm(x)
            x = x + torch.softmax(y @ y.transpose(1, 2), -2) @ y
        return self.head(x[:, 0])


@pytest.mark.parametrize(
    "build, size, reason",
    [
        (tiny, (40, 56), "no self-attention"),
        (swin, WIDE, "residual connection"),
        (Pooled, WIDE, "1 queries and 97 keys"),
        (Bare, WIDE, "residual"),
        (Tilted, WIDE, "over its keys"),
    ],
)
def test_what_it_refuses(program, tmp_path, build, size, reason):
    path = export(shaken(build), "scripted", size, tmp_path / "it.pt")
    text = refusal(program, path, random_input((1, 3, *size)), tmp_path, "-m", "legrad")
    assert "LeGrad" in text and reason in text and "grad-cam" in text
