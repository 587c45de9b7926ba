"""Philox words and the random masks of RISE, as docs/methods.md has them."""

import numpy as np

from cams import interpolation_matrix


def words(seed, channel, sample, image, count):
    """Philox words, as docs/methods.md has them."""
    counters = np.zeros((-(-count // 4), 4), np.uint64)
    counters[:, 0] = np.arange(len(counters))
    counters[:, 1:] = channel, sample, image
    key = [seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF]
    for _ in range(10):
        products = counters[:, [2, 0]] * np.array([0xCD9E8D57, 0xD2511F53], np.uint64)
        high, low = products >> np.uint64(32), products & np.uint64(0xFFFFFFFF)
        mixed = high ^ counters[:, [1, 3]] ^ np.array(key, np.uint64)
        counters = np.stack([mixed[:, 0], low[:, 0], mixed[:, 1], low[:, 1]], axis=1)
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return counters.ravel()[:count].astype(np.float64)


def random_masks(size, count, cells, probability, seed):
    """Petsiuk et al. 2018, section 3.2."""
    cell = [-(-side // cells) for side in size]
    matrices = [interpolation_matrix(cells, (cells + 1) * side) for side in cell]
    for i in range(count):
        drawn = words(seed, 0, i, 0, cells * cells + 3)
        grid = ((drawn[:-3] + 0.5) * 2.0**-32 < probability).reshape(cells, cells)
        large = matrices[0] @ grid @ matrices[1].T
        top, left = (int(d * c) >> 32 for d, c in zip(drawn[-2:], cell))
        yield large[top : top + size[0], left : left + size[1]]
