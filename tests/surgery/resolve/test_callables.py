"""A callable becomes a signature of a copy: which variant, its arguments, what it captures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.protos import function, graph, meta_graph, node, write
from tests.surgery.importing import written
from workbench.findings import Finding
from workbench.model import Model, open_model
from workbench.surgery.export.functions import full_arg_spec, tensor_spec
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan, Source
from workbench.surgery.resolve.callables import (
    Prepared,
    callable_ports,
    find_variant,
    prepare,
    prepare_endpoints,
    prepare_usual,
    usual_callable,
    variant_name,
)

FLOAT, RESOURCE = 1, 20


def add_callable(meta: Any, name: str, *arguments: str) -> None:
    """A function of the root: `arguments` by position, of which each variant takes a different number."""
    objects = meta.object_graph_def
    number = len(objects.nodes)
    objects.nodes[0].children.add(node_id=number, local_name=name)
    full_arg_spec(objects.nodes.add().function.function_spec, arguments, [])
    for count in range(len(arguments), 0, -1):
        own = f"{name}_{count}"
        taken = arguments[:count]
        body = function(
            own, [f"{one}:1" for one in taken] + ["w:20"],
            node("r", "ReadVariableOp", "w", dtype=FLOAT), node("y", "Mul", taken[0], "r:value:0", T=FLOAT),
            returns={"output_0": "y:z:0"},
        )  # fmt: skip
        body.signature.is_stateful = True
        meta.graph_def.library.function.append(body)
        objects.nodes[number].function.concrete_functions.append(own)
        concrete = objects.concrete_functions[own]
        concrete.bound_inputs.append(1)
        given = concrete.canonicalized_input_signature.tuple_value
        positional = given.values.add().tuple_value
        for one in taken:
            shape = meta.signature_def["shape"].inputs["x"].tensor_shape
            positional.values.append(tensor_spec(one, FLOAT, shape))
        given.values.add().dict_value.SetInParent()
        concrete.output_signature.CopyFrom(tensor_spec("output_0", FLOAT, shape))


def model(folder: Path, *names: tuple[str, ...], signature: bool = False) -> Model:
    meta = meta_graph(
        graph(node("w", "VarHandleOp", dtype=FLOAT, shared_name="w"), node("x", "Placeholder", dtype=FLOAT)),
        shape=({"x": "x:0"}, {}),
    )
    shape = meta.signature_def["shape"].inputs["x"].tensor_shape
    shape.unknown_rank = False
    shape.dim.add(size=-1)
    shape.dim.add(size=4)
    objects = meta.object_graph_def
    objects.nodes.add().user_object.identifier = "_generic_user_object"
    objects.nodes.add().variable.name = "w"
    objects.nodes[0].children.add(node_id=1, local_name="w")
    for name, *arguments in names:
        add_callable(meta, name, *arguments)
    kept = meta.signature_def["shape"]
    if signature:
        meta.signature_def["serving_default"].CopyFrom(kept)
    del meta.signature_def["shape"]
    return open_model(write(folder, meta))


def made(found: Prepared | Finding | None) -> Prepared:
    assert isinstance(found, Prepared), found
    return found


def test_placeholders_and_a_call_that_captures(tmp_path: Path) -> None:
    found = made(prepare_usual(model(tmp_path / "m", ("__call__", "x")), "m"))
    nodes = {line for line in written(found.meta.nodes.values()) if line.startswith("call")}
    assert nodes == {"call/x = Placeholder()", "call/call = StatefulPartitionedCall(call/x, w)"}
    port = found.meta.signatures["__call__"].inputs["x"]
    assert (port.tensor, port.shape) == ("call/x:0", (None, 4))
    assert found.called.outputs == ("call/call:0",)


def test_the_variant_that_has_the_keys_of_the_wires(tmp_path: Path) -> None:
    opened = model(tmp_path / "m", ("__call__", "x", "mask"))
    plan = Plan((Source("a", tmp_path / "a"), Source("m", tmp_path / "m")), (Connect("y", "__call__#mask"),))
    assert made(prepare(plan, plan.sources[1], opened)).called.index == 1
    plan = Plan(plan.sources, (Connect("y", "__call__[2]#x"),))
    assert set(made(prepare(plan, plan.sources[1], opened)).meta.signatures["__call__[2]"].inputs) == {"x"}


def test_what_is_fed_says_which_variant(tmp_path: Path) -> None:
    opened = model(tmp_path / "m", ("__call__", "x", "mask"))
    assert made(prepare_endpoints(opened, "m", ["__call__#x"], ["__call__#output_0"])).called.index == 2


def test_a_signature_is_taken_before_a_callable(tmp_path: Path) -> None:
    opened = model(tmp_path / "m", ("__call__", "x"), signature=True)
    plan = Plan((Source("m", tmp_path / "m"),))
    assert prepare(plan, plan.sources[0], opened) is None
    assert usual_callable(opened.meta) is None
    named = Plan((Source("m", tmp_path / "m", signature="__call__"),))
    assert made(prepare(named, named.sources[0], opened)).called.key == "__call__"


@pytest.mark.parametrize(
    ("names", "usual"),
    [
        ([("__call__", "x"), ("serve", "x")], "__call__"),
        ([("embed", "x"), ("serve", "x")], "serve"),
        ([("embed", "x")], "embed"),
        ([("embed", "x"), ("score", "x")], None),
        ([], None),
    ],
)
def test_the_usual_callable(tmp_path: Path, names: list[tuple[str, ...]], usual: str | None) -> None:
    assert usual_callable(model(tmp_path / "m", *names).meta) == usual


def test_refused(tmp_path: Path) -> None:
    opened = model(tmp_path / "m", ("__call__", "x"), ("embed", "x"))
    both = Plan(
        (Source("a", tmp_path / "a"), Source("m", tmp_path / "m")),
        (Connect("y", "__call__#x"), Connect("z", "embed#x")),
    )
    found = prepare(both, both.sources[1], opened)
    assert isinstance(found, Finding) and found.code == "R1-callables"
    found = prepare_endpoints(opened, "m", ["__call__[7]#x"], [])
    assert isinstance(found, Finding)
    assert (found.code, found.hint) == ("R1-variant", "Write __call__[1].")


def test_names_of_variants(tmp_path: Path) -> None:
    meta = model(tmp_path / "m", ("__call__", "x", "mask"), ("embed", "x")).meta
    names = [variant_name(meta, item, one) for item in meta.callables for one in item.variants]
    assert sorted(names) == ["__call__[1]", "__call__[2]", "embed"]
    for name in names:
        found = find_variant(meta, name)
        assert found is not None and variant_name(meta, *found) == name
    assert find_variant(meta, "__call__[3]") is None
    ports = callable_ports(meta, next(one for one in meta.callables if one.path == "embed").variants[0])
    assert (list(ports.inputs), list(ports.outputs)) == (["x"], ["output_0"])
