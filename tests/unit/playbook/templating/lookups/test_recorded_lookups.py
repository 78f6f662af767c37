"""What lookups give, against recordings of what ansible-core 2.18 gave beside the same files."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from opsrun.dialect.origin import NOWHERE
from opsrun.dialect.tags import Template, trusted
from opsrun.errors import TemplateError, UndefinedVariable
from opsrun.playbook.templating.library import Library, LookupContext
from opsrun.playbook.templating.templar import Templar

RECORDED = json.loads((Path(__file__).parent / "recorded.json").read_text())


class Beside:
    """A playbook's folder with the recordings' files."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        for name, text in RECORDED["files"].items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def searched(self, name: str, folder: str) -> Sequence[str]:
        return [os.path.join(self.folder, folder, name), os.path.join(self.folder, name)]

    def find(self, name: str, folder: str) -> str | None:
        return next((path for path in self.searched(name, folder) if os.path.exists(path)), None)

    def evaluate(self, expression: str) -> Any:
        run = LookupContext(
            basedir=self.folder,
            find=self.find,
            searched=self.searched,
            hosts=lambda pattern: ["localhost"] if pattern == "all" else [],
        )
        known = {name: trusted(value, NOWHERE) for name, value in RECORDED["variables"].items()}
        known |= {"playbook_dir": self.folder, "inventory_hostname": "localhost"}
        found = Templar(known, Library.standard(), run).render(Template(f"{{{{ {expression} }}}}"))
        return json.loads(json.dumps(found).replace(self.folder, "@DIR@"))


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Beside:
    monkeypatch.setenv("OWN_ENV", "own {{ x }}")
    monkeypatch.delenv("NOSUCHENV", raising=False)
    return Beside(tmp_path)


def test_gives_what_was_recorded(beside: Beside) -> None:
    wrong = []
    for expression, works, *value in RECORDED["rows"]:
        try:
            found = beside.evaluate(expression)
        except TemplateError as error:
            if works:
                wrong.append((expression, str(error)))
            continue
        if not works or repr(found) != repr(value[0]):
            wrong.append((expression, found))
    assert wrong == []


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # What a program prints, a file or the environment holds, is data.
        ("""lookup('pipe', 'echo "{{ x }}"')""", "{{ x }}"),
        ("lookup('file', 'a.txt', lstrip=true)", "hello {{ x }}"),
        ("lookup('env', 'OWN_ENV')", "own {{ x }}"),
        # As many as were asked for, backwards too.
        ("query('sequence', 'count=2 stride=-1')", ["1", "0"]),
        ("query('sequence', start=1, end=3, format='h%d')", ["h1", "h2", "h3"]),
        # Values keep their types.
        ("lookup('vars', 'tpl')", 1),
        # Without a task that says which folder, all of a role's are searched.
        ("lookup('first_found', 'tonly') | basename", "tonly"),
        ("query('first_found', 'tonly', _folder='files', skip=true)", []),
        ("query('flattened', [1, [2, [none, 'null', 3]]])", [1, 2, 3]),
    ],
)
def test_differs_on_purpose(beside: Beside, expression: str, expected: Any) -> None:
    assert beside.evaluate(expression) == expected


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("lookup('file', 'nosuch')", "searched: .*files/nosuch"),
        ("lookup('pipe', 'echo why >&2; exit 3')", "status 3: why"),
        ("lookup('first_found', 'x1', 'x2')", "x1, x2"),
        ("lookup('first_found', {'file': ['a']})", "files"),
        ("lookup('ini', 'a', section='globl', file='x.ini')", "global"),
        ("lookup('password', '/dev/null lenght=5')", "length"),
        ("query('sequence', '1-x')", "start=1 end=5"),
        ("query('subelements', users, 'kyes')", "keys"),
        ("lookup('url', 'file:///etc/passwd')", "expected http"),
        ("lookup('url', 'http://127.0.0.1:1/', validate_cert=false)", "validate_certs"),
    ],
)
def test_says_what_was_expected(beside: Beside, expression: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        beside.evaluate(expression)


def test_a_variable_that_is_not_there_can_have_a_default(beside: Beside) -> None:
    with pytest.raises(UndefinedVariable):
        beside.evaluate("lookup('vars', 'nosuch')")
    assert beside.evaluate("lookup('vars', 'nosuch', default='x')") == "x"
