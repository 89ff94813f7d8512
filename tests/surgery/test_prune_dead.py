"""Prune-dead: what can no longer run because a predicate is constant is removed; nothing else changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.protos import Func, function, graph, meta_graph, node
from tests.sharing import once
from tests.surgery.tiny import doubler
from tests.surgery.tools import codes, made
from workbench.disk import dtypes, schema
from workbench.model import open_model
from workbench.publishing.commit import commit
from workbench.runtime.child_process.child import Child
from workbench.surgery.operations.prune_dead import PruneDead
from workbench.surgery.operations.set import Set
from workbench.surgery.pruning.dead_branches import Dead, prune_dead
from workbench.surgery.pruning.known_values import KnownValues
from workbench.surgery.step import parse_step

FLOAT, INT, BOOL = (dtypes.enum(name) for name in ("float32", "int32", "bool"))


def const(name: str, value: Any) -> Any:
    """A Const of a boolean, a whole number or a number; of a list of them."""
    array = np.asarray(value)
    dtype = {"b": "bool", "i": "int32", "f": "float32"}[array.dtype.kind]
    tensor = schema.TensorProto(dtype=dtypes.enum(dtype), tensor_content=array.astype(dtype).tobytes())
    tensor.tensor_shape.SetInParent()
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    return node(name, "Const", dtype=dtypes.enum(dtype), value=tensor)


def of(*nodes: Any, functions: Any = (), output: str = "y:0", **signatures: Any) -> schema.MetaGraphDef:
    """A MetaGraph with a placeholder `x`, and a signature from it to an output."""
    whole = graph(node("x", "Placeholder", dtype=FLOAT), *nodes, functions=functions)
    made: schema.MetaGraphDef = meta_graph(whole, serving_default=({"x": "x:0"}, {"y": output}), **signatures)
    return made


def by_name(meta: schema.MetaGraphDef) -> dict[str, schema.NodeDef]:
    return {one.name: one for one in meta.graph_def.node}


def branch(name: str, *nodes: Any, result: str = "n:output:0") -> Any:
    """A function of one argument `a` and one result `r`; its default body is an Identity `n`."""
    return function(name, ["a"], *(nodes or (node("n", "Identity", "a", T=FLOAT),)), returns={"r": result})


def conditional(name: str, predicate: str, *inputs: str, op: str = "If", **branches: str) -> Any:
    """An If of the functions `then` and `other`, or of others."""
    named = {
        "then_branch": Func(branches.get("then", "then")),
        "else_branch": Func(branches.get("other", "other")),
    }
    return node(name, op, predicate, *inputs, Tcond=BOOL, Tin=[FLOAT], Tout=[FLOAT], **named)


# -- known values


@pytest.mark.parametrize(
    ("nodes", "value"),
    [
        ([const("p", True)], True),
        ([const("c", True), node("p", "Identity", "c")], True),
        ([const("c", True), node("p", "LogicalNot", "c")], False),
        ([const("c", True), const("d", False), node("p", "LogicalAnd", "c", "d")], False),
        ([const("c", True), const("d", False), node("p", "LogicalOr", "c", "d")], True),
        ([const("c", 2), node("p", "Cast", "c", DstT=BOOL)], True),
        ([const("c", 2.5), node("p", "Cast", "c", DstT=INT)], None),
        ([const("c", 2), const("d", 3), node("p", "Less", "c", "d")], True),
        ([const("c", 2), const("d", 3), node("p", "Equal", "c", "d")], False),
        ([const("c", [1, 2, 3]), const("d", [1, 2]), node("p", "Equal", "c", "d")], None),
        ([node("c", "Placeholder", dtype=BOOL), node("p", "LogicalNot", "c")], None),
        ([const("c", True), node("p", "PlaceholderWithDefault", "c", dtype=BOOL)], None),
        ([const("c", 2), const("d", 3), node("p", "AddV2", "c", "d")], None),
        ([node("p", "Identity", "q"), node("q", "Identity", "p")], None),
        ([const("p", [])], False),
        ([const("p", [0, 0])], True),
    ],
)
def test_what_is_known(nodes: list[Any], value: bool | None) -> None:
    known = {one.name: one for one in nodes}
    assert KnownValues(known).is_true("p") is value
    assert KnownValues(known, fed={"c", "p"}).is_true("p") is None


# -- functional control flow


@pytest.mark.parametrize(("value", "called"), [(True, "then"), (False, "other")])
@pytest.mark.parametrize(
    ("op", "call"), [("If", "StatefulPartitionedCall"), ("StatelessIf", "PartitionedCall")]
)
def test_a_conditional_becomes_a_call(value: bool, called: str, op: str, call: str) -> None:
    cond = conditional("cond", "p", "x", "^p", op=op)
    cond.attr["_lower_using_switch_merge"].b = True
    meta = of(
        const("p", value),
        cond,
        node("y", "Identity", "cond", T=FLOAT),
        functions=[branch("then"), branch("other")],
    )
    assert prune_dead(meta) == Dead(conditionals=1, nodes=0, functions=1)
    found = by_name(meta)["cond"]
    assert (found.op, list(found.input), found.attr["f"].func.name) == (call, ["x", "^p"], called)
    assert list(found.attr["Tin"].list.type) == list(found.attr["Tout"].list.type) == [FLOAT]
    assert not {"Tcond", "then_branch", "_lower_using_switch_merge"} & set(found.attr)
    assert [one.signature.name for one in meta.graph_def.library.function] == [called]
    assert prune_dead(meta) == Dead(), "there is nothing left"


@pytest.mark.parametrize(("index", "called"), [(0, "f0"), (1, "f1"), (2, "f2"), (7, "f2"), (-1, "f2")])
def test_a_case_becomes_a_call(index: int, called: str) -> None:
    branches = [branch(f"f{at}") for at in range(3)]
    case = node(
        "y",
        "StatelessCase",
        "i",
        "x",
        branches=[Func(f"f{at}") for at in range(3)],
        Tin=[FLOAT],
        Tout=[FLOAT],
    )
    meta = of(const("i", index), case, functions=branches)
    assert prune_dead(meta) == Dead(conditionals=1, nodes=1, functions=2)
    assert by_name(meta)["y"].attr["f"].func.name == called and "i" not in by_name(meta)


def loop(limit: str) -> tuple[Any, list[Any]]:
    """`while i < limit: x = x + x`, with the counter and the limit as loop variables."""
    condition = function(
        "condition",
        [f"i:{INT}", f"n:{INT}", "v"],
        node("less", "Less", "i", "n", T=INT),
        returns={"r": "less:z:0"},
    )
    body = function(
        "body", [f"i:{INT}", f"n:{INT}", "v"], const("one", 1), node("next", "AddV2", "i", "one:output:0", T=INT),
        node("same", "Identity", "n", T=INT), node("twice", "AddV2", "v", "v", T=FLOAT),
        returns={"i_": "next:z:0", "n_": "same:output:0", "v_": "twice:z:0"},
    )  # fmt: skip
    run = node(
        "loop",
        "StatelessWhile",
        "zero",
        limit,
        "x",
        cond=Func("condition"),
        body=Func("body"),
        T=[INT, INT, FLOAT],
    )
    return run, [condition, body]


@pytest.mark.parametrize(("limit", "runs"), [(0, False), (3, True)])
def test_a_loop_that_never_runs_is_its_inputs(limit: int, runs: bool) -> None:
    run, functions = loop("limit")
    meta = of(const("zero", 0), const("limit", limit), run, output="loop:2", functions=functions)
    assert prune_dead(meta) == (Dead() if runs else Dead(loops=1, functions=2))
    found = by_name(meta)["loop"]
    assert found.op == ("StatelessWhile" if runs else "IdentityN")
    if not runs:
        assert list(found.attr["T"].list.type) == [INT, INT, FLOAT] and set(found.attr) == {"T"}


def test_a_constant_that_a_loop_passes_on_is_known_in_its_body() -> None:
    """The flag is given back as it came; the counter is not, and says nothing."""
    flagged = function(
        "body", [f"p:{BOOL}", "v"], conditional("cond", "p", "v"), node("same", "Identity", "p", T=BOOL),
        returns={"p_": "same:output:0", "v_": "cond:output:0"},
    )  # fmt: skip
    condition = function(
        "condition", [f"p:{BOOL}", "v"], node("any", "Any", "v"), returns={"r": "any:output:0"}
    )
    run = node("loop", "While", "flag", "x", cond=Func("condition"), body=Func("body"), T=[BOOL, FLOAT])
    meta = of(
        const("flag", True),
        run,
        output="loop:1",
        functions=[flagged, condition, branch("then"), branch("other")],
    )
    assert prune_dead(meta).conditionals == 1
    functions = {one.signature.name: one for one in meta.graph_def.library.function}
    assert sorted(functions) == ["body_pruned", "condition", "then"]
    assert [one.op for one in functions["body_pruned"].node_def] == ["StatefulPartitionedCall", "Identity"]


# -- functions that are called with a constant


def with_flag(name: str = "f") -> Any:
    """A function of a flag and a value, that asks whether the flag is not set; and a constant it needs for that."""
    return function(
        name, [f"p:{BOOL}", "v"], node("not", "LogicalNot", "p"), conditional("cond", "not:y:0", "v"),
        returns={"r": "cond:output:0"},
    )  # fmt: skip


def call(name: str, function: str, *inputs: str) -> Any:
    return node(name, "PartitionedCall", *inputs, f=Func(function), Tin=[BOOL, FLOAT], Tout=[FLOAT])


def test_a_flag_that_all_calls_set_alike() -> None:
    meta = of(
        const("p", True), call("y", "f", "p", "x"), functions=[with_flag(), branch("then"), branch("other")]
    )
    assert prune_dead(meta) == Dead(conditionals=1, functions=1)
    (pruned, other) = sorted(meta.graph_def.library.function, key=lambda one: str(one.signature.name))
    assert (pruned.signature.name, other.signature.name) == ("f_pruned", "other")
    assert by_name(meta)["y"].attr["f"].func.name == "f_pruned"
    (cond,) = pruned.node_def
    assert (cond.op, list(cond.input)) == ("StatefulPartitionedCall", ["v"]), (
        "what the predicate was made of is gone"
    )
    assert [one.name for one in pruned.signature.input_arg] == ["p", "v"], "callers stay as they are"


def test_callers_that_set_a_flag_differently_get_their_own() -> None:
    meta = of(
        const("p", True), const("q", False), node("r", "Placeholder", dtype=BOOL),
        call("a", "f", "p", "x"), call("b", "f", "q", "a"), call("c", "f", "r", "b"), call("y", "f", "p", "c"),
        functions=[with_flag(), branch("then"), branch("other")],
    )  # fmt: skip
    assert prune_dead(meta).conditionals == 2
    nodes = by_name(meta)
    named = [nodes[name].attr["f"].func.name for name in "abcy"]
    assert named == ["f_pruned", "f_pruned_1", "f", "f_pruned"]


def test_objects_keep_the_function_they_name() -> None:
    meta = of(
        const("p", True), call("y", "f", "p", "x"), functions=[with_flag(), branch("then"), branch("other")]
    )
    objects = meta.object_graph_def
    objects.nodes.add().function.concrete_functions.append("f")
    objects.concrete_functions["f"].SetInParent()
    assert prune_dead(meta) == Dead(conditionals=1)
    names = [one.signature.name for one in meta.graph_def.library.function]
    assert sorted(names) == ["f", "f_pruned", "other", "then"]


def test_a_constant_inside_a_function_of_an_object() -> None:
    """It keeps its name, since objects call it."""
    inside = function(
        "f", ["v"], const("p", True), conditional("cond", "p:output:0", "v"), returns={"r": "cond:output:0"}
    )
    meta = of(node("y", "Identity", "x", T=FLOAT), functions=[inside, branch("then"), branch("other")])
    meta.object_graph_def.nodes.add().function.concrete_functions.append("f")
    meta.object_graph_def.concrete_functions["f"].SetInParent()
    assert prune_dead(meta) == Dead(conditionals=1, functions=1)
    (found,) = [one for one in meta.graph_def.library.function if one.signature.name == "f"]
    assert [one.op for one in found.node_def] == ["StatefulPartitionedCall"]


def test_through_calls_and_branches() -> None:
    """The flag goes through a call and through a branch that is taken, to another conditional."""
    inner = function(
        "inner", [f"p:{BOOL}", "v"], conditional("cond", "p", "v"), returns={"r": "cond:output:0"}
    )
    nested = node("deep", "If", "p", "p", "v", Tcond=BOOL, Tin=[BOOL, FLOAT], Tout=[FLOAT],
                  then_branch=Func("inner"), else_branch=Func("inner_2"))  # fmt: skip
    outer = function("outer", [f"p:{BOOL}", "v"], nested, returns={"r": "deep:output:0"})
    inner_2 = schema.FunctionDef.FromString(inner.SerializeToString())
    inner_2.signature.name = "inner_2"
    meta = of(
        const("p", False),
        call("y", "outer", "p", "x"),
        functions=[outer, inner, inner_2, branch("then"), branch("other")],
    )
    assert prune_dead(meta).conditionals == 2
    assert sorted(one.signature.name for one in meta.graph_def.library.function) == [
        "inner_2_pruned", "other", "outer_pruned",
    ]  # fmt: skip


def test_a_function_that_calls_itself() -> None:
    again = node("again", "PartitionedCall", "p", "v", f=Func("f"), Tin=[BOOL, FLOAT], Tout=[FLOAT])
    one = function(
        "f", [f"p:{BOOL}", "v"], again, conditional("c", "p", "v"), returns={"r": "again:output:0"}
    )
    meta = of(
        const("p", True), call("y", "f", "p", "x"),
        functions=[one],
    )  # fmt: skip
    prune_dead(meta)
    assert {one.op for one in meta.graph_def.library.function[-1].node_def} <= {
        "PartitionedCall",
        "StatefulPartitionedCall",
    }


# -- v1 control flow


def v1_cond(scope: str, predicate: str, value: str, *, op: str = "Switch") -> list[Any]:
    """TF1's `cond(predicate, lambda: value * value, lambda: -value)`, which gives `SCOPE/Merge`."""
    at = f"{scope}/"
    return [
        node(f"{at}pivot", "Switch", predicate, predicate, T=BOOL),
        node(f"{at}switch_t", "Identity", f"{at}pivot:1", T=BOOL),
        node(f"{at}switch_f", "Identity", f"{at}pivot", T=BOOL),
        node(f"{at}pred_id", "Identity", predicate, T=BOOL),
        node(f"{at}a", op, value, f"{at}pred_id", T=FLOAT),
        node(f"{at}square", "Mul", f"{at}a:1", f"{at}a:1", T=FLOAT),
        node(f"{at}b", op, value, f"{at}pred_id", T=FLOAT),
        const(f"{at}minus", -1.0),
        node(f"{at}negative", "Mul", f"{at}b", f"{at}minus", f"^{at}switch_f", T=FLOAT),
        merge(f"{at}Merge", f"{at}negative", f"{at}square"),
    ]


