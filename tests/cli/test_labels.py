"""Files of class names in the forms in which they are published, and whether they fit a network."""

import json

import pytest

from conftest import assert_one_line

FAST = ("-m", "grad-cam", "--json")
# The bundled network has six classes.
NAMES = ["tench", "goldfish", "great white shark", "tiger shark", "hammerhead", "electric ray"]
WORDNET = [f"n0144076{i}" for i in range(6)]


@pytest.fixture
def labelled(sscam, network, tmp_path):
    """Explains class 1 with labels of a content; the result has `label`."""

    def run(content, name="labels.txt", class_text="1"):
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
        result = sscam(
            "explain", network.model, network.image, *FAST, "-c", class_text, "--labels", name
        )
        records = [json.loads(line) for line in result.stdout.splitlines()]
        result.label = records[0]["label"] if records else None
        result.index = records[0]["class"] if records else None
        return result

    return run


def table(rows, separator=",", heading=None, end="\n"):
    lines = [heading] if heading else []
    return end.join([*lines, *(separator.join(map(str, row)) for row in rows), ""])


INDEXED = list(enumerate(NAMES))
WITH_IDENTIFIERS = [(i, WORDNET[i], name) for i, name in INDEXED]
YAML_MAP = "path: x\nnames:\n" + "".join(f"  {i}: {name}\n" for i, name in INDEXED)

