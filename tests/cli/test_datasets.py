"""Data sets in the forms in which people have them: COCO, YOLO, lists of many programs, files that
are wrong in part, classes that the network does not have."""

import json
import re

import pytest

from conftest import assert_one_line
from scene_sets import (
    COUNT,
    annotation,
    objects_of,
    put,
    put_scene,
    put_scenes,
    scene_names,
    values_of,
)

WIDTH, HEIGHT = 320, 256
GOOD_BOX = [93, 125, 206, 210]


def edges_of(box):
    """Left, top, right and bottom edge of a box of VOC."""
    return [box[0] - 1, box[1] - 1, box[2], box[3]]


def all_objects():
    return [(scene, label, box) for scene in scene_names(COUNT) for label, box in objects_of(scene)]


def sorted_values(rows):
    """Values of rows whose order within an image may be another."""
    return sorted(map(str, values_of(rows)))


def counts_of(result):
    report = json.loads(result.stdout)
    names = ("images", "skipped", "unannotated", "unknown_objects", "unusable_objects")
    return [report[name] for name in names]


# --- COCO -----------------------------------------------------------------------------------------


def coco_document(extension=".png"):
    classes = sorted({label for _, label, _ in all_objects()})
    return {
        "info": {"description": "scenes"},
        "images": [
            {"id": 70 + i, "file_name": scene + extension, "width": WIDTH, "height": HEIGHT}
            for i, scene in enumerate(scene_names(COUNT))
        ],
        "categories": [{"id": 5 + 3 * i, "name": name} for i, name in enumerate(classes)],
        "annotations": [
            {
                "id": i,
                "image_id": 70 + scene_names(COUNT).index(scene),
                "category_id": 5 + 3 * classes.index(label),
                "bbox": [box[0] - 1, box[1] - 1, box[2] - box[0] + 1, box[3] - box[1] + 1],
                "segmentation": [[1.5, 2.5, 3, 4, 5, 6]],
                "iscrowd": 0,
            }
            for i, (scene, label, box) in enumerate(all_objects())
        ],
    }


@pytest.mark.parametrize(
    "images, file",
    [
        ("val2017", "annotations/instances_val2017.json"),  # COCO's own folders
        ("images", "annotations.json"),
        (".", "labels.json"),
        ("valid", "valid/_annotations.coco.json"),  # Roboflow
    ],
)
def test_coco(evaluate, tmp_path, wanted, images, file):
    root = tmp_path / "set"
    for scene in scene_names(COUNT):
        put_scene(root / images / f"{scene}.png", scene)
    put(root / file, json.dumps(coco_document()))
    given = [[root / file], [root / images, "--annotations", root / file]]
    if "instances" in file or "_annotations" in file:
        given += [[root], [root, "--split", images]]
    for arguments in given:
        result = evaluate(*arguments)
        assert result.stderr == ""
        assert sorted_values(result.rows) == sorted(map(str, wanted))


def test_coco_of_another_size_and_in_shares(evaluate, tmp_path, wanted):
    for form in ("halved", "shares"):
        document = coco_document()
        for image in document["images"]:
            image["width"], image["height"] = image["width"] // 2, image["height"] // 2
        for item in document["annotations"]:
            divisor = [2] * 4 if form == "halved" else [WIDTH, HEIGHT] * 2
            item["bbox"] = [value / by for value, by in zip(item["bbox"], divisor)]
        for scene in scene_names(COUNT):
            put_scene(tmp_path / form / f"{scene}.png", scene)
        result = evaluate(put(tmp_path / form / "coco.json", json.dumps(document)), "--json")
        assert sorted_values(result.rows) == sorted(map(str, wanted)), form
        assert json.loads(result.stdout)["scaled_annotations"] == (COUNT if form == "halved" else 0)


