"""Texts of ops and words: each fits what it is about."""

from __future__ import annotations

import re

import pytest

import workbench as wb
from workbench.disk import optable
from workbench.explaining.terms import explain_term, explain_terms
from workbench.explaining.texts.glossary import GLOSSARY
from workbench.explaining.texts.op_texts import is_quiet, op_texts

EXPECTED = [
    "Const",
    "Placeholder",
    "PlaceholderWithDefault",
    "Identity",
    "NoOp",
    "VarHandleOp",
    "ReadVariableOp",
    "AssignVariableOp",
    "MatMul",
    "BatchMatMulV2",
    "Einsum",
    "Add",
    "AddV2",
    "BiasAdd",
    "Sub",
    "Mul",
    "RealDiv",
    "Maximum",
    "Minimum",
    "Rsqrt",
    "Exp",
    "Tanh",
    "Sigmoid",
    "Relu",
    "Relu6",
    "Selu",
    "Elu",
    "Softmax",
    "LogSoftmax",
    "ArgMax",
    "TopKV2",
    "Conv2D",
    "DepthwiseConv2dNative",
    "MaxPool",
    "AvgPool",
    "FusedBatchNormV3",
    "Mean",
    "Sum",
    "Max",
    "Pad",
    "Reshape",
    "Squeeze",
    "ExpandDims",
    "Transpose",
    "ConcatV2",
    "Split",
    "Pack",
    "Unpack",
    "StridedSlice",
    "Slice",
    "GatherV2",
    "Shape",
    "Cast",
    "Tile",
    "Fill",
    "Range",
    "Where",
    "SelectV2",
    "Equal",
    "Greater",
    "Less",
    "LogicalAnd",
    "OneHot",
    "DecodeBase64",
    "DecodePng",
    "DecodeJpeg",
    "DecodeImage",
    "ResizeBilinear",
    "HashTableV2",
    "LookupTableFindV2",
    "InitializeTableFromTextFileV2",
    "ParseExampleV2",
    "StringJoin",
    "RegexReplace",
    "AsString",
    "StringToNumber",
    "SaveV2",
    "RestoreV2",
    "MergeV2Checkpoints",
    "PartitionedCall",
    "StatefulPartitionedCall",
    "While",
    "StatelessWhile",
    "If",
    "StatelessIf",
    "Switch",
    "Merge",
    "Enter",
    "Exit",
    "NextIteration",
    "LoopCond",
    "TensorListReserve",
    "TensorListSetItem",
    "TensorListStack",
    "EnsureShape",
    "Assert",
    "RandomUniform",
]


def test_the_commonest_ops_have_a_text() -> None:
    assert {*EXPECTED} <= op_texts().keys()


def test_a_text_fits_the_definition_of_its_op() -> None:
    for op, text in op_texts().items():
        op_def = optable.lookup(op)
        assert op_def is not None, f"TensorFlow has no op {op}"
        known = {one.name for one in (*op_def.input_arg, *op_def.output_arg, *op_def.attr)}
        assert {*re.findall(r"`([^`]+)`", text.text)} <= known, op
        assert text.text.endswith(".") and text.text[0].isupper() and text.phrase, op
        assert text.phrase.count("{}") <= 1 and is_quiet(op) == (not text.noun), op
        if "{}" in text.phrase:
            assert len(op_def.input_arg) > 1 or op in ("Cast", "Einsum"), f"{op} has no other operand"


def test_terms_are_two_to_four_sentences() -> None:
    for term, text in GLOSSARY.items():
        assert 2 <= len(re.findall(r"\.(?= |$)", text)) <= 5, term
        assert explain_term(term).summary == text
    listed = explain_terms().sections[0].lines
    assert [line.link for line in listed] == [f"term:{term}" for term in GLOSSARY]


def test_terms_are_found_in_any_case_and_in_the_plural() -> None:
    assert explain_term("Captures").subject == "term:capture"
    assert explain_term("metagraph").subject == "term:MetaGraph"
    with pytest.raises(wb.UnknownName) as caught:
        explain_term("captur")
    assert "Did you mean capture?" in str(caught.value)


def test_an_op_without_a_model() -> None:
    found = wb.explain(what="Conv2D")
    assert found.kind == "op" and found.summary.startswith(
        "`Conv2D` is an op. It slides the weights `filter`"
    )
    assert "  `strides`: a list of numbers" in str(found)
    with pytest.raises(wb.UnknownName) as caught:
        wb.explain(what="Conv2d")
    assert "Did you mean Conv2D" in str(caught.value)
    plain = wb.explain(what="Acosh")
    assert plain.summary == "`Acosh` is an op. There is no text for it here; this is its definition."
