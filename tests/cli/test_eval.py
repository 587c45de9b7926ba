"""sscam eval and sscam merge: data sets in every layout, damaged ones, resumed and divided runs."""

import base64
import csv
import html.parser
import io
import itertools
import json
import math
import os
import re
import signal
import subprocess
import sys
import time

import PIL.Image
import pytest

from conftest import (
    PROGRAM,
    ROOT,
    SHARED_DATA,
    assert_one_line,
    default_signals,
    run_on_terminal,
)
from scene_sets import (
    COUNT,
    FAST,
    METRICS,
    SCENES,
    SIGMOID,
    SMALL,
    annotation,
    objects_of,
    put,
    put_scene,
    put_scenes,
    scene_names,
    values_of,
)

PERCENTAGES = ["complexity", "coherency", "adcc"]
OTHERS = ["insertion", "deletion", "class_sensitivity", *PERCENTAGES]


# --- layouts --------------------------------------------------------------------------------------


def test_folder_with_annotations_elsewhere(evaluate, tmp_path, wanted):
    for name in scene_names(COUNT):
        put_scene(tmp_path / "images" / f"{name}.JPEG", name)
        put(tmp_path / "xml" / f"{name}.xml", (SCENES / f"{name}.xml").read_text())
    result = evaluate(tmp_path / "images", "--annotations", tmp_path / "xml")
    assert values_of(result.rows) == wanted


def test_whole_of_ilsvrc(evaluate, tmp_path, wanted):
    for name in scene_names(COUNT):
        put_scene(tmp_path / "ILSVRC/Data/CLS-LOC/val" / f"{name}.JPEG", name)
        put(
            tmp_path / "ILSVRC/Annotations/CLS-LOC/val" / f"{name}.xml",
            (SCENES / f"{name}.xml").read_text(),
        )
    assert values_of(evaluate(tmp_path / "ILSVRC").rows) == wanted


def test_wnids_go_through_the_labels(evaluate, network, tmp_path, wanted):
    """Files name classes by identifiers; the labels file has index, identifier, name."""
    identifiers = {name: f"n{10000000 + i}" for i, name in enumerate(network.labels)}
    lines = [
        f"{i}\t{identifiers[name]}\t{name}" for i, name in reversed(list(enumerate(network.labels)))
    ]
    labels = put(tmp_path / "labels.tsv", "\n".join(["index\twnid\tname", *lines, ""]))
    for name in scene_names(COUNT):
        put_scene(tmp_path / "set" / f"{name}.png", name)
        put(
            tmp_path / "set" / f"{name}.xml",
            annotation([(identifiers[label], box) for label, box in objects_of(name)]),
        )
    result = evaluate(tmp_path / "set", labels=labels)
    assert values_of(result.rows) == wanted
    assert {row["label"] for row in result.rows} <= set(network.labels)


@pytest.mark.parametrize("is_named", [True, False])
def test_truth_file(evaluate, network, tmp_path, wanted, is_named):
    """One class an image; boxes come from the annotations of that class."""
    put_scenes(tmp_path / "set", scene_names(COUNT))
    chosen = {name: objects_of(name)[-1][0] for name in scene_names(COUNT)}
    lines = [
        f"{name}.png {network.labels.index(label)}" if is_named else label
        for name, label in chosen.items()
    ]
    truth = put(tmp_path / "truth.txt", "".join(f"{line}\r\n" for line in lines))
    result = evaluate(tmp_path / "set", "--truth", truth)
    assert values_of(result.rows) == [
        row for row in wanted if row[1] == str(network.labels.index(chosen[next(iter(row[0]))]))
    ]
    assert len(result.rows) == COUNT


def test_truth_of_kaggle(evaluate, network, tmp_path, wanted):
    """LOC_val_solution.csv: classes by identifier, with boxes, of more images than the folder has;
    names without extension, in any order."""
    names = scene_names(COUNT)
    put_scenes(tmp_path / "set", names)
    identifiers = [f"n1000000{i}" for i in range(len(network.labels))]
    chosen = {name: network.labels.index(objects_of(name)[-1][0]) for name in names}
    lines = ["ImageId,PredictionString", "ILSVRC2012_val_00000001,n10000003 1 2 30 40 "]
    lines += [
        f"{name},{identifiers[chosen[name]]} 85 1 499 272 {identifiers[chosen[name]]} 0 0 9 9 "
        for name in reversed(names)
    ]
    truth = put(tmp_path / "LOC_val_solution.csv", "".join(f"{line}\n" for line in lines))
    labels = put(
        tmp_path / "labels.txt",
        "".join(f"{a} {b}\n" for a, b in zip(identifiers, network.labels)),
    )
    result = evaluate(tmp_path / "set", "--truth", truth, labels=labels)
    assert len(result.rows) == COUNT
    for row in result.rows:
        assert network.labels.index(row["label"]) == chosen[row["image"].rsplit(".")[0]]


def test_truth_file_of_another_length(evaluate, tmp_path):
    put_scenes(tmp_path / "set", scene_names(COUNT))
    few = put(tmp_path / "few.txt", "1\n2\n")
    assert_one_line(evaluate(tmp_path / "set", "--truth", few), 1, "no line", "scene03.png")
    assert_one_line(
        evaluate(tmp_path / "set", "--truth", put(tmp_path / "many.txt", "1\n2\n3\n4\n")),
        1,
        "line 4",
    )
    named = "scene01.png 1\nscene09.png 1\nscene02.png 1\n"  # more images than there are, and fewer
    assert_one_line(
        evaluate(tmp_path / "set", "--truth", put(tmp_path / "named.txt", named)), 1, "scene03.png"
    )
    assert_one_line(
        evaluate(tmp_path / "set", "--truth", put(tmp_path / "mixed.txt", named + "bag\n")),
        1,
        "line 4",
    )


