"""Hosts that lie about their files to whoever copies them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.copying import PRESERVING, bad, copying, left_behind, mode
from support.lying import lying

import opsrun.remote.files.sending as sending
from opsrun.adhoc import fetching
from opsrun.events import Notice, Outcome

UNLESS_TRIED = 'case "$1 $2" in "/ -prune") exec $TRUE "$@" ;; esac\n'
"""What find(1) has to do for it to be taken for GNU's."""


def test_names_of_a_listing_lead_nowhere_but_below(tmp_path: Path) -> None:
    (tmp_path / "tree/etc").mkdir(parents=True)
    lie = "printf './/etc\\0d 777 0 1 0 0 0\\0\\0'"
    with copying(lying(tmp_path / "bin", {"find": f"{UNLESS_TRIED}{lie}"})) as copy:
        words = bad(copy.get(f"{tmp_path}/tree/", f"{tmp_path}/back/", finish=PRESERVING))
    assert "makes no sense" in words


@pytest.mark.parametrize("lie", [".bashrc", "/etc/cron.d/x", "a.log.sh", "../a.sh"])
def test_what_a_pattern_stands_for_fits_it(tmp_path: Path, lie: str) -> None:
    """As in CVE-2019-6111: the names of what is written here are not of the host's choosing."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "lie").write_text(
        "printf() {\n"
        f"case $* in *a.log*) command printf '{tmp_path}/logs/{lie}\\0' ;;\n"
        '*) command printf "$@" ;; esac\n}\n'
    )
    shell = f'LOOP=$2; export LOOP; shift 2\nexec $TRUE -c \'. {tmp_path}/lie; eval "$LOOP"\' "$@"'
    (tmp_path / "logs/a.log").write_text("a")
    place = tmp_path / "logs" / lie
    if "/" not in lie:
        place.write_text("evil")
    with copying(lying(tmp_path / "bin", {"sh": shell})) as copy:
        for pattern in ("*.log", "a.log", "[a-z].lo?"):
            words = bad(copy.get(f"{tmp_path}/logs/{pattern}", f"{tmp_path}/back/"))
            assert f"fits {tmp_path}/logs/{pattern}" in words
    assert not (tmp_path / "back").exists()


def test_an_empty_file_without_end_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "UNSIZED", 1 << 20)
    (tmp_path / "empty").touch()
    endless = 'case $* in *empty) exec $TRUE /dev/zero ;; esac\nexec $TRUE "$@"'
    with copying(lying(tmp_path / "bin", {"cat": endless})) as copy:
        words = bad(copy.get(f"{tmp_path}/empty", f"{tmp_path}/back/"))
    assert "was said to be empty, and doesn't end" in words
    assert not left_behind(tmp_path)


def test_archives_larger_than_announced_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "UNSIZED", 1 << 20)
    (tmp_path / "tree").mkdir()
    for number in range(6):
        (tmp_path / f"tree/{number}").write_text("a")
    grow = f"for f in {tmp_path}/tree/*; do head -c 3000000 /dev/zero >$f; done"
    swell = f"case $* in *tree*|*./*) {grow} ;; esac"
    with copying(lying(tmp_path / "bin", {"tar": f'{swell}\nexec $TRUE "$@"'})) as copy:
        words = bad(copy.get(f"{tmp_path}/tree", f"{tmp_path}/back/"))
    assert "bytes" in words, words
    assert not (tmp_path / "back").exists()


def test_a_listing_without_end_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "LISTING_CAP", 1 << 20)
    (tmp_path / "tree").mkdir()
    with copying(lying(tmp_path / "bin", {"find": f"{UNLESS_TRIED}exec yes"})) as copy:
        words = bad(copy.get(f"{tmp_path}/tree", f"{tmp_path}/back/"))
    assert "has no end" in words


@pytest.mark.parametrize("time", ["9" * 25, "-" + "9" * 25])
def test_a_time_that_can_not_be(tmp_path: Path, time: str) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/a").write_text("a")
    lie = f"printf '.\\0d 755 0 {time} 0 0 0\\0\\0./a\\0f 644 1 {time} 0 0 8\\0\\0'"
    script = f'{UNLESS_TRIED}case $* in "."*) {lie} ;; esac'
    with copying(lying(tmp_path / "bin", {"find": script})) as copy:
        for _ in range(2):
            result = copy.get(f"{tmp_path}/tree/", f"{tmp_path}/back/", finish=PRESERVING)
            assert result.error is None, result.error
        assert not [one for one in copy.of(Notice) if one.level == "error"]
    assert (tmp_path / "back/a").read_text() == "a"


@pytest.mark.parametrize(
    "member", ["../evil", "/{top}/evil", "other", "./a/../../evil", "link/evil"]
)
def test_archives_hold_what_was_asked_for(tmp_path: Path, member: str) -> None:
    (tmp_path / "tree").mkdir()
    for number in range(6):
        (tmp_path / f"tree/f{number}").write_text(str(number))
    (tmp_path / "evil").write_text("evil")
    name = member.format(top=tmp_path)
    script = (
        'case $1$2 in -cf-) ;; -cf*) exit 1 ;; *) exec $TRUE "$@" ;; esac\n'
        f"exec $TRUE -P -cf - --transform 's,.*,{name},' -- {tmp_path}/evil"
    )
    with copying(lying(tmp_path / "bin", {"tar": script})) as copy:
        words = bad(copy.get(f"{tmp_path}/tree", f"{tmp_path}/back/"))
    assert "the host sent" in words
    assert not (tmp_path / "back").exists()
    assert (tmp_path / "evil").read_text() == "evil"


@pytest.mark.parametrize("sum", ["0" * 64, "nonsense", ""])
def test_wrong_digests_are_noticed(tmp_path: Path, sum: str) -> None:
    # Of nothing they have to give the right one, to be taken for what they are.
    of_input = f'd=$($TRUE "$@"); case $d in e3b0c*) echo "$d" ;; *) echo "{sum}  -" ;; esac'
    lie = f'for f; do echo "{sum}  $f"; done'
    programs = {
        "sha256sum": f"case $# in 0) {of_input}; exit ;; esac\n{lie}",
        "openssl": f"case $# in 3) {of_input}; exit ;; esac\nshift 3\n{lie}",
    }
    (tmp_path / "tree").mkdir()
    for number in range(6):
        (tmp_path / f"tree/f{number}").write_text(str(number))
    with copying(lying(tmp_path / "bin", programs)) as copy:
        words = bad(copy.put(tmp_path / "tree", f"{tmp_path}/there/"))
        assert "checksum is another one" in words
        assert left_behind(tmp_path) == []
        assert not (tmp_path / "there/tree").exists()
        words = bad(copy.get(tmp_path / "tree", f"{tmp_path}/back/"))
        assert "changes while it is read" in words
        assert left_behind(tmp_path) == []


def test_modes_of_a_host_do_not_reach_what_a_link_leads_to(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("v")
    victim.chmod(0o600)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/a").write_text("v")
    (tmp_path / "tree/a").chmod(0o666)
    (tmp_path / "back").mkdir()
    (tmp_path / "back/a").symlink_to(victim)
    with copying(lying(tmp_path / "bin", {})) as copy:
        assert "is a link there" in bad(
            copy.get(f"{tmp_path}/tree/", f"{tmp_path}/back/", finish=PRESERVING)
        )
    assert mode(victim) == 0o600
    assert os.path.islink(tmp_path / "back/a")


def test_a_script_that_is_killed_while_it_renames_is_lost(tmp_path: Path) -> None:
    """By whoever runs out of memory, for instance: nobody knows how far it has come."""
    (tmp_path / "source").write_text("new")
    (tmp_path / "there").mkdir()
    kill = 'read -r _ _ _ parent _ </proc/$PPID/stat; kill -9 "$parent"; exec $TRUE "$@"'
    with copying(lying(tmp_path / "bin", {"mv": kill})) as copy:
        words = bad(copy.put(tmp_path / "source", f"{tmp_path}/there/"), Outcome.LOST)
    assert "was ended by signal 9" in words
    [stage] = left_behind(tmp_path)
    assert f"look for {os.path.basename(stage)} in {tmp_path}/there" in words