def merge(name: str, *inputs: str) -> Any:
    found = node(name, "Merge", *inputs, T=FLOAT)
    found.attr["N"].i = len(inputs)
    return found


@pytest.mark.parametrize(("value", "taken"), [(True, "square"), (False, "negative")])
def test_a_v1_conditional_becomes_its_branch(value: bool, taken: str) -> None:
    context = schema.CondContextDef(context_name="c", pred_name="c/pred_id:0", pivot_name="c/switch_t:0")
    meta = of(const("p", value), *v1_cond("c", "p", "x"), node("y", "Identity", "c/Merge", T=FLOAT))
    meta.collection_def["cond_context"].bytes_list.value.append(context.SerializeToString())
    dead = prune_dead(meta)
    nodes = by_name(meta)
    assert (dead.conditionals, dead.loops) == (1, 0)
    assert (nodes["c/Merge"].op, list(nodes["c/Merge"].input)) == ("Identity", [f"c/{taken}"])
    assert "N" not in nodes["c/Merge"].attr and "cond_context" not in meta.collection_def
    assert "x" in nodes[f"c/{taken}"].input
    assert ("c/square" in nodes) == value and ("c/negative" in nodes) != value
    assert not {one.op for one in nodes.values()} & {"Merge"}
    assert prune_dead(meta).conditionals <= 1 and by_name(meta).keys() <= nodes.keys()


