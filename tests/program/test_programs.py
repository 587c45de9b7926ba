"""What programs of torch.export compute, against NumPy."""

import json
from pathlib import Path

import numpy as np
import pytest

import sscam
from conftest import load
from program_file import BYTE, FLOAT, HALF, LEAF, Graph, ProgramFile, sym_int, tensor, tensors

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


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        ("getattr(getattr(L['s'].layer4, '0'), '1')", "layer4.0.1"),
        ("getattr(L['self'].layer4, '0').conv", "layer4.0.conv"),
        ("L['self'].ways['a b']", "ways.a b"),
        ("getattr(L['fn'], '3')", "3"),
        ("L['self'].blocks[2].norm", "blocks.2.norm"),
        ("layer4.0.1@1", "layer4.0.1"),
    ],
)
def test_paths_of_modules_in_earlier_releases(image, stored, name):
    program = ProgramFile()
    program.add("relu.default", "positive", self="x")
    stack = f"L__self__,,network.Network;fn,L['fn'],network.Inner;key,{stored},activation.ReLU"
    program.nodes[-1]["metadata"] = {"nn_module_stack": stack}
    layers = load(classifier(program, "positive")).layers((3, 8, 8))
    assert [layer.name for layer in layers if layer.kind == "ReLU"] == [name]


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


@pytest.mark.parametrize(
    "release, logits",
    [
        ("2.5", [-0.68809128, -0.11965334, -0.01109304]),
        ("2.6", [0.06669574, -0.24650675, -0.42891809]),
    ],
)
def test_a_file_of_an_earlier_pytorch(release, logits):
    """Sequential(Conv2d(3, 4, 3), BatchNorm2d, ReLU, AdaptiveAvgPool2d, Flatten, Linear), exported
    by that release's torch.export.save; the logits are its own."""
    model = sscam.Model(str(Path(__file__).parent / f"pytorch_{release}.pt2"))
    waves = np.sin(0.37 * np.arange(432)).astype(np.float32).reshape(1, 3, 12, 12)
    close(model.classify(waves), [logits])
    layers = {layer.name: layer.kind for layer in model.layers((3, 12, 12))}
    assert layers["0"] == "Conv2d" and layers["2"] == "ReLU" and layers["5"] == "Linear"
    assert model.input_shape == (None, 3, 12, 12) and model.class_count == 3


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


# --- what holds for an input ----------------------------------------------------------------------

H, W, N = "L['x'].size()[2]", "L['x'].size()[3]", "L['x'].size()[0]"


def resizable(shape=("s0", 3, "s1", "s2")):
    program = ProgramFile(shape)
    program.ranges = {
        "s0": {"min_val": 2, "max_val": 64},
        "s1": {"min_val": 2, "max_val": 64},
        "s2": {"min_val": 2, "max_val": 64},
    }
    return program


@pytest.mark.parametrize(
    ("guard", "holds_for", "fails_for", "words"),
    [
        (f"{H} <= {W}", (6, 8), (8, 6), "H <= W"),
        (f"{H}*{W} > 50", (8, 8), (5, 8), r"H\*W > 50"),
        (f"({W} % 4) == 0", (3, 8), (8, 9), r"\(W % 4\) == 0"),
        (f"{H} != 9", (8, 8), (9, 8), "H != 9"),
        (f"({H} // 4) == ((3 + {H}) // 4)", (8, 8), (9, 8), r"\(H // 4\) == \(\(3 \+ H\) // 4\)"),
        (f"Eq(Mod({H}, 3), 2)", (8, 8), (9, 8), r"Eq\(Mod\(H, 3\), 2\)"),
        (f"(max(1, {H} // 4)*max(1, {W} // 4)) != 1", (8, 8), (5, 5), "max"),
        (f"{H} < 5 or not ({W} > 7 and {N} == 1)", (4, 8), (8, 8), "or not"),
        (f"2*{H} - -3 >= {W}**2", (50, 8), (8, 8), r"2\*H - -3 >= W\*\*2"),
        (f"math.floor({H} / 3) < 3", (8, 8), (9, 8), "math.floor"),
        (f"4 <= {H} <= 8", (8, 8), (9, 8), "4 <= H <= 8"),
    ],
)
def test_guards(guard, holds_for, fails_for, words):
    """What the network is beyond them the program does not know."""
    program = resizable()
    program.guards = [guard, "L['flag'] == True"]
    model = load(classifier(program))
    small = RANDOM.randn(1, 3, *holds_for).astype(np.float32)
    close(model.classify(small), linear(small.mean((2, 3))))
    with pytest.raises(
        sscam.SscamError, match="was exported for sizes with .*" + words + ".* only"
    ):
        model.classify(np.zeros((1, 3, *fails_for), np.float32))


