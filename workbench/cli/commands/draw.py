"""Draw the graph behind a signature, or the result of a recipe, as text, SVG, DOT, Mermaid, HTML or JSON.

Function calls are drawn opened; constants and variable reads are folded into the ops that use them. A large graph is
collapsed by name scope: --open shows the inside of a box, --around only the neighbourhood of a node. In a merged model
each source has its own colour and mark, and the boundary between them is highlighted. HTML is one file for a browser,
without a network: it opens and closes boxes itself, and shows attributes, shapes and places. --values runs the
signature and lays the value of every step over the HTML picture.
"""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.cli import verifying
from workbench.cli.arguments import add_json, add_overwrite, completes_files
from workbench.cli.output import SCHEMA_VERSION, Output
from workbench.cli.several import each
from workbench.errors import UsageError
from workbench.names import show
from workbench.picture.formats import SUFFIXES

if TYPE_CHECKING:
    from workbench.model import MetaGraph, Model
    from workbench.picture.drawing import Drawing
    from workbench.picture.scene.scene import Scene
    from workbench.picture.values import ValueLayer

EXAMPLES = """\
examples:
  workbench draw ./model
  workbench draw ./model -o model.svg
  workbench draw ./model -o model.html
  workbench draw ./model -o model.html --values --input x=@x.npy
  workbench draw ./model --around dense/MatMul --hops 3
  workbench draw ./model --from block_3 --to block_5
  workbench draw ./model --open block_3/ --right
  workbench draw ./model --format mermaid
  workbench draw recipe.json

Exit codes: 0 done, 1 the layout took too long, 2 usage or an unknown name, 3 cannot read or write.
"""
_NAMES = tuple(dict.fromkeys(SUFFIXES.values()))
_STYLES = {
    "title": "bold",
    "label": "cyan",
    "seam": "bold magenta",
    "kind-input": "bold green",
    "kind-constant": "bold yellow",
    "kind-variable": "bold yellow",
    "kind-arithmetic": "bold",
    "kind-convolution": "bold blue",
    "kind-control-flow": "bold magenta",
    "kind-table": "bold cyan",
    "kind-string": "bold red",
}
"""Colours of the terminal's own palette, which its user can read; no dimmed text."""
_OWNERS = ("blue", "yellow", "green")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    completes_files(
        parser.add_argument(
            "models",
            nargs="+",
            metavar="MODEL",
            help="SavedModel folder, GraphDef file, or a recipe (.json): its result",
        )
    )
    parser.add_argument(
        "--format",
        choices=_NAMES,
        help="default: by the suffix of FILE (.txt .svg .dot .gv .mmd .html .json), else text",
    )
    completes_files(
        parser.add_argument("-o", "--output", metavar="FILE", help="write to a new file instead of stdout")
    )
    add_overwrite(parser, "-o")
    parser.add_argument("--signature", metavar="S", help="draw what this signature needs")
    parser.add_argument(
        "--tag-set", "--tag_set", metavar="T", help="tag set of the MetaGraph, such as serve,gpu"
    )
    parser.add_argument("--function", metavar="F", help="draw a function of the library")
    parser.add_argument(
        "--around", "--focus", dest="focus", metavar="NODE", help="draw only the neighbourhood of this node"
    )
    parser.add_argument(
        "--hops", type=int, default=2, metavar="N", help="size of the neighbourhood, in steps (default: 2)"
    )
    parser.add_argument(
        "--from", dest="source", metavar="A", help="draw only what depends on this node or box"
    )
    parser.add_argument(
        "--to",
        dest="target",
        metavar="B",
        help="draw only what this node or box depends on; with --from, the ways between",
    )
    parser.add_argument(
        "--open", action="append", default=[], metavar="BOX", help="show the inside of this box; repeatable"
    )
    parser.add_argument(
        "--max-boxes",
        type=int,
        default=30,
        metavar="N",
        help="collapse scopes above this many boxes (default: 30)",
    )
    parser.add_argument("--control", action="store_true", help="draw control edges as well")
    parser.add_argument("--right", action="store_true", help="draw from left to right instead of downwards")
    parser.add_argument(
        "--detail", choices=("full", "compact", "tiny"), default="full", help="how much text a box has"
    )
    parser.add_argument("--ascii", action="store_true", help="draw text with ASCII characters only")
    parser.add_argument(
        "--theme", choices=("auto", "light", "dark"), default="auto", help="colours of an SVG or HTML"
    )
    parser.add_argument(
        "--values",
        action="store_true",
        help="run the signature and lay the values of its tensors over an HTML picture; inputs not given are made",
    )
    parser.add_argument(
        "-i", "--input", action="append", default=[], metavar="KEY=VALUE", dest="inputs",
        help="value of an input for --values, as for run; repeatable",
    )  # fmt: skip
    verifying.add_child_flags(parser.add_argument_group("TensorFlow, for --values"), time_limit=False)
    parser.add_argument(
        "--time-limit",
        type=float,
        default=20.0,
        metavar="SECONDS",
        help="limit for the layout, and for each run in TensorFlow (default: 20)",
    )
    add_json(parser, "print boxes and edges as one line of JSON per model")


