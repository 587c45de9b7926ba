"""DIRECT (Jones, Perttunen & Stuckman 1993) with the choice of boxes of Gablonsky's program, by its
definition: every box is looked at each time."""

import numpy as np


def half_diagonal(level):
    return 0.5 * np.sqrt(sum(9.0**-side for side in level))


def chosen_boxes(values, levels, epsilon):
    """Numbers of the boxes that are divided next: of each size from the largest on the first of the
    best ones, then the others as good as these."""
    sizes = {}
    for number, level in enumerate(levels):
        sizes.setdefault(tuple(sorted(level)), []).append(number)
    order = sorted(sizes, key=half_diagonal)  # the smallest first
    best = {size: min(values[n] for n in sizes[size]) for size in order}
    lowest, kept = min(values), []
    for i, size in enumerate(order):
        own = half_diagonal(size)
        up = [(best[o] - best[size]) / (half_diagonal(o) - own) for o in order[i + 1 :]]
        down = [(best[size] - best[o]) / (own - half_diagonal(o)) for o in kept]
        slope = min(up, default=np.inf)
        if slope <= 0:
            continue
        is_above_hull = max(down, default=0) > slope
        if is_above_hull or best[size] - slope * own <= lowest - epsilon * abs(lowest):
            kept.append(size)
    first, others = [], []
    for size in reversed(kept):
        equal = [n for n in sizes[size] if values[n] == best[size]]
        first.append(equal[0])
        others += equal[1:]
    return first + sorted(others)


def direct_points(function, dimensions, limit, epsilon=0.1):
    """The first `limit` points that DIRECT evaluates in the unit cube."""
    points, values, levels = [], [], []

    def evaluate(point, level):
        points.append(point)
        values.append(float(function(point)))
        levels.append(level)
        return len(points) - 1

    chosen = [evaluate(np.full(dimensions, 0.5), np.zeros(dimensions, int))]
    while len(points) < limit:
        for box in chosen:
            if len(points) >= limit:
                break
            longest = np.flatnonzero(levels[box] == levels[box].min())
            step = 3.0 ** -(levels[box].min() + 1.0)
            named = {}
            for d in longest:
                unit = step * np.eye(dimensions)[d]
                named[d] = [evaluate(points[box] + s * unit, None) for s in (1, -1)]
            for d in sorted(longest, key=lambda d: min(values[n] for n in named[d])):
                levels[box] = levels[box] + (np.arange(dimensions) == d)
                for n in named[d]:
                    levels[n] = levels[box].copy()
        chosen = chosen_boxes(values, levels, epsilon)
    return points[:limit]
