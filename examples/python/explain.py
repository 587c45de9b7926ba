"""Where does a network see each object? One scene, its two top classes, two methods.

    python3 examples/python/explain.py [FILE]

writes FILE (explained.png by default): a row for each class, with the scene, Grad-CAM and
SS-CAM side by side. Needs the package sscam and NumPy. The `# %%` marks are cells for editors that
run scripts as notebooks.
"""

# %% The bundled network, its labels, and a scene with several pieces of clothing

import itertools
import sys
from pathlib import Path

import numpy as np

import sscam

DEMO = Path(__file__).resolve().parents[1] / "demo"
labels = (DEMO / "labels.txt").read_text().splitlines()
scene = sscam.read_image(DEMO / "scenes" / "scene11.png")
model = sscam.Model(DEMO / "clothes.pt")

# %% What does it see? The outputs are independent, so that their probabilities are sigmoids

with sscam.Explainer(model) as explainer:
    logits = model.classify(explainer.preprocess(scene))[0]
probabilities = 1 / (1 + np.exp(-logits))
top_classes = logits.argsort()[::-1][:2]
for index in top_classes:
    print(f"{labels[index]}: {probabilities[index]:.3f}")

# %% Where? Grad-CAM takes one pass; SS-CAM scores masked scenes, with less noise than the paper's
# sigma = 4, which tells the two classes better apart

explainers = [
    sscam.Explainer(model, "grad-cam", probability="sigmoid"),
    sscam.Explainer(model, "ss-cam-mean", samples=4, sigma=1, probability="sigmoid"),
]


def show(fraction):
    """Progress in percent, on one line."""
    print(f"\r{100 * fraction:3.0f} %", end="", file=sys.stderr)


maps = sscam.explain_all(explainers, scene, classes=top_classes, progress=show)
print(file=sys.stderr)
for found in itertools.chain.from_iterable(maps):
    print(f"{labels[found.class_index]}: {found}")

# %% One image of all

path = sys.argv[1] if len(sys.argv) > 1 else "explained.png"
rows = [
    np.hstack([scene[:, :, :3], *(found.overlay(scene) for found in by_method)])
    for by_method in zip(*maps)
]
sscam.write_png(path, np.vstack(rows))
print(
    f"wrote {path}: rows {' and '.join(labels[index] for index in top_classes)}; "
    f"columns scene, {', '.join(explainer.method for explainer in explainers)}"
)
