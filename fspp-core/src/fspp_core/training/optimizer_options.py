"""Options of core's optimizers; light, no Keras."""

from __future__ import annotations

from dataclasses import dataclass

from fspp_core.options import option


@dataclass(frozen=True, slots=True, kw_only=True)
class AdamOptions:
    """Options of Adam."""

    beta_1: float = option(0.9, "Decay of the running mean of gradients.", minimum=0, exclusive_maximum=1)
    beta_2: float = option(0.999, "Decay of the running mean of squared gradients.", minimum=0, exclusive_maximum=1)
    epsilon: float = option(1e-7, "Added to the denominator.", exclusive_minimum=0)
    clip_norm: float | None = option(None, "Largest norm of all gradients together.", exclusive_minimum=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdamWOptions:
    """Options of Adam with decoupled weight decay."""

    beta_1: float = option(0.9, "Decay of the running mean of gradients.", minimum=0, exclusive_maximum=1)
    beta_2: float = option(0.999, "Decay of the running mean of squared gradients.", minimum=0, exclusive_maximum=1)
    epsilon: float = option(1e-7, "Added to the denominator.", exclusive_minimum=0)
    weight_decay: float = option(0.004, "Share of each weight lost per update and unit of rate.", minimum=0)
    clip_norm: float | None = option(None, "Largest norm of all gradients together.", exclusive_minimum=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RMSpropOptions:
    """Options of RMSprop."""

    rho: float = option(0.9, "Decay of the running mean of squared gradients.", minimum=0, exclusive_maximum=1)
    momentum: float = option(0.0, "Share of the last update that is kept.", minimum=0, exclusive_maximum=1)
    epsilon: float = option(1e-7, "Added to the denominator.", exclusive_minimum=0)
    clip_norm: float | None = option(None, "Largest norm of all gradients together.", exclusive_minimum=0)
