"""For each code a model that has just this wrong: a copy of a sample model with one thing broken, or a few nodes.

`CASES[code](folder)` makes it below an empty folder and returns its path; no TensorFlow is needed.
"""

from __future__ import annotations

import shutil
import struct
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.protos import Func, Shape, const, function, graph, meta_graph, node, write
from workbench.disk import dtypes, schema
from workbench.disk.checkpoint import bundle
from workbench.disk.checkpoint.ordered_code import slice_key
from workbench.model.objects import OBJECT_GRAPH_KEY

SAMPLES = Path(__file__).resolve().parents[2] / "sample_models"
FLOAT, INT32, STRING = dtypes.FLOAT, dtypes.INT32, dtypes.STRING
DEFAULT = "serving_default"
Case = Callable[[Path], Path]
CASES: dict[str, Case] = {}
DATA = "variables/variables.data-00000-of-00001"


def case(code: str) -> Callable[[Case], Case]:
    """Registers a maker under the code it is for."""

    def register(make: Case) -> Case:
        assert code not in CASES, code
        CASES[code] = make
        return make

    return register


def copy(folder: Path, sample: str = "digits") -> Path:
    path = folder / "model"
    shutil.copytree(SAMPLES / sample, path)
    return path


def edited(folder: Path, change: Callable[[Any], None], sample: str = "digits") -> Path:
    """A sample model whose (only) MetaGraph was changed."""
    path = copy(folder, sample)
    message = schema.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    change(message.meta_graphs[0])
    (path / "saved_model.pb").write_bytes(message.SerializeToString(deterministic=True))
    (path / "fingerprint.pb").unlink(missing_ok=True)
    return path


def broken(code: str, sample: str = "digits") -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Registers a change of a sample model's MetaGraph under the code it is for."""

    def register(change: Callable[[Any], None]) -> Callable[[Any], None]:
        CASES[code] = lambda folder: edited(folder, change, sample)
        return change

    return register


def named(meta: Any, name: str) -> Any:
    return next(one for one in meta.graph_def.node if one.name == name)


def library(meta: Any, word: str) -> Any:
    """The first function with a word in its name."""
    return next(one for one in meta.graph_def.library.function if word in one.signature.name)


def tiny(folder: Path, *nodes: Any, y: str = "y:0", **options: Any) -> Path:
    """A SavedModel of a placeholder `x` and these nodes, with one signature from `x` to `y`."""
    all_nodes = [node("x", "Placeholder", dtype=FLOAT, shape=Shape([None, 4])), *nodes]
    made = meta_graph(graph(*all_nodes, **options), serving_default=({"x": "x:0"}, {"y": y}))
    return write(folder / "model", made)


