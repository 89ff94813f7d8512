"""Hostile models of plain graphs: what loading runs in them, and functions that ops call.

Sources: saved_model/loader_impl.py (get_init_op), saved_model/load_v1_in_v2.py, training/saver.py
(`import_meta_graph` makes a saver where there is none), training/monitored_session.py (default_local_init_op).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.hostile.build import (
    BOOL,
    FLOAT,
    INT32,
    INT64,
    STRING,
    VARIANT,
    Build,
    Where,
    constant,
    flag,
    function_def,
    integer,
    marking,
    shapes,
    text,
    texts,
    types,
    vector,
    write,
)
from tests.hostile.registry import CALL, hostile, hostile_files
from tests.protos import Func, node
from workbench.disk import schema

INIT_OP = "__saved_model_init_op"
MAIN_OP, LEGACY = "saved_model_main_op", "legacy_init_op"


def init_signature(b: Build, name: str) -> None:
    """The signature that names the init op."""
    b.meta.signature_def[INIT_OP].outputs[INIT_OP].name = name


@hostile("v1", "v2", phase=CALL)
def control_edge(b: Build) -> None:
    """The output waits for a node that writes."""
    b.marked().plain("w")


@hostile("v1", "v2")
def main_op(b: Build) -> None:
    """The init op of collection `saved_model_main_op`."""
    b.marked().plain().collection(MAIN_OP, "w")


@hostile("v1", "v2")
def legacy_init_op(b: Build) -> None:
    """The init op of collection `legacy_init_op`."""
    b.marked().plain().collection(LEGACY, "w")


@hostile("v1", "v2")
def init_op_signature(b: Build) -> None:
    """The init op that a signature names."""
    b.marked().plain()
    init_signature(b, "w")


@hostile("v1", "v2")
def init_op_precedence(b: Build) -> None:
    """Three init ops: the signature's wins, the others do nothing."""
    b.marked().plain().add(node("nothing", "NoOp"), node("nor_this", "NoOp"))
    init_signature(b, "w")
    b.collection(MAIN_OP, "nothing").collection(LEGACY, "nor_this")


@hostile("v1", "v2")
def init_op_precedence_of_collections(b: Build) -> None:
    """Two init ops: the main op wins over the legacy one."""
    b.marked().plain().add(node("nothing", "NoOp"))
    b.collection(MAIN_OP, "w").collection(LEGACY, "nothing")


@hostile("v2")
def table_initializer_collection(b: Build) -> None:
    """No init op: `tf.saved_model.load` runs the collection of table initialisers."""
    b.marked().plain().collection("table_initializer", "w")


def variable_def(name: str, initializer: str) -> Any:
    """A VariableDef of a resource variable."""
    found = schema.VariableDef(variable_name=f"{name}:0", initializer_name=initializer)
    found.snapshot_name = f"{name}_read:0"
    found.initial_value_name = f"{name}_value:0"
    found.is_resource = found.trainable = True
    return found


def variable(b: Build, name: str, *after: str) -> None:
    """A resource variable with its initialiser and a read, in the main graph."""
    shape = schema.AttrValue()
    shape.shape.dim.add().size = 1
    b.add(
        node(name, "VarHandleOp", *(f"^{one}" for one in after), dtype=FLOAT, shape=shape, shared_name="w"),
        constant(f"{name}_value", vector([2.0], FLOAT)),
        node(f"{name}_read", "ReadVariableOp", name, dtype=FLOAT),
    )


@hostile("v2")
def local_variable_initializer(b: Build) -> None:
    """No init op: `tf.saved_model.load` runs the initialisers of local variables."""
    b.marked().plain()
    variable(b, "local")
    b.add(node("local_assign", "AssignVariableOp", "local", "local_value", "^w", dtype=FLOAT))
    b.variable_defs("local_variables", variable_def("local", "local_assign"))


def saved(b: Build, name: str, value: float = 2.0) -> None:
    """A float32 [1] tensor in the checkpoint."""
    import numpy as np

    b.tensors[name] = (FLOAT, [1], np.array([value], np.float32).tobytes())


