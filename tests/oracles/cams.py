"""Every method and option of methods.md, in float64 NumPy.

Written from that page and the papers it cites, not from the C library. Shapes are those of
images; sound has no H, video has D x H x W. A network is a function
`forward(float32 [N,C,H,W]) -> [N,classes]` of raw logits; what was seen at the target layer is a
`Capture`. Equation numbers are those of Naidu & Michael, "SS-CAM" (2020).
"""

from dataclasses import dataclass, replace

import numpy as np

from philox import noise

SCORING_METHODS = ("score-cam", "ss-cam-mean", "ss-cam-max", "is-cam")
# Methods whose map is a sum or projection of terms T_k(p); they have no channel weights.
TERM_METHODS = (
    "eigen-cam",
    "hires-cam",
    "layer-cam",
    "eigen-grad-cam",
    "grad-cam-elementwise",
    "seg-eigen-cam",
)
GRADIENT_METHODS = ("grad-cam", "grad-cam++", "smooth-grad-cam++", "xgrad-cam", *TERM_METHODS)
METHODS = ("cam", *GRADIENT_METHODS, "ablation-cam", *SCORING_METHODS)
# Methods with a formula of their own each, in test_more_methods.py.
OTHER_METHODS = (
    "random-cam",
    "fem",
    "kpca-cam",
    "shapley-cam",
    "recipro-cam",
    "vit-recipro-cam",
    "group-cam",
    "rise",
    "full-grad",
    "opti-cam",
    "activation-map",
    "aise",
    "legrad",
)
BATCH = 32


@dataclass(frozen=True)
class Options:
    """Option values by their public names; the defaults are the preset `paper`."""

    score: str = "logit"
    probability: str = "softmax"
    channel_softmax: str = "on"
    baseline: str = "zeros"
    mean: tuple = (0.485, 0.456, 0.406)
    std: tuple = (0.229, 0.224, 0.225)
    normalise: str = "after_upsample"
    align_corners: str = "off"
    flat_channels: str = "skip"
    samples: int = 10
    sigma: float = 4.0
    noise_target: str = "mask"
    noise_scale: str = "absolute"
    mask_weights: str = "none"
    rescore: str = "off"
    sample_count: str = "n"
    combine: str = "low_resolution"
    max_channels: int = 0
    seed: int = 0
    fusion: str = "max"
    aug_smooth: str = "off"
    eigen_smooth: str = "off"


def defaults(method):
    """Smooth Grad-CAM++ adds noise to inputs, which are not in [0,1] as masks are."""
    return Options(sigma=0.3) if method == "smooth-grad-cam++" else Options()


def preset(name, method):
    """The options that a preset sets for a method."""
    if method in ("smooth-grad-cam++", "is-cam"):
        return other_preset(name, method)
    changes = {
        "paper": {},
        "algorithm-1": {
            "noise_target": "input",
            "mask_weights": "gradient",
            "rescore": "on",
            "sample_count": "n_minus_1",
        },
        "authors-code": {
            "score": "probability",
            "channel_softmax": "off",
            "baseline": "none",
            "noise_scale": "authors-code",
            "samples": 35,
            "sigma": 2.0,
            "combine": "upsampled",
            "noise_target": "input" if method == "ss-cam-max" else "activation",
        },
        "torch-cam": {
            "normalise": "before_upsample",
            "samples": 35,
            "sigma": 2.0,
            "flat_channels": "score",
            "baseline": "input",
        },
        "pytorch-grad-cam": {
            "align_corners": "on",
            "flat_channels": "score",
            "baseline": "none",
            "fusion": "mean",
        },  # and `reduction`, of dense outputs
    }
    return replace(Options(), **changes[name])


def other_preset(name, method):
    """A preset of SS-CAM without its options of noise; and torch-cam's own numbers."""
    changes = preset(name, "score-cam")
    own = {"samples": 10, "sigma": defaults(method).sigma, "noise_scale": "absolute"}
    if name == "torch-cam":
        own = {"samples": 4 if method == "smooth-grad-cam++" else 10, "sigma": 0.3}
    return replace(changes, **own)


@dataclass
class Capture:
    """The captured layer and the outputs of the network on one input."""

    activations: np.ndarray  # A, [K,h,w]
    gradients: np.ndarray  # dY/dA, [K,h,w]; Y is the class's raw logit
    logits: np.ndarray  # [classes]
    fc_weights: np.ndarray = None  # [classes,K], when pooling and a linear layer follow


@dataclass
class Explanation:
    weights: np.ndarray  # a_k, [K]; None for TERM_METHODS
    raw: np.ndarray  # ReLU(sum a_k A_k), or ReLU of the terms' sum or projection
    data: np.ndarray  # s(U(raw)), [H,W]
    flat: bool
    logit: float
    probability: float


# -------------------------------------------------------------------- upsampling and normalising


