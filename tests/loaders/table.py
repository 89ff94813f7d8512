"""The kept table: read, written, shown."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("table.json")
PACKAGES = ("tensorflow", "keras", "tf-keras", "tensorflow-hub", "tf2onnx", "onnx", "onnxruntime")


def versions() -> dict[str, str]:
    """Of all packages the table is about; ends the program if one is missing."""
    try:
        return {name: importlib.metadata.version(name) for name in PACKAGES}
    except importlib.metadata.PackageNotFoundError as missing:
        raise SystemExit(f"{missing.name} is not installed: pip install -e '.[dev,loaders]'") from missing


def read() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(TABLE.read_text())
    return found


def write(packages: dict[str, str], trials: dict[str, Any]) -> None:
    text = json.dumps({"versions": packages, "joins": trials}, indent=1, ensure_ascii=False)
    TABLE.write_text(text + "\n")


def show(table: dict[str, Any]) -> str:
    """A line for each join, a column for each way: `=` equal, `-` nothing there to do, the handle of a source that
    fails alike, `!` a defect; below it what the failures say.
    """
    from tests.loaders.trial import Trial, fine

    trials = {name: Trial(**trial) for name, trial in table["joins"].items()}
    ways = list(next(iter(trials.values())).ways)
    width = max(map(len, trials))
    lines = [f"{'':{width}}  form  " + "  ".join(ways)]
    reasons = []
    for name, trial in trials.items():
        cells = []
        for way, said in trial.ways.items():
            excuse = trial.excuse(way)
            cell = "=" if said == "equal" else "-" if fine(said) else excuse or "!"
            cells.append(f"{cell:^{len(way)}}")
            if not fine(said):
                reasons.append(f"{name} · {way} · {excuse or '!'} · {said}")
        lines.append(f"{name:{width}}  {trial.format}   " + "  ".join(cells))
    return "\n".join([*lines, "", *reasons])
