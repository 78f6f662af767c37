"""``opsrun lab`` on the command line, as far as it needs no server."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from opsrun.cli.lab import lab
from opsrun.errors import LabError, UsageError
from opsrun.lab import Lab, mocking, openssh
from opsrun.lab import lab as lab_module
from opsrun.lab.folder import Folder
from opsrun.lab.layout import DEFAULT_HOSTS, host_names
from opsrun.lab.run import run_beside
from opsrun.lab.signals import ending_on_signals, undisturbed

CHECKOUT = Path(__file__).parents[3]


def opsrun(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "opsrun", *words]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from opsrun.cli.main import entry_point\n"
        "try:\n"
        "    entry_point(['lab', 'up', '--help'])\n"
        "finally:\n"
        "    assert not {'paramiko', 'gevent', 'jinja2', 'rich', 'mockssh'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "--hosts N" in done.stdout


def test_committed_inventory_lists_a_lab_without_options() -> None:
    listed = yaml.safe_load((CHECKOUT / "inventories" / "lab.yml").read_text())["all"]
    groups = listed["children"]
    names = tuple(name for group in groups.values() for name in group["hosts"])
    assert names == host_names(DEFAULT_HOSTS)
    config = Folder.at(CHECKOUT / lab_module.DEFAULT_DIR).ssh_config.relative_to(CHECKOUT)
    assert listed["vars"] == {"ansible_ssh_common_args": f"-F {config}"}
    for group, content in groups.items():
        assert all(name.startswith(group) for name in content["hosts"])


@pytest.mark.parametrize("words", [["status"], ["down"]])
def test_no_lab_is_said_in_one_line(tmp_path: Path, words: list[str]) -> None:
    done = opsrun("lab", *words, cwd=tmp_path)
    assert done.stdout == "no lab is up in .lab\n"
    assert done.stderr == ""
    assert done.returncode == (1 if words == ["status"] else 0)
    assert list(tmp_path.iterdir()) == []


def test_down_leaves_a_folder_that_is_no_lab(tmp_path: Path) -> None:
    (tmp_path / ".lab").mkdir()
    (tmp_path / ".lab" / "thesis.tex").touch()
    assert opsrun("lab", "down", cwd=tmp_path).stdout == "no lab is up in .lab\n"
    assert (tmp_path / ".lab" / "thesis.tex").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["up", "--hosts", "0"], "a lab has 1 to 10000 hosts, not 0"),
        (["up", "--dir", "a%b"], "'%' in a path confuses ssh"),
        (["up", "--dir", "file"], "File exists"),
        (["up", "--dir", "full"], "not empty, and not a lab"),
        (["run", "--", "no-such-command"], "no such command: no-such-command"),
    ],
)
def test_mistakes_end_in_one_message(tmp_path: Path, words: list[str], message: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    done = opsrun("lab", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("opsrun: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full"]


def test_neither_server_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(openssh, "find_sshd", lambda: None)
    monkeypatch.setattr(lab_module, "mock_version", lambda: None)
    with pytest.raises(LabError, match=r"no sshd .* mock-ssh-server is not installed: pip install"):
        Lab(tmp_path / "lab").up()
    with pytest.raises(LabError, match="can't use sshd: there is no sshd"):
        Lab(tmp_path / "lab", server="sshd").up()
    with pytest.raises(LabError, match=r"^mock-ssh-server is not installed"):
        Lab(tmp_path / "lab", server="mock").up()
    assert not (tmp_path / "lab").exists()


def test_a_library_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    assert mocking.mock_version() is not None
    monkeypatch.setattr(mocking, "_NAME", "no-such-distribution-anywhere")
    assert mocking.mock_version() is None


def test_what_a_kind_of_server_cannot_do_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="takes no sshd options"):
        Lab(tmp_path / "lab", server="mock", sshd_options=["Port 1"]).up()
    with pytest.raises(UsageError, match="has no password"):
        Lab(tmp_path / "lab", server="sshd", password="x").up()


def test_a_lab_that_is_not_up_has_no_hosts(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no lab is up in"):
        _ = Lab(tmp_path / "lab").hosts


def test_command_that_is_not_there_starts_no_lab(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such command"):
        run_beside(Lab(tmp_path / "lab"), ["no-such-command"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_that_end_a_program_end_the_block(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as told, ending_on_signals():
        signal.raise_signal(number)
    assert told.value.code == 128 + number
    assert signal.getsignal(number) is before


def test_signals_wait_for_what_must_not_be_disturbed() -> None:
    done = []

    def clean_up() -> None:
        with undisturbed():
            signal.raise_signal(signal.SIGINT)
            done.append("cleaned up")

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        clean_up()
    signal.signal(signal.SIGINT, before)
    assert done == ["cleaned up"]


def test_unknown_server_names_the_choices() -> None:
    done = CliRunner().invoke(lab, ["up", "--server", "dropbear"])
    assert done.exit_code == 2
    assert "'auto', 'sshd', 'mock'" in done.output
