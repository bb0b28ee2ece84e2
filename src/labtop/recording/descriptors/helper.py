"""The helper process of capture.py: passes streams on and writes `output.log`, until nobody writes any more."""

from __future__ import annotations

import codecs
import json
import os
import signal
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from labtop.recording.wrapped.relay import Relay
from labtop.recording.wrapped.streams import Outlet
from labtop.recording.wrapped.tap import Tap
from labtop.recording.wrapped.terminal import copy_size

_TURN_S = 0.25


def main() -> None:
    """Serve until all streams have ended. Arguments: the descriptors of the orders, and of the answers."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGTSTP", "SIGTTOU", "SIGPIPE"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)  # who is recorded decides when it is over
    control, answers = (int(each) for each in sys.argv[1:])
    orders = os.fdopen(control, "rb")
    settings = json.loads(orders.readline())
    tap = Tap()
    relays = [_relay(tap, *each) for each in settings["outlets"]]
    for relay in relays:
        relay.start()  # first: who prints waits for nothing
    given: SimpleQueue[dict[str, Any]] = SimpleQueue()

    def listen() -> None:
        for line in orders:
            given.put(json.loads(line))
            tap.wake()

    threading.Thread(target=listen, daemon=True).start()
    _keep(settings, tap, relays, given, answers)
    tap.close()
    for relay in relays:  # some child writes on although the run has ended
        if not relay.has_ended:
            _pass_on(_relay(tap, relay.outlet.source, relay.outlet.target, relay.outlet.terminal, ""))


def _relay(tap: Tap, source: int, target: int, terminal: bool, name: str) -> Relay:
    outlet = Outlet(1, source, terminal)
    outlet.name = name
    outlet.target = target if target >= 0 else os.open(os.devnull, os.O_WRONLY)
    return Relay(outlet, tap)


def _keep(
    settings: dict[str, Any],
    tap: Tap,
    relays: list[Relay],
    given: SimpleQueue[dict[str, Any]],
    answers: int,
) -> None:
    """Write the log until the run or all streams have ended."""
    from labtop.recording.capture.redact import Redactor
    from labtop.recording.output import OutputLog

    redactor = Redactor.build(os.environ, settings["redact"])
    log = OutputLog(Path(settings["path"]), redactor, settings["max_bytes"], settings["mode"])
    decoders: dict[str, codecs.IncrementalDecoder] = {}

    def take(timeout_s: float) -> None:
        for stream, data in tap.take(timeout_s):
            decoder = decoders.get(stream)
            if decoder is None:
                decoder = decoders[stream] = codecs.getincrementaldecoder("utf-8")("backslashreplace")
            log.take(stream, decoder.decode(data))

    is_over = False
    while not is_over:
        take(_TURN_S)
        _follow_sizes(relays)
        while not given.empty():
            order = given.get()
            if "move" in order:
                _answer(answers, {"moved": _moved(log, order["move"])})
            is_over |= "stop" in order
        is_over |= not any(relay.is_alive() for relay in relays)
    for relay in relays:
        if relay.is_alive():
            relay.stop()
    for relay in relays:
        while relay.is_alive():
            relay.join(0.01)
            take(0.0)
    take(0.0)
    log.close()
    _answer(answers, {"done": log.problem or ""})


def _moved(log: Any, path: str) -> bool:
    try:
        return bool(log.move(Path(path)))
    except OSError as error:
        log.problem = f"output.log is not complete ({error.strerror or error})"
        return False


def _answer(answers: int, word: dict[str, Any]) -> None:
    try:
        os.write(answers, json.dumps(word).encode() + b"\n")
    except OSError:  # the process that was recorded is gone
        pass


def _follow_sizes(relays: list[Relay]) -> None:
    for relay in relays:
        if relay.outlet.terminal and not relay.has_ended:
            copy_size(relay.outlet.target, relay.outlet.source)


def _pass_on(relay: Relay) -> None:
    relay.start()
    while relay.is_alive():
        relay.join(1.0)
        _follow_sizes([relay])
