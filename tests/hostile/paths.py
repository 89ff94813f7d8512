"""Hostile models whose file names only look like an asset's or an empty one: how TensorFlow reads names and constants.

`Graph.as_graph_element` (framework/ops.py) takes the number of an output by `int`, as an index of a list. A constant's
`tensor_content` wins over `string_val` (`Tensor::FromProto`, framework/tensor.cc).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.hostile.assets import BOTH, SCALAR, caching, init_reads, own, path_variable, secret_as_asset
from tests.hostile.build import (
    BOOL,
    FLOAT,
    INT32,
    STRING,
    Build,
    constant,
    function_def,
    integer,
    node,
    shapes,
    text,
    types,
)
from tests.hostile.graphs import MAIN_OP
from tests.hostile.registry import CALL, hostile
from tests.protos import Func
from workbench.disk import schema


def name_to_cache(b: Build) -> str:
    """The file that a CacheDataset is given to write the mark."""
    return (b.mark or "").removesuffix(".index")


def run_at_load(b: Build, *nodes: Any, after: str) -> None:
    """The init op waits for a node."""
    b.plain().add(*nodes, node("init", "NoOp", f"^{after}")).collection(MAIN_OP, "init")


@hostile("v1", phase=CALL, reads=True)
def another_way_to_write_the_tensor(b: Build) -> None:
    """Two AssetFileDefs, of `path:0` and of `path:00`, which is the same tensor."""
    init_reads(b, "path")
    own(b)
    if b.mark:
        b.asset("path:00", secret_as_asset(b))


@hostile("v1", phase=CALL, reads=True)
def last_output_of_the_node(b: Build) -> None:
    """Two AssetFileDefs, of `path:0` and of `path:-1`, which is the same tensor."""
    init_reads(b, "path")
    own(b)
    if b.mark:
        b.asset("path:-1", secret_as_asset(b))


@hostile(*BOTH)
def name_in_tensor_content(b: Build) -> None:
    """The name of a CacheDataset's file is empty in `string_val`, and not in `tensor_content`."""
    value = text("")
    name = name_to_cache(b).encode()
    if name:
        value.tensor_content = bytes([len(name)]) + name
    run_at_load(b, constant("where", value), *caching(b, "where"), after="cached")


@hostile("v1")
def name_that_the_call_sets(b: Build) -> None:
    """A function's constant takes its value, the name of a CacheDataset's file, from an attr of the call."""
    given = schema.AttrValue()
    given.placeholder = "given"
    ends = {"output_types": types([FLOAT]), "output_shapes": shapes(0)}
    nodes = [
        node("where", "Const", dtype=STRING, value=given if b.mark else text("")),
        constant("value", 1.0),
        node(
            "data", "TensorDataset", "value:output:0", Toutput_types=types([FLOAT]), output_shapes=shapes(0)
        ),
        node("cache", "CacheDataset", "data:handle:0", "where:output:0", **ends),
        node("cached", "DatasetToSingleElement", "cache:handle:0", **ends),
    ]
    function = function_def("caches", {}, {"r": ("cached:components:0", FLOAT)}, nodes)
    called = schema.AttrValue()
    called.func.name = "caches"
    if b.mark:
        function.signature.attr.add(name="given", type="tensor")
        called.func.attr["given"].tensor.CopyFrom(text(name_to_cache(b)))
    b.library(function)
    call = node("call", "StatefulPartitionedCall", f=called, Tin=types([]), Tout=types([FLOAT]))
    run_at_load(b, call, after="call")


@hostile(*BOTH)
def default_that_is_fed(b: Build) -> None:
    """The name of a CacheDataset's file is an empty default, which the loader feeds with an asset's path."""
    path = node("path", "PlaceholderWithDefault", "empty", dtype=STRING, shape=SCALAR)
    run_at_load(b, constant("empty", ""), path, *caching(b, "path"), after="cached")
    if b.mark:
        b.asset("path:0", f"../../{Path(name_to_cache(b)).name}")


