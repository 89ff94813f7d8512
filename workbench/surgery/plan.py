"""Plans as pure data: sources with handles, steps, options of the result.

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
from workbench.errors import UsageError, WrongType, expect
from workbench.notebook import Shown
from workbench.surgery import values
from workbench.surgery.adapters.language import has_adapters
from workbench.surgery.operations.connect import Connect
from workbench.surgery.operations.share import Share
from workbench.surgery.step import Joining, Step, fields_to_json, option, print_step
from workbench.surgery.step_files import StepFile, names_in_result

if TYPE_CHECKING:
    from workbench.model import Model

DEFAULT_SIGNATURE = "serving_default"
Format = Literal["auto", "tf1", "tf2"]
DEFAULT_TAGS = ("serve",)
Pairs: TypeAlias = tuple[tuple[str, str], ...]
# What the root of a loaded model has besides its parts.
RESERVED = frozenset({"signatures", "variables", "trainable_variables", "regularization_losses", "serve"})


@dataclass(frozen=True, slots=True)
class Source:
    """One model that takes part in a plan.

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
class ResultOptions:
    """The options of a result.

    Attributes:
        signature: key of the signature of the result.
        tags: tag set of the result.
        keep_outputs: also keep the outputs of models that feed another one.
        keep_signatures: also keep the signatures of the sources, as `HANDLE_KEY`.
        freeze: turn variables into constants.
        format: `tf2` with an object graph, so that the result can be trained and saved again; `tf1` without;
            `auto` is `tf2` where it is possible.
        rename_inputs: (old, new) key of inputs of the result, all at once.
        rename_outputs: likewise of its outputs.
        prefix: put a single model under its handle as well, as in a join; several always are.
        side_by_side: models may be without a wire or shared input to others.
    """

    signature: str = option(values.Text(), "key of its signature", default=DEFAULT_SIGNATURE)
    tags: tuple[str, ...] = option(values.Texts(), "its tag set", default=DEFAULT_TAGS)
    keep_outputs: bool = option(values.Flag(), "keep the outputs of models that feed another", default=False)
    keep_signatures: bool = option(values.Flag(), "keep the models' own signatures as well", default=False)
    freeze: bool = option(values.Flag(), "convert variables to constants", default=False)
    format: Format = option(values.Text("auto", "tf1", "tf2"), "tf2 has an object graph", default="auto")
    rename_inputs: Pairs = option(values.Pairs(), "rename inputs of the result", default=())
    rename_outputs: Pairs = option(values.Pairs(), "rename outputs of the result", default=())
    prefix: bool = option(values.Flag(), "put a single model under its handle as well", default=False)
    side_by_side: bool = option(values.Flag(), "models may be without a wire", default=False)