@hostile("v1")
def default_saver(b: Build) -> None:
    """No saver, but variables: the loader makes a saver, whose restoring reads a handle that waits for the mark."""
    b.marked().plain()
    variable(b, "other", "w")
    b.add(node("other_assign", "AssignVariableOp", "other", "other_value", dtype=FLOAT))
    b.variable_defs("variables", variable_def("other", "other_assign"))
    saved(b, "other")


def saver(b: Build, *after: str, filename: str = "save/Const") -> None:
    """A saver that restores one variable."""
    b.add(
        constant("save/Const", "model"),
        constant("names", text("w", [1])),
        constant("slices", text("", [1])),
        node("restored", "RestoreV2", filename, "names", "slices", dtypes=types([FLOAT])),
        node("assign", "AssignVariableOp", "var", "restored", dtype=FLOAT),
        node("restore_all", "NoOp", "^assign", *(f"^{one}" for one in after)),
        node("save_op", "SaveV2", filename, "names", "slices", "var_read", dtypes=types([FLOAT])),
        node("saved", "Identity", filename, "^save_op", T=STRING),
    )
    b.meta.saver_def.filename_tensor_name = "save/Const:0"
    b.meta.saver_def.restore_op_name = "restore_all"
    b.meta.saver_def.save_tensor_name = "saved:0"
    b.meta.saver_def.version = 2
    saved(b, "w")


@hostile("v1", "v2")
def saver_restore_op(b: Build) -> None:
    """The saver's restore op waits for a node that writes."""
    b.marked().plain()
    variable(b, "var")
    saver(b, "w")


# -- functions that ops call


def leaving(
    b: Build, name: str = "leaves", *, takes: Mapping[str, int] | None = None, gives: str = ""
) -> str:
    """A function of the library that leaves the mark, and gives one of its arguments or a constant."""
    given = dict(takes or {"x": FLOAT})
    result = gives or next(iter(given))
    nodes = [*marking(b.mark), node("r", "Identity", result, "^w", T=given[result])]
    b.library(function_def(name, given, {"r": ("r:output:0", given[result])}, nodes, after=["w"]))
    return name


def passing(b: Build, name: str = "passes", *, takes: Mapping[str, int] | None = None) -> str:
    """A harmless function that gives its first argument."""
    given = dict(takes or {"x": FLOAT})
    first = next(iter(given))
    result = {"r": ("r:output:0", given[first])}
    b.library(function_def(name, given, result, [node("r", "Identity", first, T=given[first])]))
    return name


def calling(b: Build, *nodes: Any) -> None:
    """`x` → `y`, which is what the node `call` gives."""
    shape = schema.AttrValue()
    shape.shape.unknown_rank = True
    b.add(node("x", "Placeholder", dtype=FLOAT, shape=shape), *nodes)
    b.add(node("y", "Identity", "call", T=FLOAT))
    b.signature(x=FLOAT, outputs={"y": ("y:0", FLOAT)})


BOTH: tuple[Any, ...] = ("v1", "v2")


@hostile(*BOTH, phase=CALL)
def partitioned_call(b: Build) -> None:
    """StatefulPartitionedCall."""
    call = {"Tin": types([FLOAT]), "Tout": types([FLOAT])}
    calling(b, node("call", "StatefulPartitionedCall", "x", f=Func(leaving(b)), **call))


@hostile(*BOTH, phase=CALL)
def op_that_is_a_function(b: Build) -> None:
    """The op of a node is the name of a function."""
    calling(b, node("call", leaving(b), "x"))


@hostile("v2", phase=CALL)
def function_called_like_an_op(b: Build) -> None:
    """A function has the name of a harmless op, and takes its place."""
    calling(b, node("call", leaving(b, "Softsign"), "x"))


@hostile(*BOTH, phase=CALL)
def if_branch(b: Build) -> None:
    """The branch of an If that is taken."""
    branches = {"then_branch": Func(leaving(b)), "else_branch": Func(passing(b))}
    ends = {"Tcond": BOOL, "Tin": types([FLOAT]), "Tout": types([FLOAT]), "output_shapes": shapes(None)}
    calling(b, constant("yes", True), node("call", "If", "yes", "x", **branches, **ends))


