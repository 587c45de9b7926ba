"""Explains programs of torch.export, compared with eager PyTorch and with TorchScript files.

usage: run_programs.py PROBE PROGRAM [--full] [--only NAME[,NAME...]] [--keep FOLDER]

PROBE is built from matrix_probe.c, PROGRAM is sscam; both may stand on another libtorch than the
torch that exports. Without --full each of torchvision's families is tried in one form, and every
form occurs. --keep takes the files from a folder, and writes there what it lacks, to try the same
files on several libtorch. Without torchvision the hand-made networks alone are tried. Exit status 1
when anything differs, 77 when this torch has no torch.export.
"""

import argparse
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import torch

if importlib.util.find_spec("torch.export") is None:
    print(f"skipped: PyTorch {torch.__version__} has no torch.export")
    sys.exit(77)

import networks
import program_constructs  # noqa: F401, adds cases
import program_networks
from eager_reference import Reference
from run_matrix import Result, examine, relative_difference

# Of maps and channel weights, between a program and the same network as TorchScript: those made of
# gradients, and those made of scores.
GRADIENT_LIMIT, SCORE_LIMIT = 1e-5, 1e-4
SCORE_METHODS = {
    "score-cam",
    "ss-cam-mean",
    "ss-cam-max",
    "is-cam",
    "ablation-cam",
    "recipro-cam",
    "vit-recipro-cam",
    "group-cam",
    "rise",
    "aise",
    "opti-cam",
}
# Decomposed graphs round otherwise, and what is left of scores that nearly cancel, or of gradients
# of which Adam's steps take little but the sign, has more of that.
AMPLIFYING_METHODS = {"ablation-cam", "opti-cam"}
AMPLIFIED_LIMIT = 1e-3
ANY_LAYER = "any"
# An older libtorch may lack an operator: that is told, and no fault.
OLDER_LIBTORCH = "which is older than the program"
# Few samples and channels: what is compared are two files, not two algorithms. By the default
# noise, of sigma 4, logits of networks with random weights reach 30, whose rounding is 5e-4, and
# the weights are a softmax of them.
OPTIONS = {
    "samples": 2,
    "max_channels": 6,
    "calibrate": "off",
    "seed": 3,
    "sigma": 0.5,
    "iterations": 2,
}


class Explanations:
    """Maps of a file by all methods, through the program."""

    def __init__(self, program, path, array, methods="all"):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            tensor = folder / "input.npy"
            np.save(tensor, np.asarray(array, "f4"))
            command = [program, "explain", path, "--tensor", tensor, "-m", methods, "--json"]
            for name, value in OPTIONS.items():
                command += ["--set", f"{name}={value}"]
            command += ["--raw", folder / "raw.npy", "--weights", folder / "weights.npy"]
            command += ["--dimensions", str(array.ndim - 2)]
            done = subprocess.run(
                list(map(str, command)), capture_output=True, text=True, timeout=900
            )
            self.failure = done.stderr.strip() if done.returncode else None
            self.facts = {}
            for line in [] if self.failure else done.stdout.splitlines():
                fact = json.loads(line)
                self.facts[fact["method"]] = fact
            single = len(self.facts) == 1
            self.arrays = {}
            for kind in ("raw", "weights"):
                for method in self.facts:
                    file = folder / (f"{kind}.npy" if single else f"{kind}-{method}.npy")
                    if file.exists():
                        self.arrays[kind, method] = np.load(file)


def limit_of(method, form):
    if method in AMPLIFYING_METHODS and form == "decomposed":
        return AMPLIFIED_LIMIT
    return SCORE_LIMIT if method in SCORE_METHODS else GRADIENT_LIMIT


def compare_explanations(program, exported, scripted, array, form):
    """What differs between the two files: lines of text, and the largest differences."""
    found, wanted = (Explanations(program, path, array) for path in (exported, scripted))
    if found.failure or wanted.failure:
        same = bool(found.failure) == bool(wanted.failure)
        return ([] if same else [f"explained: {found.failure or wanted.failure}"]), (0.0, 0.0)
    faults, worst = [], {False: 0.0, True: 0.0}  # of gradients, of scores
    if set(found.arrays) != set(wanted.arrays):
        faults.append(f"maps of other methods: {set(found.arrays) ^ set(wanted.arrays)}")
    for key in sorted(set(found.arrays) & set(wanted.arrays)):
        if found.arrays[key].shape != wanted.arrays[key].shape:
            faults.append(
                f"{key[1]}: {key[0]} of {found.arrays[key].shape}, not {wanted.arrays[key].shape} "
                f"(layers {found.facts[key[1]]['layer']}, {wanted.facts[key[1]]['layer']})"
            )
            continue
        difference = relative_difference(found.arrays[key], wanted.arrays[key])
        is_of_scores = key[1] in SCORE_METHODS
        worst[is_of_scores] = max(worst[is_of_scores], difference)
        if not difference <= limit_of(key[1], form):
            faults.append(f"{key[1]}: {key[0]} differ by {difference:.2e} from the script's")
    for method, fact in found.facts.items():
        if fact["class"] != wanted.facts[method]["class"]:
            faults.append(f"{method}: class {fact['class']}, not {wanted.facts[method]['class']}")
    return faults, tuple(worst.values())


def exported_file(arguments, name, case, folder):
    path = (arguments.keep or folder) / f"{name}.pt2"
    if not path.exists():
        program_networks.export(case, path)
    return path