@pytest.mark.parametrize("root", ["VOCdevkit", "VOCdevkit/VOC2007"])
def test_pascal_voc(evaluate, tmp_path, wanted, root):
    year = tmp_path / "VOCdevkit/VOC2007"
    for name in scene_names(COUNT + 1):  # one more than the list has
        put_scene(year / "JPEGImages" / f"{name}.jpg", name)
        put(year / "Annotations" / f"{name}.xml", (SCENES / f"{name}.xml").read_text())
    put(year / "ImageSets/Main/test.txt", "\n".join(scene_names(COUNT)))
    put(year / "ImageSets/Main/bag_val.txt", "scene01  1\nscene02 -1\nscene03  0\n")
    assert values_of(evaluate(tmp_path / root).rows) == wanted
    images = [row["image"] for row in evaluate(tmp_path / root, "--split", "bag_val").rows]
    assert sorted(set(images)) == ["scene01.jpg", "scene03.jpg"]
    assert_one_line(evaluate(tmp_path / root, "--split", "train"), 1, "train.txt")
    (tmp_path / "VOCdevkit/VOC2012/JPEGImages").mkdir(parents=True)
    if root == "VOCdevkit":
        assert_one_line(evaluate(tmp_path / root), 1, "several years")


def test_stanford40(evaluate, network, tmp_path, wanted):
    """The class is the action, in the annotation and in the file's name; the object is a person."""
    root = tmp_path / "Stanford40"
    expected, names = [], []
    for name in scene_names(COUNT):
        label, box = objects_of(name)[0]
        stem = f"{label.replace(' ', '_')}_0{name}"
        names.append(f"{stem}.jpg")
        put_scene(root / "JPEGImages" / names[-1], name)
        put(
            root / "XMLAnnotations" / f"{stem}.xml",
            annotation([("person", box)], extra=f"<action>{label.replace(' ', '_')}</action>"),
        )
        expected += [
            row for row in wanted if row[0] == {name} and row[1] == str(network.labels.index(label))
        ]
    put(root / "ImageSplits/test.txt", "\n".join(names))
    result = evaluate(root)
    assert result.stderr == ""
    assert values_of(result.rows) == expected and len(expected) == COUNT


@pytest.mark.parametrize("has_labels", [True, False])
def test_folders_named_by_class(evaluate, network, tmp_path, wanted, has_labels):
    """Without labels the sorted folders are the classes, as torchvision's ImageFolder has them."""
    chosen = {name: objects_of(name)[0][0] for name in scene_names(COUNT)}
    for label in network.labels:
        (tmp_path / "set" / label).mkdir(parents=True)
    for name, label in chosen.items():
        put_scene(tmp_path / "set" / label / f"{name}.png", name)
    result = evaluate(
        tmp_path / "set",
        "--annotations",
        SCENES,
        labels=network.labels_path if has_labels else None,
    )
    classes = network.labels if has_labels else sorted(network.labels)
    for row in result.rows:
        label = chosen[re.search(r"scene\d+", row["image"]).group()]
        assert row["class"] == str(classes.index(label)) and row["label"] == label
        assert row["image"].startswith(f"{label}/")
    if has_labels:
        assert sorted(map(str, values_of(result.rows))) == sorted(
            str(row)
            for row in wanted
            if row[1] == str(network.labels.index(chosen[next(iter(row[0]))]))
        )


