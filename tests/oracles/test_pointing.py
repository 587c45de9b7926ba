"""Real networks on real photographs: whether the maximum of the map lies in the object's box."""

import csv
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from conftest import ROOT
from oracle_networks import shared

RESIZE, CROP = 256, 224
NETWORKS = {"resnet18_pqf.pt": "layer4", "squeezenet1_0.pt": "features.12"}
TRANSFORM = transforms.Compose(
    [
        transforms.Resize(RESIZE),
        transforms.CenterCrop(CROP),
        transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ]
)


def crop_geometry(width, height):
    """Scale and offset, across and down, from the image to the network's input: the shorter side
    becomes RESIZE, the longer one is cut down to whole pixels, the crop is centred."""
    shorter = min(width, height)
    resized = [int(RESIZE * side / shorter) for side in (width, height)]
    scale = [after / before for after, before in zip(resized, (width, height))]
    offset = [round((after - CROP) / 2) for after in resized]
    return scale, offset


def cropped_box(box, size):
    """Edges of a VOC box (whole pixels, counted from 1, the last one included) on the input."""
    scale, offset = crop_geometry(*size)
    edges = np.array([box[0] - 1, box[1] - 1, box[2], box[3]], float)
    return edges * (scale * 2) - offset * 2


def annotated(path, class_indices):
    """(class index, boxes on the input) of a VOC file whose objects are all of one class."""
    root = ElementTree.parse(path).getroot()
    size = [int(root.findtext(f"size/{side}")) for side in ("width", "height")]
    names = {item.findtext("name") for item in root.iter("object")}
    assert len(names) == 1
    boxes = [
        [int(item.findtext(f"bndbox/{edge}")) for edge in ("xmin", "ymin", "xmax", "ymax")]
        for item in root.iter("object")
    ]
    return class_indices[names.pop()], [cropped_box(box, size) for box in boxes]


@pytest.fixture(scope="module")
def photographs(shared_data):
    """{path: class index or None} of all photographs, from the manifest."""
    with open(shared_data / "manifest.csv", newline="", encoding="utf-8") as file:
        return {
            shared_data / row["file"]: int(row["class_index"]) if row["class_index"] else None
            for row in csv.DictReader(file)
        }


@pytest.fixture(scope="module")
def annotations(shared_data):
    """{path of the photograph: (class index, boxes on the input)}."""
    with open(shared_data / "imagenet_class_index.tsv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    class_indices = {row["wnid"]: int(row["index"]) for row in rows}
    folder = shared_data / "boxed"
    return {
        folder / "images" / f"{path.stem}.png": annotated(path, class_indices)
        for path in sorted((folder / "annotations").glob("*.xml"))
    }


@pytest.fixture(scope="module", params=NETWORKS)
def explained(request, shared_data, photographs, annotations, tmp_path_factory):
    """(file of the network, {photograph: (report, map)}) by Grad-CAM, of the class of the
    annotation, of the manifest, or the top one; each photograph is explained once. By the package
    in one process: a program for each would load libtorch and the network a hundred times."""
    file = request.param
    folder = tmp_path_factory.mktemp("pointing")
    wanted = photographs | {path: class_index for path, (class_index, _) in annotations.items()}
    lines = [f"{path}\t{'' if index is None else index}\n" for path, index in wanted.items()]
    done = subprocess.run(
        [
            sys.executable,
            ROOT / "tests" / "oracles" / "explain_photographs.py",
            shared_data / "models" / file,
            NETWORKS[file],
            folder,
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT / "python")},
        input="".join(lines),
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    reports = map(json.loads, done.stdout.splitlines())
    return file, {
        Path(report["path"]): (report, np.load(folder / f"{Path(report['path']).stem}.npy"))
        for report in reports
    }


def hits(heat, boxes):
    """Whether the centre of the hottest pixel lies in one of the boxes."""
    y, x = np.unravel_index(heat.argmax(), heat.shape)
    return any(
        left <= x + 0.5 <= right and top <= y + 0.5 <= bottom for left, top, right, bottom in boxes
    )


def test_heat_lies_in_the_boxes(explained, annotations, differences):
    file, maps = explained
    inside = [hits(maps[path][1], boxes) for path, (_, boxes) in annotations.items()]
    assert len(inside) == 47
    differences(f"share of maxima outside the box, {file}", 1 - np.mean(inside), 0.15)


def test_program_gives_the_map_of_the_package(explained, program, shared_data, tmp_path):
    file, maps = explained
    path, (report, heat) = next(iter(maps.items()))
    done = program.run(
        "explain",
        shared_data / "models" / file,
        path,
        "-m",
        "grad-cam",
        "-l",
        NETWORKS[file],
        "-c",
        report["class"],
        "--npy",
        tmp_path / "heat.npy",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    assert abs(json.loads(done.stdout)["logit"] - report["logit"]) < 1e-5
    np.testing.assert_allclose(np.load(tmp_path / "heat.npy"), heat, atol=1e-5)


def test_class_scores_are_those_of_python(explained, photographs, shared_data, differences):
    """The same class scores highest where none was asked for, too."""
    file, maps = explained
    network = shared(shared_data / "models" / file).eval()
    assert len(maps) == len(photographs)
    for path, (report, _) in maps.items():
        with Image.open(path) as image, torch.no_grad():
            logits = network(TRANSFORM(image.convert("RGB"))[None])[0].double().numpy()
        # In float64: a subtraction in float32 would round small differences away.
        differences(
            f"logit of a photograph, {file}", abs(report["logit"] - logits[report["class"]]), 2e-2
        )
        if photographs[path] is None:
            assert report["class"] == logits.argmax()
