"""Which functions are named, called and reached."""

from __future__ import annotations

from tests.graph.calling import meta
from tests.protos import Func, function, graph, meta_graph, node
from workbench.graph.functions import calls, function_attrs, reachable
from workbench.graph.views import to_networkx
from workbench.model import MetaGraph


def test_function_attrs_in_lists_and_inside_others() -> None:
    one = node("case", "Case", branches=[Func("a"), Func("b")], Tout=[1])
    one.attr["f"].func.name = "outer"
    one.attr["f"].func.attr["g"].func.name = "hidden"
    one.attr["f"].func.attr["h"].list.func.add().name = "listed"
    found = set(function_attrs(one.attr))
    assert found == {
        ("branches[0]", "a"),
        ("branches[1]", "b"),
        ("f", "outer"),
        ("f", "hidden"),
        ("f", "listed"),
    }


def test_calls_are_those_the_library_has() -> None:
    view = meta()
    assert calls(view.nodes["go"], view.functions) == [("f", "outer")]
    assert calls(node("n", "alone", "x"), view.functions) == [("alone", "alone")]
    assert calls(node("n", "PartitionedCall", f=Func("gone")), view.functions) == []


def test_reachable_functions() -> None:
    view = meta()
    assert reachable(view.graph, view.nodes.values()) == {"outer", "inner", "then", "else"}
    assert reachable(view.graph, [], ["alone", "gone"]) == {"alone"}


def test_gradients_and_names_in_strings_are_reached() -> None:
    forward = function("forward", ["x"], node("n", "Neg", "x", T=1))
    forward.attr["backward_function_name"].s = b"backward"
    functions = [forward, *(function(name, ["x"]) for name in ("backward", "grad", "custom", "unused"))]
    one = graph(node("call", "PartitionedCall", f=Func("forward")), functions=functions)
    one.node.add(name="c", op="Identity").attr["_gradient_op_type"].s = b"CustomGradient-1"
    one.library.gradient.add(function_name="forward", gradient_func="grad")
    one.library.registered_gradients.add(registered_op_type="CustomGradient-1", gradient_func="custom")
    assert reachable(one, one.node) == {"forward", "backward", "grad", "custom"}


def test_recursion_ends() -> None:
    again = function("again", ["x"], node("c", "PartitionedCall", "x", f=Func("again"), Tout=[1]))
    view = MetaGraph(meta_graph(graph(node("c", "PartitionedCall", f=Func("again")), functions=[again])))
    assert reachable(view.graph, view.nodes.values()) == {"again"}


def test_networkx_view() -> None:
    view = meta()
    flat = to_networkx(view)
    assert set(flat.nodes) == {"x", "go"}
    assert flat.edges["x", "go", 0] == {"source": "x", "position": 0, "control": False}
    assert flat.nodes["go"]["op"] == "StatefulPartitionedCall"
    assert flat.nodes["x"]["dtypes"] == ["float32"]
    deep = to_networkx(view, functions=True)
    assert deep.nodes["go::call::a"]["op"] == "_Arg"
    assert deep.has_edge("go::call::a", "go::call::sq")
    assert deep.nodes["go"]["returns"] == {"f": {"y": "go::call:output:0"}}


def test_networkx_view_of_a_dangling_input_and_an_unknown_op() -> None:
    view = MetaGraph(meta_graph(graph(node("y", "Nobody>Knows", "gone:3", "^also"))))
    found = to_networkx(view)
    assert found.nodes["gone"]["op"] is None
    assert found.nodes["y"]["dtypes"] is None
    assert found.edges["also", "y", 0]["control"]


def test_networkx_view_does_not_unfold_without_end() -> None:
    functions = [
        function(
            f"f{i}", ["x"], *(node(f"c{j}", "PartitionedCall", "x", f=Func(f"f{i + 1}")) for j in range(4))
        )
        for i in range(12)
    ]
    view = MetaGraph(meta_graph(graph(node("c", "PartitionedCall", f=Func("f0")), functions=functions)))
    try:
        to_networkx(view, functions=True, max_nodes=1000)
    except ValueError as problem:
        assert "1,000" in str(problem)
    else:
        raise AssertionError("4**12 bodies were unfolded")