def test_plain_list(evaluate, network, tmp_path, wanted):
    """Lines of a file need not follow one another; quotes, and numbers for names, are allowed."""
    lines = [["file", "class", "xmin", "ymin", "xmax", "ymax"]]
    for name in scene_names(COUNT):
        put_scene(tmp_path / "images, all" / f"{name}.png", name)
    objects = [
        (name, place, label, box)
        for name in scene_names(COUNT)
        for place, (label, box) in enumerate(objects_of(name))
    ]
    for name, _, label, box in sorted(objects, key=lambda item: (item[1], item[0])):
        lines.append(
            [f"images, all/{name}.png", network.labels.index(label) if box[0] % 2 else label, *box]
        )
    with open(tmp_path / "list.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)
    result = evaluate(tmp_path / "list.csv")
    assert values_of(result.rows) == wanted


def test_list_without_boxes(evaluate, tmp_path, wanted):
    put_scene(tmp_path / "scene01.png", "scene01")
    label = objects_of("scene01")[0][0]
    result = evaluate(put(tmp_path / "list.csv", f"scene01.png,{label}\n"), flags=SIGMOID)
    assert [row["energy_pointing"] + row["pointing"] for row in result.rows] == [""]
    assert result.rows[0]["class"] == wanted[0][1] and float(result.rows[0]["average_drop"]) >= 0
    assert result.stdout.split("\n")[2].split()[-2:] == ["-", "-"]


@pytest.mark.parametrize(
    "text, words",
    [
        ("a.png\n", ["line 1"]),
        ("a.png,bag,1,2,3\n", ["line 1"]),
        ("a.png,bag,1,2,x,4\n", ["line 1", "box"]),
        ("a.png,bag,5,2,3,4\n", ["line 1"]),
        ('a.png,bag\n\n"a.png,bag\n', ["line 3", "quote"]),
        ("a.png,bag,1,2,3,inf\n", ["line 1"]),
        ("file,class\n", ["no images"]),
        ("a.png,bag,1,2,3,4,5\n", ["line 1"]),
    ],
)
def test_bad_lists(evaluate, tmp_path, text, words):
    assert_one_line(evaluate(put(tmp_path / "list.csv", text)), 1, "list.csv", *words)


def test_classes_from_the_command_line(evaluate, network, wanted):
    """-c evaluates its class on every image, with the boxes of that class where there are any."""
    result = evaluate(SCENES, "--limit", COUNT, "-c", "bag")
    bag = str(network.labels.index("bag"))
    assert {row["class"] for row in result.rows} == {bag} and len(result.rows) == COUNT
    annotated = [row for row in wanted if row[1] == bag]
    assert [
        row for row in values_of(result.rows) if row[0] in [each[0] for each in annotated]
    ] == annotated
    assert all(
        row["pointing"] == ""
        for row in result.rows
        if not any(label == "bag" for label, _ in objects_of(row["image"][:-4]))
    )


def test_top_class(evaluate, sscam, network):
    result = evaluate(SCENES, "--limit", "2", "-c", "top")
    for row in result.rows:
        shown = sscam("explain", network.model, SCENES / row["image"], *FAST, "--json")
        assert json.loads(shown.stdout)["class"] == int(row["class"])


# --- annotations that are wrong -------------------------------------------------------------------

GOOD_BOX = [93, 125, 206, 210]
BROKEN = {
    "empty": "",
    "no-xml": "this is not XML",
    "cut": annotation([("bag", GOOD_BOX)])[:-20],
    "other-root": "<image/>",
    "no-name": "<annotation><object><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax>"
    "<ymax>9</ymax></bndbox></object></annotation>",
    "no-box": "<annotation><object><name>bag</name></object></annotation>",
    "half-box": "<annotation><object><name>bag</name><bndbox><xmin>1</xmin></bndbox></object>"
    "</annotation>",
    "word": annotation([("bag", ["one", 1, 9, 9])]),
    "nan": annotation([("bag", ["nan", 1, 9, 9])]),
    "infinite": annotation([("bag", [1, 1, "inf", 9])]),
    "far": annotation([("bag", [1, 1, 1e9, 9])]),
    "reversed": annotation([("bag", [9, 1, 1, 9])]),
    "empty-box": annotation([("bag", [9.5, 1, 9.5, 9])]),
    "unknown": annotation([("teapot", GOOD_BOX)]),
    "entity": "<!DOCTYPE annotation [<!ENTITY bag 'bag'>]>" + annotation([("&bag;", GOOD_BOX)]),
    "laughs": "<!DOCTYPE annotation [<!ENTITY a 'bag'>"
    + "".join(f"<!ENTITY {chr(ord('b') + i)} '{f'&{chr(97 + i)};' * 10}'>" for i in range(9))
    + "]>"
    + annotation([("&j;", GOOD_BOX)]),
    "outside": "<!DOCTYPE annotation [<!ENTITY secret SYSTEM 'secret.txt'>]>"
    + annotation([("&secret;", GOOD_BOX)]),
    "crowd": annotation([("bag", GOOD_BOX)] * 4097),
    "large": annotation([("bag", GOOD_BOX)]) + " " * (1 << 20),
    "deep": "<annotation>" + "<a>" * 10000 + "</a>" * 10000 + "</annotation>",
    "zero-byte": annotation([("bag", GOOD_BOX)]) + "\0",
}


def test_broken_files_are_noted_counted_and_skipped(evaluate, tmp_path):
    root = tmp_path / "set"
    for name, text in BROKEN.items():
        put_scene(root / f"{name}.png", "scene01")
        put(root / f"{name}.xml", text)
    put(root / "secret.txt", "bag")
    put(root / "truncated.png", (SCENES / "scene01.png").read_bytes()[:5000])
    put(root / "words.jpg", "no image")
    put_scenes(root, ["scene02"])
    result = evaluate(root, "--json")
    assert result.returncode == 0, result.stderr
    notes = result.stderr.splitlines()
    for name in [*BROKEN, "truncated", "words"]:
        about = [line for line in notes if re.search(rf"/{name}\.(png|jpg|xml): ", line)]
        assert len(about) == 1 and about[0].startswith("sscam: note: "), (name, about)
    assert len(notes) == len(BROKEN) + 2
    report = json.loads(result.stdout)
    assert report["skipped"] == len(BROKEN) + 2 and report["images"] == 1
    assert {row["image"] for row in result.rows} == {"scene02.png"}


@pytest.fixture(scope="module")
def odd_network(tmp_path_factory):
    """A network that fails on white images, and whose layer `reshaped` has no map of black ones."""
    path = tmp_path_factory.mktemp("odd") / "odd.pt"
    subprocess.run([sys.executable, ROOT / "tests/cli/odd_network.py", path], check=True)
    return path


def put_plain(path, colour):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.new("RGB", (64, 64), colour).save(path)


@pytest.mark.parametrize("name", ["scene00.png", "scene05.png"])
@pytest.mark.parametrize("colour, words", [("white", "too bright"), ("black", "reshaped")])
def test_images_on_which_the_network_fails_are_noted_counted_and_skipped(
    sscam, odd_network, tmp_path, name, colour, words
):
    for scene in ("scene01", "scene09"):
        put_scene(tmp_path / "set" / f"{scene}.png", scene)
    put_plain(tmp_path / "set" / name, colour)
    result = sscam("eval", odd_network, "set", *FAST, "-l", "reshaped", "-c", "top", "--json")
    assert result.returncode == 0, result.stderr
    (note,) = result.stderr.splitlines()
    assert note.startswith(f"sscam: note: set/{name}: ") and words in note
    report = json.loads(result.stdout)
    assert report["skipped"] == 1 and report["images"] == 2


def test_a_network_that_fails_on_every_image_ends_the_run(sscam, odd_network, tmp_path):
    for i in range(20):
        put_plain(tmp_path / "set" / f"{i:02}.png", "white")
    result = sscam("eval", odd_network, "set", *FAST, "-c", "top")
    lines = result.stderr.splitlines()
    assert result.returncode == 1 and result.stdout == ""
    assert len(lines) == 8 and all(line.startswith("sscam: note: set/0") for line in lines[:-1])
    assert (
        not lines[-1].startswith("sscam: note")
        and str(odd_network) in lines[-1]
        and "too bright" in lines[-1]
    )


@pytest.mark.parametrize("size", [(3, 40000), (40000, 3)])
def test_extreme_images_are_evaluated_and_drawn(evaluate, tmp_path, size):
    put_scenes(tmp_path / "set", ["scene02"])
    PIL.Image.new("RGB", size, "red").save(tmp_path / "set/long.png")
    result = evaluate(
        tmp_path / "set", "-c", "top", "--resize", "224x224", "--report", "report.html"
    )
    assert result.returncode == 0 and result.stderr == "", result.stderr
    assert [row["image"] for row in result.rows] == ["long.png", "scene02.png"]
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert len(page.all("img")) == 4


def test_limits_can_be_raised_and_lowered(evaluate, tmp_path):
    put_scene(tmp_path / "set/crowd.png", "scene01")
    put(tmp_path / "set/crowd.xml", BROKEN["crowd"])
    put_scenes(tmp_path / "set", ["scene02"])
    for flags, images in (
        (["--max-objects", "4097"], {"crowd.png", "scene02.png"}),
        (["--max-objects", "4096"], {"scene02.png"}),
        (["--max-pixels", "9"], set()),
    ):
        result = evaluate(tmp_path / "set", *flags)
        assert {row["image"] for row in result.rows} == images, result.stderr
        assert (result.returncode == 0) == bool(images)


def test_nothing_but_broken_files(evaluate, tmp_path):
    put_scene(tmp_path / "set/scene01.png", "scene01")
    put(tmp_path / "set/scene01.xml", "<annotation>")
    result = evaluate(tmp_path / "set")
    assert result.returncode == 1 and result.stdout == "" and result.rows == []
    assert result.stderr.splitlines()[-1].endswith("none of its images could be evaluated")


def test_forms_of_annotations(evaluate, tmp_path):
    """What is meant the same gives the same values; what is not does not."""
    root = tmp_path / "set"
    whole, edges = [93, 125, 206, 210], [92.5, 124, 206, 210]
    forms = {
        "a": annotation([("bag", whole)]),
        "b-no-size": annotation([("bag", whole)])
        .replace("<size>", "<measure>")
        .replace("</size>", "</measure>"),
        "c-zero-size": annotation([("bag", whole)], size=(0, 0)),
        "d-written-whole": annotation([("Bag", [f" {value}.0\n" for value in whole])]),
        "e-declared": '<?xml version="1.0" encoding="UTF-8"?>\n<!-- -->'
        + annotation([("bag", whole)]),
        "f-halved": annotation(
            [("bag", [value / 2 for value in (92.0, 124.0, 206.0, 210.0)][:1] + [62, 103, 105.0])],
            size=(160, 128),
        ).replace("46.0", "46.0000000001"),
        "g-united": annotation(
            [
                ("bag", [93, 125, 150, 210]),
                ("bag", [130, 125, 206, 210]),
                ("bag", [93, 130, 99, 140]),
            ]
        ),
        "h-unknown-too": annotation([("teapot", [1, 1, 300, 250]), ("bag", whole)]),
        "i-edges": annotation([("bag", edges)]),
        "j-outside": annotation([("bag", [1, 1, 20, 200])]),
        "k-beyond": annotation([("bag", [-500, -500, 5000, 5000])]),
    }
    for name, text in forms.items():
        put_scene(root / f"{name}.png", "scene01")
        put(root / f"{name}.xml", text)
    result = evaluate(root, "--json")
    assert result.stderr == ""
    report = json.loads(result.stdout)
    assert report["scaled_annotations"] == 1 and report["unknown_objects"] == 1
    energy = {row["image"][0]: float(row["energy_pointing"]) for row in result.rows}
    assert len(energy) == len(forms)
    assert all(energy[name] == energy["a"] for name in "bcdefgh"), energy
    assert energy["i"] == energy["a"]  # 92.5: the centre of that pixel is on the edge, and inside
    assert energy["j"] == 0 and energy["k"] == pytest.approx(100)
    assert 0 < energy["a"] < 100


def test_images_without_annotations_are_evaluated_for_the_top_class(evaluate, tmp_path):
    put_scene(tmp_path / "set/scene01.png", "scene01")
    result = evaluate(tmp_path / "set", labels=None)
    assert len(result.rows) == 1 and result.rows[0]["pointing"] == ""
    put(tmp_path / "set/scene01.xml", annotation([]))
    assert evaluate(tmp_path / "set", labels=None).rows == result.rows


# --- parts ----------------------------------------------------------------------------------------


def test_shards_merge_to_one_run(evaluate, sscam, tmp_path):
    parts = []
    for i in (3, 1, 2):
        part = evaluate(SCENES, "--shard", f"{i}/3")
        assert {int(row["index"]) % 3 for row in part.rows} == {i - 1}
        parts.append((tmp_path / "values.csv").rename(tmp_path / f"part{i}.csv"))
    merged = sscam("merge", *parts, "--csv", "merged.csv", "--json")
    assert merged.returncode == 0, merged.stderr
    table = evaluate(SCENES)
    assert (tmp_path / "merged.csv").read_bytes() == (tmp_path / "values.csv").read_bytes()
    assert sscam("merge", *parts).stdout == table.stdout
    report = json.loads(merged.stdout)
    assert report["images"] == 12 and report["cases"] == len(table.rows)
    assert report["methods"] == json.loads(evaluate(SCENES, "--json").stdout)["methods"]


def test_merging_keeps_every_digit(evaluate, sscam, tmp_path):
    """All metrics of several methods, undefined and absent values among them."""
    whole = evaluate(
        SCENES,
        "--limit",
        "3",
        "-m",
        "grad-cam,cam",
        "--metrics",
        "all",
        "--metric-steps",
        "3",
        *SMALL,
        "--json",
        flags=SIGMOID,
    )
    heading, *lines = (tmp_path / "values.csv").read_text().splitlines(keepends=True)
    lines = [
        line if line[0] != "1" else re.sub(r",[^,]*,[^,]*((,[^,]*){8}\n)", r",nan,\1", line)
        for line in lines
    ]
    parts = [
        put(tmp_path / f"{i}.csv", heading + "".join(line for line in lines if line[0] == str(i)))
        for i in (2, 0, 1)
    ]
    done = sscam("merge", *parts, "--csv", "merged.csv", "--json")
    assert (tmp_path / "merged.csv").read_text() == heading + "".join(lines)
    merged, original = (json.loads(result.stdout)["methods"][1] for result in (done, whole))
    assert all(merged[metric] == original[metric] for metric in METRICS + ["insertion"])
    changed = sum(line[0] == "1" for line in lines) // 2
    assert (
        merged["deletion"]["undefined"] == changed and merged["class_sensitivity"]["undefined"] == 0
    )
    assert merged["class_sensitivity"]["count"] == original["class_sensitivity"]["count"] - changed


def test_merge_refuses_what_does_not_belong_together(evaluate, sscam, tmp_path):
    evaluate(SCENES, "--limit", "2")
    good = (tmp_path / "values.csv").read_text()
    lines = good.splitlines(keepends=True)

    def refused(*texts, words):
        paths = [put(tmp_path / f"{i}.csv", text) for i, text in enumerate(texts)]
        assert_one_line(sscam("merge", *paths, "--csv", "out.csv"), 1, *words)
        assert not (tmp_path / "out.csv").exists()

    refused("", words=["0.csv", "empty"])
    refused(good, good, words=["twice"])
    refused(lines[0], words=["no results"])
    refused("image,class\n", words=["'index'"])
    refused(good.replace("pointing\n", "pointed\n", 1), words=["'pointed'"])
    refused(good, good.replace(",pointing\n", "\n", 1), words=["other metrics"])
    refused(good, good.replace("grad-cam", "cam"), words=["1.csv", "'cam'"])
    refused(good, good.replace("scene01", "other01"), words=["different data sets"])
    refused(good[:-30], words=["line"])
    refused(good + '"', words=["0.csv"])
    refused(good.replace("0,scene", "-1,scene", 1), words=["line 2"])
    refused(
        good.replace(",100,", ",1e999,", 1) if ",100," in good else good[:-4] + "inf\n",
        words=["is not a number"],
    )
    assert_one_line(sscam("merge", "absent.csv"), 1, "absent.csv")


def test_a_cut_journal_goes_on(evaluate, tmp_path):
    """Whatever a crash left of the last line, the values are those of one run."""
    journal = tmp_path / "journal"
    whole = evaluate(SCENES, "--limit", "2", "--resume", journal)
    complete = journal.read_bytes()
    assert len(ends_of_images(complete)) == 2
    for length in (
        0,
        10,
        50,
        len(complete) // 2,
        len(complete) - 30,
        len(complete) - 5,
        len(complete) - 1,
    ):
        journal.write_bytes(complete[:length])
        resumed = evaluate(SCENES, "--limit", "2", "--resume", journal)
        assert resumed.rows == whole.rows and resumed.stdout == whole.stdout
        assert journal.read_bytes() == complete


def ends_of_images(journal):
    """Where the lines stand that end an image."""
    return [match.start() for match in re.finditer(rb"(?m)^done,\d+,\d+\n", journal)]


def test_a_killed_run_goes_on_as_if_it_had_not_been(evaluate, network, tmp_path):
    """To the last digit, also of scores: without calibration the plan is always the same."""
    flags = [
        "-m",
        "grad-cam,score-cam",
        "--probability",
        "sigmoid",
        "--metrics",
        "all",
        "--metric-steps",
        "25",
        *SMALL,
        "--calibrate",
        "off",
        "--limit",
        "6",
    ]
    arguments = ["--labels", network.labels_path, "--resume", tmp_path / "journal"]
    for kills in itertools.count(1):
        running = subprocess.Popen(
            [PROGRAM, "eval", network.model, SCENES, *flags, *map(str, arguments)],
            stdout=subprocess.DEVNULL,
            cwd=tmp_path,
        )
        before = len(ends_of_images((tmp_path / "journal").read_bytes())) if kills > 1 else 0
        while running.poll() is None:
            if (tmp_path / "journal").exists() and len(
                ends_of_images((tmp_path / "journal").read_bytes())
            ) >= before + 2:
                break
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
        if kills == 2:
            break
    kept = (tmp_path / "journal").read_bytes()
    ends = ends_of_images(kept)
    assert 4 <= len(ends) < 6
    resumed = evaluate(SCENES, *arguments[2:], flags=flags)
    values = (tmp_path / "values.csv").read_bytes()
    assert (tmp_path / "journal").read_bytes().startswith(kept[: ends[-1]])
    whole = evaluate(SCENES, "--resume", "another", flags=flags)
    assert (tmp_path / "values.csv").read_bytes() == values
    assert (tmp_path / "another").read_bytes() == (tmp_path / "journal").read_bytes()
    assert resumed.stdout == whole.stdout
    assert set(METRICS + OTHERS) <= set(resumed.rows[0])


def test_a_resumed_run_keeps_its_counts(evaluate, tmp_path):
    """Of skipped images, scaled annotations and unknown objects; not those of images left out."""
    root = put_scenes(tmp_path / "set", scene_names(1))
    bag = annotation([("bag", GOOD_BOX)])
    for name, text in (
        ("t1-scaled", annotation([("bag", [46, 62, 103, 105])], size=(160, 128))),
        ("t2-unknown", annotation([("teapot", GOOD_BOX), ("bag", GOOD_BOX), ("cup", GOOD_BOX)])),
        ("t3-broken", bag[:-20]),
        ("t4-good", bag),
        ("t5-both", annotation([("bag", [46, 62, 103, 105]), ("cup", GOOD_BOX)], size=(160, 128))),
    ):
        put_scene(root / f"{name}.png", "scene02")
        put(root / f"{name}.xml", text)

    def counts(*arguments):
        report = json.loads(evaluate(root, "--json", *arguments).stdout)
        return [
            report[name] for name in ("images", "skipped", "scaled_annotations", "unknown_objects")
        ]

    assert counts() == [5, 1, 2, 3]
    assert counts("--limit", "3", "--resume", "journal") == [3, 0, 1, 2]
    complete = (tmp_path / "journal").read_bytes()
    for arguments, wanted in (
        ([], [5, 1, 2, 3]),
        ([], [5, 1, 2, 3]),
        (["--limit", "2"], [2, 0, 1, 0]),
        (["--shard", "2/3"], [2, 0, 1, 0]),
    ):
        assert counts("--resume", "journal", *arguments) == wanted
    assert (tmp_path / "journal").read_bytes().startswith(complete)
    whole, resumed = evaluate(root), evaluate(root, "--resume", "journal")
    assert whole.stdout == resumed.stdout and "1 images skipped; 2 annotations" in whole.stdout


def test_a_damaged_journal_is_refused(evaluate, tmp_path):
    evaluate(SCENES, "--limit", "2", "--resume", "journal")
    good = (tmp_path / "journal").read_text()
    lines = good.splitlines(keepends=True)
    end = next(i for i, line in enumerate(lines) if line.startswith("done,"))
    for changed in (
        lines[:end] + ["done,x,0\n"] + lines[end + 1 :],
        lines[:end] + ["done,0\n"] + lines[end + 1 :],
        lines[:2] + lines[end:],
        lines[: end + 1] + lines[end:],
        lines[:3] + ["1,2,3\n"] + lines[3:],
    ):
        text = "".join(changed)
        (tmp_path / "journal").write_text(text)
        assert_one_line(evaluate(SCENES, "--resume", "journal"), 1, "journal", "line")
        assert (tmp_path / "journal").read_text() == text


def test_a_finished_journal_is_not_computed_again(evaluate, sscam, network, tmp_path):
    first = evaluate(SCENES, "--limit", "2", "--resume", "journal")
    again = evaluate(SCENES, "--limit", "2", "--resume", "journal")
    assert again.rows == first.rows
    fewer = evaluate(
        SCENES, "--limit", "1", "--resume", "journal"
    )  # the others stay where they are
    assert fewer.rows == [row for row in first.rows if row["index"] == "0"]
    more = evaluate(SCENES, "--limit", "3", "--resume", "journal")
    assert more.rows[: len(first.rows)] == first.rows and len(more.rows) > len(first.rows)


def test_a_journal_of_another_evaluation_is_refused(evaluate, tmp_path):
    evaluate(SCENES, "--limit", "1", "--resume", "journal")
    before = (tmp_path / "journal").read_bytes()
    for other in (["--metric-mask", "top50"], ["-m", "cam"], ["-c", "bag"]):
        assert_one_line(
            evaluate(SCENES, "--limit", "1", "--resume", "journal", *other), 1, "journal", "differ"
        )
    put_scene(tmp_path / "set/another.png", "scene01")
    assert_one_line(
        evaluate(tmp_path / "set", "--resume", "journal"), 1, "another data set", "scene01.png"
    )
    put(tmp_path / "letter", "Dear reader,\n")
    assert_one_line(evaluate(SCENES, "--resume", "letter"), 1, "letter", "no journal")
    assert (tmp_path / "letter").read_text() == "Dear reader,\n"
    assert_one_line(evaluate(SCENES, "--resume", tmp_path / "set"), 1, "not a regular file")
    assert (tmp_path / "journal").read_bytes() == before


def begin_eval(network, folder, ignored=()):
    """A run of some seconds that has written an image into the journal."""
    running = subprocess.Popen(
        [
            PROGRAM,
            "eval",
            network.model,
            str(SCENES),
            *SIGMOID,
            "--metrics",
            "all",
            "--labels",
            network.labels_path,
            "--metric-steps",
            "50",
            *SMALL,
            "--resume",
            "journal",
        ],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        preexec_fn=lambda: default_signals(ignored),
    )
    while running.poll() is None and not (
        (folder / "journal").exists() and ends_of_images((folder / "journal").read_bytes())
    ):
        time.sleep(0.01)
    return running


def test_a_journal_has_one_writer(evaluate, network, tmp_path):
    first = begin_eval(network, tmp_path)
    first.send_signal(signal.SIGSTOP)
    before = (tmp_path / "journal").read_bytes()
    flags = [*SIGMOID, "--metrics", "all", "--metric-steps", "50", *SMALL]
    second = evaluate(SCENES, "--resume", "journal", flags=flags)
    assert_one_line(second, 1, "journal", f"process {first.pid} ", os.uname().nodename)
    assert (tmp_path / "journal").read_bytes() == before
    first.kill()
    first.communicate()
    assert evaluate(SCENES, "--limit", "2", "--resume", "journal", flags=flags).returncode == 0


def test_a_journal_that_holds_an_image_twice_is_refused(evaluate, tmp_path):
    evaluate(SCENES, "--limit", "2", "--resume", "journal")
    lines = (tmp_path / "journal").read_text().splitlines(keepends=True)
    end = next(i for i, line in enumerate(lines) if line.startswith("done,"))
    for changed, words in (
        (lines + lines[2 : end + 1], ["image 0 twice"]),
        (lines[:end] + lines[end + 1 :], ["line", "two images"]),
    ):
        (tmp_path / "journal").write_text("".join(changed))
        assert_one_line(evaluate(SCENES, "--resume", "journal"), 1, "journal", *words)
        assert (tmp_path / "journal").read_text() == "".join(changed)


def test_a_journal_of_other_versions_is_refused(evaluate, sscam, tmp_path):
    build = dict(
        line.split(": ", 1) for line in sscam("--version").stdout.splitlines() if ": " in line
    )
    evaluate(SCENES, "--limit", "1", "--resume", "journal")
    good = (tmp_path / "journal").read_text()
    heading = good.splitlines()[0]
    assert heading.split(",")[3:] == [
        f"sscam {build['sscam']}",
        f"libtorch {build['libtorch']}",
        "cpu",
    ]
    for old, new in (
        (build["libtorch"], "0.4.1"),
        (",cpu", ",cuda,CUDA 9"),
        (build["sscam"], "0.9.0"),
    ):
        (tmp_path / "journal").write_text(good.replace(old, new, 1))
        assert_one_line(
            evaluate(SCENES, "--resume", "journal"), 1, "journal", new.strip(","), old.strip(",")
        )
        assert (tmp_path / "journal").read_text() == good.replace(old, new, 1)


def test_signals_that_are_ignored_stay_ignored(network, tmp_path):
    """As nohup does it, and a shell that starts something in the background."""
    running = begin_eval(network, tmp_path, ignored=[signal.SIGINT, signal.SIGHUP])
    for sent in (signal.SIGINT, signal.SIGHUP, signal.SIGINT):
        running.send_signal(sent)
    output, errors = running.communicate(timeout=300)
    assert running.returncode == 0, errors
    assert len(ends_of_images((tmp_path / "journal").read_bytes())) == 12 and "12 images" in output


def test_results_on_standard_output(evaluate, sscam, network):
    table = evaluate(SCENES, "--limit", "2")
    text = sscam(
        "eval",
        network.model,
        SCENES,
        *FAST,
        "--labels",
        network.labels_path,
        "--limit",
        "2",
        "--csv",
        "/dev/stdout",
    ).stdout
    assert text.startswith("index,image,") and text.endswith(table.stdout)
    assert list(csv.DictReader(io.StringIO(text[: -len(table.stdout)]))) == table.rows


# --- what is printed ------------------------------------------------------------------------------


def test_table_json_and_csv_agree(evaluate, tmp_path):
    arguments = [
        "--limit",
        "3",
        "-m",
        "grad-cam,grad-cam++",
        "--metrics",
        "all",
        "--metric-steps",
        "6",
        *SMALL,
    ]
    table = evaluate(SCENES, *arguments, "--resume", "journal", flags=SIGMOID)
    report = json.loads(
        evaluate(SCENES, *arguments, "--resume", "journal", "--json", flags=SIGMOID).stdout
    )
    assert (report["layout"], report["images"], report["cases"]) == (
        "imagenet",
        3,
        len(table.rows) // 2,
    )
    assert [method["method"] for method in report["methods"]] == ["grad-cam", "grad-cam++"]
    assert max(map(len, table.stdout.splitlines())) <= 100
    assert not re.search(r" $", table.stdout, re.MULTILINE)
    for method in report["methods"]:
        lines = [
            line for line in table.stdout.splitlines() if line.split("  ")[0] == method["title"]
        ]
        assert lines
        for metric in [*METRICS, *OTHERS]:
            values = [float(row[metric]) for row in table.rows if row["method"] == method["method"]]
            total = method[metric]
            assert total["count"] == len(values) and total["undefined"] == 0
            assert total["mean"] == pytest.approx(math.fsum(values) / len(values), abs=1e-6)
            assert total["lower"] <= total["mean"] <= total["upper"]
            digits = 2 if metric in METRICS + PERCENTAGES else 4
            mean, *interval = (f"{total[key]:.{digits}f}" for key in ("mean", "lower", "upper"))
            shown = f"{mean} [{', '.join(interval)}]"
            assert any(shown in line for line in lines), (metric, shown)


def test_undefined_values_are_shown(evaluate):
    """A layer of one place gives constant maps, whose energy is no number."""
    arguments = [SCENES, "--limit", "2", "-l", "pool"]
    table, report = evaluate(*arguments), json.loads(evaluate(*arguments, "--json").stdout)
    count = sum(len(objects_of(scene)) for scene in scene_names(2))
    assert table.stdout.count(f"{count} undefined") == 2
    assert {row["energy_pointing"] for row in table.rows} == {"nan"}
    assert report["methods"][0]["pointing"] == {
        "mean": None,
        "lower": None,
        "upper": None,
        "count": 0,
        "undefined": count,
    }


def test_default_is_every_method_that_can(evaluate, sscam):
    """The bundled network has all that a method may ask for, but attention."""
    result = evaluate(
        SCENES,
        "--limit",
        "1",
        "--max-channels",
        "2",
        "--samples",
        "1",
        flags=["--probability", "sigmoid", "--metrics", "pointing"],
    )
    (note,) = result.stderr.splitlines()
    assert "legrad" in note and "no self-attention" in note
    found = [row["method"] for row in result.rows]
    assert found[:3] == ["cam", "grad-cam", "grad-cam++"] and len(set(found)) >= 15


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["model.pt"], ["a data set"]),
        (["model.pt", "set", "other"], ["'other'"]),
        (["model.pt", "set", "--limit", "0"], ["--limit"]),
        (["model.pt", "set", "--limit", "-3"], ["'-3'"]),
        (["model.pt", "set", "--shard", "2"], ["I/N"]),
        (["model.pt", "set", "--shard", "0/2"], ["'0/2'"]),
        (["model.pt", "set", "--shard", "3/2"], ["'3/2'"]),
        (["model.pt", "set", "--shard", "1/"], ["'1/'"]),
        (["model.pt", "set", "-l", "a,b"], ["one layer"]),
        (["model.pt", "set", "-m", "gradcam"], ["did you mean 'grad-cam'"]),
        (["model.pt", str(SCENES), "--layout", "kitti"], ["'kitti'", "stanford40"]),
    ],
)
def test_usage_errors(sscam, files, arguments, words):
    assert_one_line(sscam("eval", *arguments), 2, *words)
    assert files() == []


