"""SELinux contexts, and the attributes of chattr(1)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.disposable import Machine, machine, obstacle
from support.module_host import ModuleHost, module_host
from support.shells import SHELLS, shared_shells

from opsrun.modules.labels import Flags, Label

root = pytest.mark.skipif(os.geteuid() != 0, reason="attributes and contexts take root")

# What an ordinary file system keeps of them, and what tmpfs knows besides.
LETTERS = "Adi"


def _flags(path: Path) -> str | None:
    told = subprocess.run(["lsattr", "-d", str(path)], capture_output=True, check=False)
    return told.stdout.decode().split(" ")[0].replace("-", "") if told.returncode == 0 else None


@pytest.fixture
def flagged(tmp_path: Path) -> Iterator[Path]:
    """A file whose attributes can be changed."""
    path = tmp_path / "f"
    path.write_text("x")
    if shutil.which("chattr") is None or _flags(path) is None:
        pytest.skip("no attributes here")
    if subprocess.run(["chattr", "+Adi", str(path)], check=False).returncode != 0:
        pytest.skip("attributes can't be changed here")
    subprocess.run(["chattr", "-Adi", str(path)], check=True)
    yield path
    subprocess.run(["chattr", "-R", "-ia", str(tmp_path)], check=False, capture_output=True)


SETS = st.lists(st.sampled_from(LETTERS), unique=True, max_size=3).map("".join)


@pytest.mark.root
@root
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(there=SETS, sign=st.sampled_from(["+", "-", "=", ""]), letters=SETS.filter(bool))
def test_attributes_come_to_be_as_chattr_makes_them_and_stay(
    flagged: Path, there: str, sign: str, letters: str
) -> None:
    subprocess.run(["chattr", "-Adi", str(flagged)], check=True)
    if there:
        subprocess.run(["chattr", f"+{there}", str(flagged)], check=True)
    before = set(_flags(flagged) or "") & set(LETTERS)
    expected = {
        "+": before | set(letters),
        "-": before - set(letters),
        "=": set(letters),
        "": set(letters),
    }[sign]
    args = {"path": str(flagged), "attributes": f"{sign}{letters}"}
    with module_host(flagged.parent) as host:
        checked = host.run("file", args, check=True)
        assert set(_flags(flagged) or "") & set(LETTERS) == before
        told = host.run("file", args, diff=True)
        if "i" in before & expected and before != expected:
            # What is locked and stays so is not unlocked for the sake of other letters.
            assert told["failed"]
            assert "Operation not permitted" in told["msg"]
            return
        assert told["changed"] == checked["changed"] == (before != expected)
        assert set(_flags(flagged) or "") & set(LETTERS) == expected
        assert not host.run("file", args)["changed"]
    if told["changed"]:
        assert set(told["diff"]["before"]["attributes"]) >= before
        assert told["diff"]["after"]["attributes"] == f"{sign or '='}{letters}"


@pytest.mark.root
@root
@pytest.mark.parametrize("shell", SHELLS)
def test_a_lock_is_taken_off_before_what_it_locks_is_changed(
    flagged: Path, tmp_path: Path, shell: str
) -> None:
    subprocess.run(["chattr", "+i", str(flagged)], check=True)
    found = shared_shells(shell, "system")
    with module_host(flagged.parent, found.words, found.prefix) as host:
        refused = host.run("file", {"path": str(flagged), "mode": "0600"})
        assert refused["failed"]
        assert "Operation not permitted" in refused["msg"]
        told = host.run("file", {"path": str(flagged), "mode": "0600", "attr": "-i"})
        assert (told["changed"], told["mode"]) == (True, "0600")
    assert "i" not in (_flags(flagged) or "")


@pytest.mark.root
@root
def test_new_files_trees_and_copies_get_attributes(flagged: Path, tmp_path: Path) -> None:
    top, source = tmp_path / "top", tmp_path / "source"
    (source / "d").mkdir(parents=True)
    (source / "d/f").write_text("x")
    (source / "l").symlink_to("d/f")
    wanted: dict[str, Any] = {"attributes": "+d"}
    with module_host(tmp_path) as host:
        for module, args in (
            ("file", {"path": f"{top}/a/b", "state": "directory"}),
            ("file", {"path": f"{top}/t", "state": "touch", "modification_time": "preserve"}),
            ("copy", {"content": "x", "dest": f"{top}/c"}),
            ("copy", {"src": f"{source}/", "dest": f"{top}/s/", "local_follow": False}),
            ("copy", {"src": f"{top}/c", "dest": f"{top}/r", "remote_src": True}),
            ("get_url", {"url": f"file://{top}/c", "dest": f"{top}/g", "force": True}),
            ("uri", {"url": f"file://{top}/c", "dest": f"{top}/u"}),
        ):
            told = host.run(module, {**args, **wanted})
            assert told["changed"], told
            if "state" in args and args["state"] == "touch":
                continue
            assert not host.run(module, {**args, **wanted})["changed"], args
        for name in ("a", "a/b", "t", "c", "s/d", "s/d/f", "r", "g", "u"):
            assert "d" in (_flags(top / name) or ""), name
        # Whatever is below, but for what links lead to.
        subprocess.run(["chattr", "-R", "-d", str(top)], check=False, capture_output=True)
        every = {"path": str(top), "state": "directory", "recurse": True, "attributes": "+d"}
        assert host.run("file", every, check=True)["changed"]
        told = host.run("file", every)
        assert told["changed"], told
        assert not host.run("file", every)["changed"]
        assert "d" in (_flags(top / "s/d/f") or "")
        again = {"src": f"{source}/", "dest": f"{top}/s/", "local_follow": False, "attr": "=d"}
        (source / "d/f").write_text("y")
        subprocess.run(["chattr", "-d", str(top / "s/d")], check=True)
        assert host.run("copy", again)["changed"]
        assert not host.run("copy", again)["changed"]


def test_a_host_without_chattr_says_who_has_it(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    found = shared_shells("busybox ash", "busybox")
    if (tmp_path / "busybox/chattr").exists():
        (tmp_path / "busybox/chattr").unlink()
    args = {"path": str(tmp_path / "f"), "attributes": "+i"}
    with module_host(tmp_path, found.words, found.prefix) as host:
        for module, given in (
            ("file", args),
            ("copy", {"content": "x", "dest": args["path"], "attributes": "+i"}),
            ("copy", {"content": "other", "dest": args["path"], "attributes": "+i"}),
            ("file", {**args, "path": str(tmp_path / "new"), "state": "touch"}),
        ):
            told = host.run(module, given)
            assert told["failed"]
            assert "e2fsprogs" in told["msg"]
        checked = host.run("file", args, check=True)
        assert "failed" in checked or "e2fsprogs" in str(checked["warnings"])
    assert (tmp_path / "f").read_text() == "x"
    assert not (tmp_path / "new").exists()


def test_letters_that_nobody_can_set_are_not_compared() -> None:
    equal = Flags.of("=i")
    assert equal is not None
    assert not equal.differs("ieI")
    assert equal.differs("iA")
    assert equal.argument("e") == "=ie"
    assert Flags.of("") is None
    assert equal.unlocking("ia") == "a"


def test_a_label_takes_the_place_of_parts() -> None:
    own = "system_u:object_r:etc_t:s0:c1,c2"
    assert Label(type="x_t").over(own, "") == "system_u:object_r:x_t:s0:c1,c2"
    assert Label(level="s1").over(own, "") == "system_u:object_r:etc_t:s1"
    assert Label(level="s1").over("u:r:t", "") == "u:r:t"
    assert Label(type="_default").over(own, "a:b:c_t:s0") == "system_u:object_r:c_t:s0:c1,c2"
    assert Label(type="_default").over(own, "") == own


def test_without_selinux_contexts_have_no_effect(tmp_path: Path) -> None:
    if Path("/sys/fs/selinux/enforce").exists():
        pytest.skip("SELinux is on here")
    label = {"seuser": "a", "serole": "b", "setype": "_default", "selevel": "s0"}
    with module_host(tmp_path) as host:
        args = {"dest": str(tmp_path / "f"), "content": "x", **label}
        told = host.run("copy", args, diff=True)
        assert told["changed"]
        assert "secontext" not in told
        assert not host.run("copy", args)["changed"]
        assert not host.run("file", {"path": str(tmp_path / "f"), **label})["changed"]


# -- a machine that takes itself for one with SELinux: contexts are extended attributes anywhere

_SELINUX = r"""
mkdir -p /sys/fs/selinux /srv/w /opt/tools
echo 0 >/sys/fs/selinux/enforce
cd /srv/w
echo old >f; mkdir d; echo x >d/in; ln -s f l
chcon -h system_u:object_r:etc_t:s0 . f d d/in l
cat >/usr/local/bin/matchpathcon <<'END'
#!/bin/sh
echo system_u:object_r:usual_t:s0
END
cat >/usr/local/bin/restorecon <<'END'
#!/bin/sh
for f; do :; done
exec chcon -h system_u:object_r:usual_t:s0 "$f"
END
chmod 755 /usr/local/bin/matchpathcon /usr/local/bin/restorecon
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    why = obstacle()
    if why is not None:
        pytest.skip(why)
    with machine(tmp_path_factory.mktemp("selinux"), _SELINUX) as made:
        if made.sh("stat -c %C /srv/w/f", check=False).strip() != "system_u:object_r:etc_t:s0":
            pytest.skip("no extended attributes there")
        yield made


