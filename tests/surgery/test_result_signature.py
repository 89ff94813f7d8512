"""What the result can be called with: keys, collisions, open inputs, kept outputs and signatures, loose shapes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.surgery.tiny import Shape, Tiny, doubler, plan, typed
from tests.surgery.tools import codes, draft_of, findings_of, the
from workbench.describe.actions import words
from workbench.model.shapes import from_proto
from workbench.surgery.draft import Draft
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan, ResultOptions, Source


def ends(draft: Draft, key: str = "serving_default") -> tuple[dict[str, str], dict[str, str]]:
    """Inputs and outputs of a signature of the result: key → tensor."""
    signature = draft.meta.signatures[key]
    return (
        {key: port.tensor for key, port in signature.inputs.items()},
        {key: port.tensor for key, port in signature.outputs.items()},
    )


def two(folder: Path) -> Path:
    """`x`, `z` → `y` = x + z, `w` = z + z."""
    made = Tiny(folder).placeholder().placeholder("z").node("y", "AddV2", "x", "z", T="float32")
    made.node("w", "AddV2", "z", "z", T="float32")
    return made.signature(x_in="x:0", z_in="z:0", y_out="y:0", w_out="w:0").save()


def test_the_plain_join(tmp_path: Path) -> None:
    draft = draft_of(plan(doubler(tmp_path / "a").save(), doubler(tmp_path / "b").save()))
    assert ends(draft) == ({"x": "a/x:0"}, {"y": "b/y:0"})
    assert codes(draft.findings) == []
    assert draft.meta.tags == ("serve",)
    assert draft.meta.nodes["b/x"].op == "Identity"
    assert list(draft.meta.nodes["b/x"].input) == ["a/y"]
    assert draft.meta.signatures["serving_default"].method_name == "tensorflow/serving/predict"


def test_signature_and_tags_of_the_result(tmp_path: Path) -> None:
    a, b = doubler(tmp_path / "a").save(), doubler(tmp_path / "b").save()
    draft = draft_of(plan(a, b, signature="mine", tags=("serve", "gpu")))
    assert ends(draft, "mine")[1] == {"y": "b/y:0"}
    assert list(draft.meta.signatures) == ["mine"]
    assert draft.meta.tags == ("serve", "gpu")


def test_open_inputs_and_collisions(tmp_path: Path) -> None:
    """`x` of the first model keeps its name; the second's is told."""
    draft = draft_of(plan(two(tmp_path / "a"), two(tmp_path / "b"), "y=x"))
    assert ends(draft) == ({"x": "a/x:0", "z": "a/z:0", "b_z": "b/z:0"}, {"y": "b/y:0", "w": "b/w:0"})
    found = the(draft.findings, "R6-key")
    assert (found.severity, found.where) == ("info", "b@z") and "'b_z'" in found.message


def test_collisions_with_names_made_up(tmp_path: Path) -> None:
    made = doubler(tmp_path / "b").placeholder("other")
    made.meta.graph_def.node[1].input[1] = "other"
    made.meta.signature_def["serving_default"].inputs.clear()
    made.signature(x_in="x:0", z_in="other:0")
    first = Tiny(tmp_path / "a").placeholder().placeholder("z").placeholder("bz")
    first.node("one", "AddV2", "x", "z", T="float32").node("y", "AddV2", "one", "bz", T="float32")
    first.signature(x_in="x:0", z_in="z:0", b_z_in="bz:0", y_out="y:0")
    draft = draft_of(plan(first.save(), made.save(), "y=x"))
    assert ends(draft)[0] == {"x": "a/x:0", "z": "a/z:0", "b_z": "a/bz:0", "b_z_2": "b/other:0"}


def test_inputs_nobody_needs_any_more(tmp_path: Path) -> None:
    draft = draft_of(plan(two(tmp_path / "a"), doubler(tmp_path / "b").save(), "w=x"))
    assert ends(draft)[0] == {"z": "a/z:0"}
    found = the(draft.findings, "R9-dropped-input")
    assert (found.severity, found.where) == ("info", "a@x")
    assert "a/x" not in draft.meta.nodes and draft.parts["a"].counts.pruned == 2


