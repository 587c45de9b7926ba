"""Layers of tokens out of reading order: maps at their positions, or refused with the reason.

usage: run_token_orders.py SSCAM [NAME...]

The oracle is eager PyTorch: Grad-CAM of each block's tokens by autograd, put in order by the
positions that the network itself gives to numbers instead of patches. Each network is traced
and, where this torch has torch.export, exported. Exit status 1 where a map differs.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch

import token_networks
from map_oracle import grad_cam

LIMIT = 1e-4  # of differences, as shares of a map's largest value


def build(constructor):
    torch.manual_seed(5)
    network = constructor().eval()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network


def forms(network, example):
    yield "traced", torch.jit.trace(network, example, check_trace=False).save
    if hasattr(torch, "export") and hasattr(torch.export, "save"):
        program = torch.export.export(network, (example,))
        yield "exported", lambda path: torch.export.save(program, path)


def maps_in_order(network, example):
    """Of each block; None: to be refused."""
    kept = []
    hooks = [
        block.register_forward_hook(lambda _, __, output: kept.append(output))
        for block in network.blocks
    ]
    output = network(example.clone().requires_grad_())
    for hook in hooks:
        hook.remove()
    gradients = torch.autograd.grad(output.max(), kept)
    found = []
    for value, gradient, order in zip(kept, gradients, network.orders()):
        if order is None:
            found.append(None)
            continue
        token = torch.argsort(order)
        side = int(len(token) ** 0.5)
        arrays = [t.detach()[0, token].T.reshape(-1, side, side).numpy() for t in (value, gradient)]
        found.append(grad_cam(*arrays))
    return found


def explain(program, path, folder, layer):
    files = folder / "input.npy", folder / "raw.npy"
    words = [program, "explain", path, "--tensor", files[0], "-m", "grad-cam", "-l", layer]
    return files[1], subprocess.run(
        [*map(str, words), "--json", "--raw", str(files[1])],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def fault_of(done, file, expected, layer):
    """Empty where all is well."""
    if expected is None:
        is_refused = done.returncode == 1 and f'"{layer}"' in done.stderr
        has_reason = "reading order" in done.stderr and "another layer" in done.stderr
        return "" if is_refused and has_reason else f"not refused: {done.stderr}"
    if done.returncode:
        return done.stderr.strip()
    assert json.loads(done.stdout)["layer"] == layer
    difference = np.abs(np.load(file).reshape(expected.shape) - expected).max() / expected.max()
    return "" if difference <= LIMIT else f"differs by {difference:.1e}"


def examine(program, constructor, folder):
    network = build(constructor)
    torch.manual_seed(3)
    example = torch.randn(1, 3, token_networks.SIDE, token_networks.SIDE)
    np.save(folder / "input.npy", example.numpy())
    expected = maps_in_order(network, example)
    faults = []
    for form, save in forms(network, example):
        path = folder / ("network.pt2" if form == "exported" else "network.pt")
        save(str(path))
        for i, wanted in enumerate(expected):
            layer = f"blocks.{i}"
            fault = fault_of(*reversed(explain(program, path, folder, layer)), wanted, layer)
            faults += [f"{constructor.__name__}, {form}, {layer}: {fault}"] if fault else []
    return faults


def main():
    program, names = sys.argv[1], sys.argv[2:]
    networks = [n for n in token_networks.NETWORKS if not names or n.__name__ in names]
    faults = []
    for constructor in networks:
        with tempfile.TemporaryDirectory() as folder:
            found = examine(program, constructor, pathlib.Path(folder))
        print(f"{constructor.__name__:20} {'FAULT' if found else 'right'}", flush=True)
        print("".join(fault + "\n" for fault in found), end="", flush=True)
        faults += found
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