@hostile(*BOTH, phase=CALL)
def case_branch(b: Build) -> None:
    """The second branch of a Case."""
    branches = [Func(passing(b)), Func(leaving(b))]
    ends = {"Tin": types([FLOAT]), "Tout": types([FLOAT]), "output_shapes": shapes(None)}
    calling(b, constant("one", 1, INT32), node("call", "Case", "one", "x", branches=branches, **ends))


def loop_condition(b: Build, takes: Mapping[str, int], times: int = 1) -> str:
    """`i < times`, for a loop whose first variable is i."""
    nodes = [constant("end", times, INT32), node("r", "Less", "i", "end:output:0", T=INT32)]
    b.library(function_def("below", takes, {"r": ("r:z:0", BOOL)}, nodes))
    return "below"


def counting(b: Build, *nodes: Any, after: tuple[str, ...] = (), name: str = "body") -> str:
    """A loop body of (i, x) that adds one to i."""
    takes = {"i": INT32, "x": FLOAT}
    body = [constant("one", 1, INT32), node("next", "AddV2", "i", "one:output:0", T=INT32), *nodes]
    gives = {"i2": ("next:z:0", INT32), "x2": ("same:output:0", FLOAT)}
    body.append(node("same", "Identity", "x", T=FLOAT))
    b.library(function_def(name, takes, gives, body, after=after))
    return name


@hostile(*BOTH, phase=CALL)
def while_body(b: Build) -> None:
    """The body of a While."""
    takes = {"i": INT32, "x": FLOAT}
    functions = {
        "cond": Func(loop_condition(b, takes)),
        "body": Func(counting(b, *marking(b.mark), after=("w",))),
    }
    ends = {"T": types([INT32, FLOAT]), "output_shapes": shapes(0, None), "parallel_iterations": integer(1)}
    loop = node("loop", "While", "zero", "x", **functions, **ends)
    calling(b, constant("zero", 0, INT32), loop, node("call", "Identity", "loop:1", T=FLOAT))


@hostile(*BOTH, phase=CALL)
def while_condition(b: Build) -> None:
    """The condition of a While, whose body never runs."""
    takes = {"i": INT32, "x": FLOAT}
    nodes = [*marking(b.mark), constant("end", 0, INT32), node("r", "Less", "i", "end:output:0", T=INT32)]
    b.library(function_def("below", takes, {"r": ("r:z:0", BOOL)}, nodes, after=["w"]))
    functions = {"cond": Func("below"), "body": Func(counting(b))}
    ends = {"T": types([INT32, FLOAT]), "output_shapes": shapes(0, None), "parallel_iterations": integer(1)}
    loop = node("loop", "While", "zero", "x", **functions, **ends)
    calling(b, constant("zero", 0, INT32), loop, node("call", "Identity", "loop:1", T=FLOAT))


@hostile(*BOTH, phase=CALL)
def for_body(b: Build) -> None:
    """The body of a For."""
    body = leaving(b, takes={"i": INT32, "x": FLOAT}, gives="x")
    ends = [constant("zero", 0, INT32), constant("one", 1, INT32)]
    loop = node("call", "For", "zero", "one", "one", "x", body=Func(body), T=types([FLOAT]))
    calling(b, *ends, loop)


@hostile("v1", phase=CALL)
def symbolic_gradient(b: Build) -> None:
    """SymbolicGradient of a function: runs the function too, and its gradient function where it has one."""
    passing(b)
    b.library(
        function_def(
            "gradient",
            {"x": FLOAT, "dy": FLOAT},
            {"dx": ("r:output:0", FLOAT)},
            [*marking(b.mark), node("r", "Identity", "dy", "^w", T=FLOAT)],
            after=["w"],
        )
    )
    b.meta.graph_def.library.gradient.add(function_name="passes", gradient_func="gradient")
    call = {"Tin": types([FLOAT, FLOAT]), "Tout": types([FLOAT])}
    calling(b, node("call", "SymbolicGradient", "x", "x", f=Func("passes"), **call))


