"""Compares the libtorch backend with eager PyTorch over networks x forms x layers.

usage: run_matrix.py PROBE [--full] [--only NETWORK[,NETWORK...]] [--layers N]

PROBE is the program built from matrix_probe.c. Without --full each of torchvision's families is
tried in one form and every form occurs; the hand-made networks are always tried in all. Exit status
1 when anything differs.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import torch

import faults
import networks
from eager_reference import Reference

RELATIVE = 1e-4  # of activations, gradients and logits, in the L2 norm
# If libtorch rounds differently from the eager network (another release, folded batch norms), a
# ReLU far from the output may change between zero and positive, which in a small map is a few
# percent of the gradient. A wrong gradient differs by order 1.
RELATIVE_BEYOND_ROUNDING = 0.2
ABSOLUTE = 1e-3  # of masked inputs' scores


def relative_difference(found, expected):
    scale = np.linalg.norm(expected)
    return (
        float(np.linalg.norm(found - expected) / scale)
        if scale > 0
        else float(np.linalg.norm(found))
    )


class Probe:
    """The output of matrix_probe for one file."""

    def __init__(self, program, model, example, folder, layer_count):
        self.prefix = folder / "probe"
        image = folder / "input.f32"
        example.numpy().astype("f4").tofile(image)
        shape = "x".join(map(str, example.shape[1:]))
        arguments = [program, str(model), str(image), shape, str(self.prefix), str(layer_count)]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=600)
        self.lines = [line.split("\t") for line in done.stdout.splitlines()]
        self.failure = next(iter(self.facts("failed")), None)
        if done.stderr or done.returncode != (1 if self.failure else 0):
            raise AssertionError(f"probe: status {done.returncode} {done.stderr.strip()}")
        self.default = next(
            (fields[0] for fields in self.facts("layer") if fields[-1] == "default"), None
        )

    def facts(self, kind):
        return [line[1:] for line in self.lines if line[0] == kind]

    def array(self, name):
        return np.fromfile(f"{self.prefix}.{name}", "f4")


class Result:
    def __init__(self):
        self.worst = {"activations": 0.0, "gradients": 0.0, "logits": 0.0, "scores": 0.0}
        self.layer_count = 0
        self.default = None
        self.faults = []

    def note(self, what, difference, limit, where):
        self.worst[what] = max(self.worst[what], difference)
        if not difference <= limit:
            self.faults.append(f"{what} at {where}: {difference:.2e}")


def values_with(reference, activations):
    """Eager values of the same numbers: there may be several, as before and after an identity,
    whose gradients differ."""
    return [
        value
        for value in reference.values
        if value.activation.shape == activations.shape
        and relative_difference(value.activation.numpy(), activations) <= RELATIVE
    ]


def compare_capture(result, reference, fields, probe, form, same_rounding):
    layer, number, class_index, shape = fields
    shape = [int(size) for size in shape.split("x")]
    activations = probe.array(f"{number}.activations").reshape(shape)
    gradients = probe.array(f"{number}.gradients").reshape(shape)
    if int(class_index) != reference.top_class:
        result.faults.append(f"class {class_index}, not {reference.top_class}")
    has_module_names = form not in ("frozen", "folded")
    if has_module_names and layer in reference.by_module:
        candidates = [reference.by_module[layer]]
    else:
        candidates = values_with(reference, activations)
    if not candidates:
        if form not in ("folded", "fused"):  # whose values the eager network does not all have
            result.faults.append(f"{layer}: eager PyTorch has no such value")
        return
    result.layer_count += 1
    differences = [
        (relative_difference(gradients, value.gradient.numpy()), value) for value in candidates
    ]
    gradient_difference, value = min(differences, key=lambda pair: pair[0])
    result.note(
        "activations", relative_difference(activations, value.activation.numpy()), RELATIVE, layer
    )
    is_strict = same_rounding or layer == probe.default
    result.note(
        "gradients", gradient_difference, RELATIVE if is_strict else RELATIVE_BEYOND_ROUNDING, layer
    )


def compare_scores(result, reference, probe):
    scores = probe.facts("scores")
    if not scores:
        return
    (shape,) = probe.facts("maps")
    activations = probe.array("maps").reshape([int(size) for size in shape])
    for batch, class_index, channels in scores:
        channels = [int(channel) for channel in channels.split(",")]
        expected = reference.masked_scores(activations, channels, int(class_index)).numpy()
        difference = float(np.abs(probe.array(f"scores.{batch}") - expected).max())
        result.note("scores", difference, ABSOLUTE, f"batch {batch}")


def examine(arguments, path, form, wanted, reference, folder):
    """What the probe finds in a file, compared with the eager network; `wanted` is the default
    layer."""
    result = Result()
    probe = Probe(arguments.probe, path, reference.example, folder, arguments.layers)
    if probe.failure:
        result.faults.append(" ".join(probe.failure))
        return result
    result.default = probe.default
    if wanted is None or form == "scripted":
        if probe.default != wanted:
            result.faults.append(f"default target {probe.default}, not {wanted}")
    elif probe.default is None:
        result.faults.append("no default target")
    for layer, status, message in probe.facts("refused"):
        if not is_expected_refusal(layer, status, wanted, reference):
            result.faults.append(f"{layer}: {status} {message}")
    logit_difference = relative_difference(probe.array("logits"), reference.logits.numpy())
    result.note("logits", logit_difference, RELATIVE, "output")
    for fields in probe.facts("capture"):
        compare_capture(result, reference, fields, probe, form, same_rounding=logit_difference == 0)
    compare_scores(result, reference, probe)
    return result


def try_form(arguments, name, form, network, reference, folder):
    path = folder / f"{name}.{form}.pt"
    networks.export(network, name, form, reference.example).save(str(path))
    return examine(arguments, path, form, networks.NETWORKS[name][2], reference, folder)


def is_expected_refusal(layer, status, wanted, reference):
    if status != "SSCAM_E_LAYER":
        return False
    if layer == "-":
        return wanted is None
    # The class score does not depend on it, as in eager autograd.
    value = reference.by_module.get(layer)
    return value is None or not value.gradient.any()


def chosen_forms(name, position, full):
    forms = networks.forms_of(name)
    if full or name in networks.HAND_MADE:
        return forms
    return [forms[position % len(forms)]]


def try_fault(program, name, folder):
    """None, or what is wrong with the refusal."""
    write, status, part = faults.FAULTS[name]
    path = folder / f"{name}.pt"
    write(str(path))
    failure = Probe(program, path, torch.zeros(1, 3, 32, 32), folder, 1).failure
    if failure is None:
        return "not refused"
    _, found_status, message = failure
    is_clear = (
        part in message
        and path.name in message
        and len(message) < 400
        and "Traceback" not in message
    )
    return None if found_status == status and is_clear else f"{found_status}: {message}"


def try_faults(program):
    failed = 0
    for name in faults.FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            wrong = try_fault(program, name, pathlib.Path(folder))
        failed += wrong is not None
        print(f"{name:22} {'refused' if wrong is None else 'FAULT ' + wrong}", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("probe")
    parser.add_argument("--full", action="store_true", help="every network in every form")
    parser.add_argument("--only", help="these networks, in every form")
    parser.add_argument(
        "--layers", type=int, default=6, help="layers a network, beside the default target"
    )
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    names = arguments.only.split(",") if arguments.only else list(networks.NETWORKS)

    print(
        f"{'network':22} {'form':14} {'default target':22} layers  act      grad     "
        "logits   scores   seconds"
    )
    failed = 0
    for position, name in enumerate(names):
        network = networks.build(name)
        reference = Reference(network, networks.example_input(name, networks.dtype_of(network)))
        network = networks.build(name)  # without hooks
        for form in chosen_forms(name, position, arguments.full or arguments.only):
            start = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                try:
                    result = try_form(
                        arguments, name, form, network, reference, pathlib.Path(folder)
                    )
                except Exception as error:
                    result = Result()
                    result.faults.append(str(error).splitlines()[0] if str(error) else repr(error))
            worst = " ".join(f"{difference:.2e}" for difference in result.worst.values())
            print(
                f"{name:22} {form:14} {result.default or '-':22} {result.layer_count:6} {worst}"
                f" {time.monotonic() - start:7.1f}",
                flush=True,
            )
            for fault in result.faults:
                print(f"    FAULT {fault}", flush=True)
            failed += bool(result.faults)
    if not arguments.only:
        failed += try_faults(arguments.probe)
    print(f"{failed} of the above differ" if failed else "all agree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
