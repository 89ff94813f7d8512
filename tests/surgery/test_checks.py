"""The rules a join must meet: every finding about wires, graphs, checkpoints and sizes, with place and hint."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.sampling import plainly
from tests.surgery.tiny import Tiny, doubler, plan, typed
from tests.surgery.tools import codes, findings_of, the
from workbench.describe.actions import words
from workbench.disk import dtypes
from workbench.errors import PlanError
from workbench.findings import Action, Finding, Hint
from workbench.model import open_model
from workbench.surgery import builder
from workbench.surgery.draft import apply, check
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan, Source
from workbench.surgery.resolve.endpoints import chosen_signature

# -- the plan as a whole


def test_no_source() -> None:
    assert codes(check(Plan(()))) == ["R1-no-source"]


def test_no_wire(tmp_path: Path) -> None:
    a, b = doubler(tmp_path / "a").save(), doubler(tmp_path / "b").save()
    found = the(findings_of(Plan((Source("a", a), Source("b", b)))), "R1-no-wire")
    assert isinstance(found.hint, Hint) and found.hint.action == Action("connect")


def test_a_model_nobody_wires(tmp_path: Path) -> None:
    a = doubler(tmp_path / "a").save()
    sources = tuple(Source(name, a) for name in ("a", "b", "c"))
    assert the(findings_of(Plan(sources, (Connect("a@y", "b@x"),))), "R1-alone").where == "c"


def test_everything_is_told_at_once(tmp_path: Path) -> None:
    made = (
        doubler(tmp_path / "a")
        .placeholder("other", "int32")
        .signature(other_in=("other:0", "int32", (None,)))
    )
    a, b = made.save(), made.save()
    found = findings_of(plan(a, b, "nope=x", "y=nope", "y=other", "y:3=x"))
    assert codes(found, "error") == ["R1-unknown", "R1-unknown", "R3-dtype", "R1-output"]
    with pytest.raises(PlanError) as caught:
        apply(plan(a, b, "nope=x", "y=nope", "y=other", "y:3=x"))
    assert caught.value.findings == tuple(found)
    assert "3 more errors" in str(caught.value)


def test_errors_come_first(tmp_path: Path) -> None:
    a = doubler(tmp_path / "a").save()
    free = typed(tmp_path / "free", "float32", None)
    found = findings_of(plan(free, a, "y=x", "nope=x"))
    assert [one.severity for one in found] == sorted(
        (one.severity for one in found), key="error warning info".index
    )
    assert len(found) >= 2


# -- R2


def test_a_model_wired_to_itself(tmp_path: Path) -> None:
    a = doubler(tmp_path / "a").save()
    found = the(findings_of(plan(a, a, "a@y = a@x")), "R2-self")
    assert found.where == "a@y=a@x" and "a_2=PATH" in (found.hint or "")


def test_wires_in_a_circle(tmp_path: Path) -> None:
    a = doubler(tmp_path / "a").save()
    sources = tuple(Source(name, a) for name in ("a", "b", "c"))
    wires = (Connect("a@y", "b@x"), Connect("b@y", "c@x"), Connect("c@y", "a@x"))
    found = the(findings_of(Plan(sources, wires)), "R2-cycle")
    assert found.where == "a, b, c"
    assert all(str(wire) in found.message for wire in wires)


def test_an_input_wired_twice(tmp_path: Path) -> None:
    a = doubler(tmp_path / "a").save()
    sources = tuple(Source(name, a) for name in ("a", "b", "c"))
    found = the(findings_of(Plan(sources, (Connect("a@y", "c@x"), Connect("b@y", "c@x")))), "R2-twice")
    assert found.where == "c@x" and "a@y" in found.message and "b@y" in found.message
    # under another name it is the same input
    found = the(findings_of(Plan(sources, (Connect("a@y", "c@x"), Connect("b@y", "c@%x:0")))), "R2-twice")
    assert found.where == "c@%x:0"


def test_a_source_with_a_cycle(tmp_path: Path) -> None:
    made = Tiny(tmp_path / "a").placeholder()
    made.node("one", "AddV2", "x", "two", T="float32").node("two", "Identity", "one", T="float32")
    made.signature(x_in="x:0", y_out="two:0")
    found = the(findings_of(plan(made.save(), doubler(tmp_path / "b").save())), "R2-source-cycle")
    assert (found.where.startswith("a@") and "one → two" in found.message) or "two → one" in found.message


def test_a_v1_loop_is_no_cycle(tmp_path: Path) -> None:
    assert "R2-source-cycle" not in codes(
        findings_of(plan(loop(tmp_path / "a"), doubler(tmp_path / "b").save()))
    )


def loop(folder: Path) -> Path:
    made = Tiny(folder).placeholder().node("enter", "Enter", "x", T="float32", frame_name=b"loop")
    made.node("merge", "Merge", "enter", "next", T="float32", N=2).node("cond", "LoopCond", "less")
    made.node("less", "Greater", "merge", "merge", T="float32").node(
        "switch", "Switch", "merge", "cond", T="float32"
    )
    made.node("inside", "Identity", "switch:1", T="float32").node(
        "next", "NextIteration", "inside", T="float32"
    )
    made.node("exit", "Exit", "switch", T="float32").node("y", "Identity", "exit", T="float32")
    return made.signature(x_in="x:0", y_out="y:0").save()


@pytest.mark.parametrize("end", ["inside", "merge", "switch:1", "enter"])
def test_wires_to_and_from_a_v1_loop(tmp_path: Path, end: str) -> None:
    looped, other = loop(tmp_path / "a"), doubler(tmp_path / "b").save()
    found = the(findings_of(plan(looped, other, f"%{end}=x")), "R1-control-flow")
    assert (
        found.where == f"a@%{end}"
        and "inside a loop" in found.message
        and "input or output of the loop" in (found.hint or "")
    )
    found = the(findings_of(plan(other, looped, f"y=%{end}")), "R1-control-flow")
    assert found.where == f"b@%{end}"


def test_what_goes_in_and_out_of_a_loop_can_be_wired(tmp_path: Path) -> None:
    looped, other = loop(tmp_path / "a"), doubler(tmp_path / "b").save()
    for end in ("exit", "x", "y"):
        assert codes(findings_of(plan(looped, other, f"%{end}=%x")), "error") == []
    assert codes(findings_of(plan(other, looped, "y=%exit")), "error") == []


# -- R3


NUMBERS = [
    name
    for name in (
        "half",
        "bfloat16",
        "float32",
        "float64",
        "int8",
        "uint8",
        "int32",
        "uint32",
        "int64",
        "bool",
    )
]
LOSSLESS = {
    ("half", "float32"), ("half", "float64"), ("bfloat16", "float32"), ("bfloat16", "float64"), ("float32", "float64"),
    ("int8", "int32"), ("int8", "int64"), ("uint8", "int32"), ("uint8", "uint32"), ("uint8", "int64"),
    ("int32", "int64"), ("uint32", "int64"), ("int8", "half"), ("uint8", "half"), ("int8", "bfloat16"),
    ("uint8", "bfloat16"), ("int8", "float32"), ("uint8", "float32"), ("int8", "float64"), ("uint8", "float64"),
    ("int32", "float64"), ("uint32", "float64"),
}  # fmt: skip


@pytest.mark.parametrize("have", plainly(NUMBERS, "float32", "uint8", "int64", "bool"))
def test_dtypes_of_numbers(tmp_path: Path, have: str) -> None:
    """The adapter is named, and whether it loses anything, for every pair."""
    source = typed(tmp_path / "a", have)
    for want in NUMBERS:
        found = findings_of(plan(source, typed(tmp_path / f"to_{want}", want)))
        if have == want:
            assert "R3-dtype" not in codes(found)
            continue
        mismatch = the(found, "R3-dtype")
        name = dtypes.name(dtypes.enum(want))
        assert mismatch.where == "a@y=b@x"
        assert f"'y | cast {name} = x'" in (mismatch.hint or "")
        lossless = "is lossy" not in (mismatch.hint or "")
        assert lossless == ((have, want) in LOSSLESS or (have == "bool")), (have, want, mismatch.hint)


@pytest.mark.parametrize(
    ("have", "want", "hint"),
    [
        ("string", "float32", "y | parse-number = x"),
        ("int64", "string", "y | as-string = x"),
        ("complex64", "float32", "Nothing turns complex64 into float32"),
    ],
)
def test_dtypes_of_other_things(tmp_path: Path, have: str, want: str, hint: str) -> None:
    found = the(findings_of(plan(typed(tmp_path / "a", have), typed(tmp_path / "b", want))), "R3-dtype")
    assert f"is {have} [" in found.message and f"takes {want} [" in found.message
    assert hint in (found.hint or "")


def test_a_reference_compares_as_its_base(tmp_path: Path) -> None:
    made = Tiny(tmp_path / "a").placeholder().node("v", "VariableV2", dtype="float32", shape=(None, 4))
    made.signature(x_in="x:0", y_out=("v:0", "float32_ref", (None, 4)))
    assert "R3-dtype" not in codes(findings_of(plan(made.save(), doubler(tmp_path / "b").save())))


def test_sparse_into_dense(tmp_path: Path) -> None:
    made = doubler(tmp_path / "a").placeholder("i", "int64", (None, 2)).placeholder("s", "int64", (2,))
    info = made.meta.signature_def["serving_default"].outputs["sparse"]
    info.dtype = 1
    info.coo_sparse.indices_tensor_name, info.coo_sparse.values_tensor_name = "i:0", "x:0"
    info.coo_sparse.dense_shape_tensor_name = "s:0"
    found = the(findings_of(plan(made.save(), doubler(tmp_path / "b").save(), "sparse=x")), "R3-kind")
    assert "is sparse, the input dense" in found.message and "one by one" in (found.hint or "")


# -- R4


@pytest.mark.parametrize(
    ("have", "want", "state", "hint"),
    [
        ((2, 4), (2, 4), "proven", ""),
        ((2, 4), (None, 4), "proven", ""),
        ((None, 4), None, "proven", ""),
        ((), (), "proven", ""),
        (None, None, "proven", ""),
        ((None, 4), (2, 4), "batch", "Send batches of 2"),
        (None, (None, 4), "unknown", ""),
        ((None, None), (None, 4), "unknown", ""),
        ((None, 5), (None, 4), "refuted", "Choose another tensor"),
        ((4,), (None, 4), "refuted", "y | expand = x"),
        ((2, 8), (4, 4), "refuted", "y | reshape 4 4 = x"),
        ((2, 8), (4, 3), "refuted", "No adapters make them fit. Choose another tensor"),
        ((28, 28), (784,), "refuted", "y | reshape 784 = x"),
        ((None, 28, 28), (None, 784, 1, 1), "refuted", "y | reshape ? 784 1 1 = x"),
        ((1, 32, 32, 3), (1, 3, 32, 32), "refuted", "y | layout NHWC>NCHW = x"),
        ((), (None,), "refuted", "y | expand = x"),
    ],
)
def test_shapes(
    tmp_path: Path, have: tuple[int, ...] | None, want: tuple[int, ...] | None, state: str, hint: str
) -> None:
    found = findings_of(plan(typed(tmp_path / "a", "float32", have), typed(tmp_path / "b", "float32", want)))
    said = [one for one in found if one.code.startswith("R4")]
    expected = {"proven": [], "unknown": ["R4-unknown"], "batch": ["R4-batch"], "refuted": ["R4-shape"]}[
        state
    ]
    assert codes(said) == expected
    assert codes(found, "error") == [code for code in expected if code == "R4-shape"]
    for one in said:
        assert one.where == "a@y=b@x"
        assert hint in (one.hint or "")


def test_a_placeholder_is_believed_and_not_the_signature(tmp_path: Path) -> None:
    liar = doubler(tmp_path / "b").signature(x_in=("x:0", "int32", (7, 9)))
    assert codes(findings_of(plan(doubler(tmp_path / "a").save(), liar.save())), "error", "warning") == []


# -- R8, damage


def test_unknown_ops_are_listed_and_not_refused(tmp_path: Path) -> None:
    made = doubler(tmp_path / "a").node("z", "Zeta>Op", "y").node("odd", "Alpha>Op", "z")
    made.signature(odd_out="odd:0")
    found = findings_of(plan(made.save(), doubler(tmp_path / "b").save(), keep_outputs=True))
    one = the(found, "R8-unknown-op")
    assert (one.severity, one.where) == ("warning", "a") and "Alpha>Op, Zeta>Op" in one.message
    assert isinstance(one.hint, Hint) and one.hint.action == Action("load-ops")
    assert codes(found, "error") == []


def test_versions(tmp_path: Path) -> None:
    """R8: producer the oldest, min_consumer the youngest, every bad consumer."""
    made = []
    for name, producer, minimum, bad in (("a", 27, 12, [5]), ("b", 1882, 0, [9, 5])):
        one = doubler(tmp_path / name)
        versions = one.meta.graph_def.versions
        versions.producer, versions.min_consumer = producer, minimum
        versions.bad_consumers.extend(bad)
        made.append(one.save())
    versions = apply(plan(*made)).proto.meta_graphs[0].graph_def.versions
    assert (versions.producer, versions.min_consumer, list(versions.bad_consumers)) == (27, 12, [5, 9])


def test_a_node_that_is_not_there(tmp_path: Path) -> None:
    made = Tiny(tmp_path / "a").placeholder().node("y", "AddV2", "x", "gone", T="float32")
    made.signature(x_in="x:0", y_out="y:0")
    found = the(findings_of(plan(made.save(), doubler(tmp_path / "b").save())), "dangling-input")
    assert (found.severity, found.where) == ("error", "a@gone")


def test_a_result_over_2_gb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a limit that can be reached here."""
    monkeypatch.setattr(builder, "MAX_PROTO_BYTES", 100)
    found = the(findings_of(plan(doubler(tmp_path / "a").save(), doubler(tmp_path / "b").save())), "R11-size")
    assert (found.severity, found.where) == ("error", "result") and "2 GB" in found.message


