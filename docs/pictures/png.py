"""
A browser's PNG → the same picture with a palette, which has about a quarter of the size.

Only what a browser writes is read: 8 bits for each of three or four channels, not interlaced. The
form: https://www.w3.org/TR/png-3/
"""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import batched
from math import dist

COLORS = 256
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {2: 3, 6: 4}

_FREQUENT = 192
"""Places of the palette for the most frequent colours. The others go to what is left: emoji."""

type Color = tuple[int, ...]


def with_palette(picture: bytes) -> bytes:
    """Return the picture with at most 256 colours; others become the nearest of these."""
    chunks = list(_chunks(picture))
    width, height, depth, kind, *_, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if depth != 8 or kind not in _CHANNELS or interlaced:
        raise ValueError("this is not a PNG as a browser writes it")
    data = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
    rows = [
        list(batched(row, _CHANNELS[kind], strict=True))
        for row in _unfiltered(data, width * _CHANNELS[kind], _CHANNELS[kind])
    ]
    counted = Counter(pixel for row in rows for pixel in row)
    palette = _palette(counted)
    index = {color: _nearest(palette, color) for color in counted}
    packed = b"".join(b"\0" + bytes(map(index.__getitem__, row)) for row in rows)
    return _SIGNATURE + b"".join(
        (
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", b"".join(bytes(color[:3]) for color in palette)),
            _chunk(b"tRNS", bytes(color[3] if len(color) > 3 else 255 for color in palette)),
            _chunk(b"IDAT", zlib.compress(packed, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _palette(counted: Counter[Color]) -> list[Color]:
    """The most frequent colours, then one colour of each group of similar ones."""
    ranked = [color for color, _ in counted.most_common()]
    frequent, rest = ranked[:_FREQUENT], ranked[_FREQUENT:]
    groups: Counter[Color] = Counter()
    first: dict[Color, Color] = {}
    for color in rest:
        group = tuple(channel >> 5 for channel in color)
        groups[group] += counted[color]
        first.setdefault(group, color)
    return frequent + [first[group] for group, _ in groups.most_common(COLORS - len(frequent))]


def _nearest(palette: list[Color], color: Color) -> int:
    return min(range(len(palette)), key=lambda place: dist(palette[place], color))


def _chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(picture):
        length, name = struct.unpack_from(">I4s", picture, at)
        yield name, picture[at + 8 : at + 8 + length]
        at += length + 12


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _unfiltered(data: bytes, length: int, step: int) -> Iterator[bytes]:
    """Every row as it was before the encoder wrote differences to its neighbours."""
    above = bytes(length)
    for at in range(0, len(data), length + 1):
        above = _row(data[at], data[at + 1 : at + 1 + length], above, step)
        yield above


def _row(kind: int, row: bytes, above: bytes, step: int) -> bytes:
    if kind == 0:
        return row
    if kind == 2:
        return bytes((one + up) & 255 for one, up in zip(row, above, strict=True))
    made = bytearray(step)
    corner = bytes(step) + above
    for at, one in enumerate(row):
        left, up, before = made[at], above[at], corner[at]
        guess = {1: left, 3: (left + up) // 2}.get(kind)
        made.append((one + (_paeth(left, up, before) if guess is None else guess)) & 255)
    return bytes(made[step:])


def _paeth(left: int, up: int, before: int) -> int:
    """Return the neighbour that is nearest to left + up - before."""
    to_left, to_up, to_before = abs(up - before), abs(left - before), abs(left + up - 2 * before)
    if to_left <= to_up and to_left <= to_before:
        return left
    return up if to_up <= to_before else before
