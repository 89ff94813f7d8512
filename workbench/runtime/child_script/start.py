"""Starts the child process: loads the folder of this file as a package, and runs it."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Any

NAME = "workbench_child"
"""Of the package in the child, where `workbench` need not be installed."""


def load(folder: str) -> None:
    """Load a folder as the package `NAME`, and leave it out of the places that modules are looked for."""
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry or ".") != folder]
    spec: Any = importlib.util.spec_from_file_location(
        NAME, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    sys.modules[NAME] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


if __name__ == "__main__":
    load(os.path.dirname(os.path.realpath(__file__)))
    importlib.import_module("workbench_child.process").main()