# -- R10


@pytest.fixture
def digits(sample_models: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sample_models / "digits", tmp_path / "digits"))


@pytest.fixture
def image(sample_models: Path) -> Path:
    return sample_models / "image_base64"


STORY = "pixels=myInput"


def test_a_missing_shard(digits: Path, image: Path) -> None:
    (digits / "variables" / "variables.data-00000-of-00001").unlink()
    found = the(findings_of(plan(image, digits, STORY)), "R10-missing-shard")
    assert (found.severity, found.where) == (
        "error",
        "b",
    ) and "variables.data-00000-of-00001" in found.message


def test_a_missing_index(digits: Path, image: Path) -> None:
    (digits / "variables" / "variables.index").unlink()
    found = the(findings_of(plan(image, digits, STORY)), "R10-no-checkpoint")
    assert found.where == "b" and found.hint


def test_a_missing_folder(digits: Path, image: Path) -> None:
    shutil.rmtree(digits / "variables")
    found = the(findings_of(plan(image, digits, STORY)), "R10-no-checkpoint")
    assert "2 variables" in found.message


def test_a_checkpoint_of_another_model(digits: Path, image: Path, sample_models: Path) -> None:
    shutil.rmtree(digits / "variables")
    shutil.copytree(sample_models / "digits_tf2" / "variables", digits / "variables")
    found = [one for one in findings_of(plan(image, digits, STORY)) if one.code == "R10-no-data"]
    assert [one.where for one in found] and all(one.where.startswith("b@softmax/") for one in found)
    assert all(one.severity == "error" and one.hint for one in found)