@pytest.fixture
def hosted(box: Machine, tmp_path: Path) -> Iterator[ModuleHost]:
    with module_host(tmp_path, prefix=box.entering("/bin/sh", "-c")) as host:
        yield host


def _context(box: Machine, name: str) -> str:
    return box.sh('stat -c %C -- "/srv/w/$1"', name).strip()


@pytest.mark.root
@root
def test_a_context_is_compared_and_set(box: Machine, hosted: ModuleHost) -> None:
    args = {"path": "/srv/w/f", "setype": "web_t"}
    checked = hosted.run("file", args, check=True, diff=True)
    assert checked["changed"]
    assert _context(box, "f") == "system_u:object_r:etc_t:s0"
    told = hosted.run("file", args, diff=True)
    assert told["secontext"] == _context(box, "f") == "system_u:object_r:web_t:s0"
    assert told["diff"]["before"]["secontext"] == ["system_u", "object_r", "etc_t", "s0"]
    assert told["diff"]["after"]["secontext"] == ["system_u", "object_r", "web_t", "s0"]
    assert not hosted.run("file", args)["changed"]
    assert hosted.run("file", {**args, "setype": "_default"})["changed"]
    assert _context(box, "f") == "system_u:object_r:usual_t:s0"
    assert not hosted.run("file", {**args, "setype": "_default"})["changed"]


