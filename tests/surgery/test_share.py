"""Share: one input of the result feeds several models; models side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.surgery.tiny import Shape, Tiny, doubler, typed
from tests.surgery.tools import codes, draft_of, findings_of, the
from workbench.describe.actions import words
from workbench.disk import dtypes
from workbench.errors import UsageError
from workbench.findings import Action, Hint
from workbench.model import shapes
from workbench.model.shapes import typed as type_text
from workbench.publishing.reference import chain, depends
from workbench.runtime.chain import FromConstant, FromInput, FromStage
from workbench.surgery import recipe
from workbench.surgery.draft import Draft
from workbench.surgery.operations.adapt import Adapt
from workbench.surgery.operations.connect import Connect
from workbench.surgery.operations.set import Set
from workbench.surgery.operations.share import Share
from workbench.surgery.operations.signature import ChangeSignature
from workbench.surgery.plan import Plan, ResultOptions, Source
from workbench.surgery.signatures.changes import Added
from workbench.surgery.step import Step, parse_step, print_step

KEY = "serving_default"


def joined(models: Mapping[str, Path], *steps: Step, **options: object) -> Plan:
    sources = tuple(Source(handle, path) for handle, path in models.items())
    return Plan(sources, steps, ResultOptions(**options))  # type: ignore[arg-type]


def pair(tmp_path: Path) -> dict[str, Path]:
    return {"a": doubler(tmp_path / "a").save(), "b": doubler(tmp_path / "b").save()}


def ends(draft: Draft) -> tuple[dict[str, str], dict[str, str]]:
    """Inputs and outputs of the result: key → tensor."""
    signature = draft.meta.signatures[KEY]
    inputs, outputs = signature.inputs.values(), signature.outputs.values()
    return {port.key: port.tensor for port in inputs}, {port.key: port.tensor for port in outputs}


def feeds(draft: Draft) -> dict[str, str]:
    """What the sources are fed with in a verification: `HANDLE@TENSOR` → slot, or the wire's source."""
    found = {}
    for stage in chain(draft, KEY).stages:
        for tensor, feed in stage.feeds.items():
            at = f"{feed.stage} {feed.tensor}" if isinstance(feed, FromStage) else ""
            found[f"{stage.name}@{tensor}"] = feed.slot if isinstance(feed, FromInput) else at
    return found


def test_one_input_feeds_both(tmp_path: Path) -> None:
    draft = draft_of(joined(pair(tmp_path), Share({"x": "x"})))
    assert ends(draft) == ({"x": "x:0"}, {"y": "a/y:0", "b_y": "b/y:0"})
    nodes = draft.meta.nodes
    assert nodes["x"].op == "Placeholder" and type_text(*_type(draft, "x")) == "float32 [?,4]"
    for handle in "ab":
        assert nodes[f"{handle}/x"].op == "Identity" and list(nodes[f"{handle}/x"].input) == ["x"]
    assert codes(draft.findings) == ["R6-key"], "of the outputs; the input has its own key"
    assert feeds(draft) == {"a@x:0": "x", "b@x:0": "x"}
    assert depends(draft, KEY) == {"y": True, "b_y": True}
    (call,) = (item for item in draft.meta.callables if item.path == "__call__")
    assert [spec.key for spec in call.variants[0].inputs] == ["x"], "the shared input is taken once"


def _type(draft: Draft, node: str) -> tuple[int, Shape]:
    attr = draft.meta.nodes[node].attr
    return attr["dtype"].type, shapes.from_proto(attr["shape"].shape)


def test_inputs_of_other_keys_and_models_that_do_not_share(tmp_path: Path) -> None:
    models = pair(tmp_path)
    other = Tiny(tmp_path / "c").placeholder("in").node("y", "Tanh", "in", T="float32")
    models["c"] = other.signature(image_in="in:0", y_out="y:0").save()
    models["d"] = doubler(tmp_path / "d").save()
    plan = joined(models, Share({"x": ["a@x", "c@image"]}), Connect("b@y", "d@x"))
    draft = draft_of(plan)
    assert ends(draft)[0] == {"x": "x:0", "b_x": "b/x:0"}
    assert ends(draft)[1] == {"y": "a/y:0", "c_y": "c/y:0", "d_y": "d/y:0"}
    assert feeds(draft) == {"a@x:0": "x", "c@in:0": "x", "b@x:0": "b_x", "d@x:0": "1 y:0"}
    assert draft.meta.nodes["c/in"].op == "Identity"


