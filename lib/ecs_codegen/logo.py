"""Draws logo.png: a container in a hexagon, and the arrow of a flow through it. `python -m ecs_codegen.logo FILE`."""

from __future__ import annotations

import math
import struct
import sys
import zlib

SIZE = 128
#: Samples along each side of a pixel.
_FINE = 4
_ORANGE, _DARK, _WHITE = (236, 114, 17), (35, 47, 62), (255, 255, 255)
_CENTRE = SIZE / 2


def _hexagon(x: float, y: float, radius: float) -> bool:
    x, y = abs(x - _CENTRE), abs(y - _CENTRE)
    return y <= radius * math.sqrt(3) / 2 and math.sqrt(3) * x + y <= math.sqrt(3) * radius


def _arrow(x: float, y: float) -> bool:
    shaft = 14 <= x <= 92 and abs(y - _CENTRE) <= 5
    head = 88 <= x <= 114 and abs(y - _CENTRE) <= (114 - x) * 0.75
    return shaft or head


def _box(x: float, y: float) -> bool:
    return 40 <= x <= 84 and any(abs(y - row) <= 7 for row in (42, 64, 86))


def colour(x: float, y: float) -> tuple[int, int, int] | None:
    """Return the colour of a point; None is transparent."""
    if _arrow(x, y):
        return _WHITE if _hexagon(x, y, 54) else _ORANGE
    if _hexagon(x, y, 54):
        return _ORANGE if _box(x, y) else _DARK
    return _ORANGE if _hexagon(x, y, 60) else None


def pixel(column: int, row: int) -> bytes:
    """Return one pixel as RGBA, averaged over its samples."""
    found = [colour(column + (i + 0.5) / _FINE, row + (j + 0.5) / _FINE) for i in range(_FINE) for j in range(_FINE)]
    seen = [one for one in found if one is not None]
    if not seen:
        return bytes(4)
    return bytes([*(sum(channel) // len(seen) for channel in zip(*seen, strict=True)), 255 * len(seen) // len(found)])


def png() -> bytes:
    """Return the picture as a PNG file."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + b"".join(pixel(column, row) for column in range(SIZE)) for row in range(SIZE))
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


if __name__ == "__main__":
    with open(sys.argv[1], "wb") as file:
        file.write(png())
