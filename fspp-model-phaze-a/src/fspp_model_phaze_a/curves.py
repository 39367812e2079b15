"""How many filters each layer of a chain has, and which map sizes double into the output's."""

from __future__ import annotations

from typing import Literal

_STEP = 8
_STEEPEST = 0.99


def curve(
    start: int, end: int, count: int, slope: float, mode: Literal["full", "cap_max", "cap_min"] = "full"
) -> list[int]:
    """`count` numbers of filters from `start` to `end`, multiples of 8 where the mode computes them.

    Args:
        start: filters of the first layer; the only one when `count` is 1.
        end: filters of the last layer.
        count: number of layers, 0 or more.
        slope: -0.99..0.99. In mode "full" 0 is a straight line, below 0 most of the change comes first, above 0 last.
            In the other modes each number is `1 - abs(slope)` of the one before until `end` is reached.
        mode: "full"; "cap_max" repeats `start` in front, "cap_min" `end` behind, when `end` is reached early.
    """
    slope = max(-_STEEPEST, min(_STEEPEST, slope))
    if mode == "full":
        places = [i / (count - 1) for i in range(count)] if count > 1 else [0.0] * count
        heights = [(x - x * slope) / (slope - 2 * x * slope + 1) for x in places]
        return [_floor(height * (end - start) + start) for height in heights]
    numbers = [start]
    while len(numbers) < count and numbers[-1] != end:
        numbers.append(max(end, _floor(numbers[-1] * (1 - abs(slope)))))
    missing = count - len(numbers)
    padded = [start] * missing + numbers if mode == "cap_max" else numbers + [end] * missing
    return padded[:count]


def scale_dim(target: int, dim: int) -> int:
    """The largest side, at most `dim`, that doubles into `target`; the last odd one if none is as small."""
    while target > dim and target % 2 == 0:
        target //= 2
    return target


def group_count(channels: int) -> int:
    """Groups for group normalization: 32, or the nearest larger number that divides the channels."""
    if channels < 32:
        return channels
    return next((k for k in range(32, channels // 2 + 1) if channels % k == 0), channels)


def _floor(value: float) -> int:
    return int(value / _STEP + 1e-9) * _STEP  # a curve's end must not fall one step short by rounding
