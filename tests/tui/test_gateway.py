"""The gateway: newest request wins, late answers are dropped, errors are told."""

from __future__ import annotations

import threading

import pytest
from textual.app import App

from labtop.errors import InputError
from labtop.query.engine import InterruptedQueryError
from labtop.tui.gateway import THREADS, Gateway


class _App(App[None]):
    """An app with nothing but a gateway."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[Exception] = []
        self.gateway = Gateway(self, self.errors.append)


async def test_an_answer_arrives_on_the_apps_thread() -> None:
    """Computed in another thread, handled in this one."""
    app = _App()
    async with app.run_test():
        seen: list[tuple[int, int]] = []
        app.gateway.request(
            "a", threading.get_ident, lambda there: seen.append((there, threading.get_ident()))
        )
        await app.gateway.settled()
        assert seen[0][0] != seen[0][1] == threading.get_ident()


async def test_only_the_newest_of_a_slot_counts() -> None:
    """What waits is replaced, what runs is interrupted and its answer dropped."""
    app = _App()
    async with app.run_test():
        go, seen, interrupted = threading.Event(), list[str](), list[str]()
        app.gateway.request(
            "filter",
            lambda: "first" if go.wait(10) else "",
            seen.append,
            interrupt=lambda: interrupted.append("first"),
        )
        for name in ("second", "third"):
            app.gateway.request("filter", lambda name=name: name, seen.append)  # type: ignore[misc]  # bound now
        go.set()
        await app.gateway.settled()
        assert seen == ["third"]
        assert interrupted == ["first"]


async def test_slots_do_not_disturb_each_other() -> None:
    """One slot's request leaves another's alone."""
    app = _App()
    async with app.run_test():
        seen: list[str] = []
        app.gateway.request("a", lambda: "a", seen.append)
        app.gateway.request("b", lambda: "b", seen.append)
        await app.gateway.settled()
        assert sorted(seen) == ["a", "b"]


async def test_an_interruption_meant_for_another_is_repaired() -> None:
    """DuckDB interrupts all queries; one that is still wanted runs again."""
    app = _App()
    async with app.run_test():
        tries: list[int] = []

        def compute() -> str:
            tries.append(1)
            if len(tries) == 1:
                raise InterruptedQueryError("interrupted")
            return "done"

        seen: list[str] = []
        app.gateway.request("a", compute, seen.append)
        await app.gateway.settled()
        assert seen == ["done"]


async def test_errors_are_told_and_kill_nothing() -> None:
    """Of the work, and of the handler of its answer."""
    app = _App()
    async with app.run_test():

        def fail() -> str:
            raise InputError("gone")

        app.gateway.request("a", fail, lambda _: None)
        app.gateway.request("b", lambda: 0, lambda zero: 1 / zero)
        mine: list[Exception] = []
        app.gateway.request("c", fail, lambda _: None, failed=mine.append)
        await app.gateway.settled()
        assert {type(each) for each in app.errors} == {InputError, ZeroDivisionError}
        assert len(mine) == 1


async def test_an_answer_for_a_screen_that_is_gone_is_dropped() -> None:
    """Nobody is left to show it."""
    app = _App()
    async with app.run_test() as pilot:
        from textual.screen import Screen

        screen: Screen[None] = Screen()
        await app.push_screen(screen)
        go, seen = threading.Event(), list[bool]()
        app.gateway.request("a", lambda: go.wait(10), seen.append, owner=screen)
        await app.pop_screen()
        go.set()
        await app.gateway.settled()
        await pilot.pause()
        assert seen == []


async def test_a_cancelled_slot_answers_nothing() -> None:
    """Esc on a slow query."""
    app = _App()
    async with app.run_test():
        go, seen = threading.Event(), list[bool]()
        app.gateway.request("a", lambda: go.wait(10), seen.append)
        app.gateway.cancel("a")
        go.set()
        await app.gateway.settled()
        assert seen == []
        assert not app.gateway.is_busy("a")


@pytest.mark.parametrize("count", [20])
async def test_many_slots_share_few_threads(count: int) -> None:
    """Requests queue; threads do not pile up."""
    app = _App()
    before = set(threading.enumerate())  # other apps of this process may have left some
    async with app.run_test():
        seen: list[int] = []
        for number in range(count):
            app.gateway.request(str(number), lambda number=number: number, seen.append)  # type: ignore[misc]  # bound now
        await app.gateway.settled()
        assert sorted(seen) == list(range(count))
        begun = set(threading.enumerate()) - before
        assert sum(each.name.startswith("labtop-") for each in begun) <= THREADS