@hostile(*BOTH, phase=CALL)
def remote_call(b: Build) -> None:
    """RemoteCall to the own machine."""
    call = {"Tin": types([FLOAT]), "Tout": types([FLOAT])}
    where = constant("where", "/job:localhost/replica:0/task:0/device:CPU:0")
    if not b.mark:
        calling(b, where, node("call", "StatefulPartitionedCall", "x", f=Func(passing(b)), **call))
        return
    calling(b, where, node("call", "RemoteCall", "where", "x", f=Func(leaving(b)), **call))


@hostile(*BOTH, phase=CALL)
def batch_function(b: Build) -> None:
    """BatchFunction."""
    call = {"Tin": types([FLOAT]), "Tcaptured": types([]), "Tout": types([FLOAT])}
    sizes = schema.AttrValue()
    sizes.list.SetInParent()
    numbers = {
        "num_batch_threads": integer(1),
        "max_batch_size": integer(8),
        "batch_timeout_micros": integer(1),
    }
    names = {"container": "", "shared_name": "batch", "batching_queue": ""}
    options = {"allowed_batch_sizes": sizes, "enable_large_batch_splitting": flag(False), **numbers, **names}
    calling(b, node("call", "BatchFunction", "x", f=Func(leaving(b)), **call, **options))


@hostile(*BOTH, phase=CALL)
def map_defun(b: Build) -> None:
    """MapDefun."""
    call = {"Targuments": types([FLOAT]), "Tcaptured": types([]), "output_types": types([FLOAT])}
    calling(b, node("call", "MapDefun", "x", f=Func(leaving(b)), output_shapes=shapes(None), **call))


# -- data sets


def dataset(b: Build, *stages: Any, last: str) -> None:
    """`x` → a data set of one element → stages → its single element `y`."""
    calling(
        b,
        node("data", "TensorDataset", "x", Toutput_types=types([FLOAT]), output_shapes=shapes(None)),
        constant("one", 1, INT64),
        constant("no", False),
        *stages,
        node("call", "DatasetToSingleElement", last, output_types=types([FLOAT]), output_shapes=shapes(None)),
    )


ENDS: dict[str, Any] = {
    "Targuments": types([]),
    "output_types": types([FLOAT]),
    "output_shapes": shapes(None),
}


@hostile(*BOTH, phase=CALL)
def map_dataset(b: Build) -> None:
    """The function of a MapDataset."""
    dataset(b, node("map", "MapDataset", "data", f=Func(leaving(b)), **ENDS), last="map")


@hostile(*BOTH, phase=CALL)
def parallel_map_dataset(b: Build) -> None:
    """The function of a ParallelMapDatasetV2."""
    dataset(b, node("map", "ParallelMapDatasetV2", "data", "one", f=Func(leaving(b)), **ENDS), last="map")


@hostile(*BOTH, phase=CALL)
def filter_dataset(b: Build) -> None:
    """The predicate of a FilterDataset."""
    nodes = [*marking(b.mark), constant("yes", True)]
    b.library(function_def("keeps", {"x": FLOAT}, {"r": ("yes:output:0", BOOL)}, nodes, after=["w"]))
    dataset(b, node("keep", "FilterDataset", "data", predicate=Func("keeps"), **ENDS), last="keep")


@hostile(*BOTH, phase=CALL)
def take_while_dataset(b: Build) -> None:
    """The predicate of a TakeWhileDataset."""
    nodes = [*marking(b.mark), constant("yes", True)]
    b.library(function_def("keeps", {"x": FLOAT}, {"r": ("yes:output:0", BOOL)}, nodes, after=["w"]))
    dataset(b, node("keep", "TakeWhileDataset", "data", predicate=Func("keeps"), **ENDS), last="keep")


def making_dataset(b: Build) -> str:
    """A function that makes a data set of its argument, and leaves the mark."""
    made = node("d", "TensorDataset", "x", "^w", Toutput_types=types([FLOAT]), output_shapes=shapes(None))
    nodes = [*marking(b.mark), made]
    b.library(function_def("makes", {"x": FLOAT}, {"r": ("d:handle:0", VARIANT)}, nodes, after=["w"]))
    return "makes"


@hostile(*BOTH, phase=CALL)
def flat_map_dataset(b: Build) -> None:
    """The function of a FlatMapDataset."""
    dataset(b, node("flat", "FlatMapDataset", "data", f=Func(making_dataset(b)), **ENDS), last="flat")


