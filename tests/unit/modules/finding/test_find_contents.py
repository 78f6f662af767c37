"""What find makes of contents, over real shells, is what Python makes of the whole files."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.module_host import ModuleHost, module_host
from support.shells import shells

from opsrun.modules.base import Context, ModuleError
from opsrun.modules.finding import contents
from opsrun.modules.finding.contents import matching
from opsrun.modules.finding.searching import Wording
from opsrun.modules.looking import Seen
from opsrun.modules.options import resolve
from opsrun.modules.registry import find
from opsrun.modules.requests import Run
from opsrun.remote.command import CommandResult

FILES: Mapping[str, bytes] = {
    "plain": b"one\nfoo = 1\n",
    "late": b"one foo\n" * 3,
    "dos": b"x\r\nfoo = 2\r\nb",
    "mac": b"x\rfoo\rb",
    "nul": b"a\0foo = 3\nfoo\n\0\n",
    "folded": "\u212aoala\nFOO\n".encode(),
    "empty": b"",
    "latin": b"caf\xe9 foo\n",
    "binary": b"\xff\xfe" * 40,
    "new\nline": b"foo = 4\n",
    "-n": b"foo = 5\n",
    "quo'te \"$x": b"foo = 6",
    "larger": b"x" * 90 + b"\nfoo = 7\n",
    "large": b"y" * 2000 + b"\n" + b"z\n" * 600 + b"foo = 8\n",
    "large nul": b"y\0" * 1000 + b"\nfoo = 9\n",
    "large other": b"bar\n" * 600,
}
EXPRESSIONS = [
    "foo = [0-9]",
    "foo",
    "(?i)foo",
    "(?i)koala",
    r"\w+ = \d",
    ".*foo",
    "x\nfoo",
    "caf.",
    "b$",
]
PASSES_LATIN = {"foo", "(?i)foo", ".*foo", "x\nfoo", "caf."}
"""Those whose words are in the file that is no text."""


@pytest.fixture(autouse=True)
def low_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("SMALL", 64), ("LARGE", 1024), ("WORTH", -1), ("_NAMED", 7)):
        monkeypatch.setattr(contents, name, value)


def _reference(path: Path, expression: str, whole: bool) -> bool:
    """False for what is no text, too."""
    compiled = re.compile(expression)
    try:
        with path.open(encoding="utf-8") as text:
            if whole:
                return compiled.search(text.read()) is not None
            return any(compiled.match(line) for line in text)
    except UnicodeError:
        return False


def _agrees(host: ModuleHost, top: Path, expression: str, whole: bool) -> dict[str, Any]:
    args = {"paths": str(top), "contains": expression, "read_whole_file": whole, "hidden": True}
    told = host.run("find", args)
    wanted = {str(each) for each in top.iterdir() if _reference(each, expression, whole)}
    assert {each["path"] for each in told["files"]} == wanted
    assert not told["changed"]
    assert told["examined"] == len(list(top.iterdir()))
    return told


@pytest.mark.parametrize(
    ("shell", "userland"),
    [("dash", "system"), ("bash", "system"), ("mksh", "system"), ("busybox ash", "busybox")],
    ids=str,
)
def test_expressions_mean_what_python_says(shell: str, userland: str, tmp_path: Path) -> None:
    found = shells(tmp_path, shell, userland)
    top = tmp_path / "top"
    top.mkdir()
    for name, content in FILES.items():
        (top / name).write_bytes(content)
    with module_host(tmp_path, found.words, found.prefix) as host:
        for number, expression in enumerate(EXPRESSIONS):
            for whole in (False, True) if shell == "dash" else (number % 2 == 0,):
                told = _agrees(host, top, expression, whole)
                # What has none of the words can't match, and is no loss.
                no_text = {str(top / "latin")} if expression in PASSES_LATIN else set()
                assert set(told["skipped_paths"]) == no_text


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleHost]:
    with module_host(tmp_path_factory.mktemp("controller")) as made:
        yield made


_PIECES = ["a", "foo", "é", "s", "ſ", " ", "\n", "\r\n", "\r", "\0", "b"]
_CONTENTS = st.lists(st.sampled_from(_PIECES), max_size=40).map("".join)
_EXPRESSIONS = st.lists(
    st.sampled_from(["a", "foo", "(?:foo|b)", "(?i:s)", ".", r"\w*", "^", "$", "é?", r"\n"]),
    min_size=1,
    max_size=4,
).map("".join)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_EXPRESSIONS, st.booleans(), st.lists(_CONTENTS, min_size=3, max_size=9))
def test_any_expression_and_any_contents(
    host: ModuleHost,
    tmp_path_factory: pytest.TempPathFactory,
    expression: str,
    whole: bool,
    texts: list[str],
) -> None:
    top = tmp_path_factory.mktemp("any")
    for number, text in enumerate(texts):
        (top / f"{number} ").write_bytes(text.encode() * (1 + 20 * (number % 3)))
    _agrees(host, top, expression, whole)


def _seen(path: str, size: int) -> Seen:
    return Seen(path, 0o100644, size=size, ctime=5 * 10**9)


def _told(request: Any, *records: tuple[bytes, str]) -> CommandResult:
    """What a script of ours prints, in pieces of few bytes."""
    assert isinstance(request, Run)
    assert request.take is not None
    mark = request.script.partition("\n")[0].removeprefix("mark=")
    data = b"".join(content + f"\n{mark} {words}\n".encode() for content, words in records)
    for at in range(0, len(data), 5):
        request.take(data[at : at + 5])
    return CommandResult(rc=0)


def _looked(steps: Any) -> tuple[Any, ...]:
    with pytest.raises(StopIteration) as ended:
        steps()
    return tuple(sorted(ended.value.value))


def test_what_is_being_written_is_read_again_by_itself() -> None:
    skipped: dict[str, str] = {}
    files = [_seen("/a", 3), _seen("/b", 3), _seen("/c", 9)]
    looking = matching(files, Wording(re.compile("foo")), None, skipped)
    first = next(looking)
    assert isinstance(first, Run)
    assert first.data == b"/a\0/b\0/c\0"
    # The second grew, the third can't be read.
    again = looking.send(_told(first, (b"foobarfoo", "y 3 -,3 3 5 6 5")))
    assert isinstance(again, Run)
    assert again.data == b"/a\0/b\0"
    last = _told(again, (b"foo", "y"), (b"barfoo", "n"))
    assert _looked(lambda: looking.send(last)) == ("/a",)
    assert set(skipped) == {"/b", "/c"}


@pytest.mark.parametrize("words", ["y 1 - 3 6", "y 1 - 4 5", "n 1 - 3 5", "y 1 -"])
def test_sizes_and_times_that_differ_are_not_trusted(words: str) -> None:
    looking = matching([_seen("/a", 3)], Wording(re.compile("foo")), None, {})
    first = next(looking)
    again = looking.send(_told(first, (b"foo", words)))
    assert isinstance(again, Run)
    assert again.data == b"/a\0"


@pytest.mark.parametrize("words", [None, "y", "y x -", "y 1"])
def test_contents_that_are_cut_off(words: str | None) -> None:
    looking = matching([_seen("/a", 3)], Wording(re.compile("foo")), None, {})
    first = next(looking)
    answer = _told(first, *([(b"foo", words)] if words else []))
    with pytest.raises(ModuleError, match="cut off"):
        looking.send(answer)


def test_no_file_is_kept_whole_but_those_that_are_small() -> None:
    """What comes of a large one is looked into and dropped."""
    looking = matching([_seen("/a", 1 << 40)], Wording(re.compile("foo")), None, {})
    request = next(looking)
    assert isinstance(request, Run)
    assert request.take is not None
    taken = getattr(request.take, "__self__")  # noqa: B009
    for _ in range(64):
        request.take(b"x" * 1023 + b"\n")
    assert len(taken._tail) < 64
    assert not taken._taking._search._parts[1:]


def test_the_listing_is_never_in_one_answer() -> None:
    found = find("find")
    assert found is not None
    steps = resolve(found, {"paths": "/x"}).steps(Context(None))  # type: ignore[arg-type]
    request = next(steps)
    assert isinstance(request, Run)
    assert request.take is not None
    assert request.effect == "reads"
    assert request.cap is None


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="another user's files take root")
def test_what_cannot_be_read_is_told() -> None:
    top = Path(tempfile.mkdtemp())
    top.chmod(0o755)
    try:
        for name, mode in (("yes", 0o644), ("no", 0o600), ("other", 0o644)):
            (top / name).write_text("foo\n" if name != "other" else "bar\n")
            (top / name).chmod(mode)
        prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/bin/sh", "-c")
        with module_host(top, prefix=prefix) as host:
            told = host.run("find", {"paths": str(top), "contains": "foo"})
    finally:
        for name in ("yes", "no", "other"):
            (top / name).unlink(missing_ok=True)
        top.rmdir()
    assert [each["path"] for each in told["files"]] == [str(top / "yes")]
    assert told["skipped_paths"] == {str(top / "no"): "its content can't be read"}
    assert told["msg"].startswith("Not all paths")
