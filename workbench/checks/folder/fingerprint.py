"""`fingerprint.pb`: whether the model is still the one that it was written for.

TensorFlow (from 2.11 on) writes it beside the model and shows it in its metrics; no loader compares it. Source:
`tensorflow/cc/saved_model/fingerprinting.cc`. All its hashes are FarmHash's Fingerprint64:

- `saved_model_checksum`: of `saved_model.pb`, serialised deterministically, as C++ does it;
- `signature_def_hash`: of each signature's key and its definition, by key, of the first MetaGraph;
- `saved_object_graph_hash`: of each concrete function's name and definition, by the number its name ends in;
- `checkpoint_hash`: of `variables.index`.

`graph_def_program_hash` is not compared: it is of a graph from which much was deleted by rules of its own, and
whatever changes it changes `saved_model_checksum`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from farmhash import Fingerprint64
from google.protobuf.message import DecodeError

from workbench.checks.codes import Code, Found
from workbench.disk import files
from workbench.disk.checkpoint import sstable
from workbench.disk.folder.layout import MAX_PROTO
from workbench.disk.folder.reading import read_file
from workbench.disk.schema import FingerprintDef, Message, MetaGraphDef, SavedModel
from workbench.disk.serialized.canonical import canonical
from workbench.errors import WorkbenchError
from workbench.names import show

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.model.model import Model

MISMATCH = Code(
    "fingerprint-mismatch", "warning", "fingerprint.pb was written for another model than this",
    "saved_model.pb or variables.index was changed, or copied from elsewhere, after the fingerprint was written. "
    "Loaders do not mind; whoever tells models apart by fingerprints is misled.",
    "If the change was meant, delete fingerprint.pb; else copy the model again.",
)  # fmt: skip
UNREADABLE = Code(
    "fingerprint-unreadable", "warning", "fingerprint.pb can't be read",
    "It is damaged. Loaders log it and go on.", "Delete it, or copy the model again.",
)  # fmt: skip
NOT_COMPARED = Code(
    "fingerprint-not-compared", "info", "fingerprint.pb is of a version that can't be compared",
    "TensorFlow 2.11 computed it otherwise, and a later one than 2.21 may.",
    "Nothing has to be done.",
)  # fmt: skip

FILE = "fingerprint.pb"
_MOST = 1 << 16
# what `version.producer` says: from 1 on the hashes are as described above; 5 has none of them
_VERSIONS = range(1, 6)
_KEYS_HASHED_FROM = 4  # before that some versions did not hash the signatures' keys
_ALL = (1 << 64) - 1
_MULTIPLIER = 0xC6A4A7935BD1E995
_NUMBERED = re.compile(r"(?P<name>.*?)(?P<number>\d+)\Z", re.DOTALL)


def check(model: Model, found: Found) -> None:
    """Check the fingerprint of a model, if it has one."""
    path = None if model.folder is None else model.folder / FILE
    if path is None or not path.exists():
        return
    try:
        told = FingerprintDef.FromString(files.read_whole(path, _MOST))
    except (WorkbenchError, DecodeError) as problem:
        reason = problem.message if isinstance(problem, WorkbenchError) else "It is no FingerprintDef."
        found.add(UNREADABLE, show(str(path)), reason)
        return
    if told.version.producer not in _VERSIONS:
        message = (
            f"It is of version {told.version.producer}; {_VERSIONS[0]} to {_VERSIONS[-1]} can be compared."
        )
        found.add(NOT_COMPARED, show(str(path)), message)
        return
    if told.saved_model_checksum and model.format == "pb":
        _compare_model(model, told, path, found)
    if told.checkpoint_hash:
        _compare_index(model, told, path, found)


def _compare_model(model: Model, told: FingerprintDef, path: Path, found: Found) -> None:
    wanted = told.saved_model_checksum
    if Fingerprint64(canonical(read_file(model.location.file, MAX_PROTO), model.proto.DESCRIPTOR)) == wanted:
        return
    # the file may have been written by a tool that orders fields as it likes: what TensorFlow reads is what counts
    checksum = Fingerprint64(_bytes(model.proto))
    if checksum != wanted:
        message = f"saved_model_checksum is {wanted}; that of {show(model.location.file.name)} is {checksum}."
        found.add(MISMATCH, show(str(path)), f"{message} {_what(model.proto, told)}".rstrip())


def _what(proto: SavedModel, told: FingerprintDef) -> str:
    """Return which part of the model differs, as far as the other hashes show."""
    if not proto.meta_graphs or told.version.producer < _KEYS_HASHED_FROM:
        return ""
    meta = proto.meta_graphs[0]
    differ = []
    if told.signature_def_hash != signatures_hash(meta):
        differ.append("the signatures")
    objects = objects_hash(meta)
    if objects is not None and told.saved_object_graph_hash != objects:
        differ.append("the concrete functions of the object graph")
    if differ:
        return f"Among what differs are {' and '.join(differ)}."
    return "Signatures and concrete functions are the same; the graph, or what stands beside it, is not."


def _compare_index(model: Model, told: FingerprintDef, path: Path, found: Found) -> None:
    index = path.parent / "variables" / "variables.index"
    try:
        checksum = Fingerprint64(files.read_whole(index, sstable.MAX_FILE))
    except WorkbenchError:
        if model.bundle is None and model.bundle_problem is None:
            message = "It has the hash of a checkpoint (checkpoint_hash), and there is none."
            found.add(MISMATCH, show(str(path)), message)
        return
    if checksum != told.checkpoint_hash:
        message = f"checkpoint_hash is {told.checkpoint_hash}; that of variables.index is {checksum}."
        found.add(MISMATCH, show(str(path)), message)


def signatures_hash(meta: MetaGraphDef) -> int:
    """Return `signature_def_hash` of a MetaGraphDef."""
    total = 0
    for key in sorted(meta.signature_def, key=lambda key: key.encode("utf-8", "surrogateescape")):
        total = _cat(total, Fingerprint64(key))
        total = _cat(total, Fingerprint64(_bytes(meta.signature_def[key])))
    return total


def objects_hash(meta: MetaGraphDef) -> int | None:
    """Return `saved_object_graph_hash` of a MetaGraphDef; None if a function has no number."""
    concrete = meta.object_graph_def.concrete_functions
    numbered: dict[int, tuple[str, str]] = {}
    for key in concrete:
        match = _NUMBERED.match(key)
        if match is None:
            return None
        numbered.setdefault(int(match["number"]), (match["name"], key))
    total = 0
    for number in sorted(numbered):
        name, key = numbered[number]
        total = _cat(total, Fingerprint64(name))
        total = _cat(total, Fingerprint64(_bytes(concrete[key])))
    return total


def _bytes(message: Message) -> bytes:
    return canonical(message.SerializeToString(deterministic=True), message.DESCRIPTOR)


def _cat(one: int, two: int) -> int:
    """Return `FingerprintCat64` of `tsl/platform/fingerprint.h`."""
    total = one ^ _MULTIPLIER
    total ^= _mixed(two * _MULTIPLIER & _ALL) * _MULTIPLIER & _ALL
    total = total * _MULTIPLIER & _ALL
    return _mixed(_mixed(total) * _MULTIPLIER & _ALL)


def _mixed(value: int) -> int:
    return value ^ value >> 47
