"""sscam explain with several images, folders, lists, and the standard streams in place of files."""

import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

import numpy
import PIL.Image
import pytest

from conftest import DEMO, PROGRAM, assert_one_line, run_on_terminal

FAST = ("-m", "grad-cam")
SCENES = sorted((DEMO / "scenes").glob("*.png"))[:3]


@pytest.fixture
def images(tmp_path):
    """Three images in a folder."""
    (tmp_path / "in").mkdir()
    for scene in SCENES:
        shutil.copy(scene, tmp_path / "in")
    return [f"in/{scene.name}" for scene in SCENES]


def records_of(result):
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_several_images_give_what_each_gives_alone(sscam, network, images, tmp_path):
    flags = ("-m", "grad-cam,score-cam", "-c", "0,top", "--npy")
    together = sscam("explain", network.model, *images, *flags, "maps/", "--json")
    records = records_of(together)
    assert [record["image"] for record in records] == [image for image in images for _ in range(4)]
    for image in images:
        stem = os.path.basename(image)[:-4]
        alone = records_of(sscam("explain", network.model, image, *flags, "alone.npy", "--json"))
        assert len(alone) == 4
        for record in alone:
            name = record["outputs"]["npy"].replace("alone", f"maps/{stem}")
            (same,) = (other for other in records if other["outputs"]["npy"] == name)
            assert same["logit"] == record["logit"]
            ours, theirs = (
                numpy.load(tmp_path / name),
                numpy.load(tmp_path / record["outputs"]["npy"]),
            )
            assert numpy.abs(ours - theirs).max() < 1e-4


def test_names_in_folders(sscam, network, images, files):
    every = ("-o", "--heatmap", "--npy", "--raw", "--weights")
    flags = [item for flag in every for item in (flag, "maps")]
    assert sscam("explain", network.model, *images[:2], *FAST, *flags).returncode == 0
    stems = [os.path.basename(image)[:-4] for image in images[:2]]
    suffixes = (".png", "-heatmap.png", ".npy", "-raw.npy", "-weights.npy")
    wanted = [f"maps/{stem}{suffix}" for stem in stems for suffix in suffixes]
    assert set(files()) - set(images) == set(wanted)
    # One image in a folder that exists, or with a slash; several beside a name.
    assert "maps/scene01-1" not in str(files())
    assert sscam("explain", network.model, images[0], *FAST, "-o", "new/").returncode == 0
    assert f"new/{stems[0]}.png" in files()
    assert sscam("explain", network.model, *images, *FAST, "-o", "over.png").returncode == 0
    assert f"over-{SCENES[2].stem}.png" in files()


def test_a_folder_and_a_list(sscam, network, images, tmp_path):
    (tmp_path / "in/notes.txt").write_text("no image")
    of_folder = sscam("explain", network.model, "in", *FAST)
    lines = of_folder.stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == images
    for text in ("\n".join(images), "\r\n".join([*images, ""]), "in\n"):
        (tmp_path / "list").write_text(text)
        with open(tmp_path / "list", encoding="utf-8") as stream:
            listed = sscam("explain", network.model, "-", *FAST, stdin=stream)
        assert [line.split(": ")[0] for line in listed.stdout.splitlines()] == images
    (tmp_path / "empty").mkdir()
    assert_one_line(sscam("explain", network.model, "empty", *FAST), 1, "empty", "no images")


def test_an_image_that_fails_does_not_end_the_others(sscam, network, images, tmp_path):
    for name in ("bad.png", "worse.png"):
        (tmp_path / name).write_text("no image")
    given = ["bad.png", images[0], "gone.png", images[1], "worse.png"]
    result = sscam("explain", network.model, *given, *FAST, "-o", "maps/")
    assert result.returncode == 1
    assert [line.split(": ")[0] for line in result.stdout.splitlines()] == images[:2]
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == [
        "bad.png",
        "gone.png",
        "worse.png",
    ]
    assert_one_line(sscam("explain", network.model, "gone.png", *FAST), 1, "gone.png")


