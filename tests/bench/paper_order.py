"""Searches for a reading of the SS-CAM paper under which the order of its tables holds.

usage: paper_order.py MODEL IMAGES ANNOTATIONS CLASSES [--minutes 10] [--channels 32]

The readings are noise of an absolute scale and of the mask's range, sigma from 0.05 to 4, each
preset, and maps cut at a share of their maximum. Each image is explained by all rows in one call,
and evaluated with each cut. Images are taken until the time is over, so that it runs on one core;
the channels with the most structure are scored (`max_channels`), and all share a sample's noise
(`noise=common`). Prints for each cut and row the means over the images, the differences from
Score-CAM's with their 95 % bootstrap intervals, and whether the paper's order holds: a lower
average drop, a higher average increase, more energy in the boxes; ? where the interval has 0.
"""

import argparse
import pathlib
import time
import xml.etree.ElementTree

import numpy as np

import sscam

CUTS = (0.0, 0.15, 0.5)
SIGMAS = (0.05, 0.25, 1.0, 4.0)
METRICS = {"average_drop": -1, "average_increase": 1, "energy_pointing": 1}
REFERENCE = "score-cam"


def rows(samples):
    """{row: (method, options)}; presets first, since later options win."""
    common = {"samples": samples, "noise": "common"}
    found = {"grad-cam": ("grad-cam", {}), "grad-cam++": ("grad-cam++", {})}
    found[REFERENCE] = ("score-cam", {})
    for scale in ("absolute", "range"):
        for sigma in SIGMAS:
            name = f"ss-cam-mean {scale} sigma={sigma:g}"
            found[name] = (
                "ss-cam-mean",
                {**common, "noise_scale": scale, "sigma": sigma},
            )
    for preset in ("authors-code", "torch-cam", "pytorch-grad-cam"):
        for method in ("score-cam", "ss-cam-mean"):
            options = {"samples": samples} if method == "ss-cam-mean" else {}
            found[f"{method} {preset}"] = (method, {"preset": preset, **options})
    found["ss-cam-max algorithm-1"] = (
        "ss-cam-max",
        {"preset": "algorithm-1", "samples": samples},
    )
    return found


def boxes_of(path, class_of):
    """(class, boxes) of the first object's class."""
    found = []
    for item in xml.etree.ElementTree.parse(path).iter("object"):
        edges = [
            float(item.findtext(f"bndbox/{name}")) for name in ("xmin", "ymin", "xmax", "ymax")
        ]
        edges[0] -= 1
        edges[1] -= 1
        found.append((class_of[item.findtext("name")], edges))
    return found[0][0], [edges for number, edges in found if number == found[0][0]]


def explainer(model, method, options, channels):
    made = sscam.Explainer(model, method)
    for name, value in options.items():
        made.options[name] = value
    if method.startswith(("score", "ss-cam")):
        made.options["max_channels"] = channels
    return made


def judges(model, count, cut):
    """Of given maps an evaluation takes from its explainers nothing but the metrics' options."""
    metrics = ",".join(METRICS)
    return [
        sscam.Explainer(model, "grad-cam", metrics=metrics, metric_threshold=cut)
        for _ in range(count)
    ]


def interval(differences, count=2000):
    generator = np.random.default_rng(0)
    means = generator.choice(differences, (count, len(differences))).mean(1)
    return np.percentile(means, (2.5, 97.5))


def report(cut, names, values):
    """values: [images, rows, metrics]."""
    print(f"\nmaps cut at {cut:g} of their maximum, {len(values)} images")
    reference = values[:, names.index(REFERENCE)]
    for row, name in enumerate(names):
        cells = []
        for column, direction in enumerate(METRICS.values()):
            mean = np.nanmean(values[:, row, column])
            difference = values[:, row, column] - reference[:, column]
            difference = difference[~np.isnan(difference)]
            if not name.startswith("ss-cam") or not len(difference):
                cells.append(f"{mean:6.1f}{'':29}")
                continue
            low, high = interval(difference)
            better = difference.mean() * direction > 0
            sure = low > 0 or high < 0
            word = ("holds" if better else "fails") + ("" if sure else "?")
            cells.append(
                f"{mean:6.1f} ({difference.mean():+6.1f} [{low:+6.1f},{high:+6.1f}] {word:6})"
            )
        print(f"{name:32}", *cells)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("images", type=pathlib.Path)
    parser.add_argument("annotations", type=pathlib.Path)
    parser.add_argument("classes", type=pathlib.Path, help="table: index, WordNet identifier, name")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--samples", type=int, default=1)
    parser.add_argument("--every", type=int, default=1)
    arguments = parser.parse_args()
    lines = arguments.classes.read_text().splitlines()[1:]
    class_of = {line.split("\t")[1]: int(line.split("\t")[0]) for line in lines}
    table = rows(arguments.samples)
    names = list(table)
    model = sscam.Model(arguments.model)
    made = [explainer(model, *table[name], arguments.channels) for name in names]
    judged = {cut: judges(model, len(names), cut) for cut in CUTS}
    values = {cut: [] for cut in CUTS}
    end = time.monotonic() + 60 * arguments.minutes
    for path in sorted(arguments.images.iterdir())[:: arguments.every]:
        number, boxes = boxes_of(arguments.annotations / f"{path.stem}.xml", class_of)
        maps = sscam.explain_all(made, path, classes=[number])
        for cut in CUTS:
            evaluation = sscam.Evaluation(judged[cut])
            (case,) = evaluation.add(path, classes=[number], boxes=boxes, maps=maps)
            values[cut].append(
                [
                    [evaluation.value(row, case, metric) for metric in METRICS]
                    for row in range(len(names))
                ]
            )
        print(f"image {len(values[0.0])}: {path.name}", flush=True)
        if time.monotonic() > end:
            break
    for cut in CUTS:
        report(cut, names, np.array(values[cut], float))


if __name__ == "__main__":
    main()
