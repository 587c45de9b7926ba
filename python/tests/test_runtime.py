"""The log, the limit of threads, libraries of operators, calibration, and the highest classes."""

import logging

import numpy as np
import pytest

import sscam
from conftest import FAKE_BACKEND

needs_libtorch = pytest.mark.skipif(FAKE_BACKEND, reason="skipped: a library without libtorch")


@pytest.fixture
def messages():
    """Messages of the library, as (level, text)."""
    heard = []
    sscam.set_log_callback(lambda level, text: heard.append((level, text)))
    yield heard
    sscam.set_log_callback(None)


def scored(model, inputs):
    with sscam.Explainer(model, "score-cam", max_channels=2) as explainer:
        return explainer.explain(inputs)


@needs_libtorch
def test_calibration_is_logged(model_source, batch, messages):
    with sscam.Model(model_source) as model:
        scored(model, batch[0])
    assert any(level == logging.INFO and "are scored by" in text for level, text in messages)
    assert all(isinstance(text, str) and "\n" not in text for _, text in messages)


@needs_libtorch
def test_the_logger_is_that_of_the_module_logging(model_source, batch, caplog):
    sscam.set_log_callback()
    with caplog.at_level(logging.DEBUG, "sscam"), sscam.Model(model_source) as model:
        scored(model, batch[0])
    sscam.set_log_callback(None)
    assert any("are scored by" in record.message for record in caplog.records)
    assert {record.name for record in caplog.records} == {"sscam"}


@needs_libtorch
def test_a_callback_that_fails_changes_no_result(model_source, batch, caplog):
    def fail(level, text):
        raise ValueError("on purpose")

    sscam.set_log_callback(fail)
    with sscam.Model(model_source) as model:
        assert scored(model, batch[0]).data.max() == 1
    sscam.set_log_callback(None)
    assert "on purpose" in caplog.text


def test_threads_have_a_limit():
    assert sscam.max_threads() == 0
    sscam.set_max_threads(1)
    assert sscam.max_threads() == 1
    with pytest.raises(sscam.ArgumentError, match="-1"):
        sscam.set_max_threads(-1)
    sscam.set_max_threads(0)


@needs_libtorch
def test_workers_keep_to_the_limit(model_source, batch):
    sscam.set_max_threads(1)
    try:
        with sscam.Model(model_source) as model:
            found = model.explain(batch[0], "score-cam", max_channels=2, workers=3)
            assert found.diagnostics["workers"] == 1
    finally:
        sscam.set_max_threads(0)


@needs_libtorch
def test_libraries_that_cannot_be_loaded_say_why(tmp_path):
    with pytest.raises(sscam.FileError, match="nowhere"):
        sscam.load_library(tmp_path / "nowhere.so")


@needs_libtorch
def test_prepared_explainers_do_not_calibrate(model_source, batch):
    with (
        sscam.Model(model_source) as model,
        sscam.Explainer(model, "score-cam", max_channels=2) as explainer,
    ):
        explainer.prepare(batch[0].shape)
        assert explainer.explain(batch[0]).diagnostics["calibration_passes"] == 0


@needs_libtorch
def test_calibration_makes_maps_reproducible(model_source, batch):
    with sscam.Model(model_source) as model:
        first = scored(model, batch[0])
        text = model.calibration
    with sscam.Model(model_source) as model:
        model.set_calibration(text)
        again = scored(model, batch[0])
        with pytest.raises(sscam.FormatError):
            model.set_calibration("nothing")
        model.set_calibration(None)
    assert np.array_equal(first.data, again.data)
    assert np.array_equal(first.weights, again.weights)


def test_classes_agree_with_maps(model, image_path):
    with sscam.Explainer(model, "grad-cam") as explainer:
        best = explainer.classify(image_path, 3)
        assert len(best) == 3
        assert [score.logit for score in best] == sorted(
            (score.logit for score in best), reverse=True
        )
        for score in best:
            found = explainer.explain(image_path, score.class_index)
            assert found.logit == pytest.approx(score.logit, rel=1e-5)
            assert found.probability == pytest.approx(score.probability, rel=1e-5)
        assert explainer.classify(image_path, 0) == []
        with pytest.raises(sscam.ArgumentError, match="capacity"):
            explainer.classify(image_path, -1)


def test_what_is_known_of_a_model(model, batch):
    logits = model.classify(batch)
    assert model.class_count in (None, logits.shape[1])
    if model.input_shape is not None:
        assert len(model.input_shape) == batch.ndim
        assert model.input_shape[1] in (None, batch.shape[1])