@pytest.mark.root
@root
def test_new_content_keeps_the_context(box: Machine, hosted: ModuleHost) -> None:
    box.sh("chcon system_u:object_r:own_t:s0:c1 /srv/w/f")
    for content in ("one", "two"):
        args = {"content": content, "dest": "/srv/w/f"}
        assert hosted.run("copy", args)["secontext"] == "system_u:object_r:own_t:s0:c1"
    copied = hosted.run("copy", {"src": "/srv/w/d/in", "dest": "/srv/w/f", "remote_src": True})
    assert copied["secontext"] == _context(box, "f") == "system_u:object_r:own_t:s0:c1"
    told = hosted.run("copy", {"content": "three", "dest": "/srv/w/f", "setype": "new_t"})
    assert told["secontext"] == _context(box, "f") == "system_u:object_r:new_t:s0:c1"
    fresh = {"content": "x", "dest": "/srv/w/fresh", "seuser": "me_u"}
    assert hosted.run("copy", fresh)["secontext"] == "me_u:object_r:usual_t:s0"
    assert not hosted.run("copy", fresh)["changed"]


@pytest.mark.root
@root
def test_contexts_of_trees(box: Machine, hosted: ModuleHost, tmp_path: Path) -> None:
    args = {"path": "/srv/w/d", "state": "directory", "recurse": True, "setype": "tree_t"}
    assert hosted.run("file", args)["changed"]
    assert _context(box, "d/in") == "system_u:object_r:tree_t:s0"
    assert not hosted.run("file", args)["changed"]
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "sub/f").write_text("x")
    copied = {"src": f"{source}/", "dest": "/srv/w/copied", "setype": "sent_t"}
    assert hosted.run("copy", copied)["changed"]
    assert _context(box, "copied/sub/f") == "system_u:object_r:sent_t:s0"
    assert not hosted.run("copy", copied)["changed"]
    box.sh("chcon system_u:object_r:usual_t:s0 /srv/w/copied/sub/f")
    assert hosted.run("copy", copied)["changed"]
    assert _context(box, "copied/sub/f") == "system_u:object_r:sent_t:s0"


