"""Which prompt is found in what comes, and what is typed; no terminal needed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.module_host import LocalController

from opsrun.modules.base import Context, ModuleError
from opsrun.modules.expecting.answering import WINDOW, Answerer, prompts_of
from opsrun.modules.expecting.expect import Expect
from opsrun.modules.expecting.opening import Opening
from opsrun.modules.options import OptionError, resolve
from opsrun.modules.requests import Converse


def answerer(**responses: object) -> Answerer:
    return Answerer(prompts_of(responses))


def test_the_first_in_the_output_is_answered_first() -> None:
    assert answerer(b="2", a="1").hear(b"a b") == b"1\n2\n"


def test_of_two_that_begin_together_the_first_written() -> None:
    reader = Answerer(prompts_of({"name": "short", "name again": "long"}))
    assert reader.hear(b"name again") == b"short\n"


def test_each_answer_of_a_list_is_given_once() -> None:
    reader = answerer(q=["1", "2"])
    assert (reader.hear(b"q"), reader.hear(b"q")) == (b"1\n", b"2\n")
    assert reader.hear(b"q") is None
    assert reader.exhausted == "q"


def test_one_answer_is_given_each_time() -> None:
    assert answerer(q="1").hear(b"qqq") == b"1\n" * 3


@pytest.mark.parametrize(
    ("answer", "typed"),
    [("a\n\n", b"a\n"), ("", b"\n"), (5, b"5\n"), (True, b"True\n"), ("\x03", b"\x03\n")],
)
def test_what_is_typed_is_one_line(answer: object, typed: bytes) -> None:
    assert answerer(q=answer).hear(b"q") == typed


def test_expressions_are_pythons() -> None:
    reader = Answerer(prompts_of({"(?i)pass.word": "x", "^start": "y", "é": "z"}))
    assert reader.hear("PASS\nword, start é".encode()) == b"x\nz\n"


def test_a_beginning_is_that_of_what_came_since_the_last_answer() -> None:
    reader = Answerer(prompts_of({"^a": "x"}))
    assert reader.hear(b"aa") == b"x\nx\n"
    assert reader.hear(b"ba") == b""
    assert reader.hear(b"." * (2 * WINDOW)) == b""
    assert reader.hear(b"a" * WINDOW) == b""


def test_the_end_of_much_output_is_looked_at() -> None:
    reader = answerer(name="x")
    for _ in range(20):
        assert reader.hear(b"." * WINDOW) == b""
    assert reader.hear(b"na") == b""
    assert reader.hear(b"me") == b"x\n"


def test_nothing_is_no_prompt() -> None:
    assert Answerer(prompts_of({"x*": "y"})).hear(b"ab") == b""


@given(st.lists(st.binary(max_size=9)), st.sets(st.integers(0, 200)))
def test_pieces_make_no_difference(noise: list[bytes], cuts: set[int]) -> None:
    whole = b"Name? ".join(each.replace(b"?", b"") for each in noise)
    reader = Answerer(prompts_of({r"Name\?": [str(number) for number in range(len(noise))]}))
    expected = b"".join(b"%d\n" % number for number in range(max(0, len(noise) - 1)))
    edges = [0, *sorted(each for each in cuts if each < len(whole)), len(whole)]
    pieces = [whole[a:b] for a, b in pairwise(edges)]
    assert b"".join(reader.hear(each) or b"" for each in pieces) == expected


@given(st.binary(max_size=40).filter(lambda noise: b"MARK" not in noise), st.integers(1, 60))
def test_what_comes_before_the_program_is_read_past(noise: bytes, size: int) -> None:
    heard: list[bytes] = []

    def hear(data: bytes) -> bytes:
        heard.append(data)
        return b"typed"

    opening = Opening("MARK", hear)
    whole = noise + b"MARK start 2020\r\nName? "
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    typed = [opening.hear(each) for each in pieces]
    assert (opening.code, opening.words, b"".join(heard)) == ("start", "2020", b"Name? ")
    assert opening.behind(whole) == b"Name? "
    assert typed[0] in (b"", b"typed")


def test_a_shell_that_greets_for_ever_is_left() -> None:
    opening = Opening("MARK", lambda data: b"")
    assert opening.hear(b"x" * 1024) == b""
    assert opening.hear(b"x" * 1024 * 1024) is None


def asked(tmp_path: object, **args: object) -> Converse:
    made = resolve(Expect, {"responses": {}, **args})
    request = made.steps(Context(LocalController(tmp_path))).send(None)  # type: ignore[arg-type]
    assert isinstance(request, Converse)
    return request


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("a 'b c' d\\ e", "a 'b c' 'd e'"),
        ('a "b\\" c', "a 'b\\' c"),
        ("a '' $x ~", "a '' '$x' '~'"),
        ("a # b", "a '#' b"),
        ("a\tb\nc", "a b c"),
    ],
)
def test_a_command_is_split_and_not_read_by_a_shell(
    tmp_path: object, command: str, words: str
) -> None:
    assert f"\nset -- {words}\n" in asked(tmp_path, command=command).script


def test_patience(tmp_path: object) -> None:
    assert asked(tmp_path, command="a").patience == 30
    assert asked(tmp_path, command="a", timeout=None).patience is None
    assert asked(tmp_path, command="a", timeout="7").patience == 7


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"responses": {"(": "x"}}, "'\\(' is no regular expression: missing \\)"),
        ({"responses": {"a": {"b": "c"}}}, "'a': expected text or a list of texts, found a dict"),
        ({"responses": {"a": [["b"]]}}, "'a': expected text or a list of texts, found a list"),
        ({"timeout": 0}, "timeout: expected seconds from 1 on"),
        ({"command": " "}, "no command given"),
        ({"command": "a 'b"}, "can't be split into words"),
    ],
)
def test_what_can_not_be_run(tmp_path: object, args: dict[str, object], words: str) -> None:
    with pytest.raises(ModuleError, match=words):
        asked(tmp_path, **{"command": "a", **args})


@pytest.mark.parametrize("args", [{"timeout": 0.5}, {"responses": 5}, {"respones": {}}])
def test_arguments_of_the_wrong_kind(tmp_path: object, args: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        asked(tmp_path, **{"command": "a", **args})