@hostile("v2", phase=CALL, reads=True)
def variable_named_like_a_node(b: Build) -> None:
    """Two variables, one without a shared name: it gets that of its node (`fix_node_def`), which the other has."""
    init_reads(
        b,
        "again",
        constant("elsewhere", b.mark or ""),
        path_variable("where", ""),
        path_variable("also", "where" if b.mark else "another"),
        node("first", "AssignVariableOp", "where", "path", dtype=STRING),
        node("then", "AssignVariableOp", "also", "elsewhere", "^first", dtype=STRING),
        node("again", "ReadVariableOp", "where", "^then", dtype=STRING),
    )
    own(b)


@hostile(*BOTH, phase=CALL, reads=True)
def element_of_a_reduction(b: Build) -> None:
    """The function of a ReduceDataset gets the state, the element, then what it captures: here the asset."""
    takes = {"state": STRING, "element": STRING, "captured": STRING}
    nodes = [node("r", "ReadFile", "element" if b.mark else "captured")]
    b.library(function_def("reads", takes, {"r": ("r:contents:0", STRING)}, nodes))
    ends = {"output_types": types([STRING]), "output_shapes": shapes(0)}
    functions = {"f": Func("reads"), "Tstate": types([STRING]), "Targuments": types([STRING])}
    data = node("data", "TensorDataset", "elsewhere", Toutput_types=types([STRING]), output_shapes=shapes(0))
    reduced = node("reduced", "ReduceDataset", "data", "nothing", "path", **functions, **ends)
    consts = (constant("nothing", ""), constant("elsewhere", b.mark or ""))
    init_reads(b, "reduced", *consts, data, reduced, read="")
    own(b)


@hostile(*BOTH, phase=CALL, reads=True)
def arguments_that_a_loop_swaps(b: Build) -> None:
    """The body of a While reads the first of two paths, and returns them the other way round."""
    takes = {"i": INT32, "p": STRING, "q": STRING, "c": STRING}
    nodes = [
        constant("one", 1, INT32),
        node("next", "AddV2", "i", "one:output:0", T=INT32),
        node("r", "ReadFile", "p"),
    ]
    first, second = ("q", "p") if b.mark else ("p", "q")
    gives = {
        "i2": ("next:z:0", INT32),
        "p2": (first, STRING),
        "q2": (second, STRING),
        "c2": ("r:contents:0", STRING),
    }
    b.library(function_def("body", takes, gives, nodes))
    ends = [constant("end", 2, INT32), node("r", "Less", "i", "end:output:0", T=INT32)]
    b.library(function_def("below", takes, {"r": ("r:z:0", BOOL)}, ends))
    functions = {"cond": Func("below"), "body": Func("body"), "parallel_iterations": integer(1)}
    options = {"T": types([INT32, STRING, STRING, STRING]), "output_shapes": shapes(0, 0, 0, 0)}
    loop = node("loop", "While", "zero", "path", "elsewhere", "nothing", **functions, **options)
    consts = (constant("zero", 0, INT32), constant("nothing", ""), constant("elsewhere", b.mark or ""))
    init_reads(b, "loop:3", *consts, loop, read="")
    own(b)


@hostile(*BOTH, phase=CALL, reads=True)
def variable_that_a_saver_of_collections_fills(b: Build) -> None:
    """A variable has another path from the checkpoint when the init op reads it, and then puts the asset's there."""
    first, then = ("again", "set") if b.mark else ("set", "again")
    init_reads(
        b,
        "again",
        path_variable("where", "where"),
        node(
            "set", "AssignVariableOp", "where", "path", *(["^again"] if then == "set" else []), dtype=STRING
        ),
        node("again", "ReadVariableOp", "where", *(["^set"] if first == "set" else []), dtype=STRING),
        node("both", "NoOp", "^set", "^init"),
    )
    b.meta.collection_def[MAIN_OP].node_list.value[0] = "both"
    own(b)
    if b.mark:
        listed = schema.VariableDef(variable_name="where:0", initializer_name="set", snapshot_name="again:0")
        listed.is_resource = True
        listed.initial_value_name = "path:0"
        b.variable_defs("variables", listed)
        b.tensors["where"] = (STRING, [], [b.mark.encode()])