FORMS = {
    "names": "\n".join(NAMES),
    "blank lines at the end": "\n".join(NAMES) + "\n\n \n\n",
    "mark": "\ufeff" + "\n".join(NAMES),
    "utf-16": ("\ufeff" + "\r\n".join(NAMES)).encode("utf-16-le"),
    "utf-16, big-endian": ("\ufeff" + "\n".join(NAMES)).encode("utf-16-be"),
    "old Mac": "\r".join(NAMES),
    "Windows": "\r\n".join([*NAMES, ""]),
    "heading of a list": "\n".join(["class_name", *NAMES]),
    "index,name": table(INDEXED),
    "index;name": table(INDEXED, ";", "index;name"),
    "name,index": table([(name, i) for i, name in INDEXED], heading="name,index"),
    "name,index, unnamed": table([(name, i) for i, name in INDEXED]),
    "unsorted": table(reversed(INDEXED), heading="id,label"),
    "pandas": table([(i, i, name) for i, name in INDEXED], heading=",class,name"),
    "heading decides": table([(5 - i, i, n) for i, n in INDEXED], heading="rank,index,name"),
    "identifiers": table(WITH_IDENTIFIERS),
    "tabs": table(WITH_IDENTIFIERS, "\t", "index\twnid\tname"),
    "wnid,name": table([row[1:] for row in WITH_IDENTIFIERS], heading="wnid,name"),
    "numbered": table(INDEXED, " "),
    "numbered with colons": table(INDEXED, ": "),
    "TFLite": table(INDEXED, "  "),
    "numbered at the end": table([(n, i) for i, n in reversed(INDEXED)], " "),
    "quoted": "".join(f'"{name}"\n' for name in NAMES),
    "copied from a program": "".join(f'"{name}",\n' for name in NAMES),
    "AudioSet": table(
        [(i, f"/m/0{i}", f'"{n}"') for i, n in INDEXED], heading="index,mid,display_name"
    ),
    "Open Images": table([(f"/m/0{i}bc_", name) for i, name in INDEXED]),
    "Open Images with a heading": table(
        [(f"/g/11{i}bc", name) for i, name in INDEXED], heading="LabelName,DisplayName"
    ),
    "JSON list": json.dumps(NAMES),
    "JSON map": json.dumps({str(i): [WORDNET[i], name] for i, name in INDEXED}),
    "JSON names": json.dumps({str(i): name for i, name in INDEXED}),
    "JSON indices": json.dumps({name: i for i, name in reversed(INDEXED)}),
    "huggingface": json.dumps(
        {"architectures": ["X"], "id2label": dict(INDEXED), "label2id": dict(zip(NAMES, range(6)))}
    ),
    "label2id": json.dumps({"label2id": dict(zip(NAMES, map(str, range(6))))}),
    "categories": json.dumps(
        {"images": [], "categories": [{"id": i, "name": name} for i, name in INDEXED]}
    ),
    "Python": repr(dict(INDEXED)).replace(", ", ",\n "),
    "YAML list": f"train: x\nnc: 6\nnames: {NAMES!r}  # six\n",
    "YAML map": YAML_MAP,
    "YAML block": "names:\n" + "".join(f"- {name}\n" for name in NAMES),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(labelled, form):
    result = labelled(FORMS[form])
    assert result.returncode == 0, result.stderr
    assert result.label == NAMES[1]
    assert labelled(FORMS[form], class_text="Great_White_Shark").index == 2
    notes = result.stderr.splitlines()
    assert len(notes) == (form == "heading of a list") and all("class_name" in n for n in notes)


SYNONYMS = ["tench, Tinca tinca", "goldfish, Carassius auratus", *NAMES[2:]]


@pytest.mark.parametrize(
    "content",
    [
        "".join(f"{wnid} {name}\n" for wnid, name in zip(WORDNET, SYNONYMS)),  # Kaggle, ILSVRC
        "".join(f'{i},{WORDNET[i]},"{name}"\n' for i, name in enumerate(SYNONYMS)),
        "".join(f"{i},{WORDNET[i]},{name}\n" for i, name in enumerate(SYNONYMS)),
        "index,name\n" + "".join(f"{i},{name}\n" for i, name in enumerate(SYNONYMS)),
        json.dumps(dict(enumerate(SYNONYMS))),
        json.dumps(SYNONYMS),
    ],
)
def test_names_with_synonyms(labelled, content):
    assert labelled(content).label == SYNONYMS[1]
    for text in ("Carassius auratus", "goldfish", "GOLDFISH", SYNONYMS[1]):
        assert labelled(content, class_text=text).index == 1
    if WORDNET[0] in content:
        assert labelled(content, class_text=WORDNET[1]).index == 1


@pytest.mark.parametrize("word", ["background", "__background__", "label"])
def test_a_first_line_that_is_no_class_shifts_nothing(labelled, word):
    result = labelled("\n".join([word, *NAMES]), class_text="tench")
    assert result.returncode == 0 and (result.index, result.label) == (0, "tench")
    assert result.stderr.count("\n") == 1 and f"'{word}' is no class" in result.stderr
    assert labelled("\n".join([word, *NAMES])).label == NAMES[1]
    # It is class 0 of a network that has so many classes.
    assert labelled("\n".join([word, *NAMES[:5]])).label == NAMES[0]


@pytest.mark.parametrize(
    "content, words",
    [
        ("\n".join([*NAMES, "cock"]), ["up to 6", "heading"]),
        ("\n".join(NAMES[:5]), ["5 classes", "background"]),  # a class 0 that the list leaves out
        ("\n".join(NAMES * 4), ["up to 23"]),
        (table((i + 1, name) for i, name in INDEXED), ["up to 6", "from 0"]),
        (table(((i + 1, name) for i, name in INDEXED), " "), ["up to 6", "from 0"]),
        (json.dumps({str(i + 1): name for i, name in INDEXED}), ["up to 6"]),
        (json.dumps({"categories": [{"id": i + 1, "name": n} for i, n in INDEXED]}), ["up to 6"]),
    ],
)
def test_names_of_another_number_of_classes_are_refused(labelled, content, words):
    assert_one_line(labelled(content), 1, "labels.txt", *words)


def test_numbers_that_are_part_of_the_names_stay(labelled):
    assert labelled("".join(f"Class {i}\n" for i in range(6))).label == "Class 1"
    assert labelled("".join(f"{5 * i} euro\n" for i in range(6))).label == "5 euro"


def test_fewer_names_are_noted(labelled):
    result = labelled("\n".join(NAMES[:3]))
    assert result.returncode == 0 and result.label == NAMES[1]
    assert "names 3 classes, the network has more" in result.stderr
    assert labelled(table([(0, "tench"), (1, "goldfish"), (5, "electric ray")])).stderr == ""


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("labels.txt", "", ["no classes"]),
        ("labels.txt", "\n \n", ["no classes"]),
        ("labels.txt", table([(0, "a"), (0, "b")]), ["class 0 has two names"]),
        ("labels.txt", table([(0, 3), (1, 5)]), ["two columns of numbers"]),
        ("labels.txt", 'item {\n  id: 1\n  name: "a"\n}\n', ["TensorFlow"]),
        ("labels.json", '{"0": "a"', ["line 1"]),
        ("labels.json", '{"0": "a", "0": "b"}', ["line 1", "duplicate"]),
        ("labels.json", '{"tench": "fish"}', ["neither a list"]),
        ("labels.json", '{"tench": -1}', ["neither a list"]),
        ("labels.json", '{"tench": 1e3}', ["neither a list"]),
        ("labels.json", '{"tench": 0, "goldfish": 0}', ["class 0 has two names"]),
        ("labels.json", '{"0": {"a": 1}}', ["'0'"]),
        ("labels.json", '["a", ["b", "c"]]', ["[identifier, name]"]),
        ("labels.json", '["a", null]', ["not a text"]),
        ("labels.json", "[" * 100000, ["line 1"]),
        ("labels.json", '{"99999999999": "a"}', ["no index"]),
        ("labels.yaml", "names: &a [x, *a]\n", ["alias"]),
        ("labels.yaml", "names: {0: a, 0: b}\n", ["keys are equal"]),
        ("labels.yaml", "names:\n  0: [\n", ["line"]),
        ("labels.yaml", "[" * 100000, ["levels"]),
        ("labels.yaml", "names: {1: 0, 0: 1}\n", ["which are the indices"]),
        ("labels.yaml", "nc: 6\n", ["no names"]),
        ("labels.yaml", "just a text\n", ["neither a list nor a map"]),
        ("labels.txt", b"\xff\xfea\x00b", ["UTF-16"]),
        ("labels.txt", b"\xff\xfe\x00\xd8a\x00", ["UTF-16"]),
    ],
)
def test_unusable_files(labelled, name, content, words):
    assert_one_line(labelled(content, name), 1, name, *words)


def test_labels_are_checked_in_compare_and_eval(sscam, network, tmp_path):
    (tmp_path / "labels.txt").write_text("\n".join([*NAMES, "cock"]))
    for arguments in (
        ("compare", network.model, network.image, "-o", "figure.png"),
        ("eval", network.model, network.image.rsplit("/", 1)[0], "--limit", "1"),
    ):
        result = sscam(*arguments, "-m", "grad-cam", "--labels", "labels.txt")
        assert_one_line(result, 1, "labels.txt", "up to 6")
