#!/usr/bin/env python3
"""Writes the seeds of the target exported: exported_seeds.py FOLDER. Needs torch.export.

Small programs; all take inputs of 3 x 12 x 12. And files that must be refused, made of them: each
has a tensor that claims more than its record has, or a number that no tensor can have.
"""

import json
import sys
import warnings
from pathlib import Path

import torch
from torch.export import Dim
from torch.nn import functional as F

import torchscript_mutations as mutations

BATCH = Dim("batch", min=1, max=64)


class Plain(torch.nn.Sequential):
    def __init__(self):
        super().__init__(
            torch.nn.Conv2d(3, 4, 3),
            torch.nn.BatchNorm2d(4),
            torch.nn.ReLU(),
            torch.nn.AdaptiveAvgPool2d(1),
            torch.nn.Flatten(),
            torch.nn.Linear(4, 3),
        )


class Sizes(torch.nn.Module):
    """Arithmetic with sizes, and guards."""

    def __init__(self):
        super().__init__()
        self.first, self.last = torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.Linear(4, 3)

    def forward(self, x):
        x = F.relu(self.first(x))
        x = x + F.interpolate(F.avg_pool2d(x, 2), x.shape[2:], mode="nearest")
        x = x.reshape(x.shape[0], 4, x.shape[2] * x.shape[3]).sum(2) / (x.shape[2] * x.shape[3])
        return self.last(x)


class State(torch.nn.Module):
    """Buffers that change, constants, changes in place, several outputs, no gradients."""

    def __init__(self):
        super().__init__()
        self.first, self.last = torch.nn.Conv2d(3, 4, 3), torch.nn.Linear(4, 3)
        self.register_buffer("calls", torch.zeros(1))
        self.table = torch.linspace(0.5, 1, 4).view(1, 4, 1, 1)

    def forward(self, x):
        self.calls.add_(1)
        with torch.no_grad():
            x = self.first(x).relu_()
        x = x * self.table * torch.tensor([2.0])
        x[:, :1] = 0.5
        return {"map": x, "scores": [self.last(x.mean([2, 3])), self.calls.clone()]}


class Tokens(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = torch.nn.Conv2d(3, 8, 4, stride=4)
        self.block = torch.nn.TransformerEncoderLayer(8, 2, 8, batch_first=True)
        self.head = torch.nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.block(self.patches(x).flatten(2).transpose(1, 2)).mean(1))


class Guarded(torch.nn.Module):
    """Ways that the sizes decide, and assertions on sizes and values."""

    def __init__(self):
        super().__init__()
        self.first, self.last = torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.Linear(4, 3)

    def forward(self, x):
        torch._check(x.shape[3] % 4 == 0)
        x = F.relu(self.first(x if x.shape[2] <= x.shape[3] else -x))
        count = (x > 0).sum().item()
        torch._check(count >= 2)
        torch._check(count < 100000)
        torch._assert_async(x.amax() < 1000, "activations below 1000")
        scale = 1 + x.shape[2] // 5 + x.shape[3] % 5 + max(x.shape[2], 7)
        return self.last(x.mean([2, 3]) * count / scale)


def export(network, dynamic=None, decomposed=False):
    example = torch.rand(2 if dynamic else 1, 3, 12, 12)
    shapes = (dynamic,) if dynamic else None
    program = torch.export.export(network.eval(), (example,), dynamic_shapes=shapes)
    return program.run_decompositions() if decomposed else program


def save(program, path):
    """As small as its reader allows: without the example and the lines of Python."""
    for module in program.graph_module.modules():
        for node in module.graph.nodes:
            node.meta.pop("stack_trace", None)
    torch.export.save(program, path)
    records = mutations.read_records(path.read_bytes())
    path.write_bytes(
        mutations.write_records([one for one in records if "/sample_inputs/" not in one[0]])
    )


def damage(folder, seed, name, record, change, outcome="refused"):
    """Writes a seed again with one record changed."""
    records = mutations.read_records((folder / f"seed-{seed}.pt2").read_bytes())
    assert any(path.endswith(record) for path, _, _ in records)
    changed = [
        (path, change(content) if path.endswith(record) else content, way)
        for path, content, way in records
    ]
    (folder / f"{outcome}-{name}.pt2").write_bytes(mutations.write_records(changed))


def with_meta(tensor, **fields):
    """A change of the weights' configuration."""

    def change(content):
        document = json.loads(content)
        document["config"][tensor]["tensor_meta"].update(fields)
        return json.dumps(document).encode()

    return change


def with_file(content):
    """A change of the program: its output has the content of a file added."""
    document = json.loads(content)
    graph = document["graph_module"]["graph"]
    last = graph["nodes"][-1]["outputs"][0]["as_tensor"]["name"]

    def add(target, name, **inputs):
        arguments = [{"name": key, "arg": value, "kind": 1} for key, value in inputs.items()]
        output = {"as_tensor": {"name": name}}
        graph["nodes"].append(
            {
                "target": target,
                "name": name,
                "inputs": arguments,
                "outputs": [output],
                "metadata": {},
            }
        )
        graph["tensor_values"][name] = graph["tensor_values"][last]

    add(
        "torch.ops.aten.from_file.default",
        "file",
        filename={"as_string": "/tmp/sscam-from-file"},
        shared={"as_bool": True},
        size={"as_int": 3},
    )
    both = {"self": {"as_tensor": {"name": last}}, "other": {"as_tensor": {"name": "file"}}}
    add("torch.ops.aten.add.Tensor", "sum", **both)
    graph["outputs"] = [{"as_tensor": {"name": "sum"}}]
    (output,) = document["graph_module"]["signature"]["output_specs"]
    output["user_output"]["arg"]["as_tensor"]["name"] = "sum"
    return json.dumps(document).encode()


def integers(*numbers):
    return [{"as_int": number} for number in numbers]


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    torch.manual_seed(7)
    sides = {0: BATCH, 2: 2 * Dim("rows", min=2, max=32), 3: 2 * Dim("columns", min=2, max=32)}
    save(export(Plain()), folder / "seed-static.pt2")
    save(export(Plain(), {0: BATCH}), folder / "seed-dynamic.pt2")
    save(export(Plain(), {0: BATCH}, decomposed=True), folder / "decomposed.pt2")
    save(export(Sizes(), sides), folder / "seed-sizes.pt2")
    automatic = {0: Dim.AUTO, 2: Dim.AUTO, 3: Dim.AUTO}
    save(export(Guarded(), automatic), folder / "seed-guards.pt2")
    save(export(State()), folder / "seed-state.pt2")
    save(export(Tokens(), {0: BATCH}), folder / "tokens.pt2")
    configuration = "/model_weights_config.json"
    damage(folder, "static", "short-weight", "/weight_0", lambda content: content[:-4])
    damage(folder, "static", "file", "/models/model.json", with_file, "unsupported")
    damage(folder, "static", "empty-weight", "/weight_1", lambda content: b"")
    for name, fields in {
        "vast": {"sizes": integers(1 << 40)},
        "overflowing": {"sizes": integers(1 << 62), "strides": integers(1 << 62)},
        "negative-size": {"sizes": integers(-4)},
        "negative-stride": {"strides": integers(-1)},
        "far-offset": {"storage_offset": {"as_int": 1 << 33}},
        "negative-offset": {"storage_offset": {"as_int": -1}},
        "wide-stride": {"strides": integers(1 << 40)},
    }.items():
        damage(folder, "static", name, configuration, with_meta("0.bias", **fields))


if __name__ == "__main__":
    main()