@pytest.mark.parametrize(
    "guard",
    [
        f"{H} in (1, 2)",
        f"unknown({H}) > 2",
        f"{H} and {W}",
        f"{H} > ",
        "L['x'].size()[4] > 2",
        f"({H} > 2",
        f"{H} % 2.5 == 0",
        "(" * 1000 + H,
        f"{H} == 2" + "**2" * 1000,
    ],
)
def test_guards_that_cannot_be_checked_are_refused(guard):
    program = resizable()
    program.guards = [guard]
    with pytest.raises(sscam.SscamError, match="which cannot be checked"):
        load(classifier(program))


@pytest.mark.parametrize("guard", [f"4 % ({H} - 8) == 0", f"{N} // (8 - {H}) == 0"])
def test_division_by_zero_in_a_guard(image, guard):
    program = resizable()
    program.guards = [guard]
    with pytest.raises(sscam.SscamError, match="divides a size by a number that is not positive"):
        load(classifier(program)).classify(image)


@pytest.mark.parametrize("operation", ["mod", "floordiv"])
def test_division_by_zero_in_a_program(image, operation):
    program = resizable()
    program.add("torch.ops.aten.sym_size.int", [sym_int("side")], self="x", dim=2)
    program.add("_operator.sub", [sym_int("zero")], a=sym_int("side"), b=8)
    program.add("_operator." + operation, [sym_int("none")], a=7, b=sym_int("zero"))
    program.add("mul.Tensor", "scaled", self="x", other=sym_int("none"))
    with pytest.raises(sscam.SscamError, match="divides a size by a number that is not positive"):
        load(classifier(program, "scaled")).classify(image)


def sym_bool(name):
    return {"as_sym_bool": {"as_name": name}}


def text(value):
    return {"as_string": value}


def test_assertions(image):
    program = resizable()
    program.add("torch.ops.aten.sym_size.int", [sym_int("side")], self="x", dim=2)
    program.add("_operator.ge", [sym_bool("holds")], a=sym_int("side"), b=8)
    message = "Runtime assertion failed for expression s1 >= 8 on node 'ge_1'"
    program.add("_assert_scalar.default", [], self=sym_bool("holds"), assert_msg=text(message))
    program.add("max.default", "most", self="x")
    program.add("lt.Scalar", "is_low", self="most", other=100)
    program.add("_assert_async.msg", [], self="is_low", assert_msg=text("values below 100"))
    program.add("sym_constrain_range.default", [], size=sym_int("side"), min=None, max=9)
    program.add("sym_constrain_range_for_size.default", [], size=sym_int("side"))
    metadata = {
        "size": {"as_sym_ints": [{"as_int": 1}, {"as_int": 3}, {"as_name": "side"}, {"as_int": 8}]}
    }
    metadata["dtype"] = {"as_scalar_type": HALF}  # the library computes in float32
    program.add("_assert_tensor_metadata.default", [], a="x", **metadata)
    model = load(classifier(program))
    close(model.classify(image), linear(image.mean((2, 3))))
    for shape, words in [
        ((1, 3, 7, 8), "does not hold for it: s1 >= 8"),
        ((1, 3, 10, 8), "must be at most 9"),
        ((1, 3, 8, 9), 'does not hold for it: the node "node"'),
    ]:
        with pytest.raises(sscam.SscamError, match=words):
            model.classify(np.zeros(shape, np.float32))
    with pytest.raises(sscam.SscamError, match="does not hold for it: values below 100"):
        model.classify(image + 100)


def test_assertions_with_tokens(image):
    program = ProgramFile()
    program.add("_make_dep_token.default", "token")
    program.add("max.default", "most", self="x")
    program.add("lt.Scalar", "is_low", self="most", other=100)
    program.add(
        "_functional_assert_async.msg",
        "later",
        self="is_low",
        assert_msg=text("values below 100"),
        dep_token="token",
    )
    program.add(
        "_functional_sym_constrain_range.default", "last", size=4, min=1, max=4, dep_token="later"
    )
    try:
        model = load(classifier(program))
    except sscam.UnsupportedError as reason:
        assert "aten._make_dep_token.default" in str(reason)
        pytest.skip("skipped: this libtorch is older than tokens")
    close(model.classify(image), linear(image.mean((2, 3))))
    with pytest.raises(sscam.SscamError, match="values below 100"):
        model.classify(image + 100)


# --- operators that decomposed programs have ------------------------------------------------------


def test_copies_have_gradients(image):
    """copy() gives the values of the second tensor in the shape and type of the first."""
    program = ProgramFile()
    program.add("mean.dim", "level", self="x", dim=[1, 2, 3], keepdim=True)
    program.add("relu.default", "positive", self="level")
    program.add("copy.default", "copied", self="x", src="positive")
    program.add("mul.Tensor", "scaled", self="copied", other=2.0)
    model = load(classifier(program, "scaled"))
    expected = np.broadcast_to(2 * np.maximum(image.mean((1, 2, 3), keepdims=True), 0), image.shape)
    close(model.classify(image), linear(expected.mean((2, 3))))
    map_ = model.explain(image[0] + 1, "grad-cam", 1, layer="relu")
    close(map_.weights, 2 * WEIGHT[1].sum())


