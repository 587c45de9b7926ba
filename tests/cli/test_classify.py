"""sscam classify: the same classes and probabilities that explanations tell."""

import json
import pathlib

import numpy
import pytest

from conftest import DEMO, assert_one_line

SCENES = sorted((DEMO / "scenes").glob("*.png"))[:2]


def records_of(result):
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("probability", ["softmax", "sigmoid"])
def test_classes_are_those_that_explanations_tell(sscam, network, probability):
    flags = ("--labels", network.labels_path, "--probability", probability, "--json")
    (found,) = records_of(sscam("classify", network.model, network.image, "--top", "3", *flags))
    told = records_of(
        sscam("explain", network.model, network.image, "-m", "grad-cam", "-c", "top3", *flags)
    )
    assert found["image"] == network.image
    assert [one["class"] for one in found["classes"]] == [one["class"] for one in told]
    for ours, theirs in zip(found["classes"], told, strict=True):
        assert ours["label"] == theirs["label"] == network.labels[ours["class"]]
        assert ours["logit"] == pytest.approx(theirs["logit"], abs=1e-4)
        assert ours["probability"] == pytest.approx(theirs["probability"], abs=1e-5)


def test_all_classes_of_a_softmax_sum_to_one(sscam, network):
    (found,) = records_of(sscam("classify", network.model, network.image, "-t", "1000", "--json"))
    classes = found["classes"]
    assert len(classes) == len(network.labels)
    logits = numpy.array([one["logit"] for one in classes])
    expected = numpy.exp(logits - logits.max())
    expected /= expected.sum()
    assert list(logits) == sorted(logits, reverse=True)
    assert numpy.allclose([one["probability"] for one in classes], expected, atol=1e-6)


def test_lines_for_people(sscam, network):
    one = sscam("classify", network.model, network.image, "--labels", network.labels_path)
    assert one.returncode == 0 and len(one.stdout.splitlines()) == 5
    several = sscam("classify", network.model, *map(str, SCENES), "-t", "1")
    lines = several.stdout.splitlines()
    assert lines[0] == str(SCENES[0]) and lines[2] == str(SCENES[1]) and len(lines) == 4


def test_an_unreadable_image_has_its_line_and_others_their_classes(sscam, network, tmp_path):
    pathlib.Path(tmp_path / "no.png").write_bytes(b"nothing")
    result = sscam("classify", network.model, "no.png", network.image, "-t", "2")
    assert result.returncode == 1
    assert "no.png" in result.stderr and len(result.stdout.splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--top", "0"), ["--top", "0"]),
        (("--top", "1001"), ["1000", "1001"]),
        (("-m", "grad-cam"), ["-m"]),
        (("--alpha", "0.5"), ["--alpha"]),
    ],
)
def test_what_it_does_not_take(sscam, network, arguments, words):
    assert_one_line(sscam("classify", network.model, network.image, *arguments), 2, *words)


def test_image_before_model(sscam, network):
    assert_one_line(sscam("classify", network.image, network.model), 2, "the model comes first")
