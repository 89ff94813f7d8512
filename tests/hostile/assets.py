"""Hostile models that read or write files by a path that looks like that of an asset, or of the checkpoint.

The loader feeds the tensors of `asset_file_def` while it runs the init op (loader_impl.get_asset_tensors; of two for
one tensor the last counts), and the saver's file name while it restores; nothing else is fed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.hostile.build import (
    BOOL,
    FLOAT,
    INT32,
    RESOURCE,
    STRING,
    Build,
    Where,
    constant,
    function_def,
    integer,
    node,
    shapes,
    spec,
    types,
    write,
)
from tests.hostile.graphs import MAIN_OP, saver, variable
from tests.hostile.registry import CALL, hostile, hostile_files
from tests.protos import Func
from workbench.disk import schema

VOCAB = "one\ntwo\n"
SCALAR: Any = schema.AttrValue()
SCALAR.shape.SetInParent()


def init_reads(b: Build, entry: str, *nodes: Any, read: str = "ReadFile") -> None:
    """The init op puts what a file holds into a variable, and the signature gives it: `y`, a string."""
    b.add(
        constant("path", ""),
        *nodes,
        node("content", "VarHandleOp", dtype=STRING, shape=SCALAR, shared_name="content"),
        node("read", read, entry) if read else node("read", "Identity", entry, T=STRING),
        node("keep", "AssignVariableOp", "content", "read", dtype=STRING),
        node("init", "NoOp", "^keep"),
        node("value", "ReadVariableOp", "content", dtype=STRING),
    )
    b.collection(MAIN_OP, "init").signature(outputs={"y": ("value:0", STRING)})


def own(b: Build, tensor: str = "path:0") -> None:
    """The model's own asset."""
    b.asset(tensor, "vocab.txt", VOCAB)


def secret_as_asset(b: Build) -> str:
    """The secret's path as seen from the model's `assets/`."""
    return f"../../{Path(b.mark).name}" if b.mark else "vocab.txt"


BOTH: tuple[Any, ...] = ("v1", "v2")


@hostile(*BOTH, phase=CALL, reads=True)
def second_asset_of_a_tensor(b: Build) -> None:
    """Two AssetFileDefs of one tensor: the last, outside the model, counts."""
    init_reads(b, "path")
    own(b)
    b.asset("path:0", secret_as_asset(b))


@hostile(*BOTH, phase=CALL, reads=True)
def second_asset_in_the_collection(b: Build) -> None:
    """The same in the collection that older models have."""
    init_reads(b, "path")
    b.assets["vocab.txt"] = VOCAB
    for name in ("vocab.txt", secret_as_asset(b)):
        one = schema.AssetFileDef(filename=name)
        one.tensor_info.name = "path:0"
        found = b.meta.collection_def["saved_model_assets"].any_list.value.add()
        found.Pack(one)
        found.type_url = "type.googleapis.com/tensorflow.AssetFileDef"


@hostile("v1", phase=CALL, reads=True)
def other_output_of_the_node(b: Build) -> None:
    """The asset is output 0 of a node; output 1 is read."""
    pair = node("pair", "IdentityN", "path", "elsewhere", T=types([STRING, STRING]))
    init_reads(b, "pair:1" if b.mark else "path", constant("elsewhere", b.mark or ""), pair)
    own(b, "pair:0" if b.mark else "path:0")


@hostile(*BOTH, phase=CALL, reads=True)
def asset_that_a_signature_reads(b: Build) -> None:
    """A signature reads the constant: nothing is fed then, it has the path that is written in it."""
    b.add(constant("path", b.mark or ""))
    if b.mark:
        b.add(node("value", "ReadFile", "path"))
    else:
        b.add(node("value", "Identity", "path", T=STRING))
    own(b)
    b.signature(outputs={"y": ("value:0", STRING)})


