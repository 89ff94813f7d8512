"""A chain of adapters: parse, print, check against the type of a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from workbench.disk import dtypes
from workbench.errors import DamagedFile
from workbench.model import shapes
from workbench.surgery.adapters import language, registry
from workbench.surgery.adapters.adapter import Adapter
from workbench.surgery.adapters.casts import lossy_cast
from workbench.surgery.adapters.checked import Checked, Step
from workbench.surgery.adapters.reference import Json
from workbench.surgery.adapters.steps.numeric import Cast
from workbench.surgery.adapters.steps.reshaping import Expand
from workbench.surgery.adapters.tensor_type import Problem, State, TensorType

_MOST_NEEDS = 8
_FROM_STRINGS = (
    *("decode-base64", "decode-image", "lowercase", "regex-replace", "split", "lookup", "parse-number"),
)


@dataclass(frozen=True, slots=True)
class Chain:
    """Adapters, each of which takes what the one before it makes."""

    adapters: tuple[Adapter, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Chain:
        """Make a chain of its text.

        Raises:
            UsageError: it can't be parsed, or an adapter is unknown or has wrong arguments.
        """
        return cls.of(language.parse_calls(text))

    @classmethod
    def of(cls, calls: Sequence[language.Call]) -> Chain:
        """Make a chain of parsed calls.

        Raises:
            UsageError: an adapter is unknown or has wrong arguments.
        """
        return cls(tuple(map(registry.make, calls)))

    @classmethod
    def from_json(cls, items: object) -> Chain:
        """Make a chain of what stands in a recipe.

        Raises:
            DamagedFile: it is no list of adapters.
        """
        if not isinstance(items, list) or len(items) > language.MOST_CALLS:
            raise DamagedFile("The adapters must be a list.")
        return cls(tuple(map(registry.from_json, items)))

    def as_json(self) -> list[Json]:
        """Return the chain as it stands in a recipe."""
        return [adapter.as_json() for adapter in self.adapters]

    def print(self) -> str:
        """Return the text of the chain, of which `parse` makes the same chain."""
        return language.print_calls([adapter.call() for adapter in self.adapters])

    def __str__(self) -> str:
        return self.print()

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the files that adapters read, as written."""
        return tuple(dict.fromkeys(path for adapter in self.adapters for path in adapter.files))

    def source(self, made: TensorType) -> TensorType:
        """Return what a new input is, for the chain to make a tensor of it.

        Where an adapter leaves that open, it is of the tensor's own type; one or a vector of strings before a decoder.

        Args:
            made: what the chain should make.
        """
        found: TensorType | None = made
        for adapter in reversed(self.adapters):
            found = None if found is None else adapter.source(found)
        if found is not None:
            return found
        first = [adapter.NAME for adapter in self.adapters]
        if not first or first[0] not in _FROM_STRINGS:
            return made
        one = TensorType.of(dtypes.STRING, ())
        rows = TensorType.of(dtypes.STRING, (None,) if made.shape is None else made.shape[:1])
        if not made.shape:
            return rows if made.shape is None else one
        tried = (one, rows) if made.shape[0] == 1 and "decode-image" in first else (rows, one)
        return next((have for have in tried if self.check(have, made).problem is None), tried[0])

    def check(self, have: TensorType, want: TensorType | None = None, *, files: bool = False) -> Checked:
        """Find the types along the chain; stop at the first adapter that does not take what it gets.

        Conversions that follow by necessity and lose nothing are inserted: see `Checked.implied`.

        Args:
            have: the type of the input tensor.
            want: what the result must fit, or None for anything.
            files: also read the files of adapters, and find what is wrong with them.
        """
        work = _Check(have, files)
        for adapter in self.adapters:
            if not work.take(adapter):
                return work.done()
        work.close()
        work.all_take = work.problem is None
        if want is not None and work.problem is None:
            work.fit(want)
        return work.done()


class _Check:
    """A check on its way through a chain."""

    def __init__(self, have: TensorType, files: bool) -> None:
        self.have = have
        self.files = files
        self.state = State(have)
        self.steps: list[Step] = []
        self.problem: str | None = None
        self.hint: str | None = None
        self.warnings: list[str] = []
        self.batch: int | None = None
        self.by_row = False
        self.all_take = False

    def done(self) -> Checked:
        return Checked(
            self.have,
            tuple(self.steps),
            self.state,
            self.problem,
            self.hint,
            tuple(self.warnings),
            self.all_take,
        )

    def take(self, adapter: Adapter) -> bool:
        """Add an adapter and what it needs before it; return whether it takes what it gets."""
        for _ in range(_MOST_NEEDS):
            needed = adapter.needs(self.state.main)
            if not needed:
                break
            for one in needed:
                if not self._add(one, implied=True):
                    return False
        return self._add(adapter)

    def _add(self, adapter: Adapter, *, implied: bool = False) -> bool:
        before = self.state
        main = before.main
        rows = main.is_string and main.rank == 1 and adapter.NAME == "decode-image"
        if rows:
            assert main.shape is not None
            self.by_row, self.batch = True, main.shape[0]
            before = State(TensorType(main.dtype, (), rows=False), before.companions)
        elif self.by_row and not adapter.BY_ROW:
            self._stop(adapter, Problem("images of one size", "Add `resize HEIGHT WIDTH` before it."), main)
            return False
        found = adapter.apply(before)
        if isinstance(found, Problem):
            self._stop(adapter, found, main)
            self.by_row = self.by_row and not rows
            return False
        self.state = found
        if self.files:
            for text in adapter.check_files(before):
                self.problem = self.problem or f"`{adapter}`: {text}"
        self.steps.append(Step(adapter, before, found, self.by_row, implied))
        if self.by_row and shapes.count(found.main.shape) is not None:
            self._leave_rows()
        return self.problem is None

    def _stop(self, adapter: Adapter, problem: Problem, main: TensorType) -> None:
        has = problem.has or str(main)
        each = " for each row" if self.by_row else ""
        self.problem = f"`{adapter}` has {has}{each}; it takes {problem.takes}."
        self.hint = problem.hint

    def _leave_rows(self) -> None:
        main, self.by_row = self.state.main, False
        shape = None if main.shape is None else (self.batch, *main.shape)
        self.state = State(replace(main, shape=shape, rows=True), self.state.companions)

    def close(self) -> None:
        """End the part that is done row by row: what is left of it must have one shape."""
        if not self.by_row:
            return
        size = shapes.text(self.state.main.shape)
        self.warnings.append(
            f"The images of a batch must have one size here: each is {size}. Add `resize HEIGHT WIDTH`."
        )
        self._leave_rows()

    def fit(self, want: TensorType) -> None:
        """Add the conversions that make the result fit: a batch of one, and a cast that loses nothing."""
        main = self.state.main
        if want.shape is not None and main.shape is not None and len(main.shape) + 1 == len(want.shape):
            row_fits = shapes.fits(main.shape, want.shape[1:]) != "refuted"
            if row_fits and want.shape[0] in (None, 1) and not main.rows:
                self._add(Expand(), implied=True)
        main = self.state.main
        if main.dtype != want.dtype and (main.is_number and want.is_number):
            if lossy_cast(main.name, want.name) is None:
                self._add(Cast(want.name), implied=True)
        elif main.dtype == dtypes.BOOL and want.is_number:
            self._add(Cast(want.name), implied=True)
        main = self.state.main
        if main.dtype != want.dtype or shapes.fits(main.shape, want.shape) == "refuted":
            self.problem = f"The chain makes {main}; it must make {want}."
