"""Whom to become on a host: variables, and what holds for all of them."""

from __future__ import annotations

from typing import Any

import pytest

from opsrun.errors import NotBuiltError, UsageError
from opsrun.remote.become import BecomeSpec
from opsrun.secret import Secret
from opsrun.transports.targets.become import Become, become_spec


def spec(
    variables: dict[str, Any], defaults: Become | None = None, login: str | None = "me"
) -> BecomeSpec | None:
    return become_spec("web", variables, defaults, login, origin=lambda _: "inv.yml:12")


@pytest.mark.parametrize("value", [True, "yes", "True", 1, "on"])
def test_a_host_becomes_root_with_sudo_unless_it_says_otherwise(value: object) -> None:
    assert spec({"ansible_become": value}) == BecomeSpec("sudo", "root")


@pytest.mark.parametrize("value", [False, "no", 0, "off"])
def test_a_host_may_stay_who_it_is(value: object) -> None:
    assert spec({"ansible_become": value}, Become()) is None
    assert spec({"ansible_become": None}) is spec({}) is None
    assert spec({"ansible_become_user": "bob"}) is None


def test_variables_win_over_what_holds_for_all() -> None:
    common = Become("bob", "su", Secret("x"), "-l", "/opt/su")
    assert spec({}, common) == BecomeSpec("su", "bob", Secret("x"), ("-l",), "/opt/su")
    own = {
        "ansible_become_user": "carol",
        "ansible_become_method": "doas",
        "ansible_become_password": "y",
        "ansible_become_flags": "",
        "ansible_become_exe": "/bin/doas",
    }
    assert spec(own, common) == BecomeSpec("doas", "carol", Secret("y"), (), "/bin/doas")


def test_what_is_not_for_everybody_is_for_those_that_become_by_themselves() -> None:
    common = Become("bob", everywhere=False)
    assert spec({}, common) is None
    assert spec({"ansible_become": True}, common) == BecomeSpec("sudo", "bob")


def test_of_two_names_the_methods_own_wins() -> None:
    both = {
        "ansible_become": True,
        "ansible_become_user": "a",
        "ansible_sudo_user": "b",
        "ansible_su_user": "c",
        "ansible_become_pass": "p",
        "ansible_become_password": "q",
        "ansible_sudo_pass": "r",
    }
    assert spec(both) == BecomeSpec("sudo", "b", Secret("r"))
    found = spec({name: value for name, value in both.items() if "sudo" not in name})
    assert found == BecomeSpec("sudo", "a", Secret("p"))


def test_nobody_becomes_who_they_are() -> None:
    assert spec({"ansible_become": True}, login="root") is None
    assert spec({"ansible_become": True}, login=None) == BecomeSpec()
    flags = {"ansible_become": True, "ansible_become_flags": "-i"}
    assert spec(flags, login="root") == BecomeSpec(flags=("-i",))


@pytest.mark.parametrize("name", ["community.general.doas", "ansible.builtin.doas", "doas"])
def test_methods_by_their_long_names(name: str) -> None:
    found = spec({"ansible_become": True, "ansible_become_method": name})
    assert found is not None
    assert found.method == "doas"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("ansible_become", value) for value in ("maybe", [], 3)),
        *(("ansible_become_user", value) for value in ("-x", "a b", "a;b", "$(id)`", "", [])),
        *(("ansible_become_method", value) for value in ("sodu", "", 3)),
        *(("ansible_become_password", value) for value in ("a\nb", "a\rb", "a\0b", "", [])),
        *(("ansible_become_flags", value) for value in ("'open", 3)),
        *(("ansible_become_exe", value) for value in ("", [], "a\nb")),
    ],
)
def test_wrong_values_name_variable_and_origin(name: str, value: object) -> None:
    with pytest.raises(UsageError) as caught:
        spec({"ansible_become": True, name: value})
    assert not isinstance(caught.value, NotBuiltError)
    assert str(caught.value).startswith(f"inv.yml:12: {name}: ")


def test_methods_that_are_not_built_and_templates_are_refused() -> None:
    for method in ("pbrun", "runas", "community.general.machinectl"):
        with pytest.raises(NotBuiltError, match="is not built yet"):
            spec({"ansible_become": True, "ansible_become_method": method})
    with pytest.raises(NotBuiltError, match="templates"):
        spec({"ansible_become": "{{ x }}"})


def test_wrong_values_for_all_are_refused_before_any_host_is_looked_at() -> None:
    with pytest.raises(UsageError, match="--become-user: '-x'"):
        Become(user="-x")
    with pytest.raises(UsageError, match="did you mean 'sudo'"):
        Become(method="sodo")
    with pytest.raises(UsageError, match="line's end") as caught:
        Become(password=Secret("hunter\n2"))
    assert "hunter" not in str(caught.value)