AnyWire: TypeAlias = str | tuple[str, str] | tuple[str, str, str] | Connect
AnyShared: TypeAlias = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Plan(Shown):
    """Changes to models: sources, steps, options of the result.

    Attributes:
        sources: at least one model; the order decides the order of inputs, shards and nodes.
        steps: operations in the order in which they are done. Those that connect models come first.
        result: options of the result of a join.
        files: what the recipe that the plan was read from says of files that steps read.
    """

    sources: tuple[Source, ...]
    steps: tuple[Step, ...] = ()
    result: ResultOptions = ResultOptions()
    files: tuple[StepFile, ...] = ()

    @classmethod
    def join(
        cls,
        *paths: str | os.PathLike[str] | Model,
        wires: AnyWire | Iterable[AnyWire] = (),
        shares: AnyShared | None = None,
        side_by_side: bool = False,
        steps: Iterable[Step] = (),
        signature: str = DEFAULT_SIGNATURE,
        tags: Sequence[str] = DEFAULT_TAGS,
        keep_outputs: bool = False,
        keep_signatures: bool = False,
        freeze: bool = False,
        format: Format = "auto",
        rename_inputs: Mapping[str, str] | None = None,
        rename_outputs: Mapping[str, str] | None = None,
        **handles: str | os.PathLike[str] | Model,
    ) -> Plan:
        """Make a plan from paths and wires, as the command line takes them.

        Args:
            *paths: models that get their folder's name as handle. An opened model means the path and the tag set it
                was opened with.
            wires: one or several of `"OUT=IN"`, `("OUT", "IN")` and `Connect("OUT", "IN")`; with adapters
                `"OUT | resize 28 28 | scale 1/255 = IN"` or `("OUT", "IN", "resize 28 28 | scale 1/255")`.
            shares: key of an input of the result to the inputs it feeds: `{"image": ["a@image", "b@pixels"]}`;
                `{"image": "image"}` means the input `image` of every model that has one.
            side_by_side: allow models without a wire or shared input.
            steps: what is done with the joined model, in this order.
            signature: key of the signature of the result.
            tags: tag set of the result.
            keep_outputs: also keep the outputs of models that feed another one.
            keep_signatures: also keep the signatures of the sources.
            freeze: turn variables into constants.
            format: of the result; see `ResultOptions`.
            rename_inputs: old to new key of inputs of the result.
            rename_outputs: likewise of its outputs.
            **handles: models with a handle: `img="./image"`.

        Raises:
            UsageError: a handle is not valid or is used twice, or a wire has no `=`.
            WrongType: a model, a wire or a step is none of these.
        """
        sources = SourceList()
        for handle, model in [*((None, path) for path in paths), *handles.items()]:
            path, of = _located(model)
            sources.add(path, handle, tags=of)
        result = ResultOptions(
            signature,
            tuple(tags),
            keep_outputs,
            keep_signatures,
            freeze,
            format,
            tuple((rename_inputs or {}).items()),
            tuple((rename_outputs or {}).items()),
            side_by_side=side_by_side,
        )
        later = tuple(steps)
        for step in later:
            expect(step, Step, "A step of a plan", "an operation, such as Freeze()")
        return cls(tuple(sources.sources), (*_wires(wires), *_shares(shares), *later), result)

    @classmethod
    def edit(
        cls, model: str | os.PathLike[str] | Model, *steps: Step, tags: Iterable[str] | None = None
    ) -> Plan:
        """Make a plan that changes one model and keeps the rest byte for byte.

        Args:
            model: a path, or an opened model, which means the path and the tag set it was opened with.
            *steps: what is done, in this order.
            tags: the tag set of the MetaGraph to change; None for the one the model was opened with, else `{serve}`
                if there, else the only one.

        Raises:
            WrongType: a model or a step is of another type.
        """
        path, of = _located(model)
        for step in steps:
            expect(step, Step, "A step of a plan", "an operation, such as Freeze()")
        return cls((Source(handle_of(path), path, of if tags is None else tuple(tags)),), steps)

    @property
    def wires(self) -> tuple[Connect, ...]:
        """The steps that connect models."""
        return tuple(step for step in self.steps if isinstance(step, Connect))

    @property
    def shares(self) -> tuple[Share, ...]:
        """The steps by which models share inputs."""
        return tuple(step for step in self.steps if isinstance(step, Share))

    @property
    def joining_steps(self) -> tuple[Joining, ...]:
        """The steps that connect models: wires and shared inputs."""
        return tuple(step for step in self.steps if isinstance(step, Joining))

    @property
    def other_steps(self) -> tuple[Step, ...]:
        """The steps that are no wires."""
        return tuple(step for step in self.steps if not isinstance(step, Connect))

    @property
    def later_steps(self) -> tuple[Step, ...]:
        """The steps that are done after the models are connected."""
        return tuple(step for step in self.steps if not isinstance(step, Joining))

    @property
    def joins(self) -> bool:
        """Whether models are put under their handles.

        If not, one model keeps what no step changes.
        """
        return len(self.sources) != 1 or bool(self.joining_steps) or self.result.prefix

    @property
    def adapts(self) -> bool:
        """Whether it puts adapters on a wire, before an input or after an output."""
        return any(wire.through for wire in self.wires) or any(one.NAME == "adapt" for one in self.steps)

    @property
    def has_result(self) -> bool:
        """Whether it makes a model: by connecting models, by putting them side by side, or by steps on one."""
        if len(self.sources) == 1:
            return bool(self.steps)
        return bool(self.joining_steps) or (self.result.side_by_side and len(self.sources) > 1)

    @property
    def handles(self) -> tuple[str, ...]:
        """The handles, in the order of the sources."""
        return tuple(source.handle for source in self.sources)

    def endpoints_of(self, handle: str) -> list[tuple[str, Literal["source", "target"]]]:
        """Return the endpoints that wires and shared inputs name in a model, each with its side.

        One of a shared input that names no model is one of each.
        """
        handles = self.handles
        defaults = (handles[0], handles[-1]) if 0 < len(handles) <= 2 else (None, None)
        written: list[tuple[str, str | None, Literal["source", "target"]]] = []
        for wire in self.wires:
            written += [(wire.source, defaults[0], "source"), (wire.target, defaults[1], "target")]
        for share in self.shares:
            written += [(text, handle, "target") for texts in dict(share.inputs).values() for text in texts]
        found: list[tuple[str, Literal["source", "target"]]] = []
        for text, default, side in written:
            own, endpoint = split_handle(text, handles)
            if (own or default) == handle:
                found.append((endpoint, side))
        return found

    def __repr__(self) -> str:
        models = names.brief([f"{one.handle}={one.path}" for one in self.sources], 8, 200)
        told = [models or "without models"]
        if self.joins:
            told.append(f"wires {names.brief(list(map(str, self.wires)), 8, 200) or 'none'}")
        steps = list(map(print_step, self.other_steps))
        if steps or not self.joins:
            told.append(f"steps {names.brief(steps, 8, 200) or 'none'}")
        options = "".join(
            f", {name}={names.show(repr(value), 60)}" for name, value in fields_to_json(self.result).items()
        )
        return f"<Plan {'; '.join(told)}{options}>"

    def file_name(self, path: str) -> str:
        """Return the name that a file of a step has in a result.

        Args:
            path: as written in the step.
        """
        return names_in_result(self.steps, self.files).get(path, Path(path).name)

    def with_wires(self, wires: Iterable[Connect]) -> Plan:
        """Return the same plan with these wires, before its other steps."""
        return replace(self, steps=(*wires, *self.other_steps))

    def with_wire(self, wire: Connect) -> Plan:
        """Return the same plan with one more wire."""
        return self.with_wires((*self.wires, wire))

    def with_step(self, step: Step) -> Plan:
        """Return the same plan with one more step: one that connects models before those that do not."""
        if not isinstance(step, Joining):
            return replace(self, steps=(*self.steps, step))
        return replace(self, steps=(*self.joining_steps, step, *self.later_steps))

    def with_result(self, **options: Any) -> Plan:
        """Return the same plan with other options of the result, see `ResultOptions`."""
        return replace(self, result=replace(self.result, **options))


