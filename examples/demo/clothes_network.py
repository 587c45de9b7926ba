"""The demo's classifier, and how it learns from scenes whole and masked."""

import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from scene_composer import CROP_SIDE, LABELS, OUTLINE_CELLS, compose_scene

# What torchvision's pretrained classifiers take, so that defaults fit.
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)

BATCH = 64
CLOSE_UP_CELLS = 16
PEAK_RATE = 6e-3
CELL_SHARE = 4.0
QUIET_SHARE = 0.2


def _block(inputs, outputs, size=3, stride=1, dilation=1):
    return [
        nn.Conv2d(inputs, outputs, size, stride, dilation * (size // 2), dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


class ClothesNet(nn.Module):
    """A small all-convolutional classifier: one logit a class, several may be true.

    The last feature map is 28 x 28, so heat maps are sharp, and each of its
    cells sees 103 x 103 pixels, about one item: heat lies on what was seen.
    Global average pooling and one linear layer follow, as CAM requires.  The
    wide first stride keeps hundreds of passes cheap.
    """

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            *_block(3, 24, size=7, stride=4),
            *_block(24, 32),
            *_block(32, 64, stride=2),
            *_block(64, 64),
            *_block(64, 64, dilation=2),
            *_block(64, 64, dilation=2),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(64, len(LABELS))

    def forward(self, x):
        x = self.features(x)
        x = self.pool(x)
        return self.classifier(torch.flatten(x, 1))


def normalised(pixels, exposure=1.0):
    """uint8 (n, h, w, 3) to the network's float input (n, 3, h, w)."""
    return ((pixels.permute(0, 3, 1, 2) / 255 * exposure).clamp(max=1) - MEAN) / STD


# ------------------------------------------------------------- training scenes


class TrainingScenes(Dataset):
    """Scenes of the crop's size, each a function of its index."""

    def __init__(self, cut_outs, seed, count):
        self.cut_outs, self.seed, self.count = cut_outs, seed, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        scene = compose_scene(self.cut_outs, (self.seed, index), (CROP_SIDE, CROP_SIDE))
        outlines = np.zeros((len(LABELS), OUTLINE_CELLS, OUTLINE_CELLS), np.uint8)
        for item in scene.items:
            outlines[LABELS.index(item.label)] = np.round(item.outline * 255)
        return torch.from_numpy(scene.pixels), torch.from_numpy(outlines)


def composed(cut_outs, seed, count, processes):
    """Compose `count` training scenes: uint8 pixels and outlines of all of them.

    Composing one takes longer than a training step on it, so that a fixed
    pool, seen several times, teaches more in the same time than fresh scenes.
    """
    pixels = torch.empty(count, CROP_SIDE, CROP_SIDE, 3, dtype=torch.uint8)
    outlines = torch.empty(count, len(LABELS), OUTLINE_CELLS, OUTLINE_CELLS, dtype=torch.uint8)
    loader = DataLoader(TrainingScenes(cut_outs, seed, count), BATCH, num_workers=processes)
    for index, (some_pixels, some_outlines) in enumerate(loader):
        window = slice(index * BATCH, index * BATCH + len(some_pixels))
        pixels[window], outlines[window] = some_pixels, some_outlines
    return pixels, outlines


def varied(pixels, outlines):
    """Half of a batch mirrored, all in other colours and at other exposures."""
    mirrored = torch.rand(len(pixels), 1, 1, 1) < 0.5
    pixels = torch.where(mirrored, pixels.flip(2), pixels)[..., torch.randperm(3)]
    outlines = torch.where(mirrored, outlines.flip(3), outlines)
    exposure = 0.8 + 0.4 * torch.rand(len(pixels), 1, 1, 1)
    return normalised(pixels, exposure), outlines.float() / 255


def close_ups(pixels, outlines):
    """Crop a random item's surroundings, a third of the area, out of each scene.

    Three of them cost what one scene does and each shows an item, so that
    most of the learning is done on these.
    """
    cell = CROP_SIDE // OUTLINE_CELLS
    near_pixels, near_outlines = [], []
    for scene, outline in zip(pixels, outlines):
        row, column = _item_centre(outline)
        row, column = (
            int(
                min(
                    max(place - CLOSE_UP_CELLS // 2 + torch.randint(-2, 3, ()), 0),
                    OUTLINE_CELLS - CLOSE_UP_CELLS,
                )
            )
            for place in (row, column)
        )
        near_outlines.append(
            outline[:, row : row + CLOSE_UP_CELLS, column : column + CLOSE_UP_CELLS]
        )
        near_pixels.append(
            scene[
                cell * row : cell * (row + CLOSE_UP_CELLS),
                cell * column : cell * (column + CLOSE_UP_CELLS),
            ]
        )
    return torch.stack(near_pixels), torch.stack(near_outlines)


def _item_centre(outline):
    """Row and column of the middle of a random item of a scene."""
    present = torch.nonzero(outline.amax((1, 2)))[:, 0]
    chosen = outline[present[torch.randint(len(present), ())]]
    return torch.nonzero(chosen).float().mean(0).round().int().tolist()


# ---------------------------------------------------------------- masked inputs


def random_masks(outlines):
    """Soft masks (n, 1, 28, 28) in [0, 1], like those that Score-CAM makes.

    A third are smooth noise, a third show some of the items (blurred outlines
    over a faint background, as a class's channel would) and a third are the
    inverse of such, as a background channel would.
    """
    count = len(outlines)
    cells = int(torch.randint(3, 9, ()))
    noise = functional.interpolate(
        torch.rand(count, 1, cells, cells),
        outlines.shape[-2:],
        mode="bilinear",
        align_corners=False,
    )
    noise = ((noise - 0.5) * (1 + 3 * torch.rand(count, 1, 1, 1)) + 0.5).clamp(0, 1)

    chosen = (torch.rand(outlines.shape[:2]) < 0.45).float()[:, :, None, None]
    shown = (outlines * chosen).sum(1, keepdim=True).clamp(0, 1)
    for _ in range(int(torch.randint(1, 4, ()))):
        shown = functional.avg_pool2d(shown, 3, 1, 1, count_include_pad=False)
    shown = shown / shown.amax((2, 3), keepdim=True).clamp(min=1e-3)
    shown = torch.maximum(shown, noise * 0.4 * torch.rand(count, 1, 1, 1))

    kind = torch.randint(0, 3, (count, 1, 1, 1))
    return torch.where(kind == 0, noise, torch.where(kind == 1, shown, 1 - shown))


def masked(inputs, masks, noisy):
    """X0 * (mask + sigma n): what SS-CAM scores; sigma is 0 where not `noisy`."""
    full = functional.interpolate(masks, inputs.shape[-2:], mode="bilinear", align_corners=False)
    sigma = noisy * (1 + 3 * torch.rand(noisy.shape).sqrt())
    return inputs * (full + sigma * torch.randn(full.shape))


def visible_labels(areas, outlines, masks):
    """Targets and their weights: an item counts as far as crop and mask show it.

    `areas` (n, classes) are the whole items'.  Nearly hidden items are absent,
    half hidden ones teach nothing.
    """
    shown = (outlines * masks).sum((2, 3)) / areas.clamp(min=1e-3)
    present = areas > 0
    target = (present & (shown > 0.5)).float()
    undecided = present & (shown > 0.2) & (shown <= 0.5)
    return target, 1 - undecided.float()


def mixed_batch(pixels, outlines):
    """Five eighths stay whole, a quarter is masked, an eighth is masked with noise."""
    inputs, outlines = varied(pixels, outlines)
    count = len(inputs)
    masks = random_masks(outlines)
    masks[: 5 * count // 8] = 1
    noisy = torch.zeros(count, 1, 1, 1)
    noisy[7 * count // 8 :] = 1
    hidden = slice(5 * count // 8, None)
    inputs[hidden] = masked(inputs[hidden], masks[hidden], noisy[hidden])
    return inputs, outlines, masks


# -------------------------------------------------------------------- training

# What all cells together show is the image's evidence.  Its factor, divided by
# the number of cells in the whole input, is part of the classifier in the end.
POOLED_GAIN = 20.0
CELL_BIAS = -4.0
CELL_POSITIVE_WEIGHT = torch.tensor(5.0)


def cell_loss(network, maps, outlines, masks):
    """Ask every cell of the last feature map which item lies there.

    A cell's evidence for a class is what CAM draws: the classifier's weights
    applied to that cell alone.  Learning from the mean over all cells is very
    slow when items are small; since a composed scene knows its outlines, the
    cells are told too.
    """
    evidence = functional.conv2d(maps, network.classifier.weight[:, :, None, None])
    target = ((outlines > 0.5) & (masks > 0.5)).float()
    undecided = (outlines > 0.2) & (masks > 0.2) & (target == 0)
    return functional.binary_cross_entropy_with_logits(
        evidence + CELL_BIAS, target, 1 - undecided.float(), pos_weight=CELL_POSITIVE_WEIGHT
    )


def quiet_loss(maps, outlines):
    """Ask the features for silence where no item lies.

    Methods that add up channels with positive weights (Grad-CAM++ and the
    Score-CAM family) draw whatever the channels show beside the item.
    """
    empty = (outlines.sum(1, keepdim=True) < 0.02).float()
    return (maps * empty).mean()


def image_loss(network, maps, areas, outlines, masks):
    """Ask for the labels of what crop and masks show, from the sum over the cells."""
    gain = POOLED_GAIN * maps[0, 0].numel() / OUTLINE_CELLS**2
    logits = network.classifier(gain * torch.flatten(network.pool(maps), 1))
    target, weight = visible_labels(areas, outlines, masks)
    return functional.binary_cross_entropy_with_logits(logits, target, weight)


def new_network():
    """A network whose classifier starts at the scale that the losses expect."""
    network = ClothesNet()
    nn.init.normal_(network.classifier.weight, std=0.5)
    nn.init.constant_(network.classifier.bias, CELL_BIAS)
    return network.train()


def train(pixels, outlines, seed, close_up_epochs, scene_epochs):
    """Return a ClothesNet trained on close-ups of the pool, then on whole scenes."""
    torch.manual_seed(seed)
    network = new_network()
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=1e-3)
    epochs = close_up_epochs + scene_epochs
    steps_per_epoch = len(pixels) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, PEAK_RATE, epochs=epochs, steps_per_epoch=steps_per_epoch
    )
    progress = Progress(epochs * steps_per_epoch)
    for epoch in range(epochs):
        for chosen in torch.randperm(len(pixels))[: steps_per_epoch * BATCH].split(BATCH):
            some_pixels, some_outlines = pixels[chosen], outlines[chosen]
            areas = some_outlines.sum((2, 3)) / 255
            if epoch < close_up_epochs:
                some_pixels, some_outlines = close_ups(some_pixels, some_outlines)
            inputs, shown, masks = mixed_batch(some_pixels, some_outlines)
            maps = network.features(inputs)
            cells = cell_loss(network, maps, shown, masks)
            images = image_loss(network, maps, areas, shown, masks)
            # Cells first: early on, the images' loss is little but noise.
            loss = (
                CELL_SHARE * cells
                + QUIET_SHARE * quiet_loss(maps, shown)
                + min(1.0, 3 * progress.share()) * images
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            progress.report(cells=cells.item(), images=images.item())
    network.classifier.weight.data *= POOLED_GAIN
    return network.eval()


class Progress:
    """Counts steps and prints running means of the losses now and then."""

    def __init__(self, steps, every=100):
        self.steps, self.every = steps, every
        self.step, self.means, self.started = 0, {}, time.monotonic()

    def share(self):
        return self.step / self.steps

    def report(self, **losses):
        self.step += 1
        for name, value in losses.items():
            mean = self.means.get(name, value)
            self.means[name] = mean + 0.02 * (value - mean)
        if self.step % self.every == 0 or self.step == self.steps:
            means = "  ".join(f"{name} {mean:.4f}" for name, mean in self.means.items())
            print(
                f"step {self.step}/{self.steps}  {means}  {time.monotonic() - self.started:.0f} s",
                flush=True,
            )
