"""Filters, tests and lookups beside playbooks, in roles and collections, as templates call them.

Which of them are seen is recorded from ansible-core 2.18 in the conformance case ``plugins``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.playruns import Ran, run, tasks

from opsrun.composition.playbooks.options import PlaybookOptions

Play = Callable[..., Ran]
HEAD = "class FilterModule:\n    def filters(self):\n        return "
LOOKUP = "from ansible.plugins.lookup import LookupBase\nclass LookupModule(LookupBase):\n"


@pytest.fixture
def play(tmp_path: Path) -> Play:
    def carry_out(files: dict[str, str], *expressions: str, **more: Any) -> Ran:
        lines = [
            f'{{name: {name}, ignore_errors: true, debug: {{msg: "{{{{ {each} }}}}"}}}}'
            for name, each in zip("abcdefghij", expressions, strict=False)
        ]
        return run(tmp_path, {**files, "site.yml": tasks(*lines)}, **more)

    return carry_out


def filters(text: str) -> dict[str, str]:
    return {"filter_plugins/own.py": text}


def test_results_are_data_and_arguments_plain(play: Play) -> None:
    text = (
        HEAD + "{'braces': lambda v: '{{ 1 + 1 }}', 'kinds': lambda v: [type(v).__name__, "
        "type(v['k']).__name__, type(v['k'][0]).__name__], 'gen': lambda v: (i for i in v)}"
    )
    ran = play(filters(text), "1 | braces", "{'k': ['{{ x }}']} | kinds", "[1, 2] | gen")
    assert ran.msg("a") == "{{ 1 + 1 }}"
    assert ran.msg("b") == ["dict", "list", "str"]
    assert ran.msg("c") == [1, 2]


def test_an_error_names_the_plugins_line(play: Play, tmp_path: Path) -> None:
    text = (
        "from ansible.errors import AnsibleFilterError\ndef bad(v):\n    raise AnsibleFilterError("
        "'no ' + v)\ndef worse(v):\n    return {}['k']\n" + HEAD + "{'bad': bad, 'worse': worse}"
    )
    ran = play(filters(text), "'way' | bad", "1 | worse", "undefd | bad", "'x' | bad(1, 2)")
    path = tmp_path / "filter_plugins" / "own.py"
    assert f"{path}:3: no way" in ran.msg("a")
    assert f"{path}:5: KeyError: 'k'" in ran.msg("b")
    assert "'undefd' is undefined" in ran.msg("c")
    assert f"{path}: TypeError: bad() takes 1 positional argument but 3 were given" in ran.msg("d")
    assert not [each for each in ran.notices if "Traceback" in each]


def test_a_plugin_that_exits_fails_its_task_alone(play: Play, tmp_path: Path) -> None:
    text = "import sys\ndef leave(v):\n    sys.exit(v)\n" + HEAD + "{'leave': leave}"
    ran = play(filters(text), "'done' | leave", "'next'")
    assert f"{tmp_path}/filter_plugins/own.py:3: SystemExit: done" in ran.msg("a")
    assert ran.msg("b") == "next"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import ansible.executor", "line 1: needs ansible.executor, a part of ansible-core"),
        ("import no_such_thing", "line 1: ModuleNotFoundError: No module named 'no_such_thing'"),
        ("x = (", "line 1: '(' was never closed"),
        ("x = 1", "there is no class FilterModule in it"),
        ("class FilterModule:\n    pass", "AttributeError"),
        (HEAD + "5", "FilterModule.filters() gives no dictionary"),
        ("import sys\nsys.exit(0)", "line 2: SystemExit: 0"),
        (HEAD + "exit()", "line 3: SystemExit"),
        (HEAD + "1 / 0", "line 3: ZeroDivisionError: division by zero"),
    ],
)
def test_a_file_that_cant_be_used_is_warned_of_and_told_again_where_it_matters(
    play: Play, text: str, words: str
) -> None:
    ran = play(filters(text), "1 | wanted", "'a' | upper")
    assert [each for each in ran.notices if words in each and "own.py" in each]
    assert "there is no filter 'wanted'" in ran.msg("a")
    assert words in ran.msg("a")
    assert ran.msg("b") == "A"


def test_nothing_is_read_before_a_template_needs_it(play: Play) -> None:
    text = "raise SystemError('was read')\n"
    assert play(filters(text), "1 + 1").notices == []
    assert [each for each in play(filters(text), "1 | abs").notices if "was read" in each]


def test_the_nearest_name_may_be_a_plugins(play: Play) -> None:
    ran = play(filters(HEAD + "{'frobnicate': str}"), "1 | frobnicat")
    assert "did you mean 'frobnicate'?" in ran.msg("a")


def test_jinjas_marks_hold(play: Play) -> None:
    text = (
        "from jinja2 import pass_context, pass_environment\n@pass_context\ndef ctx(c, v):\n"
        "    return c['inventory_hostname'] + v\n@pass_environment\ndef env(e, v):\n"
        "    return 'trim_blocks' in dir(e)\n" + HEAD + "{'ctx': ctx, 'env': env}"
    )
    ran = play(filters(text), "'!' | ctx", "1 | env", "['!'] | map('ctx') | list")
    assert [ran.msg(each) for each in "abc"] == ["h1!", True, ["h1!"]]


def test_a_warning_of_a_plugins_is_one_of_the_runs(play: Play) -> None:
    text = (
        "from ansible.utils.display import Display\ndisplay = Display()\ndef w(v):\n"
        "    display.warning('mind ' + v)\n    return v\n" + HEAD + "{'w': w}"
    )
    ran = play(filters(text), "'this' | w")
    assert [each for each in ran.notices if each == "mind this"]


def test_further_folders(play: Play, tmp_path: Path) -> None:
    files = {"more/x.py": HEAD + "{'more': lambda v: 'm', 'both': lambda v: 'more'}"}
    files |= filters(HEAD + "{'both': lambda v: 'own'}")
    options = PlaybookOptions(plugin_folders={"filter": (str(tmp_path / "more"),)})
    ran = play(files, "1 | more", "1 | both", options=options)
    assert [ran.msg("a"), ran.msg("b")] == ["m", "own"]


def test_lookups(play: Play) -> None:
    documented = (
        'DOCUMENTATION = """\noptions:\n  size: {type: int, default: 3, env: [{name: OWN_SIZE}], '
        'vars: [{name: own_size}]}\n"""\n'
    )
    files = {
        "lookup_plugins/own.py": documented
        + LOOKUP
        + "    def run(self, terms, variables=None, **kwargs):\n"
        "        self.set_options(var_options=variables, direct=kwargs)\n"
        "        return [t * self.get_option('size') for t in terms]\n",
        "lookup_plugins/found.py": LOOKUP + "    def run(self, terms, variables, **kwargs):\n"
        "        return [self.find_file_in_search_path(variables, 'files', t) for t in terms]\n",
        "lookup_plugins/bare.py": "class LookupModule:\n    def __init__(self, **more): pass\n"
        "    def run(self, terms, inject=None, **kwargs):\n        return tuple(terms)\n",
        "files/here.txt": "x",
    }
    ran = play(
        files,
        "lookup('own', 'a')",
        "lookup('own', 'a', size='2')",
        "lookup('found', 'here.txt') | basename",
        "lookup('found', 'nowhere.txt')",
        "query('bare', 1, 2)",
        "lookup('own', 'a', size='many')",
    )
    assert [ran.msg(each) for each in "abce"] == ["aaa", "aa", "here.txt", [1, 2]]
    assert "no file 'nowhere.txt'; looked for" in ran.msg("d")
    assert "expected a whole number, found 'many'" in ran.msg("f")


