"""How far maps of detections may be from the oracle's."""

import numpy as np

GRADIENT_METHODS = ("grad-cam", "hires-cam", "grad-cam++", "layer-cam")
# Relative differences of maps: gradients, and scores under a softmax.
LIMITS = {"rise": 2e-3, "score-cam": 5e-3, "smooth-grad-cam++": 5e-3}
GRADIENT_LIMIT = 1e-3


def difference(values, expected):
    scale = np.abs(expected).max()
    assert scale > 0, "the oracle's map is constant"
    return float(np.abs(values - expected).max() / scale)


def judge(name, layer, found):
    """Prints {method: difference}; whether all are within their limits."""
    wrong = [m for m, value in found.items() if not value <= LIMITS.get(m, GRADIENT_LIMIT)]
    largest = ", ".join(f"{method} {value:.1e}" for method, value in found.items())
    state = f"FAILED: {', '.join(wrong)} of" if wrong else "layer"
    print(f"{name}: {state} {layer}: {largest}", flush=True)
    return not wrong
