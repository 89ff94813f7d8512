"""Ends of wires: every written form, what each resolves to, and what is said when it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb
from tests.surgery.tiny import Tiny, doubler, plan, typed
from tests.surgery.tools import codes, findings_of, the
from workbench.describe.actions import words
from workbench.errors import UsageError
from workbench.model import open_model
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan, Source, SourceList, split_handle
from workbench.surgery.resolve.endpoints import Endpoint, Lookup
from workbench.surgery.resolve.join import split_wire


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Keys that look like tensors, handles, assignments and signatures; two signatures; an op of two outputs."""
    made = Tiny(tmp_path / "odd").placeholder().placeholder("key").const("axis", 1)
    made.node("halves", "Split", "axis", "x", T="float32", num_split=2)
    made.node("y", "Identity", "halves:1", T="float32").node("z", "Identity", "key", T="float32")
    keys = {
        "a=b": "y:0",
        "a@q": "y:0",
        "s#k": "y:0",
        "y": "y:0",
        "z": "halves:0",
        "a::b": "y:0",
        "%y": "halves:0",
    }
    for key in ("serving_default", "s", "other#one"):
        signature = made.signature(key, x_in="x:0", key_in="key:0").meta.signature_def[key]
        for name, tensor in keys.items():
            info = signature.outputs[name]
            info.name, info.dtype = tensor, 1
    return made.save()


@pytest.fixture
def lookup(odd: Path) -> Lookup:
    meta = open_model(odd).meta
    return Lookup(meta, "h", meta.signatures["serving_default"])


@pytest.mark.parametrize(
    ("text", "tensor", "signature"),
    [
        ("y", "y:0", "serving_default"),
        ("#y", "y:0", "serving_default"),
        ("s#y", "y:0", "s"),
        ("other#one#z", "halves:0", "other#one"),
        ("s#k", "y:0", "serving_default"),
        ("#s#k", "y:0", "serving_default"),
        ("s#s#k", "y:0", "s"),
        ("a=b", "y:0", "serving_default"),
        ("a@q", "y:0", "serving_default"),
        ("halves", "halves:0", None),
        ("halves:0", "halves:0", None),
        ("halves:1", "halves:1", None),
        ("%halves:1", "halves:1", None),
        ("%z", "z:0", None),
        ("#z", "halves:0", "serving_default"),
        ("z", "halves:0", "serving_default"),
        ("a::b", "y:0", "serving_default"),
        ("s#a::b", "y:0", "s"),
        ("%y", "halves:0", "serving_default"),
        ("y:0", "y:0", None),
    ],
)
def test_written_forms(lookup: Lookup, text: str, tensor: str, signature: str | None) -> None:
    found = lookup.find(text, "source")
    assert isinstance(found, Endpoint), str(found)
    assert (found.tensors, found.signature, found.handle) == ((tensor,), signature, "h")
    again = lookup.find(found.written, "source")
    assert isinstance(again, Endpoint) and again.tensors == found.tensors


@pytest.mark.parametrize(
    ("text", "code", "message", "hint"),
    [
        ("nope", "R1-unknown", "neither an output", "outputs are %y, a::b, a=b"),
        ("halve", "R1-unknown", "neither an output", "halves"),
        ("x_", "R1-unknown", "neither an output", ""),
        ("key", None, "", ""),
        ("#x", "R1-key", "no output 'x'. It is one of its inputs", ""),
        ("s#nope", "R1-key", "'s' has no output 'nope'", "outputs are"),
        ("t#y", "R1-signature", "no signature 't'", "signatures are"),
        ("halves:2", "R1-output", "outputs 0 to 1, not 2", "halves:0"),
        ("y:1", "R1-output", "one output, 0, not 1", "y:0"),
        ("%nope", "R1-tensor", "no tensor 'nope'", "nodes are"),
        ("%halve:1", "R1-tensor", "no tensor 'halve:1'", "Did you mean halves?"),
        ("nope::y", "R1-call", "no call 'nope'", "nodes are"),
        ("halves::y", "R1-inside-call", "inside a function's body", "halves:0, halves:1"),
        ("a\x1b[31m", "R1-unknown", "\\x1b", ""),
    ],
)
def test_what_is_not_found(lookup: Lookup, text: str, code: str | None, message: str, hint: str) -> None:
    found = lookup.find(text, "source")
    if code is None:
        assert isinstance(found, Endpoint)
        return
    assert not isinstance(found, Endpoint)
    assert (found.code, found.severity) == (code, "error")
    assert found.where.startswith("h@")
    assert message in found.message
    assert hint in (found.hint or "")
    assert "\x1b" not in str(found)


def test_an_input_is_looked_up_among_inputs(lookup: Lookup) -> None:
    found = lookup.find("y", "target")
    assert isinstance(found, Endpoint) and found.signature is None  # the node: no input has this key
    wrong = lookup.find("a=b", "target")
    assert not isinstance(wrong, Endpoint) and "It is an output of the signature" in wrong.message