def test_a_saver_that_is_gone(digits: Path, image: Path) -> None:
    edit_pb(digits, lambda meta: meta.ClearField("saver_def"))
    found = [one for one in findings_of(plan(image, digits, STORY)) if one.code == "R10-not-restored"]
    assert len(found) == 2 and all(one.severity == "warning" for one in found)


def test_a_graphdef_with_variables(tmp_path: Path) -> None:
    made = (
        Tiny(tmp_path / "a")
        .placeholder()
        .node("v", "VarHandleOp", dtype="float32", shape=(4,), shared_name=b"v")
    )
    made.node("read", "ReadVariableOp", "v", dtype="float32").node("y", "AddV2", "x", "read", T="float32")
    file = tmp_path / "unfrozen.pb"
    file.write_bytes(made.meta.graph_def.SerializeToString())
    found = the(findings_of(plan(file, doubler(tmp_path / "b").save())), "R10-not-restored")
    assert (found.severity, found.where) == ("error", "a@v") and "freeze" in (found.hint or "")


def test_a_missing_asset(tmp_path: Path) -> None:
    made = (
        doubler(tmp_path / "a")
        .node("path", "Const", dtype="string")
        .node("z", "Identity", "path", T="string")
    )
    made.signature(z_out=("z:0", "string", ()))
    definition = made.meta.asset_file_def.add(filename="vocab.txt")
    definition.tensor_info.name = "path:0"
    found = the(
        findings_of(plan(made.save(), doubler(tmp_path / "b").save(), keep_outputs=True)), "R10-asset"
    )
    assert (found.severity, found.where) == ("error", "a@vocab.txt")
    definition.filename = "../../etc/passwd"
    found = the(
        findings_of(plan(made.save(), doubler(tmp_path / "b").save(), keep_outputs=True)), "R10-asset"
    )
    assert found.severity == "error"


