"""Films as GIF: one palette for all frames that holds the colours of the theme exactly."""

from __future__ import annotations

import io
import tempfile
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

Array = np.ndarray[Any, np.dtype[Any]]
COLOURS = 256
FREQUENT = 96  # of the palette are kept for the colours that cover most, exactly as they are
SAMPLES = 1 << 16  # pixels that the rest of the palette is chosen from
IN_MEMORY = 64 << 20  # bytes of frames; what is beyond goes to a temporary file
LAST_S = 1.0  # how much longer the last frame stands: a film begins again at once


class Canceled(Exception):
    """Nobody wants the film any more."""


class GifWriter:
    """Takes frames one by one and keeps them small; `encode` chooses the palette and gives the file's bytes.

    exact   colours (k, 3) that every frame shows as they are
    """

    def __init__(self, size: tuple[int, int], rate: float, exact: Array) -> None:
        self.size, self._rate = size, rate
        self._exact = _packed(exact)
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed by `close`
        self._frames: list[tuple[int, int]] = []
        self._counts: dict[int, int] = {}
        self._before: Array | None = None

    def add(self, frame: Array) -> None:
        """One more frame, (height, width) of 0xRRGGBB."""
        changed = frame if self._before is None else frame[frame != self._before]
        for colour, count in zip(*np.unique(changed, return_counts=True), strict=True):
            self._counts[int(colour)] = self._counts.get(int(colour), 0) + int(count)
        self._before = frame
        content = zlib.compress(frame.tobytes(), 1)
        self._frames.append((self._file.seek(0, io.SEEK_END), len(content)))
        self._file.write(content)

    def encode(self, tell: Callable[[int, int], None] = lambda done, every: None) -> bytes:
        """The film. `tell` hears frames done and all of them, and may raise to end it."""
        palette = self._palette()
        index = Index(palette)
        pictures = self._pictures(index, palette, tell)
        content = io.BytesIO()
        # With the palette named, Pillow writes it once and not again for every frame.
        next(pictures).save(
            content, "GIF", save_all=True, append_images=pictures, duration=self.delays(), loop=0, optimize=False,
            palette=bytes(palette_bytes(palette)),
        )  # fmt: skip
        return content.getvalue()

    def delays(self) -> list[int]:
        """Milliseconds for each frame: whole hundredths of a second whose sum is right."""
        ends = [round(100 * (index + 1) / self._rate) for index in range(len(self._frames))]
        delays = [10 * (end - begin) for begin, end in zip([0, *ends], ends, strict=False)]
        delays[-1] += round(1000 * LAST_S)
        return delays

    def close(self) -> None:
        """Drop the frames."""
        self._file.close()

    def _pictures(self, index: Index, palette: Array, tell: Callable[[int, int], None]) -> Iterator[Image]:
        from PIL import Image

        entries = palette_bytes(palette)
        for number, (place, length) in enumerate(self._frames):
            tell(number, len(self._frames))
            self._file.seek(place)
            frame = np.frombuffer(zlib.decompress(self._file.read(length)), np.uint32)
            picture = Image.frombytes("P", self.size, index.of(frame).tobytes())
            picture.putpalette(entries)
            yield picture

    def _palette(self) -> Array:
        """Exact colours, then the frequent ones, then the best for the rest."""
        colours = np.fromiter(self._counts, np.uint32, len(self._counts))
        counts = np.fromiter(self._counts.values(), np.int64, len(self._counts))
        order = np.argsort(-counts, kind="stable")
        colours, counts = colours[order], counts[order]
        exact = self._exact[np.isin(self._exact, colours)]
        kept = np.unique(np.concatenate([exact, colours[: min(FREQUENT, COLOURS - len(exact))]]))
        is_left = ~np.isin(colours, kept)
        rest = chosen(colours[is_left], counts[is_left], COLOURS - len(kept))
        return np.unique(np.concatenate([kept, rest]))


class Index:
    """Finds the nearest colour of a palette, each colour once."""

    def __init__(self, palette: Array) -> None:
        self._palette = _channels(palette)
        self._known = np.zeros(1 << 24, np.bool_)
        self._table = np.zeros(1 << 24, np.uint8)

    def of(self, colours: Array) -> Array:
        """Places in the palette, in the shape of `colours`."""
        unknown = np.unique(colours[~self._known[colours]])
        for begin in range(0, len(unknown), 4096):
            some = unknown[begin : begin + 4096]
            distances = ((_channels(some)[:, None, :] - self._palette) ** 2).sum(axis=2)
            self._table[some] = distances.argmin(axis=1)
        self._known[unknown] = True
        return self._table[colours]


def chosen(colours: Array, counts: Array, most: int) -> Array:
    """At most that many colours that stand for all, by median cut; what covers more counts more, but not in proportion."""
    if len(colours) <= most or most <= 0:
        return colours[: max(0, most)]
    from PIL import Image

    weights = np.sqrt(counts)
    repeated = np.maximum(1, np.rint(weights * SAMPLES / weights.sum())).astype(np.int64)
    pixels = np.repeat(_channels(colours).astype(np.uint8), repeated, axis=0)
    picture = Image.frombytes("RGB", (len(pixels), 1), pixels.tobytes())
    table = picture.quantize(most, Image.Quantize.MEDIANCUT, kmeans=1).getpalette() or []
    return _packed(np.array(table, np.uint32).reshape(-1, 3)[:most])


def palette_bytes(palette: Array) -> list[int]:
    """Red, green, blue of each colour in a row."""
    return [int(channel) for channel in _channels(palette).ravel()]


def _packed(colours: Array) -> Array:
    red, green, blue = np.asarray(colours, np.uint32).T
    return np.asarray(red << 16 | green << 8 | blue, np.uint32)


def _channels(colours: Array) -> Array:
    return np.stack([colours >> 16 & 255, colours >> 8 & 255, colours & 255], axis=-1).astype(np.int32)
