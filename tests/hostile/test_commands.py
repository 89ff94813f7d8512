"""No command runs a hostile model unasked: what its loading, a signature or its deletion does is asked about first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.test_unsafe import NOBODY, RUNNING
from tests.cli.tools import call
from tests.hostile import HOSTILE, Hostile
from tests.sampling import every, plainly
from tests.surgery.tiny import doubler
from workbench import Proving, WorkbenchError, open_model, run, verify
from workbench.runtime.child_process.child import Child

THREE = ("save_function", "registered_table_destroyed", "table_initializer_collection")
"""While restoring, at deletion, and where there is no init op. What a command asks is not a matter of which."""


@pytest.fixture(scope="module", params=plainly(THREE, THREE[0]))
def places(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A hostile model, a good one, and the two joined without running anything."""
    top = tmp_path_factory.mktemp(request.param)
    bad, mark = HOSTILE[request.param].write(top / "bad")
    good = doubler(top / "good").save()
    return {"bad": bad, "good": good, "merged": top / "merged", "mark": mark, "out": top / "out"}


@pytest.mark.parametrize("words", RUNNING, ids=" ".join)
def test_a_command_asks_before_it_starts_anything(
    words: tuple[str, ...], places: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    if not places["merged"].exists():
        joined = ("merge", places["good"], places["bad"], "--wire", "y=x", "-o", places["merged"])
        made = call(capsys, *joined, "--no-verify")
        assert made.code == 0, made
    line = [word.format(**places) for word in words]
    done = call(capsys, *line, "--python", NOBODY)
    assert done.code == 1, done
    assert "WriteFile at" in done.out + done.err and "--allow-unsafe" in done.out + done.err
    assert not places["out"].exists()
    assert not places["mark"].exists()


def test_the_python_interface_asks_before_it_starts_anything(places: dict[str, Path]) -> None:
    with pytest.raises(WorkbenchError, match="WriteFile"):
        run(places["bad"], {"x": [1.0]}, python=NOBODY)
    judged = verify(places["good"], against=places["bad"], proving=Proving(python=NOBODY))
    assert judged.verdict == "not run"
    assert not places["mark"].exists()


@pytest.mark.parametrize("model", every(HOSTILE.values(), 4), ids=lambda model: model.name)
def test_run_asks_for_every_model(model: Hostile, tmp_path: Path) -> None:
    """In the loader that leaves the mark. An asset outside of the model is refused by itself."""
    if not model.by_the_product:
        pytest.skip("the loader is not one that this package runs")
    path, mark = model.write(tmp_path / "model")
    meta = open_model(path).meta_graphs[0]
    key = (model.keys or ["serving_default"])[0]
    inputs = {name: np.ones(1, np.float32) for name in meta.signature(key).inputs}
    for loader in sorted({"v1", "v2"} & set(model.loaders)):
        with pytest.raises(WorkbenchError) as refused:
            run(path, inputs, key, python=NOBODY, loader=loader, tags=meta.tags)
        message = f"{refused.value.message} {refused.value.hint}"
        assert "allow_unsafe=True" in message or "The asset " in message, message
    assert model.reads or not mark.exists()


@pytest.mark.needs_tf
@pytest.mark.exhaustive
def test_allowed_it_happens(places: dict[str, Path], child: Child) -> None:
    assert not places["mark"].exists()
    run(places["bad"], {"x": [1.0]}, child=child, allow_unsafe=True, loader="v2")
    assert places["mark"].exists()
    places["mark"].unlink()
