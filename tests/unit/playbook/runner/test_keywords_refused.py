"""Keywords that can't be worked out: blamed where they are written, and nothing is done."""

from __future__ import annotations

from pathlib import Path

from support.playruns import run, tasks


def test_no_log_that_nobody_can_tell_fails_and_hides(tmp_path: Path) -> None:
    made = tmp_path / "made"
    soon = "{{ 'soon' }}"
    ran = run(
        tmp_path,
        tasks(
            f"{{name: a, shell: 'touch {made}', no_log: '{{{{ nope }}}}', ignore_errors: true}}",
            f"{{name: b, shell: 'touch {made}', no_log: \"{soon}\", ignore_errors: true}}",
        ),
    )
    for name in ("a", "b"):
        assert ran.one(name).outcome == "failed"
        assert "censored" in ran.result(name)
    assert not made.exists()


def test_no_log_of_an_item_is_each_items_own(tmp_path: Path) -> None:
    line = "{name: a, debug: {msg: '{{ item.m }}'}, no_log: '{{ item.secret }}', register: r,"
    line += " ignore_errors: true, loop: [{m: 1, secret: true}, {m: 2}, {m: 3, secret: false}]}"
    ran = run(tmp_path, tasks(line, "{name: b, debug: {var: r}}"))
    first, second, third = ran.result("b")["r"]["results"]
    assert (first["msg"], third["msg"]) == (1, 3)
    assert second["failed"] is True
    assert "secret" in second["msg"]


def test_a_become_method_is_blamed_where_it_is_written(tmp_path: Path) -> None:
    line = "{name: a, command: id, become: true, become_method: sodu}"
    msg = run(tmp_path, tasks(line)).msg("a")
    assert "site.yml:4" in msg
    assert "there is no become method 'sodu'" in msg
    assert "--become-method" not in msg


def test_a_limit_on_a_task_says_its_seconds(tmp_path: Path) -> None:
    found = run(tmp_path, tasks("{name: a, command: sleep 600, timeout: 1}")).result("a")
    assert found["timedout"] == {"period": 1}
