"""Eager class-activation maps, and how well they find a scene's items.

Written from the methods' papers and independent of libsscam: they say whether
the network is fit for a demonstration before the library ever sees it.
"""

import torch
from torch.nn import functional

from scene_composer import CROP_SIDE

SS_CAM_SIGMA = 4.0
SS_CAM_SAMPLES = 10
SCORING_BATCH = 64


def upsampled(maps):
    """Bilinear to the input's size, half-pixel centres."""
    return functional.interpolate(
        maps, (CROP_SIDE, CROP_SIDE), mode="bilinear", align_corners=False
    )


def min_max(maps):
    """Each map to [0, 1]; a constant one to zeros."""
    low = maps.amin((-2, -1), keepdim=True)
    span = maps.amax((-2, -1), keepdim=True) - low
    return torch.where(span > 0, (maps - low) / span.clamp(min=1e-12), torch.zeros(()))


def combined(weights, activations):
    """ReLU of the weighted sum of (K, h, w) activations, upsampled, in [0, 1]."""
    raw = torch.einsum("k,khw->hw", weights, activations).relu()
    return min_max(upsampled(raw[None, None]))[0, 0]


# -------------------------------------------------------------- channel weights


def cam_weights(network, inputs, activations, label):
    return network.classifier.weight[label].detach()


def _gradients(network, activations, label):
    leaf = activations.detach().requires_grad_()
    pooled = torch.flatten(network.pool(leaf[None]), 1)
    network.classifier(pooled)[0, label].backward()
    return leaf.grad


def grad_cam_weights(network, inputs, activations, label):
    return _gradients(network, activations, label).mean((1, 2))


def grad_cam_pp_weights(network, inputs, activations, label):
    gradient = _gradients(network, activations, label)
    mass = activations.sum((1, 2), keepdim=True)
    below = 2 * gradient**2 + mass * gradient**3
    alpha = torch.where(below != 0, gradient**2 / below, torch.zeros(()))
    return (alpha * gradient.relu()).sum((1, 2))


def score_cam_weights(network, inputs, activations, label):
    return _softmax_weights(network, inputs, activations, label, 0.0, 1, torch.mean)


def ss_cam_mean_weights(network, inputs, activations, label):
    return _softmax_weights(
        network, inputs, activations, label, SS_CAM_SIGMA, SS_CAM_SAMPLES, torch.mean
    )


def ss_cam_max_weights(network, inputs, activations, label):
    return _softmax_weights(
        network, inputs, activations, label, SS_CAM_SIGMA, SS_CAM_SAMPLES, torch.amax
    )


def _softmax_weights(network, inputs, activations, label, sigma, samples, reduce):
    """Softmax over channels of the score of X0 * (mask + sigma n); flat maps get 0.

    The score of the baseline input is left out: it cancels.
    """
    live = activations.amax((1, 2)) > activations.amin((1, 2))
    masks = min_max(upsampled(activations[live][:, None]))
    generator = torch.Generator().manual_seed(0)
    scores = []
    for _ in range(samples):
        noise = torch.randn(masks.shape, generator=generator) if sigma else 0.0
        batches = (inputs * (masks + sigma * noise)).split(SCORING_BATCH)
        scores.append(torch.cat([network(batch)[:, label] for batch in batches]))
    weights = torch.zeros(len(activations))
    weights[live] = reduce(torch.stack(scores), dim=0).softmax(0)
    return weights


METHODS = {
    "cam": cam_weights,
    "grad-cam": grad_cam_weights,
    "grad-cam++": grad_cam_pp_weights,
    "score-cam": score_cam_weights,
    "ss-cam-mean": ss_cam_mean_weights,
    "ss-cam-max": ss_cam_max_weights,
}


def heat_map(method, network, inputs, label):
    """The map (224, 224) in [0, 1] of one class on one input (1, 3, 224, 224)."""
    with torch.no_grad():
        activations = network.features(inputs)[0]
    with torch.set_grad_enabled("grad" in method):
        weights = METHODS[method](network, inputs, activations, label)
    return combined(weights, activations)


# -------------------------------------------------------------------- measures


def box_in_crop(box, size):
    """VOC box of a scene of (width, height) as slices of the centre crop."""
    left, top = (size[0] - CROP_SIDE) // 2, (size[1] - CROP_SIDE) // 2
    xmin, ymin, xmax, ymax = box
    return slice(ymin - 1 - top, ymax - top), slice(xmin - 1 - left, xmax - left)


def pointing_hit(heat, window):
    """Whether the map's maximum lies in the box."""
    row, column = divmod(int(heat.argmax()), heat.shape[1])
    rows, columns = window
    return rows.start <= row < rows.stop and columns.start <= column < columns.stop


def energy_inside(heat, window):
    """Share of the map's energy that lies in the box; 0 for an empty map."""
    total = float(heat.sum())
    return float(heat[window].sum()) / total if total > 0 else 0.0
