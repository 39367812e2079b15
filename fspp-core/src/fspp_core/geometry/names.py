"""Names of the face types, apart from the numbers behind them, so that options can list them without loading NumPy."""

from __future__ import annotations

from typing import Literal, get_args

DeepFaceLabType = Literal["half", "midfull", "full", "whole", "head", "full-unaligned", "head-unaligned"]
FaceswapType = Literal["fs-legacy", "fs-face", "fs-head"]
FaceType = Literal[DeepFaceLabType, FaceswapType]
"""Names of all crops: DeepFaceLab's face types from narrow to wide and unaligned, then Faceswap's centerings."""

DEEPFACELAB_TYPES: tuple[str, ...] = get_args(DeepFaceLabType)
FACESWAP_TYPES: tuple[str, ...] = get_args(FaceswapType)
FACE_TYPES: tuple[str, ...] = DEEPFACELAB_TYPES + FACESWAP_TYPES
