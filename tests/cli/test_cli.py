"""The program sscam, as its users meet it: flags, files, JSON, exit codes, errors, cancelling."""

import fcntl
import io
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import numpy
import PIL.Image
import pytest

from conftest import PROGRAM, assert_one_line, assert_usage_error, default_signals, run_on_terminal

FAST = ("-m", "grad-cam")
METHODS = [
    "cam",
    "grad-cam",
    "grad-cam++",
    "smooth-grad-cam++",
    "score-cam",
    "ablation-cam",
    "ss-cam-mean",
    "ss-cam-max",
    "eigen-cam",
    "xgrad-cam",
    "is-cam",
    "hires-cam",
    "layer-cam",
    "eigen-grad-cam",
    "grad-cam-elementwise",
    "random-cam",
    "fem",
    "kpca-cam",
    "shapley-cam",
    "recipro-cam",
    "vit-recipro-cam",
    "group-cam",
    "rise",
    "full-grad",
    "opti-cam",
    "activation-map",
    "seg-eigen-cam",
    "aise",
    "legrad",
]
WITHOUT_WEIGHTS = {
    "eigen-cam",
    "hires-cam",
    "layer-cam",
    "eigen-grad-cam",
    "grad-cam-elementwise",
    "fem",
    "kpca-cam",
    "recipro-cam",
    "vit-recipro-cam",
    "group-cam",
    "rise",
    "full-grad",
    "opti-cam",
    "activation-map",
    "seg-eigen-cam",
    "aise",
}
NEEDS_NOTHING = {"eigen-cam", "random-cam", "fem", "kpca-cam", "activation-map"}
JSON_KEYS = {
    "image",
    "method",
    "layer",
    "class",
    "label",
    "logit",
    "probability",
    "passes",
    "estimated_error",
    "diagnostics",
    "seconds",
    "flat",
    "width",
    "height",
    "options",
}


def lines_of(result):
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def assert_failure(result, *words):
    assert_one_line(result, 1, *words)


# --- the program itself ---------------------------------------------------------------------------


def test_version_names_release_and_build(sscam):
    result = sscam("--version")
    assert result.returncode == 0 and result.stderr == ""
    assert re.match(r"sscam \d+\.\d+\.\d+\n.+", result.stdout, re.DOTALL)


@pytest.mark.parametrize("ask", [["--help"], ["-h"], ["help"]])
def test_help_lists_the_commands(sscam, ask):
    result = sscam(*ask)
    assert result.returncode == 0 and result.stderr == ""
    for command in ("explain", "compare", "eval", "merge", "layers", "methods", "options"):
        assert re.search(rf"^  {command} ", result.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    "command", ["explain", "compare", "eval", "merge", "layers", "methods", "options"]
)
def test_help_of_a_command(sscam, command):
    asked_one_way, asked_another = sscam("help", command), sscam(command, "--help")
    assert asked_one_way.returncode == asked_another.returncode == 0
    assert asked_one_way.stdout == asked_another.stdout
    assert asked_one_way.stdout.startswith(f"usage: sscam {command} ")
    assert max(map(len, asked_one_way.stdout.splitlines())) <= 100


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], ["a command is needed"]),
        (["explian"], ["explian", "did you mean 'explain'"]),
        (["help", "explian"], ["did you mean 'explain'"]),
        (["explain"], ["a model"]),
        (["explain", "model.pt"], ["--tensor"]),
        (["layers", "model.pt", "other.pt"], ["'other.pt'"]),
        (["explain", "-", "-"], ["standard input", "twice"]),
        (["explain", "model.pt", "a.png", "--json", "-o", "-"], ["--json"]),
        (["explain", "model.pt", "a.png", "--tensor", "a.npy"], ["not both"]),
        (["explain", "model.pt", "--tensor", "a.npy", "-o", "a.png"], ["--heatmap"]),
        (
            ["explain", "model.pt", "a.png", "--smaples", "3"],
            ["--smaples", "did you mean '--samples'"],
        ),
        (["explain", "model.pt", "a.png", "--methods", "cam"], ["did you mean '--method'"]),
        (["explain", "model.pt", "a.png", "-z"], ["'-z'"]),
        (["explain", "model.pt", "a.png", "--labels"], ["--labels needs a value"]),
        (["explain", "model.pt", "a.png", "-o", "--json"], ["--output needs a value"]),
        (["explain", "model.pt", "a.png", "--json=yes"], ["--json takes no value"]),
        (["explain", "model.pt", "a.png", "--set", "samples"], ["NAME=VALUE"]),
        (["explain", "model.pt", "a.png", "--set", "sample=3"], ["did you mean 'samples'"]),
        (["explain", "model.pt", "a.png", "-m", "grad-camm"], ["did you mean 'grad-cam'"]),
        (["explain", "model.pt", "a.png", "-c", "cat"], ["'cat'", "--labels"]),
        (["explain", "model.pt", "a.png", "--alpha", "2"], ["--alpha"]),
        (["explain", "model.pt", "a.png", "--alpha", "half"], ["'half'"]),
        (["explain", "model.pt", "a.png", "--alpha", "nan"], ["'nan'"]),
        (["explain", "model.pt", "a.png", "--max-pixels", "0"], ["--max-pixels", "'0'"]),
        (["explain", "model.pt", "a.png", "--max-pixels", "1e6"], ["'1e6'"]),
        (
            ["explain", "model.pt", "a.png", "--max-pixels", "99999999999999999999"],
            ["99999999999999999999"],
        ),
        (["explain", "model.pt", "a.png", "--colormap", "pink"], ["'pink'", "turbo"]),
        (["explain", "model.pt", "a.png", "--colormap", "gray", "-o", "o.png"], ["gray"]),
        (["explain", "model.pt", "a.png", "-o", "o.jpg"], [".png"]),
        (["compare", "model.pt"], ["one image"]),
        (["compare", "model.pt", "a.png"], ["--output"]),
        (["compare", "model.pt", "a.png", "-o", "figure.bmp"], ["figure.bmp", ".svg"]),
        (["compare", "model.pt", "a.png", "-o", "figure.png", "-l", "a,b"], ["one layer"]),
        (["compare", "model.pt", *["a.png"] * 129, "-o", "figure.png"], ["129"]),
        (["layers"], ["a model"]),
        (["explain", "model.pt", "--tensor", "a.npy", "--dimensions", "4"], ["1, 2 or 3", "'4'"]),
        (["explain", "model.pt", "a.png", "--dimensions", "2"], ["--tensor"]),
        (["layers", "model.pt", "--input", "224"], ["'224'"]),
        (["layers", "model.pt", "--input", "3x224x224x"], ["'3x224x224x'"]),
        (["layers", "model.pt", "--input", "3x2x2x2x2"], ["1x16000"]),
        (["layers", "model.pt", "--input", "3x-1x224"], ["3x224x224"]),
        (["methods", "extra"], ["'extra'"]),
        (["options", "--jsn"], ["did you mean '--json'"]),
    ],
)
def test_usage_errors(sscam, files, arguments, words):
    assert_usage_error(sscam(*arguments), *words)
    assert files() == []


