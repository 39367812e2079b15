"""Names of the face types, apart from the numbers behind them, so that options can list them without loading NumPy."""

from __future__ import annotations

DEEPFACELAB_TYPES = ("half", "midfull", "full", "whole", "head", "full-unaligned", "head-unaligned")
FACESWAP_TYPES = ("fs-legacy", "fs-face", "fs-head")
FACE_TYPES: tuple[str, ...] = DEEPFACELAB_TYPES + FACESWAP_TYPES
"""Names of all crops: DeepFaceLab's face types from narrow to wide and unaligned, then Faceswap's centerings."""
