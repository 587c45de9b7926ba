"""The cost of explanations in ONNX Runtime, behind sscam.Model.from_function(), over that of the
network's own runs.

usage: onnxruntime_overhead.py MODEL.onnx IMAGE [ROUNDS]

Each round explains the image, and then makes the same runs again, with as many inputs each, without
the library. Prints the medians, and the median of the rounds' ratios. Needs onnxruntime from PyPI.
"""

import sys
import time

import numpy as np

import sscam

try:
    import onnxruntime
except ImportError:
    sys.exit(77)  # meson: skipped


class RecordingNetwork:
    """Runs a network and notes each run: the inputs' shape and the layer."""

    def __init__(self, path):
        settings = onnxruntime.SessionOptions()
        # Idle threads that wait in a loop take the processor from whatever runs between two runs.
        settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            path, settings, providers=["CPUExecutionProvider"]
        )
        self.runs, self._inputs = [], {}

    def __call__(self, inputs, layer):
        self.runs.append((inputs.shape, layer))
        return self.run(inputs, layer)

    def run(self, inputs, layer):
        names = ["logits"] if layer is None else ["logits", layer]
        outputs = self._session.run(names, {"pixels": inputs})
        return outputs[0] if layer is None else outputs

    def repeat(self):
        for shape, layer in self.runs:
            if shape not in self._inputs:
                self._inputs[shape] = np.full(shape, 0.5, np.float32)
            self.run(self._inputs[shape], layer)


def cost_of(work):
    """Seconds on the clock, and of the processor, which depend less on other load."""
    start, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - processor


def measure(network, image, method, samples, rounds):
    model = sscam.Model.from_function(network, ["features"], name="clothes.onnx")
    with sscam.Explainer(model, method, samples=samples) as explainer:
        explainer.explain(image)  # what is done once is not measured
        explanations, floors = [], []
        for _ in range(rounds):
            network.runs.clear()
            explanations.append(cost_of(lambda: explainer.explain(image)))
            floors.append(cost_of(network.repeat))
    whole, alone = np.median(explanations, 0)[0], np.median(floors, 0)[0]
    overhead, of_processor = 100 * (np.median(np.divide(explanations, floors), 0) - 1)
    inputs = sum(shape[0] for shape, _ in network.runs)
    print(
        f"{method:12} {inputs:5} inputs in {len(network.runs):4} runs: "
        f"{whole:.3f} s, alone {alone:.3f} s, overhead {overhead:.1f} %, "
        f"of processor time {of_processor:.1f} %"
    )


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__.split("\n\n")[1])
    path, image, *rounds = sys.argv[1:]
    network = RecordingNetwork(path)
    for method, samples in (("score-cam", 1), ("ss-cam-mean", 2)):
        measure(network, image, method, samples, int(rounds[0]) if rounds else 9)


if __name__ == "__main__":
    main()
