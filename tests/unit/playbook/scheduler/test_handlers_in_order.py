"""Which handlers a name means, in which order they run, who runs them; as Ansible 2.18 does."""

from __future__ import annotations

from support.plays import FAILS, ROLE, block, flush, handler, includes, meta, notifies, play

from opsrun.dialect.origin import Origin
from opsrun.playbook.model.keywords import Keywords
from opsrun.playbook.model.nodes import Role

END = flush("end")


def test_each_runs_once_a_flush_in_the_order_of_definition() -> None:
    made = play(
        ["t1", "t2", END],
        {("t1", "a"): notifies("B", "A"), ("t2", "*"): notifies("B")},
        handlers=[handler("A"), handler("B"), handler("C")],
    )
    assert made.turns() == ["t1:abc", "t2:abc", "A:a", "B:abc"]


def test_a_topic_means_all_that_listen_a_name_once() -> None:
    known = [
        handler("X", listen=("top",)),
        handler("D", id="D1", listen=("top",)),
        handler("D", id="D2", listen=("top",)),
        handler("", id="nameless", listen=("top",)),
        handler("", id="nameless2", listen=("top",)),
        handler("top", id="named"),
    ]
    made = play(["t1", END], {("t1", "a"): notifies("top")}, hosts="a", handlers=known)
    assert made.by("a") == ["t1", "X", "D1", "nameless", "nameless2", "named"]


def test_of_a_name_the_last_file_wins_and_in_it_the_first() -> None:
    other = Origin("site.yml", 9)
    known = [
        handler("H", id="role", role=ROLE, origin=Origin("roles/web/handlers/main.yml", 1)),
        handler("H", id="first", origin=other),
        handler("H", id="second", origin=other),
    ]
    says = {("t1", "a"): notifies("H"), ("t1", "b"): notifies("web : H")}
    made = play(["t1", END], says, hosts="ab", handlers=known)
    assert made.turns() == ["t1:ab", "role:b", "first:a"]


def test_a_topic_of_a_role_is_found_with_the_roles_name_before_it() -> None:
    known = [
        handler("A", role=ROLE, listen=("top",)),
        handler("B", role=Role("some.where.db", "/roles/db"), listen=("top",)),
        handler("C", listen=("top",)),
    ]
    names = {"a": "web : top", "b": "db : top", "c": "some.where.db : B"}
    says = {("t1", host): notifies(name) for host, name in names.items()}
    made = play(["t1", END], says, hosts="abc", handlers=known)
    assert {host: made.by(host) for host in names} == {
        "a": ["t1", "A"],
        "b": ["t1", "B"],
        "c": ["t1", "B"],
    }


def test_handlers_notify_later_ones_for_now_and_earlier_ones_for_the_next_flush() -> None:
    made = play(
        ["t1", flush("f1"), "t2", flush("f2"), flush("f3")],
        {("t1", "a"): notifies("B"), ("B", "a"): notifies("A", "B", "C"), ("A", "a"): {}},
        hosts="a",
        handlers=[handler("A"), handler("B"), handler("C")],
    )
    assert made.by("a") == ["t1", "B", "C", "t2", "A", "B", "C", "A", "B", "C"]
    assert made.end is not None
    assert made.end.pending == {"a": ("A", "B")}


def test_a_handler_that_nobody_has_fails_the_host_and_names_the_nearest() -> None:
    made = play(
        [block("B", "t1", rescue=["r1"]), "t2", END],
        {("t1", "a"): notifies("restart ngin"), ("t1", "b"): notifies("restart nginx")},
        handlers=[handler("restart nginx")],
    )
    assert made.turns() == ["t1:abc", "r1:a", "t2:abc", "restart nginx:b"]
    (said,) = made.complaints
    assert (said.host, said.task) == ("a", "t1")
    assert "'restart ngin' was not found" in said.message
    assert "did you mean 'restart nginx'?" in said.message


def test_names_are_rendered_by_who_can() -> None:
    from opsrun.playbook.scheduler.handler_list import HandlerList

    rendered = {"H1": "restart web", "H2": ""}
    known = HandlerList(
        [handler("restart {{ x }}", id="H1"), handler("{{ y }}", id="H2", listen=("t",))],
        lambda task: rendered[task.id],
    )
    assert [task.id for task in known.find("restart web")] == ["H1"]
    assert [task.id for task in known.find("t")] == ["H2"]
    assert known.find("{{ y }}") == ()