@pytest.mark.parametrize(
    "name, value",
    [
        ("samples", "0"),
        ("samples", "few"),
        ("sigma", "-1"),
        ("score", "logits"),
        ("crop", "0"),
        ("mean", "a,b,c"),
    ],
)
def test_bad_values_of_options_are_usage_errors(sscam, network, name, value):
    for given in (["--set", f"{name}={value}"], [f"--{name}", value]):
        assert_usage_error(sscam("explain", network.model, network.image, *given), name)


@pytest.mark.parametrize("command", [["explain"], ["compare", "-o", "figure.png"]])
def test_images_are_refused_by_their_size(sscam, network, command):
    with PIL.Image.open(network.image) as image:
        pixels = image.width * image.height
    arguments = [*command, network.model, network.image, "-m", "grad-cam", "--max-pixels"]
    refused = sscam(*arguments, pixels - 1)
    assert refused.returncode == 1
    assert (
        f"more than the {pixels - 1} allowed" in refused.stderr and "damaged" not in refused.stderr
    )
    assert sscam(*arguments, pixels).returncode == 0


def test_a_newline_in_a_name_does_not_make_a_second_line(sscam):
    assert_usage_error(
        sscam("explain", "model.pt", "a.png", "-m", "two\nlines\033[31m"), "two lines"
    )


def test_a_full_standard_output_is_a_failure(sscam):
    with open("/dev/full", "w", encoding="ascii") as full:
        result = sscam("methods", stdout=full)
    assert result.returncode == 1
    assert re.fullmatch(r"sscam: standard output: [^\n]+\n", result.stderr)