def test_coco_that_is_wrong_in_part(evaluate, tmp_path, wanted):
    """An object that cannot be used costs itself; all of them are counted and noted."""
    document = coco_document()
    document["images"] += [
        {"id": "text", "file_name": "absent.png"},
        {"id": 1},
        {"id": 2, "file_name": 7.5},
    ]
    first = document["annotations"][0]
    document["annotations"] += [
        first | {"bbox": None},
        first | {"bbox": []},
        first | {"bbox": [1, 2, 0, 4]},
        first | {"bbox": [1, 2, "x", 4]},
        first | {"bbox": [1, 2, 1e300, 4]},
        first | {"category_id": 999},
        first | {"image_id": 4711},
        {},
        7,
    ]
    for scene in scene_names(COUNT):
        put_scene(tmp_path / f"{scene}.png", scene)
    result = evaluate(put(tmp_path / "coco.json", json.dumps(document)), "--json")
    assert sorted_values(result.rows) == sorted(map(str, wanted))
    assert counts_of(result) == [COUNT, 3, 0, 0, 6]
    assert "3 of its annotations are of no image" in result.stderr
    assert "6 of its objects are left out" in result.stderr
    assert "absent.png" in result.stderr and "no usable file_name" in result.stderr
    crowd = evaluate(tmp_path / "coco.json", "--max-objects", "1")
    assert "more objects than --max-objects" in crowd.stderr


@pytest.mark.parametrize(
    "text, words",
    [
        ("", ["line"]),
        ("[]", ["COCO"]),
        ('{"images": []}', ["COCO"]),
        ('{"images": [], "categories": [], "annotations": []}', ["its images are not near it"]),
        ('{"images": [', ["line 1"]),
        (
            '{"images": [{"id": 1, "file_name": "scene01.png"}, {"id": 1, "file_name": "b"}], '
            '"categories": [], "annotations": []}',
            ["id 1"],
        ),
    ],
)
def test_what_is_no_coco(evaluate, tmp_path, text, words):
    put_scene(tmp_path / "scene01.png", "scene01")
    assert_one_line(evaluate(put(tmp_path / "coco.json", text)), 1, "coco.json", *words)


# --- YOLO -----------------------------------------------------------------------------------------

CLASSES = sorted({label for _, label, _ in all_objects()}, reverse=True)


def yolo_line(label, box):
    left, top, right, bottom = edges_of(box)
    numbers = [
        (left + right) / 2 / WIDTH,
        (top + bottom) / 2 / HEIGHT,
        (right - left) / WIDTH,
        (bottom - top) / HEIGHT,
    ]
    return " ".join([str(CLASSES.index(label)), *map(repr, numbers)])


def polygon_line(label, box):
    left, top, right, bottom = edges_of(box)
    points = [(left, top), (right, top), (right, bottom), (left + 1, bottom)]
    shares = [value for x, y in points for value in (x / WIDTH, y / HEIGHT)]
    return " ".join([str(CLASSES.index(label)), *map(repr, shares)])


def put_yolo(root, images, labels, line_of=yolo_line):
    for scene in scene_names(COUNT):
        put_scene(root / images / f"{scene}.png", scene)
        lines = [line_of(label, box) for label, box in objects_of(scene)]
        put(root / labels / f"{scene}.txt", "\r\n".join(lines))


YAMLS = {
    "ultralytics": "path: ../datasets/set\ntrain: images/train\nval: images/val\ntest: # none\n"
    "names:\n" + "".join(f"  {i}: {name}\n" for i, name in enumerate(CLASSES)),
    "roboflow": f"train: ../train/images\nval: ../images/val\nnc: 3\nnames: {CLASSES!r}\n",
    "list": f"val: [images/val]\nnames: {CLASSES!r}\n",
    "file": f"val: val.txt\nnames: {CLASSES!r}\n",
}


@pytest.mark.parametrize("form", YAMLS)
def test_yolo_with_data_yaml(evaluate, tmp_path, wanted, form):
    root = tmp_path / "set"
    put_yolo(root, "images/val", "labels/val")
    put(root / "data.yaml", YAMLS[form])
    names = (f"./images/val/{name}.png" for name in scene_names(COUNT))
    put(root / "val.txt", "\n".join(names))
    for arguments in ([root], [root / "data.yaml"], [root, "--split", "val"]):
        result = evaluate(*arguments)
        assert result.stderr == ""
        assert values_of(result.rows) == wanted
    assert_one_line(evaluate(root, "--split", "test"), 1, "data.yaml", "'test'")


