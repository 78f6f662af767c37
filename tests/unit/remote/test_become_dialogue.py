"""What is said to sudo, su and doas, and what is made of their answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.engines import make_engine

from opsrun.errors import BecomeError, ConnectionFailed
from opsrun.remote.become import BecomeConnection, BecomeSpec
from opsrun.remote.become_dialogue import LONGEST, Dialogue
from opsrun.remote.become_script import Marks, start_script
from opsrun.remote.session import Session
from opsrun.secret import Secret
from opsrun.transports.pipe import PipeConnection

PASSWORD = "pässword '\"$x"
SECRET = Secret(PASSWORD)

# Asks as sudo does, with the prompt that it was given, and runs what stands behind the dashes.
SUDO = r"""
prompt=
while [ $# -gt 0 ]; do
  case $1 in
  -p) prompt=$2; shift 2 ;;
  -u) shift 2 ;;
  --) shift; break ;;
  *) shift ;;
  esac
done
ask() { printf '%s' "$prompt" >&2; IFS= read -r answer; printf '%s\n' "$answer" >>"$LOG"; }
"""
Fake = Callable[..., Session]


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    """Makes a session through a method that is a script of the test's."""
    engine = make_engine()
    connection = PipeConnection(("/bin/sh", "-c"), "here", engine)
    (tmp_path / "answers").touch()
    os.environ["LOG"] = str(tmp_path / "answers")

    def make(method: str, body: str, **spec: object) -> Session:
        program = tmp_path / method
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
        known = {"password": SECRET, "user": "other", "timeout": 5.0} | spec
        become = BecomeSpec(method, exe=str(program), **known)  # type: ignore[arg-type]
        return Session(BecomeConnection(connection, become, engine.now, "here"), engine.now)

    yield make
    connection.close()


def answers(tmp_path: Path) -> list[str]:
    return (tmp_path / "answers").read_text().splitlines()


def test_one_question_one_answer(fake: Fake, tmp_path: Path) -> None:
    session = fake("sudo", SUDO + 'ask; exec "$@"')
    assert session.run("echo in; echo err >&2", 60.0).stdout == b"in\n"
    assert answers(tmp_path) == [PASSWORD]
    session.close()


@pytest.mark.parametrize(
    "noise",
    [
        "printf '[sudo] password for alice: ' >&2; IFS= read -r x",
        "echo '[sudo] password for alice:'; echo 'Password: '",
        "printf 'Password: ' >&2",
    ],
)
def test_other_prompts_are_never_answered(fake: Fake, tmp_path: Path, noise: str) -> None:
    session = fake("sudo", f'{SUDO}{noise}; printf "%s\\n" "$x" >>"$LOG"; exit 1', timeout=0.5)
    with pytest.raises(BecomeError):
        session.run("true", 60.0)
    assert PASSWORD not in "".join(answers(tmp_path))


def test_a_prompt_in_the_output_of_a_script_is_output(fake: Fake, tmp_path: Path) -> None:
    session = fake("sudo", SUDO + 'echo "$prompt" >"$LOG.prompt"; ask; exec "$@"')
    ended = session.run('cat "$LOG.prompt" >&2; cat "$LOG.prompt"; read x; echo "got $x"', 60.0)
    assert ended.stdout.endswith(b"got \n")
    assert answers(tmp_path) == [PASSWORD]
    session.close()


def test_a_second_question_is_a_wrong_password(fake: Fake, tmp_path: Path) -> None:
    session = fake("sudo", SUDO + "ask; echo 'Sorry, try again.' >&2; ask; ask; exit 1")
    with pytest.raises(BecomeError, match="wrong password for sudo"):
        session.run("true", 60.0)
    assert [line for line in answers(tmp_path) if line] == [PASSWORD]


def test_a_method_that_never_answers_has_a_deadline(fake: Fake) -> None:
    session = fake("sudo", "echo 'Verification code: ' >&2; exec sleep 600", timeout=0.3)
    with pytest.raises(BecomeError, match=r"within 0\.3 s; its last words: Verification code:"):
        session.run("true", 60.0)


def test_a_command_line_that_is_repeated_in_an_error_says_nothing(fake: Fake) -> None:
    session = fake("sudo", 'echo "not allowed to execute $*"; echo "$*" >&2; exit 1')
    with pytest.raises(BecomeError, match="sudoers doesn't allow the login user a shell as other"):
        session.run("true", 60.0)


def test_a_method_without_end_of_words_is_cut_off(fake: Fake) -> None:
    session = fake("sudo", "while :; do echo more >&2; done")
    with pytest.raises(BecomeError, match="says too much"):
        session.run("true", 60.0)