@pytest.mark.parametrize("op", ["Save", "RestoreSlice"])
def test_savers_of_the_v1_checkpoint_format(digits: Path, image: Path, op: str) -> None:
    def change(meta: object) -> None:
        for node in meta.graph_def.node:  # type: ignore[attr-defined]
            if node.op == ("SaveV2" if op == "Save" else "RestoreV2"):
                node.op = op

    edit_pb(digits, change)
    found = [one for one in findings_of(plan(image, digits, STORY)) if one.code == "R7-old-saver"]
    assert found and all(one.severity == "error" and op in one.message for one in found)


def test_keys_that_are_computed(digits: Path, image: Path) -> None:
    def change(meta: object) -> None:
        for node in meta.graph_def.node:  # type: ignore[attr-defined]
            if node.name == "save/RestoreV2/tensor_names":
                node.op = "StringJoin"

    edit_pb(digits, change)
    found = the(findings_of(plan(image, digits, STORY)), "R7-computed-keys")
    assert found.severity == "error" and "StringJoin" in found.message and "RestoreV2" in found.where


def edit_pb(folder: Path, change: object) -> None:
    from workbench.disk import schema

    file = folder / "saved_model.pb"
    proto = schema.SavedModel.FromString(file.read_bytes())
    change(proto.meta_graphs[0])  # type: ignore[operator]
    file.write_bytes(proto.SerializeToString(deterministic=True))


