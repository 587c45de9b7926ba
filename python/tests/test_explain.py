"""Explanations: what comes back for which input, and what is in a map."""

import gc

import numpy as np
import pytest

import sscam


def test_image_gives_a_map(model, pixels):
    found = model.explain(pixels, "grad-cam")
    assert isinstance(found, sscam.Map)
    assert found.data.shape == (224, 224) and found.data.dtype == np.float32
    assert found.data.min() == 0 and found.data.max() == 1
    assert not found.is_flat
    assert found.raw.ndim == 2 and found.raw.min() >= 0
    assert found.weights.ndim == 1 and found.weights.dtype == np.float32
    assert found.method == "grad-cam" and found.layer and found.passes >= 1
    assert 0 <= found.probability <= 1
    assert "grad-cam of class" in repr(found) and "224x224" in repr(found)


def test_batch_gives_a_list_and_one_input_a_map(model, batch):
    maps = model.explain(batch, "grad-cam")
    assert isinstance(maps, list) and len(maps) == 2
    single = model.explain(batch[:1], "grad-cam")
    assert isinstance(single, list) and len(single) == 1
    alone = model.explain(batch[0], "grad-cam")
    assert isinstance(alone, sscam.Map)
    for other in (maps[0], single[0]):
        np.testing.assert_allclose(other.data, alone.data, atol=1e-4)


def test_image_is_preprocessed_as_preprocess_does(explainer, pixels):
    prepared = explainer.preprocess(pixels)
    assert prepared.shape == (1, 3, 224, 224) and prepared.dtype == np.float32
    np.testing.assert_array_equal(
        explainer.explain(pixels).data, explainer.explain(prepared)[0].data
    )
    explainer.options.update(resize=None, crop=(60, 80), mean=0, std=1)
    prepared = explainer.preprocess(pixels)
    top, left = (250 - 60) // 2, (300 - 80) // 2
    cropped = pixels[top : top + 60, left : left + 80].transpose(2, 0, 1) / 255
    np.testing.assert_allclose(prepared[0], cropped, atol=1e-6)


def test_classes(model, batch):
    top = model.classify(batch).argmax(axis=1)
    assert [found.class_index for found in model.explain(batch, "grad-cam")] == list(top)
    for classes in ([1, None], (1, None), np.array([1, top[1]])):
        found = model.explain(batch, "grad-cam", class_index=classes)
        assert [one.class_index for one in found] == [1, top[1]]
    for one_class in (np.int32(2), np.array(2)):
        found = model.explain(batch, "grad-cam", class_index=one_class)
        assert [one.class_index for one in found] == [2, 2]
    with pytest.raises(sscam.ArgumentError, match="3 classes for 2 inputs"):
        model.explain(batch, "grad-cam", class_index=[0, 1, 2])
    with pytest.raises(TypeError, match="whole number, a name or None, not float"):
        model.explain(batch, "grad-cam", class_index=1.0)
    with pytest.raises(TypeError, match="whole number, a name or None, not list"):
        model.explain(batch[0], "grad-cam", class_index=[[0]])


@pytest.mark.parametrize("class_index", [-1, 10**6, 2**63, -(2**70)])
def test_classes_out_of_range(model, pixels, class_index):
    with pytest.raises(sscam.ClassError):
        model.explain(pixels, "grad-cam", class_index=class_index)


def test_layer(model, pixels):
    layer = next(layer for layer in model.layers() if len(layer.shape) == 4)
    found = model.explain(pixels, "grad-cam", layer=layer.name)
    assert found.layer == layer.name
    assert found.raw.shape == layer.shape[2:] and found.weights.shape == layer.shape[1:2]


def test_methods_without_channel_weights(model, pixels):
    found = model.explain(pixels, "layer-cam")
    assert found.weights is None and found.raw.max() > 0