def interpolation_matrix(length, size, align_corners=False):
    """[size,length] weights of linear interpolation along one axis; U is one such on either side.

    Output j looks at source coordinate (j + 0.5) length / size - 0.5 (half-pixel centres), or
    j (length - 1) / (size - 1) with aligned corners, clamped to the samples there are.
    """
    j = np.arange(size)
    if align_corners:
        source = j * ((length - 1) / max(size - 1, 1))
    else:
        source = (j + 0.5) * length / size - 0.5
    source = np.clip(source, 0, length - 1)
    left = np.minimum(np.floor(source).astype(int), max(length - 2, 0))
    right = np.minimum(left + 1, length - 1)
    matrix = np.zeros((size, length))
    np.add.at(matrix, (j, left), 1 - (source - left))
    np.add.at(matrix, (j, right), source - left)
    return matrix


def upsample(maps, size, align_corners=False):
    """U: [...,h,w] to [...,H,W], linear along each of the last axes that `size` has."""
    maps = np.asarray(maps, np.float64)
    for axis, length in enumerate(size, maps.ndim - len(size)):
        matrix = interpolation_matrix(maps.shape[axis], length, align_corners)
        maps = np.moveaxis(np.tensordot(maps, matrix, (axis, 1)), -1, axis)
    return maps


def normalised(mask):
    """s(M), eq. 12; a constant map becomes zeros."""
    span = mask.max() - mask.min()
    return (mask - mask.min()) / span if span > 0 else np.zeros_like(mask)


def positions(values):
    """The axes of [K,...] that are positions."""
    return tuple(range(1, values.ndim))


def by_channel(values, like):
    """[K], to be multiplied with an array [K,...]."""
    return np.reshape(values, (-1, *[1] * (like.ndim - 1)))


# ------------------------------------------------------------------------------- gradient methods


def cam_weights(capture, class_index):
    """Eq. 1-2 (Zhou 2015): the linear layer's own weights."""
    return np.asarray(capture.fc_weights[class_index], np.float64)


def grad_cam_weights(capture):
    """Eq. 3-4 (Selvaraju 2017): the mean gradient."""
    return capture.gradients.mean(axis=positions(capture.gradients), dtype=np.float64)


def grad_cam_pp_weights(capture):
    """Chattopadhyay 2018, eq. 19, without the factor exp(Y) that all channels share."""
    g = capture.gradients.astype(np.float64)
    total = capture.activations.sum(
        axis=positions(capture.activations), keepdims=True, dtype=np.float64
    )
    denominator = 2 * g**2 + total * g**3
    usable = (g != 0) & (denominator != 0)
    alpha = np.where(usable, g**2 / np.where(usable, denominator, 1), 0)
    return (alpha * np.maximum(g, 0)).sum(axis=positions(alpha))


def xgrad_cam_weights(capture):
    """Fu 2020: the mean gradient, weighted by the activations."""
    activations, gradients = (np.float64(a) for a in (capture.activations, capture.gradients))
    total = activations.sum(axis=positions(activations))
    product = (activations * gradients).sum(axis=positions(activations))
    return np.divide(product, total, out=np.zeros_like(total), where=total != 0)


def smooth_grad_cam_pp_weights(
    capture, image, class_index, options, image_index, network, scale=1.0
):
    """Omeiza 2019, with the second derivative above the fraction as in Grad-CAM++: averages over
    noisy inputs of g, g^2 and g^3; the activations are those of the input itself. `scale` is of the
    noisy inputs, to see what depends on their rounding."""
    span = float(image.max()) - float(image.min())
    deviation = {
        "absolute": options.sigma,
        "range": options.sigma * span,
        "authors-code": (options.sigma / span) ** 2,
    }[options.noise_scale]
    gradients = []
    for sample in range(options.samples):
        plane = noise(options.seed, 0, sample, image_index, image.size).reshape(image.shape)
        noisy = np.float32(scale * (image + deviation * plane))
        gradients.append(network.capture(noisy, class_index).gradients.astype(np.float64))
    first, second, third = (np.mean([g**n for g in gradients], axis=0) for n in (1, 2, 3))
    total = capture.activations.sum(
        axis=positions(capture.activations), keepdims=True, dtype=np.float64
    )
    denominator = 2 * second + total * third
    alpha = np.divide(second, denominator, out=np.zeros_like(second), where=denominator != 0)
    return (alpha * np.maximum(first, 0)).sum(axis=positions(alpha))


def terms(method, capture):
    """T_k(p) of the methods that weight positions; its sum or projection is the map."""
    activations = np.float64(capture.activations)
    if method == "eigen-cam":
        return activations
    gradients = np.float64(capture.gradients)
    if method == "layer-cam":
        return np.maximum(gradients, 0) * activations
    if method == "grad-cam-elementwise":
        return np.maximum(gradients * activations, 0)
    if method == "seg-eigen-cam":
        return np.abs(gradients) * activations
    return gradients * activations


