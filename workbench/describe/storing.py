"""Writing values of tensors to files that need no pickle."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from workbench.errors import CannotWrite
from workbench.names import show


def save_npz(
    path: Path, outputs: Mapping[str, Any], *, overwrite: bool = False, sources: Sequence[Path] = ()
) -> None:
    """Write an .npz that needs no pickle; refuse what it can't hold without loss."""
    import zipfile

    import numpy as np

    from workbench.disk.atomic.outputs import open_output

    plain = {key: storable(key, array) for key, array in outputs.items()}
    with (
        open_output(path, overwrite=overwrite, sources=sources) as file,
        zipfile.ZipFile(file, "w") as archive,
    ):
        for key, array in plain.items():
            with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def check_npy_files(folder: Path, sources: Sequence[Path]) -> None:
    """Make sure, before there is anything to write, that files may be written to a folder.

    Raises:
        CannotWrite: it is a file, a URL, or part of a source.
    """
    from workbench.disk.atomic.outputs import local_path, refuse_in_source

    path = local_path(folder)
    refuse_in_source(path, sources)
    if path.exists() and not path.is_dir():
        raise CannotWrite("This is a file, not a folder.", where=show(str(folder)))


def save_npy_files(
    folder: Path, outputs: Mapping[str, Any], *, overwrite: bool = False, sources: Sequence[Path] = ()
) -> list[str]:
    """Write each array to a `.npy` file of a folder, which is made if it is not there; return the file names.

    All files are written whole before the first of them appears.

    Args:
        folder: where.
        outputs: key to array; what a file name can't have is written `_`.
        overwrite: replace files that exist.
        sources: what must not be changed even so.

    Raises:
        TargetExists, CannotWrite: as by `open_output`.
    """
    from contextlib import ExitStack

    import numpy as np

    from workbench.disk.atomic.outputs import open_output

    check_npy_files(folder, sources)
    arrays = {key: storable(key, array) for key, array in outputs.items()}
    names = _file_names(arrays)
    made = _missing_folders(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            for key, name in names.items():
                opened = open_output(folder / name, overwrite=overwrite, sources=sources)
                np.lib.format.write_array(stack.enter_context(opened), arrays[key], allow_pickle=False)
    except BaseException as problem:
        for path in made:
            with suppress(OSError):
                path.rmdir()
        if isinstance(problem, OSError):
            raise CannotWrite(
                f"The folder can't be made: {problem.strerror or problem}.", where=show(str(folder))
            ) from None
        raise
    return list(names.values())


def _missing_folders(folder: Path) -> list[Path]:
    """Return the folders that have to be made for a folder, the innermost first."""
    return [path for path in (folder, *folder.parents) if not path.exists()]


def _file_names(keys: Iterable[str]) -> dict[str, str]:
    """Return a file name for each key, none twice, also where case does not count."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for key in keys:
        base = re.sub(r"[^\w.-]+", "_", key).lstrip(".")[:100] or "output"
        name, number = base, 1
        while name.lower() in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name.lower())
        found[key] = f"{name}.npy"
    return found


def storable(key: str, array: Any) -> Any:
    """Return an array in numpy's own format: strings as `S`, bfloat16 and the like as float32.

    Raises:
        CannotWrite: a string ends with a zero byte, which that format does not keep.
    """
    import numpy as np

    if array.dtype == object:
        if any(item[-1:] == b"\0" for item in array.ravel().tolist()):
            raise CannotWrite(
                "A string ends with a zero byte, which a .npz file cannot keep.",
                where=show(key),
                hint="Use --json.",
            )
        return np.array(array.tolist(), "S").reshape(array.shape)
    return array.astype(np.float32) if array.dtype.kind == "V" else array
