"""Writing values of tensors to files that need no pickle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
