"""Preprocessing of an image file by PIL and torchvision, with the library's option names."""

import numpy as np
from PIL import Image
from torchvision import transforms
from torchvision.transforms.functional import InterpolationMode

DEFAULTS = {
    "resize": "256",
    "crop": "224",
    "interpolation": "bilinear",
    "channel_order": "rgb",
    "mean": "0.485,0.456,0.406",
    "std": "0.229,0.224,0.225",
}


def size(text):
    """torchvision's form of "N" or "HxW"."""
    sides = [int(side) for side in text.split("x")]
    return sides if len(sides) == 2 else sides[0]


def numbers(text, channels):
    values = [float(value) for value in text.split(",")]
    return values * channels if len(values) == 1 else values


def geometry_steps(options):
    steps = []
    if options["resize"] != "off":
        mode = InterpolationMode(options["interpolation"])
        steps.append(transforms.Resize(size(options["resize"]), mode))
    if options["crop"] != "off":
        steps.append(transforms.CenterCrop(size(options["crop"])))
    return steps


def network_input(path, **chosen):
    """The float32 array [C,H,W] that torchvision's transforms make of an image."""
    options = {**DEFAULTS, **chosen}
    order = options["channel_order"]
    image = Image.open(path).convert({"gray": "L", "rgba": "RGBA"}.get(order, "RGB"))
    steps = [*geometry_steps(options), transforms.ToTensor()]
    tensor = transforms.Compose(steps)(image)
    if order == "bgr":
        tensor = tensor.flip(0)
    mean, std = (numbers(options[name], len(tensor)) for name in ("mean", "std"))
    return transforms.Normalize(mean, std)(tensor).numpy()


def pixels(path, channels):
    """The uint8 array [H,W,channels] that PIL decodes."""
    image = Image.open(path)
    converted = image.convert({1: "L", 3: "RGB", 4: "RGBA"}[channels])
    return np.asarray(converted).reshape(image.height, image.width, channels)
