"""Draw Hangul, which OpenCV's own fonts lack: Pillow, and a font of the system."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from edgefer.errors import EdgeferError, install

# Names of files, the better ones first: Nanum, Noto, what Debian had before, macOS, Windows.
FONTS = (
    "NanumGothic.ttf",
    "NanumBarunGothic.ttf",
    "NanumSquareR.ttf",
    "NotoSansKR-Regular.otf",
    "NotoSansKR-Regular.ttf",
    "NotoSansKR[wght].ttf",
    "NotoSansKR-VariableFont_wght.ttf",
    "NotoSansCJKkr-Regular.otf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJK-VF.ttc",
    "UnDotum.ttf",
    "baekmuk-dotum.ttf",
    "DroidSansFallbackFull.ttf",
    "DroidSansFallback.ttf",
    "AppleSDGothicNeo.ttc",
    "malgun.ttf",
)
FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
SAMPLE = "분노"


class Hangul:
    """Words in a font that has Hangul, as masks to lay over a picture."""

    def __init__(self, font: Path | None = None) -> None:
        """Open a font.

        Parameters
        ----------
        font : Path, optional
            A TrueType or OpenType file; the first of `FONTS` on this system if left out.

        Raises
        ------
        EdgeferError
            If there is no Pillow, no such font, or one without Hangul.
        """
        try:
            from PIL import ImageFont
        except ImportError as error:
            raise EdgeferError(
                f"Hangul is drawn by the package Pillow. Try: {install('hangul')}."
            ) from error
        path = font or find_font()
        if path is None:
            raise EdgeferError(
                "there is no font with Hangul on this system. Try: sudo apt install fonts-nanum, "
                "or name one with --font FILE."
            )
        try:
            self._load: Any = lambda size: ImageFont.truetype(str(path), size)
            probe = self._load(16)
            drawn = [_mask(probe, letter) for letter in SAMPLE]
        except OSError as error:
            raise EdgeferError(f"{path} is no font that can be read: {error}.") from error
        # A font without a letter draws its empty box for each of them.
        if drawn[0].shape == drawn[1].shape and (drawn[0] == drawn[1]).all():
            raise EdgeferError(
                f"{path} has no Hangul. Try --font with another, or: sudo apt install fonts-nanum."
            )
        self.path = path
        self._font = lru_cache(8)(self._load)
        self._words = lru_cache(512)(self._draw)

    def draw(self, text: str, height: int) -> np.ndarray:
        """A line of text.

        Parameters
        ----------
        text : str
        height : int
            Of the letters, in pixels.

        Returns
        -------
        ndarray of uint8, shape (H, W)
            How much of the ink each pixel takes. It is kept for the next time: do not write to it.
        """
        return self._words(text, max(6, height))

    def _draw(self, text: str, height: int) -> np.ndarray:
        return _mask(self._font(height), text)


def find_font(folders: tuple[str, ...] = FOLDERS) -> Path | None:
    """The best font with Hangul in these folders and below, or none."""
    found: dict[str, Path] = {}
    for folder in folders:
        for place, _, names in os.walk(Path(folder).expanduser()):
            for name in set(names) & set(FONTS):
                found.setdefault(name, Path(place) / name)
    return next((found[name] for name in FONTS if name in found), None)


def _mask(font: Any, text: str) -> np.ndarray:
    """Ink of a text, from the top of the tallest letter to the lowest point."""
    from PIL import Image, ImageDraw

    left, top, right, bottom = font.getbbox(text)
    image = Image.new("L", (max(1, int(right - left)), max(1, int(bottom - top))))
    ImageDraw.Draw(image).text((-left, -top), text, fill=255, font=font)
    return np.asarray(image)
