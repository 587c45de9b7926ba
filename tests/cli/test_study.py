"""sscam study: its correlations recomputed with NumPy from the maps of sscam explain, its totals
from its cases."""

import csv
import itertools
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from conftest import DEMO, PROGRAM, ROOT, assert_one_line

sys.path.insert(0, str(ROOT / "tests" / "oracles"))
import metric_formulas as oracle

SCENES = DEMO / "scenes"
COMMON = ["--probability", "sigmoid", "--max-channels", "6", "--calibrate", "off"]
STUDIED = [
    "average_drop",
    "average_increase",
    "energy_pointing",
    "class_sensitivity",
    "near_score_cam",
    "near_grad_cam",
]


@pytest.fixture
def study(sscam, network, tmp_path):
    """Runs study on the bundled scenes; the result has `rows` and `told`."""

    def run(*arguments, limit=2):
        table = tmp_path / "values.csv"
        table.unlink(missing_ok=True)
        done = sscam(
            "study",
            network.model,
            SCENES,
            "--labels",
            network.labels_path,
            *COMMON,
            "--limit",
            limit,
            "--csv",
            table,
            "--json",
            *arguments,
        )
        if done.returncode == 0:
            with open(table, newline="", encoding="utf-8") as file:
                done.rows = list(csv.DictReader(file))
            done.told = json.loads(done.stdout)
        return done

    return run


def explained(sscam, network, tmp_path, scene, class_index, method, **options):
    """A map as `sscam explain` writes it."""
    flags = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    done = sscam(
        "explain",
        network.model,
        SCENES / scene,
        "-m",
        method,
        "-c",
        class_index,
        *COMMON,
        *flags,
        "--npy",
        "map.npy",
    )
    assert done.returncode == 0, done.stderr
    return np.load(tmp_path / "map.npy").astype(float)


def test_map_similarity_is_the_correlation_of_the_maps(study, sscam, network, tmp_path):
    sigmas, samples, methods = (0, 0.5, 3), (1, 3), ("ss-cam-mean", "ss-cam-max")
    done = study("--sigma", "3,0,0.5,3.0", "--samples", "3,1", "-m", ",".join(methods), limit=1)
    assert done.returncode == 0 and done.stderr == ""
    settings = list(itertools.product(methods, sigmas, samples))
    names = ["grad-cam", "score-cam"] + [
        f"{method} sigma={sigma} samples={count}" for method, sigma, count in settings
    ]
    assert [row["method"] for row in done.rows[: len(names)]] == names and len(done.rows) % len(
        names
    ) == 0
    assert len(done.rows) > len(names)  # several classes
    for first in range(0, len(done.rows), len(names)):
        rows = done.rows[first : first + len(names)]
        case = rows[0]["image"], rows[0]["class"]
        assert {(row["image"], row["class"]) for row in rows} == {case}
        grad_cam, score_cam = (
            explained(sscam, network, tmp_path, *case, method)
            for method in ("grad-cam", "score-cam")
        )
        maps = [grad_cam, score_cam] + [
            explained(sscam, network, tmp_path, *case, method, sigma=sigma, samples=count)
            for method, sigma, count in settings
        ]
        for row, heat in zip(rows, maps):
            assert float(row["near_score_cam"]) == pytest.approx(
                np.corrcoef(heat.ravel(), score_cam.ravel())[0, 1], abs=1e-4
            )
            assert float(row["near_grad_cam"]) == pytest.approx(
                np.corrcoef(heat.ravel(), grad_cam.ravel())[0, 1], abs=1e-4
            )
        near = {row["method"]: float(row["near_score_cam"]) for row in rows}
        assert near["score-cam"] == near["ss-cam-max sigma=0 samples=3"] == 1
        assert near["ss-cam-mean sigma=3 samples=1"] < 0.999


def test_metrics_are_those_of_eval(study, sscam, network, tmp_path):
    """A setting is evaluated as eval evaluates a method with those options."""
    done = study("--sigma", "2", "--samples", "1,2", "-m", "ss-cam-mean")
    sscam(
        "eval",
        network.model,
        SCENES,
        "--labels",
        network.labels_path,
        *COMMON,
        "--limit",
        "2",
        "-m",
        "grad-cam,ss-cam-mean",
        "--sigma",
        "2",
        "--samples",
        "2",
        "--metrics",
        ",".join(STUDIED[:4]),
        "--csv",
        "e.csv",
    )
    with open(tmp_path / "e.csv", newline="", encoding="utf-8") as file:
        evaluated = list(csv.DictReader(file))
    names = {"grad-cam": "grad-cam", "ss-cam-mean sigma=2 samples=2": "ss-cam-mean"}
    kept = [row for row in done.rows if row["method"] in names]
    assert len(kept) == len(evaluated) > 4
    for row, other in zip(kept, evaluated):
        assert names[row["method"]] == other["method"] and row["class"] == other["class"]
        for metric in STUDIED[:4]:
            assert float(row[metric]) == pytest.approx(float(other[metric]), rel=1e-3, abs=1e-3)


