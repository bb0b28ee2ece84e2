"""A store whose every field tries to get at the terminal, the markup or the layout."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from labtop.model.run import (
    Artifact,
    Code,
    Command,
    DataInput,
    Environment,
    Gpu,
    Hardware,
    Life,
    Randomness,
    RunError,
    RunRecord,
    Source,
    Status,
    UntrackedFile,
)
from labtop.store.layout import create_store
from tests.stores import summarise, write_run

TEXTS = (
    "[/b]\x1b]52;c;VEFCTEU=\x07 name",
    "[@click=app.quit]x[/] [link=https://evil]y[/link] [TODO]",
    "title \x1b]0;PWNED\x07 \x1b]2;PWNED\x1b\\",
    "report \x1b[6n \x1b[c \x1b[5n \x9b6n \x90q\x9c",
    "move \x1b[2J\x1b[H\x1b[999B\x1b[?1049l",
    "newline\nsecond\rthird\x0b\x0c\x08\x7f\x00",
    "\u202eevil\u202c \u2066iso\u2069 \u200bzero\u200d \ufeff",
    "宽" * 300,
    "z" + "\u0301" * 500,
    "\U0001f4a9\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "link \x1b]8;;https://evil\x07click\x1b]8;;\x07",
    "$(rm -rf ~) `id` '; DROP TABLE runs; --",
    "=cmd|' /C calc'!A0",
    "\x1b_Gf=100;AAAA\x1b\\ \x1bPq#0\x1b\\",
    "",
    " ",
)
PAYLOADS = (
    b"\x1b]52;c;VEFC", b"\x1b]0;P", b"\x1b]2;P", b"\x1b]8;", b"\x1b[6n", b"\x1b[5n", b"\x1b[999B",
    b"\xc2\x9b", b"\xc2\x90",
    b"\x1b_G", b"\x1bPq", "\u202e".encode(), "\u2066".encode(), "\u200b".encode(),
)  # fmt: skip
"""Bytes of which none may reach the terminal."""


def build(path: Path) -> Path:
    """A run for each text, which stands in every field that takes one."""
    create_store(path)
    for number, text in enumerate(TEXTS):
        run_id = f"hostileaa{chr(ord('a') + number)}"
        points = [
            (f"loss {text}", float(step), 1_750_000_000_000_000 + step, 1.0 / (step + 1)) for step in range(5)
        ]
        record = RunRecord(
            id=run_id,
            name=text,
            project=f"p{text}",
            status=Status.FAILED,
            started_at=datetime(2026, 1, 1, 0, number, tzinfo=UTC),
            ended_at=datetime(2026, 1, 1, 1, number, tzinfo=UTC),
            params={"lr": 0.1 * number, text or "empty": text, "nested": {text or "empty": [text, {"deep": text}]}},
            metrics=summarise(points),
            summary={text or "empty": text},
            life=Life(
                group=text,
                job_type=text,
                tags=(text, "plain"),
                notes=text,
                signal=text or None,
                error=RunError(type=text, message=text, where=text),
                degraded=text or None,
            ),
            command=Command(argv=("python", text), cwd=text, executable=text, launcher=text),
            code=Code(
                commit=text or None,
                branch=text,
                remote=text,
                dirty=True,
                problem=text or None,
                untracked=(UntrackedFile(path=text, reason=text),),
            ),
            data=(DataInput(name=text, uri=text, kind=text, digest=text, algorithm=text),),
            randomness=Randomness(seeds={text or "numpy": number}, flags={text or "flag": text}, imported=(text,)),
            environment=Environment(
                python=text, os=text, kernel=text, packages={text or "torch": text}, origins={text: text},
                lock_file=text, container_image=text, variables={text or "A": text},
            ),
            hardware=Hardware(cpu=text, gpus=(Gpu(name=text, driver=text),), cuda=text, blas=text),
            artifacts=(Artifact(name=text, path=text, kind=text),),
            source=Source(tracker="labtop", problems=(text,)),
        )  # fmt: skip
        folder = write_run(path, record, points)
        (folder / "output.log").write_text(f"{text}\n" * 3, "utf-8", "surrogatepass")
    return path
