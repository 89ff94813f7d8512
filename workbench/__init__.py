"""Inspect TensorFlow SavedModels and join them: variables alive, checked, run and compared.

```python
import workbench as wb

plan = wb.Plan.join(image="./image", digits="./digits", wires=["pixels=myInput"])
report = wb.commit(wb.apply(plan), "merged")
```

Everything here is looked up when it is first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.version import __version__

if TYPE_CHECKING:
    from workbench.checks.check import Checked, check_model
    from workbench.commit_join import Report, commit
    from workbench.errors import WorkbenchError
    from workbench.findings import Finding
    from workbench.graph.views import to_networkx
    from workbench.model import MetaGraph, Model, open_model
    from workbench.proof.api import verify
    from workbench.proof.report import Proof
    from workbench.publishing import Proving
    from workbench.runtime.api import run
    from workbench.surgery.draft import Draft, apply, check
    from workbench.surgery.plan import Plan, Source, Wire

_HOMES = {
    "Checked": "workbench.checks.check",
    "Draft": "workbench.surgery.draft",
    "Finding": "workbench.findings",
    "MetaGraph": "workbench.model",
    "Model": "workbench.model",
    "Plan": "workbench.surgery.plan",
    "Proof": "workbench.proof.report",
    "Proving": "workbench.publishing",
    "Report": "workbench.commit_join",
    "Source": "workbench.surgery.plan",
    "Wire": "workbench.surgery.plan",
    "WorkbenchError": "workbench.errors",
    "apply": "workbench.surgery.draft",
    "check": "workbench.surgery.draft",
    "check_model": "workbench.checks.check",
    "commit": "workbench.commit_join",
    "open_model": "workbench.model",
    "run": "workbench.runtime.api",
    "to_networkx": "workbench.graph.views",
    "verify": "workbench.proof.api",
}

__all__ = [
    "Checked", "Draft", "Finding", "MetaGraph", "Model", "Plan", "Proof", "Proving", "Report", "Source", "Wire",
    "WorkbenchError", "__version__", "apply", "check", "check_model", "commit", "open_model", "run", "sample_models",
    "to_networkx", "verify",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)


def sample_models() -> Path:
    """The folder of the sample models, in a checkout and in an installed copy alike."""
    here = Path(__file__).resolve().parent
    installed = here / "_sample_models"
    return installed if installed.is_dir() else here.parent / "sample_models"
