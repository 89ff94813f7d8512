"""How names are looked up in the main graph and in functions."""

from __future__ import annotations

import pytest

from tests.protos import Func, const, function, graph, meta_graph, node
from workbench.disk import schema
from workbench.graph.body import UNKNOWN, Bodies, Body, Dangling
from workbench.model import MetaGraph

FLOAT, INT32, STRING, BOOL = 1, 3, 7, 10


def number(value: int) -> schema.AttrValue:
    return schema.AttrValue(i=value)


def nodes() -> list[object]:
    return [
        node("top", "TopKV2", "x", "k", T=FLOAT),
        node("split", "Split", "axis", "x", num_split=number(3), T=FLOAT),
        node("many", "IdentityN", "x", "y", "z", T=[FLOAT, STRING, INT32]),
        node("parse", "ParseExample", "e", Nsparse=number(2), Ndense=number(1), sparse_types=[FLOAT, STRING],
             Tdense=[INT32]),
        node("call", "PartitionedCall", "x", f=Func("f"), Tin=[FLOAT], Tout=[FLOAT, STRING]),
        node("direct", "pair", "x"),
        node("odd", "Nobody>Knows", "x"),
    ]  # fmt: skip


def bodies() -> Bodies:
    pair = function("pair", ["a"], returns={"one": "a", "two": "a"})
    pair.signature.output_arg[1].type = STRING
    inside = function("f", ["x:1", "x2:7"], *nodes(), returns={"r": "top:values:0"})
    return Bodies(MetaGraph(meta_graph(graph(*nodes(), functions=[inside, pair]))))


def body(name: str = "f") -> Body:
    found = bodies().get(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("x", ("x", 0)),
        ("top:values:0", ("top", 0)),
        ("top:indices:0", ("top", 1)),
        ("top:indices", ("top", 1)),
        ("split:output:2", ("split", 2)),
        ("many:output:1", ("many", 1)),
        ("parse:sparse_indices:1", ("parse", 1)),
        ("parse:sparse_values:0", ("parse", 2)),
        ("parse:sparse_shapes:1", ("parse", 5)),
        ("parse:dense_values:0", ("parse", 6)),
        ("call:output:1", ("call", 1)),
        ("direct:two:0", ("direct", 1)),
        ("odd:y:2", ("odd", 2)),
        ("gone:y:1", ("gone", 1)),
        ("gone", ("gone", 0)),
    ],
)
def test_an_input_in_a_function(entry: str, expected: tuple[str, int]) -> None:
    assert body().address(entry) == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [("top", ("top", 0)), ("top:1", ("top", 1)), ("gone:3", ("gone", 3)), ("top:" + "9" * 5000, ("top", 0))],
)
def test_an_input_in_the_main_graph(entry: str, expected: tuple[str, int]) -> None:
    assert bodies().main.address(entry) == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("x", (FLOAT,)),
        ("x2", (STRING,)),
        ("x:0", (FLOAT,)),
        ("top:indices:0", (INT32,)),
        ("many:output", (FLOAT, STRING, INT32)),
        ("many:output:2", (INT32,)),
        ("parse:sparse_values", (FLOAT, STRING)),
        ("direct:two", (STRING,)),
        ("odd:y:2", UNKNOWN),
    ],
)
def test_dtypes_of_an_input_in_a_function(entry: str, expected: tuple[int, ...]) -> None:
    assert body().types(entry) == expected


@pytest.mark.parametrize(
    ("entry", "part", "have"),
    [
        ("gone", "node", None),
        ("x:1", "output", 1),
        ("top", "output", None),
        ("top:wrong:0", "output", None),
        ("top:values:1", "output", 1),
        ("split:output:x", "output", 3),
        ("many:output:3", "output", 3),
    ],
)
def test_an_input_that_names_nothing(entry: str, part: str, have: int | None) -> None:
    with pytest.raises(Dangling) as raised:
        body().types(entry)
    assert (raised.value.part, raised.value.have) == (part, have)


def test_dtypes_in_the_main_graph() -> None:
    main = bodies().main
    assert (main.types("top"), main.types("top:1"), main.types("odd:7")) == ((FLOAT,), (INT32,), UNKNOWN)
    for entry, part, have in (("gone", "node", None), ("top:2", "output", 2), ("top:x", "node", None)):
        with pytest.raises(Dangling) as raised:
            main.types(entry)
        assert (raised.value.part, raised.value.have) == (part, have)


def test_outputs_of_a_polymorphic_function() -> None:
    many = function("many", [])
    many.signature.output_arg.add(name="first", type=FLOAT)
    many.signature.output_arg.add(name="rest", type=INT32, number_attr="N")
    many.signature.output_arg.add(name="last", type=FLOAT)
    inside = function("f", [], node("told", "many", N=number(4)), node("untold", "many"))
    found = Bodies(MetaGraph(meta_graph(graph(functions=[many, inside])))).get("f")
    assert found is not None
    assert found.address("told:rest:3") == ("told", 4)
    assert found.address("told:last:0") == ("told", 5)
    assert found.output_ranges("untold") is None
    assert found.types("untold:last:0") == UNKNOWN


def test_users_of_outputs() -> None:
    inside = function(
        "f",
        ["a"],
        node("top", "TopKV2", "a", "a", T=FLOAT),
        node("both", "Pack", "top:values:0", "top:indices:0", "top:values:0", "^a", N=number(3), T=FLOAT),
    )
    found = Bodies(MetaGraph(meta_graph(graph(functions=[inside])))).get("f")
    assert found is not None
    expected = {
        ("a", 0): [("top", 0), ("top", 1)],
        ("a", 1): [],
        ("top", 0): [("both", 0), ("both", 2)],
        ("top", 1): [("both", 1)],
        ("both", 0): [],
        ("gone", 0): [],
    }
    for output, users in expected.items():
        assert [(user.name, at) for user, at in found.uses(output)] == users


def test_bodies_come_once_and_only_when_asked_for() -> None:
    found = bodies()
    assert found.get("f") is found.get("f") and found.get("gone") is None
    assert [one.name for one in found] == ["", "f", "pair"]
    assert list(found)[1] is found.get("f")
    assert not found.meta._function_nodes, "no nodes are listed before somebody looks at them"
    assert body().where("top") == "f::top" and found.main.where("top") == "top"


def test_functions_that_share_a_name_keep_their_own_nodes() -> None:
    twins = [function("f", ["x"], const("one", "a")), function("f", ["x"], const("two", "b"))]
    found = list(Bodies(MetaGraph(meta_graph(graph(functions=twins)))))
    assert [list(one.nodes) for one in found] == [[], ["one"], ["two"]]


def test_arguments() -> None:
    found = body()
    assert list(found.arguments) == ["x", "x2"] and not bodies().main.arguments
    assert [(one.name, one.dtype, one.shape) for one in found.argument_tensors] == [
        ("x", FLOAT, None),
        ("x2", STRING, None),
    ]
