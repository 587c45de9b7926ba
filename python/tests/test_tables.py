"""Methods, options, and the way of option values."""

import numpy as np
import pytest

import sscam


def option(name):
    return next(option for option in sscam.options() if option.name == name)


def test_methods():
    methods = {method.name: method for method in sscam.methods()}
    assert {"cam", "grad-cam", "grad-cam++", "score-cam", "ss-cam-mean"} <= set(methods)
    assert methods["grad-cam"].needs_gradients and not methods["grad-cam"].needs_scoring
    assert methods["ss-cam-max"].needs_scoring and not methods["ss-cam-max"].needs_gradients
    assert methods["cam"].needs_pooled_linear
    assert methods["ablation-cam"].needs_ablation and not methods["score-cam"].needs_ablation
    assert methods["legrad"].needs_attention and not methods["full-grad"].needs_attention
    assert all(method.title and method.summary and method.citation for method in methods.values())


def test_options_have_python_values():
    assert option("samples").default == 10 and option("samples").type == "int"
    assert option("sigma").default == 4.0 and option("sigma").minimum == 0
    assert option("score").choices == ("logit", "probability")
    assert option("channel_softmax").default is True and option("rescore").default is False
    assert option("mean").default == (0.485, 0.456, 0.406)
    assert option("layer").default is None
    assert all(option.help for option in sscam.options())


@pytest.mark.parametrize(
    "name, value, shown",
    [
        ("samples", 7, 7),
        ("samples", np.int8(7), 7),
        ("samples", "7", 7),
        ("seed", -(2**63), -(2**63)),
        ("seed", 2**63 - 1, 2**63 - 1),
        ("sigma", 0.1, 0.1),
        ("sigma", 2, 2.0),
        ("sigma", np.float32(0.5), 0.5),
        ("sigma", 1 / 3, 1 / 3),
        ("sigma", 1e-300, 1e-300),
        ("score", "probability", "probability"),
        ("rescore", True, True),
        ("rescore", "on", True),
        ("channel_softmax", np.bool_(False), False),
        ("resize", 300, 300),
        ("resize", (200, 300), (200, 300)),
        ("resize", None, None),
        ("crop", "off", None),
        ("crop", "100x120", (100, 120)),
        ("crop", np.array([5, 6]), (5, 6)),
        ("mean", 0.5, (0.5,)),
        ("mean", [0.1, 0.2, 0.3], (0.1, 0.2, 0.3)),
        ("std", np.array([0.25, 0.5, 1.0]), (0.25, 0.5, 1.0)),
        ("layer", "some.where", "some.where"),
        ("layer", None, None),
        ("grid", (14, 7), (14, 7)),
        ("grid", "14x7", (14, 7)),
        ("grid", None, None),
    ],
)
def test_values_go_and_come_back(explainer, name, value, shown):
    explainer.options[name] = value
    assert explainer.options[name] == shown
    assert type(explainer.options[name]) is type(shown)
    explainer.options[name] = shown
    assert explainer.options[name] == shown


@pytest.mark.parametrize(
    "name, value, wanted",
    [
        ("samples", 2.5, "a whole number, not float"),
        ("samples", True, "a whole number, not bool"),
        ("samples", None, "a whole number, not NoneType"),
        ("sigma", [1.0], "a number, not list"),
        ("sigma", 1j, "a number, not complex"),
        ("rescore", 1, "True, False, 'on' or 'off', not int"),
        ("score", True, "one of logit, probability, not bool"),
        ("resize", 0.5, r"a pair \(height, width\) or None, not float"),
        ("crop", (1, 2, 3), r"a pair \(height, width\) or None, not tuple"),
        ("mean", ["a"], "a number or a sequence of numbers, not str"),
        ("layer", 4, "a str, not int"),
        ("grid", (1, 2, 3), r"a pair \(height, width\) or None, not tuple"),
    ],
)
def test_values_of_a_wrong_type(explainer, name, value, wanted):
    with pytest.raises(TypeError, match=f"option {name}: expected .*{wanted}"):
        explainer.options[name] = value


@pytest.mark.parametrize(
    "name, value",
    [
        ("samples", 0),
        ("samples", 2**70),
        ("sigma", -1.0),
        ("sigma", float("nan")),
        ("sigma", float("inf")),
        ("score", "points"),
        ("resize", -3),
        ("std", 0.0),
        ("crop", "wide"),
        ("grid", (0, 7)),
        ("grid", "14"),
    ],
)
def test_values_out_of_range(explainer, name, value):
    before = explainer.options[name]
    with pytest.raises(sscam.ArgumentError):
        explainer.options[name] = value
    assert explainer.options[name] == before


def test_unknown_options(model, explainer):
    with pytest.raises(TypeError, match=r"Explainer\(\) .* 'sample'; did you mean 'samples'"):
        sscam.Explainer(model, sample=3)
    with pytest.raises(TypeError, match=r"Model.explain\(\) .* 'qqq'; the options are layer"):
        model.explain("x.png", qqq=3)
    with pytest.raises(TypeError, match="did you mean 'sigma'"):
        explainer.options.update(sigmas=3)
    with pytest.raises(KeyError, match="did you mean"):
        explainer.options["seeds"]
    with pytest.raises(KeyError, match="there is no option"):
        explainer.options["qqq"] = 1
    assert "samples" in explainer.options and "qqq" not in explainer.options


def test_options_are_a_mapping(explainer):
    assert list(explainer.options) == [option.name for option in sscam.options()]
    assert len(explainer.options) == len(sscam.options())
    assert dict(explainer.options)["max_channels"] == 6
    assert "'max_channels': 6" in repr(explainer.options)


def test_text_of_the_options_of_a_closed_explainer(model):
    explainer = sscam.Explainer(model)
    explainer.close()
    assert repr(explainer.options) == "<sscam.Options: this Explainer is closed>"


def test_a_preset_gives_way_to_other_keywords(model):
    with sscam.Explainer(model, samples=3, preset="torch-cam") as explainer:
        assert explainer.options["samples"] == 3
        assert explainer.options["sigma"] == 2.0
        assert explainer.options["normalise"] == "before_upsample"


@pytest.mark.parametrize("documented", [sscam.Explainer, sscam.Model.explain])
def test_docstrings_name_every_option(documented):
    for option in sscam.options():
        assert f"{option.name}: " in documented.__doc__
    assert max(map(len, documented.__doc__.splitlines())) <= 100