def test_batch_norms_and_convolutions_of_decomposed_programs(image):
    program = ProgramFile()
    kernel = RANDOM.randn(6, 1, 3, 3).astype(np.float32)
    scale, shift = (RANDOM.rand(6).astype(np.float32) + 0.5 for _ in range(2))
    mean, variance = RANDOM.randn(6).astype(np.float32), RANDOM.rand(6).astype(np.float32) + 0.5
    bias = {"as_none": True}
    program.add(
        "convolution.default",
        "convolved",
        input="x",
        weight=program.stored("kernel", kernel),
        bias=bias,
        stride=[2, 1],
        padding=[0, 0],
        dilation=[1, 1],
        transposed=False,
        output_padding=[0, 0],
        groups=3,
    )
    program.add(
        "_native_batch_norm_legit_no_training.default",
        [tensor("normal"), tensor("mean_0"), tensor("variance_0")],
        input="convolved",
        weight=program.stored("scale", scale),
        bias=program.stored("shift", shift),
        running_mean=program.stored("running_mean", mean, "buffer"),
        running_var=program.stored("running_var", variance, "buffer"),
        momentum=0.1,
        eps=1e-5,
    )
    weight = program.stored("weight", WEIGHT)
    program.add("view.default", "pairs", self="normal", size=[1, 3, 2, -1])
    classifier(program, "pairs", weight=weight)
    patches = np.lib.stride_tricks.sliding_window_view(image, (3, 3), (2, 3))[:, :, ::2]
    convolved = np.einsum("nchwij,coij->ncohw", patches, kernel.reshape(3, 2, 3, 3))
    convolved = convolved.reshape(1, 6, *convolved.shape[3:])
    factor = (scale / np.sqrt(variance + 1e-5)).reshape(1, 6, 1, 1)
    normal = (convolved - mean.reshape(1, 6, 1, 1)) * factor + shift.reshape(1, 6, 1, 1)
    close(load(program).classify(image), linear(normal.reshape(1, 3, -1).mean(2)))


def test_inputs_of_whole_numbers(image):
    """Networks that take pixels."""
    program = ProgramFile(scalar_type=BYTE)
    program.add("_to_copy.default", "real", self="x", dtype={"as_scalar_type": FLOAT})
    program.add("div.Tensor", "share", self="real", other=255.0)
    model = load(classifier(program, "share"))
    pixels = RANDOM.randint(0, 256, (1, 3, 8, 8)).astype(np.float32)
    found = model.explain(pixels[0], "grad-cam", 1, layer="div", input_type="uint8")
    close(found.logit, linear(pixels.mean((2, 3)) / 255)[0, 1])
    with pytest.raises(
        sscam.SscamError, match="of uint8; for the image, set the option input_type"
    ):
        model.explain(pixels[0], "grad-cam", 1, layer="div", input_type="float32")


# --- what the file says ---------------------------------------------------------------------------


def test_a_program_for_one_input_takes_several_one_by_one():
    program = ProgramFile()
    program.add("sum.dim_IntList", "sums", self="x", dim=[0], keepdim=True)  # mixes a batch
    batch = RANDOM.randn(3, 3, 8, 8).astype(np.float32)
    close(load(classifier(program, "sums")).classify(batch), linear(batch.mean((2, 3))))


@pytest.mark.parametrize(
    ("shape", "told"), [((1, 3, 8, 8), (None, 3, 8, 8)), (("s0", 3, "2*s1", 8), (None, 3, None, 8))]
)
def test_shape_and_classes_are_known_without_a_run(shape, told):
    program = ProgramFile(shape)
    program.ranges = {"s0": {"min_val": 1, "max_val": 4}, "s1": {"min_val": 1, "max_val": 9}}
    classifier(program)
    program.add("neg.default", "negative", self="logits")
    program.give("negative")
    program.out_spec = {"type": "builtins.tuple", "context": "null", "children_spec": [LEAF, LEAF]}
    program.tensors["logits"] = {**program.tensors["x"]}
    program.tensors["logits"]["sizes"] = [program.tensors["x"]["sizes"][0], {"as_int": 4}]
    model = load(program)
    assert model.input_shape == told and model.class_count == 4


def test_parameters_belong_to_the_modules_of_the_network(image):
    """Random numbers that stand for equal ones are equal to them, so that randomising the head
    alone changes nothing."""
    program = ProgramFile()
    scale = program.stored("first.scale", np.float32([2.0, 3.0]))
    weight = program.stored("head.weight", np.full((4, 3), 0.5, np.float32))
    bias = program.stored("head.bias", np.full(4, 0.25, np.float32))
    program.add("prod.default", "factor", self=scale)
    program.add("mul.Tensor", "scaled", self="x", other="factor")
    model = load(classifier(program, "scaled", weight, bias))
    logits = model.classify(image)
    close(model.randomised(1).classify(image), logits)
    assert not np.allclose(model.randomised(2).classify(image), logits)