@dataclass(slots=True)
class SourceList:
    """Collect sources and give each one a valid, unique handle."""

    sources: list[Source] = field(default_factory=list)

    def add(
        self,
        path: Path,
        handle: str | None = None,
        *,
        tags: Iterable[str] | None = None,
        signature: str | None = None,
    ) -> Source:
        """Add a source.

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


def _wires(given: object) -> tuple[Connect, ...]:
    """Return the wires in what `Plan.join` takes."""
    if isinstance(given, (str, Connect)):
        given = (given,)
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        raise WrongType("The wires", _WIRES, given)
    return tuple(map(_wire, given))


def _shares(given: object) -> tuple[Share, ...]:
    """Return the shared inputs in what `Plan.join` takes."""
    if given is None:
        return ()
    if isinstance(given, Mapping):
        for texts in given.values():
            listed = [texts] if isinstance(texts, str) else texts
            if not isinstance(listed, Sequence) or not all(isinstance(text, str) for text in listed):
                raise WrongType("The inputs that are shared", _SHARES, texts)
        return (Share(given),) if given else ()
    raise WrongType("The shared inputs", _SHARES, given)


_SHARES = "a dict of keys to inputs: {'image': ['a@image', 'b@pixels']}"


def _wire(given: object) -> Connect:
    if isinstance(given, Connect):
        return given
    if isinstance(given, str):
        return _parse_wire(given)
    match given:
        case (str(source), str(target)):
            return Connect(source, target)
        case (str(source), str(target), str(through)):
            return Connect(source, target, through)
    raise WrongType(
        "A wire", "'OUTPUT=INPUT', ('OUTPUT', 'INPUT'), ('OUTPUT', 'INPUT', 'ADAPTERS') or a Connect", given
    )


_WIRES = "'OUTPUT=INPUT', or a list of such texts and of pairs ('OUTPUT', 'INPUT')"


def _parse_wire(text: str) -> Connect:
    if has_adapters(text):
        return Connect.parse(text)
    source, equals, target = text.partition("=")
    if not equals:
        raise UsageError(f"{names.show(text)!r} is not a wire.", hint="Write OUTPUT=INPUT.")
    return Connect(source, target)


def handle_of(path: Path) -> str:
    """Return the handle of a model that is alone and was given none."""
    return names.make_handle(handle_base(path), RESERVED)


def handle_base(path: Path) -> str:
    """Return the name of a model: its folder's, its parent's, or a file's stem.

    The parent's name is used where the folder's is a version number.
    """
    resolved = path.resolve()
    if resolved.is_file() or resolved.suffix in (".pb", ".pbtxt"):
        if not resolved.stem.startswith("saved_model"):
            return resolved.stem
        resolved = resolved.parent
    if resolved.name.isdecimal() and resolved.parent.name:
        resolved = resolved.parent
    return resolved.name or "model"


def split_handle(text: str, handles: Sequence[str]) -> tuple[str | None, str]:
    """Return an endpoint as (handle or None, END).

    A text before `@` that is no handle belongs to the END.
    """
    head, at, rest = text.partition("@")
    if at and head in handles:
        return head, rest
    return None, text