def run(args: argparse.Namespace, out: Output) -> int:
    """Draw and write the picture, or one for each model."""
    args.asked = args.format is not None or args.output is not None
    args.format = _format(args.format, args.output)
    if args.values or args.inputs:
        from workbench.picture.drawing import check_values

        args.values = True
        check_values(args.format, args.function)
    if args.output is not None and len(args.models) > 1:
        raise UsageError(
            f"-o takes one picture; {len(args.models)} models are given.",
            hint="Draw each to its own file.",
        )
    return each(args.models, out, partial(_draw, args, out))


class _Drawn(NamedTuple):
    """What is drawn.

    Attributes:
        meta: its MetaGraph.
        title: of an SVG or a page.
        read_from: the file or folder that was read.
        sources: files and folders that a picture must not replace.
        handles: of the models that it is joined from.
        adapted: whether adapters were put into it.
        model: the model; None for the result of a recipe, which is not on disk.
    """

    meta: MetaGraph
    title: str
    read_from: Path
    sources: Sequence[Path]
    handles: Sequence[str]
    adapted: bool
    model: Model | None = None


def _read(path: str, tags: str | None) -> _Drawn:
    """Return the model at a path, or the result of the recipe there.

    Raises:
        WorkbenchError: neither can be read, or the recipe can't be applied.
    """
    if path.lower().endswith(".json") and os.path.isfile(path):
        from workbench.surgery.draft import apply
        from workbench.surgery.recipe import load

        if tags is not None:
            raise UsageError(
                "--tag-set is of a model; a recipe has the tag set of its result.", where=show(path)
            )
        plan = load(Path(path))
        draft = apply(plan)
        handles = [source.handle for source in plan.sources] if plan.joins else []
        title = " + ".join(show(source.handle) for source in plan.sources)
        places = [Path(path), *(source.path for source in plan.sources)]
        return _Drawn(draft.meta, title, Path(path), places, handles, plan.adapts)
    from workbench.model import open_model
    from workbench.picture.drawing import handles_of, is_adapted

    model = open_model(path, tags)
    title = show(model.path.name)
    return _Drawn(
        model.meta, title, model.read_from, [model.place], handles_of(model), is_adapted(model), model
    )


def _draw(args: argparse.Namespace, out: Output, path: str) -> int:
    from workbench.disk.atomic.outputs import check_output

    drawn = _read(path, args.tag_set)
    if args.output is not None:
        check_output(args.output, overwrite=args.overwrite, sources=drawn.sources)
    if args.values and drawn.model is None:
        raise UsageError(
            "--values runs a model, and a recipe only describes one.",
            where=show(path),
            hint="Write the model with workbench apply, then draw it.",
        )
    drawing = _drawing(args)
    whole = args.format == "html"
    scene = drawing.scene(drawn.meta, drawn.handles, adapted=drawn.adapted, whole=whole)
    values = _values(args, drawn.model, scene) if args.values and drawn.model is not None else None
    if out.json:
        out.emit(_as_json(drawing, scene, drawn, args, out, values))
        return 0
    _picture(drawing, scene, drawn, args, out, values)
    for note in scene.notes:
        out.talk(note)
    return 0


