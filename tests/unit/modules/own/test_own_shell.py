"""Modules in sh: their headers, what they say, and that they bring about what they check."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.module_host import ModuleHost, module_host

from opsrun.modules.base import Context, Module
from opsrun.modules.driver import drive
from opsrun.modules.options import OptionError, resolve, spec
from opsrun.modules.own.header import HeaderError
from opsrun.modules.own.shell import read_said, shell_class

LINE = """\
#!/bin/sh
# opsrun module
# description: A file of one text.
# options:
#   path: {type: path, required: true}
#   text: {type: str, no_log: true}
#   state: {choices: [present, absent], default: present}
#   words: {type: list, elements: str}
#   loud: {type: bool, default: false}
# required_if:
#   - [state, present, [text]]

inspect() {
  now=$(cat "$path" 2>/dev/null)
  result words "${words-none}"
  result loud "$loud"
  case $state in
    present) [ "$now" = "$text" ] || { diff "$now" "$text"; return 1; } ;;
    absent) [ ! -e "$path" ] ;;
  esac
}
apply() {
  case $state in
    present) printf '%s\\n' "$text" >"$path" ;;
    absent) rm -f "$path" ;;
  esac
}
"""


@pytest.fixture(
    params=["dash", "bash --posix", "busybox ash", "mksh"], ids=lambda name: name.split()[0]
)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ModuleHost]:
    with module_host(tmp_path, shell=request.param) as made:
        yield made


@pytest.fixture
def sh(tmp_path: Path) -> Iterator[ModuleHost]:
    with module_host(tmp_path) as made:
        yield made


def made(text: str, name: str = "own") -> type[Module]:
    return shell_class(name, f"library/{name}.sh", text.encode())


def run(
    host: ModuleHost, text: str, args: dict[str, Any] | None = None, *, check: bool = False
) -> dict[str, Any]:
    module = resolve(made(text), args or {})
    context = Context(host.controller, check=check, diff=True, host="here")
    return drive(module, context, host.hands).to_dict()


def test_it_is_applied_once(host: ModuleHost, tmp_path: Path) -> None:
    args = {"path": str(tmp_path / "a"), "text": "it's $HOME\n  two"}
    wanted = {"before": "", "after": "it's $HOME\n  two\n"}
    first = run(host, LINE, args)
    assert (first["changed"], first["diff"]) == (True, [wanted])
    assert (tmp_path / "a").read_text() == "it's $HOME\n  two\n"
    assert run(host, LINE, args) == {"changed": False, "words": "none", "loud": "false"}


def test_check_mode_says_it_and_leaves_it(sh: ModuleHost, tmp_path: Path) -> None:
    args = {"path": str(tmp_path / "a"), "text": "x"}
    assert run(sh, LINE, args, check=True)["changed"]
    assert not (tmp_path / "a").exists()


def test_values_as_the_shell_sees_them(sh: ModuleHost, tmp_path: Path) -> None:
    args = {"path": str(tmp_path / "a"), "text": "x", "words": ["a b", "c"], "loud": "yes"}
    found = run(sh, LINE, args)
    assert (found["words"], found["loud"]) == ("a b\nc", "true")


def test_an_element_of_two_lines_is_refused(sh: ModuleHost, tmp_path: Path) -> None:
    found = run(sh, LINE, {"path": str(tmp_path / "a"), "text": "x", "words": ["a\nb"]})
    assert found["failed"]
    assert "words" in found["msg"]


def test_its_options_are_checked_before_it_is_sent() -> None:
    kind = made(LINE)
    assert [each.name for each in spec(kind).options] == ["path", "text", "state", "words", "loud"]
    assert kind.__doc__ == "A file of one text."
    for args, words in (
        ({}, "needs 'path'"),
        ({"path": "/a", "state": "gone"}, "expected one of present, absent"),
        ({"path": "/a"}, "needs text"),
        ({"pth": "/a"}, "did you mean 'path'"),
    ):
        with pytest.raises(OptionError, match=words):
            resolve(kind, args)


def test_apply_that_does_nothing_has_failed(sh: ModuleHost) -> None:
    text = "# opsrun module\ninspect() { return 1; }\napply() { :; }\n"
    found = run(sh, text)
    assert found["failed"]
    assert "still finds something to do" in found["msg"]


@pytest.mark.parametrize(
    ("inspect", "apply", "words"),
    [
        ("echo why >&2; return 5", ":", "inspect: why"),
        ("return 1", "echo no >&2; return 3", "apply: no"),
        ("return 1", "exit 0", "apply"),
        ("fail that is so", ":", "that is so"),
        ("return 1", "fail that is not so", "that is not so"),
        ("nosuchprogram", ":", "nosuchprogram"),
    ],
)
def test_what_can_not_be_done_fails(sh: ModuleHost, inspect: str, apply: str, words: str) -> None:
    found = run(sh, f"# opsrun module\ninspect() {{ {inspect}; }}\napply() {{ {apply}; }}\n")
    assert found["failed"]
    assert words in found["msg"]


def test_lines_alone(sh: ModuleHost, tmp_path: Path) -> None:
    text = "# opsrun module\necho out\necho err >&2\nresult a b\nfact f g\nwarn h i\nchanged\n"
    found = run(sh, text)
    assert found == {
        "changed": True,
        "stdout": "out\n",
        "stderr": "err\n",
        "a": "b",
        "ansible_facts": {"f": "g"},
        "warnings": ["h i"],
    }
    assert run(sh, text, check=True)["skipped"]


def test_lines_that_know_check_mode(sh: ModuleHost) -> None:
    text = "# opsrun module\n# check_mode: true\nresult check $opsrun_check\n"
    assert run(sh, text, check=True)["check"] == "1"
    assert run(sh, text)["check"] == "0"


def test_what_programs_print_is_no_word_of_the_modules(sh: ModuleHost) -> None:
    text = "# opsrun module\nprintf '\\nabc changed\\n\\nabc .\\n'\n"
    assert run(sh, text) == {"changed": False, "stdout": "\nabc changed\n\nabc .\n"}


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b"]), st.text(st.characters(exclude_categories=["Cs"])))
    ),
    st.binary(max_size=40),
)
def test_frames_are_read_back(said: list[tuple[str, str]], between: bytes) -> None:
    mark = "0123456789abcdef"
    output = between
    for key, value in said:
        output += f"\n{mark} result {key}\n{value}\n{mark} .\n".encode() + between
    found = read_said(output, mark)
    assert found.output == between * (len(said) + 1)
    assert found.results == dict(said)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# opsrun module\n# opsions:\n", r"own.sh:2:\d+: .*did you mean 'options'"),
        ("# opsrun module\n# options:\n#   a: {typ: str}\n", r":3:\d+: .*did you mean 'type'"),
        (
            "# opsrun module\n# options:\n#   a: {type: sring}\n",
            r":3:\d+: .*did you mean 'string'|str",
        ),
        ("# opsrun module\n# options:\n#   A-b: {}\n", r":3:\d+: 'A-b' can be no option"),
        ("# opsrun module\n# options:\n#   fail: {}\n", r":3:\d+: 'fail' can be no option"),
        ("# opsrun module\n# options: [a]\n", r":2:\d+: options: expected names"),
        ("# opsrun module\n# options: {a: 1}\n", r":2:\d+: a: expected a mapping"),
        ("# opsrun module\n# required_together: [[a]]\n", r":2:\d+: .*no option 'a'"),
        ("# opsrun module\n# required_if: [[a]]\n", r":2:\d+: required_if: expected rows"),
        ("# opsrun module\n# options:\n#  a: {type: int, default: x}\n", r":3:\d+: a: default"),
        ("# opsrun module\n# options:\n#  a: {choices: [b], default: c}\n", "none of its choices"),
        ("# opsrun module\n# a: [\n\n", r"own.sh:\d+:\d+:"),
        ("# opsrun module\n# hello\n", "expected the header's keys"),
        ("#!/bin/bash\n# opsrun module\n", ":1: the first line asks for bash"),
        ("# opsrun module\ninspect() { :; }\n", "a function inspect, and no apply"),
        ("# opsrun module\napply() { :; }\n", "a function apply, and no inspect"),
    ],
)
def test_headers_that_can_not_be_used(text: str, words: str) -> None:
    with pytest.raises(HeaderError, match=words):
        made(text)


def test_a_file_that_is_no_text() -> None:
    with pytest.raises(HeaderError, match="expected UTF-8"):
        shell_class("own", "own.sh", b"# opsrun module\n\xff")


def test_the_example_of_the_documentation(sh: ModuleHost, tmp_path: Path) -> None:
    page = (Path(__file__).parents[4] / "docs" / "modules.md").read_text(encoding="utf-8")
    text = page.partition("```sh\n")[2].partition("```\n")[0]
    args = {"path": str(tmp_path / "a"), "text": "hello"}
    assert run(sh, text, args)["changed"]
    assert not run(sh, text, args)["changed"]
    assert run(sh, text, {**args, "state": "absent"})["changed"]
    assert not (tmp_path / "a").exists()