@hostile(*BOTH, phase=CALL)
def interleave_dataset(b: Build) -> None:
    """The function of an InterleaveDataset."""
    made = node("flat", "InterleaveDataset", "data", "one", "one", f=Func(making_dataset(b)), **ENDS)
    dataset(b, made, last="flat")


@hostile(*BOTH, phase=CALL)
def parallel_interleave_dataset(b: Build) -> None:
    """The function of a ParallelInterleaveDataset."""
    sizes = ("one", "one", "no", "one", "one")
    made = node("flat", "ParallelInterleaveDataset", "data", *sizes, f=Func(making_dataset(b)), **ENDS)
    dataset(b, made, last="flat")


@hostile(*BOTH, phase=CALL)
def parallel_interleave_dataset_v4(b: Build) -> None:
    """The function of a ParallelInterleaveDatasetV4."""
    sizes = ("one", "one", "one", "one", "one")
    made = node("flat", "ParallelInterleaveDatasetV4", "data", *sizes, f=Func(making_dataset(b)), **ENDS)
    dataset(b, made, last="flat")


@hostile(*BOTH, phase=CALL)
def scan_dataset(b: Build) -> None:
    """The function of a ScanDataset."""
    nodes = [*marking(b.mark), node("r", "Identity", "x", "^w", T=FLOAT), node("t", "Identity", "s", T=FLOAT)]
    gives = {"s2": ("t:output:0", FLOAT), "r": ("r:output:0", FLOAT)}
    b.library(function_def("scans", {"s": FLOAT, "x": FLOAT}, gives, nodes, after=["w"]))
    made = node("scan", "ScanDataset", "data", "x", f=Func("scans"), Tstate=types([FLOAT]), **ENDS)
    dataset(b, made, last="scan")


@hostile(*BOTH, phase=CALL)
def reduce_dataset(b: Build) -> None:
    """The function of a ReduceDataset."""
    calling(
        b,
        node("data", "TensorDataset", "x", Toutput_types=types([FLOAT]), output_shapes=shapes(None)),
        node(
            "call",
            "ReduceDataset",
            "data",
            "x",
            f=Func(leaving(b, takes={"s": FLOAT, "x": FLOAT})),
            Tstate=types([FLOAT]),
            **ENDS,
        ),
    )


def generator(which: str) -> Callable[[Build], None]:
    """A GeneratorDataset with the mark in one of its three functions."""

    def change(b: Build) -> None:
        for name in ("init", "next", "finalize"):
            nodes = marking(b.mark if name == which else None)
            b.library(function_def(name, {"x": FLOAT}, {"r": ("x", FLOAT)}, nodes, after=["w"]))
        functions = {"init_func": Func("init"), "next_func": Func("next"), "finalize_func": Func("finalize")}
        ends = {
            "Tinit_func_args": types([FLOAT]),
            "Tnext_func_args": types([]),
            "Tfinalize_func_args": types([]),
        }
        shape = {"output_types": types([FLOAT]), "output_shapes": shapes(None)}
        endless = node("all", "GeneratorDataset", "x", **functions, **ends, **shape)
        dataset(b, endless, node("first", "TakeDataset", "all", "one", **shape), last="first")

    change.__name__ = f"generator_dataset_{which}"
    change.__doc__ = f"The `{which}_func` of a GeneratorDataset."
    return change


for _which in ("init", "next", "finalize"):
    hostile(*BOTH, phase=CALL)(generator(_which))


@hostile("v1", phase=CALL)
def one_shot_iterator(b: Build) -> None:
    """The function that makes the data set of a OneShotIterator."""
    made = node(
        "d", "TensorDataset", "c:output:0", "^w", Toutput_types=types([FLOAT]), output_shapes=shapes(1)
    )
    nodes = [*marking(b.mark), constant("c", vector([1.0], FLOAT)), made]
    b.library(function_def("factory", {}, {"r": ("d:handle:0", VARIANT)}, nodes, after=["w"]))
    ends = {"output_types": types([FLOAT]), "output_shapes": shapes(1)}
    names = {"container": "", "shared_name": ""}
    iterator = node("it", "OneShotIterator", dataset_factory=Func("factory"), **ends, **names)
    calling(b, iterator, node("call", "IteratorGetNext", "it", **ends))