def test_an_input_that_a_wire_feeds_is_not_shared(tmp_path: Path) -> None:
    """One input feeds A's front and also B: `x` means all inputs `x` without a wire."""
    models = {handle: doubler(tmp_path / handle).save() for handle in ("front", "a", "b")}
    draft = draft_of(joined(models, Connect("front@y", "a@x"), Share({"x": "x"})))
    assert feeds(draft) == {"front@x:0": "x", "b@x:0": "x", "a@x:0": "0 y:0"}
    assert ends(draft)[1] == {"y": "a/y:0", "b_y": "b/y:0"}
    steps = json.loads(draft.recipe)["steps"]
    assert steps[1] == {"operation": "share", "inputs": {"x": ["front@x", "b@x"]}}


def test_the_recipe_gives_the_same_result(tmp_path: Path) -> None:
    plan = joined(pair(tmp_path), Share({"x": "x"}))
    draft = draft_of(plan)
    recipe.save(plan, draft.join, tmp_path / "plan.json")
    again = draft_of(recipe.load(tmp_path / "plan.json"))
    assert again.serialize() == draft.serialize() and again.recipe == draft.recipe


@pytest.mark.parametrize(
    ("one", "other", "declared", "severities"),
    [
        ((None, 4), (None, 4), "float32 [?,4]", []),
        ((None, None), (None, 4), "float32 [?,4]", ["info"]),
        (None, (None, 4), "float32 [?,4]", []),
        ((None, 4), (1, None), "float32 [1,4]", ["warning", "info"]),
    ],
)
def test_the_stricter_shape_is_declared(
    tmp_path: Path, one: Shape, other: Shape, declared: str, severities: list[str]
) -> None:
    models = {"a": typed(tmp_path / "a", "float32", one), "b": typed(tmp_path / "b", "float32", other)}
    draft = draft_of(joined(models, Share({"x": "x"})))
    assert type_text(*_type(draft, "x")) == declared
    assert str(draft.meta.signature().inputs["x"]).endswith(declared)
    assert [one.severity for one in draft.findings if one.code == "share-sizes"] == severities


def refused(plan: Plan) -> list[tuple[str, str]]:
    return [(one.code, one.where) for one in findings_of(plan) if one.severity == "error"]


def test_dtypes_and_shapes_that_differ(tmp_path: Path) -> None:
    images = typed(tmp_path / "a", "uint8", (None, 28, 28, 1))
    models = {"a": images, "b": typed(tmp_path / "b", "float32", (None, 784))}
    found = the(findings_of(joined(models, Share({"x": "x"}))), "share-dtype")
    assert found.message == "a@x takes uint8 [?,28,28,1]; b@x takes float32 [?,784]."
    assert words(found.hint, "command line") == (
        "Put `flatten | cast float32` before b@x: run `workbench adapt b --before x 'flatten | cast float32' -o DIR` "
        "first, and share the input of the result."
    )
    swapped = joined({"b": models["b"], "a": images}, Share({"x": "x"}))
    assert "`flatten | cast float32` before b@x" in (the(findings_of(swapped), "share-dtype").hint or ""), (
        "the way that loses nothing"
    )
    models["b"] = typed(tmp_path / "c", "uint8", (None, 28, 28))
    assert refused(joined(models, Share({"x": "x"}))) == [("share-shape", "x=a@x,b@x")]


