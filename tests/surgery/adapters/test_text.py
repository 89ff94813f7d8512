"""A text model with a vocabulary in front and labels behind, of each kind of source; tables in an object graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench as wb
from tests.surgery.adapters.pictures import strings
from tests.zoo.tools import save, v1_session
from workbench.runtime.child_process.child import Child
from workbench.surgery.step import parse_step

pytestmark = pytest.mark.needs_tf

WORDS = ("?", "good", "bad", "film", "very")
LABELS = ("negative", "neutral", "positive")
RNG = np.random.default_rng(3)
TABLE = RNG.normal(size=(len(WORDS), 4)).astype(np.float32)
WEIGHTS = RNG.normal(size=(4, len(LABELS))).astype(np.float32)
TEXTS = strings(b"A very GOOD film", b"bad", b"good bad very film")
IDS = [[0, 4, 1], [2, 0, 0], [1, 2, 4]]
KINDS = ("tf1", "tf2", "keras", "graphdef")


def scores(ids: Any) -> Any:
    import tensorflow as tf

    return tf.matmul(tf.reduce_mean(tf.gather(TABLE, ids), axis=1), WEIGHTS)


def tf1(folder: Path) -> Path:
    import tensorflow as tf

    with v1_session() as session:
        ids = tf.compat.v1.placeholder(tf.int64, (None, 3), name="ids")
        table = tf.compat.v1.get_variable("table", initializer=TABLE, use_resource=True)
        y = tf.matmul(tf.reduce_mean(tf.gather(table, ids), axis=1), WEIGHTS, name="scores")
        session.run(tf.compat.v1.global_variables_initializer())
        return Path(save(folder, session, inputs={"ids": ids}, outputs={"scores": y}))


def tf2(folder: Path) -> Path:
    import tensorflow as tf

    class Module(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = tf.Variable(TABLE)

        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.int64, name="ids")])
        def __call__(self, ids: Any) -> Any:
            return {"scores": tf.matmul(tf.reduce_mean(tf.gather(self.table, ids), axis=1), WEIGHTS)}

    module = Module()
    tf.saved_model.save(module, str(folder / "model"), signatures=module.__call__)
    return folder / "model"


def keras(folder: Path) -> Path:
    import keras

    ids = keras.Input([3], dtype="int64", name="ids")
    mean = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(len(WORDS), 4)(ids))
    model = keras.Model(ids, {"scores": keras.layers.Dense(len(LABELS), use_bias=False)(mean)})
    model.set_weights([TABLE, WEIGHTS])
    model.export(str(folder / "model"), verbose=False)
    return folder / "model"


def graphdef(folder: Path) -> Path:
    import tensorflow as tf

    with v1_session() as session:
        ids = tf.compat.v1.placeholder(tf.int64, (None, 3), name="ids")
        tf.identity(scores(ids), name="scores")
        folder.mkdir(parents=True)
        (folder / "model.pb").write_bytes(session.graph.as_graph_def().SerializeToString())
    return folder / "model.pb"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("text")
    (folder / "words.txt").write_text("".join(f"{word}\n" for word in WORDS))
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in LABELS))
    makers = {"tf1": tf1, "tf2": tf2, "keras": keras, "graphdef": graphdef}
    return {"": folder, **{kind: make(folder / kind) for kind, make in makers.items()}}


def step(folder: Path, **more: Any) -> wb.Adapt:
    front = f"lowercase | split length=3 | lookup @{folder}/words.txt default=0"
    return wb.Adapt(
        {"ids": front}, {"scores": f"softmax | top-k 2 | labels @{folder}/labels.txt default=?"}, **more
    )


def expected() -> tuple[Any, list[list[bytes]]]:
    """The two largest shares of each text, and their labels."""
    found = TABLE[np.array(IDS)].mean(axis=1) @ WEIGHTS
    shares = np.exp(found) / np.exp(found).sum(axis=1, keepdims=True)
    order = np.argsort(-shares, axis=1)[:, :2]
    return np.take_along_axis(shares, order, axis=1), [[LABELS[at].encode() for at in row] for row in order]


@pytest.mark.parametrize("kind", KINDS)
def test_words_go_in_and_labels_come_out(
    sources: dict[str, Path], kind: str, tmp_path: Path, child: Child
) -> None:
    plan = wb.Plan.edit(wb.open_model(sources[kind]), step(sources[""]))
    report = wb.commit(wb.apply(plan), tmp_path / "result", child=child)
    assert report.verdict == "verified", report.reason
    model = wb.open_model(tmp_path / "result")
    assert model.meta.has_object_graph == (kind in ("tf2", "keras"))
    assert sorted(path.name for path in (tmp_path / "result/assets").iterdir()) == ["labels.txt", "words.txt"]
    shares, labels = expected()
    for loader in ("v1", "v2"):
        found = wb.run(model, {"ids": TEXTS}, loader=loader, child=child)  # type: ignore[arg-type]
        np.testing.assert_allclose(found["scores"], shares, rtol=1e-5)
        assert found["scores_labels"].tolist() == labels


def test_a_table_moves_is_saved_again_and_changed_again(
    sources: dict[str, Path], tmp_path: Path, child: Child
) -> None:
    import tensorflow as tf

    draft = wb.apply(wb.Plan.edit(wb.open_model(sources["tf2"]), step(sources[""], as_key="text")))
    report = wb.commit(draft, tmp_path / "result", child=child)
    assert report.verdict == "verified", report.reason
    moved = (tmp_path / "result").rename(tmp_path / "moved")
    loaded = tf.saved_model.load(str(moved))
    np.testing.assert_allclose(
        loaded(tf.constant(IDS, tf.int64))["scores"], TABLE[np.array(IDS)].mean(axis=1) @ WEIGHTS, rtol=1e-5
    )
    tf.saved_model.save(loaded, str(tmp_path / "again"), signatures=loaded.signatures)
    for path in (moved, tmp_path / "again"):
        again = tf.saved_model.load(str(path)).signatures["text"](ids=tf.constant(TEXTS.tolist()))
        assert again["scores_labels"].numpy().tolist() == expected()[1]
    further = wb.Plan.edit(
        wb.open_model(moved), wb.Adapt(after={"scores_labels": "regex-replace ive +"}, signature="text")
    )
    report = wb.commit(wb.apply(further), tmp_path / "further", child=child)
    assert report.verdict == "verified", report.reason
    assert {check.loader: check.status for check in report.verification.loaders} == {  # type: ignore[union-attr]
        "v1": "equal",
        "v2": "equal",
    }


@pytest.mark.parametrize("steps", ["flatten format=tf1", "freeze", "prune"])
def test_tables_of_adapters_stay_in_later_steps(
    sources: dict[str, Path], steps: str, tmp_path: Path, child: Child
) -> None:
    plan = wb.Plan.edit(wb.open_model(sources["tf2"]), step(sources[""]), parse_step(steps))
    report = wb.commit(wb.apply(plan), tmp_path / "result", child=child)
    assert report.verdict == "verified", report.reason
    found = wb.run(wb.open_model(tmp_path / "result"), {"ids": TEXTS}, loader="v1", child=child)
    assert found["scores_labels"].tolist() == expected()[1]


def test_a_table_after_a_join_and_a_join_of_what_has_tables(
    sources: dict[str, Path], tmp_path: Path, child: Child
) -> None:
    (sources[""] / "signs.txt").write_text("-\n0\n+\n")
    plan = wb.Plan.join(a=sources["tf2"], b=wb.open_model(_signs(tmp_path, sources[""])), wires="scores=x")
    steps = wb.Adapt({"ids": f"split length=3 | lookup @{sources['']}/words.txt default=0"})
    plan = wb.Plan(plan.sources, (*plan.steps, steps), plan.result)
    report = wb.commit(wb.apply(plan), tmp_path / "joined", child=child)
    assert report.verdict == "verified", report.reason
    model = wb.open_model(tmp_path / "joined")
    assert model.meta.has_object_graph
    found = wb.run(model, {"ids": strings(b"very good film")}, loader="v2", child=child)
    wanted = int(np.argmax(TABLE[[4, 1, 3]].mean(axis=0) @ WEIGHTS))
    assert found["y"].tolist() == [b"-0+"[wanted : wanted + 1]]


def _signs(folder: Path, files: Path) -> Path:
    """A TF2 model whose main graph has a table of its own: `x` float32 [?,3] to a sign."""
    import tensorflow as tf

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
        def __call__(self, x: Any) -> Any:
            return {"y": x * 2.0}

    module = Module()
    tf.saved_model.save(module, str(folder / "plain"), signatures=module.__call__)
    step = wb.Adapt(after={"y": f"argmax | labels @{files}/signs.txt"})
    wb.commit(wb.apply(wb.Plan.edit(folder / "plain", step)), folder / "signs", verify=False)
    return folder / "signs"