@hostile(*BOTH, phase=CALL)
def api_implements(b: Build) -> None:
    """A function that implements the same as the one that is called, for this device: grappler swaps them.

    Also with functions of models that were loaded before, so the name is this model's own.
    """
    body = [node("r", "Identity", "x", T=FLOAT)]
    for name, device in (("fair", "GPU"), ("foul", "CPU")):
        nodes = [*marking(b.mark), *body] if name == "foul" else [node("w", "NoOp"), *body]
        attrs = {"api_implements": f"same {b.mark}", "api_preferred_device": device}
        b.library(
            function_def(name, {"x": FLOAT}, {"r": ("r:output:0", FLOAT)}, nodes, after=["w"], attrs=attrs)
        )
    call = {"Tin": types([FLOAT]), "Tout": types([FLOAT])}
    # Both must be among the functions that the graph keeps: a branch that is never taken calls the other.
    takes = function_def(
        "both",
        {"x": FLOAT},
        {"r": ("c:output:0", FLOAT)},
        [
            node("c", "PartitionedCall", "x", f=Func("fair"), **call),
            node("no", "Const", dtype=BOOL, value=constant("", False).attr["value"].tensor),
            node(
                "i",
                "If",
                "no:output:0",
                "x",
                then_branch=Func("foul"),
                else_branch=Func("fair"),
                Tcond=BOOL,
                Tin=types([FLOAT]),
                Tout=types([FLOAT]),
                output_shapes=shapes(None),
            ),
        ],
    )
    b.library(takes)
    calling(b, node("call", "PartitionedCall", "x", f=Func("both"), **call))


# -- other ops that touch more than tensors


@hostile(*BOTH, phase=CALL)
def print_into_a_file(b: Build) -> None:
    """PrintV2 into a file."""
    stream = f"file://{b.mark}" if b.mark else "stdout"
    b.add(constant("what", "printed"), node("w", "PrintV2", "what", output_stream=stream, end="\n"))
    b.plain("w")


@hostile(*BOTH, phase=CALL)
def summary_writer(b: Build) -> None:
    """A log of summaries: its folder appears."""
    b.add(
        constant("dir", b.mark or ""),
        constant("queue", 1, INT32),
        constant("suffix", ".v2"),
        node("writer", "SummaryWriter", shared_name="log", container=""),
        node("w", "CreateSummaryFileWriter", "writer", "dir", "queue", "queue", "suffix")
        if b.mark
        else node("w", "NoOp"),
    )
    b.plain("w")


@hostile(*BOTH, phase=CALL)
def cache_dataset(b: Build) -> None:
    """A CacheDataset with a file: its index appears."""
    name = b.mark.removesuffix(".index") if b.mark else ""
    made = node(
        "cache", "CacheDataset", "data", "file", output_types=types([FLOAT]), output_shapes=shapes(None)
    )
    dataset(b, constant("file", name), made, last="cache")


# -- several graphs in a file


def marked_twin(mark: Where) -> tuple[Build, Build]:
    """A harmless graph and one with the mark, same tags, same signature."""
    fair, foul = Build(None), Build(mark)
    fair.add(node("w", "NoOp"))
    fair.plain("w")
    foul.marked().plain("w")
    return fair, foul


@hostile_files("v1", phase=CALL)
def same_tags_first(folder: Path, mark: Where) -> Path:
    """Two MetaGraphs with the same tags: loaders take the first, which has the mark."""
    fair, foul = marked_twin(mark)
    return write(folder, foul, fair) if mark else write(folder, fair)


@hostile_files("v1", "v2", phase=CALL)
def same_tags_in_another_order(folder: Path, mark: Where) -> Path:
    """Tags are a set: `serve serve` is `serve`, and comes first."""
    fair, foul = marked_twin(mark)
    foul.meta.meta_info_def.tags.append("serve")
    return write(folder, foul, fair) if mark else write(folder, fair)