def test_failures_name_the_thing(evaluate, sscam, network, tmp_path):
    assert_one_line(evaluate(tmp_path / "nowhere"), 1, "nowhere")
    (tmp_path / "empty").mkdir()
    assert_one_line(evaluate(tmp_path / "empty"), 1, "empty", "no images")
    assert_one_line(evaluate(SCENES, "--layout", "voc"), 1, "JPEGImages")
    assert_one_line(sscam("eval", "absent.pt", SCENES), 1, "absent.pt")
    assert_one_line(
        sscam("eval", network.model, SCENES, "--csv", "no/such/folder.csv"), 1, "folder.csv"
    )
    usage = sscam("eval", network.model, SCENES, "--metrics", "drop")
    assert_one_line(usage, 2, '"drop"', "average_drop")


def test_classes_that_the_network_has_not(evaluate, tmp_path):
    put_scene(tmp_path / "scene01.png", "scene01")
    result = evaluate(put(tmp_path / "list.csv", "scene01.png,6\n"), labels=None)
    assert result.returncode == 1
    assert "note: " in result.stderr and "class 6" in result.stderr.splitlines()[0]


def test_interruption_leaves_a_journal(network, tmp_path):
    running = subprocess.Popen(
        [
            PROGRAM,
            "eval",
            network.model,
            str(SCENES),
            *SIGMOID,
            "--metrics",
            "all",
            "--labels",
            network.labels_path,
            "--resume",
            "journal",
            "--csv",
            "out.csv",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        preexec_fn=default_signals,
    )
    while running.poll() is None and not (tmp_path / "journal").exists():
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    output, errors = running.communicate(timeout=120)
    assert running.returncode == 1 and output == "" and errors == "sscam: cancelled\n"
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.skipif(not (SHARED_DATA / "boxed").is_dir(), reason="skipped: no shared data")
def test_photographs_with_wnids(sscam, tmp_path):
    result = sscam(
        "eval",
        SHARED_DATA / "models/squeezenet1_1.pt",
        SHARED_DATA / "boxed/images",
        "--annotations",
        SHARED_DATA / "boxed/annotations",
        "--labels",
        SHARED_DATA / "imagenet_class_index.tsv",
        "-m",
        "grad-cam",
        "--limit",
        "8",
        "--json",
    )
    assert result.returncode == 0 and result.stderr == ""
    report = json.loads(result.stdout)
    assert report["images"] == report["cases"] == 8 and report["scaled_annotations"] == 0
    assert report["methods"][0]["pointing"]["mean"] >= 60


def test_the_bar_is_of_the_whole_data_set(network, tmp_path):
    """And a note about a broken image gets a line of its own."""
    root = put_scenes(tmp_path / "set", scene_names(3))
    put(root / "scene01b.png", "no image")
    # Long enough for the bar, which is drawn ten times a second at most.
    code, shown = run_on_terminal(
        ["eval", network.model, str(root), "-m", "ss-cam-mean", "--labels", network.labels_path],
        100,
    )
    assert code == 0
    assert re.search(
        r"\r\033\[K\[[#-]+\] +\d+ %  \d+:\d\d elapsed, (-:--|\d+:\d\d) left"
        r"(, [\d.]+ images/(s|min))?  image \d of 4",
        shown,
    ), shown
    assert re.search(r" left, [\d.]+ images/(s|min)  image", shown), shown
    percents = [int(number) for number in re.findall(r"(\d+) %", shown)]
    assert percents == sorted(percents) and percents[-1] > 50
    assert re.search(r"\r\033\[Ksscam: note: [^\r\n]*scene01b.png[^\r\n]*\r\n", shown), shown
    assert shown.endswith("\r\033[K")


# --- the report -----------------------------------------------------------------------------------


class Page(html.parser.HTMLParser):
    """Tags that are open and closed in order, and what a test looks at."""

    VOID = frozenset({"meta", "img", "br", "!doctype"})

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag):
        return [attributes for found, attributes in self.tags if found == tag]


