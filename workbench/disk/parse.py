"""Bytes and text to messages, and what it means when that fails.

protobuf says little about what is wrong, so that a failure is looked at again: is the file cut short, is it
another message than its name says?
"""

from __future__ import annotations

import re
from pathlib import Path

from workbench.disk import schema
from workbench.disk.schema import GraphDef, MetaGraphDef, SavedModel
from workbench.errors import DamagedFile, NotASavedModel, WorkbenchError
from workbench.names import show

_LOOK_AT = 100
_SCHEMA_VERSIONS = (0, 1)
"""TensorFlow's loaders look at no version (loader_impl.py); `hub.Module` of TF1 writes none, which is 0."""
MAX_META_GRAPHS = 1000
MAX_SIGNATURES = 10_000
MAX_ASSETS = 10_000
"""Of one model, in all its MetaGraphs. TensorFlow's own have up to 10, 100 and 1,000."""
_FIRST_WORD = r"(?:\s|#[^\n]*\n)*+([A-Za-z_]\w*)\s*+[:{<]"
_AGAIN = "Copy it again from where it was made, and compare the sizes."

_BELONGS = {
    "node": "GraphDef",
    "library": "GraphDef",
    "versions": "GraphDef",
    "version": "GraphDef",
    "debug_info": "GraphDef",
    "saved_model_schema_version": "SavedModel",
    "meta_graphs": "SavedModel",
    "meta_info_def": "MetaGraphDef",
    "graph_def": "MetaGraphDef",
    "model_checkpoint_path": "CheckpointState",
    "op": "OpList",
    "item": "label map",
    "model": "pipeline config",
    "layer": "Caffe network",
}


def binary(message: GraphDef | SavedModel, data: bytes, where: Path) -> None:
    """Fill `message`, an empty SavedModel or GraphDef, from its serialised form.

    Raises:
        DamagedFile: the bytes are no such message.
        NotASavedModel: they are another one.
    """
    from google.protobuf.message import DecodeError

    try:
        message.ParseFromString(data)
    except DecodeError as problem:
        raise _wrong(data, type(message), where, str(problem).rpartition(": ")[2]) from problem
    if not _fits(message):
        raise _wrong(data, type(message), where, None)
    _check_counts(message, where)


def text(message: GraphDef | SavedModel, data: bytes, where: Path) -> None:
    """Fill `message`, an empty SavedModel or GraphDef, from text format.

    Raises:
        DamagedFile: the text is no such message; `where` has the line.
        NotASavedModel: it is another one.
    """
    from google.protobuf import text_format

    wanted = type(message).__name__
    try:
        characters = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise DamagedFile(
            f"Byte {problem.start} (0x{data[problem.start]:02x}) is not UTF-8, as text format has to be.",
            where=f"{show(str(where))}:{line}",
            hint="Save it again as UTF-8.",
        ) from problem
    found = kind_of_text(characters)
    if found is not None and found != wanted:
        raise _another(found, wanted, where)
    try:
        text_format.Parse(characters, message, descriptor_pool=schema.pool())
    except text_format.ParseError as problem:
        at = problem.GetLine()
        reason = str(problem).partition(" : ")[2] or str(problem)
        hint = None
        if "has no field" in reason:
            hint = "It was written by a newer TensorFlow than 2.21, or it is not a model."
        elif "not found in descriptor pool" in reason:
            hint = "Save the model in binary form, where such a message need not be known."
        raise DamagedFile(
            f"This text is no {wanted}: {show(reason)}",
            where=show(str(where)) if at is None else f"{show(str(where))}:{at}",
            hint=hint,
        ) from problem
    except RecursionError as problem:
        raise DamagedFile("The text is nested too deeply.", where=show(str(where))) from problem
    except ValueError as problem:  # a number that its field can't hold, told without a line
        raise DamagedFile(
            f"This text is no {wanted}: {show(str(problem))}.", where=show(str(where))
        ) from problem
    if not _fits(message):
        raise _incomplete(message, where)
    _check_counts(message, where)


def _check_counts(message: GraphDef | SavedModel, where: Path) -> None:
    """Refuse a model with far more of something than any real one has.

    Each costs far more to look at than to write.
    """
    if not isinstance(message, SavedModel):
        return
    metas = message.meta_graphs
    counts = [("MetaGraphs", len(metas), MAX_META_GRAPHS)]
    if len(metas) <= MAX_META_GRAPHS:
        counts.append(("signatures", sum(len(meta.signature_def) for meta in metas), MAX_SIGNATURES))
        counts.append(("assets", sum(map(_assets, metas)), MAX_ASSETS))
    for what, number, most in counts:
        if number > most:
            raise DamagedFile(
                f"The model has {number:,} {what}; {most:,} are the most that are read.",
                where=show(str(where)),
                hint="It is damaged or made to do harm; ask where it came from.",
            )


def _assets(meta: MetaGraphDef) -> int:
    listed = len(meta.asset_file_def)
    if "saved_model_assets" in meta.collection_def:
        listed = max(listed, len(meta.collection_def["saved_model_assets"].any_list.value))
    return listed


def _fits(message: GraphDef | MetaGraphDef | SavedModel) -> bool:
    """Return whether a message that could be parsed is what it should be.

    Nearly any bytes can be read as a message with unknown fields only, and those of a GraphDef often as a
    SavedModel with one MetaGraph, so that what must be there is looked for.
    """
    if isinstance(message, SavedModel):
        version = message.saved_model_schema_version
        if version not in _SCHEMA_VERSIONS:
            return False
        if version == 0:  # says less: the library of a GraphDef would pass for MetaGraphs without nodes
            return not _has_unknown(message) and any(
                _has_nodes(meta.graph_def) for meta in message.meta_graphs
            )
        return any(meta.graph_def.node or meta.HasField("meta_info_def") for meta in message.meta_graphs)
    if isinstance(message, MetaGraphDef):
        return message.HasField("meta_info_def") and _fits(message.graph_def)
    return _has_nodes(message)


