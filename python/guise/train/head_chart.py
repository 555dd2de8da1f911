"""The skin chart of house-head: one upright, symmetric map, twice as wide as high.

(0, 0) is the upper left corner and v grows downwards; u -> 1 - u mirrors left and right. The sheet
of MakeHuman shows the head lying on its side, in the rectangle u > 0.63; here it stands, and the
face is enlarged. Below it lie the neck and shoulders, which are upright in the sheet already, and
in the free corners beside the nape the eye sockets.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Of the sheet: the line that mirrors the head, and the half width, top and height of the head.
HEAD_MIDDLE, HEAD_HALF_WIDTH, HEAD_TOP, HEAD_HEIGHT = 0.4832, 0.336, 0.640, 0.355
NECK_MIDDLE, NECK_HALF_WIDTH, NECK_TOP, NECK_HEIGHT = 0.38053, 0.2610, 0.9745, 0.3085
SOCKET_MIDDLE = 0.0815
# Share of the width and height of the chart that each magnification bends.
FACE_WIDENING, FACE_HEIGHTENING = 0.35, 0.30
HEAD_ROWS = (0.008, 0.795)  # v of the chart: first and last row of the head
NECK_ROWS = (0.815, 0.992)
SOCKET_PATCH = (0.930, 0.985, 0.735, 0.797)  # u, u, v, v of the left one


def chart_from_sheet_uv(sheet_uv: Floats) -> Floats:
    """[N, 2] of MakeHuman's sheet (v up) -> [N, 2] of the chart; the region follows from the place.

    Head, with a = (v - 0.4832) / 0.336 and b = (u - 0.640) / 0.355:
    U = 0.5 + 0.495 (1.35 a - 0.35 a^3), V = 0.008 + 0.787 (b - 0.3 sin(2 pi b) / (2 pi)).
    """
    u, v = sheet_uv[:, 0], sheet_uv[:, 1]
    chart = np.empty_like(sheet_uv)
    head = (u > 0.6345) & (v < 0.83)
    socket = (u < 0.16) & (v < 0.65)
    neck = ~head & ~socket

    a = (v[head] - HEAD_MIDDLE) / HEAD_HALF_WIDTH
    b = (u[head] - HEAD_TOP) / HEAD_HEIGHT
    chart[head, 0] = 0.5 + 0.495 * _widened(a)
    bent = b - FACE_HEIGHTENING * np.sin(2 * np.pi * b) / (2 * np.pi)
    chart[head, 1] = HEAD_ROWS[0] + (HEAD_ROWS[1] - HEAD_ROWS[0]) * bent

    a = (u[neck] - NECK_MIDDLE) / NECK_HALF_WIDTH
    b = (NECK_TOP - v[neck]) / NECK_HEIGHT
    chart[neck, 0] = 0.5 + 0.495 * _widened(a)
    chart[neck, 1] = NECK_ROWS[0] + (NECK_ROWS[1] - NECK_ROWS[0]) * (1.5 * b - 0.5 * b**2)

    # Both sockets are drawn as the left one and then mirrored.
    left = u[socket] > SOCKET_MIDDLE
    a = (np.abs(u[socket] - SOCKET_MIDDLE) - 0.0045) / 0.065
    b = (0.633 - v[socket]) / 0.086
    u0, u1, v0, v1 = SOCKET_PATCH
    across = u0 + (u1 - u0) * a
    chart[socket, 0] = np.where(left, across, 1 - across)
    chart[socket, 1] = v0 + (v1 - v0) * b
    return chart


def _widened(a: Floats) -> Floats:
    """-1..1 -> -1..1, monotone and odd, steeper in the middle."""
    return (1 + FACE_WIDENING) * a - FACE_WIDENING * a**3