def test_an_output_where_an_input_belongs_says_which_signature_has_it(tmp_path: Path) -> None:
    made = doubler(tmp_path / "m").signature("second", other_in="x:0", y_out="y:0")
    meta = open_model(made.save()).meta
    found = Lookup(meta, "h", meta.signatures["serving_default"]).find("other", "target")
    assert not isinstance(found, Endpoint)
    assert (found.code, found.hint) == ("R1-key", "Write second#other.")


def test_a_key_whose_tensor_is_not_there(tmp_path: Path) -> None:
    made = doubler(tmp_path / "a").signature(x_in="x:0", y_out="yy:0")
    found = the(findings_of(plan(made.save(), doubler(tmp_path / "b").save(), "#y=x")), "R1-tensor")
    assert found.where == "a@#y" and "y" in (found.hint or "")


def test_an_op_nobody_knows(tmp_path: Path) -> None:
    made = (
        Tiny(tmp_path / "a")
        .placeholder()
        .node("odd", "NobodyKnows", "x")
        .signature(x_in="x:0", y_out="odd:0")
    )
    made.node("odder", "NobodyKnows", "x")
    path, other = made.save(), doubler(tmp_path / "b").save()
    found = the(findings_of(plan(path, other, "%odder=x")), "R1-unknown-op")
    assert found.where == "a@%odder" and "NobodyKnows" in found.message and "signature" in (found.hint or "")
    # the signature tells the dtype, so by its key it can be wired
    assert codes(findings_of(plan(path, other, "#y=x")), "error") == []
    assert "R8-unknown-op" in codes(findings_of(plan(path, other, "#y=x")), "warning")


def test_resources_never_cross(tmp_path: Path) -> None:
    made = doubler(tmp_path / "a").node("table", "HashTableV2", key_dtype="string", value_dtype="int64")
    other = doubler(tmp_path / "b").placeholder("handle", "resource", ())
    found = findings_of(plan(made.save(), other.save(), "table=handle"))
    assert codes(found, "error") == ["R3-resource", "R3-resource"]
    assert [one.where for one in found[:2]] == ["a@table", "b@handle"]


# -- which model


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@y", ("a", "y")),
        ("a@y@b", ("a", "y@b")),
        ("c@y", (None, "c@y")),
        ("y", (None, "y")),
        ("#a@y", (None, "#a@y")),
    ],
)
def test_split_handle(text: str, expected: tuple[str | None, str]) -> None:
    assert split_handle(text, ["a", "b"]) == expected


def test_handles_of_ends(tmp_path: Path) -> None:
    one, two, three = (doubler(tmp_path / name).save() for name in "one two three".split())  # noqa: SIM905
    sources = (Source("one", one), Source("two", two), Source("three", three))
    found = findings_of(Plan(sources, (Connect("y", "two@x"), Connect("two@y", "fuor@x"))))
    wrong = [one for one in found if one.code == "R1-handle"]
    assert [one.where for one in wrong] == ["y", "fuor@x"]
    assert all("one, two, three" in (one.hint or "") for one in wrong)
    right = Plan(sources, (Connect("one@y", "two@x"), Connect("two@y", "three@x")))
    assert codes(findings_of(right), "error") == []


def test_callables_are_ends(sample_models: Path) -> None:
    digits, image = sample_models / "digits_tf2", sample_models / "image_base64"
    assert not codes(findings_of(plan(image, digits, "pixels=__call__#myInput")), "error")
    sources = (Source("a", image), Source("b", digits, None, "serving_default"))
    found = the(findings_of(Plan(sources, (Connect("pixels", "__call__#myInput"),))), "R1-callable")
    assert found.where == "b@__call__#myInput" and "--signature-of b=__call__" in words(
        found.hint, "command line"
    )
    sources = (Source("a", image), Source("b", digits, None, "__call__"))
    found = the(findings_of(Plan(sources, (Connect("pixels", "%serving_default_myInput"),))), "R1-callables")
    assert "__call__" in found.message


# -- which signature


def test_signatures(tmp_path: Path) -> None:
    made = doubler(tmp_path / "a")
    made.meta.signature_def["first"].CopyFrom(made.meta.signature_def["serving_default"])
    made.meta.signature_def["second"].CopyFrom(made.meta.signature_def["serving_default"])
    del made.meta.signature_def["serving_default"]
    several, other = made.save(), doubler(tmp_path / "b").save()
    assert codes(findings_of(plan(several, other, "first#y=x")), "error") == []
    found = findings_of(plan(other, several, "y=second#x"))
    assert "--signature-of b=KEY" in words(the(found, "R1-no-output").hint, "command line")
    chosen = Plan((Source("a", several, None, "frist"), Source("b", other)), (Connect("y", "x"),))
    found = the(findings_of(chosen), "R1-signature")
    assert found.where == "a" and found.hint == "Did you mean first?"
    bare = Tiny(tmp_path / "c").placeholder().node("y", "Identity", "x", T="float32").save()
    found = the(findings_of(plan(other, bare, "y=%x")), "R1-no-output")
    assert found.where == "b" and "Name tensors instead" in (found.hint or "")
    assert codes(findings_of(plan(bare, other, "%y=x")), "error") == []