def principal_projection(maps):
    """[K,h,w] maps projected on their first principal component over the positions: Muhammad &
    Yeasin 2020, of centred maps; the component's entries have a positive sum."""
    centred = maps.reshape(len(maps), -1)
    centred = centred - centred.mean(axis=1, keepdims=True)
    left, _, _ = np.linalg.svd(centred, full_matrices=False)
    component = left[:, 0] * (1 if left[:, 0].sum() > 0 else -1)
    return (component @ centred).reshape(maps.shape[1:])


# -------------------------------------------------------------------------------- scoring methods


def probabilities(logits, kind):
    """Softmax over the classes, or each class's sigmoid; one output has only a sigmoid."""
    logits = np.asarray(logits, np.float64)
    if kind == "sigmoid" or logits.shape[-1] == 1:
        return 1 / (1 + np.exp(-logits))
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


class MaskedScores:
    """Scores of one image's masked inputs under one set of options."""

    def __init__(self, forward, image, class_index, options, image_index=0):
        self.forward = forward
        self.image = image.astype(np.float64)  # X0, [C,H,W]
        self.class_index = class_index
        self.options = options
        self.image_index = image_index

    def score(self, inputs):
        """f^c of a batch of inputs, by option `score`."""
        rows = [
            self.forward(np.float32(inputs[start : start + BATCH]))
            for start in range(0, len(inputs), BATCH)
        ]
        logits = np.concatenate(rows).astype(np.float64)
        if self.options.score == "probability":
            logits = probabilities(logits, self.options.probability)
        return logits[:, self.class_index]

    def baseline(self):
        """f^c(X_b)."""
        if self.options.baseline == "none":
            return 0.0
        reference = self.image if self.options.baseline == "input" else np.zeros_like(self.image)
        if self.options.baseline == "black":
            black = [-mean / std for mean, std in zip(self.options.mean, self.options.std)]
            reference = np.broadcast_to(
                by_channel(black[: len(self.image)], self.image), self.image.shape
            )
        return self.score(reference[None])[0]

    def upsampled(self, activation):
        return upsample(activation, self.image.shape[1:], self.options.align_corners == "on")

    def mask(self, activation):
        """The normalised mask of one (weighted) activation map."""
        if self.options.normalise == "before_upsample":
            return self.upsampled(normalised(activation))
        return normalised(self.upsampled(activation))

    def deviation(self, noised):
        """Standard deviation of the noise on `noised` (option `noise_scale`)."""
        sigma, span = self.options.sigma, noised.max() - noised.min()
        if self.options.noise_scale == "range":
            return sigma * span
        if self.options.noise_scale == "authors-code":
            return (sigma / span) ** 2
        return sigma

    def noisy_inputs(self, channel, activation):
        """The masked inputs of eq. 11 and 15, one a sample, for one (weighted) activation map."""
        target = self.options.noise_target
        noised = {
            "mask": lambda: self.mask(activation),
            "input": lambda: self.image * self.mask(activation),
            "activation": lambda: self.upsampled(activation),
        }[target]()
        deviation = self.deviation(noised)
        count = self.options.samples
        if self.options.sample_count == "n_minus_1":
            count = max(count - 1, 1)
        for sample in range(count):
            plane = noise(self.options.seed, channel, sample, self.image_index, noised.size)
            perturbed = noised + deviation * plane.reshape(noised.shape)
            yield perturbed if target == "input" else self.image * perturbed

    def channel_score(self, method, channel, activation):
        """f^c of one channel, before the baseline is subtracted: eq. 8, 9-11 or 13-15, and the
        second pass of Algorithm 1. Without noise all that is left is Score-CAM's one pass. IS-CAM
        (Naidu 2020) has the mean over masks times i/N."""
        if method == "is-cam":
            mask, count = self.mask(activation), self.options.samples
            return self.score(
                np.float32([self.image * (i / count * mask) for i in range(1, count + 1)])
            ).mean()
        if method == "score-cam" or self.options.sigma == 0:
            return self.score((self.image * self.mask(activation))[None])[0]
        inputs = np.float32(list(self.noisy_inputs(channel, activation)))
        score = (np.max if method == "ss-cam-max" else np.mean)(self.score(inputs))
        if self.options.rescore == "on":
            score = self.score((self.image * (score * self.mask(activation)))[None])[0]
        return score


def mask_factors(capture, class_index, options):
    """w_k of Algorithm 1: the factor of an activation before it becomes a mask."""
    if options.mask_weights == "gradient":
        return grad_cam_weights(capture)
    if options.mask_weights == "fc":
        return cam_weights(capture, class_index)
    return np.ones(len(capture.activations))


