"""What a playbook asks at a terminal: --step, vars_prompt, pause; and Ctrl-C while it asks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from support.typing_at import Terminal, typing_at

CTRL_C = "\x03"
TASKS = """
- hosts: all
  gather_facts: false
  tasks:
    - name: first
      copy: {content: x, dest: "{{ here }}/first"}
    - name: second
      copy: {content: x, dest: "{{ here }}/second"}
    - name: third
      copy: {content: x, dest: "{{ here }}/third"}
    - name: fourth
      copy: {content: x, dest: "{{ here }}/fourth"}
"""
PROMPT = """
- hosts: all
  gather_facts: false
  vars_prompt:
    - {name: shown, prompt: Who, private: false, %s}
    - {name: hidden, prompt: Secret, confirm: true}
  tasks:
    - debug: msg="{{ shown }} has {{ hidden | length }} letters"
- hosts: all
  gather_facts: false
  tasks:
    - copy: {content: x, dest: "{{ here }}/later"}
"""
PAUSE = """
- hosts: all
  gather_facts: false
  tasks:
    - pause: {prompt: Go on%s}
      register: said
    - copy: {content: "{{ said.user_input | default('-') }}", dest: "{{ here }}/later"}
- hosts: all
  gather_facts: false
  tasks:
    - copy: {content: x, dest: "{{ here }}/last"}
"""
Play = Callable[..., AbstractContextManager[Terminal]]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    def begin(text: str, *words: str) -> AbstractContextManager[Terminal]:
        (tmp_path / "site.yml").write_text(text)
        known = ["-i", "h1,h2,", "-c", "local", "-e", f"here={tmp_path}"]
        return typing_at("playbook", *known, *words, tmp_path / "site.yml")

    return begin


def test_step(play: Play, tmp_path: Path) -> None:
    with play(TASKS, "--step") as terminal:
        for name, key in (("first", "y\r"), ("second", "n\r"), ("third", "c\r")):
            terminal.wait_for(f"{name}? [y]es")
            terminal.type(key)
        assert terminal.status() == 0
    made = [name for name in ("first", "second", "third", "fourth") if (tmp_path / name).exists()]
    assert made == ["first", "third", "fourth"]


def test_an_interrupt_at_a_step_does_no_task(play: Play, tmp_path: Path) -> None:
    with play(TASKS, "--step") as terminal:
        terminal.wait_for("first? [y]es")
        terminal.type("y\r")
        terminal.wait_for("second? [y]es")
        terminal.type(CTRL_C)
        assert terminal.status() == 130
    assert (tmp_path / "first").exists()
    assert not [name for name in ("second", "third", "fourth") if (tmp_path / name).exists()]


def test_prompts(play: Play) -> None:
    with play(PROMPT % "default: me") as terminal:
        terminal.wait_for("Who [me]: ")
        assert terminal.echoes()
        terminal.type("\r")
        terminal.wait_for("Secret: ")
        assert not terminal.echoes()
        terminal.type("abc\r")
        terminal.wait_for("confirm Secret: ")
        terminal.type("abd\r")
        terminal.wait_for("Secret: ")
        terminal.type("four\r")
        terminal.wait_for("confirm Secret: ")
        terminal.type("four\r")
        shown = terminal.wait_for("me has 4 letters")
        assert "four" not in shown.replace("fourth", "")
        assert terminal.status() == 0


@pytest.mark.parametrize("default", ["default: me", "salt_size: 8"])
def test_an_interrupt_at_a_prompt_ends_the_run(play: Play, tmp_path: Path, default: str) -> None:
    with play(PROMPT % default) as terminal:
        terminal.wait_for("Who")
        terminal.type(CTRL_C)
        assert terminal.status() == 130
        assert "nobody is there" not in terminal.seen
    assert not (tmp_path / "later").exists()


@pytest.mark.parametrize("more", ["", ", echo: false"])
def test_pause_gets_what_is_typed(play: Play, tmp_path: Path, more: str) -> None:
    with play(PAUSE % more, "-l", "h1") as terminal:
        terminal.wait_for("Go on: ")
        assert terminal.echoes() is not bool(more)
        terminal.type("word\r")
        assert terminal.status() == 0
    assert (tmp_path / "later").read_text() == "word"


@pytest.mark.parametrize("more", ["", ", seconds: 600"])
def test_an_interrupt_in_a_pause_ends_the_run(play: Play, tmp_path: Path, more: str) -> None:
    with play(PAUSE % more) as terminal:
        terminal.wait_for("pause" if more else "Go on: ")
        terminal.type(CTRL_C)
        assert terminal.status() == 130
    assert not (tmp_path / "later").exists()
    assert not (tmp_path / "last").exists()


def test_the_end_of_what_is_typed_at_a_pause_goes_on(play: Play, tmp_path: Path) -> None:
    with play(PAUSE % "") as terminal:
        terminal.wait_for("Go on: ")
        terminal.type("\x04")
        assert terminal.status() == 0
    assert (tmp_path / "later").read_text() in ("", "-")


HASHED = """
- hosts: h1
  gather_facts: false
  vars_prompt:
    - {name: word, prompt: Secret, encrypt: %s, salt: abcdefgh}
  tasks:
    - assert:
        that: word == "opensesame" | password_hash("sha512", "abcdefgh")
"""


def test_what_is_typed_is_hashed(play: Play) -> None:
    with play(HASHED % "sha512_crypt") as terminal:
        terminal.wait_for("Secret: ")
        terminal.type("opensesame\r")
        assert terminal.status() == 0


def test_an_algorithm_that_there_is_not_is_told_before_anybody_types(play: Play) -> None:
    with play(HASHED % "sha513") as terminal:
        terminal.wait_for("did you mean 'sha512'?")
        assert terminal.status() != 0
