"""The recipe and proof of a result as facts.

Both are files that anybody may have written: nothing in them is trusted.
"""

from __future__ import annotations

from typing import Any

from workbench.names import show
from workbench.runtime.comparison.verdict import recorded

_LISTED = 100


def origin_facts(recipe: dict[str, Any] | None, proof: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Return labels and values about where a model came from."""
    facts: list[tuple[str, str]] = []
    if recipe is not None:
        tool = _dict(recipe.get("tool"))
        if tool:
            facts.append(("by", f"{_text(tool.get('name'))} {_text(tool.get('version'))}".strip()))
        facts += _some(
            "from", [_source(source) for source in _list(recipe.get("sources"))[:_LISTED]], recipe, "sources"
        )
        steps = [_dict(step) for step in _list(recipe.get("steps"))]
        wires = [*_list(recipe.get("wires")), *(step for step in steps if step.get("operation") == "connect")]
        facts += _some("wire", [_wire(wire) for wire in wires[:_LISTED]], {"wires": wires}, "wires")
        for step in steps[:_LISTED]:
            if step.get("operation") == "share":
                facts += [("shared", text) for text in _shared(step)]
            elif step.get("operation") != "connect":
                fields = {key: value for key, value in step.items() if key != "operation"}
                if len(steps) > 1:
                    facts.append(("step", _text(step.get("operation"))))
                facts += _options(fields)
        facts += _options(_dict(recipe.get("options") or recipe.get("result")))
    facts += _proof(proof)
    return facts


_DONE = {
    "signature": "Signatures changed",
    "freeze": "Frozen",
    "flatten": "Flattened",
    "extract": "Extracted",
}


def origin_title(recipe: dict[str, Any] | None) -> str:
    """Return what was done to make the model: `Merged by workbench`."""
    recipe = recipe or {}
    names = [_text(_dict(step).get("operation")) for step in _list(recipe.get("steps"))]
    if recipe.get("edit"):  # of version 1
        names = [_text(recipe["edit"])]
    if names and not {"connect", "share"} & {*names} and len(_list(recipe.get("sources"))) < 2:
        return f"{_DONE.get(names[0], 'Made') if len(set(names)) == 1 else 'Changed'} by workbench"
    return "Merged by workbench" if _list(recipe.get("sources")) else "Made by workbench"


def _options(options: dict[str, Any]) -> list[tuple[str, str]]:
    """Return options by their names on the command line, one fact for each value."""
    facts = []
    for key, value in list(options.items())[:_LISTED]:
        label = _text(key).replace("_", " ")
        items = _list(value) if isinstance(value, list) else [value]
        texts = [_option(item) for item in items[:_LISTED]]
        if any(isinstance(item, dict) for item in items):
            facts += [(label, text) for text in texts]
        else:
            facts.append((label, ", ".join(texts)))
    return facts


def _option(value: Any) -> str:
    """Return an option's value as words: renames as `old → new`, for example."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, dict):
        return _text(value)
    if "key" not in value:
        return "; ".join(_pair(old, new) for old, new in list(value.items())[:_LISTED])
    sides = []
    for side in ("inputs", "outputs"):
        ends = list(_dict(value.get(side)).items())[:_LISTED]
        if ends:
            sides.append(f"{side} {', '.join(f'{_text(key)}={_text(end)}' for key, end in ends)}")
    return "; ".join([_text(value["key"]), *sides])


def _pair(key: str, value: Any) -> str:
    """Return a renamed key, or a key with what it is made of."""
    if isinstance(value, list):
        return f"{_text(key)} of {', '.join(map(_text, value[:_LISTED]))}"
    return f"{_text(key)} → {_text(value)}"


def _some(label: str, told: list[str], recipe: dict[str, Any], key: str) -> list[tuple[str, str]]:
    """Return a fact for each text, and one for the number of those not listed."""
    facts = [(label, text) for text in told]
    more = len(_list(recipe.get(key))) - len(told)
    return [*facts, (label, f"… {more:,} more")] if more else facts


def _source(source: Any) -> str:
    source = _dict(source)
    words = [_text(source.get("handle")) or "?"]
    if source.get("signature"):
        words.append(f"signature {_text(source['signature'])}")
    if source.get("tag_set"):
        tags = source["tag_set"]
        words.append(f"tag set {_text(','.join(map(str, tags)) if isinstance(tags, list) else tags)}")
    if source.get("digest"):
        words.append(f"sha256 {_text(source['digest'])[:12]}…")
    if source.get("recipe"):
        words.append("itself a result")
    return ", ".join(words)


def _wire(wire: Any) -> str:
    wire = _dict(wire)
    ends = [wire.get("from") or wire.get("source"), wire.get("to") or wire.get("target")]
    if wire.get("through"):
        ends.insert(1, wire["through"])
    return " → ".join(_text(end) or "?" for end in ends)


def _shared(step: dict[str, Any]) -> list[str]:
    """Return the inputs of a step `share`, each with what it feeds."""
    return [
        f"{_text(key)} → {', '.join(map(_text, _list(fed)[:_LISTED]))}"
        for key, fed in list(_dict(step.get("inputs")).items())[:_LISTED]
    ]


def _proof(proof: dict[str, Any] | None) -> list[tuple[str, str]]:
    if proof is None:
        return [("proof", "none: it was published without being run")]
    verdict, doubt = recorded(proof)
    verdict, reason = _text(verdict), doubt or _text(proof.get("reason"))
    words = f"{verdict}: {reason}" if reason else verdict
    facts = [("proof", words)]
    versions = _dict(proof.get("versions"))
    if versions:
        facts.append(("with", ", ".join(f"{_text(name)} {_text(versions[name])}" for name in versions)))
    if proof.get("time"):
        facts.append(("at", _text(proof["time"])))
    return facts


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return "" if value is None else show(str(value))
