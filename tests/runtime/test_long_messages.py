"""TensorFlow errors with long messages are reported as fast as those with short ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.protos import Func, function, graph, meta_graph, node, write
from workbench.errors import ExecutionFailed
from workbench.probing.run import run
from workbench.runtime.child_process.child import Child


@pytest.mark.needs_tf
def test_a_message_that_quotes_all_functions(child: Child, tmp_path: Path) -> None:
    """Left alone, TensorFlow searches such a message for minutes."""
    quoted = [
        function(
            f"f{at}",
            ["a"],
            *(node(f"n{step}", "Neg", "a", T=1) for step in range(20)),
            returns={"r": "n0:y:0"},
        )
        for at in range(20)
    ]
    call = node("call", "PartitionedCall", "x", f=Func("nowhere"), Tin=[1], Tout=[1])
    nodes = [node("x", "Placeholder", dtype=1), call, node("y", "Identity", "call", T=1)]
    path = write(tmp_path / "m", meta_graph(graph(*nodes, functions=quoted), s=({"x": "x:0"}, {"y": "y:0"})))
    with pytest.raises(ExecutionFailed, match="nowhere") as caught:
        run(path, {"x": 1.0}, "s", loader="v1", child=child, time_limit=30, allow_unsafe=True)
    assert len(str(caught.value)) < 3000
