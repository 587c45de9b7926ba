"""Maps as Python objects: shown in notebooks, plotted, pickled; classes by name."""

import copy
import io
import pickle
import subprocess
import sys
import typing

import numpy as np
import pytest

import sscam

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def labelled(model_source):
    count = len(sscam.Model(model_source).classify(np.zeros((3, 64, 64), np.float32)))
    names = [f"thing {index}" for index in range(count)]
    names[0], names[2] = "Tench, Tinca_tinca", "Pembroke"
    return sscam.Model(model_source, labels=names)


# --- the image that was explained ---------------------------------------------------------------


@pytest.mark.parametrize("form", ["path", "text", "bytes", "array", "file"])
def test_overlay_of_the_explained_image(model, image_path, form):
    image = {
        "path": image_path,
        "text": str(image_path),
        "bytes": image_path.read_bytes(),
        "array": sscam.read_image(image_path),
        "file": sscam.ImageFile(image_path),
    }[form]
    found = model.explain(image, method="grad-cam")
    np.testing.assert_array_equal(found.overlay(), found.overlay(image_path))


def test_maps_of_arrays_know_no_image(model):
    found = model.explain(np.zeros((3, 64, 64), np.float32), method="grad-cam")
    with pytest.raises(sscam.ArgumentError, match="knows no image"):
        found.overlay()


def test_several_maps_know_their_image(model, image_path):
    for row in model.explain_all(image_path, ["grad-cam", "eigen-cam"], [0, 1]):
        for found in row:
            assert found.overlay().shape[2] == 3


# --- notebooks and figures ----------------------------------------------------------------------


def test_a_notebook_shows_the_overlay(labelled, image_path, tmp_path):
    found = labelled.explain(image_path, method="grad-cam", class_index="Pembroke")
    (tmp_path / "shown.png").write_bytes(found._repr_png_())
    np.testing.assert_array_equal(sscam.read_image(tmp_path / "shown.png"), found.overlay())
    assert "Pembroke" in found._repr_html_() and "base64," in found._repr_html_()


def test_a_notebook_shows_the_heat_map_without_an_image(model, tmp_path):
    copied = tmp_path / "copied.png"
    sscam.write_png(copied, np.zeros((64, 64, 3), np.uint8))
    found = model.explain(copied, method="grad-cam")
    copied.unlink()
    assert found._repr_png_() == sscam.encode_png(found.heatmap())
    assert sscam.Map.from_values([[0.0, 1.0]])._repr_png_().startswith(PNG)


def test_markup_in_labels_is_escaped(model_source, image_path):
    own = sscam.Model(model_source, labels={0: "<b>&"})
    shown = own.explain(image_path, method="grad-cam", class_index=0)._repr_html_()
    assert "<b>" not in shown and "&lt;b&gt;&amp;" in shown


def test_sound_and_video_are_no_png():
    for shape in ((5,), (2, 3, 4)):
        found = sscam.Map.from_values(np.arange(np.prod(shape)).reshape(shape))
        assert found._repr_png_() is None and found._repr_html_() is None


def test_plots(labelled, image_path):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    found = labelled.explain(image_path, method="grad-cam", class_index="Pembroke")
    axes = found.plot()
    np.testing.assert_array_equal(axes.images[0].get_array(), found.overlay())
    assert "Pembroke" in axes.get_title()
    curve = sscam.Map.from_values([0.0, 2.0, 1.0]).plot()
    np.testing.assert_allclose(curve.lines[0].get_ydata(), [0, 1, 0.5])
    with pytest.raises(sscam.UnsupportedError, match="slices"):
        sscam.Map.from_values(np.arange(8.0).reshape(2, 2, 2)).plot()


# --- pickling -----------------------------------------------------------------------------------


def assert_equal_maps(own, other):
    for name in ("data", "raw", "weights"):
        np.testing.assert_array_equal(getattr(own, name), getattr(other, name))
    for name in (
        "class_index", "label", "logit", "probability", "is_flat", "method", "layer", "passes",
        "diagnostics",
    ):  # fmt: skip
        assert getattr(own, name) == getattr(other, name), name


@pytest.mark.parametrize("method", ["grad-cam", "eigen-cam", "ss-cam-mean"])
def test_pickled_maps_are_the_same(labelled, image_path, method):
    found = labelled.explain(image_path, method=method, max_channels=4, samples=2, class_index=2)
    read = pickle.loads(pickle.dumps(found))
    assert_equal_maps(read, found)
    np.testing.assert_array_equal(read.overlay(), found.overlay())


def test_of_the_image_its_name_travels(model, image_path):
    pixels = sscam.read_image(image_path)
    found = model.explain(pixels, method="grad-cam")
    content = pickle.dumps(found)
    assert len(content) < pixels.nbytes + found.data.nbytes
    read = pickle.loads(content)
    with pytest.raises(sscam.ArgumentError, match="knows no image"):
        read.overlay()
    np.testing.assert_array_equal(read.overlay(pixels), found.overlay())