def test_report_is_one_file_with_everything(evaluate, tmp_path):
    """Also where the name of a file is markup."""
    hostile = "a<script>alert('&')<b>\"scene.png"
    root = put_scenes(tmp_path / "set", ["scene02"])
    put_scene(root / hostile, "scene01")
    put(root / hostile.replace(".png", ".xml"), (SCENES / "scene01.xml").read_text())
    result = evaluate(
        root,
        "--report",
        "report.html",
        "-m",
        "grad-cam,cam",
        "--metrics",
        "all",
        "--metric-steps",
        "3",
        *SMALL,
        flags=SIGMOID,
    )
    assert result.returncode == 0, result.stderr
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not re.search(r"(src|href|url)\s*[=(]\s*['\"]?(?!data:image/png;base64,|\")", text)
    assert len(page.all("script")) == 2 and any(hostile in words for words in page.texts)
    cases = len(result.rows) // 2
    assert len([1 for div in page.all("div") if div.get("class") == "case"]) == cases
    assert len(page.all("img")) == 3 * cases  # the input and two methods
    assert len(page.all("svg")) == 15 + 2 and len(page.all("polyline")) == 2 * 2
    for line in page.all("polyline"):
        assert len(line["points"].split()) == 4
    for element in page.all("img"):
        content = base64.b64decode(element["src"].partition(",")[2], validate=True)
        with PIL.Image.open(io.BytesIO(content)) as image:
            image.load()
            assert image.size == (int(element["width"]), int(element["height"]))
    values = [div["data-v0-0"] for div in page.all("div") if div.get("class") == "case"]
    assert values == [f"{float(row['average_drop']):.9g}" for row in result.rows[::2]]
    cells = [float(cell["data-value"]) for cell in page.all("td") if cell.get("data-value")]
    assert len(cells) == 2 * 15
    assert [table["id"] for table in page.all("table") if table.get("class") == "worst"] == [
        f"worst-{method}-{metric}" for method in range(2) for metric in range(15)
    ]
    assert cells[0] == pytest.approx(sum(map(float, values)) / cases, rel=1e-6)


