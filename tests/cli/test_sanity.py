"""sscam sanity: maps of a network with random parameters beside those of the network."""

import json

import pytest

from conftest import DEMO

SCENES = sorted((DEMO / "scenes").glob("*.png"))[:2]


def test_maps_depend_on_the_parameters(sscam, network):
    done = sscam("sanity", network.model, *SCENES, "-m", "grad-cam,hires-cam", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["images"] == 2 and [row["method"] for row in told["methods"]] == [
        "grad-cam",
        "hires-cam",
    ]
    for row in told["methods"]:
        steps = row["steps"]
        randomised = [step["randomised"] for step in steps]
        assert randomised[0] == 1 and randomised[-1] == told["modules"] > 1
        assert randomised == sorted(randomised)
        defined = [step["correlation"] for step in steps if step["count"]]
        assert defined and all(-1 <= value <= 1 for value in defined)
        assert not steps[-1]["count"] or steps[-1]["correlation"] < 0.9


def test_the_last_module_does_not_change_what_comes_before_it(sscam, network):
    """Eigen-CAM reads the activations alone, which the classifier behind them does not change."""
    done = sscam("sanity", network.model, SCENES[0], "-m", "eigen-cam", "--json")
    assert done.returncode == 0, done.stderr
    first = json.loads(done.stdout)["methods"][0]["steps"][0]
    assert first["randomised"] == 1 and first["correlation"] == pytest.approx(1, abs=1e-4)


def test_the_table(sscam, network):
    done = sscam("sanity", network.model, SCENES[0], "-m", "grad-cam")
    assert done.returncode == 0, done.stderr
    assert "grad-cam" in done.stdout and "Correlation" in done.stdout


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["-m", "all"], "names of methods"),
        (["-c", "1,2"], "one class"),
        (["-l", "a,b"], "one layer"),
    ],
)
def test_unusable_arguments_are_refused(sscam, network, arguments, message):
    done = sscam("sanity", network.model, SCENES[0], *arguments)
    assert done.returncode == 2 and message in done.stderr
