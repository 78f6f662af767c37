"""What plugins import: stand-ins, files of collections, Python's own."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from opsrun.playbook.plugins import stand_ins
from opsrun.playbook.plugins.importing import Importer, MissingImport


@pytest.fixture
def importer(tmp_path: Path) -> Importer:
    return Importer(lambda name: [str(tmp_path / "c" / name.replace(".", "/"))])


def execute(importer: Importer, folder: Path, text: str, package: str = "") -> ModuleType:
    path = folder / "plugin.py"
    path.write_text(text)
    return importer.execute(str(path), f"{package}.plugin" if package else "plugin", package)


@pytest.mark.parametrize("name", [each for each in stand_ins.known() if "distutils" not in each])
def test_every_stand_in_can_be_imported(importer: Importer, tmp_path: Path, name: str) -> None:
    before = set(sys.modules)
    top = execute(importer, tmp_path, f"import {name}\nfrom {name} import *\nx = {name}")
    assert isinstance(top.x, ModuleType)
    assert not [each for each in set(sys.modules) - before if each.startswith("ansible")]


def test_names_of_a_module_and_modules_of_a_package(importer: Importer, tmp_path: Path) -> None:
    made = execute(
        importer,
        tmp_path,
        """
import ansible.utils as utils
import ansible.module_utils.common.text.converters
from ansible import errors, __version__
from ansible.errors import AnsibleFilterTypeError as Wrong
from ansible.module_utils.six.moves.urllib.parse import urlparse
from ansible.module_utils.six.moves import urllib
from ansible.module_utils.six.moves.urllib import parse
same = parse.urlparse is urlparse
text = ansible.module_utils.common.text.converters.to_text(b"a")
import json, os.path
""",
    )
    assert issubclass(made.Wrong, made.errors.AnsibleError)
    assert issubclass(made.Wrong, TypeError)
    assert (made.text, made.__version__, made.same) == ("a", "2.18.0", True)
    assert made.os.path.join("a", "b") == "a/b"


def test_imports_of_a_function_are_done_when_it_is_called(
    importer: Importer, tmp_path: Path
) -> None:
    text = (
        "def late():\n    from ansible.module_utils._text import to_bytes\n    return to_bytes('x')"
    )
    assert execute(importer, tmp_path, text).late() == b"x"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import ansible.executor.stats", "needs ansible.executor.stats, a part of"),
        ("from ansible.template import Templar", "needs ansible.template, a part of ansible-core"),
        ("from ansible.errors import AnsibleEror", "needs 'AnsibleEror' of ansible.errors"),
        ("from ansible.errors import AnsibleEror", "did you mean 'AnsibleError'?"),
        ("from . import x", "has no package around it"),
        ("import ansible_collections.n.c.plugins.x", "the collection n.c has no such file"),
    ],
)
def test_what_is_missing_is_named(
    importer: Importer, tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(MissingImport) as caught:
        execute(importer, tmp_path, text)
    assert words in str(caught.value)


def test_a_plugin_may_do_without(importer: Importer, tmp_path: Path) -> None:
    text = "try:\n    from ansible.parsing.vault import V\nexcept ImportError:\n    V = 0"
    assert execute(importer, tmp_path, text).V == 0


def test_an_ansible_that_is_installed_is_left_alone(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ModuleType("ansible")
    monkeypatch.setitem(sys.modules, "ansible", real)
    found = execute(importer, tmp_path, "import ansible\nfrom ansible import errors")
    assert found.ansible is not real
    assert not hasattr(real, "errors")
    import ansible  # type: ignore[import-not-found]

    assert ansible is real


def files_of_collection(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / "c/n/c" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_files_of_collections(importer: Importer, tmp_path: Path) -> None:
    files_of_collection(
        tmp_path,
        {
            "plugins/module_utils/a.py": "from ..plugin_utils.b import B\nA = B + 1",
            "plugins/plugin_utils/b.py": "B = 1",
            "plugins/plugin_utils/pack/__init__.py": "from .inner import I\nfrom . import inner",
            "plugins/plugin_utils/pack/inner.py": "I = 5",
        },
    )
    found: Any = execute(
        importer,
        tmp_path,
        """
from ansible_collections.n.c.plugins.module_utils import a
from ansible_collections.n.c.plugins.module_utils.a import A
from ansible_collections.n.c.plugins.plugin_utils.pack import I
from ..plugin_utils.b import B
import ansible_collections.n.c.plugins.plugin_utils.b as b
same = b.B == B
""",
        "ansible_collections.n.c.plugins.filter",
    )
    assert (found.A, found.a.A, found.I, found.B, found.same) == (2, 2, 5, 1, True)


def test_a_file_that_failed_is_tried_again(importer: Importer, tmp_path: Path) -> None:
    files_of_collection(tmp_path, {"plugins/module_utils/a.py": "1 / 0"})
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            execute(importer, tmp_path, "import ansible_collections.n.c.plugins.module_utils.a")


def test_what_a_plugin_prints_is_none_of_the_results(
    importer: Importer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "loud.py"
    path.write_text("print('read')\ndef f(): print('called', end='')\n")
    importer.execute(str(path), "loud").f()
    out, err = capsys.readouterr()
    assert (out, err) == ("", "read\ncalled")
