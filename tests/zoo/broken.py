"""Makers of broken models: copies of a good one with one thing wrong, by name.

`BROKEN[name](zoo, folder)` makes one below a folder that exists and is its own; `zoo` is the fixture.
"""

from __future__ import annotations

import shutil
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tests.zoo.example import Example, floats, tf
from tests.zoo.tools import edit

Zoo = Callable[[str], Example]
Stage = Literal["open", "checkpoint", "asset", "graph"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A path that is not a good model, and what is to be said of it."""

    path: Path
    stage: Stage = "open"
    """Where it shows: `open`: it can't be opened at all. Otherwise it can, and shows its graph; what is wrong is
    met when the checkpoint is read, an asset is looked up, or the graph is checked for a join."""
    codes: tuple[str, ...] = ("damaged",)
    """The `code` of the error (stage `graph`: of a finding; empty where it is not laid down), one of these."""
    says: tuple[str, ...] = ()
    """Words that its text, place and hint together must have, whatever their case."""
    tensorflow: Literal["fails", "runs", "dies"] = "fails"
    """What a v1 Session does that loads it and runs its signature. `runs`: as if nothing were wrong. `dies`: it
    takes its process with it, by an abort or a segmentation fault."""
    good: Example | None = None
    """The model that it was made from."""
    name: str = ""


Make = Callable[[Zoo, Path], Broken]
BROKEN: dict[str, Callable[[Zoo, Path], Broken]] = {}


def broken(make: Make) -> Make:
    """Register a maker under its function's name."""

    def named(zoo: Zoo, folder: Path) -> Broken:
        return replace(make(zoo, folder), name=make.__name__)

    named.__doc__ = make.__doc__
    BROKEN[make.__name__] = named
    return make


def flip(file: Path, place: int, bit: int = 0) -> None:
    """Turn one bit of the byte at `place` (from the end, if negative)."""
    data = bytearray(file.read_bytes())
    data[place] ^= 1 << bit
    file.write_bytes(data)


def cut(file: Path, keep: int) -> None:
    """Keep the first `keep` bytes (but for the last `-keep`, if negative)."""
    file.write_bytes(file.read_bytes()[:keep])


# --- there is no model --------------------------------------------------------------------------------------


@broken
def no_such_path(zoo: Zoo, folder: Path) -> Broken:
    """Nothing is there."""
    return Broken(path=folder / "nothing", codes=("not-a-savedmodel",), says=("nothing",))


@broken
def empty_folder(zoo: Zoo, folder: Path) -> Broken:
    """A folder with nothing in it."""
    (folder / "model").mkdir()
    return Broken(path=folder / "model", codes=("not-a-savedmodel",), says=("empty",))


@broken
def only_variables(zoo: Zoo, folder: Path) -> Broken:
    """A SavedModel without `saved_model.pb`."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    (path / "saved_model.pb").unlink()
    return Broken(path=path, good=good, codes=("not-a-savedmodel",), says=("saved_model.pb",))


@broken
def text_file(zoo: Zoo, folder: Path) -> Broken:
    """A file that is no model."""
    path = folder / "notes.txt"
    path.write_text("Dear diary,\nno model here.\n")
    return Broken(path=path, codes=("not-a-savedmodel", "damaged"), says=("notes.txt",))


@broken
def picture(zoo: Zoo, folder: Path) -> Broken:
    """A PNG file."""
    path = folder / "picture.png"
    path.write_bytes(tf.io.encode_png(tf.zeros([4, 4, 1], tf.uint8)).numpy())
    return Broken(
        path=path, codes=("not-a-savedmodel", "unsupported-format", "damaged"), says=("picture.png",)
    )


# --- another format -----------------------------------------------------------------------------------------


@broken
def lfs_pointer(zoo: Zoo, folder: Path) -> Broken:
    """`saved_model.pb` is what git leaves where Git LFS did not fetch."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 1234567\n"
    (path / "saved_model.pb").write_text(pointer)
    return Broken(path=path, good=good, says=("git lfs",))


@broken
def lfs_shard(zoo: Zoo, folder: Path) -> Broken:
    """The graph is there, the data file is a Git LFS pointer."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'cd' * 32}\nsize 1234567\n"
    (path / "variables" / "variables.data-00000-of-00001").write_text(pointer)
    return Broken(path=path, good=good, stage="checkpoint", says=("variables.data-00000-of-00001",))


@broken
def keras_file(zoo: Zoo, folder: Path) -> Broken:
    """A `.keras` file: a zip with a config and weights."""
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.0.0"}')
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n")
    return Broken(path=path, codes=("unsupported-format",), says=("keras", "export"))


@broken
def hdf5_file(zoo: Zoo, folder: Path) -> Broken:
    """An `.h5` file."""
    path = folder / "model.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    return Broken(path=path, codes=("unsupported-format",), says=("hdf5",))


@broken
def tflite_file(zoo: Zoo, folder: Path) -> Broken:
    """A TFLite model, converted for real."""
    path = folder / "model.tflite"
    x = tf.TensorSpec([1, 4], tf.float32)
    function = tf.function(lambda x: x * 2.0, input_signature=[x]).get_concrete_function()
    path.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([function]).convert())
    return Broken(path=path, codes=("unsupported-format",), says=("tflite",))


@broken
def onnx_file(zoo: Zoo, folder: Path) -> Broken:
    """An ONNX model: its IR version, its producer, a graph."""
    path = folder / "model.onnx"
    path.write_bytes(b"\x08\x08\x12\x07pytorch\x1a\x051.0.0:\x02\x12\x00")
    return Broken(path=path, codes=("unsupported-format",), says=("onnx",))


@broken
def bare_checkpoint(zoo: Zoo, folder: Path) -> Broken:
    """The variables of a model alone, in a folder as `tf.train.Checkpoint` leaves them."""
    good = zoo("tf2_module")
    path = folder / "checkpoints"
    path.mkdir()
    for file in (good.path / "variables").iterdir():
        shutil.copy(file, path / file.name.replace("variables", "ckpt-1"))
    (path / "checkpoint").write_text('model_checkpoint_path: "ckpt-1"\n')
    return Broken(
        path=path, good=good, codes=("not-a-savedmodel", "unsupported-format"), says=("checkpoint",)
    )


@broken
def chunked(zoo: Zoo, folder: Path) -> Broken:
    """`saved_model.cpb`, which TensorFlow's proto_splitter writes for graphs over 2 GB. It can be read there."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    (path / "saved_model.pb").unlink()
    (path / "fingerprint.pb").unlink(missing_ok=True)
    # a riegeli file begins so
    (path / "saved_model.cpb").write_bytes(bytes.fromhex("83af70d10d884a3f") + bytes(200))
    return Broken(path=path, good=good, codes=("unsupported-format",), says=("saved_model.cpb",))


@broken
def v1_checkpoint_format(zoo: Zoo, folder: Path) -> Broken:
    """`variables/variables-00000-of-00001` and no index: the checkpoint format of before 2017."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    (path / "variables" / "variables.index").unlink()
    (path / "variables" / "variables.data-00000-of-00001").rename(
        path / "variables" / "variables-00000-of-00001"
    )
    return Broken(
        path=path,
        good=good,
        stage="checkpoint",
        codes=("unsupported-format", "missing-file"),
        says=("variables",),
    )


@broken
def graphdef_as_saved_model(zoo: Zoo, folder: Path) -> Broken:
    """A frozen GraphDef that was named `saved_model.pb`. Its bytes may parse as a SavedModel."""
    good = zoo("graphdef_pb")
    path = folder / "model"
    path.mkdir()
    shutil.copy(good.path, path / "saved_model.pb")
    return Broken(path=path, good=good, codes=("not-a-savedmodel", "damaged"), says=("graphdef",))


@broken
def binary_as_text(zoo: Zoo, folder: Path) -> Broken:
    """A binary `saved_model.pb` renamed to `.pbtxt`."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    (path / "saved_model.pb").rename(path / "saved_model.pbtxt")
    return Broken(path=path, good=good, says=("saved_model.pbtxt", "binary"))


# --- the graph's file is damaged ----------------------------------------------------------------------------


@broken
def empty_pb(zoo: Zoo, folder: Path) -> Broken:
    """`saved_model.pb` has no bytes, as after a full disk."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    (path / "saved_model.pb").write_bytes(b"")
    return Broken(path=path, good=good, says=("saved_model.pb", "empty"))


@broken
def truncated_pb(zoo: Zoo, folder: Path) -> Broken:
    """The second half of `saved_model.pb` is missing."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    cut(path / "saved_model.pb", (path / "saved_model.pb").stat().st_size // 2)
    return Broken(path=path, good=good, says=("saved_model.pb",))


@broken
def flipped_pb(zoo: Zoo, folder: Path) -> Broken:
    """A bit of a length in `saved_model.pb` is turned."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    flip(path / "saved_model.pb", 3)  # in the length of the MetaGraph
    return Broken(path=path, good=good, says=("saved_model.pb",))


@broken
def truncated_pbtxt(zoo: Zoo, folder: Path) -> Broken:
    """The second half of `saved_model.pbtxt` is missing."""
    good = zoo("v1_pbtxt")
    path = good.copy(folder / "model").path
    cut(path / "saved_model.pbtxt", (path / "saved_model.pbtxt").stat().st_size // 2)
    return Broken(path=path, good=good, says=("saved_model.pbtxt",))


@broken
def truncated_graphdef(zoo: Zoo, folder: Path) -> Broken:
    """A frozen GraphDef without its last ten bytes."""
    good = zoo("graphdef_pb")
    path = good.copy(folder / "cut.pb").path
    cut(path, -10)
    return Broken(path=path, good=good, codes=("damaged", "not-a-savedmodel"), says=("cut.pb",))


# --- the checkpoint is damaged ------------------------------------------------------------------------------


@broken
def no_variables(zoo: Zoo, folder: Path) -> Broken:
    """The graph has variables, the folder `variables` is not there."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    shutil.rmtree(path / "variables")
    return Broken(path=path, good=good, stage="checkpoint", codes=("missing-file",), says=("variables",))


@broken
def index_without_shards(zoo: Zoo, folder: Path) -> Broken:
    """All data files are missing."""
    good = zoo("v1_sharded")
    path = good.copy(folder / "model").path
    for shard in (path / "variables").glob("*.data-*"):
        shard.unlink()
    return Broken(
        path=path, good=good, stage="checkpoint", codes=("missing-file",), says=("data-00000-of-00003",)
    )


@broken
def missing_shard(zoo: Zoo, folder: Path) -> Broken:
    """One of three data files is missing."""
    good = zoo("v1_sharded")
    path = good.copy(folder / "model").path
    (path / "variables" / "variables.data-00001-of-00003").unlink()
    return Broken(
        path=path, good=good, stage="checkpoint", codes=("missing-file",), says=("data-00001-of-00003",)
    )


@broken
def shards_without_index(zoo: Zoo, folder: Path) -> Broken:
    """The data files are there, the index is not."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    (path / "variables" / "variables.index").unlink()
    return Broken(
        path=path, good=good, stage="checkpoint", codes=("missing-file",), says=("variables.index",)
    )


@broken
def variables_beside(zoo: Zoo, folder: Path) -> Broken:
    """`variables.index` and its data lie beside `saved_model.pb`, as after a download of single files."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    for file in (path / "variables").iterdir():
        file.rename(path / file.name)
    (path / "variables").rmdir()
    return Broken(
        path=path, good=good, stage="checkpoint", codes=("missing-file",), says=("variables", "beside")
    )


@broken
def truncated_shard(zoo: Zoo, folder: Path) -> Broken:
    """A data file is ten bytes short."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    cut(path / "variables" / "variables.data-00000-of-00001", -10)
    return Broken(path=path, good=good, stage="checkpoint", says=("data-00000-of-00001",))


@broken
def flipped_shard(zoo: Zoo, folder: Path) -> Broken:
    """One bit of a variable's bytes is turned: only the checksum can tell."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    flip(path / "variables" / "variables.data-00000-of-00001", 5)
    return Broken(path=path, good=good, stage="checkpoint", says=("layer/",))


@broken
def empty_index(zoo: Zoo, folder: Path) -> Broken:
    """The index has no bytes."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    (path / "variables" / "variables.index").write_bytes(b"")
    return Broken(path=path, good=good, stage="checkpoint", says=("variables.index",))


@broken
def truncated_index(zoo: Zoo, folder: Path) -> Broken:
    """The index lacks its end, where its footer was."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    cut(path / "variables" / "variables.index", -20)
    return Broken(path=path, good=good, stage="checkpoint", says=("variables.index",))


@broken
def flipped_index(zoo: Zoo, folder: Path) -> Broken:
    """One bit in the index's first block is turned."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    flip(path / "variables" / "variables.index", 20)
    return Broken(path=path, good=good, stage="checkpoint", says=("variables.index",))


@broken
def flipped_index_footer(zoo: Zoo, folder: Path) -> Broken:
    """One bit in the offset of the index's index block is turned: it points elsewhere."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    flip(path / "variables" / "variables.index", -46, 4)
    return Broken(path=path, good=good, stage="checkpoint", says=("variables.index",))


@broken
def huge_index_block(zoo: Zoo, folder: Path) -> Broken:
    """The footer says that a block of 2^60 bytes lies in the file."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    file = path / "variables" / "variables.index"
    footer = bytes(2) + bytes(1) + b"\xff" * 8 + b"\x0f"
    file.write_bytes(
        file.read_bytes()[:-48] + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    )
    return Broken(path=path, good=good, stage="checkpoint", says=("variables.index",), tensorflow="dies")


@broken
def other_index(zoo: Zoo, folder: Path) -> Broken:
    """The checkpoint is that of another model: the variables' keys are not in it."""
    good = zoo("v1_simple_save")
    path = good.copy(folder / "model").path
    shutil.rmtree(path / "variables")
    shutil.copytree(zoo("v1_cond").path / "variables", path / "variables")
    return Broken(path=path, good=good, stage="graph", codes=(), says=("layer/",))


# --- assets -------------------------------------------------------------------------------------------------


def rename_asset(message: Any, name: str) -> None:
    """Give the only asset another name in all MetaGraphs, in `asset_file_def` and in the collection."""
    from tensorflow.core.protobuf import meta_graph_pb2

    for meta in message.meta_graphs:
        for asset in meta.asset_file_def:
            asset.filename = name
        for packed in meta.collection_def["saved_model_assets"].any_list.value:
            asset = meta_graph_pb2.AssetFileDef()
            packed.Unpack(asset)
            asset.filename = name
            packed.Pack(asset)


@broken
def missing_asset(zoo: Zoo, folder: Path) -> Broken:
    """The vocabulary file is not there."""
    good = zoo("v1_hash_table")
    path = good.copy(folder / "model").path
    (path / "assets" / "vocab.txt").unlink()
    return Broken(path=path, good=good, stage="asset", codes=("missing-file",), says=("vocab.txt",))


@broken
def missing_asset_tf2(zoo: Zoo, folder: Path) -> Broken:
    """The vocabulary file of a TF2 model is not there."""
    good = zoo("tf2_hash_table")
    path = good.copy(folder / "model").path
    (path / "assets" / "vocab.txt").unlink()
    return Broken(path=path, good=good, stage="asset", codes=("missing-file",), says=("vocab.txt",))


@broken
def asset_outside(zoo: Zoo, folder: Path) -> Broken:
    """The asset is called `../../secret.txt`, which is there. TensorFlow reads it."""
    good = zoo("v1_hash_table")
    path = good.copy(folder / "model").path
    (folder / "secret.txt").write_text("ant\nbee\n")
    edit(path, lambda message: rename_asset(message, "../../secret.txt"))
    return Broken(path=path, good=good, stage="asset", says=("../../secret.txt",), tensorflow="runs")


@broken
def asset_absolute(zoo: Zoo, folder: Path) -> Broken:
    """The asset has an absolute name, which is there; joined to the folder's path it stays what it is."""
    good = zoo("tf2_hash_table")
    path = good.copy(folder / "model").path
    secret = folder / "secret.txt"
    secret.write_text("ant\nbee\n")
    edit(path, lambda message: rename_asset(message, str(secret)))
    return Broken(path=path, good=good, stage="asset", says=("secret.txt",), tensorflow="runs")


@broken
def asset_link(zoo: Zoo, folder: Path) -> Broken:
    """The asset is a link to a file outside of the model."""
    good = zoo("v1_hash_table")
    path = good.copy(folder / "model").path
    (folder / "secret.txt").write_text("ant\nbee\n")
    (path / "assets" / "vocab.txt").unlink()
    (path / "assets" / "vocab.txt").symlink_to(folder / "secret.txt")
    return Broken(path=path, good=good, stage="asset", says=("vocab.txt",), tensorflow="runs")


# --- the graph contradicts itself ---------------------------------------------------------------------------


def nodes(message: Any) -> dict[str, Any]:
    return {node.name: node for node in message.meta_graphs[0].graph_def.node}


@broken
def cycle(zoo: Zoo, folder: Path) -> Broken:
    """Two nodes feed each other and there is no loop."""
    good = zoo("v1_names_and_places")
    path = good.copy(folder / "model").path

    def turn(message: Any) -> None:
        # concat takes the halves, and now what is computed from them as well
        halves = nodes(message)["halves"]
        halves.input.append("^concat")

    return Broken(path=edit(path, turn), good=good, stage="graph", codes=(), says=("halves",))


@broken
def dangling_input(zoo: Zoo, folder: Path) -> Broken:
    """A node takes its input from one that does not exist."""
    good = zoo("v1_no_variables")
    path = good.copy(folder / "model").path

    def lose(message: Any) -> None:
        node = next(node for node in message.meta_graphs[0].graph_def.node if node.op == "Tanh")
        node.input[0] = "nowhere"

    return Broken(path=edit(path, lose), good=good, stage="graph", codes=(), says=("nowhere",))


@broken
def double_node(zoo: Zoo, folder: Path) -> Broken:
    """Two nodes have one name."""
    good = zoo("v1_no_variables")
    path = good.copy(folder / "model").path

    def double(message: Any) -> None:
        graph = message.meta_graphs[0].graph_def
        last = graph.node[-1]
        graph.node.add().CopyFrom(last)

    return Broken(path=edit(path, double), good=good, stage="graph", codes=())


@broken
def signature_to_nowhere(zoo: Zoo, folder: Path) -> Broken:
    """The signature's output names a tensor that does not exist."""
    good = zoo("v1_no_variables")
    path = good.copy(folder / "model").path

    def lose(message: Any) -> None:
        message.meta_graphs[0].signature_def["serving_default"].outputs["y"].name = "gone:0"

    return Broken(path=edit(path, lose), good=good, stage="graph", codes=(), says=("gone",))


@broken
def missing_function(zoo: Zoo, folder: Path) -> Broken:
    """A call names a function that is not in the library."""
    good = zoo("tf2_nested_functions")
    path = good.copy(folder / "model").path

    def lose(message: Any) -> None:
        library = message.meta_graphs[0].graph_def.library.function
        index = next(i for i, function in enumerate(library) if "third" in function.signature.name)
        del library[index]

    return Broken(path=edit(path, lose), good=good, stage="graph", codes=(), says=("third",))


@broken
def recursive_function(zoo: Zoo, folder: Path) -> Broken:
    """A function calls itself without end."""
    good = zoo("tf2_nested_functions")
    path = good.copy(folder / "model").path

    def turn(message: Any) -> None:
        library = message.meta_graphs[0].graph_def.library.function
        third = next(function for function in library if "third" in function.signature.name)
        for node in third.node_def:
            if node.op == "StatefulPartitionedCall":
                node.attr["f"].func.name = third.signature.name

    return Broken(path=edit(path, turn), good=good, stage="graph", codes=(), tensorflow="dies")


@broken
def hostile_names(zoo: Zoo, folder: Path) -> Broken:
    """Terminal escapes, markup, direction marks and a very long word where names are. Nothing else is wrong."""
    good = zoo("v1_signatures")
    path = good.copy(folder / "model").path

    def rename(message: Any) -> None:
        meta = message.meta_graphs[0]
        for name in ("\x1b[31mred\x1b]0;title\x07", "[bold red]markup[/]", "\u202eright to left", "w" * 5000):
            meta.signature_def[name].CopyFrom(meta.signature_def["embed"])
        meta.meta_info_def.tensorflow_git_version = "v2.\x1b[2J1"

    return Broken(path=edit(path, rename), good=good, stage="graph", codes=(), tensorflow="runs")


def feed(example: Example) -> dict[str, Any]:
    """An input of batch size 1 for a broken copy of `example`."""
    return (example.inputs or floats())(1)