@pytest.mark.parametrize(
    "images, labels, names",
    [("images/val", "labels/val", "classes.txt"), (".", ".", "classes.txt"),
     ("images", "labels", "labels/classes.txt")],
)  # fmt: skip
def test_yolo_without_data_yaml(evaluate, tmp_path, wanted, images, labels, names):
    put_yolo(tmp_path / "set", images, labels, polygon_line)
    put(tmp_path / "set" / names, "\n".join(CLASSES))
    result = evaluate(tmp_path / "set")
    assert result.stderr == ""
    assert values_of(result.rows) == wanted


def test_yolo_with_folders_of_splits(evaluate, tmp_path, wanted):
    """Roboflow's folders: the root, or one part of it; an entry may name a part that is missing."""
    root = tmp_path / "set"
    put_yolo(root, "valid/images", "valid/labels")
    splits = (("train", "train"), ("val", "valid"), ("test", "test"))
    entries = "".join(f"{name}: ../{folder}/images\n" for name, folder in splits)
    put(root / "data.yaml", f"{entries}names: {CLASSES!r}\n")
    for given in (root, root / "data.yaml", root / "valid"):
        result = evaluate(given)
        assert result.stderr == ""
        assert values_of(result.rows) == wanted
    assert_one_line(evaluate(root, "--split", "test"), 1, "data.yaml", "../test/images")


def test_yolo_that_is_wrong_in_part(evaluate, tmp_path, wanted):
    root = tmp_path / "set"
    put_yolo(root, "images", "labels")
    put(root / "classes.txt", "\n".join(CLASSES))
    label, box = objects_of("scene01")[0]
    more = ["0", "0 0.5 0.5 0.1", "0 0.5 0.5 0 0", "0 160 128 20 20", "99 .5 .5 .1 .1", "x 1 1 1 1"]
    more += [
        "0.5 .5 .5 .1 .1",
        "-1 .5 .5 .1 .1",
        "0 .5 .5 nan .1",
        "",
        f"{yolo_line(label, box)} .9",
    ]
    with open(root / "labels/scene01.txt", "a", encoding="utf-8") as file:
        file.write("\n" + "\n".join(more))
    put_scene(root / "images/empty.png", "scene01")
    result = evaluate(root, "--json")
    scenes = [row for row in result.rows if row["image"] != "empty.png"]
    assert values_of(scenes) == wanted
    assert counts_of(result) == [COUNT + 1, 0, 1, 0, 9]
    assert "line 4: " in result.stderr or "line 3: " in result.stderr
    put(root / "classes.txt", "")
    assert_one_line(evaluate(root, "--layout", "yolo"), 1, "classes.txt")


# --- lists ----------------------------------------------------------------------------------------


