"""Which models need a Session of their own for a second run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.zoo import ZOO, Example, names
from tests.zoo.common import commonly
from workbench.model import open_model
from workbench.runtime.comparison.purity import is_pure

IMPURE = {
    *names("state"),
    *names("random"),
    "tf2_unknown_op",  # the v1 one is told by the model itself
    "tf2_lists_files",
    "tf2_prints",
    "tf2_python",
    "tf2_writes_file",
}


@pytest.mark.parametrize("name", commonly([name for name in names() if "big" not in ZOO[name].kinds]))
def test_a_model_with_state_or_chance_is_impure_and_no_other(
    zoo: Callable[[str], Example], name: str
) -> None:
    example = zoo(name)
    model = open_model(example.path)
    meta = model.meta if model.format == "graphdef" else model.select(example.tags)
    if not meta.signatures or (example.signature is None and model.format != "graphdef"):
        return
    ports = meta.signature(example.signature).outputs.values()
    assert is_pure(meta, [tensor for port in ports for tensor in port.tensors]) == (name not in IMPURE)