def test_names_that_collide_or_are_inputs_are_refused(sscam, network, images, tmp_path, files):
    result = sscam("explain", network.model, images[0], *FAST, "-o", "-", "--npy", "-")
    assert_one_line(result, 2, "two outputs", "/dev/stdout")
    (tmp_path / "other").mkdir()
    shutil.copy(SCENES[0], tmp_path / "other")
    twins = (images[0], f"other/{SCENES[0].name}")
    before = files()
    result = sscam("explain", network.model, *twins, *FAST, "-o", "maps/")
    assert_one_line(result, 2, "two outputs", "maps/scene01.png")
    result = sscam("explain", network.model, *images, *FAST, "-o", "in/")
    assert_one_line(result, 2, "over an input")
    assert files() == before


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
def test_the_network_is_loaded_once(network, images, tmp_path):
    """However many images there are, its file is opened as often."""

    def count_opens(*given):
        command = [PROGRAM, "explain", network.model, *given, *FAST, "-q"]
        trace = ["strace", "-f", "-e", "trace=openat", "-o", "trace"]
        subprocess.run([*trace, *command], cwd=tmp_path, check=True)
        return (tmp_path / "trace").read_text().count(os.path.basename(network.model))

    assert count_opens(*images) == count_opens(images[0]) > 0


def test_standard_streams(network, images, tmp_path):
    """A pipe in place of the image, of the network, and of the files."""

    def piped(arguments, data):
        result = subprocess.run(
            [PROGRAM, "explain", *arguments, *FAST],
            input=data,
            capture_output=True,
            cwd=tmp_path,
            check=True,
        )
        assert result.stderr.count(b"\n") == 1 and b"class " in result.stderr
        return result.stdout

    image, model = (tmp_path / images[0]).read_bytes(), pathlib.Path(network.model).read_bytes()
    subprocess.run(
        [PROGRAM, "explain", network.model, images[0], *FAST, "-o", "a.png", "--npy", "a.npy"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    overlay, values = (tmp_path / "a.png").read_bytes(), (tmp_path / "a.npy").read_bytes()
    assert piped([network.model, "-", "-o", "-"], image) == overlay
    assert piped([network.model, "-", "-o", "/dev/stdout"], image) == overlay
    assert piped(["-", images[0], "--npy", "-"], model) == values
    assert numpy.load(io.BytesIO(values)).shape == (224, 224)


def test_output_into_a_named_pipe(network, images, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(
        [PROGRAM, "explain", network.model, images[0], *FAST, "-o", "pipe"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    ) as process:
        with open(tmp_path / "pipe", "rb") as pipe:
            data = pipe.read()
        assert process.wait(60) == 0
    with PIL.Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"


def test_compare_takes_folders(sscam, network, images, tmp_path):
    result = sscam("compare", network.model, "in", *FAST, "-o", "figure.png")
    assert result.returncode == 0, result.stderr
    both = sscam("compare", network.model, *images, *FAST, "-o", "listed.png")
    assert both.returncode == 0
    assert (tmp_path / "figure.png").read_bytes() == (tmp_path / "listed.png").read_bytes()


@pytest.mark.parametrize("command", [["explain"], ["compare", "-o", "figure.png"]])
def test_swapped_operands_are_told(sscam, network, command):
    result = sscam(command[0], network.image, network.model, *command[1:])
    assert_one_line(result, 2, "the model comes first")


def test_one_bar_for_all_images(network, images, tmp_path):
    arguments = ["explain", network.model, *(str(tmp_path / image) for image in images)]
    code, shown = run_on_terminal([*arguments, "-m", "ss-cam-mean"], 120)
    assert code == 0
    percents = [int(number) for number in re.findall(r"(\d+) %  ", shown)]
    assert percents == sorted(percents) and percents[-1] > 66
    assert "\033[K1/3 [" in shown and "\033[K3/3 [" in shown
    assert re.search(r" left, [\d.]+ images/(s|min)  scene", shown)
    assert "\033[3" not in shown, "there are no colours to turn off"
    assert run_on_terminal([*arguments, "-m", "score-cam", "--quiet"], 120) == (0, "")


def test_cancelling_ends_all(network, images, tmp_path):
    begin = time.monotonic()
    code, shown = run_on_terminal(
        ["explain", network.model, *(str(tmp_path / i) for i in images), "--samples", "500"],
        100,
        interrupt=True,
    )
    assert code == 1 and shown.count("cancelled") == 1
    assert time.monotonic() - begin < 120