def test_other_processes_read_them(model, image_path, tmp_path):
    found = model.explain(image_path, method="grad-cam")
    (tmp_path / "map").write_bytes(pickle.dumps(found))
    script = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb')).data.sum())"
    shown = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "map"], capture_output=True, text=True, check=True
    )
    assert float(shown.stdout) == pytest.approx(float(found.data.sum()), rel=1e-6)


def test_copies_are_the_map(model, image_path):
    found = model.explain(image_path, method="grad-cam")
    assert copy.copy(found) is found and copy.deepcopy([found])[0] is found


def test_damaged_pickles_are_refused(model, image_path):
    function, (content, image, label) = model.explain(image_path, method="grad-cam").__reduce__()
    with pytest.raises(sscam.FormatError, match="damaged"):
        function(content[:-1] + b"\0", image, label)


# --- classes by name ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, index",
    [("Pembroke", 2), ("pembroke", 2), ("thing_1", 1), ("tench", 0), ("tinca tinca", 0)],
)
def test_classes_by_name(labelled, image_path, name, index):
    found = labelled.explain(image_path, method="grad-cam", class_index=name)
    assert found.class_index == index
    assert found.label == labelled.labels.name(index)


def test_names_in_every_call(labelled, image_path):
    rows = labelled.explain_all(image_path, ["grad-cam"], ["Pembroke", None, sscam.Ranked(2)])
    assert rows[0][0].class_index == 2
    batch = np.zeros((2, 3, 64, 64), np.float32)
    assert [found.class_index for found in labelled.explain(batch, "grad-cam", ["tench", 1])] == [
        0,
        1,
    ]
    both = labelled.explain(batch, "grad-cam", "Pembroke")
    assert [found.class_index for found in both] == [2, 2]
    with sscam.Explainer(labelled, "grad-cam") as explainer:
        scores = explainer.classify(image_path, 3)
        assert [score.label for score in scores] == [
            labelled.labels.name(score.class_index) for score in scores
        ]
        evaluation = sscam.Evaluation([explainer])
        evaluation.add(image_path, classes=["Pembroke"])
        assert evaluation.class_index(0) == 2


def test_unknown_names(labelled, model, image_path):
    with pytest.raises(sscam.ClassError, match=r"'Pembrok'.*pembroke"):
        labelled.explain(image_path, method="grad-cam", class_index="Pembrok")
    with pytest.raises(sscam.ArgumentError, match="no labels"):
        model.explain(image_path, method="grad-cam", class_index="Pembroke")
    with pytest.raises(TypeError, match="single name"):
        labelled.explain_all(image_path, ["grad-cam"], "Pembroke")


def test_names_of_several_classes_are_ambiguous():
    labels = sscam.Labels(["crane", "dog", "crane", "Dog"])
    assert labels.index("dog") == 1 and labels.index("Dog") == 3
    with pytest.raises(sscam.ClassError, match=r"\[0, 2\]"):
        labels.index("crane")
    with pytest.raises(sscam.ClassError, match=r"\[1, 3\]"):
        labels.index("DOG")


def test_labels_from_a_file(tmp_path, model):
    path = tmp_path / "labels.txt"
    path.write_text("n01440764 tench, Tinca tinca\nn01443537 goldfish\n\n")
    model.labels = path
    assert model.labels.name(0) == "tench, Tinca tinca" and len(model.labels) == 2
    model.labels = None
    assert model.labels is None
    path.write_text("0,n01440764,tench\n")
    with pytest.raises(sscam.ArgumentError, match="is a table"):
        model.labels = path
    with pytest.raises(TypeError, match="names of classes"):
        model.labels = [1, 2]


# --- several methods ----------------------------------------------------------------------------


def test_several_methods_and_classes(model, image_path):
    rows = model.explain_all(image_path, ["grad-cam", "layer-cam"], [1, 0])
    assert [[found.class_index for found in row] for row in rows] == [[1, 0], [1, 0]]
    alone = model.explain(image_path, "layer-cam", class_index=0)
    np.testing.assert_allclose(rows[1][1].data, alone.data, atol=1e-5)
    with pytest.raises(TypeError, match="sequence of names"):
        model.explain_all(image_path, "grad-cam")
    with pytest.raises(TypeError, match="samlpes"):
        model.explain_all(image_path, ["grad-cam"], samlpes=3)


def test_compare(labelled, image_path):
    found = sscam.compare(labelled, image_path, ["grad-cam", "layer-cam"], "Pembroke")
    assert found.methods == ("grad-cam", "layer-cam")
    assert {single.class_index for single in found.maps} == {2}
    np.testing.assert_allclose(np.diag(found.correlations), 1, atol=1e-12)
    assert found.correlations[0, 1] == found.maps[0].correlation(found.maps[1])
    assert len(found.overlays(alpha=0.3)) == 2
    assert found._repr_html_().count("base64,") == 2
    with pytest.raises(sscam.ArgumentError, match="one input"):
        sscam.compare(labelled, np.zeros((2, 3, 64, 64), np.float32), ["grad-cam"])