def test_an_unknown_v1_conditional_stays() -> None:
    meta = of(node("p", "Placeholder", dtype=BOOL), *v1_cond("c", "p", "x"), output="c/Merge:0")
    before = meta.SerializeToString(deterministic=True)
    assert prune_dead(meta) == Dead() and meta.SerializeToString(deterministic=True) == before


def test_nested_v1_conditionals() -> None:
    """The inner predicate comes through a Switch of the outer one; an unknown one inside stays."""
    inner = [
        node("o/pred_in", "Switch", "q", "o/pred_id", T=BOOL),
        node("o/unknown_in", "Switch", "r", "o/pred_id", T=BOOL),
        *v1_cond("i", "o/pred_in:1", "o/square"),
        *v1_cond("u", "o/unknown_in:1", "i/Merge"),
    ]
    outer = [one for one in v1_cond("o", "p", "x") if one.name != "o/Merge"]
    meta = of(
        const("p", True), const("q", False), node("r", "Placeholder", dtype=BOOL), *outer, *inner,
        merge("o/Merge", "o/negative", "u/Merge"), output="o/Merge:0",
    )  # fmt: skip
    assert prune_dead(meta).conditionals == 2
    nodes = by_name(meta)
    assert list(nodes["o/Merge"].input) == ["u/Merge"] and nodes["u/Merge"].op == "Merge"
    assert list(nodes["i/Merge"].input) == ["i/negative"] and nodes["i/negative"].input[0] == "o/square"
    assert list(nodes["u/pred_id"].input) == ["r"]


