"""Sizes of the crops that recognisers are trained on."""

from __future__ import annotations

CROP_PX = 80  # kept on disk: ArcFace's square and a quarter more
INPUT_PX = 64  # seen by the network: that square, in the middle
