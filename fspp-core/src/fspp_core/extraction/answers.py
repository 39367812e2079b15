"""A component must answer for everything it was asked; anything else would mix up faces."""

from __future__ import annotations

from collections.abc import Sized

from fspp_core.errors import PluginError


def check_count(who: str, answers: Sized, asked: Sized) -> None:
    """Refuse answers that are not as many as the questions.

    Raises:
        PluginError: naming the component.
    """
    if len(answers) != len(asked):
        raise PluginError(f"{who} gave {len(answers)} answers for {len(asked)}; run: fspp plugins check")