def test_what_is_refused(tmp_path: Path) -> None:
    models = pair(tmp_path)
    models["c"] = typed(tmp_path / "c", "string", ())
    shared = Share({"x": ["a@x", "b@x"]})
    cases: list[tuple[tuple[Step, ...], list[tuple[str, str]]]] = [
        ((Share({"x": ["a@x"]}),), [("share-input", "x=a@x")]),
        ((Share({"z": "z"}),), [("share-input", "z=z")]),
        ((Share({"z": []}),), [("share-input", "z=")]),
        ((Share({}),), [("share-input", "share")]),
        ((Share({"x": ["a@x", "a@x"]}),), [("share-input", "x=a@x,a@x")]),
        ((Share({"x": ["a@x", "d@x"]}),), [("R1-handle", "d@x")]),
        ((Share({"x": ["a@x", "b@w"]}),), [("R1-unknown", "b@w")]),
        ((Share({"lambda": ["a@x", "b@x"]}),), [("R6-rename", "lambda=a@x,b@x")]),
        ((shared, Share({"z": ["a@x", "b@x"]})), [("R2-twice", "a@x"), ("R2-twice", "b@x")]),
        ((shared, Share({"x": ["a@x", "b@x"]})), [("share-key", "x=a@x,b@x")]),
        ((Connect("a@y", "b@x"), shared), [("R2-twice", "b@x")]),
        ((shared,), [("R1-alone", "c")]),
        ((ChangeSignature(rename={KEY: "other"}), shared), [("step-order", "x=a@x,b@x")]),
    ]
    for steps, expected in cases:
        found = refused(joined(models, *steps, side_by_side=expected[0][0] == "step-order"))
        assert [one for one in found if one[0] != "R1-alone" or expected[0][0] == "R1-alone"] == expected
    found = the(findings_of(joined(models, Share({"x": ["a@x"]}))), "share-input")
    assert found.hint == "Name another one; the other models have b@x, c@x."


def test_models_side_by_side(tmp_path: Path) -> None:
    models = pair(tmp_path)
    found = the(findings_of(joined(models)), "R1-no-wire")
    assert isinstance(found.hint, Hint) and found.hint.action == Action("connect")
    draft = draft_of(joined(models, side_by_side=True))
    assert ends(draft) == ({"x": "a/x:0", "b_x": "b/x:0"}, {"y": "a/y:0", "b_y": "b/y:0"})
    models["c"] = doubler(tmp_path / "c").save()
    shared = Share({"x": ["a@x", "b@x"]})
    alone = the(findings_of(joined(models, shared)), "R1-alone")
    assert alone.where == "c" and isinstance(alone.hint, Hint) and alone.hint.action == Action("side-by-side")
    assert feeds(draft_of(joined(models, shared, side_by_side=True))) == {
        "a@x:0": "x", "b@x:0": "x", "c@x:0": "c_x",
    }  # fmt: skip


def test_own_signatures_can_still_be_fed(tmp_path: Path) -> None:
    draft = draft_of(joined(pair(tmp_path), Share({"x": "x"}), keep_signatures=True))
    assert draft.meta.nodes["b/x"].op == "PlaceholderWithDefault"
    assert draft.meta.signatures["b_serving_default"].inputs["x"].tensor == "b/x:0"
    assert ends(draft)[0] == {"x": "x:0"}


def test_an_input_that_no_output_needs(tmp_path: Path) -> None:
    models = pair(tmp_path)
    useless = doubler(tmp_path / "c").placeholder("z")
    models["c"] = useless.signature(x_in="x:0", z_in="z:0", y_out="y:0").save()
    draft = draft_of(joined(models, Share({"x": ["a@x", "b@x", "c@z"]}), side_by_side=True))
    assert the(draft.findings, "R9-dropped-input").where == "c@z"
    assert feeds(draft) == {"a@x:0": "x", "b@x:0": "x", "c@x:0": "c_x"}
    only = joined(models, Share({"z": ["c@z", "b@%x"]}), Connect("a@y", "c@x"), side_by_side=True)
    assert ends(draft_of(only))[0]["z"] == "z:0"
    twice = Tiny(tmp_path / "d").placeholder("x").placeholder("z").placeholder("w")
    twice.node("y", "Tanh", "x", T="float32")
    models = {"d": twice.signature(x_in="x:0", z_in="z:0", w_in="w:0", y_out="y:0").save()}
    assert refused(joined(models, Share({"z": ["d@z", "d@w"]}))) == [("share-unused", "z=d@z,d@w")]


def test_defaults(tmp_path: Path) -> None:
    """One that all models have stays; another is lost, and the input must be given."""

    def model(name: str, default: float | None) -> Path:
        made = doubler(tmp_path / name)
        if default is not None:
            value = made.meta.signature_def[KEY].defaults["x"]
            value.dtype = dtypes.enum("float32")
            value.float_val.append(default)
        return made.save()

    same = draft_of(joined({"a": model("a", 1.0), "b": model("b", 1.0)}, Share({"x": "x"})))
    default = same.meta.signature().inputs["x"].default
    assert default is not None and list(default.float_val) == [1.0]
    other = draft_of(joined({"a": model("c", 1.0), "b": model("d", None)}, Share({"x": "x"})))
    assert other.meta.signature().inputs["x"].default is None
    assert the(other.findings, "share-default").where == "a@x"