def reader(b: Build, *, argument: int, name: str = "reads", before: tuple[int, ...] = ()) -> str:
    """A function of some arguments and two paths that reads one of the two."""
    takes = {f"b{at}": dtype for at, dtype in enumerate(before)} | {"p0": STRING, "p1": STRING}
    nodes = [node("r", "ReadFile", f"p{argument}")]
    b.library(function_def(name, takes, {"r": ("r:contents:0", STRING)}, nodes))
    return name


def which(b: Build) -> int:
    """The argument that is read: the second, or the first in the twin."""
    return 1 if b.mark else 0


@hostile(*BOTH, phase=CALL, reads=True)
def shifted_by_if(b: Build) -> None:
    """The arguments of a branch begin after the condition."""
    ends = {
        "Tcond": BOOL,
        "Tin": types([STRING, STRING]),
        "Tout": types([STRING]),
        "output_shapes": shapes(0),
    }
    name = Func(reader(b, argument=which(b)))
    call = node("call", "If", "yes", "path", "elsewhere", then_branch=name, else_branch=name, **ends)
    init_reads(b, "call", constant("yes", True), constant("elsewhere", b.mark or ""), call, read="")
    own(b)


@hostile(*BOTH, phase=CALL, reads=True)
def shifted_by_case(b: Build) -> None:
    """The arguments of a branch begin after the index."""
    ends = {"Tin": types([STRING, STRING]), "Tout": types([STRING]), "output_shapes": shapes(0)}
    name = Func(reader(b, argument=which(b)))
    call = node("call", "Case", "zero", "path", "elsewhere", branches=[name], **ends)
    init_reads(b, "call", constant("zero", 0, INT32), constant("elsewhere", b.mark or ""), call, read="")
    own(b)


@hostile(*BOTH, phase=CALL, reads=True)
def shifted_by_remote_call(b: Build) -> None:
    """The arguments of a RemoteCall begin after the device; the twin calls without it."""
    name = Func(reader(b, argument=which(b)))
    ends = {"Tin": types([STRING, STRING]), "Tout": types([STRING])}
    where = constant("where", "/job:localhost/replica:0/task:0/device:CPU:0")
    call = node("call", "RemoteCall", "where", "path", "elsewhere", f=name, **ends)
    if not b.mark:
        call = node("call", "PartitionedCall", "path", "elsewhere", f=name, **ends)
    init_reads(b, "call", where, constant("elsewhere", b.mark or ""), call, read="")
    own(b)


def looping(b: Build, *, second: str) -> None:
    """A loop of two turns over (i, path, content): each reads the path, and the next one's is `second`."""
    takes = {"i": INT32, "p": STRING, "c": STRING, "q": STRING}
    nodes = [
        constant("one", 1, INT32),
        node("next", "AddV2", "i", "one:output:0", T=INT32),
        node("r", "ReadFile", "p"),
        node("keep", "Identity", second, T=STRING),
    ]
    gives = {
        "i2": ("next:z:0", INT32),
        "p2": ("keep:output:0", STRING),
        "c2": ("r:contents:0", STRING),
        "q2": ("q", STRING),
    }
    b.library(function_def("body", takes, gives, nodes))
    ends = [constant("end", 2, INT32), node("r", "Less", "i", "end:output:0", T=INT32)]
    b.library(function_def("below", takes, {"r": ("r:z:0", BOOL)}, ends))
    options = {"T": types([INT32, STRING, STRING, STRING]), "output_shapes": shapes(0, 0, 0, 0)}
    functions = {"cond": Func("below"), "body": Func("body"), "parallel_iterations": integer(1)}
    loop = node("loop", "While", "zero", "path", "nothing", "elsewhere", **functions, **options)
    consts = (constant("zero", 0, INT32), constant("nothing", ""), constant("elsewhere", b.mark or ""))
    init_reads(b, "loop:2", *consts, loop, read="")


