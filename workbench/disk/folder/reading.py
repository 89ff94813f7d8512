"""From a model's file to a `SavedModel` message; checkpoints are not read."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.disk import files
from workbench.disk.folder.layout import MAX_PROTO, show_path
from workbench.disk.folder.location import Location
from workbench.disk.schema import GraphDef, SavedModel
from workbench.errors import UnsupportedFormat


def load(location: Location) -> SavedModel:
    """Return a model as a `SavedModel` message, see `load_stamped`."""
    return load_stamped(location)[0]


def load_stamped(location: Location) -> tuple[SavedModel, files.Stamp]:
    """Return a model as a `SavedModel` message, and the stamp of its file.

    A GraphDef becomes one MetaGraph without tags or signatures.

    The file is read once, and its bytes are let go when they are parsed.

    Raises:
        DamagedFile: the file can't be parsed; says why, in text format also where.
        NotASavedModel: it is another message (a GraphDef named `saved_model.pb`, a MetaGraph, …).
        UnsupportedFormat: it is larger than a protobuf message can be.
    """
    data, stamp = _read_stamped(location.file, MAX_PROTO)
    message: GraphDef | SavedModel
    if location.kind == "graphdef":
        model = SavedModel(saved_model_schema_version=1)
        message = model.meta_graphs.add().graph_def
        message.SetInParent()
    else:
        model = message = SavedModel()
    from workbench.disk import parse

    if location.text:
        parse.text(message, data, location.file)
    else:
        parse.binary(message, data, location.file)
    return model, stamp


def read_file(path: Path, cap: int = MAX_PROTO) -> bytes:
    """Return all bytes of a regular file, after a look at its size.

    Raises:
        MissingFile: there is no such file.
        DamagedFile: it is no regular file, can't be read, or gets shorter meanwhile.
        UnsupportedFormat: it has more than `cap` bytes.
    """
    return _read_stamped(path, cap)[0]


def _read_stamped(path: Path, cap: int) -> tuple[bytes, files.Stamp]:
    """Return all bytes of a regular file and its stamp; raise as `read_file`."""
    descriptor = files.open_source(path)
    try:
        stamp = files.Stamp.of(os.fstat(descriptor))
        if stamp.size > cap:
            limit = "; a protobuf message has at most 2 GB" if cap == MAX_PROTO else ""
            raise UnsupportedFormat(
                f"The file has {stamp.size:,} bytes, more than the {cap:,} that are read{limit}.",
                where=show_path(path),
            )
        return files.read_at(descriptor, 0, stamp.size, path), stamp
    finally:
        os.close(descriptor)
