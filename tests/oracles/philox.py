"""The noise n_ki(p) of methods.md, in float64: Philox4x32-10 and Box-Muller.

Written from Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011) and the constants
of its Random123 library, so that it shares nothing with the C library but the definition.
"""

import numpy as np

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
LOW = np.uint64(0xFFFFFFFF)
HIGH_SHIFT = np.uint64(32)


def philox4x32(counter, key):
    """Four 32-bit outputs (uint64 arrays) for each counter, four arrays or numbers."""
    c0, c1, c2, c3 = (np.asarray(word, np.uint64) for word in counter)
    k0, k1 = (int(word) for word in key)
    for _ in range(ROUNDS):
        product0 = np.uint64(MULTIPLIERS[0]) * c0
        product1 = np.uint64(MULTIPLIERS[1]) * c2
        c0, c1, c2, c3 = (
            (product1 >> HIGH_SHIFT) ^ c1 ^ np.uint64(k0),
            product1 & LOW,
            (product0 >> HIGH_SHIFT) ^ c3 ^ np.uint64(k1),
            product0 & LOW,
        )
        k0 = (k0 + KEY_STEPS[0]) & 0xFFFFFFFF
        k1 = (k1 + KEY_STEPS[1]) & 0xFFFFFFFF
    return c0, c1, c2, c3


def box_muller(first, second):
    """Two standard normal values from each pair of 32-bit words, taken as (r + 0.5) 2^-32."""
    u, v = ((word.astype(np.float64) + 0.5) * 2.0**-32 for word in (first, second))
    radius = np.sqrt(-2 * np.log(u))
    return radius * np.cos(2 * np.pi * v), radius * np.sin(2 * np.pi * v)


def noise(seed, channel, sample, image, count, first=0):
    """Values number `first` to `first + count - 1` of the plane n_ki of image v.

    Key = (seed low, seed high); counter = (floor(q / 4), k, i, v); value q is z_(q mod 4). A
    negative seed stands for its two's complement.
    """
    first_block, last_block = first // 4, (first + count + 3) // 4
    block = np.arange(first_block, last_block, dtype=np.uint64)
    seed &= (1 << 64) - 1
    words = philox4x32((block, channel, sample, image), (seed & 0xFFFFFFFF, seed >> 32))
    z = np.stack([*box_muller(words[0], words[1]), *box_muller(words[2], words[3])], axis=-1)
    return z.ravel()[first - 4 * first_block :][:count]