def test_report_shows_the_boxes_of_the_class(evaluate, tmp_path):
    evaluate(SCENES, "--limit", "1", "--report", "report.html")
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    element = page.all("img")[0]
    with PIL.Image.open(io.BytesIO(base64.b64decode(element["src"].partition(",")[2]))) as image:
        pixels = image.convert("RGB")
    scale = pixels.width / 320
    left, top, right, bottom = (value * scale for value in objects_of("scene01")[0][1])
    middle_of_edges = [
        ((left + right) / 2, top),
        ((left + right) / 2, bottom),
        (left, (top + bottom) / 2),
        (right, (top + bottom) / 2),
    ]
    for x, y in middle_of_edges:
        near = [pixels.getpixel((int(x) + i, int(y) + j)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        assert any(red > 200 and green > 180 and blue < 90 for red, green, blue in near)


def test_report_has_the_worst_cases_of_all(evaluate, tmp_path):
    """Lists of all cases there are, images of those that are worst on the whole of a metric."""
    metrics = ("average_drop", "energy_pointing")
    result = evaluate(
        SCENES,
        "--report",
        "report.html",
        "-m",
        "grad-cam,grad-cam++",
        "--metrics",
        ",".join(metrics),
        "--limit",
        "11",
        flags=SIGMOID,
    )
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for (i, method), (j, metric, worse) in itertools.product(
        enumerate(("grad-cam", "grad-cam++")), ((0, "average_drop", -1), (1, "energy_pointing", 1))
    ):
        rows = sorted(
            (row for row in result.rows if row["method"] == method),
            key=lambda row: worse * float(row[metric]),
        )  # stable
        listed = re.search(f'id="worst-{i}-{j}".*?</table>', text, re.DOTALL).group(0)
        found = re.findall(
            r"<tr><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td></tr>", listed
        )
        assert found == [
            (row["image"], row["label"], *(f"{float(row[name]):.4g}" for name in metrics))
            for row in rows[:12]
        ]
    pairs = list(zip(result.rows[::2], result.rows[1::2]))
    assert len(pairs) > 24
    worst = sorted(pairs, key=lambda pair: -sum(float(row["average_drop"]) for row in pair))[:24]
    shown = re.findall(r'<div class="case" data-v0-0="([^"]*)"', text)
    assert sorted(shown) == sorted(f"{float(row['average_drop']):.9g}" for row, _ in worst)


def test_reports_that_cannot_be_written(sscam, network, tmp_path):
    assert_one_line(
        sscam("eval", network.model, SCENES, "--report", "no/such/report.html"), 1, "report.html"
    )
    assert_one_line(
        sscam("eval", network.model, SCENES, "--report", "r.html", "--colormap", "gray"), 2, "gray"
    )
