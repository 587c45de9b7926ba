"""Evaluations, and maps of given activations."""

import math
import threading

import numpy as np
import pytest

import sscam

BOX = (20.0, 30.0, 200.0, 180.0)


@pytest.fixture
def explainers(model):
    return [
        sscam.Explainer(
            model, method, metrics="all", metric_steps=3, resize=64, crop=64, calibrate=False
        )
        for method in ("grad-cam", "eigen-cam")
    ]


def test_values_and_totals_of_cases(explainers, image_path):
    evaluation = sscam.Evaluation(explainers)
    assert len(evaluation) == 0 and evaluation.method_count == 2
    cases = evaluation.add(image_path, [2, None], boxes=[BOX, BOX], box_classes=[1, 1])
    assert cases == range(2) and len(evaluation) == 2
    assert evaluation.class_index(0) == 2
    assert evaluation.value(0, 0, "pointing") is None  # that class has no box
    assert evaluation.value(1, 1, "pointing") in (0.0, 100.0)
    values = [evaluation.value(1, case, "average_drop") for case in cases]
    total = evaluation.total(1, "average_drop")
    assert total.mean == pytest.approx(np.mean(values))
    assert (total.defined, total.undefined) == (2, 0)
    assert total.lower <= total.mean <= total.upper
    curve = evaluation.curve(0, "deletion")
    assert curve.shape == (4,) and np.all((curve >= 0) & (curve <= 1))
    assert evaluation.map(0, 0).class_index == 2


def test_maps_from_outside_are_evaluated(explainers, image_path):
    explained, given = sscam.Evaluation(explainers), sscam.Evaluation(explainers)
    explained.add(image_path, [0, 1])
    maps = [[explained.map(method, position) for position in (0, 1)] for method in (0, 1)]
    given.add(image_path, [0, 1], maps=maps)
    half = sscam.Evaluation(explainers)
    half.add(image_path, [0, 1], maps=[None, maps[1]])
    for evaluation in (given, half):
        for metric in ("average_drop", "insertion", "deletion"):
            for method, case in ((0, 0), (0, 1), (1, 0), (1, 1)):
                assert evaluation.value(method, case, metric) == pytest.approx(
                    explained.value(method, case, metric), rel=1e-4, nan_ok=True
                )


def test_arguments_of_add(model, explainers, image_path):
    evaluation = sscam.Evaluation(explainers)
    other = sscam.Explainer(model, "eigen-cam").explain(np.zeros((3, 32, 32), np.float32), 0)
    with pytest.raises(sscam.ArgumentError, match="the network's input 64x64"):
        evaluation.add(image_path, [0], maps=[[other], [other]])
    with pytest.raises(sscam.ArgumentError, match="maps of 1 methods, not of 2"):
        evaluation.add(image_path, [0], maps=[[other]])
    with pytest.raises(sscam.ArgumentError, match="method 1: 2 maps for 1 classes"):
        evaluation.add(image_path, [0], maps=[None, [other, other]])
    with pytest.raises(sscam.ArgumentError, match="1 box_classes for 2 boxes"):
        evaluation.add(image_path, boxes=[BOX, BOX], box_classes=[0])
    with pytest.raises(sscam.ArgumentError, match="box 0"):
        evaluation.add(image_path, boxes=[BOX[::-1]])
    with pytest.raises(sscam.ClassError):
        evaluation.add(image_path, [-1])
    assert len(evaluation) == 0


def test_known_values():
    evaluation = sscam.Evaluation(2)
    for number in (10.0, math.nan, 30.0):
        evaluation.set_value(1, evaluation.add_known(7), "insertion", number)
    total = evaluation.total(1, "insertion")
    assert (total.mean, total.defined, total.undefined) == (20.0, 2, 1)
    assert math.isnan(evaluation.value(1, 1, "insertion"))
    assert evaluation.value(0, 0, "insertion") is None
    assert evaluation.curve(1, "insertion").size == 0
    with pytest.raises(IndexError):
        evaluation.value(2, 0, "insertion")
    with pytest.raises(IndexError):
        evaluation.class_index(3)
    with pytest.raises(IndexError):
        evaluation.map(0, 0)
    with pytest.raises(KeyError, match="insert"):
        evaluation.total(0, "insert")
    with pytest.raises(sscam.ArgumentError, match="no explainers"):
        evaluation.add(np.zeros((8, 8, 3), np.uint8))
    for count in (0, -1):
        with pytest.raises(sscam.ArgumentError):
            sscam.Evaluation(count)


