"""opsrun.toml: what holds, where it comes from, and what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.cli import opsrun

from opsrun.cli import settings
from opsrun.cli.config import config
from opsrun.cli.main import load, shared_options
from opsrun.errors import ConfigError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)
    return tmp_path


def chosen(name: str, said: list[str] | None = None) -> dict[str, object]:
    found = settings.read_all((said if said is not None else []).append)
    held = settings.for_command(load(name), name, found, shared_options())
    return {key: setting.value for key, setting in held.items()}


def write_user_file(text: str) -> Path:
    path = settings.files()[0]
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_without_files_nothing_is_set(project: Path) -> None:
    assert chosen("exec") == {}


def test_project_wins_over_user_and_command_over_shared(project: Path) -> None:
    write_user_file("[defaults]\nforks = 10\nuser = 'ops'\n[exec]\nretries = 1\n")
    (project / "opsrun.toml").write_text("[defaults]\nforks = 20\n[exec]\nforks = 30\n")
    assert chosen("exec") == {"forks": 30, "user": "ops", "retries": 1}
    assert chosen("ping") == {"forks": 20, "user": "ops"}


def test_a_shared_option_that_the_command_lacks_is_passed_over(project: Path) -> None:
    (project / "opsrun.toml").write_text("[defaults]\ninventory = ['a', 'b']\nforks = 3\n")
    assert chosen("inventory") == {"inventory": ["a", "b"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[exec]\n\nfrks = 1\n", "opsrun.toml:3: [exec] has no option 'frks'; did you mean 'fork"),
        ("[defaults]\nouptut = 'fold'\n", "opsrun.toml:2: [defaults] has no option 'ouptut'; did"),
        ("[exec]\nforks = 'many'\n", "opsrun.toml:2: forks: "),
        ("[exec]\nforks = 0\n", "opsrun.toml:2: forks: "),
        ("[exec]\nforks = true\n", "opsrun.toml:2: forks takes no true or false"),
        ("[exec]\nforks = [1]\n", "opsrun.toml:2: forks takes one value, not [1]"),
        ("[exec]\nfold = 'yes'\n", "opsrun.toml:2: fold takes true or false, not 'yes'"),
        ("[exec]\ninventory = 'x'\n", "opsrun.toml:2: inventory takes a list, not 'x'"),
        ("[exec]\noutput = 'xml'\n", "opsrun.toml:2: output: "),
        ("[exec]\nforks = 1979-05-27\n", "opsrun.toml:2: forks takes text or numbers"),
        ("[exec]\nenv = [{ A = 1 }]\n", "opsrun.toml:2: env takes text or numbers"),
        ("forks = 1\n", "opsrun.toml:1: 'forks' stands in no section"),
        ("[exec\n", "opsrun.toml:1:6: "),
    ],
)
def test_a_mistake_is_named_with_its_line(project: Path, text: str, message: str) -> None:
    (project / "opsrun.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        chosen("exec")
    assert str(caught.value).startswith(message)


def test_an_unknown_section_is_named(project: Path) -> None:
    (project / "opsrun.toml").write_text("[exce]\nforks = 1\n")
    with pytest.raises(ConfigError, match=r"no section \[exce\]; did you mean 'exec'\?"):
        settings.check_sections(settings.read_all(print), ["exec", "ping"])


def test_a_file_in_a_directory_that_all_may_write_is_passed_over(project: Path) -> None:
    (project / "opsrun.toml").write_text("[exec]\nforks = 1\n")
    project.chmod(0o777)
    said: list[str] = []
    assert chosen("exec", said) == {}
    assert said == ["opsrun.toml is passed over: everybody may write to this directory"]


def test_config_show_tells_where_each_default_comes_from(project: Path) -> None:
    (project / "opsrun.toml").write_text("[exec]\nforks = 7\nprivate-key = ['k']\n")
    lines = CliRunner().invoke(config, ["show", "exec"]).output.splitlines()
    assert [line.split("#")[1].strip() for line in lines if line.startswith("forks = 7 ")] == [
        "opsrun.toml:2"
    ]
    assert any(line.startswith('private-key = ["k"] ') for line in lines)
    assert any(line.startswith("fold = false ") and "built in" in line for line in lines)


def test_config_show_of_a_group_shows_its_subcommands_options(project: Path) -> None:
    (project / "opsrun.toml").write_text("[defaults]\ninventory = ['x']\n")
    output = CliRunner().invoke(config, ["show", "inventory"]).output
    assert 'inventory = ["x"]' in output


def _directory(path: Path) -> None:
    path.mkdir()


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_directory, "opsrun.toml: expected a file"),
        (_loop, "opsrun.toml: Too many levels of symbolic links"),
        (_dangling, "opsrun.toml: a link that leads nowhere"),
        (_pipe, "opsrun.toml: expected a file"),
    ],
)
def test_what_is_no_file_is_told_and_not_passed_over(
    project: Path, make: Callable[[Path], None], words: str
) -> None:
    make(project / "opsrun.toml")
    ran = opsrun("exec", "-i", "h1,", "-w", "h1", "--list-hosts", cwd=project)
    assert ran.status == 2
    assert words in ran.err


@pytest.mark.parametrize(
    ("error", "told"),
    [(PermissionError(13, "Permission denied"), True), (OSError(5, "I/O"), False)],
)
def test_a_place_that_cannot_be_looked_at(
    project: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, told: bool
) -> None:
    def refuse(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        raise error

    monkeypatch.setattr(Path, "stat", refuse)
    warnings: list[str] = []
    if told:
        assert settings.read_all(warnings.append) == []
        assert all("Permission denied" in words for words in warnings)
        assert warnings
    else:
        with pytest.raises(ConfigError, match="I/O"):
            settings.read_all(warnings.append)


def test_nothing_at_all_may_stand_in_for_no_settings(project: Path) -> None:
    (project / "opsrun.toml").symlink_to(os.devnull)
    ran = opsrun("exec", "-i", "h1,", "-w", "h1", "--list-hosts", cwd=project)
    assert (ran.status, ran.out) == (0, "h1\n")


def test_an_empty_value_in_a_file_is_refused_too(project: Path) -> None:
    (project / "opsrun.toml").write_text('[exec]\nuser = ""\n')
    ran = opsrun("exec", "-i", "h1,", "-w", "h1", "--list-hosts", cwd=project)
    assert ran.status == 2
    assert "--user: the value is empty" in ran.err
