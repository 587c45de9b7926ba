"""Programs that cannot be used or are damaged: each is refused, and says why."""

import contextlib
import json

import numpy as np
import pytest

import sscam
from conftest import load
from program_file import Call, Global, ProgramFile, Storage, saved, tensor, tensors, zipped
from test_programs import classifier


def refused(content, *words):
    with pytest.raises(sscam.SscamError) as caught:
        load(content).classify(np.zeros((1, 3, 8, 8), np.float32))
    for word in words:
        assert word in str(caught.value), str(caught.value)


def with_node(target, output="extra", **inputs):
    program = ProgramFile()
    program.add(target, output, **inputs)
    return classifier(program)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("conv9d.default", ["torch.ops.aten.conv9d.default", '"extra"', "is not in this libtorch"]),
        ("torch.ops.custom.filter.default", ["is not one of libtorch's own"]),
        ("torch.ops.higher_order.while_loop", ["are not supported"]),
        ("math.erf", ["function of Python"]),
        ("torch.ops.aten", ["has no overload"]),
    ],
)
def test_unknown_operators(target, words):
    program = ProgramFile()
    program.add("relu.default", "before", self="x")
    program.add("relu.default", "extra", self="x")
    program.nodes[-1]["target"] = (
        target if target.startswith(("torch", "math")) else ("torch.ops.aten." + target)
    )
    refused(classifier(program), *words)


def test_programs_do_nothing_but_compute(tmp_path, monkeypatch):
    """Whether or not this libtorch has the operator."""
    monkeypatch.chdir(tmp_path)
    name = {"as_string": "sscam-was-here"}
    for target, inputs in (
        ("from_file.default", {"filename": name, "shared": True, "size": 4}),
        ("_print.default", {"s": name}),
        ("_cufft_clear_plan_cache.default", {"device_index": 0}),
        ("torch.ops.profiler._record_function_exit.default", {"handle": "x"}),
        ("torch.ops.sscam.tap.default", {"value": "x"}),
    ):
        program = ProgramFile()
        program.add(target, "extra" if "from_file" in target else [], **inputs)
        refused(classifier(program), target)
    assert not list(tmp_path.iterdir())


def test_arguments_that_do_not_fit():
    refused(with_node("relu.default", self={"as_string": "x"}), 'argument "self" is no Tensor')
    refused(with_node("add.Tensor", self="x", other="x", alpha="x"), "does not take its arguments")
    refused(with_node("relu.default"), 'has no argument "self"')
    refused(with_node("relu.default", self="x", steepness=2.0), 'no argument "steepness"')
    refused(with_node("flatten.using_ints", self="x", start_dim="x"), "arguments")
    refused(with_node("relu.default", self="y"), 'no value is named "y"')
    refused(with_node("relu.default", output="x", self="x"), 'two values are named "x"')
    refused(with_node("relu.default", output=[tensor("a"), tensor("b")], self="x"), "2 outputs")
    refused(with_node("relu.default", output=[tensors("a")], self="x"), "another kind")


def test_what_a_later_release_added_may_be_switched_off():
    load(with_node("relu.default", self="x", steepness=None))
    load(with_node("relu.default", self="x", steepness=False))


def test_training_mode():
    refused(with_node("dropout.default", input="x", p=0.5, train=True), "eval()")
    load(with_node("dropout.default", input="x", p=0.5, train=False))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strides": [{"as_int": 3}, {"as_int": 2**62}]}, ["claims countless bytes"]),
        ({"sizes": [{"as_int": 5}, {"as_int": 3}]}, ["claims 60 bytes", "has 48"]),
        ({"sizes": [{"as_int": -1}, {"as_int": 3}]}, ["claims countless bytes"]),
        ({"storage_offset": {"as_int": 2**62}}, ["claims"]),
        ({"sizes": [{"as_int": 12}]}, ["claims countless bytes"]),
        ({"sizes": [{"as_int": 2**70}, {"as_int": 3}]}, ["64 bits"]),
        ({"dtype": 99}, ["dtype number 99"]),
        ({"layout": 1}, ["sparse"]),
    ],
)
def test_weights_that_claim_what_is_not_there(change, words):
    program = classifier(ProgramFile())
    program.weights["head.weight"][1].update(change)
    refused(program, *words)


def test_missing_records():
    program = classifier(ProgramFile())
    program.weights["head.weight"] = ("weight_9", program.weights["head.weight"][1])
    refused(program, 'no record "net/data/weights/weight_9"')
    del program.weights["head.weight"]
    refused(program, "head.weight is not in it")


def test_damaged_json():
    members = {"net/" + name: value for name, value in classifier(ProgramFile()).members().items()}
    model = members["net/models/model.json"]
    for damage, words in (
        (model[:-100], "JSON"),
        ("[" * 100000, "too deeply"),
        ("[]", "no object"),
        (model.replace('"nodes"', '"edges"'), '"nodes" is missing'),
        (model.replace('"as_ints"', '"as_beings"'), "is no int"),
        (model.replace('"major": 8', '"major": 99'), "version 99"),
    ):
        refused(zipped({**members, "net/models/model.json": damage}), words)
    assert json.loads(model)["schema_version"]["major"] == 8


def test_cut_and_compressed_archives():
    content = classifier(ProgramFile()).archive()
    for end in range(0, len(content), 257):
        refused(content[:end])
    members = {"net/" + name: value for name, value in classifier(ProgramFile()).members().items()}
    refused(zipped(members, compression=8), "compressed")


def test_every_byte_of_the_directory_may_be_wrong():
    content = classifier(ProgramFile()).archive()
    start = content.index(b"PK\1\2")
    for position in range(start, len(content), 7):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        with contextlib.suppress(sscam.SscamError):
            load(bytes(damaged)).classify(np.zeros((1, 3, 8, 8), np.float32))


def test_other_packages():
    refused(
        zipped({"net/data/aotinductor/model/model.so": b"\x7fELF", "net/archive_format": "pt2"}),
        "AOTInductor",
        "torch.export.save",
    )
    program = classifier(ProgramFile())
    members = {"net/" + name: value for name, value in program.members().items()}
    refused(zipped({**members, "net/models/other.json": "{}"}), "2 programs")


def test_pickles_build_nothing_but_tensors():
    program = classifier(ProgramFile())
    program.schema_version = 7
    array = np.zeros((4, 3), np.float32)
    hostile = Call(Global("os", "system"), "touch sscam-was-here")
    refused(
        program.flat_archive(saved({"head.weight": array}, hostile)),
        "made by os.system",
        "torch.export.save",
    )
    refused(program.flat_archive(saved({"head.weight": array})), "head.bias is not in it")
    beyond = Call(
        Global("torch._utils", "_rebuild_tensor_v2"), Storage("0", 12), 0, (4000, 3), (3, 1), False
    )
    refused(program.flat_archive(saved({"head.weight": array}, beyond)), "claims 48000 bytes")


def test_damaged_pickles():
    program = classifier(ProgramFile())
    program.schema_version = 7
    for pickle in (
        b"",
        b".",
        b"\x80\x02K\x01.",
        b"\x80\x02}q\0",
        b"\x80\x02" + b")" + b"\x85" * 100000 + b".",
        b"\x80\x02" + b"(" * 2000000 + b".",
        b"\x80\x02}X\xff\xff\xff\xffx",
        b"\x80\x02}\x8a\xff" + b"1" * 300 + b"s.",
        b"\x80\x02h\x05.",
        b"\x80\x02}q\0(X\1\0\0\0ah\0u.",
    ):
        refused(program.flat_archive(zipped({"archive/data.pkl": pickle})))
