"""What is fuzzed: for each target its seeds, how an input is changed, and what is done with one.

What is done is what `workbench inspect` does with a file, to the end: all views and the whole page and report;
for checkpoints opening, listing, comparing every checksum, and reading every tensor; for recipes loading one
and checking its plan, or inspecting the result in which it lies.
"""

from __future__ import annotations

import io
import json
import random
import re
import struct
import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests.fuzz import documents, messages, seeds, tables
from workbench.cli.output import Output
from workbench.cli.pages import inspect_json, inspect_page
from workbench.disk import dtypes
from workbench.disk.checkpoint import sstable
from workbench.disk.checkpoint.bundle_read import Bundle
from workbench.errors import WorkbenchError
from workbench.model.model import open_model
from workbench.names import show
from workbench.surgery.draft import check
from workbench.surgery.recipe import load

_CONTROL = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_TIMES = (1, 1, 1, 2, 2, 3, 5, 10, 30)


class Leak(Exception):
    """Text for a person that holds a control character."""


class Target(ABC):
    """One kind of file.

    Attributes:
        name: as the command line calls it.
        text: whether the more generous time limit of text formats holds.
        most: bytes of the longest input made.
    """

    name: str
    text = False
    most = 64 << 10

    @abstractmethod
    def seeds(self) -> Sequence[bytes]:
        """The inputs to start from."""

    @abstractmethod
    def change(self, data: bytes, rng: random.Random) -> bytes:
        """An input with one or more changes."""

    def make(self, rng: random.Random) -> bytes:
        """A changed seed."""
        return self.change(rng.choice(self.seeds()), rng)[: self.most]

    @abstractmethod
    def prepare(self, folder: Path) -> None:
        """Puts down what lies beside an input, once."""

    @abstractmethod
    def run(self, data: bytes, folder: Path) -> None:
        """Reads an input, to the end.

        Raises:
            WorkbenchError: as it should be. Anything else that comes out is a failure.
        """


def inspect(path: Path) -> None:
    """What `inspect --variables --functions` and `inspect --json` do."""
    model = open_model(path)
    out = Output(stdout=io.StringIO(), stderr=io.StringIO())
    page = inspect_page.Page(out, model, all_variables=True, all_functions=True)
    page.whole()
    json.dumps(inspect_json.report(model, [meta.signatures for meta in model.meta_graphs]))
    _look(out.stdout.getvalue())  # type: ignore[attr-defined]


def _look(text: str) -> None:
    found = _CONTROL.search(text)
    if found is not None:
        around = text[max(found.start() - 60, 0) : found.start() + 20]
        raise Leak(f"{found[0]!r} in {around!r}")


class Graphs(Target):
    """`saved_model.pb` and frozen GraphDefs, beside a checkpoint with the variables of all seeds."""

    name = "pb"

    @cache  # noqa: B019 (there is one of each target)
    def seeds(self) -> Sequence[bytes]:
        return [bytes(message.SerializeToString(deterministic=True)) for message in seeds.messages()]

    def change(self, data: bytes, rng: random.Random) -> bytes:
        message = None
        if rng.random() < 0.85:
            message = messages.parsed("SavedModel" if data[:1] == b"\x08" else "GraphDef", data)
        if message is None:
            for _ in range(rng.choice(_TIMES)):
                data = (
                    messages.change_wire(data, rng)
                    if rng.random() < 0.9
                    else messages.change_bytes(data, rng)
                )
            return data
        return messages.changed(message, rng, rng.choice(_TIMES), seeds.pool()) or data

    def prepare(self, folder: Path) -> None:
        _put_models(folder, "saved_model.pb")

    def run(self, data: bytes, folder: Path) -> None:
        odd = zlib.crc32(data) % 16 == 0
        is_model = (data[:1] == b"\x08") != odd
        path = folder / "model" if is_model else folder / "frozen"
        _write(path / "saved_model.pb" if is_model else path, data)
        inspect(path)


