#!/usr/bin/env python3
"""Train the small detector of the demo: boxes of clothing, on the features of the classifier.

    python3 examples/demo/train_detector.py [--output FILE.pt]

The features of clothes.pt are kept as they are; what is trained are two branches of convolutions,
for the sides of boxes and for classes, on the twelve images of scenes/ and their annotations,
shifted and mirrored. That takes a minute on two cores. The detector knows these images alone: it is
there to be explained, and for tests, not to find clothing elsewhere.

Its output is that of YOLOv8: [N, 4 + classes, boxes], centre, width and height of boxes in pixels
of the input, and a score in [0,1] for each class. Needs PyTorch 1.13 or later, NumPy and Pillow.
"""

import argparse
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

HERE = Path(__file__).resolve().parent
LABELS = (HERE / "labels.txt").read_text().splitlines()
CROP, CELLS = 224, 28
STRIDE = CROP // CELLS
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SHIFTS = (-24, -8, 8, 24)
STEPS, BATCH, RATE = 400, 16, 3e-3


class Branches(nn.Module):
    """Sides of boxes and logits of classes for each cell of the features."""

    def __init__(self, classes: int):
        super().__init__()
        self.sides = nn.Sequential(nn.Conv2d(64, 32, 3, 1, 1), nn.ReLU(), nn.Conv2d(32, 4, 1))
        self.scores = nn.Sequential(
            nn.Conv2d(64, 32, 3, 1, 1), nn.ReLU(), nn.Conv2d(32, classes, 1)
        )
        nn.init.constant_(self.scores[2].bias, -4.0)

    def forward(self, x):
        """Distances from the cell's centre to the four edges, in pixels, and logits."""
        return (self.sides(x) + 3.5).exp(), self.scores(x)


class Detector(nn.Module):
    """[N, 4 + classes, boxes], one box a cell."""

    def __init__(self, features, branches, stride: int):
        super().__init__()
        self.features, self.branches, self.stride = features, branches, stride

    def forward(self, x):
        features = self.features(x)
        distances, logits = self.branches(features)
        height, width = features.shape[2], features.shape[3]
        x_ = (torch.arange(width, device=x.device) + 0.5) * self.stride
        y = (torch.arange(height, device=x.device) + 0.5) * self.stride
        left, top = x_.view(1, 1, width) - distances[:, 0], y.view(1, height, 1) - distances[:, 1]
        right, bottom = (
            x_.view(1, 1, width) + distances[:, 2],
            y.view(1, height, 1) + distances[:, 3],
        )
        boxes = torch.stack([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top], 1)
        return torch.cat([boxes.flatten(2), logits.sigmoid().flatten(2)], 1)


def read_scene(path):
    """Pixels float32 [3,H,W] and [(class, box)]; boxes by their edges, from 0."""
    pixels = np.asarray(Image.open(path.with_suffix(".png")).convert("RGB"), np.float32) / 255
    normal = (pixels - np.float32(MEAN)) / np.float32(DEVIATION)
    items = []
    for node in ElementTree.parse(path).getroot().iter("object"):
        box = [int(node.find(f"bndbox/{side}").text) for side in ("xmin", "ymin", "xmax", "ymax")]
        items.append(
            (LABELS.index(node.find("name").text), (box[0] - 1, box[1] - 1, box[2], box[3]))
        )
    return torch.from_numpy(normal).permute(2, 0, 1), items


def views(pixels, items):
    """Crops of 224 x 224 around the middle, each also mirrored."""
    height, width = pixels.shape[1:]
    for dx in SHIFTS + (0,):
        for dy in (-8, 0, 8):
            left, top = (width - CROP) // 2 + dx, (height - CROP) // 2 + dy
            crop = pixels[:, top : top + CROP, left : left + CROP]
            moved = [(c, (b[0] - left, b[1] - top, b[2] - left, b[3] - top)) for c, b in items]
            yield crop, moved
            yield crop.flip(2), [(c, (CROP - b[2], b[1], CROP - b[0], b[3])) for c, b in moved]


def targets(items):
    """Which cells belong to which class [classes,28,28], and the edges of boxes [4,28,28]: the
    cells in the middle half of a box, those of the smaller box first."""
    scores = torch.zeros(len(LABELS), CELLS, CELLS)
    edges = torch.zeros(4, CELLS, CELLS)
    centres = (torch.arange(CELLS) + 0.5) * STRIDE
    by_size = sorted(items, key=lambda i: -(i[1][2] - i[1][0]) * (i[1][3] - i[1][1]))
    for class_index, (left, top, right, bottom) in by_size:
        inset_x, inset_y = (right - left) / 4, (bottom - top) / 4
        columns = (centres > left + inset_x) & (centres < right - inset_x)
        rows = (centres > top + inset_y) & (centres < bottom - inset_y)
        inside = rows[:, None] & columns[None, :]
        scores[:, inside] = 0
        scores[class_index][inside] = 1
        for side, value in enumerate((left, top, right, bottom)):
            edges[side][inside] = value
    return scores, edges


def examples(features):
    """Features and targets of all views."""
    inputs, scores, edges = [], [], []
    for path in sorted((HERE / "scenes").glob("*.xml")):
        for crop, items in views(*read_scene(path)):
            own_scores, own_edges = targets(items)
            inputs.append(crop)
            scores.append(own_scores)
            edges.append(own_edges)
    with torch.no_grad():
        found = [features(torch.stack(inputs[i : i + 16])) for i in range(0, len(inputs), 16)]
    return torch.cat(found), torch.stack(scores), torch.stack(edges)


def loss_of(branches, features, scores, edges):
    """Focal loss of the scores, and 1 - IoU of the boxes of cells that have one."""
    distances, logits = branches(features)
    probability = logits.sigmoid()
    error = (probability - scores).abs() ** 2
    entropy = nn.functional.binary_cross_entropy_with_logits(logits, scores, reduction="none")
    has_box = scores.amax(1)
    count = has_box.sum().clamp(min=1)
    centres = (torch.arange(CELLS) + 0.5) * STRIDE
    x, y = centres.view(1, 1, CELLS), centres.view(1, CELLS, 1)
    wanted = torch.stack([x - edges[:, 0], y - edges[:, 1], edges[:, 2] - x, edges[:, 3] - y], 1)
    wanted = wanted.clamp(min=0.1)
    least = torch.minimum(distances, wanted)
    common = (least[:, 0] + least[:, 2]) * (least[:, 1] + least[:, 3])
    areas = [(d[:, 0] + d[:, 2]) * (d[:, 1] + d[:, 3]) for d in (distances, wanted)]
    overlap = common / (areas[0] + areas[1] - common)
    return (error * entropy).sum() / count + ((1 - overlap) * has_box).sum() / count


def train(features, seed):
    torch.manual_seed(seed)
    given = examples(features)
    branches = Branches(len(LABELS))
    optimiser = torch.optim.Adam(branches.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for step in range(STEPS):
        chosen = torch.randint(len(given[0]), (BATCH,))
        loss = loss_of(branches, *(part[chosen] for part in given))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 100 == 0 or step == STEPS - 1:
            print(f"step {step}: loss {loss.item():.3f}", flush=True)
    return branches.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=HERE / "clothes_detector.pt")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    started = time.monotonic()
    classifier = torch.jit.load(str(HERE / "clothes.pt")).eval()
    branches = train(classifier.features, options.seed)
    detector = Detector(classifier.features, branches, STRIDE).eval()
    torch.jit.script(detector).save(str(options.output))
    size = options.output.stat().st_size / 1e6
    print(f"{options.output}: {size:.2f} MB, in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
