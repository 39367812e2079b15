"""Optimizer components: Keras's own, with a learning rate that the loop sets before each update."""

from __future__ import annotations

import keras

from fspp_core.training.optimizer_options import AdamOptions, AdamWOptions, RMSpropOptions


class Adam:
    """Adam. Reference: Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015."""

    def __init__(self, options: AdamOptions) -> None:
        self.options = options

    def build(self, learning_rate: float) -> keras.optimizers.Optimizer:
        """A fresh optimizer at this rate."""
        o = self.options
        return keras.optimizers.Adam(
            learning_rate, beta_1=o.beta_1, beta_2=o.beta_2, epsilon=o.epsilon, global_clipnorm=o.clip_norm
        )


class AdamW:
    """Adam with decoupled weight decay. Reference: Loshchilov and Hutter, "Decoupled Weight Decay", 2019."""

    def __init__(self, options: AdamWOptions) -> None:
        self.options = options

    def build(self, learning_rate: float) -> keras.optimizers.Optimizer:
        """A fresh optimizer at this rate."""
        o = self.options
        return keras.optimizers.AdamW(
            learning_rate,
            weight_decay=o.weight_decay,
            beta_1=o.beta_1,
            beta_2=o.beta_2,
            epsilon=o.epsilon,
            global_clipnorm=o.clip_norm,
        )


class RMSprop:
    """RMSprop. Reference: Tieleman and Hinton, Coursera lecture 6.5, 2012."""

    def __init__(self, options: RMSpropOptions) -> None:
        self.options = options

    def build(self, learning_rate: float) -> keras.optimizers.Optimizer:
        """A fresh optimizer at this rate."""
        o = self.options
        return keras.optimizers.RMSprop(
            learning_rate, rho=o.rho, momentum=o.momentum, epsilon=o.epsilon, global_clipnorm=o.clip_norm
        )
