"""Random plays: trees, files to include, handlers, and what every host answers to every task."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from support.plays import FAILS, World, block, flush, handler, includes, meta, notifies, task, world

from opsrun.playbook.model.keywords import Keywords
from opsrun.playbook.model.nodes import Block, Node, Task
from opsrun.results import Outcome

HANDLERS = {"A": (), "B": ("top",), "C": (), "D": ("top",)}
"""Names, and the topics that they listen to."""
LONELY = ("flush_handlers", "end_host", "noop")
"""Meta tasks that concern one host."""
SHARED = ("clear_host_errors", "end_play", "end_batch")


@dataclass
class RandomPlay:
    """Draws a play.

    ``crowd`` allows what hosts do to each other; without it all hosts include in the same order,
    for `linear` has one order for all.
    """

    rng: Random
    hosts: str = "abc"
    crowd: bool = True
    says: dict[tuple[str, str], Any] = field(default_factory=dict)
    files: dict[str, list[Block]] = field(default_factory=dict)
    handlers: list[Node] = field(default_factory=list)
    tree: list[Node] = field(default_factory=list)
    number: int = 0

    def __post_init__(self) -> None:
        body = [self.node(0) for _ in range(self.rng.randint(1, 5))]
        self.tree = [block("main", *body), flush("f1"), flush("f2")]
        for name, topics in HANDLERS.items():
            self.handlers.append(handler(name, listen=topics))
            self._answers(name, ())
        self._including_handler()

    def _including_handler(self) -> None:
        inside = [self.leaf(3), self.block(3), self.leaf(3)]
        self.files["of-C"] = [block("of-C", *inside)]
        for host in self.hosts:
            if self.rng.random() < 0.4:
                self.says["C", host] = includes("of-C")

    def world(self, **settings: Any) -> World:
        """The play, ready to be run."""
        return world(
            self.tree,
            self.says,
            hosts=self.hosts,
            files=self.files,
            handlers=self.handlers,
            rng=self.rng,
            **settings,
        )

    def name(self) -> str:
        self.number += 1
        return f"t{self.number}"

    def node(self, depth: int) -> Node:
        return self.block(depth) if depth < 3 and self.rng.random() < 0.35 else self.leaf(depth)

    def block(self, depth: int) -> Block:
        def part(least: int) -> list[Node]:
            return [self.node(depth + 1) for _ in range(self.rng.randint(least, 2))]

        name = f"B{self.name()}"
        tasks, rescue, always = part(1), part(0), part(0)
        if depth < 3 and self.rng.random() < 0.2:
            # What it holds is never done itself: its items are what its loop's task includes.
            loop = self._include(f"{name}-loop", depth)
            return block(name, *tasks, rescue=rescue, always=always, loop=loop)
        lost = bool(rescue) and self.rng.random() < 0.5
        return block(name, *tasks, rescue=rescue, always=always, rescue_unreachable=lost)

    def leaf(self, depth: int) -> Task:
        name, chance = self.name(), self.rng.random()
        if chance < 0.15:
            return self._meta(name)
        if chance < 0.3 and depth < 3:
            return self._include(name, depth)
        once = (
            self.rng.choice([True, "{{ x }}"]) if self.crowd and self.rng.random() < 0.15 else None
        )
        self._answers(name, self.rng.sample(["A", "B", "C", "D", "top"], self.rng.randint(0, 2)))
        return task(name, keywords=Keywords(run_once=once))

    def _answers(self, name: str, notified: Any) -> None:
        for host in self.hosts:
            chance = self.rng.random()
            if chance < 0.12:
                fatal = self.crowd and self.rng.random() < 0.3
                self.says[name, host] = {**FAILS, "fatal": fatal}
            elif chance < 0.16:
                self.says[name, host] = {**FAILS, "ignored": True}
            elif chance < 0.2:
                away = [Outcome.UNREACHABLE] * 3
                gone = self.rng.choice([*away, Outcome.LOST, Outcome.CANCELLED])
                self.says[name, host] = {"outcome": gone}
            elif notified:
                self.says[name, host] = notifies(*notified)
            if self.crowd and self.rng.random() < 0.5:
                self.says[name, host] = {**self.says.get((name, host), {}), "run_once": True}

    def _meta(self, name: str) -> Task:
        words = (*LONELY, *SHARED) if self.crowd else LONELY
        word = self.rng.choice(words)
        for host in self.hosts:
            if self.rng.random() < 0.6:
                self.says[name, host] = {"outcome": Outcome.SKIPPED, "meta": ""}
        return meta(word, name)

    def _include(self, name: str, depth: int) -> Task:
        files = [f"file{self.name()}" for _ in range(2)]
        for file in files:
            inside = [self.node(depth + 1) for _ in range(self.rng.randint(1, 2))]
            self.files[file] = [block(f"of-{file}", *inside)]
        for host in self.hosts:
            wanted = self.rng.choice([files[:1], files, files, [], ["nofile"]])
            if self.crowd and self.rng.random() < 0.3:
                wanted = wanted[::-1]
            self.says[name, host] = includes(*wanted)
        return task(name)
