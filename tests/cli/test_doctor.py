"""sscam doctor: what a report of a fault needs."""

import json
import os
import re

import pytest

from conftest import assert_one_line


def lines_of(result):
    return dict(line.split(": ", 1) for line in re.sub(r": +", ": ", result.stdout).splitlines())


def test_what_it_tells_without_a_network(sscam):
    result = sscam("doctor")
    assert result.returncode == 0 and result.stderr == ""
    lines = lines_of(result)
    version = sscam("--version").stdout.splitlines()
    assert lines["sscam"] == version[0].split()[1]
    assert {"libtorch", "CUDA", "system", "threads", "GPUs", "device cuda"} <= set(lines)
    assert lines["system"].startswith(os.uname().sysname)
    allowed = len(os.sched_getaffinity(0))
    assert lines["threads"].startswith(f"{allowed} of ")
    assert "network" not in lines


def test_what_it_tells_of_a_network(sscam, network):
    result = sscam("doctor", network.model)
    assert result.returncode == 0 and result.stderr == ""
    lines = lines_of(result)
    assert lines["bytes"] == str(os.path.getsize(network.model))
    assert lines["loads"].endswith("on cpu") and lines["runs"].startswith("yes")
    assert lines["classes"] == str(len(network.labels))
    layers = json.loads(sscam("layers", network.model, "--json").stdout)
    (default,) = (layer for layer in layers if layer["default"])
    shape = "x".join(map(str, default["shape"]))
    assert lines["default layer"] == f"{default['name']}, {default['kind']}, {shape}"
    assert lines["layers"] == str(len(layers))
    of_json = json.loads(sscam("doctor", network.model, "--json").stdout)
    assert list(of_json) == list(lines)


def test_environment_is_told_on_one_line(sscam):
    result = sscam("doctor", env=os.environ | {"OMP_NUM_THREADS": "3\n\x1b[31mx"})
    assert "OMP_NUM_THREADS=3  [31mx" in lines_of(result)["environment"]


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_what_does_not_load_ends_with_1(sscam, network, flags):
    result = sscam("doctor", network.image, *flags)
    assert result.returncode == 1 and result.stderr == ""
    assert "loads" in result.stdout and "no: " in result.stdout


def test_an_input_that_the_network_refuses(sscam, network):
    lines = lines_of(sscam("doctor", network.model, "--input", "5x64x64"))
    assert lines["loads"].startswith("yes") and lines["runs"].startswith("no: ")
    assert "classes" not in lines
    assert_one_line(sscam("doctor", network.model, "--input", "5"), 2, "--input", "'5'")