def test_totals_are_means_with_bootstrap_intervals(study):
    done = study("--sigma", "0.5,1", "--samples", "2")
    assert [method["method"] for method in done.told["methods"]] == [
        row["method"] for row in done.rows[:6]
    ]
    for method in done.told["methods"]:
        rows = [row for row in done.rows if row["method"] == method["method"]]
        assert len(rows) == sum(
            len(ElementTree.parse(path).getroot().findall("object"))
            for path in sorted(SCENES.glob("*.xml"))[:2]
        )
        for metric in STUDIED:
            values = [float(row[metric]) for row in rows]
            mean, lower, upper = oracle.interval(values)
            total = method[metric]
            assert total["count"] == len(values) and total["undefined"] == 0
            assert total["mean"] == pytest.approx(mean, rel=1e-8, abs=1e-9)
            assert (total["lower"], total["upper"]) == pytest.approx(
                (lower, upper), rel=1e-8, abs=1e-9
            )
    assert [
        (each["base"], each["sigma"], each["samples"]) for each in done.told["methods"][2:]
    ] == [(method, sigma, 2) for method in ("ss-cam-mean", "ss-cam-max") for sigma in (0.5, 1)]
    assert not {"base", "sigma", "samples"} & (
        done.told["methods"][0].keys() | done.told["methods"][1].keys()
    )


def test_constant_maps_have_no_map_similarity(study):
    """A layer of one place gives constant maps."""
    done = study("-l", "pool", "--sigma", "1", "--samples", "1", "--metrics", "pointing", limit=1)
    assert {row["near_score_cam"] + row["near_grad_cam"] for row in done.rows} == {"nannan"}
    assert done.told["methods"][0]["near_grad_cam"]["mean"] is None


def test_parts_and_journals_are_those_of_eval(study, sscam, tmp_path):
    arguments = ["--sigma", "1,2", "--samples", "1"]
    whole = study(*arguments, "--resume", "journal", limit=4)
    table = (tmp_path / "values.csv").read_bytes()
    parts = []
    for part in "12":
        study(*arguments, "--shard", f"{part}/2", limit=4)
        parts.append((tmp_path / "values.csv").rename(tmp_path / f"part{part}.csv"))
    merged = sscam("merge", *parts, "--csv", "merged.csv", "--json")
    assert merged.returncode == 0, merged.stderr
    assert (tmp_path / "merged.csv").read_bytes() == table
    for method, other in zip(json.loads(merged.stdout)["methods"], whole.told["methods"]):
        assert all(method[metric] == other[metric] for metric in STUDIED)
    journal = (tmp_path / "journal").read_bytes()
    assert study(*arguments, "--resume", "journal", limit=4).rows == whole.rows
    assert (tmp_path / "journal").read_bytes() == journal
    other = study("--sigma", "1,3", "--samples", "1", "--resume", "journal", limit=4)
    assert other.returncode == 1 and "differ" in other.stderr


def test_report_has_a_line_for_each_value_of_the_other_axis(study, tmp_path):
    study("--sigma", "0,1,2", "--samples", "1,2", "--report", "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count("<svg") == len(STUDIED) * 2 * 2
    lines = re.findall(r'<polyline [^>]*points="([^"]*)"', text)
    assert len(lines) == len(STUDIED) * 2 * (2 + 3)
    assert {len(line.split()) for line in lines} == {2, 3}
    study("--sigma", "1", "--samples", "1", "--report", "report.html", limit=1)
    assert "<svg" not in (tmp_path / "report.html").read_text(
        encoding="utf-8"
    )  # one point is no line


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["-m", "score-cam"], ["'score-cam'", "ss-cam-mean"]),
        (["-m", "all"], ["'all'"]),
        (["--sigma", "1,x"], ["--sigma", "'x'"]),
        (["--sigma", "nan"], ["--sigma", "'nan'"]),
        (["--sigma", "-1"], ["sigma", "-1"]),
        (["--samples", "0"], ["samples", "0"]),
        (["--samples", "2.5"], ["samples", "2.5"]),
        (["--set", "sigma=3"], ["--set sigma"]),
        (["--set", "samples=3"], ["--set samples"]),
        (["-l", "a,b"], ["one layer"]),
        (["--metrics", "drop"], ['"drop"']),
    ],
)
def test_usage_errors(sscam, network, arguments, words):
    done = sscam("study", network.model, SCENES, *arguments)
    assert_one_line(done, 2, *words)


def test_help_names_both_axes():
    text = subprocess.run(
        [PROGRAM, "help", "study"], capture_output=True, text=True, check=True
    ).stdout
    assert "--sigma S[,...]" in text and "--samples N[,...]" in text and "--resume" in text
    assert max(map(len, text.splitlines())) <= 100
