"""Networks in the formats that are read, and files that are given as networks and are none."""

import json
import re
import subprocess
import sys

import numpy
import PIL.Image
import pytest

from conftest import DEMO, ROOT, assert_one_line

WRITER = ROOT / "tests/cli/make_foreign_files.py"

# file: what the message says of it
KINDS = {
    "state_dict.pth": "a state dict",
    "state_dict_old.pth": "a state dict",
    "state_dict_protocol_4.pth": "a state dict",
    "state_dict_plain.bin": "a state dict",
    "checkpoint.ckpt": 'a dictionary whose first key is "epoch"',
    "checkpoint_module.pt": "a checkpoint with a whole network",
    "module.pt": "the class __main__.Classifier",
    "module_old.pt": "the class __main__.Classifier",
    "module_protocol_4.pt": "the class __main__.Classifier",
    "tensor.pt": "a tensor that torch.save() wrote",
    "optimised.pt": "torch.jit.optimize_for_inference",
    "lite_flatbuffer.ptl": "lite interpreter",
    "cut.pt": "incomplete",
    "cut_by_one.pt": "incomplete",
    "empty.pt": "the file is empty",
    "scores.pkl": "a pickle of Python without a network",
    "arrays.npz": "arrays of NumPy",
}
WITHOUT_EXPORT = {"cut.pt", "cut_by_one.pt", "empty.pt"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("foreign")
    subprocess.run(
        [sys.executable, "-W", "ignore", WRITER, folder], check=True, capture_output=True
    )
    return folder


@pytest.mark.parametrize("name", KINDS)
def test_a_foreign_file_is_named(sscam, files, name):
    result = sscam("layers", files / name)
    assert_one_line(result, 1, f"{name}: ", KINDS[name])
    if name not in WITHOUT_EXPORT:
        assert "torch.export.save(torch.export.export(model.eval()" in result.stderr
        assert "torch.jit.script(model.eval()).save" in result.stderr


LOAD = """
import sys, torch
sys.path.insert(0, {folder!r})
from make_foreign_files import Classifier
FILE, model = {file!r}, Classifier()
sys.modules["__main__"].Classifier = Classifier
{lines}
"""


@pytest.mark.parametrize("name", ["state_dict.pth", "state_dict_old.pth"])
def test_the_line_of_python_exports_it(sscam, files, tmp_path, name):
    message = sscam("layers", files / name).stderr
    load = re.search(r"model\.load_state_dict\([^;]+\)(?=; )", message).group()
    save = re.search(r"torch\.jit\.script\(model\.eval\(\)\)\.save\(\S+\)", message).group()
    script = LOAD.format(
        folder=str(WRITER.parent), file=str(files / name), lines=f"{load}\n{save}\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], cwd=tmp_path, check=True)
    assert sscam("layers", tmp_path / "network.pt").returncode == 0


def test_a_lite_interpreter_file_with_its_code_is_a_network(sscam, files):
    assert "features" in sscam("layers", files / "lite.ptl").stdout


def test_an_image_and_a_network_that_changed_places_are_told(sscam, files, tmp_path):
    image = tmp_path / "photo.png"
    PIL.Image.new("RGB", (32, 32)).save(image)
    assert_one_line(sscam("explain", image, files / "network.pt"), 2, "the model comes first")
    assert_one_line(sscam("explain", image, image), 1, "changed places?")


# --- both formats ---------------------------------------------------------------------------------


def explained(sscam, folder, model, image):
    """Raw maps and channel weights of all methods, and what is said of them."""
    result = sscam(
        "explain", model, image, "-m", "all", "--samples", "2", "--max_channels", "6",
        "--calibrate", "off", "--raw", folder / "raw.npy", "--weights", folder / "weights.npy",
        "--json",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    facts = [json.loads(line) for line in result.stdout.splitlines()]
    arrays = {path.name: numpy.load(path) for path in sorted(folder.glob("*.npy"))}
    return arrays, [(fact["method"], fact["layer"], fact["class"]) for fact in facts]


def test_both_formats_give_the_same_maps(sscam, network, tmp_path):
    found = []
    for name in ("clothes.pt", "clothes.pt2"):
        folder = tmp_path / name
        folder.mkdir()
        found.append(explained(sscam, folder, DEMO / name, network.image))
    (scripted, of_script), (exported, of_program) = found
    assert of_program == of_script and len(of_script) > 20
    assert exported.keys() == scripted.keys() and len(scripted) > 20
    for name, array in scripted.items():
        numpy.testing.assert_allclose(
            exported[name], array, rtol=0, atol=1e-5 * numpy.abs(array).max(), err_msg=name
        )


def test_both_formats_have_the_same_layers(sscam):
    listed = []
    for name in ("clothes.pt", "clothes.pt2"):
        result = sscam("layers", DEMO / name, "--json")
        assert result.returncode == 0, result.stderr
        layers = json.loads(result.stdout)
        listed.append({layer["name"]: (layer["kind"], layer["shape"]) for layer in layers})
        assert [layer["name"] for layer in layers if layer["default"]] == ["features"]
    scripted, exported = listed
    named = {name: about for name, about in scripted.items() if not about[0].startswith("aten::")}
    assert named.items() <= exported.items(), (named, exported)


def test_the_name_of_a_file_does_not_matter(sscam, tmp_path):
    for name, other in (("clothes.pt", "network.pt2"), ("clothes.pt2", "network.onnx")):
        path = tmp_path / other
        path.write_bytes((DEMO / name).read_bytes())
        assert sscam("layers", path).returncode == 0


def test_sizes_that_a_program_was_not_exported_for_are_told(sscam, network):
    result = sscam("explain", DEMO / "clothes.pt2", network.image, "--resize", "16", "--crop", "16")
    assert_one_line(result, 1, "16", "32")


@pytest.mark.parametrize("command", ["layers", "explain", "doctor"])
def test_libraries_of_operators_are_loaded_first(sscam, network, command):
    words = [command, network.model]
    words += [network.image, "-m", "grad-cam"] if command == "explain" else []
    words += ["--input", "3x112x112"] if command == "layers" else []
    loaded = sscam(*words, "--library", "libm.so.6", "--library", "libdl.so.2")
    assert loaded.returncode == 0, loaded.stderr
    assert_one_line(sscam(*words, "--library", "/no/operators.so"), 1, "/no/operators.so")