class Texts(Graphs):
    """`saved_model.pbtxt` and GraphDefs in text format."""

    name = "pbtxt"
    text = True

    @cache  # noqa: B019
    def seeds(self) -> Sequence[bytes]:
        return [data for data in super().seeds() if len(data) < 7000]  # parsing text is slow

    def change(self, data: bytes, rng: random.Random) -> bytes:
        if data[:1] in (b"\x08", b"\x0a"):  # a seed
            message = messages.parsed("SavedModel" if data[:1] == b"\x08" else "GraphDef", data)
            binary = messages.changed(message, rng, rng.choice((0, 0, 1, 3, 10)), seeds.pool()) or data
            data = str(type(message).FromString(binary)).encode()
        for _ in range(rng.choice((0, 0, 1, 1, 2, 5))):
            data = messages.change_text(data, rng)
        return data

    def prepare(self, folder: Path) -> None:
        _put_models(folder, "saved_model.pbtxt")

    def run(self, data: bytes, folder: Path) -> None:
        is_model = b"meta_graphs" in data[:200] or zlib.crc32(data) % 16 == 0
        path = folder / "model" if is_model else folder / "frozen"
        _write(path / "saved_model.pbtxt" if is_model else path, data)
        inspect(path)


def _put_models(folder: Path, name: str) -> None:
    index, shard = seeds.union()
    for model in ("model", "other"):
        (folder / model / "variables").mkdir(parents=True)
        (folder / model / "assets").mkdir()
        (folder / model / "variables" / "variables.index").write_bytes(index)
        (folder / model / "variables" / "variables.data-00000-of-00001").write_bytes(shard)
        (folder / model / "assets" / "vocab.txt").write_text("a\nb\n")
        (folder / model / "assets" / "out").symlink_to("/etc/hostname")


