"""Who asks for a passphrase, how often, and who waits for the answer."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from opsrun.engine.threads import ThreadEngine
from opsrun.secret import Secret
from opsrun.transports.credentials.files import KeyFile, read_key_file
from opsrun.transports.credentials.passphrases import Passphrases

pytestmark = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen to make keys with"
)


def never() -> bool:
    return False


@pytest.fixture
def locked(tmp_path: Path) -> KeyFile:
    path = tmp_path / "key"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "sesame", "-f", str(path)]
    subprocess.run(words, check=True, timeout=30, stdin=subprocess.DEVNULL)
    return read_key_file(str(path))


def test_many_who_need_it_are_one_question(locked: KeyFile) -> None:
    asked = threading.Event()
    answer = threading.Event()
    prompts: list[str] = []

    def ask(prompt: str, given_up: Callable[[], bool], /) -> Secret:
        prompts.append(prompt)
        asked.set()
        answer.wait()
        return Secret("sesame")

    passphrases = Passphrases(ThreadEngine(), ask, pytest.fail)
    got: list[bool] = []
    tasks = [
        threading.Thread(target=lambda: got.append(passphrases.unlock(locked, never)))
        for _ in range(8)
    ]
    tasks[0].start()
    asked.wait()
    for task in tasks[1:]:
        task.start()
    answer.set()
    for task in tasks:
        task.join()
    assert got == [True] * 8
    assert len(prompts) == 1
    assert locked.key is not None


@pytest.mark.parametrize("answers", [[None], [""], ["a", "b", "c"]])
def test_what_is_not_to_be_had_is_said_once_and_not_asked_for_again(
    locked: KeyFile, answers: list[str | None]
) -> None:
    told: list[str] = []
    left = list(answers)

    def ask(prompt: str, given_up: Callable[[], bool], /) -> Secret | None:
        said = left.pop(0)
        return None if said is None else Secret(said)

    passphrases = Passphrases(ThreadEngine(), ask, told.append)
    assert [passphrases.unlock(locked, never) for _ in range(3)] == [False] * 3
    assert left == []
    [words] = told
    assert locked.path in words


def test_whoever_gave_up_asks_nothing_and_spoils_nothing_for_the_others(locked: KeyFile) -> None:
    gone = threading.Event()

    def leave(prompt: str, given_up: Callable[[], bool], /) -> None:
        assert not given_up()
        gone.set()
        assert given_up()

    passphrases = Passphrases(ThreadEngine(), leave, pytest.fail)
    assert not passphrases.unlock(locked, gone.is_set)
    assert not passphrases.unlock(locked, gone.is_set)
    assert not locked.refused
    answering = Passphrases(ThreadEngine(), lambda prompt, up: Secret("sesame"), pytest.fail)
    assert answering.unlock(locked, never)
