"""What is done when a module is imported is done before anybody gets it, and once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsrun.engine.importing import is_importing, when_imported


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "seen_once.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = list(sys.meta_path)
    yield "seen_once"
    sys.modules.pop("seen_once", None)
    sys.meta_path[:] = before


def test_it_is_done_behind_the_modules_own_lines(module: str) -> None:
    seen: list[int] = []
    before = list(sys.meta_path)
    when_imported(module, lambda: seen.append(sys.modules[module].value))
    assert seen == []
    found = __import__(module)
    assert seen == [1]
    assert type(found.__loader__).__module__ != "opsrun.engine.importing"
    assert found.__spec__.loader is found.__loader__
    assert sys.meta_path == before
    del sys.modules[module]
    __import__(module)
    assert seen == [1]


def test_at_once_where_it_has_been(module: str) -> None:
    __import__(module)
    seen: list[int] = []
    when_imported(module, lambda: seen.append(1))
    assert seen == [1]


def test_what_it_raises_the_import_raises(module: str) -> None:
    def fails() -> None:
        raise LookupError("then")

    when_imported(module, fails)
    with pytest.raises(LookupError, match="then"):
        __import__(module)
    assert __import__(module).value == 1


def test_a_module_that_is_not_there(module: str) -> None:
    when_imported("nowhere_at_all", lambda: None)
    with pytest.raises(ModuleNotFoundError, match="nowhere_at_all"):
        __import__("nowhere_at_all")


TLS = """
import sys
if {first}: import ssl
from opsrun.engine.greenlets import patch
patch()
assert {first} or 'ssl' not in sys.modules
from ssl import SSLContext, create_default_context
import ssl, http.client, gevent.ssl, gevent.monkey
assert gevent.monkey.is_module_patched('ssl')
assert SSLContext is ssl.SSLContext is gevent.ssl.SSLContext
context = create_default_context()
assert type(context) is gevent.ssl.SSLContext, type(context)
context.minimum_version = ssl.TLSVersion.TLSv1_2
assert ssl.SSLSocket is gevent.ssl.SSLSocket
print('cooperative')
"""


@pytest.mark.parametrize("first", [False, True])
def test_tls_is_cooperative_whoever_imports_it(first: bool) -> None:
    code = TLS.format(first=first)
    words = [sys.executable, "-W", "error", "-c", code]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("cooperative\n", "")


NATIVE = """
from opsrun.engine.greenlets import patch
patch()
import sys, gevent
def tls():
    import ssl
    return ssl.SSLContext
made = gevent.get_hub().threadpool.apply(tls)
import ssl, gevent.ssl
assert made is ssl.SSLContext is gevent.ssl.SSLContext
print('cooperative')
"""


def test_a_native_thread_may_import_it_first() -> None:
    words = [sys.executable, "-W", "error", "-c", NATIVE]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("cooperative\n", "")


def test_a_module_may_patch_while_it_is_imported(tmp_path: Path) -> None:
    lines = "from opsrun.engine.greenlets import patch\npatch()\n"
    (tmp_path / "amid.py").write_text(lines)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import amid, threading, gevent.monkey, gc\n"
        "assert gevent.monkey.is_module_patched('threading')\n"
        "assert gc.get_freeze_count() == 0\n"
        "print('imported')"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("imported\n", "")


def test_an_import_says_that_it_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "from opsrun.engine.importing import is_importing\nfound = is_importing()\n"
    (tmp_path / "says_so.py").write_text(lines)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert __import__("says_so").found is True
    assert not is_importing()
    sys.modules.pop("says_so")