def test_keep_outputs(tmp_path: Path) -> None:
    draft = draft_of(plan(two(tmp_path / "a"), two(tmp_path / "b"), "w=x", keep_outputs=True))
    inputs, outputs = ends(draft)
    assert outputs == {"w": "b/w:0", "y": "b/y:0", "a_w": "a/w:0", "a_y": "a/y:0"}
    assert inputs == {"x": "a/x:0", "z": "a/z:0", "b_z": "b/z:0"}
    assert [one.where for one in draft.findings if one.code == "R6-key"] == ["b@z", "a@w", "a@y"]


def test_a_wire_that_does_nothing(tmp_path: Path) -> None:
    made = doubler(tmp_path / "b").placeholder("unused")
    made.signature(unused_in="unused:0")
    a, b = doubler(tmp_path / "a").save(), made.save()
    found = the(findings_of(plan(a, b, "y=unused")), "R9-unused-wire")
    assert (found.severity, found.where) == ("error", "a@y=b@unused") and "--signature-of b=" in words(
        found.hint, "command line"
    )


def test_a_placeholder_no_signature_names(tmp_path: Path) -> None:
    made = Tiny(tmp_path / "b").placeholder().placeholder("flags/training")
    made.node("y", "AddV2", "x", "flags/training", T="float32").signature(x_in="x:0", y_out="y:0")
    draft = draft_of(plan(doubler(tmp_path / "a").save(), made.save()))
    assert ends(draft)[0] == {"x": "a/x:0", "training": "b/flags/training:0"}
    found = the(draft.findings, "R9-added-input")
    assert (found.severity, found.where) == ("info", "b@flags/training") and "'training'" in found.message


@pytest.mark.parametrize("keep", [False, True])
def test_a_placeholder_that_is_waited_for(tmp_path: Path, keep: bool) -> None:
    """A control edge from a placeholder that is fed asks for no second input, and for none that is missing."""

    def waiting(name: str) -> Path:
        made = Tiny(tmp_path / name).placeholder().placeholder("z").node("n", "Neg", "x", T="float32")
        made.node("y", "AddV2", "n", "n", "^x", "^z", T="float32")
        return made.signature(x_in="x:0", z_in="z:0", y_out="y:0").save()

    draft = draft_of(plan(waiting("a"), waiting("b"), keep_signatures=keep))
    assert ends(draft) == ({"x": "a/x:0", "a_z": "a/z:0", "b_z": "b/z:0"}, {"y": "b/y:0"}) or ends(draft) == (
        {"x": "a/x:0", "z": "a/z:0", "b_z": "b/z:0"},
        {"y": "b/y:0"},
    )
    assert not {"R9-added-input", "R9-dropped-signature"} & set(codes(draft.findings))


def test_an_output_of_nothing(tmp_path: Path) -> None:
    made = doubler(tmp_path / "b").const("one", 1).signature(one_out=("one:0", "float32", ()))
    draft = draft_of(plan(doubler(tmp_path / "a").save(), made.save()))
    assert the(draft.findings, "R9-constant-output").where == "b@one"
    assert [(port.key, port.depends) for port in draft.interface.outputs] == [("one", False), ("y", True)]


def test_outputs_that_are_inputs(tmp_path: Path) -> None:
    """Wired, the input is the other model's output; kept, it is the first's own."""
    made = [doubler(tmp_path / name).signature(same_out="x:0").save() for name in "ab"]
    draft = draft_of(plan(*made, "same=x", keep_outputs=True))
    assert ends(draft) == ({"x": "a/x:0"}, {"same": "b/x:0", "y": "b/y:0", "a_same": "a/x:0", "a_y": "a/y:0"})


def test_bare_tensors_bring_the_placeholders_behind_them(tmp_path: Path) -> None:
    bare = Tiny(tmp_path / "a").placeholder("in/one").placeholder("in/two")
    bare.node("sum", "AddV2", "in/one", "in/two", T="float32")
    draft = draft_of(plan(bare.save(), doubler(tmp_path / "b").save(), "sum=x"))
    assert ends(draft)[0] == {"one": "a/in/one:0", "two": "a/in/two:0"}


def test_a_bridge_into_what_no_placeholder_is(tmp_path: Path) -> None:
    """Consumers of the tensor take the bridge; what was behind it goes."""
    made = Tiny(tmp_path / "b").placeholder().node("h", "Tanh", "x", T="float32")
    made.node("y", "AddV2", "h", "h", T="float32").signature(x_in="x:0", y_out="y:0")
    draft = draft_of(plan(doubler(tmp_path / "a").save(), made.save(), "y=%h"))
    nodes = draft.meta.nodes
    assert list(nodes["b/y"].input) == ["b/h_0/wired", "b/h_0/wired"]
    assert (nodes["b/h_0/wired"].op, list(nodes["b/h_0/wired"].input)) in (
        ("Identity", ["a/y"]),
        ("EnsureShape", ["a/y"]),
    )
    assert "b/h" not in nodes and "b/x" not in nodes


