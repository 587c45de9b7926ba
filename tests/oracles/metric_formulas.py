"""The metrics of docs/methods.md, in float64 NumPy, written from that page and not from the C
library.

A network is a function `probability(inputs [N,C,H,W], class) -> [N]`; a map is [H,W] in [0,1] at
input size.
"""

import numpy as np

from philox import philox4x32

BLUR_SIDE, BLUR_DEVIATION = 11, 5.0
RESAMPLES = 1000


def average_drop(whole, masked):
    return 100 * max(0.0, whole - masked) / whole if whole > 0 else np.nan


def average_increase(whole, masked):
    return 100.0 if whole < masked else 0.0


def order(heat):
    """Pixels by decreasing value, equal ones in reading order."""
    return np.argsort(-heat.ravel(), kind="stable")


def upper_half(heat):
    kept = np.zeros(heat.size)
    first = order(heat)[: (heat.size + 1) // 2]
    kept[first] = heat.ravel()[first]
    return kept.reshape(heat.shape)


def inside(boxes, size):
    """Pixels whose centres lie in one of the boxes (left, top, right, bottom on the input)."""
    row, column = np.mgrid[: size[0], : size[1]] + 0.5
    marked = np.zeros(size, bool)
    for left, top, right, bottom in boxes:
        marked |= (column >= left) & (column < right) & (row >= top) & (row < bottom)
    return marked


def energy_pointing(heat, marked):
    heat = heat.astype(np.float64)
    return 100 * heat[marked].sum() / heat.sum() if heat.sum() > 0 else np.nan


def pointing(heat, marked):
    return np.nan if heat.min() == heat.max() else 100.0 * marked.ravel()[heat.argmax()]


def blur_kernel():
    """RISE's: scipy's gaussian_filter of a point, whose default is to reflect at the edges."""
    reach = int(4 * BLUR_DEVIATION + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / BLUR_DEVIATION) ** 2)
    point = np.zeros(BLUR_SIDE)
    point[BLUR_SIDE // 2] = 1
    side = np.convolve(
        np.pad(point, reach, mode="symmetric"), weights / weights.sum(), mode="valid"
    )
    return np.outer(side, side)


def blurred(image):
    """Each channel convolved with the kernel, zeros around it; through Fourier space."""
    kernel, (height, width) = blur_kernel(), image.shape[-2:]
    size = (height + BLUR_SIDE - 1, width + BLUR_SIDE - 1)
    product = np.fft.rfft2(image.astype(np.float64), size) * np.fft.rfft2(kernel, size)
    start = BLUR_SIDE // 2
    return np.fft.irfft2(product, size)[..., start : start + height, start : start + width]


def curve(probability, start, end, heat, class_index, steps):
    """Probabilities while pixels change from `start` to `end`, the most salient first; and the
    shares of pixels."""
    positions, count = order(heat), heat.size
    changed = np.arange(steps + 1) * count // steps
    inputs = np.repeat(start[None].astype(np.float64), steps + 1, axis=0).reshape(
        steps + 1, len(start), count
    )
    for step, some in enumerate(changed):
        inputs[step][:, positions[:some]] = end.reshape(len(end), count)[:, positions[:some]]
    return probability(inputs.reshape(-1, *start.shape), class_index), changed / count


def area(points, shares):
    return float(np.sum(np.diff(shares) * (points[1:] + points[:-1]) / 2))


def correlation(one, other):
    if one.min() == one.max() or other.min() == other.max():
        return np.nan
    return float(
        np.corrcoef(one.ravel().astype(np.float64), other.ravel().astype(np.float64))[0, 1]
    )


def complexity(heat):
    return 100 * heat.astype(np.float64).mean() if heat.max() > 0 else np.nan


def coherency(heat, of_masked):
    return 50 * (1 + correlation(heat, of_masked))


def adcc(drop, coherent, complex_):
    parts = np.array([100 - drop, coherent, 100 - complex_])
    return 0.0 if (parts <= 0).any() else float(3 / (1 / parts).sum())


def interval(values):
    """Mean, lower and upper end of the defined values."""
    values = np.sort([value for value in values if not np.isnan(value)])
    count = len(values)
    draw = np.arange(count)
    words = np.stack(
        [
            np.stack(philox4x32((draw // 4, resample, 0, 0), (0, 0)))[draw % 4, draw]
            for resample in range(RESAMPLES)
        ]
    )
    means = values[(words * np.uint64(count) >> np.uint64(32)).astype(int)].mean(axis=1)
    return values.mean(), *np.percentile(means, [2.5, 97.5])