@pytest.mark.parametrize("value", [True, False])
def test_which_branch_was_taken(value: bool) -> None:
    """The second output of a Merge says it; it becomes a constant that runs when the branch does."""
    last = node("y", "Cast", "c/Merge:1", DstT=FLOAT, SrcT=INT)
    meta = of(const("p", value), *v1_cond("c", "p", "x"), last)
    prune_dead(meta)
    nodes = by_name(meta)
    (name,) = nodes["y"].input
    assert nodes[name].op == "Const" and list(nodes[name].attr["value"].tensor.int_val) == [int(value)]
    assert list(nodes[name].input) == ["^c/square" if value else "^c/negative"]


def test_what_nothing_needed_goes_with_what_it_needs() -> None:
    """A gradient that no signature needs would be left without its input."""
    meta = of(
        const("p", False), *v1_cond("c", "p", "x"), node("left", "Neg", "c/square", T=FLOAT),
        node("other", "Neg", "x", T=FLOAT), output="c/Merge:0",
    )  # fmt: skip
    prune_dead(meta)
    assert "left" not in by_name(meta) and "other" in by_name(meta)


def v1_loop(scope: str, frame: str, limit: str, start: str, value: str) -> list[Any]:
    """TF1's `while i < limit: value = -value`, from `start`; gives `SCOPE/Exit`."""
    at = f"{scope}/"
    found = [
        node(f"{at}enter_i", "Enter", start, T=INT, frame_name=frame),
        node(f"{at}enter_v", "Enter", value, T=FLOAT, frame_name=frame),
        node(f"{at}enter_n", "Enter", limit, T=INT, frame_name=frame),
        merge(f"{at}merge_i", f"{at}enter_i", f"{at}next_i"),
        merge(f"{at}merge_v", f"{at}enter_v", f"{at}next_v"),
        node(f"{at}less", "Less", f"{at}merge_i", f"{at}enter_n", T=INT),
        node(f"{at}cond", "LoopCond", f"{at}less"),
        node(f"{at}switch_i", "Switch", f"{at}merge_i", f"{at}cond", T=INT),
        node(f"{at}switch_v", "Switch", f"{at}merge_v", f"{at}cond", T=FLOAT),
        const(f"{at}one", 1),
        node(f"{at}add", "AddV2", f"{at}switch_i:1", f"{at}one", T=INT),
        node(f"{at}neg", "Neg", f"{at}switch_v:1", T=FLOAT),
        node(f"{at}next_i", "NextIteration", f"{at}add", T=INT),
        node(f"{at}next_v", "NextIteration", f"{at}neg", T=FLOAT),
        node(f"{at}Exit", "Exit", f"{at}switch_v", T=FLOAT),
    ]
    for one in found:
        if one.name == f"{at}enter_n":
            one.attr["is_constant"].b = True
    return found