def test_control_inputs_of_a_wired_node(tmp_path: Path) -> None:
    made = Tiny(tmp_path / "b").placeholder().const("one", 1).node("h", "Tanh", "x", T="float32")
    made.node("after", "Identity", "one", "^h", T="float32").node("y", "AddV2", "h", "after", T="float32")
    made.signature(x_in="x:0", y_out="y:0")
    draft = draft_of(plan(doubler(tmp_path / "a").save(), made.save(), "y=%h"))
    assert list(draft.meta.nodes["b/after"].input) == ["b/one", "^b/h_0/wired"]


# -- shapes of outputs


@pytest.mark.parametrize(
    ("gives", "takes", "expected", "op"),
    [
        ((None, 4), (None, 4), (None, 4), "Identity"),
        ((7, 4), (None, 4), (None, 4), "Identity"),
        ((None, 4), (2, 4), (2, 4), "EnsureShape"),
        ((None, None), (None, 4), (None, 4), "EnsureShape"),
        (None, (2, 4), (2, 4), "EnsureShape"),
    ],
)
def test_a_declared_output_shape_stays(
    tmp_path: Path, gives: Shape, takes: Shape, expected: Shape, op: str
) -> None:
    """Where the wire does not prove the input's own shape, an EnsureShape does."""
    draft = draft_of(plan(typed(tmp_path / "a", "float32", gives), typed(tmp_path / "b", "float32", takes)))
    info = draft.proto.meta_graphs[0].signature_def["serving_default"].outputs["y"]
    assert from_proto(info.tensor_shape) == expected
    assert draft.meta.nodes["b/x"].op == op
    if op == "EnsureShape":
        assert from_proto(draft.meta.nodes["b/x"].attr["shape"].shape) == takes


@pytest.mark.parametrize(
    ("own", "gives", "expected"),
    [
        ((None, 4), (7, 4), (None, 4)),
        ((None, 4), (None, 4), (None, 4)),
        ((None, 4), (2, 4), (2, 4)),
        ((None, None), (7, 5), None),
        (None, (2, 5), None),
    ],
)
def test_what_only_a_signature_declares_is_no_surer_than_the_wires(
    tmp_path: Path, own: Shape, gives: Shape, expected: Shape
) -> None:
    """The placeholder takes more than the signature says, which an output's shape is declared after."""
    declared = ("float32", (2, 4))
    made = Tiny(tmp_path / "b").placeholder("x", shape=own).node("y", "Tanh", "x", T="float32")
    b = made.signature(x_in=("x:0", *declared), y_out=("y:0", *declared)).save()
    draft = draft_of(plan(typed(tmp_path / "a", "float32", gives), b))
    info = draft.proto.meta_graphs[0].signature_def["serving_default"].outputs["y"]
    assert from_proto(info.tensor_shape) == expected


def test_looseness_goes_down_the_chain(tmp_path: Path) -> None:
    first = typed(tmp_path / "a", "float32", (7, 5))
    made = Tiny(tmp_path / "b").placeholder("x", shape=None).node("y", "Tanh", "x", T="float32")
    middle = made.signature(x_in=("x:0", "float32", (2, 4)), y_out=("y:0", "float32", (2, 4))).save()
    sources = [first, middle, typed(tmp_path / "c", "float32", (2, 4))]
    chain = Plan(
        tuple(Source(path.name, path) for path in sources), (Connect("a@y", "b@x"), Connect("b@y", "c@x"))
    )
    info = draft_of(chain).proto.meta_graphs[0].signature_def["serving_default"].outputs["y"]
    assert info.tensor_shape.unknown_rank


def test_a_fixed_batch_behind_a_free_one(tmp_path: Path) -> None:
    """The finding says which batch works, and samples have it."""
    a, b = typed(tmp_path / "a", "float32", (None, 4)), typed(tmp_path / "b", "float32", (5, 4))
    draft = draft_of(plan(a, b))
    found = the(draft.findings, "R4-batch")
    assert found.severity == "warning" and "only a batch of 5 works" in found.message
    assert "R4-unknown" not in codes(draft.findings) and draft.join.batch == 5