def _has_nodes(graph_def: GraphDef) -> bool:
    first = graph_def.node[:_LOOK_AT]
    return bool(first) and all(node.name and node.op and node.op.isprintable() for node in first)


def _has_unknown(message: SavedModel) -> bool:
    """Return whether a message has fields that its schema lacks.

    The nodes of a GraphDef, for example.
    """
    from google.protobuf.unknown_fields import UnknownFieldSet

    return len(UnknownFieldSet(message)) > 0


def kind_of(data: bytes) -> str | None:
    """Return which of SavedModel, MetaGraphDef and GraphDef bytes are, or None."""
    from google.protobuf.message import DecodeError

    for kind in (SavedModel, MetaGraphDef, GraphDef):
        try:
            message = kind.FromString(data)
        except DecodeError:
            continue
        if _fits(message):
            return kind.__name__
    return None


def kind_of_text(characters: str) -> str | None:
    """Return what a text in text format is, judged by its first field, or None."""
    match = re.match(_FIRST_WORD, characters)
    return None if match is None else _BELONGS.get(match[1])


def size_needed(data: bytes) -> int | None:
    """Return the length that a message's outermost fields claim.

    None if they do not make sense.
    """
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        if tag < 8:  # also -1: no number there
            return None
        if tag & 7 in (0, 2):
            number, position = _varint(data, position)
            if number < 0:
                return None
            position += number if tag & 7 == 2 else 0
        elif tag & 7 in (1, 5):
            position += 8 if tag & 7 == 1 else 4
        else:
            return None
    return position


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Return a number and the position after it; -1 if there is none."""
    number = 0
    for place, byte in enumerate(data[position : position + 10]):
        number |= (byte & 127) << (7 * place)
        if byte < 128:
            return number, position + place + 1
    return -1, position


def _wrong(data: bytes, kind: type[GraphDef | SavedModel], where: Path, reason: str | None) -> WorkbenchError:
    """Return the error for bytes that are not the message they should be."""
    if not data:
        return DamagedFile("The file is empty.", where=show(str(where)), hint=_AGAIN)
    found, wanted = kind_of(data), kind.__name__
    if found is not None and found != wanted:
        return _another(found, wanted, where)
    needed = size_needed(data)
    if needed is not None and needed > len(data):
        return DamagedFile(
            f"The file is cut short: it has {len(data):,} bytes, and by what it says needs {needed:,}.",
            where=show(str(where)),
            hint=_AGAIN,
        )
    if reason is not None:
        what = "a SavedModel" if wanted == "SavedModel" else "a SavedModel or a GraphDef"
        return DamagedFile(
            f"The file can't be read as {what}: {_plain(reason)} ({len(data):,} bytes).",
            where=show(str(where)),
            hint=f"It is damaged or something else. {_AGAIN}",
        )
    return _incomplete(kind.FromString(data), where)


def _plain(reason: str) -> str:
    known = {
        "Wire format was corrupt": "its structure is broken",
        "String field had bad UTF-8": "a name in it is not UTF-8",
        "Exceeded upb_DecodeOptions_MaxDepth": "it is nested too deeply",
        "Arena alloc failed": "there is not enough memory",
    }
    return known.get(reason, show(reason))


def _incomplete(message: GraphDef | SavedModel, where: Path) -> WorkbenchError:
    """Return the error for a message that lacks what must be in it."""
    if isinstance(message, GraphDef):
        nodes = len(message.node)
        what = f"{nodes} nodes, some of them without a name or an op" if nodes else "no nodes"
        return NotASavedModel(
            f"This is no GraphDef: read as one it has {what}.",
            where=show(str(where)),
            hint="Give a SavedModel folder, or the file of a frozen GraphDef.",
        )
    version = message.saved_model_schema_version
    if version not in _SCHEMA_VERSIONS:
        what = f"its schema version is {version} instead of 1 or 0"
    elif not message.meta_graphs:
        what = "it holds no MetaGraph"
    else:
        what = "its MetaGraphs are empty"
    return DamagedFile(f"This is not a whole SavedModel: {what}.", where=show(str(where)), hint=_AGAIN)


def _another(found: str, wanted: str, where: Path) -> WorkbenchError:
    """Return the error for a good message of another kind than its name says."""
    name, suffix = show(where.name), show(where.suffix)
    hints = {
        "GraphDef": f"Rename it (frozen{suffix}, say) and give that file: a GraphDef is opened under any"
        f" other name than {name}.",
        "SavedModel": f"A SavedModel is a folder: put the file in it as saved_model{suffix or '.pb'}, its"
        " variables/ and assets/ beside it, and give the folder.",
        "MetaGraphDef": "Load it with tf.compat.v1.train.import_meta_graph, restore its checkpoint, and save"
        " with tf.compat.v1.saved_model.",
    }
    articles = {
        "GraphDef": "a GraphDef",
        "SavedModel": "the main file of a SavedModel under another name",
        "MetaGraphDef": "a MetaGraphDef (the .meta file of a checkpoint)",
        "CheckpointState": "a checkpoint's state file, which only names checkpoints",
        "OpList": "a list of ops",
    }
    expected = "a SavedModel" if wanted == "SavedModel" else "a GraphDef"
    return NotASavedModel(
        f"This is {articles.get(found, f'a {found}')}, not {expected}.",
        where=show(str(where)),
        hint=hints.get(found, "Give a SavedModel folder, or the file of a frozen GraphDef."),
    )
