"""What a resumed extraction has to look at again, so that it gives what an undisturbed one gives."""

from __future__ import annotations

from collections.abc import Collection


def context_of(wanted: range, done: Collection[int], detect_every: int) -> frozenset[int]:
    """Indices of the frames that are done, but that frames still to do depend on.

    A frame depends on the one looked at before, for scene cuts, and on all from the last one on that was detected on
    whatever was found before, to follow the faces.

    Args:
        wanted: indices of the frames to look at.
        done: indices of those that are done; they may have holes.
        detect_every: every how many-th of the wanted frames is always detected on.
    """
    context, reach = set(), len(wanted)  # place among the wanted frames that those after it reach back to
    for place in reversed(range(len(wanted))):
        if wanted[place] not in done:
            reach = min(reach, place - place % detect_every, max(place - 1, 0))
        elif place >= reach:
            context.add(wanted[place])
    return frozenset(context)