def rewritten(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A model whose checkpoint was written anew with other tensors: `{key: (dtype, shape, bytes or strings)}`."""
    read = bundle.Bundle.open(path / "variables" / "variables")
    tensors: dict[str, Any] = {}
    for key in read:
        entry = read.entry(key)
        content = read.strings(key) if entry.dtype == STRING else read.raw(key)
        tensors[key] = (entry.dtype, entry.shape, content)
    change(tensors)
    shutil.rmtree(path / "variables")
    bundle.write(path / "variables" / "variables", tensors)
    return path


def reindexed(path: Path, change: Callable[[dict[bytes, bytes]], None]) -> Path:
    """A model whose index was written anew with other entries; the data file stays."""
    from workbench.disk.checkpoint import sstable

    index = path / "variables" / "variables.index"
    values = sstable.read_table(index.read_bytes(), "index")
    change(values)
    index.write_bytes(sstable.write_table(sorted(values.items())))
    return path


def retracked(folder: Path, change: Callable[[Any], None]) -> Path:
    """digits_tf2 with another object graph in its checkpoint."""

    def put(tensors: dict[str, Any]) -> None:
        dtype, shape, (data,) = tensors[OBJECT_GRAPH_KEY]
        tracked = schema.TrackableObjectGraph.FromString(data)
        change(tracked)
        tensors[OBJECT_GRAPH_KEY] = (dtype, shape, [tracked.SerializeToString(deterministic=True)])

    path = rewritten(copy(folder, "digits_tf2"), put)
    (path / "fingerprint.pb").unlink(missing_ok=True)
    return path


# --- what inspect tells too ---------------------------------------------------------------------------------


@case("note")
def _(folder: Path) -> Path:
    shutil.copytree(SAMPLES / "digits", folder / "served" / "3")
    return folder / "served"


@broken("nameless-node")
def _(meta: Any) -> None:
    meta.graph_def.node.add(op="NoOp")


@broken("duplicate-node")
def _(meta: Any) -> None:
    meta.graph_def.node.add().CopyFrom(meta.graph_def.node[0])


@broken("dangling-input")
def _(meta: Any) -> None:
    named(meta, "add").input[0] = "MatMull"


@broken("no-op")
def _(meta: Any) -> None:
    meta.graph_def.node.add(name="nothing")


@broken("missing-function", "digits_tf2")
def _(meta: Any) -> None:
    named(meta, "StatefulPartitionedCall").attr["f"].func.name = "gone"


@broken("signature-tensor")
def _(meta: Any) -> None:
    meta.signature_def[DEFAULT].outputs["myOutput"].name = "myOutput:1"


@broken("signature-dtype")
def _(meta: Any) -> None:
    meta.signature_def[DEFAULT].outputs["myOutput"].dtype = INT32


@broken("signature-shape")
def _(meta: Any) -> None:
    meta.signature_def[DEFAULT].inputs["myInput"].tensor_shape.dim[1].size = 783


@broken("unknown-op")
def _(meta: Any) -> None:
    meta.graph_def.node.add(name="odd", op="Company>Odd")


@broken("variable-mismatch")
def _(meta: Any) -> None:
    named(meta, "softmax/bias").attr["shape"].shape.dim[0].size = 11


@case("missing-key")
def _(folder: Path) -> Path:
    return rewritten(copy(folder), lambda tensors: tensors.__delitem__("softmax/bias"))


@case("no-checkpoint")
def _(folder: Path) -> Path:
    path = copy(folder)
    shutil.rmtree(path / "variables")
    return path


@case("no-values")
def _(folder: Path) -> Path:
    file = folder / "graph.pb"
    folder.mkdir(exist_ok=True)
    proto = graph(
        node("w", "VarHandleOp", dtype=1, shape=Shape([2])), node("y", "ReadVariableOp", "w", dtype=1)
    )
    file.write_bytes(proto.SerializeToString())
    return file


@case("bundle-problem")
def _(folder: Path) -> Path:
    """A bit of a block is turned: its checksum is wrong."""
    path = copy(folder)
    data = bytearray((path / "variables/variables.index").read_bytes())
    data[20] ^= 1
    (path / "variables/variables.index").write_bytes(data)
    return path


@case("missing-shard")
def _(folder: Path) -> Path:
    path = copy(folder)
    (path / DATA).unlink()
    return path


@case("bad-shard")
def _(folder: Path) -> Path:
    path = copy(folder)
    (path / DATA).write_bytes((path / DATA).read_bytes()[:-4])
    return path


@case("lfs-pointer")
def _(folder: Path) -> Path:
    path = copy(folder)
    (path / DATA).write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{'cd' * 32}\nsize 1234567\n"
    )
    return path


@case("linked-checkpoint")
def _(folder: Path) -> Path:
    path = copy(folder)
    shutil.move(path / DATA, folder / "elsewhere")
    (path / DATA).symlink_to(folder / "elsewhere")
    return path


@case("bad-entry")
def _(folder: Path) -> Path:
    """A partitioned variable with a hole: rows 0 to 4 and 6 to 10 of 10."""

    def cut(values: dict[bytes, bytes]) -> None:
        entry = schema.BundleEntryProto.FromString(values[b"softmax/bias"])
        whole = schema.BundleEntryProto(dtype=entry.dtype, shape=entry.shape)
        for start, length in ((0, 4), (6, 4)):
            whole.slices.add().extent.add(start=start, length=length)
            part = schema.BundleEntryProto(dtype=entry.dtype, offset=entry.offset, size=4 * length)
            part.shape.dim.add().size = length
            values[slice_key(b"softmax/bias", [(start, length)])] = part.SerializeToString()
        values[b"softmax/bias"] = whole.SerializeToString()

    return reindexed(copy(folder), cut)


@case("orphan-slice")
def _(folder: Path) -> Path:
    def add(values: dict[bytes, bytes]) -> None:
        values[slice_key(b"gone", [(0, 10)])] = values[b"softmax/bias"]

    return reindexed(copy(folder), add)


def with_asset(folder: Path, filename: str, tensor: str = "path:0") -> Path:
    made = meta_graph(
        graph(const("path", "vocab.txt"), node("y", "Identity", "path", T=STRING)),
        serving_default=({}, {"y": "y:0"}),
    )
    made.signature_def[DEFAULT].outputs["y"].dtype = STRING
    made.asset_file_def.add(filename=filename).tensor_info.name = tensor
    path = write(folder / "model", made)
    (path / "assets").mkdir()
    (path / "assets" / "vocab.txt").write_text("ant\nbee\n")
    return path


@case("asset-outside")
def _(folder: Path) -> Path:
    return with_asset(folder, "../../secret.txt")


@case("missing-asset")
def _(folder: Path) -> Path:
    return with_asset(folder, "words.txt")


@case("origin-unreadable")
def _(folder: Path) -> Path:
    path = copy(folder)
    (path / "assets.extra").mkdir()
    (path / "assets.extra" / "workbench.json").write_text("{")
    return path


# --- edges and attrs ----------------------------------------------------------------------------------------


@broken("output-index")
def _(meta: Any) -> None:
    named(meta, "myOutput").input[0] = "add:1"


@broken("input-count")
def _(meta: Any) -> None:
    del named(meta, "MatMul").input[1]


@broken("input-dtype")
def _(meta: Any) -> None:
    named(meta, "myInput").attr["dtype"].type = INT32


@broken("input-order")
def _(meta: Any) -> None:
    named(meta, "MatMul").input[:] = ["myInput", "^save/Const", "MatMul/ReadVariableOp"]


@broken("function-input", "digits_tf2")
def _(meta: Any) -> None:
    body = library(meta, "__call__").node_def
    next(one for one in body if one.name == "MatMul").input[0] = "my_input"


@broken("cycle")
def _(meta: Any) -> None:
    named(meta, "MatMul").input.append("^add")


@broken("missing-attr")
def _(meta: Any) -> None:
    del named(meta, "MatMul").attr["T"]


@broken("unknown-attr")
def _(meta: Any) -> None:
    named(meta, "MatMul").attr["fast"].b = True


@broken("attr-value")
def _(meta: Any) -> None:
    named(meta, "MatMul").attr["transpose_b"].i = 0


@broken("noted-shapes")
def _(meta: Any) -> None:
    del named(meta, "MatMul").attr["_output_shapes"].list.shape[:]


@case("const-value")
def _(folder: Path) -> Path:
    value = schema.TensorProto(dtype=FLOAT, tensor_content=bytes(12))
    value.tensor_shape.dim.add().size = 4
    return tiny(folder, node("c", "Const", dtype=FLOAT, value=value), node("y", "AddV2", "x", "c", T=FLOAT))


# --- functions ----------------------------------------------------------------------------------------------


@broken("function-clash", "digits_tf2")
def _(meta: Any) -> None:
    functions = meta.graph_def.library.function
    functions.add().CopyFrom(library(meta, "__call__"))
    functions[-1].node_def[0].device = "/cpu:0"


@case("function-named-as-op")
def _(folder: Path) -> Path:
    made = function("Tanh", ["a"], returns={"b": "a"})
    return tiny(folder, node("y", "Tanh", "x", T=FLOAT), functions=[made])


@broken("function-return", "digits_tf2")
def _(meta: Any) -> None:
    library(meta, "__call__").ret["identity"] = "Identitty:output:0"


@broken("call-arguments", "digits_tf2")
def _(meta: Any) -> None:
    named(meta, "StatefulPartitionedCall").attr["Tin"].list.type[:] = [FLOAT, dtypes.RESOURCE, FLOAT]


@broken("call-results", "digits_tf2")
def _(meta: Any) -> None:
    named(meta, "StatefulPartitionedCall").attr["Tout"].list.type.append(FLOAT)


def call(name: str, source: str, called: str) -> Any:
    return node(name, "PartitionedCall", source, f=Func(called), Tin=[FLOAT], Tout=[FLOAT])


@case("recursion")
def _(folder: Path) -> Path:
    one = function("one", ["a"], call("c", "a", "two"), returns={"b": "c:output:0"})
    two = function("two", ["a"], call("c", "a", "one"), returns={"b": "c:output:0"})
    return tiny(folder, call("y", "x", "one"), functions=[one, two])


@broken("gradient-function", "digits_tf2")
def _(meta: Any) -> None:
    meta.graph_def.library.registered_gradients.add(
        gradient_func="gone", registered_op_type="CustomGradient-1"
    )


@broken("gradient-twice", "digits_tf2")
def _(meta: Any) -> None:
    library = meta.graph_def.library
    for one in library.function[:2]:
        library.registered_gradients.add(
            gradient_func=one.signature.name, registered_op_type="CustomGradient-1"
        )


# --- signatures, names, saver -------------------------------------------------------------------------------


@broken("signature-unfed")
def _(meta: Any) -> None:
    del meta.signature_def[DEFAULT].inputs["myInput"]


@broken("output-shape")
def _(meta: Any) -> None:
    meta.signature_def[DEFAULT].outputs["myOutput"].tensor_shape.dim[1].size = 9


@broken("input-shared")
def _(meta: Any) -> None:
    inputs = meta.signature_def[DEFAULT].inputs
    inputs["again"].CopyFrom(inputs["myInput"])


@broken("input-keyword")
def _(meta: Any) -> None:
    inputs = meta.signature_def[DEFAULT].inputs
    inputs["class"].CopyFrom(inputs["myInput"])
    del inputs["myInput"]


@broken("input-unused")
def _(meta: Any) -> None:
    meta.graph_def.node.add().CopyFrom(named(meta, "myInput"))
    meta.graph_def.node[-1].name = "unused"
    inputs = meta.signature_def[DEFAULT].inputs
    inputs["unused"].CopyFrom(inputs["myInput"])
    inputs["unused"].name = "unused:0"


@broken("node-name")
def _(meta: Any) -> None:
    meta.graph_def.node.add(name="two words", op="NoOp")


@broken("op-name")
def _(meta: Any) -> None:
    meta.graph_def.node.add(name="odd", op="__inference_gone_12")


@broken("saver-node")
def _(meta: Any) -> None:
    meta.saver_def.restore_op_name = "save/restore_everything"


@broken("collection-node")
def _(meta: Any) -> None:
    meta.collection_def["losses"].node_list.value.append("loss:0")


# --- objects ------------------------------------------------------------------------------------------------


@broken("object-id", "digits_tf2")
def _(meta: Any) -> None:
    meta.object_graph_def.nodes[0].children[0].node_id = 70


@broken("object-function", "digits_tf2")
def _(meta: Any) -> None:
    nodes = meta.object_graph_def.nodes
    next(one for one in nodes if one.HasField("function")).function.concrete_functions[0] = "gone"


@broken("object-constant", "digits_tf2")
def _(meta: Any) -> None:
    meta.object_graph_def.nodes.add().constant.operation = "StatefulPartitionedCall"


@broken("capture-count", "digits_tf2")
def _(meta: Any) -> None:
    concrete = meta.object_graph_def.concrete_functions
    name = next(name for name in sorted(concrete) if "__call__" in name)
    del concrete[name].bound_inputs[-1]


@broken("capture-kind", "digits_tf2")
def _(meta: Any) -> None:
    concrete = meta.object_graph_def.concrete_functions
    name = next(name for name in sorted(concrete) if "__call__" in name)
    concrete[name].bound_inputs[0] = 3  # a function


@case("tracked-unreadable")
def _(folder: Path) -> Path:
    return rewritten(copy(folder, "digits_tf2"), lambda tensors: tensors.__delitem__(OBJECT_GRAPH_KEY))


@case("tracked-id")
def _(folder: Path) -> Path:
    return retracked(folder, lambda tracked: tracked.nodes[0].children.add(node_id=99, local_name="more"))


@case("tracked-key")
def _(folder: Path) -> Path:
    def rename(tracked: Any) -> None:
        tracked.nodes[1].attributes[0].checkpoint_key = "gone/.ATTRIBUTES/VARIABLE_VALUE"

    return retracked(folder, rename)


@case("variable-untracked")
def _(folder: Path) -> Path:
    def rename(tracked: Any) -> None:
        next(child for child in tracked.nodes[0].children if child.local_name == "bias").local_name = "b"

    return retracked(folder, rename)


# --- checkpoint and assets ----------------------------------------------------------------------------------


@case("bad-tensor")
def _(folder: Path) -> Path:
    path = copy(folder)
    data = bytearray((path / DATA).read_bytes())
    data[7] ^= 1
    (path / DATA).write_bytes(data)
    return path


@case("tensor-overlap")
def _(folder: Path) -> Path:
    def move(values: dict[bytes, bytes]) -> None:
        entry = schema.BundleEntryProto.FromString(values[b"softmax/weights"])
        entry.offset -= 8
        values[b"softmax/weights"] = entry.SerializeToString()

    return reindexed(copy(folder), move)


@case("orphan-shard")
def _(folder: Path) -> Path:
    path = copy(folder)
    shutil.copy(path / DATA, path / "variables/variables.data-00001-of-00002")
    return path


@broken("variable-not-restored")
def _(meta: Any) -> None:
    """A variable that `myOutput` reads and nobody gives a value."""
    handle = meta.graph_def.node.add()
    handle.CopyFrom(named(meta, "softmax/bias"))
    handle.name, handle.attr["shared_name"].s = "lost", b"lost"
    named(meta, "add/ReadVariableOp").input[0] = "lost"


@case("shared-variable")
def _(folder: Path) -> Path:
    """Two models merged by `import_scope`: names differ, `shared_name` does not."""
    return copy(folder, "digits_mixed_up")


@case("unused-key")
def _(folder: Path) -> Path:
    def add(tensors: dict[str, Any]) -> None:
        tensors["softmax/bias/Adam"] = (FLOAT, (10,), bytes(40))

    return rewritten(copy(folder), add)


@broken("partition-gap")
def _(meta: Any) -> None:
    """The graph has rows 0 to 4 of 10 of the bias, and no others."""
    named(meta, "softmax/bias").attr["shape"].shape.dim[0].size = 4
    values = named(meta, "save/RestoreV2/shape_and_slices").attr["value"].tensor.string_val
    values[:] = [b"10 0,4", b""]


@case("asset-tensor")
def _(folder: Path) -> Path:
    return with_asset(folder, "vocab.txt", "gone:0")


@case("orphan-asset")
def _(folder: Path) -> Path:
    path = with_asset(folder, "vocab.txt")
    (path / "assets" / "old.txt").write_text("")
    return path


# --- ops, versions, files -----------------------------------------------------------------------------------


@case("no-kernel")
def _(folder: Path) -> Path:
    nodes = [
        node("i", "Cast", "x", SrcT=FLOAT, DstT=STRING),
        node("p", "ConfigureDistributedTPU"),
        node("y", "Tanh", "x", T=FLOAT),
    ]
    return tiny(folder, *nodes)


@case("removed-op")
def _(folder: Path) -> Path:
    y = node("y", "BatchNormWithGlobalNormalization", *["x"] * 5, T=FLOAT)
    y.attr["variance_epsilon"].f = 0.1
    y.attr["scale_after_normalization"].b = True
    return tiny(folder, y)


@broken("version-bounds")
def _(meta: Any) -> None:
    meta.graph_def.versions.min_consumer = 3000


@broken("newer-producer")
def _(meta: Any) -> None:
    meta.graph_def.versions.producer = 3000


@case("tags-twice")
def _(folder: Path) -> Path:
    made = meta_graph(graph(node("y", "NoOp")))
    return write(folder / "model", made, made)


def fingerprinted(folder: Path, **fields: int) -> Path:
    path = copy(folder, "digits_tf2")
    told = schema.FingerprintDef(**fields)
    told.version.producer = 4
    (path / "fingerprint.pb").write_bytes(told.SerializeToString())
    return path


@case("fingerprint-mismatch")
def _(folder: Path) -> Path:
    return fingerprinted(folder, saved_model_checksum=1, checkpoint_hash=2)


@case("fingerprint-unreadable")
def _(folder: Path) -> Path:
    path = copy(folder)
    (path / "fingerprint.pb").write_bytes(b"\x0a\xff")
    return path


@case("fingerprint-not-compared")
def _(folder: Path) -> Path:
    path = copy(folder)
    (path / "fingerprint.pb").write_bytes(schema.FingerprintDef(saved_model_checksum=1).SerializeToString())
    return path


# --- serving ------------------------------------------------------------------------------------------------


@case("serving-no-savedmodel")
def _(folder: Path) -> Path:
    path = folder / "frozen.pb"
    made = graph(node("x", "Placeholder", dtype=FLOAT), node("y", "Tanh", "x", T=FLOAT))
    path.write_bytes(made.SerializeToString())
    return path


@broken("serving-no-serve-tag")
def _(meta: Any) -> None:
    meta.meta_info_def.tags[:] = ["serve", "gpu"]


@broken("serving-no-signature")
def _(meta: Any) -> None:
    meta.signature_def.clear()


@broken("serving-no-default")
def _(meta: Any) -> None:
    meta.signature_def["predict"].CopyFrom(meta.signature_def[DEFAULT])
    del meta.signature_def[DEFAULT]


@broken("serving-no-batch")
def _(meta: Any) -> None:
    named(meta, "myInput").attr["shape"].shape.dim[0].size = 1


@broken("serving-batch-differs")
def _(meta: Any) -> None:
    outputs = meta.signature_def[DEFAULT].outputs
    outputs["bias"].name, outputs["bias"].dtype = "add/ReadVariableOp:0", FLOAT
    outputs["bias"].tensor_shape.dim.add().size = 10


@case("serving-binary-output")
def _(folder: Path) -> Path:
    """A picture that a function makes."""
    inner = function("draw", ["a:4"], node("png", "EncodePng", "a"), returns={"b": "png:contents:0"})
    inner.signature.output_arg[0].type = STRING
    png = node("c", "PartitionedCall", "x", f=Func("draw"), Tin=[4], Tout=[STRING])
    made = meta_graph(
        graph(
            node("x", "Placeholder", dtype=4), png, node("y", "Identity", "c", T=STRING), functions=[inner]
        ),
        serving_default=({"x": "x:0"}, {"image": "y:0"}),
    )
    made.signature_def[DEFAULT].inputs["x"].dtype = 4
    made.signature_def[DEFAULT].outputs["image"].dtype = STRING
    return write(folder / "model", made)


@case("serving-string-output")
def _(folder: Path) -> Path:
    path = tiny(folder, node("y", "AsString", "x", T=FLOAT))
    message = schema.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    message.meta_graphs[0].signature_def[DEFAULT].outputs["y"].dtype = STRING
    (path / "saved_model.pb").write_bytes(message.SerializeToString())
    return path


@case("serving-base64")
def _(folder: Path) -> Path:
    return copy(folder, "image_base64")


@broken("serving-custom-op")
def _(meta: Any) -> None:
    meta.graph_def.node.add(name="odd", op="Company>Odd")


# Written by tensorflow-serving-api 2.21 and tf.io.TFRecordWriter: two requests for the sample model `digits` …
GOOD_REQUESTS = b64decode(
    "QwAAAAAAAACxhSWgCgoKCAoGZGlnaXRzMjUKMwoMCgZkaWdpdHMSAggDEh4KB215SW5wdXQSEwgBEgkSAggBEgMIkAYqBAAAAD8aA291dOko"
    "P5BUAAAAAAAAAF9RRYcKCgoICgZkaWdpdHMyRgpECh0KBmRpZ2l0cxICCAMaD3NlcnZpbmdfZGVmYXVsdBIeCgdteUlucHV0EhMIARIJEgII"
    "BxIDCJAGKgQAAAA/GgNvdXSuKFCR"
)
# … and six that it can't answer: another input, another signature, another shape, another dtype, a classify request
# and a multi-inference request for signatures that are not there.
STALE_REQUESTS = b64decode(
    "QQAAAAAAAAAAqcKrCgoKCAoGZGlnaXRzMjMKMQoMCgZkaWdpdHMSAggDEhwKBWltYWdlEhMIARIJEgIIARIDCJAGKgQAAAA/GgNvdXQtr/Ou"
    "SgAAAAAAAACvd9uwCgoKCAoGZGlnaXRzMjwKOgoTCgZkaWdpdHMSAggDGgVvdGhlchIeCgdteUlucHV0EhMIARIJEgIIARIDCJAGKgQAAAA/"
    "GgNvdXRULVzGQgAAAAAAAAB5826qCgoKCAoGZGlnaXRzMjQKMgoMCgZkaWdpdHMSAggDEh0KB215SW5wdXQSEggBEggSAggBEgIIHCoEAAAA"
    "PxoDb3V0IaVo4T0AAAAAAAAAYEnx7AoKCggKBmRpZ2l0czIvCi0KDAoGZGlnaXRzEgIIAxIYCgdteUlucHV0Eg0IAxIJEgIIARIDCJAGGgNv"
    "dXQuWgXwEAAAAAAAAACV+/4YEg4KDAoKGghjbGFzc2lmeZScdygsAAAAAAAAAPSuzEUiKgooCiYKBxoFbXVsdGkSG3RlbnNvcmZsb3cvc2Vy"
    "dmluZy9jbGFzc2lmeTHnGLc="
)


def warmed(folder: Path, data: bytes) -> Path:
    path = copy(folder)
    (path / "assets.extra").mkdir()
    (path / "assets.extra" / "tf_serving_warmup_requests").write_bytes(data)
    return path


@case("serving-warmup-stale")
def _(folder: Path) -> Path:
    return warmed(folder, STALE_REQUESTS)


@case("serving-warmup-unreadable")
def _(folder: Path) -> Path:
    return warmed(folder, GOOD_REQUESTS[:-5])


@case("serving-warmup-too-many")
def _(folder: Path) -> Path:
    (length,) = struct.unpack_from("<Q", GOOD_REQUESTS)
    return warmed(folder, GOOD_REQUESTS[: 16 + length] * 1001)


@case("table-not-initialised")
def _(folder: Path) -> Path:
    return tiny(
        folder,
        node("table", "HashTableV2", key_dtype=STRING, value_dtype=FLOAT),
        const("none", "a"),
        node("key", "AsString", "x", T=FLOAT),
        node("default", "Const", dtype=FLOAT, value=schema.TensorProto(dtype=FLOAT, float_val=[0])),
        node("y", "LookupTableFindV2", "table", "key", "default", Tin=STRING, Tout=FLOAT),
    )


@case("path-constant")
def _(folder: Path) -> Path:
    return tiny(
        folder,
        const("path", "/data/vocabulary.txt"),
        node("text", "ReadFile", "path"),
        node("number", "StringToNumber", "text", out_type=FLOAT),
        node("y", "AddV2", "x", "number", T=FLOAT),
    )


# --- what loaders refuse ------------------------------------------------------------------------------------


@case("device-elsewhere")
def _(folder: Path) -> Path:
    far = node("y", "Tanh", "x", T=FLOAT)
    far.device = "/job:ps/task:0/device:CPU:0"
    near = node("z", "Tanh", "x", T=FLOAT)
    near.device = "/job:localhost/replica:0/task:0/device:GPU:3"
    return tiny(folder, far, near)


@broken("object-slots", "digits_tf2")
def _(meta: Any) -> None:
    graph_of_objects = meta.object_graph_def
    variables = [at for at, one in enumerate(graph_of_objects.nodes) if one.HasField("variable")]
    optimizer = graph_of_objects.nodes.add()
    optimizer.user_object.identifier = "optimizer"
    optimizer.slot_variables.add(
        original_variable_node_id=variables[0], slot_name="m", slot_variable_node_id=variables[1]
    )


@broken("type-spec-unknown", "digits_tf2")
def _(meta: Any) -> None:
    concrete = next(iter(meta.object_graph_def.concrete_functions.values()))
    spec = concrete.output_signature.type_spec_value
    spec.type_spec_class = 12
    spec.type_spec_class_name = "tfp.distributions.Normal_ACTTypeSpec"


@broken("serving-composite")
def _(meta: Any) -> None:
    outputs = meta.signature_def[DEFAULT].outputs
    ragged = outputs["ragged"]
    ragged.dtype = FLOAT
    ragged.composite_tensor.type_spec.type_spec_class = 4
    ragged.composite_tensor.type_spec.type_spec_class_name = "RaggedTensorSpec"
    for name in ("add:0", "add/ReadVariableOp:0"):
        ragged.composite_tensor.components.add(name=name, dtype=FLOAT)


@case("body-unfed")
def _(folder: Path) -> Path:
    body = function(
        "cut", ["a:1"],
        node("left", "Placeholder", dtype=FLOAT, shape=Shape([None, 4])),
        node("unused", "Placeholder", dtype=FLOAT, shape=Shape([])),
        node("sum", "AddV2", "a", "left:output:0", T=FLOAT),
        returns={"r": "sum:z:0"},
    )  # fmt: skip
    call = node("y", "PartitionedCall", "x", Tin=[FLOAT], Tout=[FLOAT], f=Func("cut"))
    return tiny(folder, call, functions=[body])