@pytest.mark.parametrize(("gives", "takes", "batch"), [
    ((None, 4), (1, 4), 1), (None, (3, 4), 3), ((2, 4), (2, 4), None), ((None, None), (None, 4), None), ((), (), None),
])  # fmt: skip
def test_the_only_batch(tmp_path: Path, gives: Shape, takes: Shape, batch: int | None) -> None:
    a, b = typed(tmp_path / "a", "float32", gives), typed(tmp_path / "b", "float32", takes)
    assert draft_of(plan(a, b)).join.batch == batch


def test_many_diamonds_are_not_walked_one_by_one(tmp_path: Path) -> None:
    """Twenty models, each feeding the next twice: a million ways."""
    made = Tiny(tmp_path / "m").placeholder().placeholder("z").node("y", "AddV2", "x", "z", T="float32")
    path = made.signature(x_in="x:0", z_in="z:0", y_out="y:0").save()
    sources = tuple(Source(f"m{number}", path) for number in range(20))
    wires = []
    for number in range(19):
        wires += [Connect(f"m{number}@y", f"m{number + 1}@x"), Connect(f"m{number}@y", f"m{number + 1}@z")]
    assert ends(draft_of(Plan(sources, tuple(wires))))[0] == {"x": "m0/x:0", "z": "m0/z:0"}


# -- signatures kept


def test_keep_signatures(tmp_path: Path) -> None:
    a, b = two(tmp_path / "a"), two(tmp_path / "b")
    draft = draft_of(plan(a, b, "y=x", keep_signatures=True))
    assert list(draft.meta.signatures) == ["serving_default", "a_serving_default", "b_serving_default"]
    assert ends(draft, "b_serving_default") == ({"x": "b/x:0", "z": "b/z:0"}, {"w": "b/w:0", "y": "b/y:0"})
    assert draft.meta.nodes["b/x"].op == "PlaceholderWithDefault"


def test_kept_keys_that_would_collide(tmp_path: Path) -> None:
    """Handle `a` with `b_c`, handle `a_b` with `c`: two signatures, two keys."""
    one, other = doubler(tmp_path / "one"), doubler(tmp_path / "other")
    for made, key in ((one, "b_c"), (other, "c")):
        made.meta.signature_def[key].CopyFrom(made.meta.signature_def["serving_default"])
    sources = (Source("a", one.save()), Source("a_b", other.save()))
    draft = draft_of(Plan(sources, (Connect("y", "x"),), ResultOptions(keep_signatures=True)))
    assert len(draft.meta.signatures) == 5
    tensors = {ends(draft, key)[1]["y"] for key in draft.meta.signatures if key.startswith("a_b_c")}
    assert tensors == {"a/y:0", "a_b/y:0"}


def test_signatures_that_can_t_be_kept(tmp_path: Path) -> None:
    made = doubler(tmp_path / "b").placeholder("z").node("w", "Tanh", "z", T="float32")
    made.signature("gone", x_in="x:0", y_out="nowhere:0").signature("unfed", x_in="x:0", y_out="w:0")
    draft = draft_of(plan(doubler(tmp_path / "a").save(), made.save(), keep_signatures=True))
    dropped = {one.where: one.message for one in draft.findings if one.code == "R9-dropped-signature"}
    assert set(dropped) == {"b@gone", "b@unfed"}
    assert "do not exist" in dropped["b@gone"] and "z" in dropped["b@unfed"]
    assert set(draft.meta.signatures) == {"serving_default", "a_serving_default", "b_serving_default"}


def test_collections(tmp_path: Path) -> None:
    """Those that name what is gone go, and it is said; numbers and what is left stay."""
    made = doubler(tmp_path / "b").node("aside", "Tanh", "x", T="float32")
    collections = made.meta.collection_def
    collections["kept"].node_list.value.append("y:0")
    collections["gone"].node_list.value.extend(["y:0", "aside:0"])
    collections["numbers"].int64_list.value.append(7)
    collections["words"].bytes_list.value.append(b"word")
    draft = draft_of(plan(doubler(tmp_path / "a").save(), made.save()))
    result = draft.proto.meta_graphs[0].collection_def
    assert list(result["kept"].node_list.value) == ["b/y:0"]
    assert list(result["numbers"].int64_list.value) == [7]
    assert "gone" not in result and "words" not in result
    assert {one.where for one in draft.findings if one.code == "R7-collection"} == {"b@gone", "b@words"}


