"""The commits into which faults are injected: each kind of result, each way to publish, old kernels, a littered folder.

All of them are command lines, on models that need no TensorFlow to make. A kind that the command line gains is added
here by its words alone; which calls it makes is found by running it.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.kernel import Call
from tests.surgery.tiny import Tiny

SAMPLES = Path(__file__).resolve().parents[2] / "sample_models"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit.

    Attributes:
        name: of its kind.
        words: of the command line, `{m}` for the folder with the models and `{o}` for the one it writes into.
        target: what is to come to be, below the folder it writes into.
        beside: files it makes as well, there.
        before: files that are there before, with their bytes.
        littered: a commit that was killed has left something there.
        refused: calls that are never done, by name or as `name@path` for one path there, and the error they give.
        fails: it fails of that, so that its points are in what cleans up.
    """

    name: str
    words: str
    target: str = "out"
    beside: tuple[str, ...] = ()
    before: tuple[tuple[str, bytes], ...] = ()
    littered: bool = False
    refused: Mapping[str, int] = field(default_factory=dict)
    fails: bool = False

    def error(self, call: Call, folder: Path) -> int | None:
        """The error a call gives whatever else happens, if it is never done."""
        path = os.path.relpath(call.path, folder)
        return self.refused.get(call.name, self.refused.get(f"{call.name}@{path}"))

    def command(self, models: Path, folder: Path) -> list[str]:
        """The words of the command line."""
        return [word.format(m=models, o=folder) for word in self.words.split()]

    def prepare(self, folder: Path) -> None:
        """Makes the folder it writes into."""
        folder.mkdir()
        for name, data in self.before:
            (folder / name).write_bytes(data)
        if self.littered:
            dead = folder / LITTER[0]
            (dead / "variables").mkdir(parents=True)
            (dead / "variables" / "variables.index").write_bytes(b"half")
            (dead / "saved_model.pb").write_bytes(b"half")
            dead.with_name(dead.name + ".lock").write_bytes(b"")
            (folder / LITTER[1]).write_bytes(b"")


LITTER = (".other.workbench-0123abcd", ".gone.workbench-89abcdef.lock")
TWO = "{m}/image_base64 {m}/digits --wire pixels=myInput --no-verify"
TWO_TF2 = "{m}/image_base64_tf2 {m}/digits_tf2 --wire pixels=myInput --no-verify"
_GONE, _NOT_HERE = errno.ENOSYS, errno.EOPNOTSUPP

