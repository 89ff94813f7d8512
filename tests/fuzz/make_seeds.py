"""Makes `seeds.zip`: small models of many kinds, out of the zoo and `sample_models`. Needs TensorFlow.

    python -m tests.fuzz.make_seeds

Each seed is a folder in the archive: `saved_model.pb` or `graph.pb`, and where the model has one, the
checkpoint (`variables.index`, its shards). What only makes them long is taken out, until a file is under
20 KB: the values of large constants, all but a few of the stripped op list, the bodies of the last functions.
"""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import Any

from tests.zoo import ZOO, names
from workbench.disk.folder.location import find
from workbench.disk.folder.reading import load

HERE = Path(__file__).parent
SAMPLES = HERE.parents[1] / "sample_models"
MOST = 20_000
_KEPT_OPS = 3


def main() -> None:
    found: dict[str, bytes] = {}
    for folder in sorted(SAMPLES.iterdir()):
        if (folder / "saved_model.pb").is_file():
            found |= seed(folder.name, folder)
    with tempfile.TemporaryDirectory() as place:
        for name in names(without=("slow", "big")):
            below = Path(place, name)
            below.mkdir()
            try:
                example = ZOO[name](below)
            except ImportError as problem:  # a maker of an optional package
                print(f"{name}: {problem}")
                continue
            found |= seed(name, example.path)
    with zipfile.ZipFile(HERE / "seeds.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in sorted(found.items()):
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    print(f"{len(found)} files, {sum(map(len, found.values())):,} bytes")


def seed(name: str, path: Path) -> dict[str, bytes]:
    """The files of one model that are small enough."""
    found = {}
    if path.is_file():
        graph: Any = load(find(path)).meta_graphs[0].graph_def
        found["graph.pb"] = shrink(graph, graph, None)
    else:
        message = load(find(path))
        meta = message.meta_graphs[0]
        found["saved_model.pb"] = shrink(message, meta.graph_def, meta)
    for file in sorted((path / "variables").glob("variables.*")) if path.is_dir() else ():
        found[file.name] = file.read_bytes()
    for file, data in found.items():
        print(f"{name}/{file}: {len(data)}")
    return {
        f"{name}/{file}": data
        for file, data in found.items()
        if 0 < len(data) < (3000 if ".data-" in file else MOST)
    }


def shrink(message: Any, graph: Any, meta: Any) -> bytes:
    """A message without what only makes it long."""
    if meta is not None:
        del meta.meta_info_def.stripped_op_list.op[_KEPT_OPS:]
    for node in [*graph.node, *(node for function in graph.library.function for node in function.node_def)]:
        for attr in ("_output_shapes", "_device", "experimental_debug_info"):
            node.attr.pop(attr, None)
        node.ClearField("experimental_debug_info")
        if node.attr["value"].tensor.ByteSize() > 500 if "value" in node.attr else False:
            tensor = node.attr["value"].tensor
            tensor.ClearField("tensor_content")
            del tensor.string_val[2:]
            del tensor.float_val[2:]
    functions = graph.library.function
    size = message.ByteSize()
    for function in reversed(functions):
        if size < MOST:
            break
        size -= sum(node.ByteSize() + 3 for node in function.node_def)
        function.ClearField("node_def")
    return bytes(message.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()
