"""`import workbench as wb`, as somebody in a Python session meets it: names, types, errors, what is printed."""

from __future__ import annotations

import inspect
import json
import pickle
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import workbench as wb
from tests.protos import graph, meta_graph, node, write
from workbench.disk import dtypes, schema
from workbench.model.callables import Callable_
from workbench.publishing.work import Work
from workbench.runtime.comparison.verification import Verification, not_run

SAMPLES = wb.sample_models()
IMAGE, DIGITS = SAMPLES / "image_base64", SAMPLES / "digits"
WIRES = (("pixels", "myInput"),)


def join(**options: Any) -> wb.Plan:
    return wb.Plan.join(img=IMAGE, net=DIGITS, wires=["pixels=myInput"], **options)


class Fresh(NamedTuple):
    """What a new interpreter finds in the package.

    Attributes:
        plain: names that exist after `import workbench`.
        shown: names that `dir` lists after every public name was used.
        modules: public names that are modules, before and after modules with public names are imported.
        function: whether `workbench.commit` is still the function.
    """

    plain: list[str]
    shown: list[str]
    modules: list[list[str]]
    function: bool


@cache
def fresh() -> Fresh:
    code = (
        "import json, types\n"
        "import workbench as wb\n"
        "plain = [name for name in vars(wb) if not name.startswith('_')]\n"
        "modules = []\n"
        "for _ in range(2):\n"
        "    modules.append([name for name in wb.__all__ if isinstance(getattr(wb, name), types.ModuleType)])\n"
        "    if not modules[1:]:\n"
        "        shown = [name for name in dir(wb) if not name.startswith('_')]\n"
        "    import workbench.publishing.commit, workbench.publishing.work\n"
        "from workbench import commit\n"
        "print(json.dumps([plain, sorted(shown), modules, commit is workbench.publishing.commit.commit]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return Fresh(*json.loads(done.stdout))


def test_dir_shows_the_api() -> None:
    """Also after its modules were imported, and without a name that only the module itself needs."""
    assert fresh().shown == sorted(name for name in wb.__all__ if not name.startswith("_"))
    assert set(fresh().plain) - set(fresh().shown) <= {"annotations", "TYPE_CHECKING", "notebook", "version"}


def test_public_names_stay_what_they_are() -> None:
    """Importing a module that is called as a public function does not hide the function."""
    assert fresh().modules == [["errors"], ["errors"]]
    assert fresh().function


def test_every_error_that_a_docstring_names_is_exported() -> None:
    named = set()
    public = [getattr(wb, name) for name in wb.__all__]
    methods = [method for one in public if inspect.isclass(one) for method in vars(one).values()]
    for one in [*public, *methods]:
        found = re.search(
            r"Raises:\n((?: {8,}.*\n)+)", (inspect.getdoc(one) or "").replace("\n    ", "\n        ")
        )
        for line in (found[1] if found else "").splitlines():
            named |= {
                name.strip() for name in line.split(":")[0].split(",") if re.fullmatch(r" *[A-Z]\w+", name)
            }
    assert {"PlanError", "UnknownName", "TargetExists", "ExecutionFailed", "WrongType"} <= named
    for name in named:
        assert issubclass(getattr(wb.errors, name), wb.WorkbenchError), name


def test_errors_are_one_family() -> None:
    for name in (
        "PlanError",
        "UnknownName",
        "TargetExists",
        "InputError",
        "NotAllowedToRun",
        "NotASavedModel",
    ):
        assert getattr(wb, name) is getattr(wb.errors, name)
    with pytest.raises(wb.WorkbenchError):
        wb.open_model("nothing here")
    with pytest.raises(AttributeError, match="nosuch"):
        wb.nosuch  # noqa: B018


@pytest.mark.parametrize(
    "wires",
    [
        "pixels=myInput",
        ["pixels=myInput"],
        [("pixels", "myInput")],
        [["pixels", "myInput"]],
        wb.Connect("pixels", "myInput"),
        iter([wb.Connect("pixels", "myInput")]),
    ],
    ids=["text", "list", "pair", "list of lists", "Wire", "iterator"],
)
def test_wires(wires: Any) -> None:
    assert wb.Plan.join(img=IMAGE, net=DIGITS, wires=wires) == join()


def test_a_pair_may_have_an_equals_sign_in_it() -> None:
    assert wb.Plan.join("a", "b", wires=[("x=y", "z=1")]).wires == (wb.Connect("x=y", "z=1"),)


@pytest.mark.parametrize(
    "given", [DIGITS, str(DIGITS), DIGITS / "saved_model.pb"], ids=["path", "text", "file"]
)
def test_a_path_is_taken_where_a_model_is(given: Any) -> None:
    opened = wb.open_model(given)
    assert wb.check_model(given, checksums=False) == wb.check_model(opened, checksums=False)
    assert wb.scan(given) == wb.scan(opened) != ()
    assert set(wb.to_networkx(given)) == set(wb.to_networkx(opened)) == set(wb.to_networkx(opened.meta))
    assert wb.Plan.join(img=IMAGE, net=opened, wires=WIRES).sources[1].path == opened.path


def test_tags_choose_in_an_opened_model_too(tmp_path: Path) -> None:
    metas = [meta_graph(graph(node(f"x{tag}", "NoOp")), (tag,)) for tag in ("a", "b")]
    model = wb.open_model(write(tmp_path / "two", *metas), "a")
    assert wb.Plan.join(m=model, wires=[]).sources[0].tags == ("a",)
    from workbench.model import as_model

    assert as_model(model) is model
    assert list(as_model(model, "b").meta.nodes) == ["xb"]
    with pytest.raises(wb.UnknownName, match="a  b"):
        wb.scan(model, "c")


@pytest.mark.parametrize(
    "call",
    [
        lambda: wb.open_model(3),
        lambda: wb.open_model(DIGITS, tags=3),
        lambda: wb.check_model(None),
        lambda: wb.check_model(wb.open_model(DIGITS).meta),
        lambda: wb.scan(b"bytes"),
        lambda: wb.to_networkx(3),
        lambda: wb.Plan.join(3, wires=[]),
        lambda: wb.Plan.join("a", "b", wires=[3]),
        lambda: wb.Plan.join("a", "b", wires=[("x", "y", "z", "w")]),
        lambda: wb.Plan.join("a", "b", wires=None),
        lambda: wb.Plan.join("a", "b", wires={"x": "y"}),
        lambda: wb.check(DIGITS),
        lambda: wb.check(join(), [DIGITS]),
        lambda: wb.apply(wb.open_model(DIGITS)),
        lambda: wb.commit(join(), "out"),
        lambda: wb.run(DIGITS, [1, 2]),
        lambda: wb.verify(3),
        lambda: wb.verify(DIGITS, "source"),
        lambda: wb.verify(DIGITS, against=3),
        lambda: wb.verify(DIGITS, against=DIGITS, proving={"seed": 1}),
        lambda: wb.commit(wb.apply(join()), "out", proving=3),
        lambda: wb.commit(wb.apply(join()), None),
        lambda: wb.commit(wb.apply(join()), "out", proving=wb.Proving(tolerance="small")),
        lambda: wb.run(DIGITS, signature=3),
        lambda: wb.run(DIGITS, {3: 1}),
        lambda: wb.run(DIGITS, {"myInput": [[0.0] * 784]}, time_limit="long"),
        lambda: wb.run(DIGITS, {"myInput": [[0.0] * 784]}, python=3),
        lambda: wb.run(DIGITS, {"myInput": [[0.0] * 784]}, imports="tensorflow_text"),
        lambda: wb.check_model(DIGITS, only=3),
        lambda: wb.check(join(signature=3)),
        lambda: wb.check(wb.Plan((str(DIGITS),))),
        lambda: wb.check(wb.Plan(join().sources, ("pixels=myInput",))),
        lambda: wb.check(join(), {"img": IMAGE, "net": DIGITS}),
        lambda: wb.verify(DIGITS, {"net": 3}),
        lambda: wb.to_networkx(DIGITS, functions=True, max_nodes="many"),
        lambda: wb.Proving(inputs=[1]).given,
        lambda: wb.Proving(inputs=3).given,
    ],
)
def test_a_wrong_type_is_told_with_what_is_right(call: Any) -> None:
    with pytest.raises(wb.UsageError) as caught:
        call()
    assert isinstance(caught.value, TypeError)
    assert re.search(r" must be .+, not (None|a value of type \w+)\.", str(caught.value)), caught.value


def test_what_names_nothing_is_told() -> None:
    with pytest.raises(wb.UsageError, match="no loader 'v3'"):
        wb.run(DIGITS, {"myInput": [[0.0] * 784]}, loader="v3")  # type: ignore[arg-type]
    with pytest.raises(wb.UsageError, match="handle 'net'"):
        wb.check(join(), {"img": wb.open_model(IMAGE)})
    with pytest.raises(wb.UsageError, match="meta_graphs"):
        wb.check_model(DIGITS, only=[wb.open_model(DIGITS).meta])


def test_inputs_of_a_verification_are_any_values_that_run_takes() -> None:
    draft = wb.apply(join())
    signature = draft.meta.signature()
    for given in ({"base64_input": "YQ=="}, [{"base64_input": b"YQ=="}, {"base64_input": np.array("YQ==")}]):
        samples = Work(draft, wb.Proving(inputs=given)).given(draft.meta, signature)
        assert [sample["base64_input"].tolist() for sample in samples] == [b"YQ=="] * len(samples)
    with pytest.raises(wb.InputError, match="The inputs are base64_input"):
        Work(draft, wb.Proving(inputs={"nokey": 1})).given(draft.meta, signature)


def test_what_a_function_does_is_its_first_line() -> None:
    """A verb first, as `help` lists it."""
    verbs = ["Apply", "Check", "Make", "Open", "Return", "Run", "Verify", "Write"]
    for name in wb.__all__:
        one = getattr(wb, name)
        methods = [m for m in vars(one).values() if inspect.isfunction(m)] if inspect.isclass(one) else []
        for what in [one, *methods] if inspect.isfunction(one) else methods:
            line = (inspect.getdoc(what) or "").partition("\n")[0]
            if not what.__name__.startswith("_"):
                assert line.split(" ")[0] in verbs and line.endswith("."), (name, what.__name__, line)


def test_dtypes_by_name() -> None:
    port = wb.open_model(DIGITS).meta.signature().inputs["myInput"]
    assert (
        port.dtype == "float32" == str(port.dtype) == repr(port.dtype) == f"{port.dtype}" == port.dtype.name
    )
    assert port.dtype != "int32" and port.dtype == dtypes.FLOAT == 1 and port.dtype != 2
    assert port.dtype.numpy == "float32"
    assert {1: "one"}[port.dtype] == "one" and json.dumps(port.dtype) == "1"
    assert pickle.loads(pickle.dumps(port.dtype)) == "float32"
    assert schema.TensorInfo(dtype=port.dtype).dtype == 1
    assert str(dtypes.dtype(101)) == "float32_ref" and str(dtypes.dtype(77)) == "dtype_77"


def test_every_view_has_dtypes_by_name() -> None:
    meta = wb.open_model(SAMPLES / "digits_tf2").meta
    (one,) = meta.callables
    tensor = meta.tensor("serving_default_myInput")
    assert tensor is not None
    views = [*meta.variables, tensor, *one.variants[0].inputs, *one.variants[0].outputs]
    assert {str(view.dtype) for view in views} == {"float32"}


HOSTILE = "a\x1b[31m\u202e\n<b>" + "x" * 5000


def shown() -> list[object]:
    """One of each thing that is printed in a session."""
    model = wb.open_model(SAMPLES / "digits_tf2")
    plan = join(signature="predict", freeze=True)
    draft = wb.apply(plan)
    signature = model.meta.signature()
    failed = not_run(HOSTILE)
    return [
        model, *model.meta_graphs, signature, *signature.inputs.values(), *model.meta.variables,
        *model.meta.callables, model.meta.tensor("serving_default_myInput"), plan, draft,
        wb.check_model(model), *wb.check(plan), failed,
        wb.Report(Path("x"), "verified", "equal", Verification("verified", "equal"), findings=draft.findings),
        draft.join, *draft.parts.values(),
        wb.Proof(Path(HOSTILE), "differs", HOSTILE, against=Path(HOSTILE)),
    ]  # fmt: skip


def test_what_a_session_prints_fits_a_line_or_two() -> None:
    for one in shown():
        assert repr(one).startswith("<") and 20 < len(repr(one)) < 1000, repr(one)
        assert repr(one).isprintable()
    model, *_ = shown()
    assert "serving_default" in repr(model) and "11 nodes" in repr(model)
    signature = wb.open_model(DIGITS).meta.signature()
    assert (
        repr(signature)
        == "<Signature serving_default(myInput: float32 [?,784]) -> (myOutput: float32 [?,10])>"
    )
    assert repr(join()) == f"<Plan img={IMAGE}, net={DIGITS}; wires pixels=myInput>"


def test_hostile_names_are_printed_as_text(tmp_path: Path) -> None:
    meta = meta_graph(
        graph(node(HOSTILE, "Placeholder", dtype=1), node("v", "VarHandleOp", shared_name=HOSTILE, dtype=1)),
        (HOSTILE,) * 3,
        **{f"{HOSTILE}{n}": ({HOSTILE: f"{HOSTILE}:0"}, {"y": f"{HOSTILE}:0"}) for n in range(30)},
    )
    meta.signature_def[f"{HOSTILE}1"].inputs[HOSTILE].dtype = 77
    model = wb.open_model(write(tmp_path / "m", *[meta] * 20))
    found = model.meta_graphs[0].signatures[f"{HOSTILE}1"]
    plan = wb.Plan((wb.Source(HOSTILE, Path(HOSTILE)),) * 50, (wb.Connect(HOSTILE, HOSTILE),) * 50)
    things = [model, model.meta_graphs[0], found, *found.inputs.values(), plan, Callable_(HOSTILE, ())]
    for one in [*things, *model.meta_graphs[0].variables, model.meta_graphs[0].node_tensor(f"{HOSTILE}:0")]:
        assert repr(one).isprintable() and len(repr(one)) < 4000, repr(one)
    assert "dtype_77" in repr(found)


def test_printing_opens_no_checkpoint_and_changes_nothing(tmp_path: Path) -> None:
    meta = meta_graph(graph(node("v", "VarHandleOp", shared_name="v", dtype=1)))
    folder = write(tmp_path / "m", meta)
    (folder / "variables").mkdir()
    (folder / "variables" / "variables.index").write_bytes(b"no table")
    model = wb.open_model(folder)
    before = model.proto.SerializeToString(deterministic=True)
    assert "1 node" in repr(model) and "no signature" not in repr(model.meta)
    assert "_checkpoint" not in vars(model)
    draft = wb.apply(join())
    repr(draft)
    assert "meta" not in vars(draft) and model.proto.SerializeToString(deterministic=True) == before