COMMITS: Sequence[Commit] = (
    Commit("merge, TF1 format", f"merge {TWO} --format tf1 -o {{o}}/out"),
    Commit("merge, TF2 format", f"merge {TWO_TF2} -o {{o}}/out --json"),
    Commit(
        "merge of four, signatures kept, several shards",
        "merge i={m}/image_base64_tf2 a={m}/digits_tf2 b={m}/digits c={m}/digits_tf2 --wire i@pixels=a@myInput"
        " --wire i@pixels=b@myInput --wire i@pixels=c@myInput --keep-signatures --no-verify -o {o}/out",
    ),
    Commit("merge with assets", "merge {m}/words {m}/more_words --wire y=x --no-verify -o {o}/out"),
    Commit("merge, frozen", f"merge {TWO} --freeze -o {{o}}/out"),
    Commit("merge, the folders above are new", f"merge {TWO} -o {{o}}/a/b/out", "a/b/out"),
    Commit("merge, a recipe saved", f"merge {TWO} --save-recipe {{o}}/plan.json -o {{o}}/out", beside=("plan.json",)),
    Commit(
        "merge, a recipe in place of another",
        f"merge {TWO} --save-recipe {{o}}/plan.json --overwrite -o {{o}}/out",
        beside=("plan.json",),
        before=(("plan.json", b"{}"),),
    ),
    Commit("merge, the recipe to a device", f"merge {TWO} --save-recipe /dev/null -o {{o}}/out"),
    Commit("merge, nothing can be remembered", f"merge {TWO} -o {{o}}/out", refused={"rename": errno.EIO}),
    Commit("merge, serving", f"merge {TWO_TF2} --serving -o {{o}}/base", "base/1"),
    Commit("merge, a dead one's leftovers", f"merge {TWO} -o {{o}}/out", littered=True),
    Commit(
        "merge, a kernel without renameat2 and copy_file_range",
        f"merge {TWO_TF2} -o {{o}}/out",
        refused={"renameat2": _GONE, "copy_file_range": _GONE},
    ),
    Commit(
        "merge, no copies in the kernel, serving",
        f"merge {TWO} --serving -o {{o}}/base",
        "base/1",
        refused={"renameat2": errno.EINVAL, "copy_file_range": _NOT_HERE, "sendfile": errno.EINVAL},
    ),
    Commit(
        "merge, no rename",
        f"merge {TWO} -o {{o}}/a/b/out",
        "a/b/out",
        refused={"renameat2": errno.EIO},
        fails=True,
    ),
    Commit(
        "merge, no rename of either kind",
        f"merge {TWO_TF2} -o {{o}}/out",
        refused={"renameat2": _GONE, "rename": errno.EIO},
        fails=True,
    ),
    Commit(
        "merge, the folder can't be synced, so it is taken back",
        f"merge {TWO} -o {{o}}/out",
        refused={"fsync@.": errno.EIO},
        fails=True,
    ),
    Commit(
        "merge, a recipe that can't be named",
        f"merge {TWO} --save-recipe {{o}}/plan.json --overwrite -o {{o}}/out",
        before=(("plan.json", b"{}"),),
        refused={"rename": errno.EIO},
        fails=True,
    ),
    Commit("signature", "signature {m}/digits_tf2 --rename serving_default=predict --no-verify -o {o}/out"),
    Commit(
        "signature, serving, assets",
        "signature {m}/words --rename serving_default=predict --no-verify --serving -o {o}/base",
        "base/1",
    ),
    Commit("freeze", "freeze {m}/digits --no-verify -o {o}/out"),
    Commit("freeze, the folders above are new", "freeze {m}/digits_tf2 --no-verify -o {o}/a/out", "a/out"),
    Commit("flatten", "flatten {m}/digits_tf2 --no-verify -o {o}/out"),
    Commit("flatten, assets, a dead one's leftovers", "flatten {m}/words --no-verify -o {o}/out", littered=True),
)  # fmt: skip


def make_models(folder: Path) -> Path:
    """The models that are committed; the folder."""
    folder.mkdir()
    for name in ("image_base64", "digits", "image_base64_tf2", "digits_tf2"):
        shutil.copytree(SAMPLES / name, folder / name)
    for name, words in (("words", b"ant\nbee\n"), ("more_words", b"cat\n")):
        _with_asset(folder / name, words)
    return folder


def _with_asset(folder: Path, words: bytes) -> None:
    """`x` float32 [?,4] → `y`, and an asset in a folder of its own, whose path the main op reads."""
    model = (
        Tiny(folder)
        .placeholder()
        .node("y", "AddV2", "x", "x", T="float32")
        .signature(x_in="x:0", y_out="y:0")
        .node("path", "Const", dtype="string")
        .node("table", "HashTableV2", key_dtype="string", value_dtype="int64", shared_name=b"words")
        .node(
            "fill",
            "InitializeTableFromTextFileV2",
            "table",
            "path",
            vocab_size=-1,
            key_index=-2,
            value_index=-1,
        )
        .node("main", "NoOp", "^fill")
    )
    tensor = model.meta.graph_def.node[2].attr["value"].tensor
    tensor.dtype = 7
    tensor.string_val.append(b"")
    asset = model.meta.asset_file_def.add(filename="lists/words.txt")
    asset.tensor_info.name = "path:0"
    model.meta.collection_def["saved_model_main_op"].node_list.value.append("main")
    file = model.save() / "assets" / "lists" / "words.txt"
    file.parent.mkdir(parents=True)
    file.write_bytes(words)


def tree(folder: Path) -> dict[str, bytes | str]:
    """Every path below a folder, hidden ones too: the bytes of a file, the target of a link, or `folder`."""
    found: dict[str, bytes | str] = {}
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root, name)
            what: bytes | str = "folder"
            if path.is_symlink():
                what = f"link {os.readlink(path)}"
            elif path.is_file():
                what = path.read_bytes()
            found[str(path.relative_to(folder))] = what
    return found
