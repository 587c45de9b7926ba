"""The demo's detector from the command line: its detections, their boxes and maps."""

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from conftest import ROOT

DEMO = ROOT / "examples" / "demo"
MODEL = DEMO / "clothes_detector.pt"
LABELS = DEMO / "labels.txt"


def annotated(scene):
    """[(label, left, top, right, bottom)] of a scene."""
    items = []
    for node in ElementTree.parse(scene.with_suffix(".xml")).getroot().iter("object"):
        box = [int(node.find(f"bndbox/{side}").text) for side in ("xmin", "ymin", "xmax", "ymax")]
        items.append((node.find("name").text, box[0] - 1, box[1] - 1, box[2], box[3]))
    return items


def overlap(a, b):
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    common = max(wide, 0) * max(high, 0)
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)


def explained(sscam, *arguments):
    threshold = () if "--detection-threshold" in arguments else ("--detection-threshold", "0.6")
    done = sscam("explain", MODEL, *arguments, *threshold, "--labels", LABELS, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def box_of(record):
    return [record["box"][side] for side in ("left", "top", "right", "bottom")]


SCENES = sorted((DEMO / "scenes").glob("*.png"))


@pytest.mark.parametrize("scene", SCENES[:4], ids=lambda scene: scene.stem)
def test_items_are_detected_where_they_lie(sscam, scene):
    records = explained(sscam, scene, "-m", "layer-cam")
    items = annotated(scene)
    assert len(records) == min(len(items), 5)
    for record in records:
        label, *box = max(items, key=lambda item: overlap(item[1:], box_of(record)))
        assert record["label"] == label
        assert overlap(box, box_of(record)) > 0.6
        assert record["layer"] == "features"


@pytest.mark.parametrize("method", ["layer-cam", "score-cam"])
def test_maps_lie_in_their_boxes_and_differ(sscam, tmp_path, method):
    scene = DEMO / "scenes" / "scene11.png"
    records = explained(sscam, scene, "-m", method, "--npy", tmp_path / "map.npy")
    assert len(records) >= 2
    maps = [np.load(record["outputs"]["npy"]) for record in records]
    for record, values in zip(records, maps):
        left, top, right, bottom = box_in_input(record)
        inside = values[top:bottom, left:right]
        share = (right - left) * (bottom - top) / values.size
        # more of the energy lies in the box than its share of the image
        assert inside.sum() / values.sum() > 1.5 * share
        assert inside.max() > 0.9
    for i, values in enumerate(maps):
        for other in maps[:i]:
            assert np.corrcoef(values.ravel(), other.ravel())[0, 1] < 0.9


def box_in_input(record):
    """Of a scene 320 x 256: no resizing to the shorter side, a crop of 224."""
    left, top, right, bottom = box_of(record)
    edges = left - 48, top - 16, right - 48, bottom - 16
    return [int(np.clip(round(edge), 0, 224)) for edge in edges]


def test_a_class_has_a_map_for_each_of_its_detections(sscam, tmp_path):
    scene = DEMO / "scenes" / "scene11.png"
    labels = {label for label, *_ in annotated(scene)}
    (record,) = explained(sscam, scene, "-m", "grad-cam", "-c", sorted(labels)[0])
    assert record["label"] == sorted(labels)[0]
    absent = next(name for name in LABELS.read_text().splitlines() if name not in labels)
    done = sscam("explain", MODEL, scene, "-c", absent, "--labels", LABELS)
    assert done.returncode == 1 and "detection_threshold" in done.stderr


def test_box_and_detection_choose_one(sscam):
    scene = DEMO / "scenes" / "scene11.png"
    everything = explained(sscam, scene, "-m", "grad-cam")
    (second,) = explained(sscam, scene, "-m", "grad-cam", "--detection", "1")
    assert second["box"] == everything[1]["box"]
    box = ",".join(f"{side:.2f}" for side in box_of(everything[1]))
    (same,) = explained(sscam, scene, "-m", "grad-cam", "--box", box)
    assert same["label"] == everything[1]["label"]
    assert same["probability"] == pytest.approx(everything[1]["probability"], abs=0.02)
    done = sscam("explain", MODEL, scene, "--box", "5,5,1,9")
    assert done.returncode != 0 and "box" in done.stderr
    classifier = sscam("explain", DEMO / "clothes.pt", scene, "--box", "5,5,20,20")
    assert classifier.returncode == 1 and "no detector" in classifier.stderr


def test_overlays_show_the_box(sscam, tmp_path):
    scene = DEMO / "scenes" / "scene11.png"
    path = tmp_path / "over.png"
    (record,) = explained(sscam, scene, "-m", "layer-cam", "--detection", "0", "-o", path)
    pixels = np.asarray(Image.open(path)).astype(int)
    left, top, right, bottom = box_of(record)
    assert pixels.shape == (256, 320, 3)
    row = round((top + bottom) / 2)
    assert (pixels[row, round(left - 0.5)] == 255).all()
    assert (pixels[row, round(right - 0.5)] == 255).all()


def test_letterboxes_are_undone(sscam, tmp_path):
    """An image that is padded above and below has detections and a map at its own places."""
    scene = DEMO / "scenes" / "scene11.png"
    middle = Image.open(scene).crop((48, 46, 272, 210))  # 224 x 164
    middle.save(tmp_path / "wide.png")
    records = explained(
        sscam, tmp_path / "wide.png", "-m", "layer-cam", "--resize", "fit", "--crop", "224",
        "--padding", "114", "-o", tmp_path / "over.png", "--detection-threshold", "0.1",
    )  # fmt: skip
    assert records
    moved = [
        (label, left - 48, top - 46, right - 48, bottom - 46)
        for label, left, top, right, bottom in annotated(scene)
    ]
    for record in records:
        assert max(overlap(item[1:], box_of(record)) for item in moved) > 0.3
    overlays = list(tmp_path.glob("over*.png"))
    assert all(Image.open(path).size == (224, 164) for path in overlays) and overlays


@pytest.mark.parametrize("method", ["eigen-cam", "fem", "kpca-cam", "activation-map"])
def test_methods_without_a_class_work_at_once(sscam, method, tmp_path):
    Image.new("RGB", (320, 256), (90, 90, 90)).save(tmp_path / "empty.png")
    (record,) = explained(sscam, tmp_path / "empty.png", "-m", method)
    assert record["layer"]


def test_metrics_of_classes_are_refused(sscam):
    done = sscam("eval", MODEL, DEMO / "scenes", "-m", "grad-cam", "--labels", LABELS)
    assert done.returncode == 1 and "detector" in done.stderr
