"""The bundled scenes as data sets: their objects, files of them, and what an evaluation tells."""

import csv
import pathlib
import re
import xml.etree.ElementTree as ElementTree

SCENES = pathlib.Path(__file__).resolve().parents[2] / "examples/demo/scenes"
SIGMOID = ("-m", "grad-cam", "--probability", "sigmoid")
FAST = (
    *SIGMOID,
    "--metrics",
    "energy_pointing,pointing",
)  # no scoring, and so the same to the last digit
# For all metrics: ROAD solves as many equations as an input has pixels.
SMALL = ("--resize", "64x64", "--crop", "off")
METRICS = ["average_drop", "average_increase", "energy_pointing", "pointing"]


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def values_of(rows):
    """What is known of each class of each scene, whatever its file is called in a layout."""
    return [
        (
            {re.search(r"scene\d+", row["image"]).group()},
            row["class"],
            row["method"],
            [row.get(metric) for metric in METRICS],
        )
        for row in rows
    ]


def scene_names(count=None):
    return [path.stem for path in sorted(SCENES.glob("*.png"))][:count]


def objects_of(scene):
    """[(class name, [xmin, ymin, xmax, ymax])] of a bundled scene."""
    root = ElementTree.parse(SCENES / f"{scene}.xml").getroot()
    return [
        (
            item.findtext("name"),
            [int(item.findtext(f"bndbox/{edge}")) for edge in ("xmin", "ymin", "xmax", "ymax")],
        )
        for item in root.iter("object")
    ]


def annotation(objects, size=(320, 256), extra=""):
    """A VOC file: objects are (class name, box); `extra` is put into each object."""
    text = "".join(
        f"<object><name>{name}</name>{extra}<bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin>"
        f"<xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"
        for name, box in objects
    )
    return (
        f"<annotation><size><width>{size[0]}</width><height>{size[1]}</height>"
        f"<depth>3</depth></size>{text}</annotation>"
    )


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content, encoding="utf-8")
    return path


def put_scene(path, scene):
    return put(
        path, (SCENES / f"{scene}.png").read_bytes()
    )  # content, not the name, says what it is


def put_scenes(root, names):
    for name in names:
        put_scene(root / f"{name}.png", name)
        put(root / f"{name}.xml", (SCENES / f"{name}.xml").read_text())
    return root


COUNT = 3  # of the scenes that most data sets have
