"""Phaze-A: a configurable face-swapping autoencoder."""