@hostile_files("v1", "v2", phase=CALL)
def graph_in_two_pieces(folder: Path, mark: Where) -> Path:
    """The bytes of a MetaGraph have its GraphDef twice: parsers put the two together."""
    build = Build(mark)
    build.plain("w")
    second = schema.MetaGraphDef()
    second.graph_def.node.extend(marking(mark, inside=False))
    data = build.meta.SerializeToString() + second.SerializeToString()
    return write(folder, build, message=_wrapped(data))


@hostile_files("v1", "v2", phase=CALL)
def attr_twice(folder: Path, mark: Where) -> Path:
    """The bytes of a node have one attr twice: the last counts, and calls the function with the mark."""
    build = Build(mark)
    call = {"Tin": types([FLOAT]), "Tout": types([FLOAT])}
    passing(build)
    leaving(build)
    calling(build, node("call", "StatefulPartitionedCall", "x", f=Func("passes"), **call))
    nodes = build.meta.graph_def.node
    at = next(i for i, one in enumerate(nodes) if one.name == "call")
    again = schema.NodeDef()
    again.attr["f"].func.name = "leaves"
    data = nodes[at].SerializeToString(deterministic=True) + again.SerializeToString()
    del nodes[at]
    graph = _field(1, data)
    return write(
        folder,
        build,
        message=_wrapped(build.meta.SerializeToString() + _field(2, graph)),
    )


def _field(number: int, data: bytes) -> bytes:
    """A length-delimited field."""
    size, length = len(data), bytearray()
    while True:
        length.append(size & 0x7F | (0x80 if size > 0x7F else 0))
        size >>= 7
        if not size:
            break
    return bytes([number << 3 | 2]) + bytes(length) + data


def _wrapped(meta: bytes) -> bytes:
    """A SavedModel of one MetaGraph, by its bytes."""
    return bytes(schema.SavedModel(saved_model_schema_version=1).SerializeToString()) + _field(2, meta)


@hostile("v1", "v2", phase=CALL)
def nested_function_attr(b: Build) -> None:
    """A loop's body is called through three functions, in a branch that the graph takes by a computed value."""
    leaving(b)
    call = {"Tin": types([FLOAT]), "Tout": types([FLOAT])}
    for outer, inner in (("second", "leaves"), ("third", "second")):
        body = [node("c", "PartitionedCall", "x", f=Func(inner), **call)]
        b.library(function_def(outer, {"x": FLOAT}, {"r": ("c:output:0", FLOAT)}, body))
    passing(b)
    branches = {"then_branch": Func("passes"), "else_branch": Func("third")}
    ends = {"Tcond": BOOL, "output_shapes": shapes(None), **call}
    yes = [constant("yes", True), node("no", "LogicalNot", "yes")]
    calling(b, *yes, node("call", "StatelessIf", "no", "x", **branches, **ends))


@hostile("v1", "v2", phase="call sparse")
def part_of_a_sparse_output(b: Build) -> None:
    """Only the shape of a sparse output waits for the mark."""
    b.marked().plain()
    b.add(
        constant("indices", vector([0], INT64)),
        constant("size", vector([1], INT64)),
        node("shape", "Identity", "size", "^w", T=INT64),
        constant("zero", 0, INT32),
        node("places", "ExpandDims", "indices", "zero", T=INT64, Tdim=INT32),
        constant("values", vector([1.0], FLOAT)),
    )
    b.signature("sparse", x=FLOAT, outputs={"y": ("y:0", FLOAT)})
    found = b.meta.signature_def["sparse"].outputs["s"]
    found.dtype, found.tensor_shape.unknown_rank = FLOAT, True
    found.coo_sparse.values_tensor_name = "values:0"
    found.coo_sparse.indices_tensor_name = "places:0"
    found.coo_sparse.dense_shape_tensor_name = "shape:0"


@hostile("v1", "v2")
def evaluated_on_import(b: Build) -> None:
    """Nothing reaches the node: its value decides a shape, so it runs while the graph is imported."""
    b.plain()
    urls = {"debug_urls": texts(f"file://{b.mark}"), "tensor_name": "size:0"} if b.mark else {}
    b.add(
        constant("size", vector([1]), INT32),
        constant("one", 1.0),
        node("w", "DebugIdentity" if b.mark else "Identity", "size", T=INT32, **urls),
        node("filled", "Reshape", "one", "w", T=FLOAT, Tshape=INT32),
    )


