"""Sound and video: arrays of other ranks than images, and maps of matching ranks."""

import numpy as np
import pytest

import sscam
from conftest import FAKE_BACKEND, run_python

# Two layers are enough; torch writes them in a process of its own, which may have another release
# than the library.
MAKE_NETWORKS = """
import sys, torch
from torch import nn
torch.manual_seed(3)
def network(convolution, pool):
    return nn.Sequential(convolution(3, 6, 3, stride=2, padding=1), nn.ReLU(),
                         convolution(6, 8, 3, padding=1), nn.ReLU(),
                         pool(1), nn.Flatten(), nn.Linear(8, 5)).eval()
torch.jit.script(network(nn.Conv1d, nn.AdaptiveAvgPool1d)).save(sys.argv[1])
torch.jit.script(network(nn.Conv3d, nn.AdaptiveAvgPool3d)).save(sys.argv[2])
"""
SIDES = {1: (64,), 3: (4, 10, 12)}


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """{dimensions: model}"""
    if FAKE_BACKEND:
        return dict.fromkeys(SIDES, sscam.Model(b"fake positional"))
    paths = [tmp_path_factory.mktemp("ranks") / name for name in ("sound.pt", "video.pt")]
    done = run_python(MAKE_NETWORKS, *paths)
    if "No module named 'torch'" in done.stderr:
        pytest.skip("skipped: no torch to make networks with")
    assert done.returncode == 0, done.stderr
    return dict(zip(SIDES, map(sscam.Model, paths)))


def inputs(dimensions, count=2):
    shape = (count, 3, *SIDES[dimensions])
    return np.random.default_rng(5).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("dimensions", SIDES)
def test_maps_have_the_inputs_rank(networks, dimensions):
    model, batch = networks[dimensions], inputs(dimensions)
    alone = model.explain(batch[0], "score-cam", dimensions=dimensions)
    assert isinstance(alone, sscam.Map)
    assert alone.data.shape == SIDES[dimensions] and alone.raw.ndim == dimensions
    assert all(raw < side for raw, side in zip(alone.raw.shape, SIDES[dimensions]))
    together = model.explain(
        batch, "score-cam", class_index=[alone.class_index, 1], dimensions=dimensions
    )
    assert [found.data.shape for found in together] == [SIDES[dimensions]] * 2
    np.testing.assert_allclose(together[0].data, alone.data, atol=1e-4)


def test_what_an_arrays_rank_makes_likely(networks):
    sound, video = inputs(1), inputs(3)
    assert networks[1].explain(sound[0], "grad-cam").data.shape == SIDES[1]
    assert networks[3].explain(video, "grad-cam")[1].data.shape == SIDES[3]
    with pytest.raises(
        sscam.ArgumentError, match=r"\[C,W\] or \[N,C,W\], not of shape \(1, 3, 64, 1\)"
    ):
        networks[1].explain(sound[:1, :, :, np.newaxis], dimensions=1)
    with pytest.raises(sscam.ArgumentError, match="1, 2, 3 or None, not 4"):
        networks[3].explain(video, dimensions=4)


@pytest.mark.parametrize("dimensions", SIDES)
def test_classify_and_layers(networks, dimensions):
    model, batch = networks[dimensions], inputs(dimensions)
    logits = model.classify(batch, dimensions=dimensions)
    np.testing.assert_allclose(
        model.classify(batch[0], dimensions=dimensions), logits[0], atol=1e-5
    )
    assert logits.ndim == 2 and len(logits) == 2
    (default,) = (layer for layer in model.layers((3, *SIDES[dimensions])) if layer.is_default)
    found = model.explain(batch[0], "grad-cam", dimensions=dimensions)
    assert default.shape == (1, len(found.weights), *found.raw.shape)


@pytest.mark.parametrize("dimensions", SIDES)
def test_several_in_one_call(networks, dimensions):
    model, batch = networks[dimensions], inputs(dimensions)
    pair = [sscam.Explainer(model, method) for method in ("grad-cam", "layer-cam")]
    maps = sscam.explain_all(pair, batch, classes=[0, 2], dimensions=dimensions)
    assert [[[found.class_index for found in row] for row in one] for one in maps] == [
        [[0, 2]] * 2
    ] * 2
    assert maps[1][0][1].data.shape == SIDES[dimensions]


@pytest.mark.parametrize("dimensions", SIDES)
def test_they_are_no_images(networks, dimensions):
    found = networks[dimensions].explain(
        inputs(dimensions, 1)[0], "grad-cam", dimensions=dimensions
    )
    with pytest.raises(sscam.UnsupportedError, match=f"rank {dimensions}"):
        found.heatmap()
    with pytest.raises(sscam.UnsupportedError, match="is not an image"):
        found.overlay(np.zeros((4, 4, 3), np.uint8))


@pytest.mark.parametrize("dimensions", SIDES)
def test_text_of_a_map(networks, dimensions):
    found = networks[dimensions].explain(
        inputs(dimensions, 1)[0], "grad-cam", class_index=1, dimensions=dimensions
    )
    size = "x".join(map(str, SIDES[dimensions]))
    assert f"grad-cam of class 1 at {found.layer}, {size}, probability" in repr(found)
