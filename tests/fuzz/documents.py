"""Changes to JSON documents: recipes and proofs."""

from __future__ import annotations

import json
import random
from typing import Any

from tests.fuzz.messages import FLOATS, NUMBERS, TEXTS, change_bytes

_KEYS = (
    "sources", "wires", "options", "handle", "path", "tag_set", "signature", "from", "to", "tags", "format", "freeze",
    "rename_inputs", "rename_outputs", "keep_outputs", "recipe", "tool", "verdict", "digest", "x", "",
)  # fmt: skip
_ENDS = (
    "a@y",
    "b@x",
    "y",
    "x",
    "x:0",
    "y:0",
    "%x:0",
    "#y",
    "serving_default#y",
    "c::d::e:0",
    "b@@x",
    "a@",
    "@",
    "=",
)
_PATHS = ("a", "b", ".", "..", "/", "../../../../etc", "/dev/zero", "a/saved_model.pb", "recipe.json", "~", "a\0b",
          "\ud800", "x" * 5000, "C:\\a", "https://a/b", "a/variables", "", "./a/../b")  # fmt: skip


def change(data: bytes, rng: random.Random) -> bytes:
    """One change: to a value somewhere in the document, or to its text."""
    if rng.random() < 0.12:
        return _change_text(data, rng)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return _change_text(data, rng)
    root = [document]
    holder: Any = root
    key: Any = 0
    while isinstance(holder[key], dict | list) and holder[key] and rng.random() < 0.8:
        holder = holder[key]
        key = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
    what = rng.random()
    if what < 0.12 and holder is not root:
        del holder[key]
    elif what < 0.25 and isinstance(holder, list) and holder is not root:
        holder.extend([holder[key]] * rng.choice((1, 2, 100)))
    elif what < 0.35 and isinstance(holder, dict):
        holder[rng.choice(_KEYS)] = holder[key]
    else:
        holder[key] = _value(rng, key)
    return json.dumps(root[0], ensure_ascii=rng.random() < 0.9).encode("utf-8", "surrogatepass")


def _value(rng: random.Random, key: Any) -> Any:
    what = rng.randrange(9)
    if what <= 3:
        if key == "path":
            return rng.choice(_PATHS)
        if key in ("from", "to"):
            return rng.choice(_ENDS)
        return rng.choice(TEXTS)
    if what == 4:
        return rng.choice(NUMBERS)
    if what == 5:
        return rng.choice((None, True, False, *FLOATS))
    if what == 6:
        return rng.choice(([], {}, [[]], {"": {}}, ["x", "y"], [1], {"x": "y"}, {"x": ["y"]}))
    if what == 7:
        deep: Any = 1
        for _ in range(rng.choice((3, 50, 400))):
            deep = [deep] if rng.random() < 0.5 else {"recipe": deep}
        return deep
    return {"from": rng.choice(_ENDS), "to": rng.choice(_ENDS)}


def _change_text(data: bytes, rng: random.Random) -> bytes:
    what = rng.randrange(5)
    at = rng.randrange(len(data) + 1)
    if what == 0:
        return data[:at] + b"[" * rng.choice((10, 1000, 20_000)) + data[at:]
    if what == 1:
        return (
            data[:at]
            + rng.choice((b"NaN", b"9" * 5000, b'"\\ud800"', b"\xef\xbb\xbf", b"1e999", b",", b"\0"))
            + data[at:]
        )
    return change_bytes(data, rng)
