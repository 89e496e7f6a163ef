"""Emotions: the label sets, their Korean names, and how one set is read as another."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from edgefer.errors import DataError

KOREAN = {
    "angry": "분노",
    "anxious": "불안",
    "contempt": "경멸",
    "disgust": "혐오",
    "embarrassed": "당황",
    "fear": "공포",
    "frown": "찡그림",
    "happy": "기쁨",
    "hurt": "상처",
    "neutral": "중립",
    "sad": "슬픔",
    "surprise": "놀람",
}

ALIASES = {
    "anger": "angry",
    "anxiety": "anxious",
    "disgusted": "disgust",
    "embarrassment": "embarrassed",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
} | {korean: english for english, korean in KOREAN.items()}


@dataclass(frozen=True)
class Labels:
    """The emotions a face set or a model tells apart.

    Attributes
    ----------
    name : str
        What the set is called, such as ``fer7``.
    names : tuple of str
        The emotions; the position is the class id.
    korean : tuple of str
        Their Korean names, in the same order.
    """

    name: str
    names: tuple[str, ...]
    korean: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.names or len(set(self.names)) != len(self.names):
            raise DataError(f"labels {', '.join(self.names)!r} are empty or name an emotion twice.")
        if len(self.korean) != len(self.names):
            raise DataError(f"{len(self.names)} labels have {len(self.korean)} Korean names.")

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, emotion: object) -> bool:
        return emotion in self.names

    def index(self, emotion: str) -> int:
        """Class id of an emotion."""
        if emotion not in self.names:
            raise DataError(f"{emotion!r} is not one of {self.name}: {', '.join(self.names)}.")
        return self.names.index(emotion)


def labels_of(name: str, *emotions: str) -> Labels:
    """Labels of this name; an emotion without a known Korean name keeps its own."""
    return Labels(name, emotions, tuple(KOREAN.get(emotion, emotion) for emotion in emotions))


# The orders are those of the data sets: FER2013's codes, AI Hub 82's folders, the HUFS network's
# output, and the action-unit work's six classes.
FER7 = labels_of("fer7", "angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
KOREAN7 = labels_of("korean7", "happy", "embarrassed", "angry", "anxious", "hurt", "sad", "neutral")
HUFS5 = labels_of("hufs5", "angry", "embarrassed", "happy", "sad", "neutral")
AU6 = labels_of("au6", "angry", "disgust", "happy", "neutral", "sad", "surprise")

TABLE = {labels.name: labels for labels in (FER7, KOREAN7, HUFS5, AU6)}


def canonical(name: str) -> str:
    """An emotion's name as edgefer spells it: ``Happiness`` and ``기쁨`` are ``happy``."""
    plain = unicodedata.normalize("NFC", name).strip().casefold()
    return ALIASES.get(plain, plain)


def parse_labels(text: str) -> Labels:
    """Labels from a set's name (``fer7``) or a list of emotions (``happy,sad,neutral``)."""
    if text in TABLE:
        return TABLE[text]
    if "," not in text:
        raise DataError(
            f"{text!r} is no label set. Known: {', '.join(TABLE)}; "
            "or name the emotions: --labels happy,sad,neutral."
        )
    return labels_of("custom", *(canonical(part) for part in text.split(",") if part.strip()))


def parse_map(text: str) -> dict[str, str]:
    """Renames from ``surprise=embarrassed,disgust=``; nothing after ``=`` leaves one out."""
    renames = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        source, found, target = part.partition("=")
        if not found or not source.strip():
            raise DataError(f"{part!r} is not OLD=NEW. Example: --map surprise=embarrassed,fear=.")
        renames[canonical(source)] = canonical(target)
    return renames


def translate(
    source: Labels, target: Labels, renames: Mapping[str, str] | None = None
) -> dict[int, int]:
    """How class ids of one set read in another.

    Parameters
    ----------
    source, target : Labels
        From which labels to which.
    renames : mapping of str to str, optional
        Emotions that go under another name in the target; an empty name leaves one out.

    Returns
    -------
    dict of int to int
        Source class id to target class id; an emotion that the target lacks is absent.
    """
    renames = renames or {}
    for old, new in renames.items():
        source.index(old)
        if new:
            target.index(new)
    return {
        i: target.index(renames.get(emotion, emotion))
        for i, emotion in enumerate(source.names)
        if renames.get(emotion, emotion) in target
    }
