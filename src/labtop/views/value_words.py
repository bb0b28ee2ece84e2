"""Says in a line what rich values a run has under a name."""

from __future__ import annotations

from collections.abc import Sequence

from labtop.model.run import Artifact
from labtop.views.numbers import shortest
from labtop.views.text import clean


def value_words(name: str, found: Sequence[Artifact]) -> tuple[str, str, str]:
    """What there is under a name in three texts: the name; kind and size of the last one; at how many steps."""
    last = found[-1]
    about = last.about
    words = {
        "image": f"{about.get('width', '?')} x {about.get('height', '?')}  {about.get('caption', '')}",
        "table": f"{about.get('rows', '?')} rows, {about.get('columns', '?')} columns",
        "histogram": f"{about.get('count', '?')} values in {about.get('bins', '?')} bins",
        "confusion_matrix": f"{about.get('classes', '?')} classes",
        "curve": f"{about.get('curve', '')} of {about.get('lines', '?')} "
        + ("line" if about.get("lines") == 1 else "lines"),
        "text": f"{about.get('characters', '?')} characters",
    }
    said = words.get(last.kind, "").rstrip()
    if isinstance(accuracy := about.get("accuracy"), float):
        said += f", accuracy {accuracy:.4g}"
    if isinstance(area := about.get("area"), float):
        said += f", area {area:.4g}"
    steps = [shortest(each.step) for each in (found[0], last) if each.step is not None]
    where = f"{len(found)} steps, {steps[0]} to {steps[-1]}" if len(found) > 1 and steps else ""
    where = where or (f"step {steps[-1]}" if steps else "")
    return (clean(name, 120), f"{last.kind.replace('_', ' ')}  {clean(said, 200)}", where)
