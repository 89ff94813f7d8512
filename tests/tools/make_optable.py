"""Write `workbench/disk/ops.bin`: the OpDefs of all ops of the installed TensorFlow, without descriptions.

Run by hand when TensorFlow gains an op: `python tests/tools/make_optable.py`. The layout is told in
`workbench/disk/optable.py`.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[2] / "workbench" / "disk" / "ops.bin"
LIMIT = 100_000


def tensorflow_ops() -> dict[str, Any]:
    """OpDef by name of every op that TensorFlow has registered, descriptions dropped, in order of names."""
    import tensorflow  # noqa: F401  (registers them)
    from tensorflow.core.framework import op_def_pb2
    from tensorflow.python.client import pywrap_tf_session

    data = pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())
    ops = {op.name: op for op in op_def_pb2.OpList.FromString(data).op}
    for op in ops.values():
        for part in (op, *op.input_arg, *op.output_arg, *op.attr):
            part.ClearField("description")
        op.ClearField("summary")
    return dict(sorted(ops.items()))


def main() -> None:
    """Write the table."""
    ops = tensorflow_ops()
    names = "\n".join(ops).encode()
    for op in ops.values():
        op.ClearField("name")
    blobs = [op.SerializeToString(deterministic=True) for op in ops.values()]
    lengths = b"".join(len(blob).to_bytes(2, "little") for blob in blobs)
    data = zlib.compress(names + b"\0" + lengths + b"".join(blobs), 9)
    assert len(data) < LIMIT, len(data)
    TARGET.write_bytes(data)
    print(f"{len(ops)} ops, {len(data)} bytes")


if __name__ == "__main__":
    main()