def test_a_closed_standard_output_is_a_failure(tmp_path):
    result = subprocess.run(
        ["sh", "-c", f"'{PROGRAM}' methods >&-"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith("sscam: standard output: ")


def test_the_locale_does_not_matter(sscam, network):
    environment = os.environ | {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"}
    (record,) = lines_of(
        sscam("explain", network.model, network.image, *FAST, "--json", env=environment)
    )
    assert isinstance(record["logit"], float)


# --- tables ---------------------------------------------------------------------------------------


def test_methods_as_json(sscam):
    methods = json.loads(sscam("methods", "--json").stdout)
    assert [method["name"] for method in methods] == METHODS
    for method in methods:
        assert method["title"] and method["summary"] and method["citation"]
        needs_nothing = method["name"] in NEEDS_NOTHING
        assert bool(method["needs"]) != needs_nothing


def test_options_as_json(sscam):
    options = {option["name"]: option for option in json.loads(sscam("options", "--json").stdout)}
    assert options["samples"]["type"] == "int" and options["samples"]["default"] == 10
    assert options["samples"]["minimum"] == 1
    assert options["sigma"]["type"] == "real" and options["sigma"]["default"] == 4
    assert options["score"]["choices"] == ["logit", "probability"]
    assert options["layer"]["type"] == "string" and options["layer"]["default"] == ""
    assert "minimum" not in options["seed"] and all(option["help"] for option in options.values())


@pytest.mark.parametrize("command", ["methods", "options"])
def test_tables_for_people_tell_all_and_stay_narrow(sscam, command):
    text = sscam(command).stdout
    for row in json.loads(sscam(command, "--json").stdout):
        assert re.search(rf"^{re.escape(row['name'])}[: ]", text, re.MULTILINE)
    assert max(map(len, text.splitlines())) <= 100


def test_layers(sscam, network):
    layers = json.loads(sscam("layers", network.model, "--json").stdout)
    marked = [layer for layer in layers if layer["default"]]
    assert len(marked) == 1 and len(marked[0]["shape"]) == 4
    assert all(layer["name"] and layer["kind"] and layer["shape"] for layer in layers)

    table = sscam("layers", network.model).stdout.splitlines()
    assert table[0].split() == ["name", "kind", "shape"] and len(table) > len(layers)
    for row, layer in zip(table[1:], layers):
        assert row.split()[0] == layer["name"]
        assert "x".join(map(str, layer["shape"])) in row
        assert row.endswith("* default") == layer["default"]


def test_layers_of_another_input_size(sscam, network):
    def default_shape(*flags):
        layers = json.loads(sscam("layers", network.model, "--json", *flags).stdout)
        return next(layer["shape"] for layer in layers if layer["default"])

    assert default_shape("--input", "3x448x224")[2] > default_shape()[2]


# --- explain: what is printed ---------------------------------------------------------------------


def test_a_sentence_when_nothing_else_is_asked_for(sscam, network, files):
    result = sscam("explain", network.model, network.image, *FAST, "--labels", network.labels_path)
    assert result.returncode == 0 and result.stderr == ""
    match = re.fullmatch(
        r"class (\d+) (.+), probability (\d\.\d+): grad-cam at (\S+), (\d+) pass(?:es)?, "
        r"\d+\.\d+ s, maximum at x \d+, y \d+ of 224x224\n",
        result.stdout,
    )
    assert match, result.stdout
    assert network.labels[int(match[1])] == match[2]
    assert files() == []


def test_samples_are_left_out_within_a_stated_error(sscam, network, tmp_path):
    explain = ("explain", network.model, network.image, "-m", "ss-cam-mean", "--sigma", "0.25")
    (early,) = lines_of(sscam(*explain, "--json", "--npy", "early.npy"))
    assert early["options"]["tolerance"] == 0.05 and early["options"]["noise"] == "common"
    assert 0 < early["estimated_error"] <= 0.05
    assert early["diagnostics"]["estimated_error"] == pytest.approx(early["estimated_error"], 1e-3)
    sentence = sscam(*explain).stdout
    assert re.search(r" passes, \d+\.\d+ s, estimated error 0\.0\d+, maximum at ", sentence), (
        sentence
    )
    assert sscam(*explain, "--quiet").stdout == ""

    for exactly in (("--tolerance", "0"), ("--noise", "independent"), ("--samples", "10")):
        (record,) = lines_of(sscam(*explain, *exactly, "--json", "--max-channels", "2"))
        assert record["options"]["tolerance"] == 0 and record["options"]["noise"] == "independent"
        assert record["estimated_error"] == 0 and record["passes"] == 1 + 2 * 10
    (whole,) = lines_of(sscam(*explain, "--noise", "common", "--json", "--npy", "whole.npy"))
    assert early["passes"] < whole["passes"]
    difference = numpy.abs(
        numpy.load(tmp_path / "early.npy") - numpy.load(tmp_path / "whole.npy")
    ).max()
    assert difference <= early["estimated_error"]


def test_the_default_method_is_grad_cam(sscam, network):
    (record,) = lines_of(sscam("explain", network.model, network.image, "--json"))
    assert record["method"] == "grad-cam"
    assert record["passes"] == 1


def test_ablation_counts_every_pass(sscam, network):
    """One captures, one runs the input, two try how rows can be spread, 64 ablate a channel."""
    (record,) = lines_of(
        sscam("explain", network.model, network.image, "-m", "ablation-cam", "--json")
    )
    assert record["passes"] == 1 + 1 + 2 + 64


def test_json_has_each_key(sscam, network):
    (record,) = lines_of(
        sscam(
            "explain",
            network.model,
            network.image,
            *FAST,
            "--json",
            "--labels",
            network.labels_path,
        )
    )
    assert set(record) == JSON_KEYS
    assert record["image"] == network.image and record["method"] == "grad-cam"
    assert record["label"] == network.labels[record["class"]]
    assert 0 <= record["probability"] <= 1 and record["passes"] >= 1 and record["seconds"] > 0
    assert record["flat"] is False and (record["width"], record["height"]) == (224, 224)
    assert record["layer"]


def test_json_tells_all_options_as_set(sscam, network):
    names = {option["name"] for option in json.loads(sscam("options", "--json").stdout)}
    (record,) = lines_of(
        sscam(
            "explain",
            network.model,
            network.image,
            *FAST,
            "--json",
            "--set",
            "samples=7",
            "--noise-target",
            "input",
            "--sigma=0.5",
            "--set",
            "noise_scale=range",
        )
    )
    assert set(record["options"]) == names
    assert record["options"]["samples"] == 7 and record["options"]["sigma"] == 0.5
    assert (
        record["options"]["noise_target"] == "input" and record["options"]["noise_scale"] == "range"
    )


def test_a_deadline_says_that_it_has_passed(sscam, network):
    done = sscam("explain", network.model, network.image, *SLOW, "--deadline", "50")
    assert_one_line(done, 1, "the deadline of 50 ms has passed")


def test_later_options_win(sscam, network):
    (record,) = lines_of(
        sscam(
            "explain",
            network.model,
            network.image,
            *FAST,
            "--json",
            "--preset",
            "torch-cam",
            "--samples",
            "3",
            "--samples",
            "4",
        )
    )
    assert record["options"]["samples"] == 4 and record["options"]["sigma"] == 2


def test_label_is_null_without_labels(sscam, network):
    (record,) = lines_of(sscam("explain", network.model, network.image, *FAST, "--json"))
    assert record["label"] is None


def test_json_escapes_what_it_must(sscam, network, tmp_path):
    name = 'a "quoted"\\ \n\x01 n\xe9.png'
    (tmp_path / name).write_bytes(Path(network.image).read_bytes())
    broken = os.fsencode(tmp_path) + b"/\xff.png"
    os.link(tmp_path / name, broken)
    assert lines_of(sscam("explain", network.model, name, *FAST, "--json"))[0]["image"] == name
    result = subprocess.run(
        [PROGRAM, "explain", network.model, broken, *FAST, "--json"],
        capture_output=True,
        check=True,
    )
    assert json.loads(result.stdout.decode())["image"].endswith("/\ufffd.png")


# --- explain: classes and labels ------------------------------------------------------------------


def test_classes_by_number_name_and_top(sscam, network):
    def class_of(text):
        (record,) = lines_of(
            sscam(
                "explain",
                network.model,
                network.image,
                *FAST,
                "--json",
                "-c",
                text,
                "--labels",
                network.labels_path,
            )
        )
        return record["class"]

    assert class_of("1") == 1
    assert class_of(network.labels[2]) == 2
    (top,) = lines_of(sscam("explain", network.model, network.image, *FAST, "--json"))
    assert class_of("top") == top["class"]


def test_several_classes(sscam, network):
    records = lines_of(
        sscam("explain", network.model, network.image, *FAST, "--json", "-c", "2,0,2", "-c", "1")
    )
    assert [record["class"] for record in records] == [2, 0, 1]


def test_a_name_with_a_comma_is_one_name(sscam, network, tmp_path):
    (tmp_path / "labels.txt").write_text("first \r\nsecond, by comma\n\n")
    records = lines_of(
        sscam(
            "explain",
            network.model,
            network.image,
            *FAST,
            "--json",
            "--labels",
            "labels.txt",
            "-c",
            "second, by comma",
            "-c",
            "first,2",
        )
    )
    assert [(record["class"], record["label"]) for record in records] == [
        (1, "second, by comma"),
        (0, "first"),
        (2, None),
    ]


def test_unknown_and_ambiguous_names(sscam, network, tmp_path):
    (tmp_path / "labels.txt").write_text("crane\nboat\ncrane\n")
    explain = ("explain", network.model, network.image, *FAST, "--labels", "labels.txt")
    assert_failure(sscam(*explain, "-c", "boot"), "labels.txt", "'boot'", "did you mean 'boat'")
    assert_failure(sscam(*explain, "-c", "crane"), "labels.txt", "'crane'", "0, 2")


@pytest.mark.parametrize("pattern, times", [(None, 0), (b"one\0two\n", 1), (b"x\n", 9 << 20)])
def test_unusable_labels(sscam, network, tmp_path, pattern, times):
    if pattern:
        (tmp_path / "labels.txt").write_bytes(pattern * times)
    assert_failure(
        sscam("explain", network.model, network.image, *FAST, "--labels", "labels.txt"),
        "labels.txt",
    )


# --- explain: files -------------------------------------------------------------------------------


def test_every_output(sscam, network, tmp_path, files):
    (record,) = lines_of(
        sscam(
            "explain",
            network.model,
            network.image,
            *FAST,
            "--json",
            "-o",
            "overlay.png",
            "--heatmap",
            "heat.png",
            "--npy",
            "map.npy",
            "--raw",
            "raw.npy",
            "--weights",
            "weights.npy",
        )
    )
    assert record["outputs"] == {
        "overlay": "overlay.png",
        "heatmap": "heat.png",
        "npy": "map.npy",
        "raw": "raw.npy",
        "weights": "weights.npy",
    }
    assert files() == ["heat.png", "map.npy", "overlay.png", "raw.npy", "weights.npy"]

    saliency, raw = numpy.load(tmp_path / "map.npy"), numpy.load(tmp_path / "raw.npy")
    weights = numpy.load(tmp_path / "weights.npy")
    assert saliency.shape == (224, 224) and saliency.min() == 0 and saliency.max() == 1
    assert raw.ndim == 2 and raw.min() >= 0 and weights.ndim == 1
    for array in (saliency, raw, weights):
        assert (
            array.dtype == numpy.float32
            and array.flags.c_contiguous
            and numpy.isfinite(array).all()
        )
    with (
        PIL.Image.open(tmp_path / "overlay.png") as overlay,
        PIL.Image.open(network.image) as image,
    ):
        assert overlay.size == image.size and overlay.mode == "RGB"
    with PIL.Image.open(tmp_path / "heat.png") as heat:
        assert heat.size == (224, 224)


def test_a_line_names_the_files(sscam, network, files):
    explain = ("explain", network.model, network.image, *FAST, "--npy", "map.npy")
    result = sscam(*explain, "--raw", "raw.npy")
    assert result.returncode == 0 and result.stderr == ""
    assert re.fullmatch(
        r"class \d, probability [\d.]+: grad-cam at \w+, 1 pass, [\d.]+ s, maximum at .*; "
        r"wrote map.npy, raw.npy\n",
        result.stdout,
    )
    assert files() == ["map.npy", "raw.npy"]
    for flag in ("--quiet", "-q"):
        result = sscam(*explain, flag)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_written_files_have_ordinary_permissions(sscam, network, tmp_path):
    assert (
        sscam(
            "explain",
            network.model,
            network.image,
            *FAST,
            "--npy",
            "map.npy",
            preexec_fn=lambda: os.umask(0o027),
        ).returncode
        == 0
    )
    assert (tmp_path / "map.npy").stat().st_mode & 0o777 == 0o640


def test_names_tell_what_varies(sscam, network, files):
    layers = json.loads(sscam("layers", network.model, "--json").stdout)
    default = next(layer["name"] for layer in layers if layer["default"])
    explain = ("explain", network.model, network.image, "--npy", "out/map.v1.npy")
    os.mkdir(os.path.join(files.__closure__[0].cell_contents, "out"))

    def written(*flags):
        before = set(files())
        assert sscam(*explain, *flags).returncode == 0
        return sorted(set(files()) - before)

    assert written(*FAST) == ["out/map.v1.npy"]
    assert written("-m", "grad-cam,grad-cam++") == [
        "out/map.v1-grad-cam++.npy",
        "out/map.v1-grad-cam.npy",
    ]
    assert written(*FAST, "-c", "0,1") == ["out/map.v1-0.npy", "out/map.v1-1.npy"]
    assert written("-m", "grad-cam,grad-cam++", "-c", "0,top", "-l", default) == sorted(
        f"out/map.v1-{method}-{name}.npy"
        for method in ("grad-cam", "grad-cam++")
        for name in ("0", "top")
    )


def test_names_of_several_layers(sscam, network, files):
    layers = [
        layer["name"]
        for layer in json.loads(sscam("layers", network.model, "--json").stdout)
        if len(layer["shape"]) == 4 and min(layer["shape"][2:]) > 1
    ][-2:]
    records = lines_of(
        sscam(
            "explain",
            network.model,
            network.image,
            *FAST,
            "-l",
            ",".join(layers),
            "-c",
            "1,2",
            "--heatmap",
            "heat.png",
            "--json",
        )
    )
    assert [record["layer"] for record in records] == [layers[0]] * 2 + [layers[1]] * 2
    expected = [
        f"heat-{re.sub('[^A-Za-z0-9+._-]', '_', layer)}-{number}.png"
        for layer in layers
        for number in "12"
    ]
    assert [record["outputs"]["heatmap"] for record in records] == expected
    assert files() == sorted(expected)


def test_two_outputs_of_one_name_are_refused(sscam, network, files):
    assert_usage_error(
        sscam("explain", network.model, network.image, *FAST, "--npy", "a.npy", "--raw", "a.npy"),
        "a.npy",
    )
    assert files() == []


def test_an_output_is_not_written_over_an_input(sscam, network, tmp_path):
    image = tmp_path / "image.png"
    image.write_bytes(Path(network.image).read_bytes())
    before = image.read_bytes()
    assert_usage_error(
        sscam("explain", network.model, image, *FAST, "-o", "./image.png"), "image.png"
    )
    assert image.read_bytes() == before


@pytest.mark.parametrize("flag", ["--output", "--heatmap", "--npy", "--raw", "--weights"])
def test_unwritable_outputs(sscam, network, tmp_path, files, flag):
    (tmp_path / "folder.png").mkdir()
    explain = ("explain", network.model, network.image, *FAST, flag)
    assert_failure(sscam(*explain, "nowhere/a.png"), "nowhere/a.png", "No such file")
    assert_failure(sscam(*explain, "folder.png"), "folder.png")
    assert_failure(sscam(*explain, ""), "empty")
    assert files() == []


@pytest.mark.parametrize("flag", ["--output", "--heatmap", "--npy", "--raw", "--weights"])
def test_pipes_are_written_and_not_replaced_by_files(sscam, network, tmp_path, files, flag):
    assert sscam("explain", network.model, network.image, *FAST, flag, "plain.png").returncode == 0
    content = (tmp_path / "plain.png").read_bytes()
    (tmp_path / "plain.png").unlink()
    os.mkfifo(tmp_path / "pipe.png")
    reader = os.open(tmp_path / "pipe.png", os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 1 << 20)
    assert sscam("explain", network.model, network.image, *FAST, flag, "pipe.png").returncode == 0
    assert os.read(reader, 1 << 20) == content
    os.close(reader)
    assert (tmp_path / "pipe.png").is_fifo() and files() == []


@pytest.mark.parametrize("flag", ["--heatmap", "--npy"])
def test_links_are_followed_and_permissions_kept(sscam, network, tmp_path, files, flag):
    """By the library, which writes the images, and by the program."""
    os.symlink("target.png", tmp_path / "link.png")
    for mode, kept in (None, None), (0o4640, 0o640):
        if mode:
            (tmp_path / "target.png").write_bytes(b"old")
            (tmp_path / "target.png").chmod(mode)
        assert (
            sscam("explain", network.model, network.image, *FAST, flag, "link.png").returncode == 0
        )
        assert (tmp_path / "link.png").is_symlink() and len(
            (tmp_path / "target.png").read_bytes()
        ) > 100
        assert not kept or (tmp_path / "target.png").stat().st_mode & 0o7777 == kept
    assert files() == ["link.png", "target.png"]


def test_an_array_on_standard_output(network):
    done = subprocess.run(
        [PROGRAM, "explain", network.model, network.image, *FAST, "--npy", "/dev/stdout"],
        capture_output=True,
        timeout=300,
        check=True,
    )
    assert numpy.load(io.BytesIO(done.stdout)).dtype == numpy.float32


@pytest.mark.parametrize("flag", ["--heatmap", "--npy", "--raw", "--weights"])
def test_a_full_disk_leaves_nothing(sscam, network, files, flag):
    def allow_little():
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))

    assert_failure(
        sscam(
            "explain", network.model, network.image, *FAST, flag, "a.png", preexec_fn=allow_little
        ),
        "a.png",
    )
    assert files() == []


# --- explain: several methods ---------------------------------------------------------------------


def test_all_methods(sscam, network):
    result = sscam(
        "explain",
        network.model,
        network.image,
        "-m",
        "all",
        "--samples",
        "1",
        "--set",
        "max_channels=4",
        "--json",
        "-c",
        "1",
    )
    records = lines_of(result)
    left_out = re.findall(r"^sscam: note: (\S+): ", result.stderr, re.MULTILINE)
    assert [record["method"] for record in records] == [
        name for name in METHODS if name not in left_out
    ]
    assert len(records) >= 5 and all(record["class"] == 1 for record in records)


def test_methods_without_weights(sscam, network, files):
    methods = ("-m", "grad-cam,layer-cam")
    result = sscam("explain", network.model, network.image, *methods, "--weights", "w.npy")
    assert result.returncode == 1
    assert "layer-cam: it has no channel weights" in result.stderr
    assert files() == ["w-grad-cam.npy"]
    few = ("--samples", "1", "--set", "max_channels=4", "--weights", "all.npy", "--json")
    records = lines_of(sscam("explain", network.model, network.image, "-m", "all", *few))
    named = {record["method"]: record["outputs"].get("weights") for record in records}
    assert {name for name in named if not named[name]} == WITHOUT_WEIGHTS
    assert {named[name] for name in named if named[name]} <= set(files())


def test_classes_by_rank(sscam, network, files):
    records = lines_of(
        sscam(
            "explain", network.model, network.image, *FAST, "-c", "top3", "--json", "--npy", "m.npy"
        )
    )
    logits = [record["logit"] for record in records]
    assert len(records) == 3 and logits == sorted(logits, reverse=True)
    (top,) = lines_of(sscam("explain", network.model, network.image, *FAST, "--json"))
    assert records[0]["class"] == top["class"]
    assert files() == ["m-top.npy", "m-top2.npy", "m-top3.npy"]


@pytest.mark.parametrize(
    "text", ["top0", "top-1", "topmost", "top3x", "top99", "top5000", "top99999999999999999999"]
)
def test_ranks_that_no_class_has(sscam, network, text):
    result = sscam("explain", network.model, network.image, *FAST, "-c", text)
    assert result.returncode in (1, 2) and result.stderr.startswith("sscam: ") and not result.stdout


def test_layers_are_fused_by_the_option(sscam, network):
    names = [
        layer["name"]
        for layer in json.loads(sscam("layers", network.model, "--json").stdout)
        if len(layer["shape"]) == 4
    ][-2:]
    (record,) = lines_of(
        sscam(
            "explain",
            network.model,
            network.image,
            *FAST,
            "--json",
            "--set",
            "layer=" + ",".join(names),
        )
    )
    assert record["layer"] == ",".join(names)


def test_maps_together_equal_maps_alone(sscam, network, tmp_path):
    few = ("--samples", "2", "--max-channels", "3")
    together = lines_of(
        sscam(
            "explain",
            network.model,
            network.image,
            "-m",
            "score-cam,ss-cam-mean,ss-cam-max",
            "-c",
            "1,0",
            *few,
            "--npy",
            "map.npy",
            "--json",
        )
    )
    assert sum(record["passes"] for record in together) < 30
    for record in together:
        (alone,) = lines_of(
            sscam(
                "explain",
                network.model,
                network.image,
                "-m",
                record["method"],
                "-c",
                record["class"],
                *few,
                "--npy",
                "alone.npy",
                "--json",
            )
        )
        assert alone["logit"] == pytest.approx(record["logit"], abs=1e-3)
        difference = numpy.load(tmp_path / "alone.npy") - numpy.load(
            tmp_path / record["outputs"]["npy"]
        )
        assert numpy.abs(difference).max() < 2e-3


def test_methods_keep_their_order(sscam, network):
    records = lines_of(
        sscam(
            "explain",
            network.model,
            network.image,
            "-m",
            "grad-cam++,grad-cam",
            "-m",
            "score-cam,grad-cam",
            "--max-channels",
            "2",
            "--json",
        )
    )
    assert [record["method"] for record in records] == ["grad-cam++", "grad-cam", "score-cam"]


def pixels_of(path):
    return numpy.array(PIL.Image.open(path).convert("RGB"))


@pytest.mark.parametrize("labels", [True, False])
def test_a_legend_stands_beside_the_unchanged_image(sscam, network, tmp_path, labels):
    flags = ["-m", "grad-cam", "--colormap", "viridis", "-o", "map.png", "--heatmap", "heat.png"]
    flags += ["--labels", network.labels_path] if labels else []
    assert sscam("explain", network.model, network.image, *flags).returncode == 0
    alone = {name: pixels_of(tmp_path / name) for name in ("map.png", "heat.png")}
    assert sscam("explain", network.model, network.image, *flags, "--legend").returncode == 0
    colours = {tuple(pixel) for pixel in alone["heat.png"].reshape(-1, 3)}
    for name, image in alone.items():
        height, width = image.shape[:2]
        with_legend = pixels_of(tmp_path / name)
        assert with_legend.shape[0] > height and with_legend.shape[1] > width
        assert (with_legend[:height, :width] == image).all()
        beside, below = with_legend[:height, width:], with_legend[height:]
        assert beside.min() < 255 and below.min() < 100  # colours, and dark text
        bar = {tuple(pixel) for pixel in beside.reshape(-1, 3)}
        assert tuple(alone["heat.png"].reshape(-1, 3)[0]) in bar and len(bar & colours) > 100


def test_a_legend_needs_an_image(sscam, network):
    result = sscam("explain", network.model, network.image, "-m", "grad-cam", "--legend")
    assert_one_line(result, 2, "--legend", "--output")


def test_colormap_and_alpha_change_the_images(sscam, network, tmp_path):
    def overlay(*flags):
        assert (
            sscam("explain", network.model, network.image, *FAST, "-o", "a.png", *flags).returncode
            == 0
        )
        with PIL.Image.open(tmp_path / "a.png") as image:
            return numpy.asarray(image)

    assert (overlay() == overlay("--colormap", "turbo", "--alpha", "0.5")).all()
    assert (overlay() != overlay("--colormap", "viridis")).any()
    assert (overlay() != overlay("--alpha", "0.9")).any()
    assert (
        sscam(
            "explain",
            network.model,
            network.image,
            *FAST,
            "--heatmap",
            "gray.png",
            "--colormap",
            "gray",
        ).returncode
        == 0
    )


# --- explain: tensors -----------------------------------------------------------------------------


def random_input(*shape):
    return numpy.random.default_rng(1).standard_normal(shape).astype(numpy.float32)


def save_version_2(path, array):
    with open(path, "wb") as file:
        numpy.lib.format.write_array(file, array, version=(2, 0))


def test_tensor_of_one(sscam, network, tmp_path):
    numpy.save(tmp_path / "one.npy", random_input(1, 3, 224, 224))
    numpy.save(tmp_path / "bare.npy", random_input(3, 224, 224))
    save_version_2(tmp_path / "two.npy", random_input(1, 3, 224, 224))
    explain = ("explain", network.model, *FAST, "--json", "--tensor")
    (one,) = lines_of(sscam(*explain, "one.npy"))
    assert set(one) == JSON_KEYS - {"image"} | {"tensor", "index"}
    assert one["tensor"] == "one.npy" and one["index"] == 0
    for other in ("bare.npy", "two.npy"):
        (record,) = lines_of(sscam(*explain, other))
        assert (record["class"], record["logit"]) == (one["class"], one["logit"])


def test_tensor_of_several(sscam, network, tmp_path, files):
    batch = random_input(3, 3, 224, 224)
    numpy.save(tmp_path / "batch.npy", batch)
    records = lines_of(
        sscam(
            "explain",
            network.model,
            *FAST,
            "--json",
            "--tensor",
            "batch.npy",
            "--npy",
            "map.npy",
            "--heatmap",
            "heat.png",
            "-c",
            "0,2",
        )
    )
    assert [(record["class"], record["index"]) for record in records] == [
        (c, i) for c in (0, 2) for i in range(3)
    ]
    assert sorted(set(files()) - {"batch.npy"}) == sorted(
        f"{stem}-{c}-input{i}{end}"
        for stem, end in (("map", ".npy"), ("heat", ".png"))
        for c in (0, 2)
        for i in range(3)
    )

    numpy.save(tmp_path / "last.npy", batch[2:])
    lines_of(
        sscam(
            "explain",
            network.model,
            *FAST,
            "--json",
            "--tensor",
            "last.npy",
            "--npy",
            "alone.npy",
            "-c",
            "2",
        )
    )
    assert numpy.allclose(
        numpy.load(tmp_path / "alone.npy"), numpy.load(tmp_path / "map-2-input2.npy"), atol=1e-4
    )


def test_sentences_number_the_inputs(sscam, network, tmp_path):
    numpy.save(tmp_path / "batch.npy", random_input(2, 3, 224, 224))
    lines = sscam("explain", network.model, *FAST, "--tensor", "batch.npy").stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == ["input 0", "input 1"]


def test_an_image_is_preprocessed_and_a_tensor_is_not(sscam, network, tmp_path):
    with PIL.Image.open(network.image) as image:
        pixels = numpy.asarray(image.convert("RGB").resize((224, 224)), numpy.float32) / 255
    PIL.Image.fromarray((pixels * 255).round().astype(numpy.uint8)).save(tmp_path / "small.png")
    numpy.save(tmp_path / "small.npy", numpy.ascontiguousarray(pixels.transpose(2, 0, 1)))
    (from_image,) = lines_of(
        sscam(
            "explain",
            network.model,
            "small.png",
            *FAST,
            "-c",
            "1",
            "--json",
            "--resize",
            "off",
            "--crop",
            "off",
            "--mean",
            "0",
            "--std",
            "1",
        )
    )
    (from_tensor,) = lines_of(
        sscam("explain", network.model, "--tensor", "small.npy", *FAST, "-c", "1", "--json")
    )
    assert from_image["logit"] == pytest.approx(from_tensor["logit"], rel=1e-3, abs=1e-3)


def header_of(text, version=b"\x01\x00"):
    width = 2 if version[0] == 1 else 4
    return b"\x93NUMPY" + version + len(text).to_bytes(width, "little") + text.encode()


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "not a .npy file"),
        (b"PK\x03\x04 something else", "not a .npy file"),
        (b"\x93NUMPY", "not a .npy file"),
        (b"\x93NUMPY\x09\x00\x10\x00", "format 9.0"),
        (b"\x93NUMPY\x01\x00\xff", "too early"),
        (b"\x93NUMPY\x01\x00\xff\x00{'descr'", "too early"),
        (header_of("x" * 70000, b"\x02\x00"), "too long"),
        (header_of("{'descr': '<f4', 'fortran_order': False}\n"), "header is damaged"),
        (
            header_of(
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 2, 2), 'more': 1}\n"
            ),
            "damaged",
        ),
        (header_of("{'descr': '<f4', 'fortran_order': 0, 'shape': (1, 3, 2, 2)}\n"), "damaged"),
        (header_of("{'descr': '<f4', 'fortran_order': False, 'shape': (3 2 2)}\n"), "damaged"),
        (
            header_of("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 3, 2, 2)}\n"),
            "damaged",
        ),
        (
            header_of("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,3,2,2)}\n"),
            "8 dimensions",
        ),
        (
            header_of("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 3, 2, 2)}\n"),
            "damaged",
        ),
        (
            header_of("{'descr': '<f4', 'fortran_order': False, 'shape': (99999, 3, 99999, 2)}\n"),
            "too large",
        ),
        (header_of("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3, 2, 2)}\n"), "empty"),
        (header_of("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 2, 2)}\n"), "0 bytes"),
        (
            header_of("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1)}\n")
            + b"\0" * 5,
            "5 bytes",
        ),
        (
            header_of(
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1)} import os\n"
            ),
            "damaged",
        ),
        (header_of("{'descr': '<c8', 'fortran_order': False, 'shape': (1, 1, 1, 1)}\n"), "float32"),
        (header_of("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1, 1, 1)}\n"), "Fortran"),
    ],
)
def test_damaged_arrays(sscam, tmp_path, network, content, words):
    (tmp_path / "bad.npy").write_bytes(content)
    assert_failure(sscam("explain", network.model, *FAST, "--tensor", "bad.npy"), "bad.npy", words)


