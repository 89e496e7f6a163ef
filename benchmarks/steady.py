"""Measure what smoothing keeps back: changes of emotion that are told, and how late a true one is.

    python benchmarks/steady.py ../shared/data/clips

The folder holds videos of people (*.mkv), watched as `edgefer run` does with the packaged model in
int8: each picture, 30 a second; and one in six, 5 a second, the mean of the six ways to begin. A
change is short if it comes within 0.3 s of the one before. With ``unsure`` also counts what goes to
and from it, where it is told for confidence below the default of ``--unsure``.

Late is how long a sure change of a face, from 90 % to 10 %, goes untold at 30 pictures a second.
"""

from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path

import click
import cv2

from edgefer.bundle import Bundle
from edgefer.edge.cameras import open_camera
from edgefer.edge.classifier import Classifier
from edgefer.edge.detectors.haar import Haar
from edgefer.edge.faces import Reader
from edgefer.edge.reading import Reading
from edgefer.edge.steady import Steady
from edgefer.edge.steady_options import UNSURE
from edgefer.edge.track import Follower
from edgefer.edge.watcher import Watcher
from edgefer.preprocess import Box

SMOOTH = 0.0, 0.1, 0.2, 0.4
RATE, FEWER = 30, 6  # pictures a second, and of which one in so many is 5 a second
SHORT = 0.3  # seconds

Told = Sequence[tuple[float, Sequence[Reading]]]  # readings of each picture, and when it was taken


@click.command()
@click.argument("clips", type=click.Path(path_type=Path))
def main(clips: Path) -> None:
    """Print a row for each time constant."""
    cv2.setNumThreads(1)
    bundle = Bundle.load()
    reader = Reader.of(bundle, Classifier(bundle))
    paths = sorted(clips.glob("*.mkv"))
    every = [read(reader, path) for path in paths]
    fewer = [read(reader, path, begin, FEWER) for path in paths for begin in range(FEWER)]
    print(f"{len(paths)} clips, {sum(told[-1][0] for told in every):.0f} s\n")
    print("smooth  changes  short  at 5 a s  late, s  with unsure: changes  short")
    for smooth in SMOOTH:
        changes, short = changed(every, smooth)
        seldom = changed(fewer, smooth)[0] / FEWER
        row = f"{smooth:6}{changes:9}{short:7}{seldom:10.1f}{late(smooth):9.2f}"
        changes, short = changed(every, smooth, unsure=UNSURE)
        print(f"{row}{changes:22}{short:7}")


def read(reader: Reader, path: Path, begin: int = 0, step: int = 1) -> Told:
    """What is read of a video, not made steady, of each so manyth picture."""
    watcher, camera = Watcher(Follower(Haar()), reader), open_camera(str(path))
    try:
        return [(frame.seconds, watcher(frame)) for frame in camera if frame.index % step == begin]
    finally:
        camera.close()


def changed(videos: Iterable[Told], smooth: float, *, unsure: float = 0.0) -> tuple[int, int]:
    """How often another emotion is told of a face, and how often so soon after the last time."""
    changes = short = 0
    for video in videos:
        steady, told, when = Steady(smooth, unsure=unsure), {}, {}
        for seconds, readings in video:
            for reading in steady(seconds, readings):
                face = reading.face
                if told.setdefault(face, reading.emotion) != reading.emotion:
                    changes += 1
                    # Half a picture more: times are rounded to milliseconds.
                    short += face in when and seconds - when[face] < SHORT + 0.5 / RATE
                    told[face], when[face] = reading.emotion, seconds
    return changes, short


def late(smooth: float) -> float:
    """Seconds from the first picture of another emotion to the first that tells it."""
    steady = Steady(smooth)
    before, after = (
        Reading(0, Box(0, 0, 48, 48), emotion, 0.9, {"happy": 0.1, "sad": 0.1} | {emotion: 0.9})
        for emotion in ("happy", "sad")
    )
    for picture in range(-10 * RATE, 0):
        steady(picture / RATE, [before])
    return next(
        picture / RATE
        for picture in count()
        if steady(picture / RATE, [after])[0].emotion == after.emotion
    )


if __name__ == "__main__":
    main()
