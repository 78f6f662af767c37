"""Groups that are protected, or that allow for so many hosts at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsrun import Danger, InventoryError, UsageError
from opsrun.composition.protection import Guard, dangers
from opsrun.inventory import Inventory, load_inventory


def inventory(folder: Path, text: str, name: str = "inv.yml", **files: str) -> Inventory:
    (folder / name).write_text(text)
    for each, content in files.items():
        path = folder / "group_vars" / f"{each}.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return load_inventory([str(folder / name)])


def answers(found: Inventory, pattern: str = "all", most: int | None = None) -> list[str]:
    return [each.answer for each in dangers(found.select(pattern), most, "the play")]


def test_keys_of_a_group(tmp_path: Path) -> None:
    text = """
prod:
  protected: true
  max_hosts: 2
  children: {web: {hosts: {w1: , w2: , w3: }}}
  hosts: {d1: }
dev: {hosts: {e1: }, protected: no, max_hosts: "1"}
"""
    found = inventory(tmp_path, text)
    assert not found.warnings
    assert answers(found, "dev") == []
    assert answers(found, "w1") == ["prod"]
    assert answers(found, "web") == ["prod", "3"]
    [protected, many] = dangers(found.select("all:!w1:!d1"))[:1] + dangers(found.select("web"))[1:]
    assert protected == Danger(
        "the group 'prod' is protected, and has 2 hosts (w2, w3) of this run", "prod", ("w2", "w3")
    )
    assert many.reason == (
        "this is work on 3 hosts (w1, w2, w3), and the group 'prod' allows for 2 at a time"
    )


def test_variables_of_a_group(tmp_path: Path) -> None:
    text = "[prod]\na\nb\n[prod:vars]\nopsrun_protected=yes\n[all:vars]\nopsrun_max_hosts=1\n"
    found = inventory(tmp_path, text, "hosts")
    assert answers(found) == ["prod", "2"]
    files = inventory(tmp_path, "[dev]\na\n", "others", dev="opsrun_protected: true\n")
    assert answers(files) == ["dev"]


def test_a_host_by_itself(tmp_path: Path) -> None:
    found = inventory(tmp_path, "a opsrun_protected=true\nb\n", "hosts")
    assert [each.reason for each in dangers(found.select("all"))] == ["the host 'a' is protected"]
    assert answers(found, "b") == []


def test_nothing_weaker_or_stronger_takes_it_back(tmp_path: Path) -> None:
    text = """
outer: {protected: true, children: {inner: {vars: {opsrun_protected: false}, hosts: {h: }}}}
"""
    assert answers(inventory(tmp_path, text)) == ["outer"]


def test_the_stronger_word_about_the_same_group_counts(tmp_path: Path) -> None:
    text = "g: {protected: true, max_hosts: 1, hosts: {a: , b: }}\n"
    found = inventory(tmp_path, text, g="opsrun_protected: false\nopsrun_max_hosts: 2\n")
    assert answers(found) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("g: {protected: maybe}", "inv.yml:1: protected: expected true or false, found 'maybe'"),
        ("g: {protected: }", "protected: expected true or false, found nothing"),
        ("g: {max_hosts: -1}", "max_hosts: expected a whole number from 0 on, found -1"),
        ("g: {max_hosts: true}", "max_hosts: expected a whole number from 0 on, found True"),
        ("g: {max_hosts: '{{ x }}'}", "max_hosts: expected a whole number"),
    ],
)
def test_what_can_not_be_read_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InventoryError) as caught:
        inventory(tmp_path, text)
    assert words in str(caught.value)


def test_a_variable_that_can_not_be_read_protects(tmp_path: Path) -> None:
    found = inventory(tmp_path, "a opsrun_protected=maybe\n", "hosts")
    with pytest.raises(InventoryError, match=r"hosts:1: protected: expected true or false"):
        dangers(found.select("a"))
    found = inventory(tmp_path, "a opsrun_max_hosts=1\n", "hosts")
    with pytest.raises(InventoryError, match="is said of groups, and this is the host 'a'"):
        dangers(found.select("a"))


def test_a_key_that_is_nearly_one_is_warned_of(tmp_path: Path) -> None:
    found = inventory(tmp_path, "g: {protcted: {}, hosts: {a: }}")
    assert "did you mean 'protected'" in str(found.warnings[0])


def test_hosts_of_a_play(tmp_path: Path) -> None:
    found = inventory(tmp_path, "g: {hosts: {a: , b: }}")
    assert answers(found, most=2) == []
    assert answers(found, most=1) == ["2"]
    assert answers(found, most=0, pattern="a") == ["1"]


DANGER = Danger("the group 'g' is protected", "g", ("a", "b"))


def test_without_anybody_to_ask_it_is_refused() -> None:
    with pytest.raises(UsageError, match=r"typing 'g' on a terminal, or with -y/--yes"):
        Guard().confirm([DANGER])
    Guard().confirm([])
    Guard(yes=True).confirm([DANGER])


def test_what_was_confirmed_is_not_asked_again() -> None:
    asked: list[Danger] = []

    def confirm(danger: Danger) -> bool:
        asked.append(danger)
        return "c" not in danger.hosts

    guard = Guard(confirm=confirm)
    guard.confirm([DANGER])
    guard.confirm([DANGER, Danger(DANGER.reason, "g", ("b",))])
    assert asked == [DANGER]
    with pytest.raises(UsageError, match="this was not confirmed"):
        guard.confirm([Danger(DANGER.reason, "g", ("a", "c"))])
