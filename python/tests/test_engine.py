"""Models whose network is a function."""

import gc
import runpy
import threading
import weakref

import numpy as np
import pytest

import sscam
from conftest import DEMO, ROOT

WEIGHTS = np.array([[2.0, -1.0], [0.5, 3.0], [-1.0, 1.0]], np.float32)
SHAPE = (1, 1, 4, 5)
INPUTS = (np.arange(20, dtype=np.float32).reshape(SHAPE) * 7 % 11) / 4 - 1


def parts_of(inputs):
    """The layer `parts`: [N,2,4,5], positive and negative values apart."""
    return np.concatenate([np.maximum(inputs, 0), np.maximum(-inputs, 0)], axis=1)


def logits_of(parts):
    return parts.mean((2, 3)) @ WEIGHTS.T


def network(inputs, layer):
    parts = parts_of(inputs)
    return logits_of(parts) if layer is None else (logits_of(parts), parts)


def gradients(inputs, layer, activations, weights):
    slopes = weights @ WEIGHTS / (activations.shape[2] * activations.shape[3])
    return np.broadcast_to(slopes[:, None, None], activations.shape)


def tail(inputs, layer, activations):
    return logits_of(activations)


def make(function=network, layers=("parts",), **keywords):
    return sscam.Model.from_function(function, layers, name="tiny", **keywords)


def test_layers_have_names_and_shapes():
    for layers in (("parts",), {"parts": None}, {"parts": (1, 2, 4, 5)}):
        model = make(layers=layers)
        assert model.layers(SHAPE[1:]) == [sscam.Layer("parts", "", (1, 2, 4, 5), True)]
        assert model.device == "host"
    model = make(layers=("early", "parts"), default_layer="early", device="npu")
    assert [layer.is_default for layer in model.layers(SHAPE[1:])] == [True, False]
    assert model.device == "npu"


def test_logits_are_those_of_the_function():
    inputs = np.concatenate([INPUTS, -INPUTS, INPUTS * 2])
    found = make(largest_batch=2).classify(inputs)
    np.testing.assert_allclose(found, network(inputs, None), rtol=1e-6)


def test_weights_are_scores_of_masked_inputs():
    options = {"channel_softmax": False, "baseline": "none", "score": "logit"}
    found = make().explain(INPUTS[0], "score-cam", 1, **options)
    parts = parts_of(INPUTS)[0]
    masks = (parts - parts.min((1, 2), keepdims=True)) / np.ptp(parts, (1, 2), keepdims=True)
    expected = network(INPUTS * masks[:, None], None)[:, 1]
    np.testing.assert_allclose(found.weights, expected, rtol=1e-5)


def test_gradients_and_tail_serve_the_other_methods():
    model = make(gradients=gradients, tail=tail)
    found = model.explain(INPUTS[0], "grad-cam", 0, target="difference", contrast=2)
    np.testing.assert_allclose(found.weights, (WEIGHTS[0] - WEIGHTS[2]) / 20, rtol=1e-5)
    found = model.explain(INPUTS[0], "ablation-cam", 0)
    means = parts_of(INPUTS)[0].mean((1, 2))
    expected = WEIGHTS[0] * means / abs(WEIGHTS[0] @ means)
    np.testing.assert_allclose(found.weights, expected, rtol=1e-5)


@pytest.mark.parametrize("method", ["grad-cam", "ablation-cam"])
def test_what_is_missing_is_refused_by_name(method):
    with pytest.raises(sscam.UnsupportedError, match=r"`(gradients|tail)`"):
        make().explain(INPUTS[0], method, 0)


def test_channels_last():
    def network_last(inputs, layer):
        assert inputs.shape[1:] == (4, 5, 3)
        return network(inputs.transpose(0, 3, 1, 2)[:, :1], layer)

    three = np.concatenate([INPUTS, -INPUTS, INPUTS], axis=1)
    found = make(network_last, channels_last=True).explain(three[0], "score-cam", 0)

    def network_first(inputs, layer):
        return network(inputs[:, :1], layer)

    expected = make(network_first).explain(three[0], "score-cam", 0)
    assert (found.data == expected.data).all()


@pytest.mark.parametrize("batch_size", [1, 2, 7])
def test_maps_do_not_depend_on_the_size_of_batches(batch_size):
    expected = make().explain(INPUTS[0], "ss-cam-mean", 0, samples=5)
    found = make().explain(INPUTS[0], "ss-cam-mean", 0, samples=5, batch_size=batch_size)
    np.testing.assert_allclose(found.data, expected.data, atol=1e-6)


def test_a_fixed_number_of_inputs():
    def network_of_four(inputs, layer):
        assert len(inputs) == 4
        return network(inputs, layer)

    found = make(network_of_four, input_shape=(4, *SHAPE[1:])).explain(INPUTS[0], "score-cam", 0)
    expected = make().explain(INPUTS[0], "score-cam", 0)
    np.testing.assert_allclose(found.data, expected.data, atol=1e-6)


def test_functions_may_keep_what_they_get():
    kept = []

    def keeping(inputs, layer):
        kept.append((inputs if len(kept) % 2 else inputs[0, 0, 1:], inputs.copy()))
        return network(inputs, layer)

    model = make(keeping)
    model.explain(INPUTS[0], "ss-cam-mean", 0, samples=3, batch_size=1)
    model.close()
    gc.collect()
    assert len(kept) > 4
    for inputs, copy in kept:
        assert (inputs == (copy if inputs.ndim == 4 else copy[0, 0, 1:])).all()


def test_memory_of_inputs_that_nobody_kept_is_used_again():
    addresses = set()

    def noting(inputs, layer):
        addresses.add(inputs.ctypes.data)
        return network(inputs, layer)

    make(noting).explain(INPUTS[0], "ss-cam-mean", 0, samples=8, batch_size=1)
    assert len(addresses) <= 3  # that of the layer's input, and two that are written in turn


