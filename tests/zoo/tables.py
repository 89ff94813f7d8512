"""Lookup tables, with and without asset files, in v1 graphs and in modules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.zoo.example import Example, maker, numbers, strings, tf
from tests.zoo.tools import fill, placeholder, save, v1_session, variable, write_lines

WORDS = ["ant", "bee", "cat", "dog"]
OTHER_WORDS = ["dog", "cat", "bee", "ant", "eel"]
SAMPLE = strings("words", [b"bee", b"dog", b"none of them", b"ant"])


def text_initializer(file: str) -> Any:
    """word -> number of its line."""
    index = tf.lookup.TextFileIndex
    return tf.lookup.TextFileInitializer(file, tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER)


@maker("tf1", "table", "asset", "init")
def v1_hash_table(folder: Path) -> Example:
    """HashTableV2 filled from the asset `vocab.txt` by the main op, a variable looked up by what it gives."""
    return hash_table(folder, WORDS)


@maker("tf1", "table", "asset", "init")
def v1_hash_table_other(folder: Path) -> Example:
    """As `v1_hash_table`, names all equal, but `vocab.txt` holds other words."""
    return hash_table(folder, OTHER_WORDS)


def hash_table(folder: Path, words: Sequence[str]) -> Example:
    with v1_session() as session:
        text = placeholder("words", [None], tf.string)
        file = write_lines(folder / "vocab.txt", words)
        table = tf.lookup.StaticHashTable(text_initializer(file), default_value=4, name="vocabulary")
        rows = variable("rows", [5, 4])
        y = tf.gather(tf.convert_to_tensor(rows), table.lookup(text), name="y")
        ids = tf.identity(table.lookup(text), name="ids")
        fill(session, f"table {words}")
        session.run(tf.compat.v1.tables_initializer())
        path = save(
            folder,
            session,
            inputs={"words": text},
            outputs={"ids": ids, "y": y},
            main_op=tf.compat.v1.tables_initializer(),
            assets_collection=tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.ASSET_FILEPATHS),
        )
    return Example(
        path=path,
        inputs=SAMPLE,
        outputs=("ids", "y"),
        variables=1,
        checkpoint_keys=1,
        tables=1,
        assets=("vocab.txt",),
    )


@maker("tf1", "table", "init")
def v1_key_value_table(folder: Path) -> Example:
    """A table filled from constants: no asset. Numbers to words."""
    with v1_session() as session:
        ids = placeholder("ids", [None], tf.int64)
        table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(tf.range(4, dtype=tf.int64), tf.constant(WORDS)),
            default_value="?",
        )
        path = save(
            folder,
            session,
            inputs={"ids": ids},
            outputs={"y": tf.identity(table.lookup(ids), name="y")},
            main_op=tf.compat.v1.tables_initializer(),
        )
    return Example(path=path, inputs=lambda batch: {"ids": np.arange(batch, dtype=np.int64) + 2}, tables=1)


@maker("tf1", "table", "asset", "init")
def v1_vocabulary_table(folder: Path) -> Example:
    """StaticVocabularyTable: a table from an asset and two hash buckets for words that are not in it."""
    with v1_session() as session:
        text = placeholder("words", [None], tf.string)
        file = write_lines(folder / "vocab.txt", WORDS)
        table = tf.lookup.StaticVocabularyTable(text_initializer(file), num_oov_buckets=2)
        path = save(
            folder,
            session,
            inputs={"words": text},
            outputs={"y": tf.identity(table.lookup(text), name="y")},
            main_op=tf.compat.v1.tables_initializer(),
            assets_collection=tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.ASSET_FILEPATHS),
        )
    return Example(path=path, inputs=SAMPLE, tables=1, assets=("vocab.txt",))


@maker("tf1", "table")
def v1_mutable_table(folder: Path) -> Example:
    """MutableHashTableV2: its content is in the checkpoint, as keys and values."""
    with v1_session() as session:
        text = placeholder("words", [None], tf.string)
        table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1, name="learnt")
        session.run(table.insert(tf.constant(WORDS), tf.range(10, 14, dtype=tf.int64)))
        # a resource table saves itself if it is among the graph's saveables
        path = save(
            folder,
            session,
            inputs={"words": text},
            outputs={"y": tf.identity(table.lookup(text), name="y")},
        )
    return Example(path=path, inputs=SAMPLE, tables=1, checkpoint_keys=2)


@maker("tf1", "asset", "odd")
def v1_assets_without_table(folder: Path) -> Example:
    """Two assets with one name from two folders, so TensorFlow renames one; read by ReadFile in the graph."""
    with v1_session() as session:
        x = placeholder()
        tensors = []
        for i, word in enumerate(("first", "second")):
            file = write_lines(folder / word / "note.txt", [word * (i + 1)])
            tensors.append(tf.constant(file, name=f"note_{i}"))
            tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.ASSET_FILEPATHS, tensors[-1])
        lengths = [tf.cast(tf.strings.length(tf.io.read_file(tensor)), tf.float32) for tensor in tensors]
        y = tf.add(x * lengths[0], lengths[1], name="y")
        path = save(
            folder,
            session,
            inputs={"x": x},
            outputs={"y": y},
            assets_collection=tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.ASSET_FILEPATHS),
        )
    return Example(
        path=path,
        inputs=lambda batch: {"x": numbers("x", (batch, 4))},
        assets=("note.txt", "note.txt_1"),
    )


@maker("tf2", "table", "asset", "init")
def tf2_hash_table(folder: Path) -> Example:
    """A module with a StaticHashTable from an asset, and a variable."""
    return module_table(folder, WORDS)


@maker("tf2", "table", "asset", "init")
def tf2_hash_table_other(folder: Path) -> Example:
    """As `tf2_hash_table`, names all equal, but `vocab.txt` holds other words."""
    return module_table(folder, OTHER_WORDS)


def module_table(folder: Path, words: Sequence[str]) -> Example:
    class Lookup(tf.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            file = write_lines(folder / "vocab.txt", words)
            self.table = tf.lookup.StaticHashTable(text_initializer(file), default_value=4)
            self.rows = tf.Variable(numbers(f"module table {words}", (5, 4)), name="rows")

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "words")])
        def __call__(self, words: Any) -> dict[str, Any]:
            ids = self.table.lookup(words)
            return {"ids": ids, "y": tf.gather(self.rows, ids)}

    path = folder / "model"
    module = Lookup()
    tf.saved_model.save(module, str(path), signatures=module.__call__)
    return Example(
        path=path,
        callables=("__call__",),
        inputs=SAMPLE,
        outputs=("ids", "y"),
        variables=2,
        checkpoint_keys=2,
        tables=1,
        assets=("vocab.txt",),
        object_graph=True,
    )


@maker("tf2", "table", "init")
def tf2_tables(folder: Path) -> Example:
    """A vocabulary table without asset, a mutable table with content, and a dense one."""

    class Tables(tf.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            pairs = tf.lookup.KeyValueTensorInitializer(tf.constant(WORDS), tf.range(4, dtype=tf.int64))
            self.fixed = tf.lookup.StaticVocabularyTable(pairs, num_oov_buckets=3)
            self.learnt = tf.lookup.experimental.MutableHashTable(tf.string, tf.float32, -1.0)
            self.learnt.insert(tf.constant(WORDS), tf.constant([0.5, 1.5, 2.5, 3.5]))
            self.dense = tf.lookup.experimental.DenseHashTable(
                tf.int64, tf.float32, default_value=-2.0, empty_key=-1, deleted_key=-2
            )
            self.dense.insert(tf.range(4, dtype=tf.int64), tf.constant([10.0, 20.0, 30.0, 40.0]))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "words")])
        def __call__(self, words: Any) -> dict[str, Any]:
            ids = self.fixed.lookup(words)
            return {"ids": ids, "y": self.learnt.lookup(words) + self.dense.lookup(ids)}

    path = folder / "model"
    module = Tables()
    tf.saved_model.save(module, str(path), signatures=module.__call__)
    return Example(
        path=path,
        callables=("__call__",),
        inputs=SAMPLE,
        outputs=("ids", "y"),
        checkpoint_keys=5,
        tables=3,
        object_graph=True,
    )
