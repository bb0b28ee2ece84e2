"""What the end of a run does, done once before, on nothing: somebody waits for the end, and for this nobody does.

What is done for the first time imports, compiles and looks things up; later it takes half of that.
"""

from __future__ import annotations


def rehearse_end() -> None:
    """Seal a point into memory, and ask libraries and modules what they will be asked at the end."""
    from labtop.model.run import Hardware, Randomness
    from labtop.recording.capture.numeric_libraries import with_library_facts
    from labtop.recording.capture.seeds import randomness_now
    from labtop.store.part import OpenPart, part_content
    from labtop.store.wal import PointFrame

    part = OpenPart()
    part.add(("",), [PointFrame(0, 0, 0.0, {"": 0.0})])
    part_content(part, "", "")
    with_library_facts(Hardware())
    randomness_now(Randomness(), frozenset())