@pytest.mark.parametrize(
    "shape, dimensions, wanted",
    [
        ((), [], "nchw"),
        ((5,), [], "nchw"),
        ((224, 224), ["2"], "[N,C,H,W]"),
        ((3, 224, 224), ["3"], "[N,C,D,H,W]"),
        ((1, 3, 224, 224), ["1"], "[N,C,W]"),
        ((1, 3, 2, 9, 9), ["2"], "[N,C,H,W]"),
    ],
)
def test_arrays_of_other_dimensions(sscam, network, tmp_path, shape, dimensions, wanted):
    numpy.save(tmp_path / "flat.npy", random_input(*shape))
    flags = ["--dimensions", *dimensions] if dimensions else []
    assert_failure(
        sscam("explain", network.model, *FAST, "--tensor", "flat.npy", *flags), "flat.npy", wanted
    )


@pytest.mark.parametrize("value", [numpy.nan, numpy.inf])
def test_a_tensor_that_is_not_finite(sscam, network, tmp_path, files, value):
    array = random_input(1, 3, 224, 224)
    array[0, 1, 2, 3] = value
    numpy.save(tmp_path / "bad.npy", array)
    assert_failure(
        sscam("explain", network.model, *FAST, "--tensor", "bad.npy", "--npy", "map.npy"), "bad.npy"
    )
    assert files() == ["bad.npy"]