def chosen_channels(activations, limit):
    """The `limit` (0: all) channels of highest spatial standard deviation; ties: lower index."""
    deviations = activations.std(axis=positions(activations), dtype=np.float64)
    order = sorted(range(len(deviations)), key=lambda k: (-deviations[k], k))
    return sorted(order[:limit] if limit else order)


def scoring_weights(method, capture, scores, options):
    """a_k of Score-CAM and SS-CAM: C_k, then the softmax over the channels that were scored."""
    factors = mask_factors(capture, scores.class_index, options)
    increase = {}
    flat = []
    for k in chosen_channels(capture.activations, options.max_channels):
        activation = factors[k] * capture.activations[k].astype(np.float64)
        if activation.max() > activation.min():
            increase[k] = scores.channel_score(method, k, activation)
        else:
            flat.append(k)
    if flat and options.flat_channels == "score":
        hidden = scores.score(np.zeros_like(scores.image)[None])[0]
        increase.update(dict.fromkeys(flat, hidden))

    weights = np.zeros(len(capture.activations))
    if not increase:
        return weights
    channels = list(increase)
    values = np.array(list(increase.values())) - scores.baseline()
    if options.channel_softmax == "on":
        powers = np.exp(values - values.max())
        values = powers / powers.sum()
    weights[channels] = values
    return weights


def ablation_weights(capture, image, class_index, options, network):
    """Desai & Ramaswamy 2020: the share of the score that is lost with a channel set to zero."""

    def score(logits):
        if options.score == "probability":
            logits = probabilities(logits, options.probability)
        return np.asarray(logits, np.float64)[..., class_index]

    whole = score(capture.logits)
    weights = np.zeros(len(capture.activations))
    for k in chosen_channels(capture.activations, options.max_channels):
        weights[k] = (whole - score(network.without_channel(image, k))) / abs(whole)
    return weights


# --------------------------------------------------------------------------------- explanations


def channel_weights(method, image, capture, forward, class_index, options, image_index, network):
    if method == "cam":
        return cam_weights(capture, class_index)
    if method == "grad-cam":
        return grad_cam_weights(capture)
    if method == "grad-cam++":
        return grad_cam_pp_weights(capture)
    if method == "xgrad-cam":
        return xgrad_cam_weights(capture)
    if method == "smooth-grad-cam++":
        return smooth_grad_cam_pp_weights(
            capture, image, class_index, options, image_index, network
        )
    if method == "ablation-cam":
        return ablation_weights(capture, image, class_index, options, network)
    scores = MaskedScores(forward, image, class_index, options, image_index)
    return scoring_weights(method, capture, scores, options)


def explain(
    method, image, capture, forward, class_index, options=Options(), image_index=0, network=None
):
    """Explains one image [C,H,W] by one method. `network` can capture and ablate, for the methods
    that need more than forward passes."""
    weights = None
    if method in TERM_METHODS:
        maps = terms(method, capture)
    else:
        weights = channel_weights(
            method, image, capture, forward, class_index, options, image_index, network
        )
        maps = by_channel(weights, capture.activations) * capture.activations.astype(np.float64)
    projects = "eigen" in method or options.eigen_smooth == "on"
    combined = principal_projection(maps) if projects else maps.sum(axis=0)
    if method == "seg-eigen-cam" and -combined.min() > combined.max():  # Chung & Ying 2025, eq. 13
        combined = -combined

    # Option align_corners applies to masks alone, as in pytorch-grad-cam.
    size = image.shape[1:]
    if options.combine == "upsampled":
        combined = upsample(combined, size)
    raw = np.maximum(combined, 0)
    flat = raw.max() == raw.min()
    data = np.zeros(size) if flat else normalised(upsample(raw, size))
    return Explanation(
        weights,
        raw,
        data,
        flat,
        logit=float(capture.logits[class_index]),
        probability=probabilities(capture.logits, options.probability)[class_index],
    )


def explain_composed(method, image, networks, class_index, options, image_index=0):
    """The map [H,W] of several layers, a network for each, or of altered inputs: each layer's map
    at the input's size and in [0,1], fused, normalised; then mirrored back and averaged."""
    factors = (0.9, 1.0, 1.1) if options.aug_smooth == "on" else (1.0,)
    fused = []
    for mirrored in (False, True)[: 1 if options.aug_smooth == "off" else 2]:
        for factor in factors:
            altered = np.float32(factor) * (image[..., ::-1] if mirrored else image)
            maps = [
                explain(
                    method,
                    altered,
                    network.capture(altered, class_index),
                    network.forward,
                    class_index,
                    options,
                    image_index,
                    network,
                ).data
                for network in networks
            ]
            one = normalised((np.max if options.fusion == "max" else np.mean)(maps, axis=0))
            fused.append(one[..., ::-1] if mirrored else one)
    return normalised(np.mean(fused, axis=0))