def test_a_signature_without_outputs(tmp_path: Path) -> None:
    empty = doubler(tmp_path / "b")
    empty.meta.signature_def["serving_default"].outputs.clear()
    assert "R1-no-output" in codes(findings_of(plan(doubler(tmp_path / "a").save(), empty.save())), "error")


# -- OUT=IN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y=x", ("y", "x")),
        ("a=b=x", ("a=b", "x")),
        ("a=b=%x:0", ("a=b", "%x:0")),
        ("nope=x=y", ("nope", "x=y")),
        ("y=c=d", ("y", "c=d")),
    ],
)
def test_wires_are_split_where_both_halves_are_found(
    odd: Path, tmp_path: Path, text: str, expected: tuple[str, str]
) -> None:
    taker = doubler(tmp_path / "taker").placeholder("c")
    info = taker.meta.signature_def["serving_default"].inputs["c=d"]
    info.name, info.dtype = "c:0", 1
    made = Plan((Source("a", odd), Source("b", taker.save())))
    models = {source.handle: open_model(source.path) for source in made.sources}
    found = split_wire(text, made, models)
    assert (found.source, found.target) == expected


def test_no_equals_is_no_wire(odd: Path) -> None:
    made = Plan((Source("a", odd), Source("b", odd)))
    with pytest.raises(UsageError, match="is not a wire"):
        split_wire("pixels", made, {"a": open_model(odd), "b": open_model(odd)})


# -- handles


def test_handles_are_made_of_folders(tmp_path: Path) -> None:
    sources = SourceList()
    for text in ("mnist/3", "other/mnist", "über model", "frozen.pb", "saved_model.pb", "MNIST"):
        sources.add(tmp_path / text)
    assert [one.handle for one in sources.sources][:2] == ["mnist", "mnist_2"]
    handles = [one.handle.lower() for one in sources.sources]
    assert len(set(handles)) == len(handles)


@pytest.mark.parametrize("handle", ["", "1st", "a/b", "a b", "_a", "é"])
def test_handles_that_can_t_be(handle: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be a handle"):
        SourceList().add(tmp_path, handle)


def test_a_handle_used_twice(tmp_path: Path) -> None:
    sources = SourceList()
    sources.add(tmp_path, "img")
    with pytest.raises(UsageError, match="used twice"):
        sources.add(tmp_path, "IMG")  # it becomes a folder, and file systems differ about case


@pytest.mark.parametrize(
    ("text", "hidden"), [("z", "z:0"), ("y", None), ("#z", None), ("%z", None), ("a::b", None)]
)
def test_a_key_wins_over_a_node_of_its_name_and_says_so(
    lookup: Lookup, text: str, hidden: str | None
) -> None:
    found = lookup.find(text, "source")
    assert isinstance(found, Endpoint)
    assert found.hides == hidden


def test_a_wire_from_a_key_that_hides_a_node_is_joined_with_a_warning(odd: Path, tmp_path: Path) -> None:
    draft = wb.apply(Plan.join(odd, typed(tmp_path / "next", "float32", ()), wires=["z=x"]))
    (hidden,) = [one for one in draft.findings if one.code == "R1-hidden"]
    assert (hidden.severity, hidden.where) == ("warning", "odd@z")
    assert "%z:0" in (hidden.hint or "")
    fed = draft.meta.nodes["next/x"].input[0]
    assert fed in ("odd/halves", "odd/halves:0")


def test_a_key_with_colons_is_no_tensor_inside_a_call(odd: Path, tmp_path: Path) -> None:
    draft = wb.apply(Plan.join(odd, typed(tmp_path / "next", "float32", ()), wires=["a::b=x"]))
    assert draft.meta.nodes["next/x"].input[0] == "odd/y"


def test_a_key_whose_tensor_the_graph_lacks_is_told(tmp_path: Path) -> None:
    made = Tiny(tmp_path / "lost").placeholder().node("y", "Identity", "x", T="float32")
    meta = open_model(made.signature(x_in="x:0", y_out="gone:0").save()).meta
    found = Lookup(meta, "h", meta.signatures["serving_default"]).find("y", "source")
    assert not isinstance(found, Endpoint)
    assert found.code == "R1-dangling"
    assert "gone:0" in found.message