def test_another_thread_is_refused_meanwhile(explainers, image_path):
    evaluation = sscam.Evaluation(explainers)
    refusals = []

    def look():
        with pytest.raises(RuntimeError, match="another thread"):
            evaluation.total(0, "deletion")
        refusals.append(True)

    def progress(_):
        assert len(evaluation) == 0  # the callback is of the evaluation's thread
        if not refusals:
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()

    evaluation.add(image_path, progress=progress)
    assert refusals and len(evaluation) == 1


def test_metrics_are_listed():
    assert sscam.metrics()[0] == sscam.metrics()[0]
    by_name = {metric.name: metric for metric in sscam.metrics()}
    assert by_name["deletion"].direction == -1
    assert by_name["pointing"].unit == "%"


# --- given activations --------------------------------------------------------------------------


@pytest.fixture
def layer():
    """Activations and gradients [K, h, w] of a layer."""
    random = np.random.default_rng(5)
    return random.normal(size=(4, 3, 5)), random.normal(size=(4, 3, 5))


def test_grad_cam_of_given_activations(layer):
    activations, gradients = layer
    found = sscam.map_from_activations(activations, gradients=gradients, size=(6, 10))
    weights = gradients.mean((1, 2))
    raw = np.maximum(np.tensordot(weights, activations, 1), 0)
    assert found.weights == pytest.approx(weights, abs=1e-6)
    assert found.raw == pytest.approx(raw, abs=1e-5)
    assert found.data.shape == (6, 10) and found.data.max() == 1
    assert (found.class_index, found.passes, found.layer) == (-1, 0, "activations")


def test_layer_cam_and_cam_of_given_activations(layer):
    activations, gradients = layer
    found = sscam.map_from_activations(
        activations[np.newaxis], "layer-cam", gradients=gradients, layer="conv5"
    )
    raw = np.maximum((np.maximum(gradients, 0) * activations).sum(0), 0)
    assert found.raw == pytest.approx(raw, abs=1e-5) and found.layer == "conv5"
    weights = np.array([1.0, -2.0, 0.5, 0.0])
    found = sscam.map_from_activations(activations, "cam", class_weights=weights)
    assert found.raw == pytest.approx(
        np.maximum(np.tensordot(weights, activations, 1), 0), abs=1e-5
    )


def test_options_and_sides_of_given_activations(layer):
    activations, gradients = layer
    projected = sscam.map_from_activations(activations, gradients=gradients, eigen_smooth=True)
    summed = sscam.map_from_activations(activations, gradients=gradients)
    assert not np.allclose(projected.raw, summed.raw)
    sound = sscam.map_from_activations(
        activations.reshape(4, 15), "eigen-cam", size=(40,), dimensions=1
    )
    assert sound.data.shape == (40,)


def test_what_a_method_lacks_is_named(layer):
    activations, gradients = layer
    with pytest.raises(sscam.UnsupportedError, match="grad-cam needs gradients"):
        sscam.map_from_activations(activations)
    with pytest.raises(sscam.UnsupportedError, match="cam needs class weights"):
        sscam.map_from_activations(activations, "cam", gradients=gradients)
    with pytest.raises(sscam.UnsupportedError, match="score-cam needs a network"):
        sscam.map_from_activations(activations, "score-cam", gradients=gradients)


def test_given_arrays_are_checked(layer):
    activations, gradients = layer
    with pytest.raises(TypeError, match="activations must be an array"):
        sscam.map_from_activations([[1.0]])
    with pytest.raises(TypeError, match="int64"):
        sscam.map_from_activations(np.ones((4, 3, 5), np.int64), "eigen-cam")
    with pytest.raises(sscam.ArgumentError, match="another shape"):
        sscam.map_from_activations(activations, gradients=gradients[:, :2])
    with pytest.raises(sscam.ArgumentError, match="rank is 2"):
        sscam.map_from_activations(activations[0], "eigen-cam")
    with pytest.raises(sscam.ArgumentError, match="2 numbers"):
        sscam.map_from_activations(activations, "eigen-cam", size=(3,))
    with pytest.raises(sscam.ArgumentError, match="does not apply"):
        sscam.map_from_activations(activations, "eigen-cam", samples=3)
    with pytest.raises(TypeError, match="eigen_smooth"):
        sscam.map_from_activations(activations, "eigen-cam", eigen_smoth=True)
    gradients[1, 2, 3] = np.nan
    with pytest.raises(sscam.ArgumentError, match="gradients: NaN"):
        sscam.map_from_activations(activations, gradients=gradients)