def test_options_reach_the_library(model, batch):
    plain = model.explain(batch[0], "score-cam", max_channels=3)
    assert np.count_nonzero(plain.weights) <= 3
    raw = model.explain(batch[0], "grad-cam", combine="upsampled").raw
    assert raw.shape == batch.shape[2:]


def test_noise_depends_on_the_seed_alone(model, batch):
    def weights(**options):
        found = model.explain(batch[0], "ss-cam-mean", max_channels=3, samples=2, **options)
        return found.weights

    np.testing.assert_allclose(weights(seed=5), weights(seed=5, batch_size=1), atol=1e-5)
    assert not np.array_equal(weights(seed=5), weights(seed=6))


# --- several in one call ------------------------------------------------------------------------


@pytest.fixture
def trio(model):
    options = {"max_channels": 3, "samples": 2, "seed": 3}
    return [
        sscam.Explainer(model, method, **options)
        for method in ("grad-cam", "ss-cam-mean", "ss-cam-max")
    ]


def assert_same_map(found, alone):
    assert (found.method, found.class_index, found.layer) == (
        alone.method,
        alone.class_index,
        alone.layer,
    )
    np.testing.assert_allclose(found.data, alone.data, atol=2e-3)


def test_all_on_an_image(trio, pixels):
    fractions = []
    maps = sscam.explain_all(trio, pixels, classes=[1, None], progress=fractions.append)
    assert [len(row) for row in maps] == [2, 2, 2]
    for explainer, row in zip(trio, maps):
        for found, class_index in zip(row, [1, None]):
            assert_same_map(found, explainer.explain(pixels, class_index))
    assert fractions[0] == 0 and fractions[-1] == 1
    shared = sum(found.passes for row in maps for found in row)
    assert shared < sum(explainer.explain(pixels, 1).passes * 2 for explainer in trio)


def test_all_on_a_batch(trio, batch):
    maps = sscam.explain_all(trio, batch, classes=np.array([0, 2]))
    assert [[len(row) for row in one] for one in maps] == [[2, 2, 2], [2, 2, 2]]
    expected = trio[1].explain(batch, 2)
    for one, alone in zip(maps, expected):
        assert_same_map(one[1][1], alone)
    tops = sscam.explain_all(trio[:1], batch)
    assert [[len(row) for row in one] for one in tops] == [[1], [1]]
    assert_same_map(sscam.explain_all(trio[:1], batch[0])[0][0], tops[0][0][0])


def test_all_with_an_explainer_twice(trio, batch):
    first, second = sscam.explain_all([trio[0], trio[0]], batch[0])
    assert_same_map(first[0], second[0])


def test_all_refuses(model, model_source, trio, batch):
    with pytest.raises(sscam.ArgumentError, match="needs an explainer"):
        sscam.explain_all([], batch)
    with pytest.raises(sscam.ArgumentError):
        sscam.explain_all(trio, batch, classes=[])
    with pytest.raises(sscam.ClassError):
        sscam.explain_all(trio, batch, classes=[0, 10**6])
    with sscam.Model(model_source) as other, pytest.raises(sscam.ArgumentError):
        sscam.explain_all([trio[0], sscam.Explainer(other)], batch)
    with pytest.raises(sscam.Cancelled):
        sscam.explain_all(trio, batch, progress=lambda fraction: True)
    trio[1].close()
    with pytest.raises(ValueError, match="this Explainer is closed"):
        sscam.explain_all(trio, batch)
    assert len(sscam.explain_all([trio[0], trio[2]], batch)) == 2


# --- maps ---------------------------------------------------------------------------------------


def test_map_as_an_array(model, batch):
    found = model.explain(batch[0], "grad-cam")
    np.testing.assert_array_equal(np.asarray(found), found.data)
    assert np.shares_memory(np.asarray(found), found.data)
    assert np.array(found, np.float64).dtype == np.float64
    assert np.array(found).flags.writeable
    assert float(np.max(found)) == 1.0
    assert found.__array__(copy=True).flags.owndata
    with pytest.raises(ValueError, match="float64 takes a copy"):
        found.__array__(np.float64, copy=False)


