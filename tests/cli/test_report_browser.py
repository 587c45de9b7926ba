"""Reports in headless Chromium: what it draws, and the scripts that sort tables."""

import html
import json
import re
import shutil
import subprocess

import numpy as np
import PIL.Image
import pytest

from conftest import DEMO
from scene_sets import SMALL

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="skipped: no Chromium")

SCENES = DEMO / "scenes"
COLLECT_ERRORS = (
    "<script>window.errors=[];addEventListener('error',e=>errors.push(e.message));</script>"
)


@pytest.fixture
def chromium(tmp_path):
    """Runs Chromium on a page until its scripts are through; standard output and error as text."""

    def run(page, *arguments):
        done = subprocess.run(
            [
                CHROMIUM,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--enable-logging=stderr",
                f"--user-data-dir={tmp_path / 'profile'}",
                "--virtual-time-budget=5000",
                *arguments,
                page.as_uri(),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture
def ask(chromium, tmp_path):
    """Evaluates JavaScript at the end of a report; its value, and the errors of all scripts."""

    def run(text, expression):
        answer = f"<script>document.title=JSON.stringify([{expression},errors]);</script>"
        assert text.count("<head>") == text.count("</body>") == 1
        page = tmp_path / "asked.html"
        page.write_text(
            text.replace("<head>", "<head>" + COLLECT_ERRORS).replace(
                "</body>", answer + "</body>"
            ),
            encoding="utf-8",
        )
        title = re.search(
            r"<title>(.*?)</title>", chromium(page, "--dump-dom").stdout, re.DOTALL
        ).group(1)
        return json.loads(html.unescape(title))

    return run


@pytest.fixture
def report(sscam, network, tmp_path):
    def run(command, *arguments):
        done = sscam(
            command,
            network.model,
            SCENES,
            "--labels",
            network.labels_path,
            "--probability",
            "sigmoid",
            *SMALL,
            "--report",
            "report.html",
            "--json",
            *arguments,
        )
        assert done.returncode == 0, done.stderr
        return (tmp_path / "report.html").read_text(encoding="utf-8"), json.loads(done.stdout)

    return run


def assert_drawn(chromium, page, screenshot):
    """The page without an error of a script, with text and the colours of charts and maps."""
    shown = chromium(page, f"--screenshot={screenshot}", "--window-size=1400,2400")
    assert "CONSOLE" not in shown.stderr, shown.stderr
    with PIL.Image.open(screenshot) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert pixels.shape == (2400, 1400, 3)
    assert (pixels.max(axis=2) < 90).sum() > 2000  # ink
    coloured = np.ptp(pixels, axis=2) > 80
    assert coloured.sum() > 5000
    assert (coloured.any(axis=1)).sum() > 300  # on many lines


def column(metric):
    """Names down the table after clicks on a metric's heading, once and twice."""
    return (
        f"(()=>{{const t=document.querySelector('table'),h=[...t.querySelectorAll('th')]"
        f".find(e=>e.textContent.startsWith({json.dumps(metric)})),"
        "names=()=>{h.click();return [...t.tBodies[0].rows].map(r=>r.cells[0].textContent)};"
        "return [names(),names()]})()"
    )


CHARTS_HOLD_THEIR_PARTS = (
    "[...document.querySelectorAll('svg')].map(e=>{const b=e.getBoundingClientRect();"
    "return [...e.querySelectorAll('circle,polyline,text,rect')].every(p=>{const q="
    "p.getBoundingClientRect();return q.left>=b.left-1&&q.right<=b.right+1&&q.top>=b.top-1"
    "&&q.bottom<=b.bottom+1})})"
)


def ask_charts_and_columns(ask, text, count, titles):
    """Nothing that a chart has is cut off at its edge; column() of each title.

    One start of Chromium, which takes longer than all that it is asked.
    """
    columns = ",".join(column(title) for title in titles)
    (within, sorted_names), errors = ask(text, f"[{CHARTS_HOLD_THEIR_PARTS},[{columns}]]")
    assert errors == [] and len(within) == count and all(within), within
    return sorted_names


def test_errors_of_scripts_are_seen(ask, chromium, tmp_path):
    """Of these tests themselves."""
    broken = (
        "<!DOCTYPE html>\n<html><head><title>x</title></head>"
        "<body><script>nothing.is();</script></body></html>"
    )
    value, errors = ask(broken, "1")
    assert value == 1 and len(errors) == 1 and "nothing" in errors[0]
    page = tmp_path / "broken.html"
    page.write_text(broken)
    assert "CONSOLE" in chromium(page, "--dump-dom").stderr


def test_report_is_drawn_and_sorts(report, ask, chromium, tmp_path):
    text, told = report(
        "eval",
        "-m",
        "grad-cam,cam,grad-cam++,grad-cam-elementwise",
        "--limit",
        "4",
        "--metrics",
        "all",
        "--metric-steps",
        "4",
    )
    assert_drawn(chromium, tmp_path / "report.html", tmp_path / "report.png")
    titles = {"Average Drop": "average_drop", "Energy Pointing": "energy_pointing"}
    found = ask_charts_and_columns(ask, text, 15 + 2, titles)
    for (rising, falling), metric in zip(found, titles.values(), strict=True):
        means = {method["title"]: method[metric]["mean"] for method in told["methods"]}
        assert len(set(means.values())) > 2
        assert [means[name] for name in rising] == sorted(means.values())
        assert [means[name] for name in falling] == sorted(means.values(), reverse=True)


def test_cases_are_sorted_by_the_metric_chosen(report, ask):
    text, _ = report("eval", "-m", "grad-cam,cam", "--limit", "4")
    (values, lists), errors = ask(
        text,
        "(()=>{const m=document.getElementById('by-method'),"
        "k=document.getElementById('by-metric');m.value='1';k.value='2';"
        "k.dispatchEvent(new Event('change'));return [[...document.querySelectorAll('.case')]"
        ".map(e=>+e.getAttribute('data-v1-2')),[...document.querySelectorAll('.worst')]"
        ".filter(e=>e.offsetHeight).map(e=>e.id)]})()",
    )
    assert errors == []
    assert lists == ["worst-1-2"]
    assert len(set(values)) > 4 and values == sorted(
        values
    )  # of energy pointing the lowest are worst
    unsorted = [float(value) for value in re.findall(r'data-v1-2="([^"]+)"', text)]
    assert sorted(unsorted) == sorted(values) and unsorted != values


def test_study_is_drawn_and_sorts(report, ask, chromium, tmp_path):
    text, told = report(
        "study",
        "-m",
        "ss-cam-mean",
        "--sigma",
        "0.5,4",
        "--samples",
        "1,2",
        "--limit",
        "2",
        "--max-channels",
        "8",
    )
    assert_drawn(chromium, tmp_path / "report.html", tmp_path / "study.png")
    charts = 2 * len(told["methods"][0].keys() - {"method", "title"})
    ((rising, _),) = ask_charts_and_columns(ask, text, charts, ["Near Score-CAM"])
    means = {method["title"]: method["near_score_cam"]["mean"] for method in told["methods"]}
    assert rising[-1] == "Score-CAM" and [means[name] for name in rising] == sorted(means.values())
