"""Targets of custom calls in StableHLO: read from bytecode and text, and no answer where the form is not known."""

from __future__ import annotations

import random
from base64 import b64decode

import pytest

from tests.protos import attr, graph, meta_graph, node
from workbench.checks.unsafe import scan, unsafe_ops
from workbench.checks.unsafe.stablehlo import custom_call_targets
from workbench.disk import schema
from workbench.model import MetaGraph

TEXT = b"""
module @jit_f {
  func.func public @main(%arg0: tensor<i32>, %arg1: tensor<?x4xf32>) -> tensor<?x4xf32> {
    %c = stablehlo.constant dense<1> : tensor<i32>
    %0 = stablehlo.compare GE, %arg0, %c : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.custom_call @shape_assertion(%0, %arg0) {api_version = 2 : i32, error_message = "Input shapes differ",
      has_side_effect = true} : (tensor<i1>, tensor<i32>) -> ()
    %1 = stablehlo.custom_call @Sharding(%arg1) {backend_config = "", mhlo.sharding = "{replicated}"}
      : (tensor<?x4xf32>) -> tensor<?x4xf32>
    %2 = func.call @_where(%1) : (tensor<?x4xf32>) -> tensor<?x4xf32>
    return %2 : tensor<?x4xf32>
  }
  func.func private @_where(%arg0: tensor<?x4xf32>) -> tensor<?x4xf32> {
    return %arg0 : tensor<?x4xf32>
  }
}"""
# Such a text as serialize_portable_artifact_str of TensorFlow 2.21 writes it for StableHLO 1.13.7
BYTECODE = b64decode(
    "TUzvUg1TdGFibGVITE9fdjEuMTMuNwABHwUBBQ8BAwsDDQ8TFxsfIwNtTREBJwsLExMTExMTExMTEwsTEwsTExMDJwsLCwsLCwsL"
    "HwsLCwsLCwsLCwsDETcPGwcHFw8HAkICBRMFFRcBBQMXAQcHFwEXBxcBFzsXARkLFwEHNRcBB10XAQkVFwELFQMDGT0FFxcBDQsD"
    "Ax9FBRkXAQ8VFwERFRcBEwsDAR0bHR0jBR0fHSEjCx0jHwMJAQAAAAkBBwUdJQsFHScFAx0pCwMdKwUBKQUA//////////8RCSkB"
    "BxEFAwEDARsJEQMBAwEpAQ8BBLcFAVAFAQcEpwMBCQNQBwMHBG0DDRsFBw8DEQAJQhMFAwMLRhUHAw0FAQUHRRsXCQUHAQdHIR0L"
    "AwEDAw1GIw0DAQMJBQQlAwsDUAkPBwQZAwMHAwMLAAUEDQMBBgMBBQEArgMtExshNREPCwMPHR0NBREXGR8VEQ8LEWJ1aWx0aW4A"
    "dmhsbwBtb2R1bGUAZnVuY192MQByZXR1cm5fdjEAY3VzdG9tX2NhbGxfdjEAY29uc3RhbnRfdjEAY29tcGFyZV92MQBjYWxsX3Yx"
    "AC0Aaml0X2YAZXJyb3JfbWVzc2FnZQBtaGxvLnNoYXJkaW5nAF93aGVyZQAAbWFpbgBwdWJsaWMAcHJpdmF0ZQBJbnB1dCBzaGFw"
    "ZXMgZG8gbm90IG1hdGNoAHNoYXBlX2Fzc2VydGlvbgB7cmVwbGljYXRlZH0AU2hhcmRpbmcACFMRBQcBCyctJy8xAzcFOTsRPytB"
    "J0MnJycRRytJJ0snJycDKQsnMycpNQ=="
)
# the same with @my_evil_call in place of @shape_assertion
CALLS = b64decode(
    "TUzvUg1TdGFibGVITE9fdjEuMTMuNwABHwUBBQ8BAwsDDQ8TFxsfIwNtTREBJwsLExMTExMTExMTEwsTEwsTExMDJwsLCwsLCwsL"
    "HwsLCwsLCwsLCwsDETcPGwcHFw8HAkICBRMFFRcBBQMXAQcHFwEXBxcBFzsXARkLFwEHNRcBB10XAQkVFwELFQMDGT0FFxcBDQsD"
    "Ax9FBRkXAQ8VFwERFRcBEwsDAR0bHR0jBR0fHSEjCx0jHwMJAQAAAAkBBwUdJQsFHScFAx0pCwMdKwUBKQUA//////////8RCSkB"
    "BxEFAwEDARsJEQMBAwEpAQ8BBLcFAVAFAQcEpwMBCQNQBwMHBG0DDRsFBw8DEQAJQhMFAwMLRhUHAw0FAQUHRRsXCQUHAQdHIR0L"
    "AwEDAw1GIw0DAQMJBQQlAwsDUAkPBwQZAwMHAwMLAAUEDQMBBgMBBQEAogMtExsbNREPCwMPHR0NBREXGR8VEQ8LEWJ1aWx0aW4A"
    "dmhsbwBtb2R1bGUAZnVuY192MQByZXR1cm5fdjEAY3VzdG9tX2NhbGxfdjEAY29uc3RhbnRfdjEAY29tcGFyZV92MQBjYWxsX3Yx"
    "AC0Aaml0X2YAZXJyb3JfbWVzc2FnZQBtaGxvLnNoYXJkaW5nAF93aGVyZQAAbWFpbgBwdWJsaWMAcHJpdmF0ZQBJbnB1dCBzaGFw"
    "ZXMgZG8gbm90IG1hdGNoAG15X2V2aWxfY2FsbAB7cmVwbGljYXRlZH0AU2hhcmRpbmcACFMRBQcBCyctJy8xAzcFOTsRPytBJ0Mn"
    "JycRRytJJ0snJycDKQsnMycpNQ=="
)
# The same for StableHLO 0.9.0, whose bytecode has another form
OLD = b64decode(
    "TUzvUgFTdGFibGVITE9fdjAuOS4wAAEdBQEDAQMFAw0HCQsNDxEDm3sRAVULCwsLCwsLCwsLCwsLCxMLEzMTMxMTExMTEwsTGwsL"
    "E1MLE1MLExMLExMDJwsLCwsLCwsLHwsLCwsLCwsLCwsDETcPGwcHFw8HAvIDBRMFFQUXBRkFGwUdBR8FIQUjBSUFJwUpBSsFLQMD"
    "Ax8FLxcBBQMDCwVVB1sJVQNdC18XAQcHAwsFVQdhCVUDVwtjFwEXBxcBFzsXARkLFwEHNRcBB10DAzVlBTEXAQkVAwU7Zz1pBTMF"
    "NRcBCxUDEw1rD1kRbRNVQ28VcRdVGVUbVQU3FwENCwMTDXMPWRF1E1UVd0l5F1UZVRtVBTkXAQ8VAwNPVwU7FwERFRcBEwsDAR09"
    "HT8jBR1BHUMjCx1FHwMJAQAAAAkBBwULBR1HHUkFAwsDHUsFAR1NKQUA//////////8RCSkBBxEFAwEDARsJEQMBAwEpAQ8BBKMF"
    "AREhHQcDAQkDESUjBwMNGwUDLwExCQM3MwMDCwc/OQMNBQEFBwVFQQUHAQcHS0cDAQMDDQdRTQMBAwkFBFMDCwMRKScHAwMHAwEr"
    "BQQtAwEGAwEFAQCuB08bEzUhEQ8LAw8PHR0rGw0NHy8hISkjHxkfFR0VEwURFxkfFREPCxFidWlsdGluAHZobG8AbW9kdWxlAGZ1"
    "bmNfdjEAcmV0dXJuX3YxAGN1c3RvbV9jYWxsX3YxAGNvbnN0YW50X3YxAGNvbXBhcmVfdjEAY2FsbF92MQAtAHN5bV9uYW1lAGFy"
    "Z19hdHRycwBmdW5jdGlvbl90eXBlAHJlc19hdHRycwBzeW1fdmlzaWJpbGl0eQBhcGlfdmVyc2lvbgBiYWNrZW5kX2NvbmZpZwBj"
    "YWxsX3RhcmdldF9uYW1lAGNhbGxlZF9jb21wdXRhdGlvbnMAaGFzX3NpZGVfZWZmZWN0AG9wZXJhbmRfbGF5b3V0cwBvdXRwdXRf"
    "b3BlcmFuZF9hbGlhc2VzAHJlc3VsdF9sYXlvdXRzAGppdF9mAHZhbHVlAGNvbXBhcmVfdHlwZQBjb21wYXJpc29uX2RpcmVjdGlv"
    "bgBlcnJvcl9tZXNzYWdlAG1obG8uc2hhcmRpbmcAY2FsbGVlAF93aGVyZQAAbWFpbgBwdWJsaWMAcHJpdmF0ZQBzaGFwZV9hc3Nl"
    "cnRpb24ASW5wdXQgc2hhcGVzIGRvIG5vdCBtYXRjaABTaGFyZGluZwB7cmVwbGljYXRlZH0A"
)