@pytest.mark.parametrize(("limit", "runs"), [(0, False), (3, True)])
def test_a_v1_loop_that_never_runs_is_what_enters(limit: int, runs: bool) -> None:
    meta = of(
        const("n", limit),
        const("zero", 0),
        *v1_loop("l", "l", "n", "zero", "x"),
        node("y", "Abs", "l/Exit", T=FLOAT),
    )
    assert prune_dead(meta).loops == (0 if runs else 1)
    nodes = by_name(meta)
    assert ("l/neg" in nodes) == runs
    if not runs:
        assert (nodes["l/Exit"].op, list(nodes["l/Exit"].input)) == ("Identity", ["x"])
        assert nodes.keys() == {"x", "y", "l/Exit"}


def test_a_loop_in_a_loop_may_run_later() -> None:
    """The counter of the outer loop is 0 at first; the inner loop's limit is that counter."""
    outer = [one for one in v1_loop("o", "o", "n", "zero", "x") if one.name != "o/neg"]
    inner = v1_loop("i", "i", "o/switch_i:1", "o/zero", "o/switch_v:1")
    meta = of(
        const("n", 3), const("zero", 0), *outer, const("o/zero", 0), *inner, node("o/neg", "Neg", "i/Exit", T=FLOAT),
        output="o/Exit:0",
    )  # fmt: skip
    assert prune_dead(meta) == Dead()