def test_a_sparse_input(tmp_path: Path) -> None:
    def model(name: str, size: int | None) -> Path:
        made = Tiny(tmp_path / name).placeholder("i", "int64", (None, 2)).placeholder("v", "float32", (None,))
        made.placeholder("s", "int64", (2,))
        made.node("y", "SparseToDense", "i", "s", "v", "zero", T="float32", Tindices="int64").const("zero", 0)
        made.signature(x_in=("", "float32", (None, size)), y_out=("y:0", "float32", None))
        sparse = made.meta.signature_def[KEY].inputs["x"].coo_sparse
        sparse.indices_tensor_name, sparse.values_tensor_name, sparse.dense_shape_tensor_name = (
            "i:0",
            "v:0",
            "s:0",
        )
        return made.save()

    draft = draft_of(joined({"a": model("a", 4), "b": model("b", None)}, Share({"x": "x"})))
    port = draft.meta.signature().inputs["x"]
    assert port.kind == "sparse" and port.tensors == ("x/indices:0", "x/values:0", "x/dense_shape:0")
    assert port.shape == (None, 4)
    assert feeds(draft) == {
        f"{handle}@{node}:0": f"x.{part}"
        for handle in "ab"
        for node, part in (("i", "indices"), ("v", "values"), ("s", "dense_shape"))
    }


def test_names_that_are_taken(tmp_path: Path) -> None:
    """The placeholder is never in a model's scope; its key is renamed like any other."""
    models = {"x": doubler(tmp_path / "a").save(), "b": doubler(tmp_path / "b").save()}
    draft = draft_of(joined(models, Share({"x": "x"}), rename_inputs=(("x", "picture"),)))
    assert ends(draft)[0] == {"picture": "x_2:0"}
    assert list(feeds(draft).values()) == ["picture", "picture"]


def test_later_steps_change_the_shared_input(tmp_path: Path) -> None:
    shared = Share({"x": "x"})
    draft = draft_of(joined(pair(tmp_path), shared, Set("x", [[1.0] * 4])))
    stages = chain(draft, KEY).stages
    assert [type(stage.feeds["x:0"]) for stage in stages] == [FromConstant, FromConstant]
    draft = draft_of(joined(pair(tmp_path), shared, Adapt(before={"x": "cast float32 | scale 1/2"})))
    assert ends(draft)[0] == {"x": "adapt_0/input:0"} and feeds(draft) == {"a@x:0": "x", "b@x:0": "x"}
    step = ChangeSignature(add=(Added("more", {"x": "x:0"}, {"out": "b/y:0"}),))
    draft = draft_of(joined(pair(tmp_path), shared, step))
    assert [one.handle for one in draft.references["more"].inputs["x"]] == ["a", "b"]
    assert [stage.name for stage in chain(draft, "more").stages] == ["b"], "no output needs a"


def test_words() -> None:
    step = Share({"x": ["a@x", "b@pixels"], "size": "size"})
    assert print_step(step) == "share x=a@x,b@pixels size=size" and parse_step(print_step(step)) == step
    assert Share.parse("x=a@x,b@pixels") == Share({"x": "a@x,b@pixels"})
    odd = Share({"inputs": ["a,b", "c"], "p=q": ["r"]})
    assert parse_step(print_step(odd)) == odd
    for text in ("image", "=image", ""):
        with pytest.raises(UsageError, match="what is shared"):
            Share.parse(text)


def test_plans_in_python(tmp_path: Path) -> None:
    models = pair(tmp_path)
    plan = Plan.join(**models, shares={"x": ["a@x", "b@x"]})
    assert plan.steps == (Share({"x": "a@x,b@x"}),) and plan.has_result
    assert Plan.join(**models, side_by_side=True).has_result
    assert not Plan.join(**models).has_result
    late = plan.with_step(Set("x", 1.0)).with_step(Connect("a@y", "b@x"))
    assert [type(step) for step in late.steps] == [Share, Connect, Set]
    with pytest.raises(UsageError):
        Plan.join(**models, shares=["x"])  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        Plan.join(**models, shares={"x": [1]})  # type: ignore[list-item]
