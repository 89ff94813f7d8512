"""Warm-up requests as TensorFlow Serving's own API writes them, read with distrust."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.checks.cases import GOOD_REQUESTS, STALE_REQUESTS, warmed
from workbench.checks.check import check_model
from workbench.checks.folder import warmup
from workbench.disk import records
from workbench.errors import DamagedFile
from workbench.findings import Finding
from workbench.model import open_model


def told(path: Path) -> list[Finding]:
    found = check_model(open_model(path), serving=True, limit=None).findings
    return [one for one in found if one.code.startswith("serving")]


def test_requests_that_fit(tmp_path: Path) -> None:
    assert told(warmed(tmp_path, GOOD_REQUESTS)) == []


def test_requests_that_do_not(tmp_path: Path) -> None:
    messages = [one.message for one in told(warmed(tmp_path, STALE_REQUESTS))]
    assert messages == [
        "It gives the input 'image', which signature serving_default does not have.",
        "It does not give the input 'myInput' of signature serving_default.",
        "It asks for the signature 'other', which the model does not have.",
        "It gives 'myInput' of shape [1,28]; the input takes [?,784].",
        "It gives 'myInput' as int32; the input is float32.",
        "It asks for the signature 'classify', which the model does not have.",
        "It asks for the signature 'multi', which the model does not have.",
    ]


def test_what_a_request_asks_for(tmp_path: Path) -> None:
    path = tmp_path / "requests"
    path.write_bytes(GOOD_REQUESTS)
    asked = [one for record in records.read(path, 1 << 20) for one in warmup.read(record)]
    assert [one.signature for one in asked] == ["serving_default"] * 2
    assert [one.inputs for one in asked] == [{"myInput": (1, (1, 784))}, {"myInput": (1, (7, 784))}]


@pytest.mark.parametrize("at", range(0, len(GOOD_REQUESTS), 3))
def test_a_turned_bit_is_found(tmp_path: Path, at: int) -> None:
    data = bytearray(GOOD_REQUESTS)
    data[at] ^= 0x10
    path = tmp_path / "requests"
    path.write_bytes(data)
    with pytest.raises(DamagedFile):
        list(records.read(path, 1 << 20))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_damaged(data: bytes) -> None:
    from google.protobuf.message import DecodeError

    try:
        for asked in warmup.read(data):
            assert isinstance(asked.signature, str)
    except (DamagedFile, DecodeError) as problem:
        assert str(problem)


def test_no_requests_no_findings(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    path = warmed(tmp_path / "a", b"")
    assert told(path) == []
    (path / "assets.extra" / "tf_serving_warmup_requests").unlink()
    assert told(path) == []
