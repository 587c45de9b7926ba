"""What programs of torch.export compute, against NumPy."""

import json

import numpy as np
import pytest

from conftest import load
from program_file import BOOL, HALF, LEAF, Graph, ProgramFile, argument, sym_int, tensor, tensors

RANDOM = np.random.RandomState(1)
WEIGHT = RANDOM.randn(4, 3).astype(np.float32)
BIAS = RANDOM.randn(4).astype(np.float32)


def classifier(program, value="x", weight=None, bias=None):
    """Adds what turns [N,3,h,w] into [N,4]: means over positions, and a linear layer."""
    weight = weight or program.stored("head.weight", WEIGHT)
    bias = bias or program.stored("head.bias", BIAS)
    program.add("mean.dim", "mean", self=value, dim=[2, 3])
    program.add(
        "linear.default",
        "logits",
        [("head", "linear.Linear")],
        input="mean",
        weight=weight,
        bias=bias,
    )
    program.give("logits")
    return program


def linear(features):
    return features @ WEIGHT.T + BIAS


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_weights_and_defaults(image):
    close(load(classifier(ProgramFile())).classify(image), linear(image.mean((2, 3))))


def test_names_and_kinds_of_modules(image):
    program = ProgramFile()
    outer, inner = ("block", "container.Sequential"), ("block.0", "activation.ReLU")
    program.add("relu.default", "first", [outer, inner], self="x")
    program.add("mul.Tensor", "second", [outer], self="first", other=2)
    program.add("relu.default", "again", [outer, ("block.0@1", "activation.ReLU")], self="second")
    classifier(program, "again")
    layers = {layer.name: layer for layer in load(program).layers((3, 8, 8))}
    assert layers["block"].kind == "Sequential" and layers["block.0"].kind == "ReLU"
    assert layers["block.mul"].kind == "aten::mul"
    assert layers["head"].kind == "Linear" and layers["head"].shape == (1, 4)
    assert layers["block"].is_default


def test_two_calls_of_one_module_are_told_apart_without_numbers(image):
    program = ProgramFile()
    relu = ("relu", "activation.ReLU")
    program.add("relu.default", "first", [relu], self="x")
    program.add("neg.default", "second", [("neg", "network.Negation")], self="first")
    program.add("relu.default", "third", [relu], self="second")
    classifier(program, "third")
    names = [layer.name for layer in load(program).layers((3, 8, 8))]
    assert names[-2:] == ["relu", "head"] and "neg" in names


def test_gradients_through_a_part_without_gradients(image):
    """What the network computed under no_grad() is computed with gradients."""
    program = ProgramFile()
    inner = Graph(["value"])
    inner.add("mul.Tensor", "doubled", self="value", other=2.0)
    inner.outputs = [tensor("doubled")]
    node = {"as_graph": {"name": "submod_1", "graph": inner.as_json()}}
    program.add("relu.default", "positive", self="x")
    program.add("torch.ops.higher_order.wrap_with_set_grad_enabled", "wrapped", **{"": False})
    program.nodes[-1]["inputs"] += [
        {"name": "", "arg": node, "kind": 1},
        {"name": "", "arg": tensor("positive"), "kind": 1},
    ]
    classifier(program, "wrapped")
    model = load(program)
    close(model.classify(image), linear(2 * np.maximum(image, 0).mean((2, 3))))
    weights = model.explain(image[0], "grad-cam", 1, layer="relu").weights
    close(weights, 2 * WEIGHT[1] / 64)


@pytest.mark.parametrize("shift", [10.0, -10.0])
def test_condition(image, shift):
    program = ProgramFile()
    program.add("add.Tensor", "shifted", self="x", other=shift)
    program.add("mean.default", "level", self="shifted")
    program.add("gt.Scalar", "is_bright", self="level", other=0)
    branches = []
    for target in ("neg.default", "abs.default"):
        branch = Graph(["value"])
        branch.add(target, "result", self="value")
        branch.outputs = [tensor("result")]
        branches.append({"as_graph": {"name": target, "graph": branch.as_json()}})
    program.add("torch.ops.higher_order.cond", "chosen", **{"": tensor("is_bright")})
    for value in (*branches, tensors("shifted")):
        program.nodes[-1]["inputs"].append({"name": "", "arg": value, "kind": 1})
    classifier(program, "chosen")
    shifted = image + np.float32(shift)
    expected = -shifted if shift > 0 else np.abs(shifted)
    close(load(program).classify(image), linear(expected.mean((2, 3))))


def test_operations_in_place_and_state(image):
    """Each run starts from the buffer's value in the file."""
    program = ProgramFile()
    count = program.stored("count", np.float32([1.0]), "buffer")
    program.add("add_.Tensor", "counted", self=count, other=1)
    program.add("clone.default", "copy", self="x")
    program.add("mul_.Tensor", "scaled", self="copy", other="counted")
    classifier(program, "copy")
    model = load(program)
    for _ in range(2):
        close(model.classify(image), linear(2 * image.mean((2, 3))))