@pytest.mark.parametrize(
    ("module", "targets"),
    [
        (b"", set()),
        (b"module {}", set()),
        (TEXT, {"shape_assertion", "Sharding"}),
        (TEXT.replace(b"@Sharding", b"@system"), {"shape_assertion", "system"}),
        (TEXT.replace(b"@Sharding(", b'@"Sharding"('), None),
        (TEXT.replace(b"stablehlo.custom_call @Sharding", b'"stablehlo.custom_call"'), None),
        (TEXT.replace(b"stablehlo.custom_call @Sharding(", rb'"stablehlo.custom\5fcall"('), None),
        (rb'module { "stablehlo.custom\5fcall"() }', None),
        (BYTECODE, {"shape_assertion", "Sharding"}),
        (CALLS, {"my_evil_call", "Sharding"}),
        (OLD, None),
        (BYTECODE + b"\0", None),
        (b"ML\xefR custom_call", None),
    ],
)  # fmt: skip
def test_targets(module: bytes, targets: set[str] | None) -> None:
    assert custom_call_targets(module) == targets


def test_half_a_module_has_no_answer() -> None:
    for size in range(len(BYTECODE)):
        found = custom_call_targets(BYTECODE[:size])
        assert found is None or b"custom_call" not in BYTECODE[:size], size


