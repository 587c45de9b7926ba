"""sscam recommend: qualities, Pareto front and choice recomputed from the totals that it prints."""

import json

import pytest

from conftest import DEMO

SCENES = DEMO / "scenes"
DIRECTIONS = {"average_drop": -1, "insertion": 1, "deletion": -1, "class_sensitivity": -1}
COMMON = ["--max-channels", "6", "--calibrate", "off", "--crop", "64", "--resize", "64"]


@pytest.fixture
def recommend(sscam, network):
    def run(*arguments):
        return sscam(
            "recommend",
            network.model,
            SCENES,
            "--labels",
            network.labels_path,
            "--limit",
            "1",
            *COMMON,
            *arguments,
        )

    return run


def ranks(methods, metric, direction):
    """Share of the other rows that each is better than; equal ones count half."""
    means = [method[metric]["mean"] for method in methods]

    def better(own, other):
        if own == pytest.approx(other, rel=1e-5, abs=0):
            return 0.5
        return float((own - other) * direction > 0)

    return [
        sum(better(own, other) for j, other in enumerate(means) if j != i) / (len(means) - 1)
        for i, own in enumerate(means)
    ]


def test_the_choice_follows_from_the_table(recommend):
    done = recommend("--json", "-m", "grad-cam,layer-cam,score-cam,ss-cam-mean", "--samples", "2")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    rows = told["methods"]
    assert rows[0]["base"] == "random-cam" and told["not_tried"] == []
    assert [row["sigma"] for row in rows if row["base"] == "ss-cam-mean"] == [0.25, 1, 4]
    by_metric = [ranks(rows, metric, direction) for metric, direction in DIRECTIONS.items()]
    for i, row in enumerate(rows):
        quality = sum(rank[i] for rank in by_metric) / len(by_metric)
        assert row["quality"] == pytest.approx(quality, abs=1e-6)
        assert row["beats_baseline"] == (i > 0 and quality > rows[0]["quality"])
        assert row["seconds"]["mean"] > 0 and row["peak_memory"]["mean"] > 1
    judged = rows[1:]
    for row in judged:
        own = row["quality"], -row["passes_per_map"]
        dominated = any(
            other["quality"] >= own[0]
            and -other["passes_per_map"] >= own[1]
            and (other["quality"], -other["passes_per_map"]) != own
            for other in judged
        )
        assert row["on_front"] == (not dominated)
    best = max(row["quality"] for row in judged)
    near = [row for row in judged if row["on_front"] and row["quality"] >= best - 0.05]
    cheapest = min(row["passes_per_map"] for row in near)
    assert told["recommended"] in [
        row["method"] for row in near if row["passes_per_map"] == cheapest
    ]


def test_the_budget_leaves_out_what_is_expensive(recommend):
    done = recommend("--json", "--budget", "150", "-m", "grad-cam,score-cam,ss-cam-mean")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [row["base"] for row in told["methods"]] == ["random-cam", "grad-cam"]
    assert "score-cam" in told["not_tried"] and len(told["not_tried"]) == 4
    shown = recommend("--budget", "150", "-m", "grad-cam,score-cam")
    assert "Not tried" in shown.stdout and "-m grad-cam" in shown.stdout


def test_costs_are_those_of_the_options(recommend):
    """2 passes within and beyond each of 3 masks of 2 widths; steps; and 2 for FullGrad."""
    settings = ["samples=3", "kernel_widths=0.2,0.3", "iterations=2"]
    done = recommend(
        "--json",
        "-m",
        "rise,aise,full-grad,opti-cam",
        *(argument for setting in settings for argument in ("--set", setting)),
    )
    assert done.returncode == 0, done.stderr
    rows = {row["base"]: row["passes_per_map"] for row in json.loads(done.stdout)["methods"]}
    del rows["random-cam"]
    assert rows == {"rise": 4, "aise": 13, "full-grad": 2, "opti-cam": 3}


def test_layers_are_rows(recommend, sscam, network):
    listed = json.loads(sscam("layers", network.model, "--input", "3x64x64", "--json").stdout)
    names = [layer["name"] for layer in listed if len(layer["shape"]) == 4][-2:]
    done = recommend("--json", "-m", "grad-cam", "-l", ",".join(names))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {row["layer"] for row in told["methods"]} == set(names)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--budget", "0"], "a whole number from 1 on"),
        (["--budget", "30"], "is too small"),
        (["-m", "all"], "names of methods"),
        (["--shard", "1/2"], "--shard is for 'sscam eval'"),
    ],
)
def test_unusable_arguments_are_refused(recommend, arguments, message):
    done = recommend(*arguments)
    assert done.returncode == 2 and message in done.stderr
