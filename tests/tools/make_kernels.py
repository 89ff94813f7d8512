"""Write `workbench/checks/kernels.bin`: for which dtypes each op has a kernel on CPUs in the installed TensorFlow.

Run by hand when TensorFlow gains a kernel: `python tests/tools/make_kernels.py`. The layout is told in
`workbench/checks/graphs/kernels.py`.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[2] / "workbench" / "checks" / "graphs" / "kernels.bin"
LIMIT = 20_000
Combo = dict[str, frozenset[int]]


def cpu_kernels() -> dict[str, list[Combo]]:
    """Op → the combinations of dtypes its kernels take, as attr → dtypes; an attr that is left out may be any.

    Kernels with a label are not counted: a node has to ask for one by name. Nor are oneDNN's, by the same sign.
    """
    import tensorflow  # noqa: F401  (registers them)
    from tensorflow.python.framework import kernels

    found: dict[str, list[Combo]] = {}
    for kernel in kernels.get_all_registered_kernels().kernel:
        if kernel.device_type in ("CPU", "DEFAULT") and not kernel.label:
            typed = (one for one in kernel.constraint if one.allowed_values.list.type)
            combo = {one.name: frozenset(one.allowed_values.list.type) for one in typed}
            found.setdefault(kernel.op, []).append(combo)
    return {op: _merged(found[op]) for op in sorted(found)}


def _merged(combos: list[Combo]) -> list[Combo]:
    """The same set in fewer combinations: two that differ in one attr alone become one."""
    for attr in sorted({name for combo in combos for name in combo}):
        rest: dict[Any, Combo] = {}
        for combo in combos:
            key = frozenset((name, types) for name, types in combo.items() if name != attr), attr in combo
            known = rest.get(key)
            if known is None or attr not in combo:
                rest[key] = dict(combo)
            else:
                known[attr] |= combo[attr]
        combos = list(rest.values())
    return sorted(combos, key=_line)


def _line(combo: Combo) -> str:
    return " ".join(f"{name}={','.join(map(str, sorted(types)))}" for name, types in sorted(combo.items()))


def packed() -> bytes:
    """The table as it is written."""
    lines = (f"{op};{';'.join(map(_line, combos))}" for op, combos in cpu_kernels().items())
    return zlib.compress("\n".join(lines).encode(), 9)


def main() -> None:
    """Write the table."""
    data = packed()
    assert len(data) < LIMIT, len(data)
    TARGET.write_bytes(data)
    print(f"{len(data)} bytes")


if __name__ == "__main__":
    main()
