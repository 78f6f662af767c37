"""What scripts begin with is said once a shell, and never where it is part of something else."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from support.engines import make_engine
from support.shells import ShellUnderTest, combinations, shared_shells

from opsrun.modules.looking import LOOK
from opsrun.modules.running import AROUND, FIND
from opsrun.remote.phrases import Phrases, measured
from opsrun.remote.session import Session
from opsrun.transports.pipe import PipeConnection

LIMIT = 60.0


@pytest.fixture(params=[pytest.param(each, id=f"{each[0]}-{each[1]}") for each in combinations()])
def shell(request: pytest.FixtureRequest) -> ShellUnderTest:
    return shared_shells(*request.param)


@pytest.fixture
def session(shell: ShellUnderTest) -> Iterator[Session]:
    engine = make_engine()
    connection = PipeConnection(shell.prefix, "here", engine)
    session = Session(connection, engine.now, host="here", shell=shell.words)
    yield session
    session.close()
    connection.close()


def test_a_phrase_is_told_once() -> None:
    phrases = Phrases()
    script, new = phrases.shortened(f"{LOOK}say a\n")
    assert script == 'eval "$_o1"\nsay a\n'
    assert [number for number, _ in new] == [1]
    assert "\n  " not in new[0][1]
    assert phrases.shortened(f"{LOOK}say b\n") == ('eval "$_o1"\nsay b\n', [])
    script, new = phrases.shortened(f"umask 077\n{AROUND}{FIND}run x\n")
    assert script == 'umask 077\neval "$_o2"\neval "$_o3"\nrun x\n'
    assert [number for number, _ in new] == [2, 3]
    assert Phrases().shortened(LOOK)[1] != []


@pytest.mark.parametrize(
    "script",
    [
        "",
        "x",
        "echo 1\n",
        f"x='{LOOK}'\n",
        f"cat <<'END'\n{AROUND}END\n",
        f"a=1\n{LOOK}",
        LOOK[:-1],
    ],
)
def test_only_beginnings_are_phrases(script: str) -> None:
    assert Phrases().shortened(script) == (script, [])


def test_a_here_document_keeps_a_phrase_in_it(session: Session) -> None:
    """As where a script is written to a file of the host, to be run by another shell."""
    assert session.run(f"{AROUND}:", LIMIT).ok
    assert session.run(f"cat <<'END'\n{AROUND}END\n", LIMIT).stdout.decode() == AROUND


def test_a_phrase_stays_in_the_scripts_that_have_it(session: Session) -> None:
    assert session.run(f"{LOOK}say a b\n", LIMIT).stdout == b"a\0b\0"
    assert session.run(f"{LOOK}say c\n", LIMIT, apart=True).stdout == b"c\0"
    assert session.run("say d", LIMIT).rc == 127


def test_scripts_go_by_lines_where_all_shells_read_them_alike(session: Session) -> None:
    printable = "".join(map(chr, range(32, 127)))
    quoted = "'" + printable.replace("'", "'\\''") + "'"
    text = f"printf %s \\\n  {quoted}\n\n# \\\n\tprintf %s ' \t'\n\n\n"
    assert measured(text)[0] == "7l"
    assert session.run(text, LIMIT).stdout.decode() == printable + " \t"
    assert session.run(text, LIMIT, data=b"unread").stdout.decode() == printable + " \t"
    assert session.run(text, LIMIT, apart=True).stdout.decode() == printable + " \t"


@pytest.mark.parametrize(
    ("filling", "lines"), [("x" * 2036, True), ("x" * 2037, False), ("é", False), ("\r", False)]
)
def test_others_go_by_bytes(session: Session, filling: str, lines: bool) -> None:
    script = f"printf %s '{filling}'"
    assert measured(script)[0].endswith("l") == lines
    assert session.run(script, LIMIT).stdout.decode() == filling
    assert session.run("echo next", LIMIT).stdout == b"next\n"


@pytest.mark.parametrize(
    ("script", "out", "err"),
    [
        (":", b"", b""),
        ("printf '\\0\\0'", b"\0\0", b""),
        ("printf '\\0' >&2", b"", b"\0"),
        ("printf '\\n'; printf x >&2", b"\n", b"x"),
    ],
)
def test_little_that_runs_apart_is_exact(
    session: Session, script: str, out: bytes, err: bytes
) -> None:
    ended = session.run(script, LIMIT, apart=True)
    assert (ended.rc, ended.stdout, ended.stderr) == (0, out, err)


@pytest.mark.parametrize("mask", ["0022", "0027", "0777"])
def test_a_session_knows_its_umask_and_whose_it_is(shell: ShellUnderTest, mask: str) -> None:
    engine = make_engine()
    prefix = ("/bin/sh", "-c", f'umask {mask}; exec "$@"', "sh", *shell.prefix)
    connection = PipeConnection(prefix, "here", engine)
    session = Session(connection, engine.now, host="here", shell=shell.words)
    script = 'echo "$_ou $(umask) $_ome $_ous"'
    try:
        told = [session.run(script, LIMIT, apart=apart).stdout for apart in (False, True)]
    finally:
        session.close()
        connection.close()
    for known, asked, me, us in map(bytes.split, told):
        assert int(known, 8) == int(asked, 8) == int(mask, 8)
        assert (int(me), int(us)) == (os.geteuid(), os.getegid())