def test_a_loop_in_a_dead_branch_goes() -> None:
    cond = [one for one in v1_cond("c", "p", "x") if one.name != "c/Merge"]
    meta = of(
        const("p", False), const("n", 3), const("zero", 0), *cond,
        node("c/n", "Switch", "n", "c/pred_id", T=INT), node("c/zero", "Switch", "zero", "c/pred_id", T=INT),
        *v1_loop("l", "l", "c/n:1", "c/zero:1", "c/square"), merge("c/Merge", "c/negative", "l/Exit"),
        output="c/Merge:0",
    )  # fmt: skip
    assert prune_dead(meta).conditionals == 1
    nodes = by_name(meta)
    assert list(nodes["c/Merge"].input) == ["c/negative"] and not [
        name for name in nodes if name.startswith("l/")
    ]


def test_v1_control_flow_in_a_function() -> None:
    """There an input names the output by its name."""
    body = [
        const("p", True),
        node("s", "Switch", "v", "p:output:0", T=FLOAT),
        node("square", "Mul", "s:output_true:0", "s:output_true:0", T=FLOAT),
        node("negative", "Neg", "s:output_false:0", T=FLOAT),
        merge("m", "negative:y:0", "square:z:0"),
    ]
    one = function("f", ["v"], *body, returns={"r": "m:output:0"})
    meta = of(node("y", "PartitionedCall", "x", f=Func("f"), Tin=[FLOAT], Tout=[FLOAT]), functions=[one])
    assert prune_dead(meta) == Dead(conditionals=1)
    (left,) = meta.graph_def.library.function
    assert {each.name: list(each.input) for each in left.node_def} == {
        "square": ["v", "v"],
        "m": ["square:z:0"],
    }


# -- the operations


def conditional_model(folder: Path) -> Path:
    """`y` is `x` or `-x`, by an input `p`."""
    model = doubler(folder)
    graph_def = model.meta.graph_def
    del graph_def.node[1:]
    graph_def.node.extend([node("p", "Placeholder", dtype=BOOL), *v1_cond("c", "p", "x")])
    graph_def.node[1].attr["shape"].shape.SetInParent()
    return model.signature(x_in="x:0", p_in=("p:0", "bool", ()), y_out="c/Merge:0").save()


def test_set_removes_dead_branches_if_asked_to(tmp_path: Path) -> None:
    model = open_model(conditional_model(tmp_path / "m"))
    plain = made(model, Set("p", False))
    assert "c/square" in plain.meta.nodes and "dead-removed" not in codes(plain.findings)
    draft = made(model, parse_step("set input=p value=false prune_dead=true"))
    assert "c/square" not in draft.meta.nodes and "dead-removed" in codes(draft.findings)
    later = made(model, Set("p", False), PruneDead())
    assert later.meta.nodes.keys() == draft.meta.nodes.keys()
    nothing = made(model, PruneDead())
    assert codes(nothing.findings) == ["dead-nothing"]
    assert list(nothing.references) == ["serving_default"], "a result without a change is verified as well"


