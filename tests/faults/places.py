"""The places in the source of `workbench` that change a disk, found by what they call.

It is enough for code as it is written here; a call that is disguised is still met by the kernel, if it is run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.faults.kernel import PACKAGE
from tests.sources import nodes_of, text_of

_OF_OS = re.compile(
    r"(p?writev?|sendfile|copy_file_range|splice|fsync|fdatasync|sync|f?truncate|renames?|replace|mkdir|makedirs|rmdir"
    r"|removedirs|unlink|remove|link|symlink|f?chmod|l?chown|mkfifo|mknod|utime|setxattr|posix_fallocate)\Z"
)
_OF_SHUTIL = re.compile(r"(rmtree|copytree|copy|copy2|copyfile|copyfileobj|copymode|copystat|move)\Z")
_OF_A_PATH = re.compile(r"(mkdir|rmdir|unlink|symlink_to|hardlink_to|touch|write_bytes|write_text|rmtree)\Z")
_NAMES = [name.pattern.removesuffix(r"\Z") for name in (_OF_OS, _OF_SHUTIL, _OF_A_PATH)]
_CALLED = re.compile(r"open\(|os\.{}\(|shutil\.{}\(|\.{}\(".format(*_NAMES))
_WORDS = ("open(", "os.", "shutil.", "dir(", "unlink(", "_to(", "touch(", "write_", "rmtree(")
"""What is in the text of a file that has such a place: others need not be parsed, nor searched without these words."""

_PROVEN = frozenset({"runtime/child_process/private_copy.py"})
"""Met where TensorFlow runs only, which no commit in the list of points does."""
KNOWN_ELSEWHERE = {
    "describe/storing.py": 3,  # --npz and --outdir: values of tensors
    "lessons/walking/folder.py": 5,  # the student's folder
    "lessons/walking/walk.py": 1,  # a fresh start of it
    "cli/streams.py": 1,  # a closed stream
    "session/store.py": 3,  # what the terminal UI remembers
}
"""Files that change a disk beside a commit, and at how many places."""
_CHILD = "runtime/child_script/"  # a program of its own: it writes to its pipe


def of_commits() -> set[str]:
    """`file.py:line` of each place a commit may come to."""
    return {f"{file}:{line}" for file, line in _all() if file not in KNOWN_ELSEWHERE and file not in _PROVEN}


def elsewhere() -> dict[str, int]:
    """How many there are in files that no commit comes to."""
    found: dict[str, int] = {}
    for file, _ in _all():
        if not file.startswith("disk/") and file not in _PROVEN | {"state.py"}:
            found[file] = found.get(file, 0) + 1
    return found


@cache
def _all() -> list[tuple[str, int]]:
    return list(_found())


def _found() -> Iterator[tuple[str, int]]:
    for path in sorted(Path(PACKAGE).rglob("*.py")):
        file = str(path.relative_to(PACKAGE))
        if not file.startswith(_CHILD) and _may_change(text_of(path)):
            for node in nodes_of(path):
                if isinstance(node, ast.Call) and _changes(node):
                    yield file, node.lineno


def _may_change(text: str) -> bool:
    return any(word in text for word in _WORDS) and _CALLED.search(text) is not None


def _changes(call: ast.Call) -> bool:
    function = call.func
    if isinstance(function, ast.Name):
        return function.id == "open" and _to_write(call) and "os.dup(" not in ast.unparse(call.args[0])
    if not isinstance(function, ast.Attribute):
        return False
    module = function.value.id if isinstance(function.value, ast.Name) else ""
    if module == "os":
        if function.attr == "open":
            names = {node.attr for node in ast.walk(call) if isinstance(node, ast.Attribute)}
            return bool(names & {"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"}) and "devnull" not in names
        return _OF_OS.match(function.attr) is not None
    if module == "shutil":
        return _OF_SHUTIL.match(function.attr) is not None
    if function.attr == "open":
        return _to_write(call)
    return _OF_A_PATH.match(function.attr) is not None


def _to_write(call: ast.Call) -> bool:
    """Whether a mode that writes is among the arguments of an `open`."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    texts = [node.value for node in given if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return any(set(text) & set("wxa+") and set(text) <= set("rwxabt+U") for text in texts)
