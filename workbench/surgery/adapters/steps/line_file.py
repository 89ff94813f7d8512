"""Files with an entry on each line: vocabularies and labels, read as TensorFlow reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from workbench.disk import files
from workbench.errors import DamagedFile, MissingFile, UnsupportedFormat
from workbench.names import show
from workbench.surgery.adapters.fragment import Asset, Fragment, Tensor

MOST_BYTES = 1 << 28
_MARK = b"\xef\xbb\xbf"
_WHOLE_LINE, _LINE_NUMBER = -2, -1  # of TextFileIndex, lookup_ops.py


def read_lines(path: str) -> list[bytes]:
    r"""Return the lines of a file, as `io::InputBuffer::ReadLine` does: without `\n`, and without any `\r`.

    Raises:
        MissingFile: it can't be read.
        UnsupportedFormat: it is larger than a list of words can be.
    """
    file = Path(path)
    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise UnsupportedFormat(
                f"The file has {size:,} bytes; at most {MOST_BYTES:,} are taken.", where=path
            )
        data = files.read_whole(file, MOST_BYTES)
    except (OSError, DamagedFile) as error:
        why = error.message if isinstance(error, DamagedFile) else f"{error.strerror}."
        raise MissingFile(
            f"The file can't be read: {why}",
            where=show(path),
            hint="Give a file with an entry on each line.",
        ) from error
    lines = data.replace(b"\r", b"").split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


def problems(path: str) -> Iterator[str]:
    """Yield why a file can't be used, as sentences; nothing where it can."""
    try:
        lines = read_lines(path)
    except (MissingFile, UnsupportedFormat) as error:
        yield str(error)
        return
    if not lines:
        yield f"{show(path)} is empty."
    elif any(b"\0" in line for line in lines):
        yield f"{show(path)} is no text in UTF-8: it has bytes that are zero. Save it as UTF-8."
    elif lines[0].startswith(_MARK):
        yield (
            f"{show(path)} begins with a byte order mark, which TensorFlow takes for a part of the first entry. "
            "Save it as UTF-8 without one."
        )
    if b"" in lines:
        yield f"Line {lines.index(b'') + 1} of {show(path)} is empty, which TensorFlow refuses. Remove it."


def duplicates(path: str) -> Iterator[str]:
    """Yield which entries stand in a file twice; TensorFlow refuses such a vocabulary when it loads."""
    seen: dict[bytes, int] = {}
    found: list[str] = []
    for number, line in enumerate(read_lines(path), 1):
        if line in seen:
            text = show(line.decode(errors="replace"), 40)
            found.append(f"{text!r} on lines {seen[line]} and {number}")
        else:
            seen[line] = number
    if found:
        more = f", and {len(found) - 3:,} more" if len(found) > 3 else ""
        yield f"{show(path)} has entries twice: {', '.join(found[:3])}{more}. Remove the second of each."


def add_table(graph: Fragment, path: str, keys: Tensor, *, by_line: bool, default: int | bytes) -> Tensor:
    """Add a table filled from a file, and a look-up in it.

    Args:
        graph: gains the nodes, the asset and what fills the table.
        path: the file.
        keys: what is looked up: strings, or int64 line numbers.
        by_line: whether keys are line numbers and values lines; the reverse otherwise.
        default: the value of an unknown key.
    """
    asset = graph.const(path.rpartition("/")[2].encode(), "string", "asset")
    graph.assets.append(Asset(asset.node, path))
    key_dtype, value_dtype = ("int64", "string") if by_line else ("string", "int64")
    key_index, value_index = (_LINE_NUMBER, _WHOLE_LINE) if by_line else (_WHOLE_LINE, _LINE_NUMBER)
    shared_name = f"{graph.scope}/table"
    table = graph.op(
        "HashTableV2", name="table", key_dtype=key_dtype, value_dtype=value_dtype, shared_name=shared_name
    )
    fill = graph.op(
        "InitializeTableFromTextFileV2",
        table,
        asset,
        name="fill",
        key_index=key_index,
        value_index=value_index,
        vocab_size=-1,
        delimiter="\t",
    )
    graph.init_ops.append(fill.node)
    return graph.op("LookupTableFindV2", table, keys, graph.const(default, value_dtype, "default"))
