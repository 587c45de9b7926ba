"""ROAD, ARCC, infidelity, max-sensitivity, insertion from zeros, thresholded maps and passes, on
the bundled scenes, against float64 NumPy: written from docs/methods.md."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import metric_formulas as metrics
from cams import probabilities
from philox import noise, philox4x32
from preprocess_oracle import network_input

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo"
SIDE = 40
FLAGS = ["--resize", str(SIDE), "--crop", str(SIDE), "-m", "grad-cam,random-cam"]
SHARES = np.arange(1, 10)


@pytest.fixture(scope="module")
def network():
    return torch.jit.load(str(DEMO / "clothes.pt")).eval()


def probability(network, inputs, class_index):
    with torch.no_grad():
        logits = network(torch.from_numpy(np.float32(inputs))).double().numpy()
    return probabilities(logits, "softmax")[:, class_index]


def rows_of(program, folder, *flags):
    done = program.run(
        "eval",
        DEMO / "clothes.pt",
        DEMO / "scenes",
        "--labels",
        DEMO / "labels.txt",
        "--limit",
        1,
        *FLAGS,
        "--csv",
        folder / "values.csv",
        *flags,
    )
    assert done.returncode == 0, done.stderr
    with open(folder / "values.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def explained(program, folder, scene, method, class_index):
    """The network's input, by its average of the colours' noise, and the map."""
    done = program.run(
        "explain",
        DEMO / "clothes.pt",
        DEMO / "scenes" / scene,
        "--resize",
        SIDE,
        "--crop",
        SIDE,
        "-m",
        method,
        "-c",
        class_index,
        "--npy",
        folder / "map.npy",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    return np.load(json.loads(done.stdout)["outputs"]["npy"])


def preprocessed(scene):
    path = DEMO / "scenes" / scene
    return np.float64(network_input(path, resize=str(SIDE), crop=str(SIDE)))


def imputed(image, removed):
    """The weighted mean of the up to eight neighbours, by a dense system of equations."""
    indices = np.flatnonzero(removed)
    number = np.full(removed.size, -1)
    number[indices] = np.arange(len(indices))
    matrix, right = np.zeros((len(indices),) * 2), np.zeros((len(indices), len(image)))
    for i, pixel in enumerate(indices):
        y, x = divmod(pixel, SIDE)
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                if (dy, dx) == (0, 0) or not (0 <= y + dy < SIDE and 0 <= x + dx < SIDE):
                    continue
                weight, near = 1 / 6 if dy == 0 or dx == 0 else 1 / 12, (y + dy) * SIDE + x + dx
                matrix[i, i] += weight
                if number[near] >= 0:
                    matrix[i, number[near]] -= weight
                else:
                    right[i] += weight * image.reshape(len(image), -1)[:, near]
    result = image.reshape(len(image), -1).copy()
    result[:, indices] = np.linalg.solve(matrix, right).T
    return result.reshape(image.shape)


def road_scores(network, image, heat, class_index):
    """[2, 9]: without the least salient, and without the most salient pixels."""
    order, inputs = metrics.order(heat), []
    for kind in range(2):
        for share in SHARES:
            count = share * heat.size // 10
            removed = np.zeros(heat.size, bool)
            removed[order[heat.size - count :] if kind == 0 else order[:count]] = True
            altered = imputed(image, removed)
            plane = kind * 9 + share
            values = noise(0, int(plane), 0, 0, image.size).reshape(image.shape)
            inputs.append(altered + 0.01 * values * removed.reshape(heat.shape))
    return probability(network, np.stack(inputs), class_index).reshape(2, 9)


def test_road_and_arcc(program, network, tmp_path):
    for row in rows_of(program, tmp_path, "--metrics", "road,arcc,coherency,complexity"):
        image = preprocessed(row["image"])
        heat = explained(program, tmp_path, row["image"], row["method"], row["class"])
        scores = road_scores(network, image, heat, int(row["class"]))
        difference = scores[0] - scores[1]
        assert abs(float(row["road"]) - 50 * difference.mean()) < 0.05
        coherency, complexity = float(row["coherency"]), float(row["complexity"])
        twice = np.clip(100 * difference[1::2].mean(), 0, 100)
        parts = np.array([coherency, 100 - complexity, twice])
        wanted = 0 if (parts <= 0).any() else 3 / (1 / parts).sum()
        assert abs(float(row["arcc"]) - wanted) < 0.5


def uniform(channel, count):
    words = np.stack(philox4x32((np.arange(-(-count // 4)), channel, 0, 0), (0, 0))).T.ravel()
    return (words[:count].astype(np.float64) + 0.5) * 2.0**-31 - 1


def test_infidelity_and_sensitivity(program, network, tmp_path):
    """Yeh et al. 2019, definitions 2.1 and 3.1, with the numbers that docs/methods.md gives."""
    for row in rows_of(program, tmp_path, "--metrics", "infidelity,max_sensitivity,passes"):
        image, class_index = preprocessed(row["image"]), int(row["class"])
        heat = np.float64(explained(program, tmp_path, row["image"], row["method"], class_index))
        perturbations = [
            0.2 * noise(0, 100 + i, 0, 0, image.size).reshape(image.shape) for i in range(50)
        ]
        predicted = np.array([(p * heat).sum() for p in perturbations])
        whole = probability(network, image[None], class_index)
        found = whole - probability(network, image - np.stack(perturbations), class_index)
        factor = predicted @ found / (predicted @ predicted)
        wanted = ((factor * predicted - found) ** 2).mean()
        assert abs(float(row["infidelity"]) - wanted) <= 2e-3 * wanted + 1e-8

        inputs = np.float32(
            [image + 0.02 * uniform(200 + i, image.size).reshape(image.shape) for i in range(10)]
        )
        distances = []
        for i, neighbour in enumerate(inputs):
            np.save(tmp_path / f"near{i}.npy", neighbour[None])
            done = program.run(
                "explain",
                DEMO / "clothes.pt",
                "--tensor",
                tmp_path / f"near{i}.npy",
                "-m",
                row["method"],
                "-c",
                class_index,
                "--npy",
                tmp_path / "near-map.npy",
            )
            assert done.returncode == 0, done.stderr
            near = np.load(tmp_path / "near-map.npy")
            distances.append(np.linalg.norm(near - heat) / np.linalg.norm(heat))
        assert abs(float(row["max_sensitivity"]) - max(distances)) < 2e-3
        assert float(row["passes"]) <= 1


def test_insertion_from_zeros_and_thresholded_maps(program, network, tmp_path):
    flags = ["--metrics", "insertion,complexity,average_drop", "--metric-steps", 8]
    more = ["--metric-insertion", "zeros", "--metric-threshold", "0.4"]
    for row in rows_of(program, tmp_path, *flags, *more):
        image, class_index = preprocessed(row["image"]), int(row["class"])
        heat = explained(program, tmp_path, row["image"], row["method"], class_index)
        heat = np.where(heat < 0.4 * heat.max(), 0, heat)
        area = metrics.area(
            *metrics.curve(
                lambda inputs, c: probability(network, inputs, c),
                np.zeros_like(image),
                image,
                heat,
                class_index,
                8,
            )
        )
        assert abs(float(row["insertion"]) - area) < 2e-3
        assert abs(float(row["complexity"]) - metrics.complexity(heat)) < 1e-3
        whole, masked = probability(network, np.stack([image, image * heat]), class_index)
        assert abs(float(row["average_drop"]) - metrics.average_drop(whole, masked)) < 0.05
