"""Tables of a lesson's file as selectors, conditions, questions and tasks; what does not fit is an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.errors import UsageError
from workbench.lessons.lesson import KINDS, TAKES, Condition, Kind, Option, Question, Selector, Take, Task
from workbench.lessons.reading.commands import split, wrong_in_file
from workbench.lessons.reading.document import REQUIRED, Document, Path_, described
from workbench.names import did_you_mean, show

_TEXTS = ("node", "op", "scope", "function", "variable", "signature", "input", "output", "asset")
_FLAGS = ("control", "everywhere")
_MOST_CHOICES = 10_000
_CONDITION = (
    "model", "has", "lacks", "count", "is", "at_least", "at_most", "output", "inputs", "same_as", "same_output",
    "same_inputs", "differs",
)  # fmt: skip
_QUESTION = ("id", "ask", "model", "of", "text", "hint", "among", "options", "take", "inputs")
_TASK = ("say", "command", "any_command", "exit", "uses", "prints", "checks", "hint", "done")
_TAKEN_BY = {"among": ("depends on",), "options": ("choose",), "take": ("value of",), "inputs": ("value of",)}
"""Keys that only some kinds of questions have."""


class Tables:
    """Reads tables of one file.

    Args:
        document: the file.
        models: names that models of the lesson have, those that commands make included.
    """

    def __init__(self, document: Document, models: frozenset[str]) -> None:
        self.document = document
        self.models = models

    # -- selectors and conditions

    def selectors(self, table: dict[str, Any], path: Path_, key: str) -> tuple[Selector, ...]:
        """Return the selectors of a key: one, or a list of which the seed takes one."""
        value = table.get(key)
        if value is None:
            return ()
        listed = value if isinstance(value, list) else [value]
        found: list[Selector] = []
        for number, one in enumerate(listed):
            found += self._selector(one, (*path, key, number) if isinstance(value, list) else (*path, key))
        return tuple(found)

    def _selector(self, value: Any, path: Path_) -> list[Selector]:
        """Return what a table selects: one selector for each text of a field that has a list of them."""
        if not isinstance(value, dict):
            self.document.add(
                path, f'A selector must be a table, such as {{ op = "MatMul" }}, not {described(value)}.'
            )
            return []
        self.document.known(value, path, (*_TEXTS, *_FLAGS), "A selector")
        if not value:
            self.document.add(path, "The selector is empty.", f"Give one of: {', '.join(_TEXTS)}.")
        found: list[dict[str, Any]] = [{}]
        for key in _TEXTS:
            texts = self.document.texts(value, path, key)
            if texts:
                found = [{**one, key: text} for one in found for text in texts][:_MOST_CHOICES]
        flags = {key: self.document.get(value, path, key, bool) for key in _FLAGS if key in value}
        return [
            Selector(**one, **{key: flag for key, flag in flags.items() if flag is not None}) for one in found
        ]

    def one_selector(self, table: dict[str, Any], path: Path_, key: str) -> Selector | None:
        """Return the selector of a key, or None."""
        found = self.selectors(table, path, key)
        if len(found) > 1:
            self.document.add((*path, key), f"`{key}` takes one selector, and no lists in it.")
        return found[0] if found else None

    def condition(self, value: dict[str, Any], path: Path_) -> Condition:
        """Return a condition."""
        document = self.document
        document.known(value, path, _CONDITION, "A condition")
        get = document.get
        found = Condition(
            model=self.model(value, path, "model", ""),
            has=self.one_selector(value, path, "has"),
            lacks=self.one_selector(value, path, "lacks"),
            count=self.one_selector(value, path, "count"),
            is_=get(value, path, "is", int),
            at_least=get(value, path, "at_least", int),
            at_most=get(value, path, "at_most", int),
            output=get(value, path, "output", str, ""),
            inputs=self.inputs(value, path, "inputs"),
            same_as=self.model(value, path, "same_as", ""),
            same_output=get(value, path, "same_output", str, ""),
            same_inputs=self.inputs(value, path, "same_inputs"),
            differs=get(value, path, "differs", bool, False),
        )
        bounds = (found.is_, found.at_least, found.at_most) != (None, None, None)
        if bounds != (found.count is not None):
            document.add(path, "`count` needs `is`, `at_least` or `at_most`, and these need `count`.")
        if bool(found.output) != bool(found.same_as):
            document.add(path, "`output` needs `same_as`, and `same_as` needs `output`.")
        if not (found.has or found.lacks or found.count or found.output):
            document.add(
                path, "The condition is empty.", "Give `has`, `lacks`, `count` or `output` with `same_as`."
            )
        return found

    def inputs(self, table: dict[str, Any], path: Path_, key: str) -> Mapping[str, str] | None:
        """Return values of inputs by key, as `workbench run --input` takes them."""
        found = self.choices(table, path, key)
        for name, texts in (found or {}).items():
            if len(texts) != 1:
                self.document.add((*path, key, name), "A condition takes one value for an input.")
        return None if found is None else {name: texts[0] for name, texts in found.items() if texts}

    def choices(self, table: dict[str, Any], path: Path_, key: str) -> Mapping[str, tuple[str, ...]] | None:
        """Return values of inputs by key, several of which the seed takes one."""
        found = self.document.get(table, path, key, dict)
        if found is None:
            return None
        values = {name: self.document.texts(found, (*path, key), name) for name in found}
        for name, texts in values.items():
            for text in texts:
                if wrong_in_file([f"{name}={text}"]) is not None:
                    message = f"{show(text, 60)!r} leaves the folder of the lesson."
                    self.document.add((*path, key, name), message)
        return values

    def model(self, table: dict[str, Any], path: Path_, key: str, default: Any) -> str:
        """Return the name of a model of the lesson."""
        name: str = self.document.get(table, path, key, str, default)
        if name and name not in self.models:
            hint = did_you_mean(name, sorted(self.models), noun="models")
            self.document.add((*path, key), f"The lesson has no model {show(name, 60)!r}.", hint)
        return name

    # -- questions

    def question(self, table: dict[str, Any], path: Path_, id: str) -> Question:
        """Return a question."""
        document = self.document
        document.known(table, path, _QUESTION, "A question")
        kind: Kind = document.choice(table, path, "ask", KINDS, REQUIRED) or "count"
        for key, kinds in _TAKEN_BY.items():
            if key in table and kind not in kinds:
                document.add((*path, key), f"Only questions of the kind {' and '.join(kinds)} have `{key}`.")
        of = self.selectors(table, path, "of")
        if not of and kind != "choose" and not isinstance(table.get("of"), dict | list):
            document.add(
                path, f"`of` is missing: what the question `{kind}` is about.", 'Such as { op = "MatMul" }.'
            )
        among = self.one_selector(table, path, "among")
        if kind == "depends on" and among is None:
            document.add(path, "`among` is missing: a selector of what may be in the answer.")
        options = self._options(table, path)
        text: str = document.get(table, path, "text", str, "")
        if kind == "choose" and not text:
            document.add(path, "`text` is missing: a question of the kind `choose` has no text of its own.")
        return Question(
            id=document.get(table, path, "id", str, id),
            kind=kind,
            model=self.model(table, path, "model", REQUIRED),
            of=of,
            text=text,
            hints=document.texts(table, path, "hint"),
            among=among,
            options=options,
            take=self._takes(table, path),
            inputs=self.choices(table, path, "inputs"),
            where=document.where((*path, "ask")),
        )

    def _takes(self, table: dict[str, Any], path: Path_) -> tuple[Take, ...]:
        """Return what of a value is asked for."""
        found = self.document.texts(table, path, "take")
        for text in found:
            if text not in TAKES:
                message = f"`take` is {show(text, 60)!r}."
                self.document.add((*path, "take"), message, f"It must be one of: {', '.join(TAKES)}.")
        return tuple(one for one in TAKES if one in found) or ("element",)

    def _options(self, table: dict[str, Any], path: Path_) -> tuple[Option, ...]:
        found = []
        for here, one in self.document.tables(table, path, "options"):
            self.document.known(one, here, ("text", "right"), "An option")
            right = one.get("right", False)
            if isinstance(right, dict):
                right = self.condition(right, (*here, "right"))
            elif not isinstance(right, bool):
                self.document.add((*here, "right"), "`right` must be true, false or a condition.")
                right = False
            found.append(Option(self.document.get(one, here, "text", str, REQUIRED), right))
        if table.get("ask") == "choose" and not 2 <= len(found) <= 8:
            self.document.add(
                (*path, "options"), f"A question has 2 to 8 options; this one has {len(found)}."
            )
        return tuple(found)

    # -- tasks

    def task(self, table: dict[str, Any], path: Path_) -> Task:
        """Return a task."""
        document = self.document
        document.known(table, path, _TASK, "A task")
        ends: Any = table.get("exit", 0)
        if ends == "any":
            ends = None
        elif not isinstance(ends, int) or isinstance(ends, bool):
            document.add((*path, "exit"), '`exit` must be an exit code, or "any".')
            ends = 0
        return Task(
            say=document.get(table, path, "say", str, REQUIRED),
            command=self.command(document.get(table, path, "command", str, REQUIRED), (*path, "command")),
            any_command=document.get(table, path, "any_command", bool, False),
            exit=ends,
            uses=document.texts(table, path, "uses"),
            prints=document.texts(table, path, "prints"),
            checks=tuple(self.condition(one, here) for here, one in document.tables(table, path, "checks")),
            hints=document.texts(table, path, "hint"),
            done=document.get(table, path, "done", str, ""),
            where=document.where(path),
        )

    def command(self, text: str, path: Path_) -> str:
        """Check a command that the file has, and return it."""
        if not text:
            return text
        try:
            wrong = wrong_in_file(split(text))
        except UsageError as problem:
            self.document.add(path, problem.message, problem.hint)
            return text
        if wrong is not None:
            self.document.add(
                path, f"The command is not allowed: {wrong}.", "Name files of the lesson, without a path."
            )
        return text