@hostile("v1", "v2", phase=CALL)
def summary_inside_a_function(b: Build) -> None:
    """A function makes a log of summaries."""
    if not b.mark:
        passing(b)
    else:
        nodes = [
            constant("dir", b.mark),
            constant("queue", 1, INT32),
            constant("suffix", ".v2"),
            node("writer", "SummaryWriter", shared_name="log", container=""),
            node(
                "w",
                "CreateSummaryFileWriter",
                "writer:writer:0",
                "dir:output:0",
                "queue:output:0",
                "queue:output:0",
                "suffix:output:0",
            ),
            node("r", "Identity", "x", "^w", T=FLOAT),
        ]
        b.library(function_def("passes", {"x": FLOAT}, {"r": ("r:output:0", FLOAT)}, nodes, after=["w"]))
    call = {"Tin": types([FLOAT]), "Tout": types([FLOAT])}
    calling(b, node("call", "StatefulPartitionedCall", "x", f=Func("passes"), **call))


@hostile("v1", phase=CALL)
def gradient_of_an_inner_function(b: Build) -> None:
    """SymbolicGradient of a function runs the gradients of the functions that it calls."""
    passing(b)
    nodes = [*marking(b.mark), node("r", "Identity", "dy", "^w", T=FLOAT)]
    gives = {"dx": ("r:output:0", FLOAT)}
    outer = [node("c", "passes", "x")]
    b.library(
        function_def("gradient", {"x": FLOAT, "dy": FLOAT}, gives, nodes, after=["w"]),
        function_def("outer", {"x": FLOAT}, {"r": ("c:r:0", FLOAT)}, outer),
    )
    b.meta.graph_def.library.gradient.add(function_name="passes", gradient_func="gradient")
    call = {"Tin": types([FLOAT, FLOAT]), "Tout": types([FLOAT])}
    calling(b, node("call", "SymbolicGradient", "x", "x", f=Func("outer"), **call))


@hostile("v1", phase=CALL)
def function_by_default(b: Build) -> None:
    """A function calls what its attr says; its caller does not say, so the attr's default counts."""
    leaving(b)
    call = {"Tin": types([FLOAT]), "Tout": types([FLOAT])}
    body = node("c", "PartitionedCall", "x", f=schema.AttrValue(placeholder="F"), **call)
    outer = function_def("outer", {"x": FLOAT}, {"r": ("c:output:0", FLOAT)}, [body])
    default = outer.signature.attr.add(name="F", type="func").default_value
    default.func.name = "leaves"
    b.library(outer)
    calling(b, node("call", "outer", "x"))


@hostile("v1", phase=CALL)
def function_by_attr(b: Build) -> None:
    """A function calls what its attr says, and its caller says which."""
    leaving(b)
    call = {"Tin": types([FLOAT]), "Tout": types([FLOAT])}
    body = node("c", "PartitionedCall", "x", f=schema.AttrValue(placeholder="F"), **call)
    outer = function_def("outer", {"x": FLOAT}, {"r": ("c:output:0", FLOAT)}, [body])
    outer.signature.attr.add(name="F", type="func")
    b.library(outer)
    calling(b, node("call", "outer", "x", F=Func("leaves")))


@hostile("v1", phase=CALL)
def file_by_default(b: Build) -> None:
    """A function prints to what its attr says; the default of the attr is a file."""
    nodes = [
        constant("what", "printed"),
        node("w", "PrintV2", "what:output:0", output_stream=schema.AttrValue(placeholder="S"), end="\n"),
        node("r", "Identity", "x", "^w", T=FLOAT),
    ]
    if not b.mark:
        nodes[1] = node("w", "NoOp")
    outer = function_def("outer", {"x": FLOAT}, {"r": ("r:output:0", FLOAT)}, nodes, after=["w"])
    default = outer.signature.attr.add(name="S", type="string").default_value
    default.s = f"file://{b.mark}".encode()
    b.library(outer)
    calling(b, node("call", "outer", "x"))