def test_functions_may_change_what_they_get():
    def changing(inputs, layer):
        given = network(inputs, layer)
        inputs *= 0
        return given

    def changing_tail(inputs, layer, activations):
        inputs *= 0
        return tail(inputs, layer, activations)

    for method in ("ss-cam-mean", "ablation-cam"):
        found = make(changing, tail=changing_tail).explain(INPUTS[0], method, 0, samples=2)
        expected = make(tail=tail).explain(INPUTS[0], method, 0, samples=2)
        np.testing.assert_array_equal(found.data, expected.data)


def test_the_frames_of_a_failure_keep_their_inputs():
    def failing(inputs, layer):
        if layer is None:
            raise ValueError(float(inputs.sum()))
        return network(inputs, layer)

    model = make(failing)
    with pytest.raises(sscam.ModelError) as raised:
        model.explain(INPUTS[0], "score-cam", 0)
    model.close()
    gc.collect()
    cause = raised.value.__cause__
    frame = cause.__traceback__
    while frame.tb_next:
        frame = frame.tb_next
    assert float(frame.tb_frame.f_locals["inputs"].sum()) == cause.args[0]


# --- failures -----------------------------------------------------------------------------------


def test_an_exception_becomes_an_error_with_its_text():
    failure = KeyError("no such blob")

    def failing(inputs, layer):
        raise failure

    with pytest.raises(sscam.ModelError, match="tiny: run: KeyError: 'no such blob'") as raised:
        make(failing).classify(INPUTS)
    assert raised.value.__cause__ is failure
    make().classify(INPUTS)
    with pytest.raises(sscam.ArgumentError) as raised:
        make().explain(INPUTS[0], "no-such-method")
    assert raised.value.__cause__ is None


def test_memory_errors_halve_the_batch():
    sizes = []

    def small(inputs, layer):
        sizes.append(len(inputs))
        if len(inputs) > 2:
            raise MemoryError
        return network(inputs, layer)

    make(small).explain(INPUTS[0], "ss-cam-mean", 0, samples=8, batch_size=8)
    assert max(sizes) == 8
    assert sizes[-1] <= 2

    def none(inputs, layer):
        raise MemoryError("nothing left")

    with pytest.raises(sscam.OutOfMemoryError, match="nothing left"):
        make(none).classify(INPUTS)


def test_interrupts_are_raised_themselves():
    def interrupted(inputs, layer):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(interrupted).explain(INPUTS[0], "score-cam", 0)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (None, "must give numbers"),
        ("text", "must give numbers"),
        (np.zeros((2, 3)), "2 rows, not 1"),
        (np.zeros((1, 3), complex), "must give numbers"),
        (np.zeros((1, 0)), "outputs"),
        (np.full((1, 3), np.nan), "output 0 of input 0 is nan"),
    ],
)
def test_what_a_function_gives_is_checked(given, text):
    with pytest.raises(sscam.ModelError, match=text):
        make(lambda inputs, layer: given).classify(INPUTS)


def test_a_layer_needs_activations():
    with pytest.raises(sscam.ModelError, match="logits, activations"):
        make(lambda inputs, layer: network(inputs, None)).explain(INPUTS[0], "eigen-cam")


def test_unusable_arguments():
    with pytest.raises(TypeError, match="expected a function"):
        make("network")
    with pytest.raises(TypeError, match="not text"):
        make(layers="parts")
    with pytest.raises(sscam.ArgumentError, match="class_count"):
        make(class_count=-1)
    with pytest.raises(sscam.ArgumentError, match="input_shape"):
        make(input_shape=(1, 1, 1, 1, 1, 1))


def test_the_own_model_is_refused_within_a_function():
    def recursive(inputs, layer):
        model.classify(INPUTS)

    model = make(recursive)
    with pytest.raises(sscam.ModelError, match="callback of the same engine"):
        model.classify(INPUTS)


# --- lifetime and threads -----------------------------------------------------------------------


def test_the_function_is_freed_with_the_model():
    class Network:
        def __call__(self, inputs, layer):
            return network(inputs, layer)

    function = Network()
    freed = weakref.ref(function)
    model = make(function)
    explainer = sscam.Explainer(model, "score-cam")
    del function
    model.close()
    gc.collect()
    explainer.explain(INPUTS[0], 0)
    explainer.close()
    gc.collect()
    assert freed() is None


@pytest.mark.parametrize("thread_safe", [False, True])
def test_threads_explain_at_the_same_time(thread_safe):
    model = make(thread_safe=thread_safe)
    expected = model.explain(INPUTS[0], "score-cam", 0).data
    differing = []

    def explain():
        for _ in range(20):
            found = model.explain(INPUTS[0], "score-cam", 0).data
            differing.append(not np.array_equal(found, expected))

    threads = [threading.Thread(target=explain) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(differing) == 80
    assert not any(differing)


# --- a real engine ------------------------------------------------------------------------------


def test_onnx_runtime(tmp_path):
    pytest.importorskip("onnxruntime", reason="skipped: no onnxruntime")
    example = runpy.run_path(str(ROOT / "examples" / "python" / "onnx_runtime.py"))
    model = example["load"](DEMO / "clothes.onnx")
    kept = np.load(ROOT / "tests" / "engine" / "clothes_maps.npy")
    for method, expected in zip(("score-cam", "is-cam", "eigen-cam"), kept):
        found = model.explain(DEMO / "scenes" / "scene11.png", method)
        np.testing.assert_allclose(found.data[::8, ::8], expected, atol=1e-4, rtol=0)