def test_nothing_ran_when_the_dialogue_broke_off(fake: Fake, tmp_path: Path) -> None:
    # The shell is there, but can't be told to go on: its input is at its end. Whether it has ended
    # before it was told, or after, is a matter of luck.
    session = fake("sudo", SUDO + '"$@" </dev/null')
    with pytest.raises((ConnectionFailed, BecomeError), match=r"is cut off|exit status 126"):
        session.run(f": >{tmp_path}/ran", 60.0)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("method", "says", "status", "message"),
    [
        ("sudo", "sudo: a password is required", 1, "sudo needs a password"),
        ("sudo", "sudo: no tty present and no askpass program", 1, "sudo wants a terminal"),
        ("sudo", "alice is not in the sudoers file.", 1, "not in the sudoers file"),
        ("sudo", "sudo: unknown user other", 1, "there is no user other"),
        ("sudo", 'sudo: The "no new privileges" flag is set', 1, "can't gain privileges"),
        ("sudo", "sudo: something new", 7, "ended with exit status 7: sudo: something new"),
        ("su", "su: must be run from a terminal", 1, "su wants a terminal"),
        ("su", "su: user other does not exist", 1, "there is no user other"),
        ("su", "su: Permission denied", 1, "su doesn't allow the login user to become other"),
        ("su", "su: Authentication failure", 1, "su doesn't allow the login user"),
        ("doas", "doas: Authentication required", 1, "doas needs a password"),
        ("doas", "doas: Operation not permitted", 1, "doas.conf doesn't allow"),
        ("doas", "doas: unknown user", 1, "there is no user other"),
    ],
)
def test_words_are_understood(
    fake: Fake, method: str, says: str, status: int, message: str
) -> None:
    session = fake(method, f"echo '{says}' >&2; exit {status}")
    with pytest.raises(BecomeError, match=message) as caught:
        session.run("true", 60.0)
    assert (caught.value.host, caught.value.phase) == ("here", "become")


def test_doas_that_asks_nothing(fake: Fake) -> None:
    session = fake("doas", '[ "$1 $2 $3" = "-n -u other" ] || exit 9; shift 3; exec "$@"')
    assert session.run("echo in", 60.0).stdout == b"in\n"
    session.close()


def test_su_is_answered_after_its_own_prompt_alone(fake: Fake, tmp_path: Path) -> None:
    body = 'printf "Password: " >&2; IFS= read -r a; echo "$a" >>"$LOG"; shift; exec sh "$@"'
    session = fake("su", body)
    assert session.run("echo in", 60.0).stdout == b"in\n"
    assert answers(tmp_path) == [PASSWORD]
    session.close()


def test_the_password_is_in_no_script() -> None:
    for method in ("sudo", "su", "doas"):
        script = start_script(BecomeSpec(method, password=SECRET), Marks(), "id")  # type: ignore[arg-type]
        assert PASSWORD not in script
        assert "pässword" not in script


def test_no_mark_stands_in_a_script_as_it_is_said() -> None:
    marks = Marks()
    for flags in (None, ("-i",)):
        script = start_script(BecomeSpec(flags=flags, password=SECRET), marks, "id")
        for mark in (marks.outer, marks.inner, marks.go):
            assert mark not in script


pieces = st.sampled_from([b"Password: ", b"[sudo] password for x: ", b"\n", b"lecture", b"\xff\0"])


@given(st.lists(pieces, max_size=8), st.booleans())
def test_the_answer_is_the_same_however_the_words_are_cut(noise: list[bytes], asks: bool) -> None:
    marks = Marks()
    spec = BecomeSpec(password=SECRET)
    err = b"".join(noise) + marks.outer.encode() + b"\n" + b"".join(noise)
    err += marks.prompt.encode() if asks else b""
    err += marks.inner.encode() + b" 77 5 1\nits own"
    out = b"".join(noise) + marks.inner.encode() + b"\nmine"
    expected = (PASSWORD + "\n").encode() if asks else b""
    for step in (1, 3, len(err)):
        dialogue = Dialogue(spec, marks, "here")
        said = b"".join(
            dialogue.hear("stderr", err[at : at + step]) for at in range(0, len(err), step)
        )
        # A prompt that comes in one piece with the shell's own words needs no answer any more.
        assert said == (expected if step < len(err) or not asks else b"")
        assert not dialogue.over
        said = b"".join(dialogue.hear("stdout", out[at : at + 1]) for at in range(len(out)))
        assert said == f"{marks.go}\n".encode()
        assert dialogue.left == {"stdout": b"mine", "stderr": b"its own"}


def test_noise_before_the_method_is_bounded_too() -> None:
    dialogue = Dialogue(BecomeSpec(), Marks(), "here")
    for _ in range(16):
        dialogue.hear("stdout", b"x" * (LONGEST // 16))
    with pytest.raises(BecomeError, match="says too much"):
        dialogue.hear("stdout", b"x")