@hostile(*BOTH, phase=CALL, reads=True)
def another_path_in_the_next_turn(b: Build) -> None:
    """The body of a While reads the asset, and returns another path for the next turn."""
    if b.mark:
        looping(b, second="q")
    else:
        init_reads(b, "path")
    own(b)


def path_variable(name: str, shared: str) -> Any:
    """A variable for a path."""
    return node(name, "VarHandleOp", dtype=STRING, shape=SCALAR, shared_name=shared)


@hostile(*BOTH, phase=CALL, reads=True)
def two_variables_of_one_name(b: Build) -> None:
    """A variable gets the asset's path, and another node of the same shared name another one."""
    init_reads(
        b,
        "again",
        constant("elsewhere", b.mark or ""),
        path_variable("where", "where"),
        path_variable("also", "where" if b.mark else "also"),
        node("first", "AssignVariableOp", "where", "path", dtype=STRING),
        *([node("then", "AssignVariableOp", "also", "elsewhere", "^first", dtype=STRING)] if b.mark else []),
        node("again", "ReadVariableOp", "where", "^then" if b.mark else "^first", dtype=STRING),
    )
    own(b)


@hostile(*BOTH, phase=CALL, reads=True)
def variable_that_a_function_writes(b: Build) -> None:
    """The other node of that shared name is inside a function."""
    if b.mark:
        nodes = [
            constant("elsewhere", b.mark),
            path_variable("inner", "where"),
            node("then", "AssignVariableOp", "inner:resource:0", "elsewhere:output:0", dtype=STRING),
        ]
        b.library(function_def("writes", {}, {}, nodes, after=["then"]))
        call = node(
            "then", "StatefulPartitionedCall", "^first", f=Func("writes"), Tin=types([]), Tout=types([])
        )
    else:
        call = node("then", "NoOp", "^first")
    init_reads(
        b,
        "again",
        path_variable("where", "where"),
        node("first", "AssignVariableOp", "where", "path", dtype=STRING),
        call,
        node("again", "ReadVariableOp", "where", "^then", dtype=STRING),
    )
    own(b)


@hostile(*BOTH, phase=CALL, reads=True)
def element_of_a_data_set(b: Build) -> None:
    """A MapDataset's function gets the element's parts first, then what it captures: here the asset is the third."""
    own(b)
    if not b.mark:
        init_reads(b, "path")
        return
    takes = {"e0": STRING, "e1": STRING, "p": STRING}
    b.library(function_def("reads", takes, {"r": ("r:contents:0", STRING)}, [node("r", "ReadFile", "e1")]))
    one = {"output_types": types([STRING]), "output_shapes": shapes(0)}
    pair = {"Toutput_types": types([STRING, STRING]), "output_shapes": shapes(0, 0)}
    made = node("data", "TensorDataset", "nothing", "elsewhere", **pair)
    mapped = node("map", "MapDataset", "data", "path", f=Func("reads"), Targuments=types([STRING]), **one)
    single = node("single", "DatasetToSingleElement", "map", **one)
    consts = (constant("nothing", ""), constant("elsewhere", b.mark))
    init_reads(b, "single", *consts, made, mapped, single, read="")


@hostile_files(*BOTH, phase=CALL, reads=True)
def link_out_of_the_model(folder: Path, mark: Where) -> Path:
    """The asset is a symbolic link to a file elsewhere."""
    b = Build(mark)
    init_reads(b, "path")
    own(b)
    write(folder, b)
    if mark:
        (folder / "assets" / "vocab.txt").unlink()
        (folder / "assets" / "vocab.txt").symlink_to(mark)
    return folder


@hostile(*BOTH, phase=CALL, reads=True)
def paths_in_an_asset(b: Build) -> None:
    """The asset is a list of paths; what they name is read."""
    b.assets["list.txt"] = b.mark or "nothing"
    nodes = [node("line", "ReadFile", "path")]
    if b.mark:
        init_reads(b, "line", *nodes)
    else:
        init_reads(b, "path")
    b.asset("path:0", "list.txt")