def list_text(form):
    lines = []
    for scene, label, box in all_objects():
        left, top, right, bottom = edges_of(box)
        file = f"pictures\\{scene}.png"
        sizes = [left, top, right - left, bottom - top]
        shares = [left / WIDTH, top / HEIGHT, right / WIDTH, bottom / HEIGHT]
        lines.append(
            {
                "semicolons": [file, label, *box],
                "decimal commas": [file, label, *(f"{x},0" for x in box)],
                "tabs": [file, label, *box],
                "blanks": [file, label.replace(" ", "_"), *box],
                "class last": [file, *box, label],
                "tensorflow": [file, WIDTH, HEIGHT, label, *box],
                "halved": [file, WIDTH // 2, HEIGHT // 2, label]
                + [f"{x / 2 + 1e-7:.7f}" for x in (left, top, right, bottom)],
                "retinanet": [file, *box, label],
                "sizes": [label, file, *sizes],
                "coco-like": [file, *sizes, label],
                "centres": [file, label]
                + [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top],
                "shares": [file, label, *map(repr, shares)],
                "open images": [f"pictures/{scene}", "verified", label]
                + [repr(shares[i]) for i in (0, 2, 1, 3)],
                "old Mac": [file, label, *box],
                "UTF-16": [file, label, *box],
            }[form]
        )
    separator, heading = HEADINGS[form]
    end = "\r" if form == "old Mac" else "\n"
    return end.join(
        [*([heading] if heading else []), *(separator.join(map(str, line)) for line in lines), ""]
    )


HEADINGS = {
    "semicolons": (";", "filename;class;xmin;ymin;xmax;ymax"),
    "decimal commas": (";", None),
    "tabs": ("\t", "Image Path\tLabel\tX_Min\tY-Min\txmax\tYMAX"),
    "blanks": ("   ", None),
    "class last": (",", "path,x1,y1,x2,y2,class_name"),
    "tensorflow": (",", "filename,width,height,class,xmin,ymin,xmax,ymax"),
    "halved": (",", "filename,width,height,class,xmin,ymin,xmax,ymax"),
    "retinanet": (",", None),
    "sizes": (",", "label,image,left,top,width,height"),
    "coco-like": (", ", "file_name, x, y, w, h, category"),
    "centres": (",", "image,class,x_center,y_center,width,height"),
    "shares": (",", "file,class,xmin,ymin,xmax,ymax"),
    "open images": (",", "ImageID,Source,LabelName,XMin,XMax,YMin,YMax"),
    "old Mac": (",", "file,class,xmin,ymin,xmax,ymax"),
    "UTF-16": (",", "file,class,xmin,ymin,xmax,ymax"),
}


@pytest.mark.parametrize("form", HEADINGS)
def test_lists(evaluate, tmp_path, wanted, form):
    for scene in scene_names(COUNT):
        put_scene(tmp_path / "pictures" / f"{scene}.png", scene)
    text = list_text(form)
    data = ("\ufeff" + text).encode("utf-16") if form == "UTF-16" else text.encode()
    result = evaluate(put(tmp_path / "list.csv", data), "--json")
    assert result.stderr == ""
    assert values_of(result.rows) == wanted
    assert json.loads(result.stdout)["scaled_annotations"] == (COUNT if form == "halved" else 0)


def test_a_list_of_a_folder_of_images(evaluate, tmp_path, wanted):
    for scene in scene_names(COUNT):
        put_scene(tmp_path / "elsewhere/pictures" / f"{scene}.png", scene)
    listed = put(tmp_path / "lists/all.csv", list_text("tensorflow"))
    result = evaluate(tmp_path / "elsewhere", "--annotations", listed)
    assert result.stderr == ""
    assert values_of(result.rows) == wanted


def test_classes_written_with_a_point(evaluate, network, tmp_path):
    put_scene(tmp_path / "scene01.png", "scene01")
    for text, rows in (("2.0", 1), ("2.5", 0), ("-2.0", 0), ("1e300", 0)):
        result = evaluate(put(tmp_path / "list.csv", f"scene01.png,{text}\n"))
        assert [row["class"] for row in result.rows] == ["2"] * rows, text


def test_a_list_that_is_wrong_in_part(evaluate, tmp_path, wanted):
    """A line that cannot be used costs its object."""
    for scene in scene_names(COUNT):
        put_scene(tmp_path / f"{scene}.png", scene)
    lines = ["file,class,xmin,ymin,xmax,ymax"]
    lines += [",".join(map(str, [f"{s}.png", label, *box])) for s, label, box in all_objects()]
    lines += ["scene01.png,bag,9,2,3,4", "scene01.png,bag,1,2,x,4", "scene01.png,bag,1,2,3"]
    lines += ["scene01.png,bag,0,0,1,1", "scene01.png,bag,0.1,0.1,0.9,0.9", ",bag,1,2,30,40"]
    lines += ["scene09.png,bag,9,2,3,4", "gone.png,bag,1,2,30,40"]
    result = evaluate(put(tmp_path / "list.csv", "\n".join(lines)), "--json")
    assert values_of(result.rows) == wanted
    assert counts_of(result) == [COUNT, 3, 0, 0, 5]
    assert "5 of its objects are left out: line" in result.stderr
    for name in ("scene09.png", "gone.png", "names no image"):
        assert name in result.stderr


# --- XML ------------------------------------------------------------------------------------------


def test_an_object_that_is_wrong_costs_itself(evaluate, tmp_path):
    root = tmp_path / "set"
    good = annotation([("bag", GOOD_BOX)])
    bad = {
        "a-no-box": "<object><name>bag</name></object>",
        "b-half-box": "<object><name>bag</name><bndbox><xmin>1</xmin></bndbox></object>",
        "c-empty": "<object><name>bag</name><bndbox><xmin>9</xmin><ymin>9</ymin><xmax>5</xmax>"
        "<ymax>5</ymax></bndbox></object>",
        "d-no-name": re.search("<bndbox>.*</bndbox>", good).group().join(["<object>", "</object>"]),
        "e-pixel": "<object><name>bag</name><bndbox><xmin>0</xmin><ymin>0</ymin><xmax>1</xmax>"
        "<ymax>1</ymax></bndbox></object>",
    }
    put_scene(root / "0-good.png", "scene01")
    put(root / "0-good.xml", good)
    for name, item in bad.items():
        put_scene(root / f"{name}.png", "scene01")
        put(root / f"{name}.xml", good.replace("</annotation>", f"{item}</annotation>"))
    result = evaluate(root, "--json")
    assert counts_of(result) == [len(bad) + 1, 0, 0, 0, len(bad)]
    assert len({row["energy_pointing"] for row in result.rows}) == 1
    for name in bad:
        assert re.search(rf"note: .*{name}.png: 1 of its objects is left out: ", result.stderr)
    resumed = [evaluate(root, "--json", "--resume", "journal") for _ in range(2)]
    assert resumed[0].stdout == resumed[1].stdout == result.stdout


def test_shares_in_xml_and_utf_16(evaluate, tmp_path):
    root = tmp_path / "set"
    left, top, right, bottom = edges_of(GOOD_BOX)
    shares = [left / WIDTH, top / HEIGHT, right / WIDTH, bottom / HEIGHT]
    whole = annotation([("bag", [0, 0, 1, 1]), ("bag", [0.25, 0.25, 0.5, 0.5])])
    declared = '<?xml version="1.0" encoding="UTF-16"?>' + annotation([("bag", GOOD_BOX)])
    for name, content in {
        "a": annotation([("bag", GOOD_BOX)]),
        "c": annotation([("bag", list(map(repr, shares)))]),
        "d": declared.encode("utf-16"),
        "e": whole,
    }.items():
        put_scene(root / f"{name}.png", "scene01")
        put(root / f"{name}.xml", content)
    result = evaluate(root)
    assert result.stderr == ""
    energy = {row["image"][0]: float(row["energy_pointing"]) for row in result.rows}
    assert energy["a"] == energy["c"] == energy["d"] and energy["e"] == pytest.approx(100)


# --- classes that the network does not have -------------------------------------------------------


def test_images_of_other_classes_are_judged(evaluate, tmp_path):
    """With -c, what the annotations name need not be known; its boxes count where any does."""
    root = tmp_path / "set"
    objects = [("raccoon", GOOD_BOX), ("raccoon", [1, 1, 50, 60])]
    for scene in ("scene01", "scene02"):
        put_scene(root / f"{scene}.png", scene)
        put(root / f"{scene}.xml", annotation(objects))
    result = evaluate(root)
    assert result.returncode == 1 and "-c top" in result.stderr
    result = evaluate(root, "-c", "top", "--json")
    assert result.stderr == "" and counts_of(result) == [2, 0, 0, 4, 0]
    assert all(row["pointing"] == "" for row in result.rows)
    any_box = evaluate(root, "-c", "top", "--boxes", "any")
    assert any_box.stderr == "" and all(row["pointing"] != "" for row in any_box.rows)

    # The same boxes under the name of a class that the network has give the same values.
    two = evaluate(root, "-c", "top,bag", "--boxes", "any")
    bags = [row for row in two.rows if row["label"] == "bag"]
    for scene in ("scene01", "scene02"):
        put(root / f"{scene}.xml", annotation([("bag", box) for _, box in objects]))
    named = evaluate(root, "-c", "bag")
    assert [row["energy_pointing"] for row in bags] == [r["energy_pointing"] for r in named.rows]


def test_boxes_of_any_class(evaluate, tmp_path):
    """Without -c, each annotated class has the boxes of all."""
    root = tmp_path / "set"
    put_scene(root / "scene01.png", "scene01")
    put(root / "scene01.xml", annotation([("bag", GOOD_BOX), ("teapot", [1, 1, 320, 256])]))
    (row,) = evaluate(root, "--boxes", "any").rows
    assert row["label"] == "bag" and float(row["energy_pointing"]) == pytest.approx(100)
    (own,) = evaluate(root).rows
    assert float(own["energy_pointing"]) < 100
    assert_one_line(evaluate(root, "--boxes", "all"), 2, "--boxes", "'all'")
    journal = ("--resume", "journal")
    assert evaluate(root, *journal).returncode == 0
    assert_one_line(evaluate(root, *journal, "--boxes", "any"), 1, "another evaluation")


def test_lists_and_folders_of_other_classes(evaluate, tmp_path):
    put_scene(tmp_path / "set/raccoon/scene01.png", "scene01")
    for labels in (None, "given"):
        given = {"labels": None} if labels is None else {}
        result = evaluate(tmp_path / "set", "-c", "top", **given)
        assert result.stderr == "" and len(result.rows) == 1
        assert result.rows[0]["label"] != "raccoon"
    assert_one_line(evaluate(tmp_path / "set", labels=None), 1, "1 folders", "--labels")
    listed = put(tmp_path / "list.csv", "set/raccoon/scene01.png,raccoon,1,2,30,40\n")
    assert evaluate(listed, "-c", "top").stderr == ""


# --- nothing is passed over -----------------------------------------------------------------------


def test_images_of_other_kinds_are_counted(evaluate, tmp_path):
    root = put_scenes(tmp_path / "set", ["scene01"])
    for name in ("a.heic", "b.gif", "c.jp2"):
        put(root / name, b"\x00\x01\x02\x03 no image")
    put(root / "lost.xml", annotation([("bag", GOOD_BOX)]))
    result = evaluate(root, "--json")
    report = json.loads(result.stdout)
    assert (report["images"], report["skipped"]) == (1, 3)
    assert len(result.stderr.splitlines()) == 4
    assert "1 of its annotations are of no image, such as lost.xml" in result.stderr


def test_folders_in_folders_of_classes(evaluate, network, tmp_path):
    for label in network.labels:
        (tmp_path / "set/val" / label).mkdir(parents=True)
        (tmp_path / "set/train" / label).mkdir(parents=True)
    put_scene(tmp_path / "set/val/bag/deep/down/scene01.png", "scene01")
    put_scene(tmp_path / "set/train/bag/scene02.png", "scene02")
    put_scene(tmp_path / "set/val/scene03.png", "scene03")
    result = evaluate(tmp_path / "set", "--json")
    assert [row["image"] for row in result.rows] == ["bag/deep/down/scene01.png"]
    assert "scene03.png: lies in no folder of a class" in result.stderr
    assert json.loads(result.stdout)["skipped"] == 1
    result = evaluate(tmp_path / "set", "--split", "train")
    assert [row["image"] for row in result.rows] == ["bag/scene02.png"]
    assert_one_line(evaluate(tmp_path / "set", "--split", "test"), 1, "'test'")


def test_images_without_annotations_are_counted(evaluate, tmp_path):
    root = put_scenes(tmp_path / "set", ["scene01"])
    put_scene(root / "scene02.png", "scene02")
    assert counts_of(evaluate(root, "--json")) == [2, 0, 1, 0, 0]
    assert "1 images without annotated classes" in evaluate(root).stdout