@pytest.mark.root
@root
def test_a_link_has_a_context_of_its_own(box: Machine, hosted: ModuleHost) -> None:
    args = {"path": "/srv/w/l", "state": "link", "src": "f", "follow": False, "setype": "l_t"}
    before = _context(box, "f")
    assert hosted.run("file", args)["changed"]
    assert (_context(box, "l"), _context(box, "f")) == ("system_u:object_r:l_t:s0", before)
    assert not hosted.run("file", args)["changed"]


@pytest.mark.root
@root
def test_edits_keep_the_context_and_set_another(box: Machine, hosted: ModuleHost) -> None:
    box.sh("echo old >/srv/w/text; chcon system_u:object_r:own_t:s0:c1 /srv/w/text")
    args = {"path": "/srv/w/text", "line": "one"}
    assert hosted.run("lineinfile", args)["changed"]
    assert _context(box, "text") == "system_u:object_r:own_t:s0:c1"
    args |= {"setype": "line_t"}
    assert hosted.run("lineinfile", args)["changed"]
    assert _context(box, "text") == "system_u:object_r:line_t:s0:c1"
    assert not hosted.run("lineinfile", args)["changed"]
    args |= {"line": "two", "selevel": "s0"}
    assert hosted.run("lineinfile", args)["changed"]
    assert _context(box, "text") == "system_u:object_r:line_t:s0"
    assert not hosted.run("lineinfile", args)["changed"]


@pytest.mark.root
@root
def test_edits_set_attributes(flagged: Path) -> None:
    with module_host(flagged.parent) as host:
        for line in ("one", "two"):
            args = {"path": str(flagged), "line": line, "attributes": "+d"}
            assert host.run("lineinfile", args)["changed"]
            assert "d" in (_flags(flagged) or "")
            assert not host.run("lineinfile", args)["changed"]
        assert host.run("lineinfile", {**args, "attributes": "-d"})["changed"]
        assert "d" not in (_flags(flagged) or "")
    assert [each.name for each in flagged.parent.iterdir()] == ["f"]


@pytest.mark.root
@root
def test_archives_and_what_they_held(box: Machine, hosted: ModuleHost) -> None:
    args = {"path": "/srv/w/d", "dest": "/srv/w/o.tgz", "setype": "packed_t"}
    assert hosted.run("archive", args)["secontext"] == "system_u:object_r:packed_t:s0"
    assert not hosted.run("archive", args)["changed"]
    assert hosted.run("archive", {**args, "setype": "other_t"}, check=True)["changed"]
    box.sh("mkdir /srv/w/into")
    unpacked = {"src": "/srv/w/o.tgz", "dest": "/srv/w/into", "remote_src": True}
    assert hosted.run("unarchive", unpacked)["changed"]
    # Where there is SELinux, whatever is made has a context from the beginning.
    box.sh("chcon -R system_u:object_r:etc_t:s0 /srv/w/into")
    assert hosted.run("unarchive", {**unpacked, "setype": "held_t"})["changed"]
    assert _context(box, "into/d/in").split(":")[2] == "held_t"
    assert not hosted.run("unarchive", {**unpacked, "setype": "held_t"})["changed"]
    assert hosted.run("unarchive", {**unpacked, "setype": "new_t"}, check=True)["changed"]
    assert hosted.run("unarchive", {**unpacked, "setype": "new_t"})["changed"]
    assert _context(box, "into/d/in").split(":")[2] == "new_t"


@pytest.mark.root
@root
def test_attributes_of_archives_and_what_they_held(flagged: Path) -> None:
    with module_host(flagged.parent) as host:
        flagged.write_text("x")
        packed = {"path": str(flagged), "dest": f"{flagged}.tgz", "force_archive": True}
        assert host.run("archive", {**packed, "attributes": "+d"})["changed"]
        assert "d" in (_flags(Path(f"{flagged}.tgz")) or "")
        assert not host.run("archive", {**packed, "attributes": "+d"})["changed"]
        args = {"src": f"{flagged}.tgz", "dest": str(flagged.parent), "remote_src": True}
        assert host.run("unarchive", {**args, "attributes": "+d"})["changed"]
        assert "d" in (_flags(flagged) or "")
        assert not host.run("unarchive", {**args, "attributes": "+d"})["changed"]
