"""What is not a SavedModel, by first bytes, name or folder. Only for errors.

Sources of the signatures: the formats' own specifications (HDF5 "format signature", zip APPNOTE 4.3.7, TFLite
`schema.fbs` file_identifier "TFL3", `onnx.proto` ModelProto, GGUF, safetensors README).
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from workbench.disk import files
from workbench.disk.folder.layout import ASSETS, CPB, PB, PBTXT, VARIABLES, is_lfs_pointer, is_text, show_path
from workbench.errors import DamagedFile, DiskError, NotASavedModel, UnsupportedFormat
from workbench.names import show

GIVE = "Give a SavedModel folder, or the file of a frozen GraphDef."
_DEPTH, _ENTRIES = 3, 2000
_PATH = 4096
_ONNX_TAGS = (b"\x12", b"\x1a", b"\x2a", b"\x3a", b"\x42")

_KERAS = (
    "a Keras model file",
    "Write it as a SavedModel with Keras:\n{keras}",
)
_HDF5 = (
    "an HDF5 file, as Keras keeps a model or weights in",
    "If it is a whole model, Keras writes it as a SavedModel:\n{keras}\n"
    "Weights alone need the program that builds their model.",
)
_TFLITE = ("a TFLite model", "It can't be turned back: use the SavedModel that it was converted from.")
_ONNX = ("an ONNX model", "Convert it with onnx2tf, which writes a SavedModel:\nonnx2tf -i {path} -o model")
_CHECKPOINT = (
    "part of a checkpoint: variables without a graph",
    "Load it with the program that builds the model, and save with tf.saved_model.save.",
)
_META = (
    "the MetaGraph of a TF1 checkpoint",
    "Load it with tf.compat.v1.train.import_meta_graph, restore the checkpoint beside it, and save with"
    " tf.compat.v1.saved_model.",
)
_TORCH = (
    "a PyTorch file",
    "It holds no TensorFlow graph: export the model to ONNX, and that with onnx2tf to a SavedModel.",
)
_WEIGHTS = ("a file of weights without a graph", GIVE)
_TFJS = ("a TensorFlow.js model", "Use the SavedModel or Keras model that it was converted from.")
_ARCHIVE = ("an archive", "Unpack it, then give the folder that has saved_model.pb in it.")
_PART = ("part of a SavedModel, but not its graph", "Give the folder that contains it.")

_NAMES: tuple[tuple[str, tuple[str, str]], ...] = (
    (r"\.keras", _KERAS),
    (r"\.(h5|hdf5)", _HDF5),
    (r"\.(tflite|lite)", _TFLITE),
    (r"\.onnx", _ONNX),
    (r"\.(ckpt|index|data-\d+-of-\d+)", _CHECKPOINT),
    (r"\.meta", _META),
    (r"\.(pt|pth)", _TORCH),
    (r"\.(safetensors|npz|npy|gguf|weights|caffemodel|params)", _WEIGHTS),
    (r"\.(tar|tgz|tar\.\w+|zip|gz|bz2|xz|zst|7z)", _ARCHIVE),
    (r"\.mlmodel", ("a Core ML model", _TFLITE[1])),
)
_WHOLE_NAMES = {
    "checkpoint": _CHECKPOINT,
    "keras_metadata.pb": _PART,
    "fingerprint.pb": _PART,
    CPB: (
        "a SavedModel in chunks (written by TensorFlow's proto_splitter for graphs over 2 GB)",
        "It is not supported here: load it with TensorFlow and save it again, if it fits into 2 GB.",
    ),
}


def by_content(path: Path, head: bytes) -> DiskError | None:
    """Return what is wrong with a file by its first bytes; None if it may be a model.

    Args:
        path: the file.
        head: its first bytes, 4,096 or all.
    """
    if not head:
        return DamagedFile(
            "The file is empty.", where=show_path(path), hint="Copy it again from where it was made."
        )
    if is_lfs_pointer(path):
        return DamagedFile(
            "This is a Git LFS pointer: git left it where the real file should be.",
            where=show_path(path),
            hint="Run `git lfs install` and `git lfs pull` in the repository, then try again.",
        )
    if is_text(head) and head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html", b"<?xml")):
        return DamagedFile(
            "This is a web page: the download gave an error page, or the page about the file.",
            where=show_path(path),
            hint="Download the file itself (the raw or resolved link).",
        )
    found = _magic(path, head)
    return None if found is None else _foreign(path, found)


def by_name(path: Path) -> DiskError | None:
    """Return what a file is by its name; None if a GraphDef may have that name."""
    name = path.name.lower()
    if name in _WHOLE_NAMES:
        return _foreign(path, _WHOLE_NAMES[name])
    for pattern, found in _NAMES:
        if re.search(rf"{pattern}\Z", name):
            return _foreign(path, found)
    return None


def _magic(path: Path, head: bytes) -> tuple[str, str] | None:
    """Formats with a signature."""
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return _HDF5
    # an offset into the file stands before it: a GraphDef whose first node is named so has a large number there
    if head[4:8] == b"TFL3" and head[2:4] == b"\0\0":
        return _TFLITE
    if head.startswith(b"PK\x03\x04"):
        return _in_zip(path)
    if (
        head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"))
        or head[257:262] == b"ustar"
    ):
        return _ARCHIVE
    if head.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        return ("a Python pickle", f"Pickles are not opened here, they can run code. {GIVE}")
    if head.startswith((b"GGUF", b"\x93NUMPY")) or head[5:9] == b"\0\0\0{":  # the last: safetensors
        return _WEIGHTS
    # ModelProto: ir_version (1, varint) of 3 and more; that field of a SavedModel is 1, a GraphDef has none
    if head[:1] == b"\x08" and b"\x03" <= head[1:2] < b"\x20" and head[2:3] in _ONNX_TAGS:
        return _ONNX
    start = head.lstrip() if is_text(head) else b""
    if start.startswith(b"{"):
        is_tfjs = b'"modelTopology"' in head or b'"graph-model"' in head or b'"layers-model"' in head
        return _TFJS if is_tfjs or path.name == "model.json" else ("a JSON file", GIVE)
    if start.startswith(b"model_checkpoint_path"):
        return _CHECKPOINT
    if _is_table(path):
        return _CHECKPOINT
    return None


def _in_zip(path: Path) -> tuple[str, str]:
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(path) as archive:
            names = archive.namelist()[:_ENTRIES]
    except (BadZipFile, OSError, ValueError, NotImplementedError):
        return _KERAS if path.suffix == ".keras" else _ARCHIVE
    if "metadata.json" in names and "config.json" in names:
        return _KERAS
    if any(name.endswith("/data.pkl") for name in names):
        return _TORCH
    if names and all(name.endswith(".npy") for name in names):
        return _WEIGHTS
    return _ARCHIVE


def _is_table(path: Path) -> bool:
    """Return whether a file ends as a checkpoint's index does (LevelDB's magic)."""
    try:
        return files.read_last(path, 8) == (0xDB4775248B80FB57).to_bytes(8, "little")
    except DiskError:
        return False


def _foreign(path: Path, found: tuple[str, str]) -> UnsupportedFormat:
    what, hint = found
    folder = _model_around(path)
    if folder is not None:
        hint = f"It belongs to the SavedModel in {show_path(folder)}: give that folder."
    else:
        hint = _with_path(hint, path)
    return UnsupportedFormat(f"This is {what}.", where=show_path(path), hint=hint)


def _with_path(hint: str, path: Path) -> str:
    """Put the path into the commands of a hint, quoted for a shell."""
    text = show(os.fspath(path), _PATH)
    program = f'import keras; keras.models.load_model({json.dumps(text, ensure_ascii=False)}).export("model")'
    return hint.replace("{keras}", shlex.join(["python", "-c", program])).replace("{path}", shlex.quote(text))


def _model_around(path: Path) -> Path | None:
    """Return the SavedModel folder that a file or folder is part of, or None."""
    absolute = Path(os.path.abspath(path))
    for folder in (absolute.parent, absolute.parent.parent):
        inside = (*absolute.relative_to(folder).parts, "")[0]
        known = inside in (VARIABLES, ASSETS, "assets.extra", "keras_metadata.pb", "fingerprint.pb", "debug")
        if known and any((folder / name).is_file() for name in (PB, PBTXT)):
            return folder
    return None


def no_model_in(folder: Path) -> DiskError:
    """Return the error for a folder without a SavedModel.

    It says what the folder is instead, and what to do.

    Raises:
        OSError: the folder can't be listed.
    """
    where = show_path(folder)
    absolute = Path(os.path.abspath(folder))
    if any((absolute.parent / name).is_file() for name in (PB, PBTXT)):
        return NotASavedModel(
            f"This is a folder inside a SavedModel, without {PB}.",
            where=where,
            hint=f"Give the model: {show_path(absolute.parent)}.",
        )
    names = _list(folder)
    if not names:
        return NotASavedModel("The folder is empty.", where=where, hint=GIVE)
    if CPB in names:
        return _foreign(folder / CPB, _WHOLE_NAMES[CPB])
    known = _known_folder(folder, set(names))
    if known is not None:
        what, hint = known
        return UnsupportedFormat(f"This is {what}, not a SavedModel.", where=where, hint=hint)
    deeper = list(_models_below(folder))
    if deeper:
        listed = " or ".join(show_path(path) for path in deeper[:3])
        return NotASavedModel(
            f"There is no {PB} or {PBTXT} right in this folder, but further down.",
            where=where,
            hint=f"Give {listed}{' or …' if len(deeper) > 3 else ''}.",
        )
    if VARIABLES in names:
        return NotASavedModel(
            f"The folder has {VARIABLES}/, but no {PB} or {PBTXT}: the graph is missing.",
            where=where,
            hint=f"Copy {PB} from where the model was exported.",
        )
    return _loose_files(folder, names)


def _known_folder(folder: Path, names: set[str]) -> tuple[str, str] | None:
    if {"config.json", "metadata.json"} <= names and any(name.endswith(".weights.h5") for name in names):
        hint = _with_path(_KERAS[1], Path("model.keras"))
        return "an unpacked .keras file", f"Zip its content to a file model.keras. {hint}"
    if "model.json" in names and any(re.search(r"\.bin\Z|-of-\d+", name) for name in names):
        return _TFJS
    if "config.json" in names and names & {"tf_model.h5", "pytorch_model.bin", "model.safetensors"}:
        return (
            "a Hugging Face model: configuration and weights",
            "A transformers version with TensorFlow classes writes a SavedModel:"
            " TFAutoModel.from_pretrained(…).save_pretrained('model', saved_model=True).",
        )
    if names & {"_METADATA", "_CHECKPOINT_METADATA", "manifest.ocdbt"}:
        return "a JAX (Orbax) checkpoint", "Export its model with jax2tf and tf.saved_model.save."
    if any(re.search(r"\.index\Z", name) for name in names) or "checkpoint" in names:
        metas = sorted(name for name in names if name.endswith(".meta"))
        if metas:
            hint = f"Its graph is in {show(metas[0])}: " + _META[1].replace("Load it", "load it")
            return "a TF1 checkpoint", hint
        return "a bare checkpoint: variables without a graph", _CHECKPOINT[1]
    return None


def _loose_files(folder: Path, names: list[str]) -> DiskError:
    """Return the error for a folder of which only single files tell something."""
    where = show_path(folder)
    lowered = {name.lower(): name for name in names}
    for wanted in (PB, PBTXT):
        near = lowered.get(wanted) or next((name for name in names if name.startswith(wanted + ".")), None)
        if near is not None:
            return NotASavedModel(
                f"There is {show(near)}, but no {wanted}.",
                where=where,
                hint=f"Unpack it, or rename it to {wanted} if that is what it is.",
            )
    graphs = [
        name for name in names if name.lower().endswith((".pb", ".pbtxt")) and by_name(Path(name)) is None
    ]
    if graphs:
        return NotASavedModel(
            f"There is no {PB} or {PBTXT} in this folder.",
            where=where,
            hint=f"If it is a frozen GraphDef that you mean, give the file: {show_path(folder / graphs[0])}.",
        )
    for name in names:
        problem = by_name(Path(name)) if (folder / name).is_file() else None
        if problem is not None:
            return UnsupportedFormat(
                f"There is no SavedModel in this folder. {show(name)}: "
                + problem.message[:1].lower()
                + problem.message[1:],
                where=where,
                hint=problem.hint,
            )
    listed = ", ".join(map(show, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return NotASavedModel(
        f"There is no {PB} or {PBTXT} in this folder, but {listed}.", where=where, hint=GIVE
    )


def _list(folder: Path) -> list[str]:
    """Return the names in a folder, sorted: not hidden, at most a few thousand."""
    names = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                names.append(entry.name)
            if len(names) >= _ENTRIES:
                break
    return sorted(names)


def _models_below(folder: Path) -> Iterator[Path]:
    """Return SavedModel folders below a folder, nearest first.

    The search is bounded and follows no links.
    """
    level: Iterable[Path] = [folder]
    looked = 0
    for _ in range(_DEPTH):
        following = []
        for parent in level:
            try:
                names = _list(parent)
            except OSError:
                continue
            for name in names:
                looked += 1
                if looked > _ENTRIES:
                    return
                child = parent / name
                if child.is_symlink() or not child.is_dir():
                    continue
                if any((child / file).is_file() for file in (PB, PBTXT)):
                    yield child
                else:
                    following.append(child)
        level = following
