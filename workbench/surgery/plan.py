"""What the user wants, as pure data: sources with handles, wires, options of the result.

A plan holds no opened model and no file handle, so it can be saved, compared, undone and replayed. Nothing in it
is checked here; `workbench.surgery.check` does that, and reports everything at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from workbench import names
from workbench.errors import UsageError, WrongType

if TYPE_CHECKING:
    from workbench.model import Model

DEFAULT_SIGNATURE = "serving_default"
Format = Literal["auto", "tf1", "tf2"]
DEFAULT_TAGS = ("serve",)
# What the root of a loaded model has besides its parts.
RESERVED = frozenset({"signatures", "variables", "trainable_variables", "regularization_losses", "serve"})


@dataclass(frozen=True, slots=True)
class Source:
    """One model that takes part in a join.

    Attributes:
        handle: the scope everything of the model gets in the result, unique in the plan.
        path: what `open_model` is given: a SavedModel folder, its `saved_model.pb`, or a GraphDef file.
        tags: the tag set of the MetaGraph to take; None for `{serve}` if there, else the only one.
        signature: the signature whose keys the wires mean; None for `serving_default` if there, else the
            only one.
    """

    handle: str
    path: Path
    tags: tuple[str, ...] | None = None
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class Wire:
    """A connection from an output of one model to an input of another.

    Attributes:
        source: `[HANDLE@]END`; without a handle the end is of the plan's first model.
        target: `[HANDLE@]END`; without a handle the end is of the plan's second model.
    """

    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source}={self.target}"


AnyWire: TypeAlias = str | tuple[str, str] | Wire


@dataclass(frozen=True, slots=True)
class Plan:
    """A join of models.

    Attributes:
        sources: at least one model; the order decides the order of inputs, shards and nodes.
        wires: at least one for a join of two models.
        signature: key of the signature of the result.
        tags: tag set of the result.
        keep_outputs: also keep the outputs of models that feed another one.
        keep_signatures: also keep the signatures of the sources, as `HANDLE_KEY`.
        freeze: turn variables into constants.
        format: `tf2` with an object graph, so that the result can be trained and saved again; `tf1` without;
            `auto` is `tf2` where it is possible.
        rename_inputs: (old, new) key of inputs of the result, all at once.
        rename_outputs: likewise of its outputs.
    """

    sources: tuple[Source, ...]
    wires: tuple[Wire, ...] = ()
    signature: str = DEFAULT_SIGNATURE
    tags: tuple[str, ...] = DEFAULT_TAGS
    keep_outputs: bool = False
    keep_signatures: bool = False
    freeze: bool = False
    format: Format = "auto"
    rename_inputs: tuple[tuple[str, str], ...] = ()
    rename_outputs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def join(
        cls,
        *paths: str | os.PathLike[str] | Model,
        wires: AnyWire | Iterable[AnyWire],
        signature: str = DEFAULT_SIGNATURE,
        keep_outputs: bool = False,
        keep_signatures: bool = False,
        freeze: bool = False,
        **handles: str | os.PathLike[str] | Model,
    ) -> Plan:
        """Make a plan from paths and wires, as the command line takes them.

        Args:
            *paths: models that get their folder's name as handle. An opened model means the path and the tag set it
                was opened with.
            wires: one or several of `"OUT=IN"`, `("OUT", "IN")` and `Wire("OUT", "IN")`.
            signature: key of the signature of the result.
            keep_outputs: also keep the outputs of models that feed another one.
            keep_signatures: also keep the signatures of the sources.
            freeze: turn variables into constants.
            **handles: models with a handle: `img="./image"`.

        Raises:
            UsageError: a handle is not valid or is used twice, or a wire has no `=`.
            WrongType: a model or a wire is none of these.
        """
        sources = SourceList()
        for handle, model in [*((None, path) for path in paths), *handles.items()]:
            path, tags = _located(model)
            sources.add(path, handle, tags=tags)
        return cls(
            tuple(sources.sources),
            _wires(wires),
            signature,
            keep_outputs=keep_outputs,
            keep_signatures=keep_signatures,
            freeze=freeze,
        )

    @property
    def handles(self) -> tuple[str, ...]:
        """The handles, in the order of the sources."""
        return tuple(source.handle for source in self.sources)

    def __repr__(self) -> str:
        models = names.brief([f"{one.handle}={one.path}" for one in self.sources], 8, 200)
        wires = names.brief(list(map(str, self.wires)), 8, 200)
        options = "".join(f", {name}={names.show(repr(value))}" for name, value in self.options().items())
        if self.signature != DEFAULT_SIGNATURE:
            options = f", signature={names.show(self.signature, 60)}{options}"
        return f"<Plan {models or 'without models'}; wires {wires or 'none'}{options}>"

    def with_wire(self, wire: Wire) -> Plan:
        """Return the same plan with one more wire."""
        return replace(self, wires=(*self.wires, wire))

    def options(self) -> dict[str, Any]:
        """Return the options that differ from their defaults, as a recipe keeps them."""
        defaults = Plan(())
        found: dict[str, Any] = {}
        for name in ("tags", "keep_outputs", "keep_signatures", "freeze", "format"):
            value = getattr(self, name)
            if value != getattr(defaults, name):
                found[name] = list(value) if isinstance(value, tuple) else value
        for name in ("rename_inputs", "rename_outputs"):
            if getattr(self, name):
                found[name] = dict(getattr(self, name))
        return found


@dataclass(slots=True)
class SourceList:
    """Collects sources and gives each without a handle of its own a valid, unique one."""

    sources: list[Source] = field(default_factory=list)

    def add(
        self,
        path: Path,
        handle: str | None = None,
        *,
        tags: Iterable[str] | None = None,
        signature: str | None = None,
    ) -> Source:
        """Adds a source.

        Args:
            path: the model.
            handle: what the user wrote before `=`, or None for the folder's name.
            tags: the tag set, or None.
            signature: the chosen signature, or None.

        Raises:
            UsageError: the handle is not valid or is taken.
        """
        taken = [source.handle for source in self.sources]
        if handle is None:
            handle = names.make_handle(handle_base(path), [*taken, *RESERVED])
        elif not names.is_handle(handle):
            raise UsageError(
                f"{names.show(handle)!r} can't be a handle: it becomes a name scope of the graph.",
                hint=f"Use letters, digits, '_', '-' and '.', for example {names.make_handle(handle)}={path}.",
            )
        elif handle in RESERVED:
            raise UsageError(
                f"{handle!r} can't be a handle: a loaded model has something else under that name.",
                hint=f"Choose another, for example {names.make_handle(handle, RESERVED)}={path}.",
            )
        elif handle.lower() in (other.lower() for other in taken):
            raise UsageError(
                f"The handle {handle!r} is used twice.", hint="Give each model a handle of its own."
            )
        source = Source(handle, path, tuple(tags) if tags is not None else None, signature)
        self.sources.append(source)
        return source


def _located(model: object) -> tuple[Path, tuple[str, ...] | None]:
    """Return the path of a model, and the tag set that an opened one was opened with."""
    if isinstance(model, (str, os.PathLike)):
        return Path(model), None
    from workbench.model import Model

    if isinstance(model, Model):
        return model.path, model.tags
    raise WrongType("A model", "a path or what open_model returns", model)


def _wires(given: object) -> tuple[Wire, ...]:
    """Return the wires in what `Plan.join` takes."""
    if isinstance(given, (str, Wire)):
        given = (given,)
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        raise WrongType("The wires", _WIRES, given)
    return tuple(map(_wire, given))


def _wire(given: object) -> Wire:
    if isinstance(given, Wire):
        return given
    if isinstance(given, str):
        return _parse_wire(given)
    match given:
        case (str(source), str(target)):
            return Wire(source, target)
    raise WrongType("A wire", "'OUTPUT=INPUT', ('OUTPUT', 'INPUT') or a Wire", given)


_WIRES = "'OUTPUT=INPUT', or a list of such texts and of pairs ('OUTPUT', 'INPUT')"


def _parse_wire(text: str) -> Wire:
    source, equals, target = text.partition("=")
    if not equals:
        raise UsageError(f"{names.show(text)!r} is not a wire.", hint="Write OUTPUT=INPUT.")
    return Wire(source, target)


def handle_base(path: Path) -> str:
    """The name a model goes by: its folder's, the parent's when that is a version number, a file's stem."""
    resolved = path.resolve()
    if resolved.is_file() or resolved.suffix in (".pb", ".pbtxt"):
        if not resolved.stem.startswith("saved_model"):
            return resolved.stem
        resolved = resolved.parent
    if resolved.name.isdecimal() and resolved.parent.name:
        resolved = resolved.parent
    return resolved.name or "model"


def split_handle(text: str, handles: Sequence[str]) -> tuple[str | None, str]:
    """An end as written, as (handle or None, END); a text before `@` that is no handle belongs to the END."""
    head, at, rest = text.partition("@")
    if at and head in handles:
        return head, rest
    return None, text