def test_compare_is_plotted(labelled, image_path):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    figure = sscam.compare(labelled, image_path, ["grad-cam", "layer-cam"]).plot()
    assert len(figure.axes) == 2


# --- evaluation ---------------------------------------------------------------------------------


QUICK = {"metrics": ["average_drop", "energy_pointing"], "resize": 64, "crop": 64}


def test_evaluate_gives_rows(labelled, image_path):
    pixels = sscam.read_image(image_path)
    dataset = [
        image_path,
        (pixels, "Pembroke"),
        {"image": str(image_path), "classes": [0, 1], "boxes": [(0, 0, 20, 20)]},
        sscam.Sample(image_path, [2]),
    ]
    found = sscam.evaluate(labelled, dataset, ["grad-cam", "eigen-cam"], **QUICK)
    assert len(found) == 2 * 5
    assert [row["image"] for row in found[::2]] == [
        str(image_path), 1, str(image_path), str(image_path), str(image_path),
    ]  # fmt: skip
    assert found[2]["label"] == "Pembroke" and found[2]["class_index"] == 2
    assert set(found[0]) == {
        "image", "class_index", "label", "method", "average_drop", "energy_pointing",
    }  # fmt: skip
    assert found[0]["energy_pointing"] is None and found[4]["energy_pointing"] is not None
    drops = [row["average_drop"] for row in found if row["method"] == "eigen-cam"]
    total = next(
        row for row in found.totals
        if (row["method"], row["metric"]) == ("eigen-cam", "average_drop")
    )  # fmt: skip
    assert total["mean"] == pytest.approx(np.mean(drops)) and total["defined"] == 5


def test_evaluated_values_are_those_of_an_evaluation(labelled, image_path):
    options = {**QUICK, "metrics": "average_drop,energy_pointing"}
    with sscam.Explainer(labelled, "grad-cam", **options) as explainer:
        evaluation = sscam.Evaluation([explainer])
        evaluation.add(image_path, [1])
        found = sscam.evaluate(labelled, [(image_path, 1)], ["grad-cam"], **QUICK)
        assert found[0]["average_drop"] == evaluation.value(0, 0, "average_drop")


def test_pandas_takes_rows(labelled, image_path):
    pandas = pytest.importorskip("pandas")
    found = sscam.evaluate(labelled, [image_path], ["grad-cam", "eigen-cam"], **QUICK)
    table = pandas.DataFrame(found)
    assert list(table.method) == ["grad-cam", "eigen-cam"]
    assert set(pandas.DataFrame(found.totals).metric) == {"average_drop"}


def test_what_evaluate_refuses(labelled, image_path):
    with pytest.raises(TypeError, match="sequence"):
        sscam.evaluate(labelled, [image_path], "grad-cam")
    with pytest.raises(sscam.ArgumentError, match="5 parts"):
        sscam.evaluate(labelled, [(image_path, 1, None, None, None)], ["grad-cam"])
    with pytest.raises(TypeError, match="metric_stpes"):
        sscam.evaluate(labelled, [image_path], ["grad-cam"], metric_stpes=2)


# --- progress -----------------------------------------------------------------------------------


class Bar:
    """What of a bar of tqdm is used."""

    made: typing.ClassVar = []

    def __init__(self, total=None, **_):
        self.total, self.n, self.is_closed = total, 0.0, False
        self.made.append(self)

    def update(self, n):
        assert n >= 0
        self.n += n

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.is_closed = True


def test_bars_are_moved_to_their_total(model, image_path):
    bar = Bar(total=40)
    model.explain(image_path, "score-cam", progress=bar, max_channels=8, batch_size=2)
    assert bar.n == pytest.approx(40) and not bar.is_closed


def test_bars_are_made_and_closed(labelled, image_path):
    Bar.made.clear()
    model_options = {"max_channels": 8, "batch_size": 2}
    labelled.explain(image_path, "score-cam", progress=Bar, **model_options)
    sscam.evaluate(labelled, [image_path] * 2, ["grad-cam"], progress=Bar, **QUICK)
    assert len(Bar.made) == 2
    for bar in Bar.made:
        assert bar.n == pytest.approx(bar.total) and bar.is_closed


def test_tqdm_itself(model, image_path):
    tqdm = pytest.importorskip("tqdm")
    with tqdm.tqdm(total=1, disable=False, file=io.StringIO()) as bar:
        model.explain(image_path, "score-cam", progress=bar, max_channels=4)
        assert bar.n == pytest.approx(1)


def test_maps_of_an_evaluation_know_class_and_image(labelled, image_path):
    with sscam.Explainer(labelled, "grad-cam", **{**QUICK, "metrics": "average_drop"}) as explainer:
        evaluation = sscam.Evaluation([explainer])
        evaluation.add(image_path, ["Pembroke"])
        found = evaluation.map(0, 0)
    assert found.label == "Pembroke"
    np.testing.assert_array_equal(found.overlay(), found.overlay(image_path))