def test_an_input_that_nothing_needs_any_more_is_reported(tmp_path: Path) -> None:
    """Of `y = z if p else -x` only one of the two is left."""
    model = doubler(tmp_path / "m")
    graph_def = model.meta.graph_def
    del graph_def.node[1:]
    graph_def.node.extend([node("p", "Placeholder", dtype=BOOL), *v1_cond("c", "p", "x")])
    graph_def.node[1].attr["shape"].shape.SetInParent()
    model.placeholder("z")
    (switch,) = [one for one in graph_def.node if one.name == "c/a"]
    switch.input[0] = "z"
    path = model.signature(x_in="x:0", z_in="z:0", p_in=("p:0", "bool", ()), y_out="c/Merge:0").save()
    draft = made(open_model(path), Set("p", False, prune_dead=True))
    (told,) = [one for one in draft.findings if one.code == "signature-unused-input"]
    assert told.where == "serving_default#z"
    assert "signature-unused-input" not in codes(made(open_model(path), Set("p", False)).findings)


def v1_dropout(folder: Path) -> Path:
    """TF1 style: batch norm and dropout under tf.cond on `is_training`, one nested, and a loop."""
    from tests.zoo.example import tf
    from tests.zoo.tools import dense, fill, placeholder, save, v1_session

    with v1_session(flow_v1=True) as session:
        x = placeholder()
        training = tf.compat.v1.placeholder(tf.bool, [], name="is_training")
        h = dense(x, "layer")
        cond = tf.compat.v1.cond
        mean, var = cond(training, lambda: list(tf.nn.moments(h, [0])), lambda: [tf.zeros([4]), tf.ones([4])])
        h = (h - mean) / tf.sqrt(var + 0.5)

        def drop() -> Any:
            return cond(tf.logical_not(training), lambda: h * 9.0, lambda: tf.compat.v1.nn.dropout(h, 0.5))

        h = cond(training, drop, lambda: tf.identity(h))
        y = tf.compat.v1.while_loop(
            lambda i, h: tf.logical_and(training, i < 3), lambda i, h: (i + 1, h * 2.0), [0, h], name="loop"
        )[1]
        fill(session, "dropout")
        return save(
            folder, session, inputs={"x": x, "training": training}, outputs={"y": tf.identity(y, name="y")}
        )


def v2_dropout(folder: Path) -> Path:
    """tf.function: batch statistics and dropout under `if training`, and a loop; the object is callable as well."""
    from tests.zoo.example import tf
    from tests.zoo.v2 import layer_parts, save_module, spec

    class Model(tf.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            for name, value in layer_parts("dropout").items():
                setattr(self, name, value)

        @tf.function(input_signature=[spec(), spec("training", (), tf.bool)])
        def __call__(self, x: Any, training: Any) -> dict[str, Any]:
            h = x @ self.weights + self.bias
            if training:
                h = tf.nn.dropout((h - tf.reduce_mean(h, 0)) * 10.0, 0.5)
            i = 0
            while tf.logical_and(training, i < 3):
                h = h * 2.0
                i += 1
            return {"y": h}

    return save_module(folder, Model())


@pytest.mark.needs_tf
@pytest.mark.parametrize("maker", [v1_dropout, v2_dropout])
def test_a_model_without_its_training(maker: Any, shared: Path, tmp_path: Path, child: Child) -> None:
    model = open_model(once(shared, maker.__name__, maker))
    draft = made(model, Set("training", False, prune_dead=True))
    (told,) = [one.message for one in draft.findings if one.code == "dead-removed"]
    assert "1 loop" in told
    signature = [draft.meta.graph.node]
    if draft.meta.has_object_graph:  # `__call__` still takes the flag
        signature = [one.node_def for name, one in draft.meta.functions.items() if name.endswith("_pruned")]
        assert signature and "If" in {
            each.op for one in draft.meta.functions.values() for each in one.node_def
        }
    ops = {each.op for one in signature for each in one}
    assert not ops & {"Merge", "Exit", "RandomUniform", "Mean", "If", "While", "StatelessWhile"}
    report = commit(draft, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    assert report.verification is not None and len(report.verification.loaders) == 2