# -- with an object graph


def object_reader(b: Build, nodes: list[Any], result: str) -> None:
    """A resource's `_initialize` reads a file into a variable by the path of an asset it captures."""
    asset = b.child(0, "asset", b.asset_object(0))
    content = b.child(0, "content", string_variable(b))
    keep = node("keep", "AssignVariableOp", "v", result, dtype=STRING)
    body = [*nodes, keep, constant("one", 1.0)]
    captured = {"v": RESOURCE, "path": STRING}
    b.concrete(
        "fills",
        {},
        {"r": ("one:output:0", FLOAT)},
        body,
        after=["keep"],
        captures=[content, asset],
        captured=captured,
        gives=spec("r", FLOAT, 0),
    )
    b.child(0, "table", b.resource(_initialize=b.function("fills")))
    b.add(node("main", "VarHandleOp", dtype=STRING, shape=SCALAR, shared_name="content"))
    gives = {"y": ("read:value:0", STRING)}
    read = node("read", "ReadVariableOp", "v", dtype=STRING)
    b.concrete("serve", {}, gives, [read], captures=[content], captured={"v": RESOURCE}, keywords=True)
    signatures = b.child(0, "signatures", b.user("signature_map"))
    b.child(signatures, "serving_default", b.bare("serve"))
    call = {"f": Func("serve"), "Tin": types([RESOURCE]), "Tout": types([STRING])}
    b.add(constant("path", ""), node("call", "StatefulPartitionedCall", "main", **call))
    b.signature(outputs={"y": ("call:0", STRING)})
    own(b)


def string_variable(b: Build) -> int:
    """A string variable with an empty value in the checkpoint."""
    number = b.variable("content")
    found = b.objects[number].variable
    found.dtype = STRING
    found.shape.Clear()
    key = b.attributes[number][0][1]
    b.tensors[key] = (STRING, [], [b""])
    return number


@hostile("v2", phase=CALL, reads=True)
def captured_asset_shifted_by_if(b: Build) -> None:
    """`_initialize` captures an asset, and passes it to a branch beside another path."""
    name = Func(reader(b, argument=which(b)))
    ends = {
        "Tcond": BOOL,
        "Tin": types([STRING, STRING]),
        "Tout": types([STRING]),
        "output_shapes": shapes(0),
    }
    nodes = [
        constant("yes", True),
        constant("elsewhere", b.mark or ""),
        node(
            "call",
            "If",
            "yes:output:0",
            "path",
            "elsewhere:output:0",
            then_branch=name,
            else_branch=name,
            **ends,
        ),
    ]
    object_reader(b, nodes, "call:output:0")


@hostile("v2", phase=CALL, reads=True)
def captured_asset_from_the_end(b: Build) -> None:
    """The object of the asset names it by -1: the last AssetFileDef, which is outside."""
    object_reader(b, [node("read", "ReadFile", "path")], "read:contents:0")
    if b.mark:
        b.asset("path:0", secret_as_asset(b))
        next(one for one in b.objects if one.HasField("asset")).asset.asset_file_def_index = -1


# -- files that are written


def caching(b: Build, filename: str) -> list[Any]:
    """A data set of one element, cached in a file; `cached` is the element."""
    ends = {"output_types": types([FLOAT]), "output_shapes": shapes(0)}
    made = node("data", "TensorDataset", "value", Toutput_types=types([FLOAT]), output_shapes=shapes(0))
    cache = node("cache", "CacheDataset", "data", filename, **ends)
    if not b.mark:
        cache = node("cache", "CacheDataset", "data", "in_memory", **ends)
    return [
        constant("value", 1.0),
        constant("in_memory", ""),
        made,
        cache,
        node("cached", "DatasetToSingleElement", "cache", **ends),
    ]


