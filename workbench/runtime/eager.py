"""References of adapters, evaluated by the TensorFlow process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.runtime.child_process import codec
from workbench.runtime.child_process.child import Child

if TYPE_CHECKING:
    import numpy as np


def evaluate(
    child: Child, steps: Sequence[Mapping[str, Any]], value: np.ndarray[Any, Any]
) -> dict[str, np.ndarray[Any, Any]]:
    """Evaluate the steps of a reference.

    Args:
        child: the process.
        steps: as the reference of a chain gives them.
        value: what goes into the chain.

    Returns:
        The results by name; `""` is the main one.

    Raises:
        ExecutionFailed: TensorFlow refuses the value.
    """
    answer = child.request({"job": "reference", "steps": list(steps), "value": codec.encode(value)})
    return codec.decode_sample(answer["values"])