def test_views_are_read_only_and_keep_the_map_alive(model, batch):
    found = model.explain(batch[0], "grad-cam")
    views = [found.data, found.raw, found.weights]
    copies = [view.copy() for view in views]
    assert not any(view.flags.writeable for view in views)
    with pytest.raises(ValueError, match="read-only"):
        views[0][0, 0] = 1
    part = views[0][::2]
    del found, views[0]
    gc.collect()
    # Memory that had been given back would be taken again here.
    others = model.explain(batch, "grad-cam")
    np.testing.assert_array_equal(part, copies[0][::2])
    np.testing.assert_array_equal(views[0], copies[1])
    np.testing.assert_array_equal(views[1], copies[2])
    del others


def test_flat_map(model):
    flat = model.explain(
        np.zeros((3, 224, 224), np.float32),
        "score-cam",
        max_channels=1,
        layer=model.layers()[0].name,
    )
    if flat.is_flat:
        assert not flat.data.any() and repr(flat).endswith(", flat>")


def test_overlay(model, pixels, tmp_path):
    found = model.explain(pixels, "grad-cam", crop=None, resize=None)
    bare = found.overlay(pixels, alpha=0)
    assert bare.dtype == np.uint8 and bare.shape == pixels.shape
    np.testing.assert_array_equal(bare, pixels)
    np.testing.assert_array_equal(found.overlay(pixels, alpha=1), found.heatmap())
    sscam.write_png(tmp_path / "image.png", pixels)
    np.testing.assert_array_equal(found.overlay(tmp_path / "image.png"), found.overlay(pixels))
    assert not np.array_equal(found.overlay(pixels), found.overlay(pixels, "viridis"))


def test_overlay_refuses(model, pixels):
    found = model.explain(pixels, "grad-cam")
    for arguments in ((pixels, "rainbow"), (pixels, "turbo", 2.0), (pixels[:-1],)):
        with pytest.raises(sscam.ArgumentError):
            found.overlay(*arguments)


def test_heatmap(model, batch):
    found = model.explain(batch[0], "grad-cam")
    height, width = batch.shape[2:]
    assert found.heatmap().shape == (height, width, 3)
    gray = found.heatmap("gray")
    assert gray.shape == (height, width, 1)
    np.testing.assert_allclose(gray[..., 0] / 255, found.data, atol=1 / 255)
    with pytest.raises(sscam.ArgumentError, match="rainbow"):
        found.heatmap("rainbow")


def test_classes_by_rank(model, batch):
    order = np.argsort(-model.classify(batch), axis=1, kind="stable")
    found = model.explain(batch, "grad-cam", class_index=sscam.Ranked(2))
    assert [one.class_index for one in found] == list(order[:, 1])
    found = model.explain(batch, "grad-cam", class_index=[sscam.Ranked(1), sscam.Ranked(3)])
    assert [one.class_index for one in found] == [order[0, 0], order[1, 2]]
    pair = [sscam.Explainer(model, "grad-cam")]
    for row, maps in zip(order, sscam.explain_all(pair, batch, [sscam.Ranked(2), None])):
        assert [one.class_index for one in maps[0]] == [row[1], row[0]]
    for rank, error in (
        (0, sscam.ClassError),
        (-1, sscam.ClassError),
        (1000, sscam.ClassError),
        (1.5, TypeError),
    ):
        with pytest.raises(error):
            model.explain(batch, "grad-cam", class_index=sscam.Ranked(rank))


