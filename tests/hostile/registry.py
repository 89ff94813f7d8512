"""The table of hostile models: how each is made, in which loader its mark appears, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.hostile.build import SECRET, Build, Where

Loader = Literal["v1", "v2", "TFSMLayer", "hub"]
LOAD, CALL, DELETE = "load", "call serving_default", "delete"


@dataclass(frozen=True, slots=True)
class Hostile:
    """One hostile model.

    Attributes:
        name: of the model.
        make: writes it to a folder: `make(folder, mark)`. Without a mark it writes the harmless twin.
        loaders: those in which the mark appears.
        phase: when: `load`, `call KEY`, `delete`.
        does: what it does, in a sentence.
        reads: the mark is no file that is written but one that is read, and its content is an output.
        inside: the file that is written, relative to the model's folder, where the model can choose no other.
    """

    name: str
    make: Callable[[Path, Where], Path]
    loaders: tuple[Loader, ...]
    phase: str
    does: str
    reads: bool = False
    inside: str = ""

    def mark(self, folder: Path) -> Path:
        """The file that shows it, for a model in `folder`."""
        return folder / self.inside if self.inside else folder.with_name(f"{folder.name}.mark.index")

    def write(self, folder: Path) -> tuple[Path, Path]:
        """The model, and the file that shows it."""
        mark = self.mark(folder)
        if self.reads:
            mark.write_text(SECRET)
        return self.make(folder, str(mark)), mark

    def twin(self, folder: Path) -> Path:
        """The same model without what does harm."""
        return self.make(folder, None)

    @property
    def by_the_product(self) -> bool:
        """Whether this package runs it: in the two loaders that verification uses, by loading or by a signature."""
        return bool({"v1", "v2"} & set(self.loaders))

    @property
    def keys(self) -> list[str]:
        """The signatures that must run for the mark to appear."""
        return [self.phase.removeprefix("call ")] if self.phase.startswith("call ") else []


HOSTILE: dict[str, Hostile] = {}


def hostile(
    *loaders: Loader, phase: str = LOAD, reads: bool = False, inside: str = ""
) -> Callable[[Callable[[Build], None]], Callable[[Build], None]]:
    """Adds a model that a function builds; its docstring says what it does."""

    def add(change: Callable[[Build], None]) -> Callable[[Build], None]:
        def make(folder: Path, mark: Where) -> Path:
            build = Build(mark)
            change(build)
            return build.save(folder)

        _add(change.__name__, make, loaders, phase, change.__doc__, reads, inside)
        return change

    return add


def hostile_files(
    *loaders: Loader, phase: str = LOAD, reads: bool = False
) -> Callable[[Callable[[Path, Where], Path]], Callable[[Path, Where], Path]]:
    """Adds a model that a function writes."""

    def add(make: Callable[[Path, Where], Path]) -> Callable[[Path, Where], Path]:
        _add(make.__name__, make, loaders, phase, make.__doc__, reads, "")
        return make

    return add


def _add(
    name: str,
    make: Callable[[Path, Where], Path],
    loaders: tuple[Loader, ...],
    phase: str,
    does: str | None,
    reads: bool,
    inside: str,
) -> None:
    assert does and name not in HOSTILE
    HOSTILE[name] = Hostile(name, make, loaders, phase, does, reads, inside)