def form_of(case):
    """For run_matrix: where values may be missing in the eager network."""
    return "fused" if case.has_parts else "exported"


def try_network(arguments, name, form, folder):
    case = program_networks.as_case(name, form)
    network = networks.build(name)
    reference = Reference(network, networks.example_input(name, networks.dtype_of(network)))
    path = exported_file(arguments, f"{name}.{form}", case, folder)
    wanted = networks.NETWORKS[name][2]
    result = examine(arguments, path, form_of(case), wanted, reference, folder)
    if wanted in dict(network.named_modules()) and result.default != wanted:
        result.faults.append(f"default target {result.default}, not {wanted}")
    if result.faults:
        return result, (0.0, 0.0)
    scripted = folder / f"{name}.pt"
    networks.export(networks.build(name), name, "scripted", reference.example).save(str(scripted))
    faults, worst = compare_explanations(
        arguments.program, path, scripted, reference.example.numpy(), form
    )
    result.faults += faults
    return result, worst


def weights_of(value):
    """Grad-CAM's channel weights of a layer [1,K,h,w]."""
    return value.gradient.mean((0, 2, 3)).numpy()


def compare_with_eager(program, path, case, result):
    """Class, logit and Grad-CAM of the default layer, where the eager network has its name."""
    network = (case.reference or case.network).eval()
    example = program_networks.example_of(case)[:1].to(networks.dtype_of(network))
    reference = Reference(network, example)
    found = Explanations(program, path, example.float().numpy(), "score-cam,grad-cam")
    if found.failure:
        result.faults.append(found.failure)
        return
    fact = found.facts["grad-cam"]
    if fact["logit"] != found.facts["score-cam"]["logit"]:
        result.faults.append(
            f"two calls: logits {fact['logit']}, {found.facts['score-cam']['logit']}"
        )
    result.default = fact["layer"]
    if fact["class"] != reference.top_class:
        result.faults.append(f"class {fact['class']}, not {reference.top_class}")
        return
    logit = float(reference.logits[reference.top_class])
    result.note("logits", abs(fact["logit"] - logit) / abs(logit), case.limit, "output")
    value = reference.by_module.get(fact["layer"])
    if value is not None and value.activation.dim() == 4:
        expected = weights_of(value)
        difference = relative_difference(found.arrays["weights", "grad-cam"], expected)
        result.note("gradients", difference, case.limit, fact["layer"])


def check_refusals(program, path, case, result):
    for shape, words in case.refused:
        failure = Explanations(program, path, np.zeros(shape), "grad-cam").failure
        missing = [word for word in words if failure is None or word not in failure]
        if missing or "\n" in failure:
            result.faults.append(f"{shape}: {failure!r} does not say {missing}")


def try_case(arguments, name, folder):
    """A difficult case: by the probe where numbers are exact, and as the program explains it."""
    case = program_networks.build(name)
    path = exported_file(arguments, name, case, folder)
    case = program_networks.build(name)  # as it was before any run
    result = Result()
    if not case.has_state and case.limit <= 1e-4:
        example = program_networks.example_of(case)[:1]
        reference = Reference(case.reference or case.network, example)
        result = examine(arguments, path, form_of(case), ANY_LAYER, reference, folder)
        case = program_networks.build(name)
    compare_with_eager(arguments.program, path, case, result)
    check_refusals(arguments.program, path, program_networks.build(name), result)
    return result, (0.0, 0.0)


def chosen(arguments):
    """Names and forms; the form of a case is its own."""
    names = arguments.only.split(",") if arguments.only else None
    for name in program_networks.CASES:
        if names is None or name in names:
            yield name, "case"
    for position, name in enumerate(networks.NETWORKS):
        forms = program_networks.forms_of(name)
        if names is not None and name not in names:
            continue
        if arguments.full or names is not None:
            yield from ((name, form) for form in forms)
        elif forms:
            yield name, forms[position % len(forms)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("probe")
    parser.add_argument("program")
    parser.add_argument("--full", action="store_true", help="every network in every form")
    parser.add_argument("--only", help="these, in every form")
    parser.add_argument("--keep", type=pathlib.Path, metavar="FOLDER", help="of the files")
    parser.add_argument("--layers", type=int, default=3, help="layers beside the default one")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print(
        f"{'network':26} {'form':16} {'default':24} layers  act      grad     logits   scores   "
        "as script (gradients, scores)  seconds"
    )
    failed = refused = 0
    for name, form in chosen(arguments):
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            try:
                if form == "case":
                    result, worst = try_case(arguments, name, folder)
                else:
                    result, worst = try_network(arguments, name, form, folder)
            except Exception as error:
                result, worst = Result(), (0.0, 0.0)
                result.faults.append((str(error) or repr(error)).splitlines()[0])
        numbers = " ".join(f"{difference:.2e}" for difference in (*result.worst.values(), *worst))
        print(
            f"{name:26} {form:16} {result.default or '-':24} {result.layer_count:6} {numbers}"
            f" {time.monotonic() - start:7.1f}",
            flush=True,
        )
        lacks = any(OLDER_LIBTORCH in fault for fault in result.faults)
        for fault in result.faults[: 1 if lacks else None]:
            print(f"    {'REFUSED' if lacks else 'FAULT'} {fault}", flush=True)
        refused += lacks
        failed += bool(result.faults) and not lacks
    print(f"{refused} refused for what this libtorch lacks, {failed} differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