def test_regions_reach_the_library(explainer, batch):
    assert explainer.options["region"] == "predicted"
    explainer.options["region"] = (8, 0.5, 40, 224)
    assert explainer.options["region"] == (8.0, 0.5, 40.0, 224.0)
    mask = np.zeros((7, 9), bool)
    with pytest.raises(sscam.ArgumentError, match="9x7 pixels is zero everywhere"):
        explainer.options["region"] = mask
    assert explainer.options["region"] == (8.0, 0.5, 40.0, 224.0)
    mask[2:4, ::2] = True
    for form in (mask, mask.T, mask.astype(np.uint8) * 200):
        explainer.options["region"] = form
        assert explainer.options["region"] == "mask"
    # Which only dense outputs have a use for: the bundled network has none.
    with pytest.raises(sscam.UnsupportedError, match="no positions that a mask could select"):
        explainer.explain(batch[0])
    explainer.options["region"] = "all"
    assert explainer.explain(batch[0]).data.max() == 1
    for wrong in (1.5, None, mask.astype(np.float32)):
        with pytest.raises(TypeError, match="region"):
            explainer.options["region"] = wrong
    with pytest.raises(sscam.ArgumentError, match=r"\[height, width\]"):
        explainer.options["region"] = mask[None]
    with pytest.raises(sscam.ArgumentError, match="none of predicted"):
        explainer.options["region"] = (1, 2, 3)


def test_map_of_values_compares_and_draws_as_the_explained_one(model, image_path):
    explained = model.explain(image_path, method="grad-cam")
    copy = sscam.Map.from_values(explained.data)
    assert (copy.method, copy.class_index, copy.weights) == ("external", -1, None)
    np.testing.assert_array_equal(copy.data, explained.data)
    assert explained.correlation(copy) == pytest.approx(1)
    assert explained.correlation(sscam.Map.from_values(-explained.data)) == pytest.approx(-1)
    assert np.isnan(explained.correlation(sscam.Map.from_values(explained.data * 0)))
    with pytest.raises(sscam.ArgumentError, match="differ in shape"):
        explained.correlation(sscam.Map.from_values(explained.data[1:]))
    np.testing.assert_array_equal(
        copy.heatmap("viridis"), explained.heatmap(colormap=sscam.colormaps()[2])
    )


def test_map_of_values_that_are_not_finite():
    with pytest.raises(sscam.ArgumentError, match="NaN"):
        sscam.Map.from_values([[0.0, np.nan]])


def test_target_weights_reach_the_library(model, batch):
    explainer = sscam.Explainer(model, "grad-cam")
    count = model.classify(batch).shape[1]
    weights = np.zeros(count)
    weights[1] = 2
    one = explainer.explain(batch[0], 1)
    explainer.options["target"] = weights
    assert explainer.options["target"] == "weights"
    np.testing.assert_allclose(explainer.explain(batch[0], 1).weights, 2 * one.weights, rtol=1e-4)
    explainer.options["target"] = "cosine"
    assert not np.allclose(explainer.explain(batch[0], 1).weights, 2 * one.weights, rtol=1e-2)
    for wrong in (weights[None], 3.0, []):
        with pytest.raises(sscam.ArgumentError, match="outputs"):
            explainer.options["target"] = wrong
    with pytest.raises(TypeError, match="target"):
        explainer.options["target"] = ["a"]
    explainer.options["target"] = weights[1:]
    with pytest.raises(sscam.ArgumentError, match="outputs"):
        explainer.explain(batch[0])


def test_maps_depend_on_the_parameters(model, batch):
    """The sanity check of Adebayo et al. 2018; copies of no random layer explain the same."""
    if "\nfake:" in sscam.build_info():
        pytest.skip("skipped: the fake networks have no parameters")
    whole = model.explain(batch[0], "grad-cam", 1)
    with model.randomised(0) as same, model.randomised(10**6, seed=3) as other:
        np.testing.assert_array_equal(same.explain(batch[0], "grad-cam", 1).data, whole.data)
        changed = other.explain(batch[0], "grad-cam", 1)
        assert changed.is_flat or changed.correlation(whole) < 0.9
    np.testing.assert_array_equal(model.explain(batch[0], "grad-cam", 1).data, whole.data)
    with pytest.raises(sscam.ArgumentError, match="layers"):
        model.randomised(-1)
