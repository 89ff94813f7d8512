"""One opened model and read-only views of it.

Signatures, nodes, variables, functions, objects, assets.
"""

from __future__ import annotations

from workbench.model.meta import MetaGraph
from workbench.model.model import Model, as_model, open_model, split_tags
from workbench.model.shapes import Shape
from workbench.model.signature import Port, Signature
from workbench.model.tensors import Tensor

__all__ = [
    "MetaGraph",
    "Model",
    "Port",
    "Shape",
    "Signature",
    "Tensor",
    "as_model",
    "open_model",
    "split_tags",
]
