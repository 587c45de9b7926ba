"""The package and the program `sscam` compute the same numbers.

Bit for bit where the network runs in one form. The backend scores masked inputs in the form that it
measures to be the fastest, and another process may measure otherwise: there, up to rounding.
"""

import json
import os
import subprocess

import numpy as np
import pytest

import sscam

PROGRAM = os.environ.get("SSCAM_CLI")

pytestmark = pytest.mark.skipif(not PROGRAM, reason="skipped: SSCAM_CLI does not name the program")

OPTIONS = {"max_channels": 4, "samples": 2, "seed": 7}


def explain(folder, *arguments):
    """The program's map, raw map, weights, overlay, and what it reports."""
    settings = [word for name, value in OPTIONS.items() for word in ("--set", f"{name}={value}")]
    outputs = ["--npy", "map.npy", "--raw", "raw.npy", "--weights", "weights.npy"]
    done = subprocess.run(
        [PROGRAM, "explain", *map(str, arguments), *settings, *outputs, "--json"],
        cwd=folder,
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    arrays = [np.load(folder / name) for name in outputs[1::2]]
    return *arrays, json.loads(done.stdout)


def assert_same(found, data, raw, weights, report):
    scored = {method.name for method in sscam.methods() if method.needs_scoring}
    tolerance = 1e-4 if found.method in scored else 0
    for own, other in ((found.data, data), (found.raw, raw), (found.weights, weights)):
        assert own.dtype == other.dtype == np.float32
        np.testing.assert_allclose(own, other, rtol=tolerance, atol=tolerance * np.abs(other).max())
    assert (found.method, found.layer, found.class_index, found.passes, found.is_flat) == (
        report["method"],
        report["layer"],
        report["class"],
        report["passes"],
        report["flat"],
    )
    assert found.logit == pytest.approx(report["logit"], rel=1e-6)
    assert found.probability == pytest.approx(report["probability"], rel=1e-6)


@pytest.mark.parametrize(
    "method", ["grad-cam", "grad-cam++", "score-cam", "ss-cam-mean", "ss-cam-max"]
)
def test_image(tmp_path, model_path, image_path, method):
    expected = explain(tmp_path, model_path, image_path, "-m", method, "-o", "overlay.png")
    with sscam.Model(model_path) as model:
        found = model.explain(image_path, method, **OPTIONS)
    assert_same(found, *expected)
    drawn = sscam.read_image(tmp_path / "overlay.png")
    # Neighbours in the colour table lie a few levels apart.
    np.testing.assert_allclose(
        np.int16(found.overlay(image_path)), drawn, atol=0 if method.startswith("grad") else 6
    )


def test_array(tmp_path, model_path, batch):
    np.save(tmp_path / "input.npy", batch[:1])
    expected = explain(tmp_path, model_path, "--tensor", "input.npy", "-c", 1)
    with sscam.Model(model_path) as model:
        assert_same(model.explain(batch[0], class_index=1, **OPTIONS), *expected)


def test_options_and_methods_are_the_program_s():
    def listed(what):
        done = subprocess.run([PROGRAM, what, "--json"], check=True, text=True, capture_output=True)
        return [entry["name"] for entry in json.loads(done.stdout)]

    assert listed("methods") == [method.name for method in sscam.methods()]
    assert listed("options") == [option.name for option in sscam.options()]
