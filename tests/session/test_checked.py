"""What checks find in one model, as the terminal UI shows it; the form that a hint asks for."""

from __future__ import annotations

from pathlib import Path

from tests.surgery.tiny import Tiny, doubler
from workbench.findings import IN_PYTHON, Action, Hint
from workbench.model import open_model
from workbench.session.steps import fill, form_fields
from workbench.session.texts.checked import _FORMS, form_for, look_through


def reader(folder: Path) -> Path:
    """A model that reads the file named by its input."""
    model = Tiny(folder).placeholder("path", "string", ()).node("read", "ReadFile", "path")
    return model.signature(path="path:0", content="read:0").save()


def test_findings_and_unsafe_ops_are_counted_and_explained(sample_models: Path, tmp_path: Path) -> None:
    fine = look_through(open_model(doubler(tmp_path / "fine").save()))
    assert (fine.counts, fine.severity) == ("", None)
    mixed = look_through(open_model(sample_models / "digits_mixed_up"))
    assert (mixed.counts, mixed.severity) == ("2 warnings", "warning")
    assert "shared_name" in str(mixed.items[0].explain())


def test_an_unsafe_op_is_listed_with_its_place(tmp_path: Path) -> None:
    found = look_through(open_model(reader(tmp_path / "m")))
    assert "1 unsafe op" in found.counts
    item = next(one for one in found.items if one.text.startswith("unsafe op ReadFile at read: it "))
    assert item.where == "read" and "`serving_default`" in str(item.explain())


def test_hints_that_steps_follow_have_a_form() -> None:
    assert _FORMS.keys() <= IN_PYTHON.keys()
    arguments = {"key": "old", "new": "fresh", "name": "old", "model": "MODEL"}
    for name, (operation, field, _) in _FORMS.items():
        form = form_for(Hint("", Action(name, arguments)))
        assert form is not None and form.operation == operation
        assert not field or field in {one.name for one in form_fields(operation)}
        if form.typed:
            assert fill(operation, form.typed).step is not None, form
    assert form_for(Hint("", Action("rename-input", {"key": "x"}))) is not None
    assert form_for("Look at it.") is None and form_for(None) is None
    assert form_for(Hint("", Action("scan-model"))) is None
