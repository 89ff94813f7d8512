"""The value of an input before it is run: what it is, in words and as a small picture; paths completed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.describe.values import row_text
from workbench.errors import InputError
from workbench.names import count, show
from workbench.picture.png import png_size, read_png
from workbench.picture.values import Image
from workbench.probing.drawn import value_layer
from workbench.runtime.inputs.values import BASE64_FILE, parse_value
from workbench.session.lists.places import Entry, expand, listing
from workbench.session.running.form import RunInput, encoded_image
from workbench.session.texts.detail import Detail, Span
from workbench.session.texts.value_detail import Drawing, picture_lines, square

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_FEW = 8
_TALLEST = 32  # columns of a picture in a form, two for each of its lines
_SMALL_FILE = 1 << 22  # bytes of a file that is read while one types


def offered(one: RunInput, text: str, drawing: Drawing) -> Detail:
    """Return what is known of the value of an input: of the typed text, else of the made value.

    Nothing is said of a text that has no value yet: somebody is typing.
    """
    out = Detail(("offered", one.name), "", "")
    array = one.made
    if text:
        try:
            array = parse_value(text, one.component) if _is_small(text) else None
        except (InputError, RecursionError):
            array = None
        if array is None:
            return out
    if array is None:
        left = "It may be left out: the model has a value for it. " if one.may_be_left_out else ""
        out.add(Span(f"  {left}{one.note}", "dim" if left else "maybe"))
        return out
    image, said = describe_value(array)
    if text:
        shape = f"[{','.join(map(str, array.shape))}]"
        out.add(Span(f"  {shape}", "dtype"), Span(f"  {said}" if said else ""))
    else:
        out.add(Span(f"  {one.note or said}", "dim"))
        if one.note and image is None and said:
            out.add(Span(f"  {said}"))
    if image is not None:
        out.lines += picture_lines(image, drawing, _TALLEST)
    return out


def describe_value(array: Array) -> tuple[Image | None, str]:
    """Return a value as a picture if it looks like one, and its description in a few words."""
    if array.dtype.kind in "OSU":
        flat = array.reshape(-1)
        first = flat[0] if flat.size else b""
        data = encoded_image(first) if isinstance(first, bytes) else b""
        size = png_size(data)
        if size is not None:
            return read_png(data), f"a PNG of {size[0]:,} × {size[1]:,}"
        if data:
            return None, f"an image of {count(len(data), 'byte')}"
        return None, row_text(flat[:3].tolist(), after=flat.size > 3)
    (value,) = value_layer("", {"value": array}, (), {}).values
    image = value.images[0] if value.images else square(array)
    if image is not None:
        return image, value.range
    if array.size <= _FEW:
        return None, row_text(array.reshape(-1).tolist())
    return None, f"{value.range}: {row_text(array.reshape(-1)[:4].tolist(), after=True)}"


def completed_path(text: str) -> str | None:
    """Return a value with the path behind its `@` completed to the first name that begins so, or None."""
    head, at, path = text.partition("@")
    if not at or head not in ("", "base64url:") or not path:
        return None
    folder, start = os.path.split(path)
    if not start:
        return None
    for entry in listing(expand(folder) if folder else Path.cwd(), models=False):
        name = entry.path.name if entry.path is not None else ""
        if name.startswith(start):
            end = os.sep if entry.kind == "folder" else ""
            return f"{head}@{os.path.join(folder, name)}{end}"
    return None


def files_for(one: RunInput, samples: Path) -> list[Entry]:
    """Return the files offered for an input before anything is typed: for an image the sample pictures, those here.

    Args:
        one: the input.
        samples: the folder of the sample models.
    """
    pictures = [
        Entry("file", show(path.name), "a digit, 28 × 28", path)
        for path in sorted((samples / "digits_png").glob("*.png"))
    ]
    found = [Entry("heading", "Sample pictures"), *pictures] if one.kind and pictures else []
    here = listing(Path.cwd(), models=False)
    return [*found, *([Entry("heading", "Here"), *here] if here else [])]


def _is_small(text: str) -> bool:
    """Return whether a typed value can be read while one types: it is no large file."""
    if not text.startswith(("@", BASE64_FILE)):
        return True
    path = text.partition("@")[2].partition("[")[0]
    try:
        return os.path.isfile(path) and os.path.getsize(path) <= _SMALL_FILE
    except (OSError, ValueError):
        return False