def test_dropped_files_are_told(digits: Path, image: Path) -> None:
    for name in ("fingerprint.pb", "keras_metadata.pb"):
        (digits / name).write_bytes(b"")
    (digits / "debug").mkdir()
    (digits / "assets.extra" / "sub").mkdir(parents=True)
    (digits / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"")
    (digits / "assets.extra" / "sub" / "notes.txt").write_text("mine")
    draft = apply(plan(image, digits, STORY))
    dropped = {one.where for one in draft.findings if one.code == "dropped-file"}
    assert dropped == {f"b@{name}" for name in
                       ("fingerprint.pb", "keras_metadata.pb", "debug", "tf_serving_warmup_requests")}  # fmt: skip
    assert [copied.relative for copied in draft.files] == ["assets.extra/b/sub/notes.txt"]


def test_the_sample_models_have_nothing_to_warn_of(sample_models: Path) -> None:
    """No false alarm on the story in any of its forms."""
    for a in ("image_base64", "image_base64_tf2", "image_bytes_batch"):
        for b in ("digits", "digits_tf2"):
            found = findings_of(plan(sample_models / a, sample_models / b, STORY))
            assert codes(found, "error", "warning") == [], (a, b, list(map(str, found)))


# -- the format of the result


def test_tf1_format_is_told(tmp_path: Path, image: Path, digits: Path) -> None:
    """Where no object graph can be made, with the node in the way; asked for, it is an error."""
    made = (
        Tiny(tmp_path / "a")
        .placeholder()
        .node("odd", "NobodyKnows", "x")
        .signature(x_in="x:0", y_out="odd:0")
    )
    a, b = made.save(), doubler(tmp_path / "b").save()
    found = the(findings_of(plan(a, b, "#y=x")), "tf1-format")
    assert (found.severity, found.where) == ("info", "a/odd") and found.hint
    found = the(findings_of(plan(a, b, "#y=x", format="tf2")), "tf1-format")
    assert (found.severity, words(found.hint, "command line")) == ("error", "Leave out --format tf2.")
    assert "tf1-format" not in codes(findings_of(plan(image, digits, STORY)))


def test_objects_that_are_not_in_a_tf1_result(sample_models: Path, image: Path) -> None:
    found = the(
        findings_of(plan(image, sample_models / "digits_tf2", STORY, format="tf1")), "dropped-objects"
    )
    assert (found.severity, found.where) == ("info", "b") and "__call__" in found.message


def test_a_kept_signature_behind_functions(sample_models: Path, image: Path) -> None:
    made = plan(image, sample_models / "digits_tf2", STORY, keep_signatures=True)
    found = the(findings_of(made), "R9-kept-signature")
    assert (found.severity, found.where) == (
        "info",
        "b@serving_default",
    ) and "b_serving_default" in found.message


def test_no_signature(tmp_path: Path) -> None:
    bare = open_model(Tiny(tmp_path / "a").placeholder().save()).meta
    found = chosen_signature(bare, "a", None)
    assert (
        isinstance(found, Finding)
        and found.code == "R1-no-signature"
        and "Name tensors" in (found.hint or "")
    )


JOINING = (
    "draft", "imported", "signatures/result_signature", "export/collections", "export/saver", "resolve/endpoints",
    "resolve/join",
    "resolve/preprocessing", "rewrite/freeze_variables", "rewrite/resource_variables",
)  # fmt: skip


def test_every_code_is_provoked_somewhere_here() -> None:
    """By name, in one of the tests of this folder."""
    here = Path(__file__).parent
    room = here.parents[1] / "workbench" / "surgery"
    tests = "".join(path.read_text() for path in here.rglob("test_*.py"))
    pattern = re.compile(r'"((?:R\d+|freeze|dropped|dangling|tf1)-[a-z-]+)"')
    known = {code for name in JOINING for code in pattern.findall((room / f"{name}.py").read_text())}
    assert len(known) > 40
    assert sorted(code for code in known if f'"{code}"' not in tests) == []
