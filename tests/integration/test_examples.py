"""The examples of the library's docs and docstrings do what they say, on real hosts."""

from __future__ import annotations

import contextlib
import doctest
import inspect
import io
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.examples import NAMES, at_home, make_programs, path_option, settle

import opsrun
from opsrun import Fleet, OneHost, Report, Result, RunHandle
from opsrun.lab import Lab

pytestmark = pytest.mark.sshd

DOCS = Path(__file__).parents[2] / "docs"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
WITHOUT = {"Event", "__version__"}
"""A union of types, and a text: they have no docstring of their own."""


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Hosts that have nginx and systemctl, as far as examples ask them."""
    programs = tmp_path_factory.mktemp("programs") / "bin"
    make_programs(programs)
    options = (path_option(programs),)
    folder = tmp_path_factory.mktemp("examples")
    with Lab(folder, hosts=NAMES, server="sshd", sshd_options=options) as lab:
        yield lab


@pytest.fixture
def home(hosts: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that an example runs in."""
    settle(tmp_path, hosts)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# -- docstrings


def public() -> Iterator[tuple[str, Any]]:
    """Every public name, and every public method of the classes that are worked with."""
    for name in opsrun.__all__:
        if name not in WITHOUT:
            yield name, getattr(opsrun, name)
    for kind in (Fleet, OneHost, Report, Result, RunHandle):
        for name in dir(kind):
            member = inspect.getattr_static(kind, name)
            if not name.startswith("_") and not _is_plain(member):
                yield f"{kind.__name__}.{name}", getattr(kind, name)


def _is_plain(member: Any) -> bool:
    return not (callable(member) or isinstance(member, (property, classmethod)))


EVERYTHING = dict(public())


def test_every_public_name_has_a_docstring() -> None:
    assert len(EVERYTHING) > 80
    assert not [name for name, thing in EVERYTHING.items() if not inspect.getdoc(thing)]


def test_every_public_name_and_every_method_of_a_fleet_has_an_example() -> None:
    wanted = [*(set(opsrun.__all__) - WITHOUT), *(n for n in EVERYTHING if n.startswith("Fleet."))]
    without = [name for name in wanted if ">>>" not in (inspect.getdoc(EVERYTHING[name]) or "")]
    assert not without
    assert not [name for name, it in EVERYTHING.items() if "+SKIP" in (inspect.getdoc(it) or "")]


@pytest.mark.parametrize("name", ["opsrun", *EVERYTHING])
def test_examples_of_docstrings(name: str, home: Path) -> None:
    thing = opsrun if name == "opsrun" else EVERYTHING[name]
    source = at_home(inspect.getdoc(thing) or "", home)
    names = {"fleet": Fleet("inventories/lab.yml")}
    example = doctest.DocTestParser().get_doctest(source, names, name, None, None)
    told = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    runner.run(example, out=told.write)
    assert runner.failures == 0, told.getvalue()


# -- docs/api.md

REFERENCE = (DOCS / "api.md").read_text()


def test_the_reference_names_everything() -> None:
    text = re.sub(r"^```.*?^```$", "", REFERENCE, flags=re.M | re.S)
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", text))))
    assert not set(opsrun.__all__) - words
    assert not {name.partition(".")[2] for name in EVERYTHING if name.startswith("Fleet.")} - (
        words | {"begin", "begin_playbook", "with_options"}
    )


def test_the_examples_of_the_reference(home: Path) -> None:
    names: dict[str, Any] = {"__name__": "reference"}
    blocks = re.findall(r"^```python\n(.*?)^```$", REFERENCE, re.M | re.S)
    assert len(blocks) == 5
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        for block in blocks:
            exec(compile(block, "api.md", "exec"), names)
    for words in ("web01 ok 0 Filesystem", "web02 True", "app01\n", ": ok 3>", "db01 run 3"):
        assert words in said.getvalue()


# -- recipes


def recipes(text: str) -> list[tuple[str, str, str]]:
    """Title, code and output of each recipe."""
    found = []
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        title = part.splitlines()[0]
        blocks = re.findall(r"^```(\w+)\n(.*?)^```$", part, re.M | re.S)
        assert [kind for kind, _ in blocks] == ["python", "text"], title
        found.append((title, blocks[0][1], blocks[1][1]))
    return found


COOKBOOK = (DOCS / "cookbook.md").read_text()
RECIPES = recipes(COOKBOOK)


def test_there_are_twenty_recipes_and_more() -> None:
    assert len(RECIPES) >= 20
    assert [title.split(".")[0] for title, _, _ in RECIPES] == [
        str(number) for number in range(1, len(RECIPES) + 1)
    ]


@pytest.mark.parametrize(("title", "code", "wanted"), RECIPES, ids=[title for title, *_ in RECIPES])
def test_recipes(title: str, code: str, wanted: str, home: Path) -> None:
    if "pandas" in code:
        pytest.importorskip("pandas")
    head = re.findall(r"^```python\n(.*?)^```$", COOKBOOK, re.M | re.S)[0]
    with socket.create_server(("0.0.0.0", 0)) as database:
        code = code.replace("5432", str(database.getsockname()[1]))
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(head + at_home(code, home), title, "exec"), {"__name__": "recipe"})
    assert doctest.OutputChecker().check_output(wanted, said.getvalue(), FLAGS), said.getvalue()