def test_a_tensor_of_a_shape_that_the_network_cannot_take(sscam, network, tmp_path):
    numpy.save(tmp_path / "five.npy", random_input(1, 5, 64, 64))
    assert_failure(sscam("explain", network.model, *FAST, "--tensor", "five.npy"))


# --- failures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["explain", "compare"])
def test_failures_of_inputs(sscam, network, tmp_path, files, command):
    good = Path(network.image).read_bytes()
    (tmp_path / "cut.png").write_bytes(good[: len(good) // 2])
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF")
    PIL.Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    (tmp_path / "text.pt").write_text("no network")
    (tmp_path / "empty.pt").write_bytes(b"")
    before = files()

    def run(model, image, *flags):
        return sscam(command, model, image, *FAST, "-o", "out.png", *flags)

    assert_failure(run(network.model, "missing.png"), "missing.png", "No such file")
    for image in ("cut.png", "text.png", "cut.jpg", "dot.png"):
        assert_failure(run(network.model, image), image)
    assert_failure(run("missing.pt", network.image), "missing.pt", "No such file")
    for model in ("text.pt", "empty.pt"):
        assert_failure(run(model, network.image), model)
    assert_failure(run(network.model, network.image, "-l", "no.such.layer"), "no.such.layer")
    assert_failure(run(network.model, network.image, "-c", "1000000"), "1000000")
    assert_failure(run(network.model, network.image, "-c", "-1"), "-1")
    assert_failure(
        run(network.model, network.image, "-c", "99999999999999999999"), "99999999999999999999"
    )
    assert_failure(run(network.model, network.image, "--device", "toaster"), "toaster")
    assert files() == before


def test_one_bad_class_among_several_writes_nothing(sscam, network, files):
    result = sscam(
        "explain", network.model, network.image, *FAST, "-c", "0,1000000", "--npy", "map.npy"
    )
    assert_failure(result, "1000000")
    assert files() == []


def test_layers_of_no_network(sscam, network, tmp_path):
    (tmp_path / "text.pt").write_text("no network")
    assert_failure(sscam("layers", "text.pt"), "text.pt")
    assert_failure(sscam("layers", network.model, "--input", "7x9x9"))


# --- terminals and signals ------------------------------------------------------------------------

SLOW = ("-m", "ss-cam-mean", "--samples", "100000")


def wait_until_caught(process, sent):
    """Waits until the program handles a signal: loading its libraries takes an unknown time."""
    while process.poll() is None:
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            caught = int(re.search(r"^SigCgt:\s*([0-9a-f]+)$", status.read(), re.MULTILINE)[1], 16)
        if caught >> (sent - 1) & 1:
            return
        time.sleep(0.05)


def test_a_bar_on_a_terminal(network):
    code, shown = run_on_terminal(
        ["explain", network.model, network.image, "-m", "grad-cam,score-cam"], 100
    )
    assert code == 0
    assert re.search(r"\r\033\[K\[[#-]+\] +\d+ %  \d+:\d\d elapsed, (-:--|\d+:\d\d) left", shown), (
        shown
    )
    assert shown.endswith("\r\033[K"), "the bar is wiped"
    assert "\n" not in shown


def test_the_bar_of_a_figure_counts_images(network, tmp_path):
    code, shown = run_on_terminal(
        [
            "compare",
            network.model,
            network.image,
            network.image,
            *FAST,
            "-o",
            str(tmp_path / "figure.png"),
        ],
        120,
    )
    assert code == 0
    assert (
        "\033[K1/2 [" in shown
        and "\033[K2/2 [" in shown
        and os.path.basename(network.image) in shown
    )


def test_a_bar_fits_a_narrow_terminal(network):
    code, shown = run_on_terminal(["explain", network.model, network.image, "-m", "score-cam"], 40)
    assert code == 0
    assert max(len(part) for part in shown.split("\r\033[K")) <= 39


def test_no_bar_elsewhere(sscam, network):
    result = sscam("explain", network.model, network.image, "-m", "score-cam")
    assert result.returncode == 0 and result.stderr == ""


@pytest.mark.parametrize("command", ["explain", "compare"])
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cancels_cleanly(network, tmp_path, files, command, sent):
    with subprocess.Popen(
        [PROGRAM, command, network.model, network.image, *SLOW, "-o", "out.png"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        preexec_fn=default_signals,
    ) as process:
        wait_until_caught(process, sent)
        time.sleep(2)
        process.send_signal(sent)
        stdout, stderr = process.communicate(timeout=300)
    assert (process.returncode, stdout, stderr) == (1, "", "sscam: cancelled\n")
    assert files() == []


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_ends_the_program(network, tmp_path, files, sent):
    with subprocess.Popen(
        [PROGRAM, "explain", network.model, network.image, *SLOW, "-o", "out.png"],
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        preexec_fn=default_signals,
    ) as process:
        wait_until_caught(process, sent)
        while process.poll() is None:  # the first may come while nothing asks for it yet
            process.send_signal(sent)
            time.sleep(0.01)
    assert process.returncode in (-sent, 1) and files() == []


def test_cancelling_wipes_the_bar(network):
    code, shown = run_on_terminal(
        ["explain", network.model, network.image, *SLOW], 100, interrupt=True
    )
    assert code == 1
    assert shown.replace("\r\n", "\n").endswith("\r\033[Ksscam: cancelled\n")


# --- compare --------------------------------------------------------------------------------------


def size_of(path):
    with PIL.Image.open(path) as image:
        assert image.format == "PNG" and image.mode == "RGB"
        return image.size


def test_figure_grows_with_rows_and_columns(sscam, network, tmp_path, files):
    def figure(*arguments):
        result = sscam(
            "compare", network.model, *arguments, "-o", "figure.png", "--max-channels", "2"
        )
        assert result.returncode == 0, result.stderr
        assert result.stdout == "" and files() == ["figure.png"]
        return size_of(tmp_path / "figure.png")

    width, height = figure(network.image, "-m", "grad-cam")
    wider, same_height = figure(network.image, "-m", "grad-cam,score-cam")
    assert wider > width and same_height == height
    same_width, higher = figure(network.image, network.image, "-m", "grad-cam")
    assert same_width == width and higher > height
    assert figure(network.image, "-m", "grad-cam", "-c", "0,1")[1] == higher


def test_figure_of_all_methods(sscam, network, tmp_path):
    result = sscam(
        "compare",
        network.model,
        network.image,
        "-o",
        "figure.png",
        "--max-channels",
        "2",
        "--samples",
        "1",
        "--labels",
        network.labels_path,
    )
    assert result.returncode == 0
    assert all(line.startswith("sscam: note: ") for line in result.stderr.splitlines())
    with PIL.Image.open(tmp_path / "figure.png") as figure:
        pixels = numpy.asarray(figure)
    border = numpy.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert (border == 255).all(), "the margin is white"
    assert (pixels != 255).mean() > 0.3


def test_many_columns_continue_below(sscam, network, tmp_path):
    def figure(count):
        methods = ",".join(METHODS[:count])
        assert (
            sscam(
                "compare",
                network.model,
                network.image,
                "-m",
                methods,
                "-o",
                "figure.png",
                "--max-channels",
                "2",
                "--samples",
                "1",
            ).returncode
            == 0
        )
        return size_of(tmp_path / "figure.png")

    widest, low = figure(8)
    narrower, high = figure(15)
    assert narrower == widest and 1.6 * low < high < 2.2 * low


@pytest.mark.parametrize(
    "extension, start", [("pdf", b"%PDF-"), ("svg", b"<?xml"), ("PNG", b"\x89PNG")]
)
def test_figure_formats(sscam, network, tmp_path, files, extension, start):
    assert (
        sscam(
            "compare", network.model, network.image, *FAST, "-o", f"figure.{extension}"
        ).returncode
        == 0
    )
    assert files() == [f"figure.{extension}"]
    assert (tmp_path / f"figure.{extension}").read_bytes().startswith(start)


def test_figure_of_odd_images_and_names(sscam, network, tmp_path):
    for name, size, mode in (
        ("wide.png", (900, 90), "RGB"),
        ("tall.png", (60, 600), "L"),
        ("dot.png", (2, 1), "RGB"),
        ("clear.png", (50, 40), "RGBA"),
    ):
        PIL.Image.new(mode, size).save(tmp_path / name)
    (tmp_path / "labels.txt").write_bytes(
        b"a name of many words that cannot fit beside its row of images at all\n"
        b"Donaudampfschifffahrtsgesellschaftskapitaen\n\xff\xfe broken\n"
    )
    result = sscam(
        "compare",
        network.model,
        "wide.png",
        "tall.png",
        "dot.png",
        "clear.png",
        *FAST,
        "-c",
        "0,1,2",
        "--labels",
        "labels.txt",
        "-o",
        "figure.png",
    )
    assert result.returncode == 0, result.stderr


def put_labels(folder, *names):
    """As many lines as the network has classes."""
    lines = [*names, *[b"another"] * (6 - len(names))]
    (folder / "labels.txt").write_bytes(b"".join(line + b"\n" for line in lines))


def draw_labelled(sscam, network, index, figure):
    """Draws a figure of one class with the names in labels.txt, without a complaint."""
    result = sscam(
        "compare",
        network.model,
        network.image,
        *FAST,
        "-c",
        index,
        "--labels",
        "labels.txt",
        "-o",
        figure,
    )
    assert result.returncode == 0 and result.stderr == "", result.stderr


def glyphs_of_label(sscam, network, folder, label):
    """Identifiers of a label's glyphs, from left to right.

    They are those of the line that a figure without the label does not have.
    """

    def lines(text):
        put_labels(folder, text.encode())
        draw_labelled(sscam, network, "0", "figure.svg")
        rows = {}
        for glyph, x, y in re.findall(
            r'<use xlink:href="#([^"]+)" x="([^"]+)" y="([^"]+)"/>',
            (folder / "figure.svg").read_text(encoding="utf-8"),
        ):
            rows.setdefault(float(y), []).append((float(x), glyph))
        return rows

    # The label is the first line of its block, below the titles of the columns.
    rows = lines(label)
    return [glyph for _, glyph in sorted(rows[sorted(rows)[1]])]


def test_labels_are_shaped(sscam, network, tmp_path):
    """Arabic letters take forms that join them to their neighbours, and run from right to left."""
    beh, zero_width_non_joiner = "\u0628", "\u200c"
    joined = glyphs_of_label(sscam, network, tmp_path, beh * 3)
    apart = glyphs_of_label(sscam, network, tmp_path, zero_width_non_joiner.join(beh * 3))
    assert len(joined) == len(set(joined)) == 3  # final, medial, initial
    assert len(set(apart)) <= 2  # the isolated form, and what has no width
    word = glyphs_of_label(
        sscam, network, tmp_path, "\u0627\u0628"
    )  # alef joins nothing: it stands at the right
    alef = glyphs_of_label(sscam, network, tmp_path, "\u0627")
    assert len(word) == 2 and len(alef) == 1


def right_edge_of_label(path):
    """Of the ink left of the images, in pixels."""
    with PIL.Image.open(path) as figure:
        pixels = numpy.asarray(figure.convert("L"))[:, :318]
    return int(numpy.flatnonzero((pixels < 128).any(axis=0)).max())


@pytest.mark.parametrize(
    "label",
    [
        "\u0643\u062a\u0627\u0628 \u0639\u0631\u0628\u064a",
        "\u0939\u093f\u0928\u094d\u0926\u0940",
        "\u4e2d\u6587",
        "Latin \u05e2\u05d1\u05e8\u05d9\u05ea",
    ],
)
def test_labels_of_every_script_end_beside_the_images(sscam, network, tmp_path, label):
    put_labels(tmp_path, b"HHH", label.encode())
    for index in range(2):
        draw_labelled(sscam, network, index, f"{index}.png")
    assert (
        abs(right_edge_of_label(tmp_path / "0.png") - right_edge_of_label(tmp_path / "1.png")) <= 4
    )


@pytest.mark.parametrize(
    "label",
    [
        b"x" * 100_000,
        b"many words " * 10_000,
        "\u0628".encode() * 50_000,
        "\U0001f600".encode() * 2000,
        b"bytes \xff\xfe\xc0\x80 cut \xe4\xb8",
        b"\xed\xa0\x80",
        "e\u0301".encode() * 3000,
        "\u202e \u2066 \u200b".encode(),
    ],
    ids=["letters", "words", "Arabic", "emoji", "invalid", "surrogate", "accents", "controls"],
)
def test_labels_that_do_not_fit_are_cut(sscam, network, tmp_path, label):
    """None is drawn over the margin or an image."""
    put_labels(tmp_path, label)
    draw_labelled(sscam, network, "0", "figure.png")
    with PIL.Image.open(tmp_path / "figure.png") as figure:
        pixels = numpy.asarray(figure.convert("L"))
    assert (pixels[:, :34] == 255).all() and (pixels[:, 316:326] == 255).all()


@pytest.mark.parametrize("size", [(3, 40000), (40000, 3)])
def test_figure_of_extreme_images(sscam, network, tmp_path, size):
    PIL.Image.new("RGB", size, "red").save(tmp_path / "long.png")
    result = sscam(
        "compare",
        network.model,
        "long.png",
        *FAST,
        "--resize",
        "64x64",
        "--crop",
        "off",
        "-o",
        "figure.png",
    )
    assert result.returncode == 0 and result.stderr == "", result.stderr


def test_figure_needs_a_place(sscam, network, files):
    assert_failure(
        sscam("compare", network.model, network.image, *FAST, "-o", "nowhere/figure.png"),
        "nowhere/figure.png",
    )
    assert files() == []


def test_a_damaged_image_is_found_before_the_work(sscam, network, tmp_path, files):
    (tmp_path / "bad.png").write_text("no image")
    assert_failure(
        sscam("compare", network.model, network.image, "bad.png", *SLOW, "-o", "figure.png"),
        "bad.png",
    )
    assert files() == ["bad.png"]


# --- pretrained networks --------------------------------------------------------------------------


def test_a_cat_is_found(sscam, pretrained):
    (record,) = lines_of(
        sscam(
            "explain",
            pretrained.model,
            pretrained.image,
            *FAST,
            "--json",
            "--labels",
            pretrained.labels_path,
        )
    )
    assert "cat" in record["label"]
    assert record["probability"] > 0.1


def test_a_class_by_its_name(sscam, pretrained):
    (record,) = lines_of(
        sscam(
            "explain",
            pretrained.model,
            pretrained.image,
            *FAST,
            "--json",
            "-c",
            "tiger cat",
            "--labels",
            pretrained.labels_path,
        )
    )
    assert record["class"] == 282


def test_default_layer_of_squeezenet(sscam, pretrained):
    layers = json.loads(sscam("layers", pretrained.model, "--json").stdout)
    assert [layer["name"] for layer in layers if layer["default"]] == ["features"]