@hostile(*BOTH, inside="assets/cache.index")
def cache_in_an_asset(b: Build) -> None:
    """A CacheDataset's file name is an empty constant, which the loader feeds with an asset's path."""
    b.plain().add(constant("path", ""), *caching(b, "path"), node("init", "NoOp", "^cached"))
    b.collection(MAIN_OP, "init").asset("path:0", "cache", "x")


@hostile(*BOTH)
def cache_outside(b: Build) -> None:
    """The same with an asset outside the model."""
    b.plain().add(constant("path", ""), *caching(b, "path"), node("init", "NoOp", "^cached"))
    b.collection(MAIN_OP, "init")
    if b.mark:
        b.asset("path:0", f"../../{Path(b.mark).name.removesuffix('.index')}")


@hostile("v2", inside="variables/variables.index")
def cache_in_the_checkpoint(b: Build) -> None:
    """A CacheDataset's file name is the saver's, an empty constant that is fed while restoring."""
    b.plain().add(constant("save/Const", ""), *caching(b, "save/Const"), node("all", "NoOp", "^cached"))
    b.meta.saver_def.filename_tensor_name = "save/Const:0"
    b.meta.saver_def.restore_op_name = "all"
    b.meta.saver_def.save_tensor_name = "save/Const:0"
    b.meta.saver_def.version = 2
    b.files["variables/empty"] = ""


@hostile(*BOTH, phase=CALL)
def saving_half(b: Build) -> None:
    """A signature waits for the saving half of the saver: the file's name is the constant's then."""
    b.plain(*(["save_op"] if b.mark else []))
    variable(b, "var")
    saver(b)
    if b.mark:
        at = next(one for one in b.meta.graph_def.node if one.name == "save/Const")
        at.attr["value"].tensor.string_val[0] = b.mark.removesuffix(".index").encode()
        var = node("set", "AssignVariableOp", "var", "var_value", dtype=FLOAT)
        b.add(var)


def restored_path(b: Build, *, in_init_op: bool) -> None:
    """A variable for a path that no saver of the graph writes: the loader makes one that restores it."""
    b.add(constant("path", ""), path_variable("where", "where"))
    b.add(node("initial", "ReadVariableOp", "where", dtype=STRING))
    b.add(node("first", "ReadVariableOp", "where", dtype=STRING))
    b.add(node("file", "ReadFile", "first" if b.mark else "path"))
    b.add(node("content", "VarHandleOp", dtype=STRING, shape=SCALAR, shared_name="content"))
    waits = ["^keep"] if in_init_op else []
    b.add(node("where_set", "AssignVariableOp", "where", "path", *waits, dtype=STRING))
    b.add(node("keep", "AssignVariableOp", "content", "file", dtype=STRING))
    b.add(node("value", "ReadVariableOp", "content", dtype=STRING))
    b.add(node("init", "NoOp", "^where_set" if in_init_op or not b.mark else "^nothing", "^keep"))
    b.add(node("nothing", "NoOp"))
    found = schema.VariableDef(variable_name="where:0", initializer_name="where_set")
    found.snapshot_name, found.initial_value_name, found.is_resource = "initial:0", "path:0", True
    b.variable_defs("variables", found)
    b.tensors["where"] = (STRING, [], [(b.mark or "").encode()])
    b.collection(MAIN_OP, "init").signature(outputs={"y": ("value:0", STRING)})
    own(b)


@hostile(*BOTH, phase=CALL, reads=True)
def path_restored_by_a_made_saver(b: Build) -> None:
    """No saver, but a variable for a path: the loader makes a saver, and no node that runs writes the asset's path."""
    restored_path(b, in_init_op=False)


@hostile(*BOTH, phase=CALL, reads=True)
def path_restored_before_it_is_written(b: Build) -> None:
    """The same, and the init op writes the asset's path after it read what the checkpoint had there."""
    restored_path(b, in_init_op=True)
