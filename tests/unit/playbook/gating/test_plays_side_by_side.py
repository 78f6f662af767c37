"""Which play begins when, and who is released when: the loop, without hosts."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.conducted import Conducted, conduct, play_of, step

from opsrun.errors import PlaybookError
from opsrun.playbook.gating.lineup import Lineup
from opsrun.playbook.model.gates import Await
from opsrun.playbook.model.keywords import Keywords
from opsrun.playbook.model.nodes import RawAction
from opsrun.results import Outcome

FAILED = Outcome.FAILED


def pair(first: list[Any], then: list[Any], **more: Any) -> Conducted:
    """Two plays without order: ``a,b`` and ``x,y``."""
    plays = [
        play_of(0, "a,b", *first, after=(), strategy="free"),
        play_of(1, "x,y", *then, after=(), strategy="free"),
    ]
    return conduct(plays, **more)


def test_plays_follow_each_other_unless_they_say_otherwise() -> None:
    plays = [play_of(0, "a", step(0, "t")), play_of(1, "a", step(1, "t"))]
    ran = conduct(plays)
    assert ran.begun == ["p0", "p1"]
    assert ran.order == ["0/t:a", "1/t:a"]


@pytest.mark.parametrize("seed", range(8))
def test_after_nothing_begins_at_once_and_after_a_play_behind_that(seed: int) -> None:
    plays = [
        play_of(0, "a", *(step(0, f"t{n}") for n in range(5))),
        play_of(1, "b", step(1, "t"), after=()),
        play_of(2, "c", step(2, "t"), after=("p1",)),
        play_of(3, "d", step(3, "t")),
    ]
    ran = conduct(plays, rng=Random(seed))
    assert ran.begun[:2] == ["p0", "p1"]
    assert ran.order.index("2/t:c") > ran.order.index("1/t:b")
    assert ran.order[-1] == "3/t:d"


def test_what_follows_a_play_that_ended_all_is_left_out_and_nothing_else() -> None:
    plays = [
        play_of(0, "a", step(0, "t"), after=()),
        play_of(1, "b", step(1, "t"), step(1, "u"), after=()),
        play_of(2, "c", step(2, "t"), after=("p1",)),
        play_of(3, "d", step(3, "t"), after=("p0",)),
        play_of(4, "d", step(4, "t"), after=("p3",)),
    ]
    ran = conduct(plays, {("0/t", "a"): FAILED})
    assert "all hosts" in ran.left
    assert ran.order[-1] == "2/t:c"
    assert not {"3/t:d", "4/t:d"} & set(ran.order)


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (("p9",), "after: there is no other play 'p9'"),
        (("p0",), "after: there is no other play 'p0'"),
    ],
)
def test_after_names_another_play(after: tuple[str, ...], words: str) -> None:
    with pytest.raises(PlaybookError, match=words):
        Lineup([play_of(0, "a", after=after), play_of(1, "b")])


def test_a_circle_of_plays_is_drawn() -> None:
    plays = [
        play_of(0, "a", after=("p2",)),
        play_of(1, "a", after=("p0",)),
        play_of(2, "a", after=("p1",)),
    ]
    with pytest.raises(PlaybookError, match="'p0' after 'p2' after 'p1' after 'p0'"):
        Lineup(plays)


@pytest.mark.parametrize("seed", range(10))
def test_hosts_are_released_one_by_one(seed: int) -> None:
    first = [step(0, "slow"), step(0, "open", opens=["one"])]
    ran = conduct(
        [
            play_of(0, "a,b", *first, after=(), strategy="free"),
            play_of(1, "x", step(1, "t", awaits=[Await(("one",), "gate", 1)]), after=()),
            play_of(2, "y", step(2, "t", awaits=["one"]), after=()),
        ],
        rng=Random(seed),
    )
    opened = [ran.order.index(f"0/open:{host}") for host in "ab"]
    assert ran.order.index("1/t:x") > min(opened), "one host is enough"
    assert ran.order.index("2/t:y") > max(opened), "all of them have to"


def test_who_fails_before_it_opens_fails_those_who_wait_at_once() -> None:
    ran = pair(
        [step(0, "bad"), step(0, "open", opens=["g"])],
        [step(1, "t", awaits=["g"]), step(1, "u")],
        says={("0/bad", "b"): FAILED},
    )
    assert ran.of("1/t") == dict.fromkeys(
        "xy", "gate 'g' can't open any more: b failed, before it was open there"
    )
    assert "1/u:x" not in ran.order


def test_a_skipped_task_has_nothing_to_open_but_somebody_must() -> None:
    opens, waits = [step(0, "open", opens=["g"])], [step(1, "t", awaits=["g"])]
    some = pair(opens, waits, says={("0/open", "a"): Outcome.SKIPPED})
    assert some.of("1/t") == {"x": "done", "y": "done"}
    both = {("0/open", host): Outcome.SKIPPED for host in "ab"}
    [words] = set(pair(opens, waits, says=both).of("1/t").values())
    assert "no host opened it: the task that does was skipped, not come to" in words


def test_who_waits_for_a_gate_need_not_open_it() -> None:
    waits = step(0, "w", awaits=["g"])
    ran = conduct(
        [play_of(0, "a,b", waits, step(0, "open", opens=["g"]))],
        {},
    )
    [words] = set(ran.of("0/w").values())
    assert "itself behind the gate" in words


def test_a_gate_that_no_task_opens_is_told_with_the_nearest_name() -> None:
    ran = pair([step(0, "open", opens=["database"])], [step(1, "t", awaits=["databse"])])
    [words] = set(ran.of("1/t").values())
    assert "no task opens it; did you mean 'database'?" in words


def test_who_runs_once_opens_for_all() -> None:
    once = step(0, "open", opens=["g"], keywords=Keywords(run_once=True))
    plays = [
        play_of(0, "a,b", once, step(0, "long"), after=()),
        play_of(1, "x", step(1, "t", awaits=["g"]), after=()),
    ]
    assert conduct(plays).of("1/t") == {"x": "done"}


def test_a_circle_of_gates_is_drawn_and_nobody_hangs() -> None:
    ran = pair(
        [step(0, "t", awaits=["g"]), step(0, "open", opens=["h"])],
        [step(1, "t", awaits=["h"]), step(1, "open", opens=["g"])],
    )
    words = ran.of("0/t")["a"]
    assert "in play 'p0' waits for gate g, which" in words
    assert "in play 'p1' waits for gate h, which" in words
    assert ran.left


def test_a_gate_that_a_later_batch_would_open_is_told() -> None:
    tasks = [step(0, "w", awaits=["g"]), step(0, "open", opens=["g"])]
    words = conduct([play_of(0, "a,b", *tasks, serial=1)]).of("0/w")["a"]
    assert "which b in play 'p0' opens; b in play 'p0' comes behind a in play 'p0'" in words


def test_a_gate_of_a_later_play_is_no_reason_to_wait_for_ever() -> None:
    plays = [
        play_of(0, "a", step(0, "t", awaits=["g"])),
        play_of(1, "b", step(1, "open", opens=["g"])),
    ]
    words = conduct(plays).of("0/t")["a"]
    assert "play 'p1' comes behind a in play 'p0'" in words


@pytest.mark.parametrize("seed", range(10))
def test_in_linear_nobody_waits_for_a_parked_host_and_it_catches_up(seed: int) -> None:
    late = Await(("late",), "gate")
    plays = [
        play_of(
            0,
            "a,b",
            step(0, "t1"),
            step(0, "once", keywords=Keywords(run_once=True)),
            step(0, "open", opens=["late"]),
            after=(),
        ),
        play_of(
            1,
            "x",
            step(1, "g", awaits=[late]),
            step(1, "t1"),
            step(1, "t2"),
            after=(),
        ),
        play_of(2, "p,q", step(2, "wait", awaits=[late]), step(2, "t"), after=()),
    ]
    ran = conduct(plays, rng=Random(seed))
    assert sorted(ran.order) == [
        *("0/once:a", "0/open:a", "0/open:b", "0/t1:a", "0/t1:b"),
        *("1/g:x", "1/t1:x", "1/t2:x"),
        *("2/t:p", "2/t:q", "2/wait:p", "2/wait:q"),
    ]


def test_what_ran_once_meanwhile_is_not_done_again() -> None:
    waits = [step(0, "w", awaits=[Await(("tcp:1",), "check")])]
    once = step(0, "once", keywords=Keywords(run_once=True))
    ran = conduct([play_of(0, "a,b,c", *waits, once, step(0, "end"))])
    assert sum(each.startswith("0/once") for each in ran.order) == 1
    assert sum(each.startswith("0/end") for each in ran.order) == 3


@pytest.mark.parametrize("word", ["end_play", "end_batch"])
@pytest.mark.parametrize("seed", range(5))
def test_no_play_is_ended_for_hosts_that_wait_before_its_end(word: str, seed: int) -> None:
    waits = step(0, "w", awaits=[Await(("tcp:1",), "check")])
    end = step(0, "end", action=RawAction("meta", "meta", free_form=word))
    play = play_of(0, "a,b,c", waits, step(0, "work"), end, step(0, "never"))
    ran = conduct([play], rng=Random(seed))
    assert sorted(each for each in ran.order if "end" not in each) == [
        *("0/w:a", "0/w:b", "0/w:c", "0/work:a", "0/work:b", "0/work:c"),
    ]


def test_who_is_ended_while_it_waits_waits_no_longer() -> None:
    end = step(1, "end", action=RawAction("meta", "meta", free_form="end_play"))
    plays = [
        play_of(0, "a", step(0, "t"), step(0, "open", opens=["g"]), after=()),
        play_of(1, "x,y", step(1, "t", awaits=[Await(("g",), "gate", 2)]), end, after=()),
    ]
    ran = conduct(plays)
    assert set(ran.of("1/t").values()) != {"parked"}


def test_a_canary_that_is_ill_leaves_the_others_alone() -> None:
    health = (Await(("http://x",), "check"),)
    play = play_of(0, "a,b,c,d", step(0, "t"), canary=(1, "50%"), health=health)
    ran = conduct([play], holds=lambda check: not check.startswith("c"))
    assert ran.order == ["0/t:a", "0/t:b", "0/t:c"]
    assert ran.left == "the canary stopped behind batch 2 of 3 (3 of 4 hosts): c: ill"


def test_a_canary_that_failed_is_not_looked_at() -> None:
    play = play_of(0, "a,b", step(0, "t"), canary=(1,), health=(Await(("ssh",), "check"),))
    ran = conduct([play], {("0/t", "a"): FAILED}, holds=lambda check: False)
    assert ran.left == "all hosts of the batch failed or are unreachable"


GATES = st.sampled_from(["g", "h", "i", "never"])
OUTCOMES = st.sampled_from([Outcome.OK] * 6 + [FAILED, Outcome.SKIPPED, Outcome.UNREACHABLE])


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    plays, says = [], {}
    count = draw(st.integers(1, 4))
    for index in range(count):
        hosts = draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True))
        tasks = []
        for number in range(draw(st.integers(1, 4))):
            kind = draw(st.sampled_from(["plain", "opens", "awaits", "both", "check"]))
            any_of = draw(st.none() | st.integers(1, 3))
            gate = Await((draw(GATES),), "gate", any_of, draw(st.none() | st.just(30)))
            awaits = [gate] if kind in ("awaits", "both") else []
            if kind == "check":
                awaits = [Await(("tcp:1",), "check"), gate]
            opens = [draw(GATES.filter(lambda name: name != "never"))]
            once = draw(st.sampled_from([None, None, None, True]))
            tasks.append(
                step(
                    index,
                    f"t{number}",
                    opens=opens if kind in ("opens", "both") else (),
                    awaits=awaits,
                    keywords=Keywords(run_once=once),
                )
            )
            for host in hosts:
                says[f"{index}/t{number}", host] = draw(OUTCOMES)
        earlier = [f"p{each}" for each in range(index)]
        after = (
            draw(st.none() | st.lists(st.sampled_from(earlier), unique=True).map(tuple))
            if (earlier)
            else draw(st.none() | st.just(()))
        )
        strategy = draw(st.sampled_from(["linear", "free", "host_pinned"]))
        serial = draw(st.none() | st.integers(1, 2))
        hosts_text = ",".join(hosts)
        plays.append(
            play_of(index, hosts_text, *tasks, after=after, strategy=strategy, serial=serial)
        )
    return {
        "plays": plays,
        "says": says,
        "rng": Random(draw(st.integers(0, 1000))),
        "places": draw(st.integers(1, 5)),
        "holds": lambda check: True,
    }


@given(worlds())
@settings(max_examples=150, deadline=None)
def test_random_plays_with_gates_never_hang_and_say_what_they_waited_for(
    world: dict[str, Any],
) -> None:
    ran = conduct(**world)
    last = {(each.task, each.host): each.how for each in ran.told}
    for how in last.values():
        if how not in ("parked", "done"):
            assert how.startswith("gate '"), how
            assert "can't open any more:" in how or "will not open:" in how or "not open" in how
    # Who was parked and never heard of again was taken out with all others of its batch.
    done = [key for key, how in last.items() if how == "parked"]
    assert not done or ran.left or any("all hosts" in ran.left for _ in done), done


@given(worlds())
@settings(max_examples=60, deadline=None)
def test_nobody_passes_a_gate_that_nobody_opened(world: dict[str, Any]) -> None:
    ran = conduct(**world)
    opened: set[str] = set()
    tasks = {task.id: task for play in world["plays"] for task in play.blocks[0].tasks}
    for each in ran.told:
        if each.how != "done":
            continue
        task = tasks[each.task]
        for wait in task.awaits:
            assert wait.kind == "check" or set(wait.what) <= opened
        if world["says"].get((each.task, each.host)) is Outcome.OK:
            opened |= {str(name) for name in task.opens}
