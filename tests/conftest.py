"""What all tests share: the order they run in, hypothesis profiles, the zoo, a quiet TensorFlow.

TensorFlow is imported only by tests marked `needs_tf`; a test that takes the `zoo` fixture is marked by that.
They run last, so that a failure in the fast part shows within seconds.
"""

from __future__ import annotations

import functools
import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.forking.client import FORKING
from tests.sharing import once, shared_folder
from tests.zoo import ZOO, Example
from workbench.runtime.child_process.child import Child

gc.disable()  # until all tests are collected: looking for garbage among them takes a third of that time

# Read by TensorFlow when it is imported, here or in a child of ours.
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_CPP_MAX_VLOG_LEVEL", "0")
# Hundreds of tests start a command of their own: compiled anew each time, that would take minutes.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Quick is the same on every run and writes nothing; exhaustive is that with more examples, where the exhaustive tests
# run; long looks for something new each time.
_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("quick", max_examples=30, derandomize=True, database=None, **_COMMON)
settings.register_profile("exhaustive", max_examples=60, derandomize=True, database=None, **_COMMON)
settings.register_profile("long", max_examples=3000, print_blob=True, **_COMMON)

_MEMORY, _ROOM = Path("/dev/shm"), 8 << 30
if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM:
    # Temporary folders in memory: thousands of small files are forced to disk otherwise.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))

for _name in ("COLUMNS", "LINES"):  # pytest-xdist sets them for its workers, and every command obeys them
    os.environ.pop(_name, None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests that make big models, too")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: makes or moves a big model; runs with --slow only")
    profile = os.environ.get("HYPOTHESIS_PROFILE", "exhaustive" if _is_exhaustive(config) else "quick")
    settings.load_profile(profile)
    providers: Any = sys.modules.get("hypothesis.internal.conjecture.providers")  # not in all versions
    none = getattr(providers, "_local_constants", None)
    if profile != "long" and none is not None and hasattr(providers, "_get_local_constants"):
        # Drawn from the constants of all modules that are imported by then, examples would depend on the tests that
        # ran before, and it takes seconds to parse these modules.
        providers._get_local_constants = lambda: none


def _is_exhaustive(config: pytest.Config) -> bool:
    """Whether a -m asks for the exhaustive tests."""
    asked = config.getoption("markexpr")
    return "exhaustive" in asked and "not exhaustive" not in asked


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if {"zoo", "child"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("needs_tf")
        if _takes_a_slow_model(item) or (_draws_more(item) and _is_exhaustive(config)):
            item.add_marker("exhaustive")
        if item.get_closest_marker("slow") and not config.getoption("--slow"):
            item.add_marker(pytest.mark.skip(reason="slow: runs with --slow"))
    # Not by addopts: a -m of the user's replaces that one.
    if "exhaustive" not in config.getoption("markexpr"):
        _deselect(config, items, [item for item in items if item.get_closest_marker("exhaustive")])
    items.sort(key=_when)


def _when(item: pytest.Item) -> tuple[bool, bool, bool]:
    """What reads all sources comes first, so that one process of several parses them, and TensorFlow last."""
    reads = any(hasattr(getattr(item, "module", None), name) for name in ("nodes_of", "text_of"))
    return bool(item.get_closest_marker("slow")), bool(item.get_closest_marker("needs_tf")), not reads


def _takes_a_slow_model(item: pytest.Item) -> bool:
    """Of the zoo, as a parameter: making one takes longer than most tests."""
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return any(isinstance(value, str) and value in ZOO and "slow" in ZOO[value].kinds for value in values)


def _draws_more(item: pytest.Item) -> bool:
    """Of hypothesis: the exhaustive run draws more examples than the plain one."""
    drawn = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    return drawn and item.get_closest_marker("needs_tf") is None


@pytest.hookimpl(tryfirst=True)  # before any fixture starts a process
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Processes that a test ends before they have imported TensorFlow need no forks: it is not marked."""
    needed = item.get_closest_marker("needs_tf") is not None
    FORKING.on = needed and not item.get_closest_marker("fresh_tensorflow")


def pytest_collection_finish() -> None:
    """What collecting the tests has made is no garbage, and a lot to look through for commands that collect theirs."""
    if "tensorflow" in sys.modules:
        raise pytest.UsageError("A module of the tests imports TensorFlow while it is imported itself.")
    gc.freeze()
    gc.enable()


def _deselect(config: pytest.Config, items: list[pytest.Item], leave: list[pytest.Item]) -> None:
    if leave:
        config.hook.pytest_deselected(items=leave)
        left = set(leave)
        items[:] = [item for item in items if item not in left]


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is kept between two runs goes into a folder of the tests, not into that of whoever runs them."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """The folder of this run, for `once`: what takes long to make is made by one worker."""
    return shared_folder(tmp_path_factory, pytestconfig)


@pytest.fixture(scope="session")
def zoo(shared: Path) -> Callable[[str], Example]:
    """`zoo("v1_simple_save")`: that model, made when first asked for. Shared by all tests: never change it.

    A test that needs to change a model takes `example.copy(tmp_path / "model")`.
    """

    @functools.cache
    def get(name: str) -> Example:
        return once(shared, name, lambda folder: ZOO[name](folder).sampled())

    return get


@pytest.fixture(scope="session")
def _shared_child() -> Iterator[Child]:
    with Child() as child:
        yield child


@pytest.fixture
def child(_shared_child: Child) -> Child:
    """A TensorFlow process that all tests share. A test that ends it spoils nothing: the next starts another."""
    return _shared_child.start()


@pytest.fixture(scope="session")
def sample_models() -> Path:
    """The folder with the committed sample models."""
    return Path(__file__).resolve().parent.parent / "sample_models"


@pytest.fixture(scope="session", autouse=True)
def _keras_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keras writes a settings file when it is imported; not into the home folder of who runs the tests."""
    before = os.environ.get("KERAS_HOME")
    os.environ["KERAS_HOME"] = str(tmp_path_factory.mktemp("keras_home"))
    yield
    if before is None:
        del os.environ["KERAS_HOME"]
    else:
        os.environ["KERAS_HOME"] = before


@pytest.fixture(scope="session", autouse=True)
def _forks(_own_state: None, _keras_home: None) -> Iterator[None]:
    """TensorFlow processes of ours are forks of an interpreter that has imported TensorFlow once."""
    with FORKING.installed():
        yield