def test_a_handler_that_fails_leads_to_the_rescue_around_the_flush() -> None:
    tree = [block("B", "t1", meta("flush_handlers"), "t2", rescue=["r1"]), "t3", END]
    made = play(
        tree,
        {("t1", "*"): notifies("A", "B"), ("A", "a"): FAILS},
        hosts="ab",
        handlers=[handler("A"), handler("B")],
    )
    assert made.by("a") == ["t1", "flush_handlers", "A", "r1", "t3", "B"]
    assert made.by("b") == ["t1", "flush_handlers", "A", "B", "t2", "t3"]


def test_handlers_that_are_forced_end_with_the_one_that_fails() -> None:
    made = play(
        ["t1", END, "t2", flush("f2")],
        {("t1", "*"): notifies("A", "B"), ("A", "a"): FAILS},
        hosts="ab",
        handlers=[handler("A"), handler("B")],
        force_handlers=True,
    )
    assert made.turns() == ["t1:ab", "A:ab", "B:b", "t2:b"]
    assert made.end is not None
    assert made.end.pending == {"a": ("B",)}


def test_a_flush_in_always_is_for_failed_hosts_too() -> None:
    tree = ["t1", block("B", "t2", always=[meta("flush_handlers"), "a1"]), "t3", END]
    says = {("t1", "*"): notifies("A"), ("t2", "b"): FAILS}
    made = play(tree, says, hosts="ab", handlers=[handler("A")])
    assert made.turns() == ["t1:ab", "t2:ab", "flush_handlers:ab", "A:ab", "a1:ab", "t3:a"]


def test_a_flush_whose_condition_failed_flushes_nothing() -> None:
    made = play(
        ["t1", meta("flush_handlers"), "t2", END],
        {("t1", "*"): notifies("A"), ("flush_handlers", "b"): {"meta": ""}},
        hosts="ab",
        handlers=[handler("A")],
    )
    assert made.turns() == ["t1:ab", "flush_handlers:ab", "A:a", "t2:ab", "A:b"]


def test_handlers_that_include_do_that_at_once() -> None:
    made = play(
        ["t1", END],
        {("t1", "*"): notifies("I"), ("I", "*"): includes("f"), ("x1", "a"): notifies("J")},
        hosts="ab",
        handlers=[handler("I"), handler("J")],
        files={"f": [block("F", "x1", "x2")]},
    )
    assert made.turns() == ["t1:ab", "I:ab", "x1:ab", "x2:ab", "J:a"]


def test_a_flush_among_handlers_is_an_error() -> None:
    bad = handler("I", action=meta("flush_handlers").action)
    made = play(["t1", END], {("t1", "a"): notifies("I")}, hosts="a", handlers=[bad])
    assert made.end is not None
    assert made.end.failed == ("a",)
    assert "cannot be used as a handler" in made.complaints[0].message


def test_a_handler_that_runs_once_has_run_for_all() -> None:
    once = handler("A", keywords=Keywords(run_once=True))
    made = play(["t1", END, flush("f2")], {("t1", "*"): notifies("A")}, handlers=[once])
    assert made.turns() == ["t1:abc", "A:a"]
    assert made.end is not None
    assert made.end.pending == {}


def test_handlers_of_an_included_role_are_known_from_there_on() -> None:
    theirs = handler("H", id="theirs", role=ROLE)
    made = play(
        ["i", END],
        {
            ("i", "*"): includes("role"),
            ("x1", "a"): notifies("H"),
            ("x1", "b"): notifies("web : H"),
        },
        hosts="ab",
        handlers=[handler("A")],
        files={"role": [block("R", "x1")]},
        role_handlers={"role": [theirs]},
    )
    assert made.turns() == ["i:ab", "x1:ab", "theirs:ab"]


def test_a_handler_that_nobody_has_may_be_a_warning() -> None:
    made = play(
        ["t1", "t2", END],
        {("t1", "a"): notifies("Nope", "A")},
        hosts="a",
        handlers=[handler("A")],
        allow_missing_handlers=True,
    )
    assert made.by("a") == ["t1", "t2", "A"]
    assert [(each.host, each.task) for each in made.complaints] == [("", "t1")]
    assert "'Nope' was not found" in made.complaints[0].message


def test_blocks_around_handlers_are_a_way_to_write_them_down() -> None:
    group = block("G", handler("A"), handler("B"), rescue=[handler("R")])
    says = {("t1", "a"): notifies("A", "B"), ("A", "a"): FAILS}
    made = play(["t1", END], says, hosts="a", handlers=[group])
    assert made.by("a") == ["t1", "A"]