@pytest.mark.parametrize("times", [500, pytest.param(5_000, marks=pytest.mark.exhaustive)])
def test_changed_bytecode_never_raises(times: int) -> None:
    picked = random.Random(7)
    for _ in range(times):
        data = bytearray(BYTECODE)
        for _ in range(picked.randint(1, 4)):
            data[picked.randrange(4, len(data))] = picked.randrange(256)
        custom_call_targets(bytes(data))


def model(module: bytes) -> MetaGraph:
    value = schema.AttrValue(s=module)
    nodes = [node("x", "Placeholder", dtype=1), node("y", "XlaCallModule", "x", module=attr(value))]
    return MetaGraph(meta_graph(graph(*nodes), serving_default=({"x": "x:0"}, {"y": "y:0"})))


@pytest.mark.parametrize("module", [TEXT, BYTECODE])
def test_what_the_compiler_replaces_is_listed_and_not_asked_about(module: bytes) -> None:
    assert unsafe_ops(model(module), ["serving_default"]) == []
    (one,) = scan(model(module))
    assert one.excuse is not None and "Sharding, shape_assertion" in one.excuse


@pytest.mark.parametrize("module", [CALLS, OLD, TEXT.replace(b"@Sharding", b"@system")])
def test_anything_else_is_asked_about(module: bytes) -> None:
    (one,) = unsafe_ops(model(module), ["serving_default"])
    assert (one.tier, one.excuse) == ("code", None)
