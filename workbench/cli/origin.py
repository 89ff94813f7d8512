"""A merged model's recipe and proof as facts. Both are files anybody may have written: nothing is taken on trust."""

from __future__ import annotations

from typing import Any

from workbench.names import show
from workbench.runtime.verdict import recorded

_LISTED = 100


def origin_facts(recipe: dict[str, Any] | None, proof: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Label and value for what is told of where a model came from."""
    facts: list[tuple[str, str]] = []
    if recipe is not None:
        tool = _dict(recipe.get("tool"))
        if tool:
            facts.append(("by", f"{_text(tool.get('name'))} {_text(tool.get('version'))}".strip()))
        if recipe.get("edit"):
            facts.append(("edit", _text(recipe["edit"])))
        facts += _some(
            "from", [_source(source) for source in _list(recipe.get("sources"))[:_LISTED]], recipe, "sources"
        )
        facts += _some(
            "wire", [_wire(wire) for wire in _list(recipe.get("wires"))[:_LISTED]], recipe, "wires"
        )
        options = _dict(recipe.get("options"))
        if options:
            facts.append(("options", ", ".join(f"{_text(key)}={_text(options[key])}" for key in options)))
    facts += _proof(proof)
    return facts


def _some(label: str, told: list[str], recipe: dict[str, Any], key: str) -> list[tuple[str, str]]:
    """A fact for each that is told, and one for those that are not."""
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
        words.append("itself merged")
    return ", ".join(words)


def _wire(wire: Any) -> str:
    wire = _dict(wire)
    return f"{_text(wire.get('from')) or '?'} → {_text(wire.get('to')) or '?'}"


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
