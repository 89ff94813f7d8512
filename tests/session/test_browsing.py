"""Rows, search and detail of models, without any user interface."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sampling import plainly
from tests.timing import costs_at_most
from workbench.describe.text import size
from workbench.disk import schema
from workbench.model import MetaGraph, open_model
from workbench.names import elide
from workbench.session.lists.arrangement import Arrangement
from workbench.session.lists.lister import Lister
from workbench.session.lists.listing import Listing, Segment
from workbench.session.lists.rows import Row
from workbench.session.lists.search import Index, Query, parse_query
from workbench.session.lists.spots import Places, Spot
from workbench.session.lists.viewer import Viewer
from workbench.session.texts.detail import FILTER, Detail, Span


def viewer(path: Path) -> Viewer:
    return Viewer(open_model(path))


def texts(listing: Listing) -> list[str]:
    return [listing[index].text for index in range(len(listing))]


def many_nodes(count: int) -> MetaGraph:
    proto = schema.MetaGraphDef()
    for number in range(count):
        node = proto.graph_def.node.add(name=f"layer_{number // 100}/conv2d_{number}/kernel", op="Const")
        node.attr["dtype"].type = 1
    return MetaGraph(proto)


def test_rows_come_in_the_order_people_ask(sample_models: Path) -> None:
    view = viewer(sample_models / "digits")
    listing = view.lister.listing(view.lister.unfolded_at_first("serving_default"))
    rows = [(row.kind, row.text) for row in map(listing.__getitem__, range(7))]
    assert rows[1:] == [
        ("section", "Signatures"),
        ("signature", "serving_default"),
        ("input", "myInput"),
        ("output", "myOutput"),
        ("section", "Variables"),
        ("section", "Nodes"),
    ]
    assert listing[3].columns == ("float32", "[?,784]")


def test_functions_unfold_into_their_bodies(sample_models: Path) -> None:
    view = viewer(sample_models / "digits_tf2")
    name = next(name for name, count in view.meta.function_sizes.items() if count > 3)
    unfolded = {("section", "functions"), ("function", name)}
    listing = view.lister.listing(unfolded, Arrangement(flat=True))
    rows = [listing[index] for index in range(len(listing))]
    at = next(index for index, row in enumerate(rows) if row.key == ("function", name))
    body = [row for row in rows[at + 1 :] if row.kind == "node"][: view.meta.function_sizes[name]]
    assert [row.text for row in body] == [node.name for node in view.meta.functions[name].node_def]
    assert all(row.depth == 2 for row in body)


def test_a_call_unfolds_in_place_and_its_nodes_have_a_written_place(sample_models: Path) -> None:
    view = viewer(sample_models / "digits_tf2")
    call = next(name for name, node in view.meta.nodes.items() if view.places.main.calls_under(node))
    listing = view.lister.listing({("section", "nodes"), ("node", "", call)})
    inside = [
        row for row in map(listing.__getitem__, range(len(listing))) if row.kind == "node" and row.depth == 2
    ]
    assert inside
    spot = inside[0].spot
    assert spot is not None and str(spot).startswith(f"{call}::")
    assert view.places.find(f"{spot}:0") == spot


def test_every_row_is_found_by_its_key(sample_models: Path) -> None:
    view = viewer(sample_models / "digits_tf2")
    call = next(name for name, node in view.meta.nodes.items() if view.places.main.calls_under(node))
    unfolded = view.lister.unfolded_at_first(None) | {
        ("section", name) for name in ("variables", "functions", "callables", "assets")
    }
    unfolded.add(("node", "", call))
    listing = view.lister.listing(unfolded)
    for index in range(len(listing)):
        assert listing.find(listing[index].key) == index


def test_what_is_above_a_row_brings_it_into_the_list(sample_models: Path) -> None:
    view = viewer(sample_models / "digits_tf2")
    for key in view.places.of_function.values():
        level = view.places.level(key)
        assert level is not None
        for name in level.nodes:
            row_key = ("node", key, name)
            assert view.lister.row_of(row_key) is not None
            assert view.lister.listing(view.lister.above(row_key)).find(row_key) is not None


def test_a_listing_makes_only_the_rows_that_are_looked_at() -> None:
    made: list[int] = []

    def make(number: int) -> Row:
        made.append(number)
        return Row("node", ("node", "", str(number)), 0, str(number))

    listing = Listing([Segment(range(5), make), Segment((), make), Segment(range(1_000_000), make)])
    assert len(listing) == 1_000_005 and listing[5].text == "0" and listing[1_000_004].text == "999999"
    assert len(made) == 2
    with pytest.raises(IndexError):
        listing[1_000_005]


# -- search


def test_the_query_language() -> None:
    assert parse_query("  Conv op:Relu DTYPE:float32 shape:?x784 in:save bn ") == Query(
        ("conv", "bn"), "relu", "float32", "?x784", "save"
    )
    assert not parse_query("op:  ")
    assert parse_query("a:b").words == ("a:b",)


def found(index: Index, text: str) -> list[str]:
    return [index.row(number).text for number in index.search(text)]


def test_search_by_name_puts_the_nearest_first(sample_models: Path) -> None:
    index = viewer(sample_models / "digits").index
    assert found(index, "matmul")[0] == "MatMul"
    assert found(index, "mtml")[0] == "MatMul", "letters with gaps"
    assert found(index, "softmax bias")[:1] == ["softmax/bias"]
    assert found(index, "zzz") == []


def test_search_by_fields(sample_models: Path) -> None:
    index = viewer(sample_models / "image_base64").index
    assert found(index, "op:decodepng") == ["DecodePng"]
    assert found(index, "op:decode*") == ["DecodeBase64", "DecodePng"]
    assert found(index, "dtype:string") == ["base64_input", "base64_input", "DecodeBase64"]
    digits = viewer(sample_models / "digits").index
    assert found(digits, "shape:?x784") == ["myInput", "myInput"]
    assert found(digits, "shape:784x10 op:VarHandleOp") == []  # its output is a scalar resource
    assert "softmax/weights" in found(digits, "shape:*x10")


def test_search_inside_functions(sample_models: Path) -> None:
    view = viewer(sample_models / "digits_tf2")
    inside = view.index.search("in:* op:MatMul")
    assert inside and all(view.index.row(number).spot.level for number in inside)  # type: ignore[union-attr]
    assert view.index.search("in:nosuchfunction") == []


@pytest.mark.parametrize("number", plainly([20_000, 100_000], 20_000))
def test_a_hundred_thousand_names_are_searched_in_no_time(number: int) -> None:
    meta = many_nodes(number)
    index = Index(Lister(None, meta, Places(meta)))  # type: ignore[arg-type]
    index.search("x")
    with costs_at_most(5 * 0.25 * number / 100_000):
        for text in ("c", "co", "con", "conv2d_99", "cv2d99999"):
            index.search(text)
    last = f"conv2d_{number - 1}/kernel"
    assert found(index, last) == [f"layer_{(number - 1) // 100}/{last}"]


# -- detail


def flat(detail: Detail) -> str:
    return "\n".join("".join(span.text for span in line) for line in detail.lines)


def tell(view: Viewer, key: tuple[str, ...]) -> Detail:
    row = view.lister.row_of(key)
    assert row is not None
    return view.teller.tell(row)


def test_the_detail_of_a_node_tells_all(sample_models: Path) -> None:
    view = viewer(sample_models / "image_base64")
    text = flat(tell(view, ("node", "", "DecodePng")))
    for part in (
        "DecodePng",
        "DecodeBase64",
        "uint8",
        "channels",
        "convert_image/Cast",
        "Depends on  2 nodes",
    ):
        assert part in text
    assert "pixels  output of serving_default" in text


def test_every_link_leads_somewhere(sample_models: Path) -> None:
    for name in ("digits", "digits_tf2", "image_base64_tf2"):
        view = viewer(sample_models / name)
        unfolded = {
            ("section", section) for section in ("signatures", "variables", "functions", "callables", "nodes")
        }
        unfolded |= {("signature", key) for key in view.meta.signatures} | {
            ("function", key) for key in view.meta.functions
        }
        listing = view.lister.listing(unfolded)
        for index in range(len(listing)):
            detail = view.teller.tell(listing[index])
            for line, number in detail.links:
                link = detail.lines[line][number].link
                assert link is not None
                if link.key[0] == FILTER:
                    told = detail.lines[line][number - 1].text  # how many there are
                    assert len(view.index.search(link.key[1])) == int(told.replace(",", "")), (
                        listing[index],
                        link,
                    )
                else:
                    assert view.lister.row_of(link.key) is not None, (listing[index], link)


def test_names_from_models_are_text() -> None:
    proto = schema.MetaGraphDef()
    node = proto.graph_def.node.add(name="evil\x1b[31m[bold]", op="Const\x07")
    node.attr["value"].tensor.dtype = 7
    node.attr["value"].tensor.string_val.append(b"\x1b]0;title\x07")
    meta = MetaGraph(proto)
    view = Viewer.__new__(Viewer)
    view.meta = meta
    view.model = None  # type: ignore[assignment]
    detail = view.teller.tell(view.lister.node_row(view.places.main, 0)(meta.nodes["evil\x1b[31m[bold]"]))
    assert "\x1b" not in flat(detail) and "\x07" not in flat(detail)
    assert "[bold]" in flat(detail)


def test_a_huge_claimed_constant_is_not_made() -> None:
    from workbench.describe.attributes import attribute_text

    value = schema.AttrValue()
    value.tensor.dtype = 1
    value.tensor.tensor_shape.dim.add().size = 1 << 40
    value.tensor.float_val.append(1.0)
    assert attribute_text(value).startswith("float32 [1099511627776]")
    small = schema.AttrValue()
    small.tensor.dtype = 3
    small.tensor.tensor_shape.dim.add().size = 3
    small.tensor.int_val.extend([1, 2, 3])
    assert attribute_text(small) == "int32 [3] = [1,2,3]"


def test_recursion_and_missing_nodes_end(tmp_path: Path) -> None:
    proto = schema.MetaGraphDef()
    call = proto.graph_def.node.add(name="call", op="PartitionedCall", input=["nowhere:0"])
    call.attr["f"].func.name = "f"
    function = proto.graph_def.library.function.add()
    function.signature.name = "f"
    again = function.node_def.add(name="again", op="PartitionedCall")
    again.attr["f"].func.name = "f"
    view = Viewer.__new__(Viewer)
    view.meta, view.model = MetaGraph(proto), None  # type: ignore[assignment]
    assert view.places.of_function == {"f": "call"}
    detail = view.teller.tell(view.lister.node_row(view.places.main, 0)(view.meta.nodes["call"]))
    assert Span("nowhere:0", "bad") in [span for line in detail.lines for span in line]
    assert view.places.node(Spot("call::again::again", "again")) is None


def test_small_texts() -> None:
    assert [size(n) for n in (None, 0, 999, 1000, 31_400, 42_500_000, 10**9)] == [
        "?", "0 B", "999 B", "1.0 kB", "31.4 kB", "42.5 MB", "1.0 GB",
    ]  # fmt: skip
    assert elide("abcdefghij", 5) == "a…hij" and elide("abc", 5) == "abc" and elide("abc", 1) == "…"