def test_shared_and_overlapping_weights(image):
    program = ProgramFile()
    both = program.stored("both", np.concatenate([WEIGHT.ravel(), BIAS]))
    record = program.weights["both"][0]
    weight = program.stored("weight", WEIGHT, record=record)
    bias = program.stored("bias", BIAS, record=record, offset=12)
    program.add("mul.Tensor", "unused", self=both, other=0.0)
    close(
        load(classifier(program, weight=weight, bias=bias)).classify(image),
        linear(image.mean((2, 3))),
    )


def test_strides_of_weights(image):
    program = ProgramFile()
    weight = program.stored("weight", WEIGHT.T.copy(), shape=[4, 3], strides=[1, 4])
    close(load(classifier(program, weight=weight)).classify(image), linear(image.mean((2, 3))))


def test_constants_and_indices(image):
    program = ProgramFile()
    scale = program.stored("scale", np.float32(3.0), "tensor_constant")
    order = program.stored("order", np.int64([2, 0, 1]), "tensor_constant")
    program.add("lift_fresh_copy.default", "fresh", self=scale)
    program.add("mul.Tensor", "scaled", self="x", other="fresh")
    program.add("index_select.default", "ordered", self="scaled", dim=1, index=order)
    classifier(program, "ordered")
    close(load(program).classify(image), linear(3 * image.mean((2, 3))[:, [2, 0, 1]]))


def test_lists_of_results(image):
    program = ProgramFile()
    program.add("split.Tensor", [tensors("a", "b", "c")], self="x", split_size=1, dim=1)
    program.add("cat.default", "joined", tensors=tensors("c", "a", "b"), dim=1)
    classifier(program, "joined")
    close(load(program).classify(image), linear(image.mean((2, 3))[:, [2, 0, 1]]))


def test_several_results(image):
    program = ProgramFile()
    program.add("max.dim", ["values", "indices"], self="x", dim=3, keepdim=True)
    classifier(program, "values")
    close(load(program).classify(image), linear(image.max(3).mean(2)))


def test_symbolic_sizes(image):
    program = ProgramFile(("s0", 3, "s1", "s1"))
    program.ranges = {"s0": {"min_val": 2, "max_val": 64}, "s1": {"min_val": 4, "max_val": 16}}
    program.add("torch.ops.aten.sym_size.int", [sym_int("n")], self="x", dim=0)
    program.add("torch.ops.aten.sym_size.int", [sym_int("side")], self="x", dim=2)
    program.add("_operator.mul", [sym_int("count")], a=sym_int("side"), b=sym_int("side"))
    sizes = {"as_sym_ints": [{"as_name": "n"}, {"as_int": 3}, {"as_name": "count"}]}
    program.add("view.default", "flat", self="x", size=sizes)
    program.add("div.Tensor", "shares", self="flat", other=sym_int("count"))
    program.add("sum.dim_IntList", "means", self="shares", dim=[2])
    weight, bias = program.stored("weight", WEIGHT), program.stored("bias", BIAS)
    program.add("linear.default", "logits", input="means", weight=weight, bias=bias)
    program.give("logits")
    model = load(program)
    for sides in ((1, 3, 8, 8), (3, 3, 6, 6)):
        batch = RANDOM.randn(*sides).astype(np.float32)
        close(model.classify(batch), linear(batch.mean((2, 3))))
    with pytest.raises(Exception, match="exported for Nx3xHxH, N up to 64, H from 4 up to 16"):
        model.classify(RANDOM.randn(1, 3, 8, 6).astype(np.float32))
    with pytest.raises(Exception, match="exported for Nx3xHxH"):
        model.classify(RANDOM.randn(1, 3, 20, 20).astype(np.float32))


def test_a_program_for_one_size_names_it(image):
    model = load(classifier(ProgramFile()))
    with pytest.raises(Exception, match=r"9.: it was exported for 1x3x8x8 only"):
        model.classify(np.zeros((1, 3, 9, 9), np.float32))


@pytest.mark.parametrize(
    ("expression", "allowed", "words"),
    [
        ("Mul(Integer(4), Symbol('s1', positive=True))", 8, ", H in steps of 4"),
        ("4*s1", 8, ", H in steps of 4"),
        ("Add(Mul(Integer(3), Symbol('s1')), Integer(2))", 8, ", H in steps of 3 plus 2"),
        ("3*s1 - 1", 8, ", H in steps of 3 less 1"),
        ("s1 + 2", 8, ""),
    ],
)
def test_sizes_that_are_expressions(image, expression, allowed, words):
    program = ProgramFile((1, 3, expression, 8))
    program.ranges = {"s1": {"min_val": 0, "max_val": 100}}
    program.add("relu.default", "positive", self="x")
    model = load(classifier(program, "positive"))
    close(model.classify(image), linear(np.maximum(image, 0).mean((2, 3))))
    if words:
        with pytest.raises(Exception, match="exported for 1x3xHx8, H up to [0-9]*" + words[3:]):
            model.classify(np.zeros((1, 3, 9, 8), np.float32))


