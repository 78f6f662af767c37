"""Times of files: both of them at once, where that is what is wanted."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from support.module_host import module_host

from opsrun.modules.stamps import Stamp, setting


def _lines(*texts: str | None) -> list[str]:
    keys = ("mtime", "atime")
    return list(setting([Stamp(key, text) for key, text in zip(keys, texts, strict=False)], "/x"))


def test_both_times_are_set_to_now_at_once() -> None:
    assert len(_lines("now", None)) == 1
    assert "-m" not in _lines("now", None)[0]
    assert len(_lines("now", "202001020304.05")) == 2
    assert _lines("now")[0].startswith("touch -c -m")
    assert _lines() == []


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="another user takes root")
def test_who_may_write_a_file_may_touch_it() -> None:
    prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/bin/sh", "-c")
    top = Path(tempfile.mkdtemp())
    file = top / "f"
    try:
        top.chmod(0o755)
        file.touch()
        file.chmod(0o666)
        os.utime(file, (5, 5))
        with module_host(top, prefix=prefix) as host:
            touched = host.run("file", {"path": str(file), "state": "touch"})
            refused = host.run("file", {"path": str(file), "modification_time": "now"})
        assert touched["changed"]
        assert file.stat().st_mtime > 5 < file.stat().st_atime
        assert refused["failed"]
        assert "not permitted" in refused["msg"]
    finally:
        file.unlink(missing_ok=True)
        top.rmdir()


def test_a_failure_keeps_its_warnings(tmp_path: Path) -> None:
    with module_host(tmp_path) as host:
        args = {"path": str(tmp_path / "no"), "owner": "nobody-of-this-name"}
        told = host.run("file", args, check=True)
    assert told["failed"]
    assert told["warnings"] == ["there is no user nobody-of-this-name yet"]


def test_slurp_says_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    with module_host(tmp_path) as host:
        told = host.run("slurp", {"src": str(tmp_path / "f" / "g")})
    assert told["failed"]
    assert told["msg"].startswith("unable to slurp file: ")