# -- placeholders with a default


def picture(folder: Path, *, file: bool = True, inputs: tuple[str, ...] = ("x",)) -> Path:
    """`x` → `h` → a default of `d` → `y` = d + d; a GraphDef, or a SavedModel whose signature has some inputs."""
    made = Tiny(folder).placeholder().node("h", "AddV2", "x", "x", T="float32")
    made.node("d", "PlaceholderWithDefault", "h", dtype="float32", shape=(None, 4))
    made.node("y", "AddV2", "d", "d", T="float32")
    if not file:
        ports = {f"{name}_in": f"{name}:0" for name in inputs}
        return made.signature(**ports, y_out="y:0").save()
    folder.mkdir(parents=True)
    (folder / "graph.pb").write_bytes(made.meta.graph_def.SerializeToString())
    return folder / "graph.pb"


def test_an_input_behind_a_computed_default_is_an_input_of_the_result(tmp_path: Path) -> None:
    draft = draft_of(plan(picture(tmp_path / "a"), doubler(tmp_path / "b").save()))
    assert ends(draft)[0] == {"x": "a/x:0"}
    assert codes(draft.findings) == ["R4-unknown"]  # the sum's shape is not written down in a GraphDef
    assert draft.meta.nodes["a/d"].op == "PlaceholderWithDefault"
    assert draft.interface.outputs[0].depends


def test_a_wire_leads_on_through_a_computed_default(tmp_path: Path) -> None:
    draft = draft_of(plan(doubler(tmp_path / "a").save(), picture(tmp_path / "b")))
    assert ends(draft) == ({"x": "a/x:0"}, {"y": "b/y:0"})
    assert list(draft.meta.nodes["b/x"].input) == ["a/y"]
    assert draft.interface.outputs[0].depends


def test_a_signature_keeps_an_input_and_the_default_that_follows_from_it(tmp_path: Path) -> None:
    first = picture(tmp_path / "a", file=False, inputs=("x", "d"))
    draft = draft_of(plan(first, doubler(tmp_path / "b").save()))
    assert ends(draft)[0] == {"x": "a/x:0", "d": "a/d:0"}
    found = the(draft.findings, "R9-shadowed-input")
    assert (found.severity, found.where) == ("warning", "a@x")


def test_an_input_that_would_take_the_place_of_a_wire_is_left_out(tmp_path: Path) -> None:
    second = picture(tmp_path / "b", file=False, inputs=("x", "d"))
    draft = draft_of(plan(doubler(tmp_path / "a").save(), second))
    assert ends(draft)[0] == {"x": "a/x:0"}
    found = the(draft.findings, "R9-dropped-input")
    assert (found.severity, found.where) == (
        "warning",
        "b@d",
    ) and "the wire would have no effect" in found.message


def test_a_wire_that_takes_the_place_of_an_input_is_told(tmp_path: Path) -> None:
    second = picture(tmp_path / "b", file=False, inputs=("x", "d"))
    draft = draft_of(plan(doubler(tmp_path / "a").save(), second, "y=d"))
    assert ends(draft)[0] == {"x": "a/x:0"}
    found = the(draft.findings, "R9-dropped-input")
    assert (found.severity, found.where) == ("warning", "b@x") and "a wire replaces all" in found.message
    # as well where no default is: all that the input leads to is replaced
    third = Tiny(tmp_path / "c").placeholder().node("h", "AddV2", "x", "x", T="float32")
    third.node("y", "AddV2", "h", "h", T="float32").signature(x_in="x:0", y_out="y:0")
    draft = draft_of(plan(doubler(tmp_path / "a2").save(), third.save(), "y=h:0"))
    assert the(draft.findings, "R9-dropped-input").severity == "warning"


def test_an_output_of_defaults_alone_depends_on_no_input(tmp_path: Path) -> None:
    made = doubler(tmp_path / "b").const("one", 1.0)
    made.node("rate", "PlaceholderWithDefault", "one", dtype="float32", shape=())
    made.node("z", "AddV2", "rate", "rate", T="float32").signature(z_out=("z:0", "float32", ()))
    draft = draft_of(plan(doubler(tmp_path / "a").save(), made.save()))
    assert {port.key: port.depends for port in draft.interface.outputs} == {"y": True, "z": False}