def _values(args: argparse.Namespace, model: Model, scene: Scene) -> ValueLayer:
    """Return the values of one run, of the tensors that are drawn."""
    from workbench.probing.drawn import addresses_of
    from workbench.probing.probe import probe
    from workbench.runtime.component_tensors import input_components
    from workbench.runtime.inputs.values import parse_inputs

    signature = model.meta.signature(args.signature)
    addresses, notes = addresses_of(model.meta, signature, scene)
    found = probe(
        model,
        addresses,
        parse_inputs(args.inputs, input_components(model.meta, signature)),
        signature.key,
        python=args.python,
        imports=tuple(args.imports),
        op_libraries=tuple(args.op_libraries),
        gpu=args.gpu,
        time_limit=args.time_limit,
        allow_unsafe=args.allow_unsafe,
    )
    return found.value_layer(notes)


def _as_json(
    drawing: Drawing,
    scene: Scene,
    drawn: _Drawn,
    args: argparse.Namespace,
    out: Output,
    values: ValueLayer | None,
) -> dict[str, Any]:
    """Return the boxes and edges as JSON, with the picture if asked for."""
    from workbench.picture.render.data import to_data

    picture = None
    if args.asked:
        picture = io.StringIO()
        quiet = Output(quiet=True, stdout=picture, stderr=out.stderr)
        _picture(drawing, scene, drawn, args, quiet, values)
    return {
        "schema_version": SCHEMA_VERSION,
        "path": str(drawn.read_from),
        "format": args.format if args.asked else None,
        "output": args.output,
        "picture": picture.getvalue() if picture is not None and args.output is None else None,
        **to_data(scene),
    }


def _format(named: str | None, output: str | None) -> str:
    """Return the format that was named, or that of the file's suffix.

    Raises:
        UsageError: the two differ, or no picture is written under such a suffix.
    """
    suffix = os.path.splitext(output or "")[1].lower()
    meant = SUFFIXES.get(suffix)
    formats = ", ".join(f"{name} ({' '.join(s for s in SUFFIXES if SUFFIXES[s] == name)})" for name in _NAMES)
    where = show(output) if output else None
    if named is None:
        if suffix and meant is None:
            raise UsageError(
                f"No picture format has the suffix {show(suffix)!r}.",
                where=where,
                hint=f"Formats: {formats}. Or name one with --format.",
            )
        return meant or "text"
    if meant is not None and meant != named:
        raise UsageError(
            f"--format is {named}, but the suffix {suffix} means {meant}.",
            where=where,
            hint="Leave out --format, or change the suffix of the file.",
        )
    return named


def _drawing(args: argparse.Namespace) -> Drawing:
    from workbench.picture.drawing import Drawing

    fields = ("signature", "function", "focus", "hops", "open", "max_boxes", "control", "right", "detail")
    more = ("ascii", "theme", "time_limit", "source", "target")
    return Drawing(**{name: getattr(args, name) for name in (*fields, *more)})


def _picture(
    drawing: Drawing,
    scene: Scene,
    drawn: _Drawn,
    args: argparse.Namespace,
    out: Output,
    values: ValueLayer | None,
) -> None:
    """Write the picture to its file or to stdout; in a terminal, text has colours."""
    if args.format == "text" and args.output is None and out.terminal:
        from workbench.picture.render.canvas import Canvas

        canvas = Canvas(drawing.layout(scene), "ascii" if args.ascii else "unicode")
        for row in [canvas.legend(), *canvas.rows(0, 0, canvas.width, canvas.height)]:
            out.spans([(text, _style(key)) for text, key in row])
        return
    about = None
    if args.format == "html":
        from workbench.showing.sentences import explain_boxes

        about = explain_boxes(drawn.meta, scene, args.signature)
    text = drawing.text(scene, args.format, drawn.title, values, about)
    if args.output is None:
        out.stdout.write(text)
        return
    from workbench.disk.atomic.outputs import write_output

    write_output(args.output, text.encode(), overwrite=args.overwrite, sources=drawn.sources)
    out.talk(f"wrote {show(args.output)}")


def _style(key: str) -> str:
    from workbench.picture.render.canvas import split_style

    role, owner, _ = split_style(key)
    style = _STYLES.get(role, "")
    if owner is not None and role in ("border", "mark", "edge", "frame"):
        style = f"{style} {'bright_magenta' if owner < 0 else _OWNERS[owner % len(_OWNERS)]}".strip()
    return style