@pytest.mark.parametrize("expression", ["FloorDiv(Symbol('s1'), Integer(2))", "s1*s2", "Add(", ""])
def test_sizes_of_other_forms_are_left_to_the_program(image, expression):
    program = ProgramFile((1, 3, expression, 8))
    close(load(classifier(program)).classify(image), linear(image.mean((2, 3))))


@pytest.mark.parametrize(
    ("kind", "context"),
    [
        ("builtins.tuple", "null"),
        ("builtins.dict", json.dumps(["scores", "opposite"])),
        ("network.Dataclass", json.dumps([["scores", "opposite"], ["hidden"]])),
        ("collections.namedtuple", "network.Output"),
    ],
)
def test_outputs_by_name_and_position(image, kind, context):
    program = ProgramFile()
    program.add("relu.default", "positive", self="x")
    classifier(program, "positive")
    program.add("neg.default", "negative", self="logits")
    program.give("negative")
    program.out_spec = {"type": kind, "context": context, "children_spec": [LEAF, LEAF]}
    program.named_tuples = {"network.Output": {"field_names": ["scores", "opposite"]}}
    model = load(program)
    names = [("0", 1), ("1", -1)]
    if kind != "builtins.tuple":
        names += [("scores", 1), ("opposite", -1)]
    for name, sign in names:
        found = model.explain(image[0], "grad-cam", 0, layer="relu", output=name)
        close(found.logit, sign * linear(np.maximum(image, 0).mean((2, 3)))[0, 0])


def test_half_precision_is_computed_in_float32(image):
    program = ProgramFile(scalar_type=HALF)
    weight = program.stored("weight", WEIGHT.astype(np.float16))
    bias = program.stored("bias", BIAS.astype(np.float16))
    program.add("mean.dim", "mean", self="x", dim=[2, 3], dtype={"as_scalar_type": HALF})
    program.add("linear.default", "logits", input="mean", weight=weight, bias=bias)
    program.give("logits")
    expected = image.mean((2, 3)) @ WEIGHT.astype(np.float16).T + BIAS.astype(np.float16)
    close(load(program).classify(image), expected)


def test_numbers_where_tensors_are_expected(image):
    """Python takes a number for a tensor, one that does not change the result's type."""
    program = ProgramFile()
    program.add("gt.Scalar", "is_positive", self="x", other=0)
    program.add("where.ScalarOther", "chosen", condition="is_positive", self="x", other=0.25)
    program.add("maximum.default", "larger", self="chosen", other=0.5)
    classifier(program, "larger")
    expected = np.maximum(np.where(image > 0, image, 0.25), 0.5)
    close(load(program).classify(image), linear(expected.mean((2, 3))))


def test_special_numbers(image):
    program = ProgramFile()
    program.add("lt.Scalar", "is_negative", self="x", other=0)
    for number in ("-Infinity", float("-inf")):  # as PyTorch writes it now, and did
        program.nodes = program.nodes[:1]
        program.outputs, program.output_specs = [], []
        program.add(
            "masked_fill.Scalar", "hidden", self="x", mask="is_negative", value={"as_float": number}
        )
        program.add("clamp.default", "bounded", self="hidden", min=-1.0)
        program.input_specs, program.weights = [], {}
        classifier(program, "bounded")
        expected = np.where(image < 0, -1, image)
        close(load(program).classify(image), linear(expected.mean((2, 3))))


@pytest.mark.parametrize("is_parameter", [False, True])
@pytest.mark.parametrize("protocol", [2, 4])
def test_layout_of_earlier_releases(image, is_parameter, protocol):
    program = classifier(ProgramFile())
    program.schema_version = 7
    scale = program.stored("scale", np.float32([2.0]), "tensor_constant")
    program.add("mul.Tensor", "scaled", self="logits", other=scale)
    program.outputs, program.output_specs = [], []
    program.give("scaled")
    content = program.flat_archive(is_parameter=is_parameter, protocol=protocol)
    close(load(content).classify(image), 2 * linear(image.mean((2, 3))))


def test_assertions_are_no_operations(image):
    program = ProgramFile()
    program.add("_operator.ge", [{"as_sym_bool": {"as_name": "holds"}}], a=1, b=0)
    program.add(
        "_assert_scalar.default",
        [],
        self={"as_sym_bool": {"as_name": "holds"}},
        assert_msg={"as_string": "never"},
    )
    close(load(classifier(program)).classify(image), linear(image.mean((2, 3))))
    assert argument(True) == {"as_bool": True} and BOOL == 12
