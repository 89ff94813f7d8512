"""Draw the graph behind a signature as text, SVG, DOT or Mermaid.

Function calls are drawn opened; constants and variable reads are folded into the ops that use them. A large graph is
collapsed by name scope: --open shows the inside of a box, --focus only the neighbourhood of a node. In a merged model
each source has its own colour and mark, and the boundary between them is highlighted.
"""

from __future__ import annotations

import argparse
import io
import os
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from workbench.cli.arguments import add_json, add_overwrite, completes_files
from workbench.cli.output import SCHEMA_VERSION, Output
from workbench.cli.several import each
from workbench.errors import ChildTimeout, UnknownName, UsageError
from workbench.names import CALL_SEPARATOR, did_you_mean, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.model import Model
    from workbench.picture.layout.geometry import Layout
    from workbench.picture.scene.scene import Node, Scene

EXAMPLES = """\
examples:
  workbench draw ./model
  workbench draw ./model -o model.svg
  workbench draw ./model --focus dense/MatMul --hops 3
  workbench draw ./model --open block_3/ --right
  workbench draw ./model --format mermaid

Exit codes: 0 done, 1 the layout took too long, 2 usage or an unknown name, 3 cannot read or write.
"""
_SUFFIXES = {
    ".txt": "text",
    ".svg": "svg",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
}
_NAMES = tuple(dict.fromkeys(_SUFFIXES.values()))
_STYLES = {
    "title": "bold",
    "subtitle": "dim",
    "detail": "yellow",
    "label": "dim",
    "seam": "bold magenta",
    "control": "dim",
    "frame": "dim",
}
_OWNERS = ("blue", "dark_orange3", "green")


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments."""
    completes_files(
        parser.add_argument("models", nargs="+", metavar="MODEL", help="SavedModel folder or GraphDef file")
    )
    parser.add_argument(
        "--format",
        choices=_NAMES,
        help="default: by the suffix of FILE (.txt .svg .dot .gv .mmd), else text",
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
    parser.add_argument("--focus", metavar="NODE", help="draw only the neighbourhood of this node")
    parser.add_argument(
        "--hops", type=int, default=2, metavar="N", help="size of the neighbourhood, in steps (default: 2)"
    )
    parser.add_argument(
        "--open", action="append", default=[], metavar="BOX", help="show the inside of this box; repeatable"
    )
    parser.add_argument(
        "--max-boxes",
        type=int,
        default=150,
        metavar="N",
        help="collapse scopes above this many boxes (default: 150)",
    )
    parser.add_argument("--control", action="store_true", help="draw control edges as well")
    parser.add_argument("--right", action="store_true", help="draw from left to right instead of downwards")
    parser.add_argument(
        "--detail", choices=("full", "compact", "tiny"), default="full", help="how much text a box has"
    )
    parser.add_argument("--ascii", action="store_true", help="draw text with ASCII characters only")
    parser.add_argument(
        "--theme", choices=("auto", "light", "dark"), default="auto", help="colours of an SVG"
    )
    parser.add_argument(
        "--time-limit", type=float, default=20.0, metavar="SECONDS", help="limit for the layout (default: 20)"
    )
    add_json(parser, "print boxes and edges as one line of JSON per model")


def run(args: argparse.Namespace, out: Output) -> int:
    """Draws, and writes the picture, or each."""
    args.asked = args.format is not None or args.output is not None
    args.format = _format(args.format, args.output)
    if args.output is not None and len(args.models) > 1:
        raise UsageError(
            f"-o takes one picture; {len(args.models)} models are given.",
            hint="Draw each to its own file.",
        )
    return each(args.models, out, partial(_draw, args, out))


def _draw(args: argparse.Namespace, out: Output, path: str) -> int:
    from workbench.disk.atomic.outputs import check_output
    from workbench.model import open_model

    model = open_model(path, args.tag_set)
    if args.output is not None:
        check_output(args.output, overwrite=args.overwrite, sources=[model.place])
    scene = _scene(model, args)
    if out.json:
        out.emit(_as_json(scene, model, args, out))
        return 0
    if args.format in ("dot", "mermaid"):
        _deliver(_text_of(scene, args.format), model, args, out)
    else:
        _drawn(_laid_out(scene, args), model, args, out)
    for note in scene.notes:
        out.talk(note)
    return 0


def _as_json(scene: Scene, model: Model, args: argparse.Namespace, out: Output) -> dict[str, Any]:
    """The boxes and edges as data, and the picture, if one was asked for."""
    picture = None
    if args.asked:
        picture = io.StringIO()
        drawing = Output(quiet=True, stdout=picture, stderr=out.stderr)
        if args.format in ("dot", "mermaid"):
            _deliver(_text_of(scene, args.format), model, args, drawing)
        else:
            _drawn(_laid_out(scene, args), model, args, drawing)
    fields = ("id", "title", "subtitle", "kind", "owner", "seam", "path", "count", "opens", "frame")
    return {
        "schema_version": SCHEMA_VERSION,
        "path": str(model.read_from),
        "format": args.format if args.asked else None,
        "output": args.output,
        "picture": picture.getvalue() if picture is not None and args.output is None else None,
        "boxes": [{name: getattr(node, name) for name in fields} for node in scene.nodes],
        "edges": [asdict(edge) for edge in scene.edges],
        "frames": [
            {"id": one.id, "title": one.title, "path": one.path, "frame": one.frame} for one in scene.frames
        ],
        "notes": list(scene.notes),
    }


def _format(named: str | None, output: str | None) -> str:
    """The format that was named, or the one that the file's suffix says.

    Raises:
        UsageError: the two differ, or no picture is written under such a suffix.
    """
    suffix = os.path.splitext(output or "")[1].lower()
    meant = _SUFFIXES.get(suffix)
    formats = ", ".join(
        f"{name} ({' '.join(s for s in _SUFFIXES if _SUFFIXES[s] == name)})" for name in _NAMES
    )
    where = show(output) if output else None
    if suffix in (".html", ".htm"):
        raise UsageError("HTML pictures are not supported yet.", where=where, hint=f"Formats: {formats}.")
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


def _scene(model: Model, args: argparse.Namespace) -> Scene:
    from workbench.picture.scene.build import build_scene, find_seam

    owners = _owners(model)
    wanted = {*args.open}
    options = {
        "signature": args.signature,
        "function": args.function,
        "focus": args.focus,
        "hops": args.hops,
        "show_control": args.control,
        "owners": owners or None,
        "seam": find_seam(model.meta, owners),
        "max_boxes": args.max_boxes,
    }
    opened: set[str] = set()
    known: dict[str, set[str]] = {}
    while True:
        scene = build_scene(model.meta, expanded=opened, **options)
        for node in scene.nodes:
            if node.opens:
                known[node.opens] = _names(node.opens, node)
            for key in node.inside:  # what is open already
                known.setdefault(key, _names(key))
        new = {node.opens for node in scene.nodes if node.opens and wanted & known[node.opens]} - opened
        if not new:
            break
        opened |= new
    _all_there(wanted, known, scene)
    return scene


def _all_there(wanted: set[str], known: Mapping[str, set[str]], scene: Scene) -> None:
    """Make sure that each box that is to be opened was there.

    Raises:
        UnknownName: one was not.
    """
    for name in sorted(wanted):
        if any(name in names for names in known.values()):
            continue
        leaf = next((node for node in scene.nodes if name in _names(node.path or node.id, node)), None)
        if leaf is not None:
            raise UnknownName(
                f"There is nothing inside {show(name)!r} to open.",
                where="--open",
                hint=f"It is a {leaf.kind}.",
            )
        titles = [node.title for node in scene.nodes if node.opens]
        hint = did_you_mean(name, [*titles, *map(_bare, known)], noun="boxes that open")
        raise UnknownName(f"No box is called {show(name)!r}.", where="--open", hint=hint)


def _bare(key: str) -> str:
    """The place of a box without its end."""
    return key.rstrip("*").removesuffix(CALL_SEPARATOR)


def _names(key: str, node: Node | None = None) -> set[str]:
    """What a user may call a box: its place, with or without its end, or what it says."""
    found = {key, _bare(key)}
    if node is not None:
        found |= {text for text in (node.title, node.subtitle, node.label, node.path, node.id) if text}
    return found | {f"{text}/" for text in found}


def _owners(model: Model) -> dict[str, str]:
    """The sources of a merged model by the scope they have in it."""
    recipe = model.origin.recipe if model.origin is not None else None
    sources = recipe.get("sources") if recipe is not None else None
    handles = (
        [one.get("handle") for one in sources if isinstance(one, dict)] if isinstance(sources, list) else []
    )
    scopes = {name.partition("/")[0] for name in model.meta.nodes}
    return {handle: handle for handle in handles if isinstance(handle, str) and handle in scopes}


def _text_of(scene: Scene, format: str) -> str:
    if format == "dot":
        from workbench.picture.render.dot import to_dot

        return to_dot(scene)
    from workbench.picture.render.mermaid import to_mermaid

    return to_mermaid(scene)


def _laid_out(scene: Scene, args: argparse.Namespace) -> Layout:
    from workbench.picture.layout.geometry import CutOff
    from workbench.picture.layout.layout import layout_in_worker

    found = layout_in_worker(
        scene, args.time_limit, direction="right" if args.right else "down", detail=args.detail
    )
    if isinstance(found, CutOff):
        raise ChildTimeout(
            found.message, hint="Use --focus, a smaller --max-boxes, or a longer --time-limit."
        )
    return found


def _drawn(layout: Layout, model: Model, args: argparse.Namespace, out: Output) -> None:
    if args.format == "svg":
        from workbench.picture.render.svg import to_svg

        _deliver(to_svg(layout, theme=args.theme, title=show(model.path.name)), model, args, out)
        return
    from workbench.picture.render.canvas import Canvas

    canvas = Canvas(layout, "ascii" if args.ascii else "unicode")
    legend = canvas.legend()
    if args.output is None and out.terminal:
        for row in [legend, *canvas.rows(0, 0, canvas.width, canvas.height)]:
            out.spans([(text, _style(key)) for text, key in row])
        return
    head = "".join(text for text, _ in legend)
    _deliver(f"{head}\n\n{canvas.text()}\n" if head else f"{canvas.text()}\n", model, args, out)


def _style(key: str) -> str:
    from workbench.picture.render.canvas import split_style

    role, owner, _ = split_style(key)
    style = _STYLES.get(role, "")
    if owner is not None and role in ("border", "mark", "edge", "frame"):
        style = f"{style} {_OWNERS[owner % len(_OWNERS)]}".strip()
    return style


def _deliver(text: str, model: Model, args: argparse.Namespace, out: Output) -> None:
    from workbench.disk.atomic.outputs import write_output

    if args.output is None:
        out.stdout.write(text)
        return
    write_output(args.output, text.encode(), overwrite=args.overwrite, sources=[model.place])
    out.talk(f"wrote {show(args.output)}")
