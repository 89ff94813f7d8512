"""`workbench inspect`: the page, the JSON, and what stands in them."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.tools import DIGITS, copy_of, edit
from tests.protos import Func, Shape, const, function, graph, meta_graph, node, write
from tests.sampling import plainly
from tests.zoo import Example, names
from workbench.cli.main import main
from workbench.model import open_model

Run = Callable[..., tuple[int, str, str]]
SOME = ("v1_simple_save", "v1_tag_sets", "v1_odd_keys", "v1_hash_table", "v1_unknown_op", "v1_ref_variables",
        "graphdef_pb", "tf2_module", "tf2_pbtxt", "tf2_dtypes", "tf2_callables_only", "tf2_sparse")  # fmt: skip
"""Models of the zoo that cover what a page can show."""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_the_page_of_a_v1_model(run: Run, sample_models: Path) -> None:
    path = sample_models / "digits"
    code, out, err = run("inspect", path)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == str(path)
    assert lines[1] == "  what        SavedModel of TF1: no object graph"
    assert "    in   myInput   float32  [?,784]  myInput:0" in lines
    assert "    out  myOutput  float32  [?,10]   myOutput:0" in lines
    assert "  2 variables  31.4 kB, 2 trainable" in lines
    assert "    softmax/weights  float32  [784,10]  31.4 kB" in lines
    order = [out.index(word) for word in ("what", "MetaGraph serve", "Signature", "variables  ", "nodes")]
    assert order == sorted(order)
    assert not any(line != line.rstrip() for line in lines)


def test_the_page_of_a_v2_model(run: Run, sample_models: Path) -> None:
    _, out, _ = run("inspect", sample_models / "digits_tf2")
    assert "SavedModel of TF2, with an object graph" in out
    assert "    __call__[1]  (myInput: float32 [?,784]) → myOutput: float32 [?,10]\n" in out
    assert "__saved_model_init_op" not in out


def test_json_has_just_the_fields_that_are_promised(run: Run, sample_models: Path) -> None:
    code, out, _ = run("inspect", sample_models / "digits_tf2", "--json")
    assert code == 0
    assert out.count("\n") == 1
    report = json.loads(out)
    assert set(report) == {"schema_version", "path", "format", "meta_graphs", "findings"}
    assert (report["schema_version"], report["format"], report["findings"]) == (1, "pb", [])
    (meta,) = report["meta_graphs"]
    assert set(meta) == {
        "tags", "tensorflow_version", "producer", "object_graph", "signatures", "callables", "variables",
        "ops", "unknown_ops", "nodes", "functions", "assets",
    }  # fmt: skip
    assert meta["tags"] == ["serve"]
    assert meta["object_graph"] is True
    assert meta["signatures"]["serving_default"] == {
        "method_name": "tensorflow/serving/predict",
        "inputs": {
            "myInput": {"tensor": "serving_default_myInput:0", "dtype": "float32", "shape": [None, 784]}
        },
        "outputs": {
            "myOutput": {"tensor": "StatefulPartitionedCall:0", "dtype": "float32", "shape": [None, 10]}
        },
    }
    weights = next(found for found in meta["variables"] if found["name"] == "weights")
    assert weights == {
        "name": "weights",
        "key": "weights/.ATTRIBUTES/VARIABLE_VALUE",
        "dtype": "float32",
        "shape": [784, 10],
        "bytes": 31360,
        "shard": 0,
        "trainable": True,
    }
    assert sum(meta["ops"].values()) == meta["nodes"] + sum(found["nodes"] for found in meta["functions"])
    assert meta["callables"] == [
        {
            "path": "__call__",
            "variants": [
                {
                    "index": 1,
                    "function": meta["callables"][0]["variants"][0]["function"],
                    "arguments": "myInput: float32 [?,784]",
                    "inputs": [{"key": "myInput", "dtype": "float32", "shape": [None, 784]}],
                    "outputs": [{"key": "myOutput", "dtype": "float32", "shape": [None, 10]}],
                }
            ],
        }
    ]


def test_unknown_rank_is_null_and_findings_are_objects(run: Run, tmp_path: Path) -> None:
    meta = meta_graph(graph(node("x", "Nobody>Knows")), serving_default=({}, {"y": "x:0"}))
    _, out, _ = run("inspect", write(tmp_path / "m", meta), "--json")
    report = json.loads(out)
    assert report["meta_graphs"][0]["signatures"]["serving_default"]["outputs"]["y"]["shape"] is None
    assert report["meta_graphs"][0]["unknown_ops"] == ["Nobody>Knows"]
    (finding,) = report["findings"]
    assert set(finding) == {"code", "severity", "where", "message", "hint"}
    assert (finding["code"], finding["severity"], finding["where"]) == ("unknown-op", "info", "Nobody>Knows")


def test_several_models_one_of_them_not_there(run: Run, sample_models: Path) -> None:
    good, other = sample_models / "digits", sample_models / "image_base64"
    code, out, err = run("inspect", good, sample_models / "digts", other)
    assert code == 3
    assert out.index(str(good)) < out.index(str(other))
    assert "Did you mean" in err and "digits" in err
    code, out, _ = run("inspect", good, sample_models / "digts", other, "--json")
    assert code == 3
    reports = [json.loads(line) for line in out.splitlines()]
    assert [set(report) >= {"error"} for report in reports] == [False, True, False]
    assert set(reports[1]["error"]) == {"code", "message", "where", "hint"}
    assert reports[1]["schema_version"] == 1


def test_one_signature(run: Run, sample_models: Path) -> None:
    code, out, _ = run("inspect", sample_models / "digits_tf2", "--signature", "serving_default")
    assert code == 0
    assert "    needs  3 of 11 nodes" in out
    assert "    reads  2 of 2 variables, 31.4 kB" in out
    assert "Callables" not in out
    code, _, err = run("inspect", sample_models / "digits_tf2", "--signature", "serving")
    assert code == 2
    assert "Did you mean serving_default?" in err
    _, out, _ = run("inspect", sample_models / "digits_tf2", "--signature", "serving_default", "--json")
    assert list(json.loads(out)["meta_graphs"][0]["signatures"]) == ["serving_default"]


def test_what_one_signature_needs_and_does_not(run: Run, tmp_path: Path) -> None:
    meta = meta_graph(
        graph(
            node("x", "Placeholder", dtype=9, shape=Shape((None, 2))),
            node("idle", "Placeholder", dtype=1),
            node("bare", "Placeholder", dtype=1),
            node("y", "AddV2", "x", "bare", T=1),
        ),
        s=({"x": "x:0", "idle": "idle:0"}, {"y": "y:0"}),
    )
    _, out, _ = run("inspect", write(tmp_path / "m", meta), "--signature", "s")
    assert "    not used   idle\n" in out
    assert "    can't run  placeholders that no input feeds: bare\n" in out
    assert "    x          the graph has int64 [?,2]\n" in out


def test_nodes(run: Run, sample_models: Path) -> None:
    _, out, _ = run("inspect", sample_models / "digits", "--nodes")
    assert len(out.splitlines()) == 45
    _, out, _ = run("inspect", sample_models / "digits_tf2", "--nodes", "*MatMul")
    assert out.split() == [
        "StatefulPartitionedCall::StatefulPartitionedCall::MatMul", "MatMul", "float32", "[?,10]",
    ]  # fmt: skip
    _, out, _ = run("inspect", sample_models / "digits_tf2", "--nodes", "*::MatMul", "--json")
    (found,) = json.loads(out)["meta_graphs"][0]["node_list"]
    assert found["op"] == "MatMul"
    assert found["outputs"] == [{"dtype": "float32", "shape": [None, 10]}]
    code, _, err = run("inspect", sample_models / "digits", "--nodes", "MatMull")
    assert code == 2
    assert "Did you mean MatMul" in err


def many(tmp_path: Path) -> Path:
    """60 variables of 1 to 60 floats, 30 functions, no checkpoint."""
    nodes: list[Any] = [
        node(f"v{i:02}", "VarHandleOp", dtype=1, shape=Shape((i,)), shared_name=f"v{i:02}")
        for i in range(1, 61)
    ]
    keys = [f"key{i:02}" for i in range(1, 61)]
    nodes += [
        const("names", *keys),
        const("slices", "", count=60),
        node("r", "RestoreV2", "f", "names", "slices"),
    ]
    nodes += [node(f"a{i:02}", "AssignVariableOp", f"v{i:02}", f"r:{i - 1}") for i in range(1, 61)]
    nodes.append(node("all", "NoOp", *(f"^a{i:02}" for i in range(1, 61))))
    nodes.append(const("f", "x"))
    functions = [
        function(f"fn{i:02}", ["x"], *(node(f"n{j}", "Neg", "x", T=1) for j in range(i)))
        for i in range(1, 31)
    ]
    meta = meta_graph(graph(*nodes, functions=functions))
    meta.saver_def.restore_op_name = "all"
    return write(tmp_path / "m", meta)


def test_the_20_largest_and_how_many_more(run: Run, tmp_path: Path) -> None:
    path = many(tmp_path)
    _, out, _ = run("inspect", path)
    lines = out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("  60 variables"))
    assert lines[start + 1].split() == ["v60", "float32", "[60]", "240", "B"]
    assert lines[start + 20].split()[0] == "v41"
    assert lines[start + 21] == "    … 40 more: --variables"
    start = next(i for i, line in enumerate(lines) if line == "  30 functions")
    assert lines[start + 1].split() == ["fn30", "30", "nodes"]
    assert lines[start + 21] == "    … 10 more: --functions"
    _, out, _ = run("inspect", path, "--variables")
    assert "more" not in out
    assert len([line for line in out.splitlines() if line.startswith("    v")]) == 60
    assert "key07" in out
    assert "Signature" not in out
    _, out, _ = run("inspect", path, "--functions")
    assert len([line for line in out.splitlines() if line.startswith("    fn")]) == 30


def test_names_from_a_model_can_not_write_to_the_terminal(run: Run, tmp_path: Path) -> None:
    evil = "x\x1b[31m\u202e\n[bold]y"
    body = function(evil, ["x"], node("n", "Neg", "x", T=1))
    meta = meta_graph(
        graph(
            node(evil, "Placeholder", dtype=1), node("c", "PartitionedCall", f=Func(evil)), functions=[body]
        ),
        (evil,),
        **{evil: ({evil: f"{evil}:0"}, {evil: "gone:0"})},
    )
    meta.meta_info_def.tensorflow_version = evil
    meta.asset_file_def.add(filename=evil).tensor_info.name = evil
    path = write(tmp_path / "m", meta)
    for words in ([], ["--nodes"], ["--functions"], ["--signature", evil]):
        _, out, err = run("inspect", path, *words)
        assert "\x1b" not in out + err
        assert "\u202e" not in out + err
    code, out, _ = run("inspect", path, "--json")
    assert code == 0
    assert "\x1b" not in out
    assert json.loads(out)["meta_graphs"][0]["tags"] == [evil]


def test_recipe_and_proof_are_shown(run: Run, sample_models: Path, tmp_path: Path) -> None:
    meta = meta_graph(graph(node("x", "Placeholder", dtype=1)), serving_default=({"x": "x:0"}, {"x": "x:0"}))
    path = write(tmp_path / "m", meta)
    recipe = {
        "schema_version": 1,
        "tool": {"name": "workbench", "version": "9.9"},
        "sources": [
            {"handle": "img", "digest": "ab" * 32, "tag_set": "serve", "signature": "serving_default"},
            {"handle": "digits", "digest": "cd" * 32, "recipe": {"tool": {}}},
            "nonsense",
        ],
        "wires": [{"from": "img@pixels", "to": "digits@myInput"}, {}],
        "options": {"keep_outputs": True},
    }
    (path / "assets.extra").mkdir()
    (path / "assets.extra" / "workbench.json").write_text(json.dumps(recipe))
    _, out, _ = run("inspect", path)
    assert "Merged by workbench" in out
    assert "img, signature serving_default, tag set serve, sha256 abababababab…" in out
    assert "itself a result" in out
    assert "img@pixels → digits@myInput" in out
    assert "keep outputs  yes" in out
    assert "none: it was published without being run" in out
    proof: dict[str, Any] = {
        "verdict": "verified",
        "reason": "equal",
        "loaders": [{"loader": "v1 Session", "status": "equal"}],
        "versions": {"tensorflow": "2.21.0"},
        "time": "today",
    }
    (path / "assets.extra" / "workbench-proof.json").write_text(json.dumps(proof))
    _, out, _ = run("inspect", path)
    assert "verified: equal" in out
    assert "tensorflow 2.21.0" in out
    _, out, _ = run("inspect", path, "--json")
    assert json.loads(out)["origin"] == {"recipe": recipe, "proof": proof, "verdict": "verified"}
    proof["loaders"][0]["status"] = "skipped"
    (path / "assets.extra" / "workbench-proof.json").write_text(json.dumps(proof))
    _, out, _ = run("inspect", path)
    assert "inconclusive: By its record it ran in no loader." in " ".join(out.split())
    assert "verified: equal" not in out
    _, out, _ = run("inspect", path, "--json")
    assert json.loads(out)["origin"]["verdict"] == "inconclusive"
    for junk in (
        {},
        {"sources": 3, "wires": "x", "tool": [], "options": 1},
        {"sources": [[]], "wires": [None]},
    ):
        (path / "assets.extra" / "workbench.json").write_text(json.dumps(junk))
        (path / "assets.extra" / "workbench-proof.json").write_text(json.dumps(junk))
        code, _, _ = run("inspect", path)
        assert code == 0


def test_findings_stand_at_the_end_and_do_not_stop_it(run: Run, sample_models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes((sample_models / "digits" / "saved_model.pb").read_bytes())
    code, out, _ = run("inspect", folder)
    assert code == 0
    assert out.index("Signature serving_default") < out.index("Findings")
    assert "  error " in out[out.index("Findings") :]
    assert "The graph restores 2 variables, but there is no checkpoint" in out


def test_a_serving_base_folder_says_which_version(run: Run, sample_models: Path, tmp_path: Path) -> None:
    for version in ("1", "10", "9"):
        (tmp_path / version).mkdir()
        data = (sample_models / "image_base64" / "saved_model.pb").read_bytes()
        (tmp_path / version / "saved_model.pb").write_bytes(data)
    _, out, _ = run("inspect", tmp_path)
    assert "10" in next(line for line in out.splitlines() if line.startswith("  note"))
    _, out, _ = run("inspect", tmp_path, "--json")
    assert [finding["code"] for finding in json.loads(out)["findings"]] == ["note"]


def test_several_meta_graphs(run: Run, tmp_path: Path) -> None:
    one = graph(node("x", "Placeholder", dtype=1))
    metas = [meta_graph(one, tags, s=({"x": "x:0"}, {})) for tags in (("train",), ("serve", "gpu"), ())]
    path = write(tmp_path / "m", *metas)
    _, out, _ = run("inspect", path)
    assert [line for line in out.splitlines() if line.startswith("MetaGraph")] == [
        "MetaGraph train", "MetaGraph serve,gpu", "MetaGraph without tags",
    ]  # fmt: skip
    assert "3 MetaGraphs" in out
    _, out, _ = run("inspect", path, "--json")
    assert [meta["tags"] for meta in json.loads(out)["meta_graphs"]] == [["train"], ["serve", "gpu"], []]


def test_a_graphdef(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "frozen.pb"
    frozen = graph(
        node("x", "Placeholder", dtype=1, shape=Shape((None, 4))), node("probs", "Softmax", "x", T=1)
    )
    path.write_bytes(frozen.SerializeToString())
    _, out, _ = run("inspect", path)
    assert "frozen GraphDef" in out
    assert "MetaGraph" not in out
    assert "    out  probs  float32  [?…]   probs:0" in out
    path.write_bytes(graph(node("w", "VarHandleOp", dtype=1)).SerializeToString())
    _, out, _ = run("inspect", path)
    assert "  GraphDef: one graph, without the values of its variables" in out


def test_garbage_collection_is_on_again(run: Run, sample_models: Path) -> None:
    assert gc.isenabled()
    run("inspect", sample_models / "digits")
    assert gc.isenabled()


@pytest.mark.needs_tf
@pytest.mark.parametrize("name", plainly(names(), *SOME))
def test_every_model_of_the_zoo_has_a_page_and_json(
    run: Run, zoo: Callable[[str], Example], name: str
) -> None:
    example = zoo(name)
    code, page, err = run("inspect", example.path)
    assert (code, err) == (0, "")
    for key in example.signatures if example.path.is_dir() else ():
        assert f"Signature {key}" in page
    for asset in example.assets:
        assert asset in page
    code, out, _ = run("inspect", example.path, "--json", "--nodes")
    report = json.loads(out)
    assert (code, len(report["meta_graphs"])) == (0, example.meta_graphs or 1)
    for meta in report["meta_graphs"]:
        assert len(meta["node_list"]) >= meta["nodes"]
    for flag in ("--variables", "--functions"):
        assert run("inspect", example.path, flag)[0] == 0


def test_what_was_done_is_told_in_words(run: Run, tmp_path: Path) -> None:
    words = ("--rename", "serving_default=predict", "--rename-input", "myInput=x", "--no-verify")
    tensors = open_model(DIGITS).meta.signature()
    x, y = tensors.inputs["myInput"].tensor, tensors.outputs["myOutput"].tensor
    words = (*words, "--add", "more", "--inputs", f"x={x}", "--outputs", f"y={y}")
    assert run("signature", DIGITS, *words, "-o", tmp_path / "renamed")[0] == 0
    _, out, _ = run("inspect", tmp_path / "renamed")
    assert "Signatures changed by workbench" in out and "Merged" not in out
    assert "serving_default → predict" in out and "myInput → x" in out
    assert f"more; inputs x={x}; outputs y={y}" in out and "{'" not in out
    assert run("freeze", DIGITS, "--no-verify", "-o", tmp_path / "frozen")[0] == 0
    assert "Frozen by workbench" in run("inspect", tmp_path / "frozen")[1]


def test_signatures_for_loaders_alone_are_shown_nowhere(run: Run, tmp_path: Path) -> None:
    model = copy_of(DIGITS, tmp_path / "m")

    def hide(message: Any) -> None:
        signatures = message.meta_graphs[0].signature_def
        for key in ("__saved_model_init_op", "__saved_model_train_op"):
            signatures[key].outputs[key].name = next(
                iter(signatures["serving_default"].outputs.values())
            ).name

    edit(model, hide)
    for words in (
        ("inspect",),
        ("inspect", "--json"),
        ("check",),
        ("draw",),
        ("run", "--signature", "nosuch"),
    ):
        _, out, err = run(words[0], model, *words[1:])
        assert "__saved_model" not in out + err, words