def collection(files: dict[str, str]) -> dict[str, str]:
    base = "collections/ansible_collections/n/c"
    return {f"{base}/{name}": text for name, text in files.items()}


def test_what_a_collection_hasnt_is_told_with_where_it_is(play: Play) -> None:
    files = collection({"plugins/filter/x.py": HEAD + "{'x': str}"})
    files["requirements.yml"] = "collections: [{name: q.r, version: '>=2'}]\n"
    ran = play(files, "1 | n.c.nope", "1 | q.r.nope", "1 | q.s.nope", "1 | n.c.x")
    assert "the collection n.c is at " in ran.msg("a")
    assert "requirements.yml lists it (version >=2)" in ran.msg("b")
    assert "ansible-galaxy collection install -r " in ran.msg("b")
    assert "there is no collection q.s in " in ran.msg("c")
    assert ran.msg("d") == "1"


def test_redirects_lead_to_what_opsrun_has_and_end_in_circles(play: Play) -> None:
    runtime = (
        "plugin_routing:\n  filter:\n    up: {redirect: ansible.builtin.upper}\n"
        "    one: {redirect: n.c.two}\n    two: {redirect: n.c.one}\n"
        "    gone: {tombstone: {warning_text: use other}}\n    bad: 5\n"
    )
    ran = play(
        collection({"meta/runtime.yml": runtime}),
        "'a' | n.c.up",
        "1 | n.c.one",
        "1 | n.c.gone",
        "1 | n.c.bad",
    )
    assert ran.msg("a") == "A"
    assert "there is no filter 'n.c.one'" in ran.msg("b")
    assert "'n.c.gone' was removed from its collection: use other" in ran.msg("c")
    assert "there is no filter 'n.c.bad'" in ran.msg("d")
