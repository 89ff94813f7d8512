"""What lies outside of the model is not read for it: commands that run refuse such assets, whatever is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.tools import call
from tests.protos import const, graph, meta_graph, node, write
from workbench import Proving, run, verify
from workbench.errors import WorkbenchError
from workbench.runtime.child_process.child import Child


class NoChild(Child):
    """Stands for a TensorFlow process that nobody may start."""

    def start(self) -> Child:
        raise AssertionError("nothing may run")


def model(folder: Path, name: str) -> Path:
    """A model with an asset that only loading touches; the signature does not read it."""
    nodes = [const("path", ""), node("x", "Placeholder", dtype=1), node("y", "Identity", "x", T=1)]
    meta = meta_graph(graph(*nodes), serving_default=({"x": "x:0"}, {"y": "y:0"}))
    meta.asset_file_def.add(filename=name).tensor_info.name = "path:0"
    return write(folder, meta)


@pytest.fixture(params=["name", "absolute", "link"])
def outside(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    if request.param == "link":
        path = model(tmp_path / "m", "v.txt")
        (path / "assets").mkdir()
        (path / "assets" / "v.txt").symlink_to(secret)
        return path
    return model(tmp_path / "m", "../../secret.txt" if request.param == "name" else str(secret))


@pytest.mark.parametrize("allowed", [False, True])
def test_run_refuses(outside: Path, allowed: bool) -> None:
    with pytest.raises(WorkbenchError, match=r"does not stay inside|leads out of the model"):
        run(outside, {"x": [1.0]}, child=NoChild(), allow_unsafe=allowed)


@pytest.mark.parametrize("allowed", [False, True])
def test_verify_refuses(outside: Path, allowed: bool, tmp_path: Path) -> None:
    fine = model(tmp_path / "fine", "v.txt")
    for one, other in [(outside, fine), (fine, outside)]:
        with pytest.raises(WorkbenchError, match=r"does not stay inside|leads out of the model"):
            verify(one, against=other, proving=Proving(allow_unsafe=allowed), child=NoChild())


def test_the_command_says_what_is_wrong(outside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = call(capsys, "run", outside, "--input", "x=[1]")
    assert done.code == 3
    assert "does not stay inside assets/" in done.err or "leads out of the model" in done.err
    assert "Traceback" not in done.err