def _write(path: Path, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


class Indexes(Target):
    """`variables.index`, beside shards that stay as they are."""

    name = "index"

    @cache  # noqa: B019
    def seeds(self) -> Sequence[bytes]:
        return [tables.write(items) for items in seeds.indexes()]

    def change(self, data: bytes, rng: random.Random) -> bytes:
        if rng.random() < 0.75:
            items = tables.table_items(data)
            for _ in range(rng.choice(_TIMES)):
                items = tables.change_items(items, rng, seeds.pool(), seeds.shard())
            try:
                return tables.write(items, rng if rng.random() < 0.5 else None)
            except (OverflowError, ValueError):  # a number no field can hold
                return data
        for _ in range(rng.choice(_TIMES)):
            data = messages.change_bytes(data, rng)
        return tables.repaired(data)

    def prepare(self, folder: Path) -> None:
        for name in ("00000-of-00001", "00000-of-00002", "00001-of-00002"):
            (folder / f"variables.data-{name}").write_bytes(seeds.shard())

    def run(self, data: bytes, folder: Path) -> None:
        _write(folder / "variables.index", data)
        read_bundle(folder / "variables")


class Shards(Target):
    """Index and data file together: four bytes of length, the index, the data file."""

    name = "shards"

    @cache  # noqa: B019
    def seeds(self) -> Sequence[bytes]:
        return [_pair(tables.write(items), seeds.shard()) for items in seeds.indexes()]

    def change(self, data: bytes, rng: random.Random) -> bytes:
        index, shard = _unpair(data)
        items = tables.table_items(index)
        for _ in range(rng.choice(_TIMES)):
            items, shard = tables.change_shard(items, shard, rng)
        if rng.random() < 0.85:
            items = tables.repair_items(items, shard)
        return _pair(tables.write(items), shard)

    def prepare(self, folder: Path) -> None:
        pass

    def run(self, data: bytes, folder: Path) -> None:
        index, shard = _unpair(data)
        _write(folder / "variables.index", index)
        _write(folder / "variables.data-00000-of-00001", shard)
        read_bundle(folder / "variables")


def _pair(index: bytes, shard: bytes) -> bytes:
    return struct.pack("<I", len(index)) + index + shard


def _unpair(data: bytes) -> tuple[bytes, bytes]:
    end = 4 + int.from_bytes(data[:4], "little")
    return data[4:end], data[end:]


def read_bundle(prefix: Path) -> None:
    """Opens a checkpoint, lists it, compares all checksums, reads all tensors."""
    bundle = Bundle.open(prefix)
    findings = [*bundle.check(), *bundle.verify()]
    _look("".join(map(str, findings)).replace("\n", "\0"))
    _ = bundle.nbytes, bundle.missing_shards
    longest = max(map(len, bundle.values), default=0)
    assert longest <= sstable.MAX_KEY, f"a key of {longest} bytes"
    for key in bundle:
        try:
            entry = bundle.entry(key)
            array = bundle.array(key)
            assert array.shape == entry.shape
            if entry.dtype == dtypes.STRING:
                assert len(bundle.strings(key)) == entry.count
            else:
                assert len(bundle.raw(key)) == entry.size
        except WorkbenchError as problem:
            _look(str(problem))


class Recipes(Target):
    """Recipes to be replayed, and those that lie in a result."""

    name = "recipes"

    @cache  # noqa: B019
    def seeds(self) -> Sequence[bytes]:
        sources = [
            {
                "handle": "a",
                "path": "a",
                "digest": "0" * 64,
                "tag_set": "serve",
                "signature": "serving_default",
            },
            {"handle": "b", "path": "b", "digest": "1" * 64, "tag_set": "serve", "signature": None},
        ]
        recipe: dict[str, Any] = {
            "schema_version": 1,
            "tool": {"name": "workbench", "version": "0.1"},
            "sources": sources,
            "wires": [{"from": "a@y", "to": "b@x"}],
            "signature": "serving_default",
            "options": {
                "tags": ["serve"],
                "keep_outputs": True,
                "format": "tf2",
                "rename_inputs": {"x": "image"},
            },
        }
        chain = recipe | {
            "sources": [*sources, {"handle": "c", "path": "b", "tag_set": "", "recipe": recipe}],
            "wires": [{"from": "a@y", "to": "b@x"}, {"from": "b@serving_default#y", "to": "c@x:0"}],
            "options": {"freeze": True, "keep_signatures": True, "rename_outputs": {"y": "out"}},
        }
        proof = {
            "verdict": "verified",
            "runs": [{"loader": "v1", "batch": 3, "differences": [{"key": "y", "largest": 1e-7}]}],
            "versions": {"tensorflow": "2.21.0", "python": "3.11.7", "numpy": "2.4"},
            "tolerance": {"rtol": 1e-5},
            "time": "2026-01-01T00:00:00Z",
        }
        return [json.dumps(value).encode() for value in (recipe, chain, proof)]

    def change(self, data: bytes, rng: random.Random) -> bytes:
        for _ in range(rng.choice(_TIMES)):
            data = documents.change(data, rng)
        return data

    def prepare(self, folder: Path) -> None:
        for handle, name in (("a", "v1_no_variables"), ("b", "v1_simple_save")):
            for file, content in seeds.archive()[name].items():
                path = folder / handle / ("variables" if file.startswith("variables") else "") / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        (folder / "a" / "assets.extra").mkdir()

    def run(self, data: bytes, folder: Path) -> None:
        which = zlib.crc32(data) % 4
        if which < 2:
            path = folder / "recipe.json"
            _write(path, data)
            for finding in check(load(path)):
                _look(str(finding))
            return
        path = folder / "a" / "assets.extra" / ("workbench.json" if which == 2 else "workbench-proof.json")
        _write(path, data)
        try:
            inspect(folder / "a")
        finally:
            path.unlink()


TARGETS: dict[str, Target] = {
    target.name: target for target in (Graphs(), Texts(), Indexes(), Shards(), Recipes())
}
"""By name."""

MILLION = {"pb": 400_000, "index": 400_000, "pbtxt": 100_000, "shards": 50_000, "recipes": 50_000}
"""Inputs of a whole campaign."""

assert show  # the messages of errors go through it
