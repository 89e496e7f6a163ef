"""Measure the gate before the model: what it refuses, and whether the model would read it as well.

    python benchmarks/quality.py work/fer ../shared/data/clips

The first folder is FER2013 as a face set, whose ``val`` split is judged as it is; the second one
holds videos of people (*.mkv), whose faces are made worse. An answer stays if the packaged model
gives in int8 the one that it gives for the face as it was.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import cv2
import numpy as np
from clips import followed, frames
from confidence import answers
from worsening import Worse, blurred, lit, moved, noisy, small

from edgefer.bundle import Bundle
from edgefer.edge.classifier import Classifier
from edgefer.edge.detectors.haar import Haar
from edgefer.edge.faces import Reader
from edgefer.edge.pose import away
from edgefer.edge.quality import flaws, noise
from edgefer.edge.reading import Frame
from edgefer.edge.steady import Steady
from edgefer.edge.track import Follower
from edgefer.edge.watcher import Watcher
from edgefer.faceset import FaceSet
from edgefer.preprocess import Box, to_patch

WORSE: dict[str, Worse] = {
    "blurred by 0.5 pixels": blurred(0.5),
    "blurred by 1 pixel": blurred(1),
    "blurred by 2 pixels": blurred(2),
    "moved by 6 pixels": moved(6),
    "moved by 10 pixels": moved(10),
    "light times 0.5": lit(0.5),
    "light times 0.25": lit(0.25),
    "light times 0.12": lit(0.12),
    "light times 2": lit(2),
    "light times 3": lit(3),
    "light times 4": lit(4),
    "32 pixels and enlarged": small(32),
    "24 pixels and enlarged": small(24),
    "noise of 5 grey levels": noisy(5),
    "noise of 7 grey levels": noisy(7),
    "noise of 10 grey levels": noisy(10),
}
SMALL = {"32 pixels and enlarged": 32, "24 pixels and enlarged": 24}  # sides of their boxes
ROUNDS = 5


@click.command()
@click.argument("faces", type=click.Path(path_type=Path))
@click.argument("clips", type=click.Path(path_type=Path))
def main(faces: Path, clips: Path) -> None:
    """Print what is refused, what becomes of the answers, and what the gate takes of a face."""
    cv2.setNumThreads(1)
    model, val = Classifier(Bundle.load()), FaceSet.load(faces).split("val")
    known = np.asarray(val.patches)
    flawed, right = flaws(known, boxes(known)), answers(model, known).argmax(axis=1) == val.targets
    print(
        f"val, {len(known):,} faces: how many have a flaw, and how many of these int8 reads rightly"
    )
    for flaw in np.unique(flawed):
        has = flawed == flaw
        print(f"{flaw or 'none':28}{has.sum():7,}{right[has].mean():14.0%}")
    middle, most = np.percentile(noise(known), (50, 99))
    print(f"their noise, grey levels: {middle:.1f} in the middle, {most:.1f} for one in a hundred")
    found = list(followed(clips))
    places = [box for _, box in found]
    patches = np.stack([to_patch(image, box) for image, box in found])
    refused = (flaws(patches, places) != "").sum()
    print(f"clips, {len(patches):,}: {refused} refused\n\n{'':28}refused  answer stays")
    straight = answers(model, patches).argmax(axis=1)
    for name, worse in WORSE.items():
        made = np.stack([worse(patch) for patch in patches])
        refused = flaws(made, boxes(made, SMALL.get(name))) != ""
        stays = answers(model, made).argmax(axis=1) == straight
        print(f"{name:28}{refused.mean():7.0%}{stays.mean():14.0%}")
    gate = best(lambda patch: flaws(patch, boxes(patch)), patches)
    pose, frame = best(away, patches), watched(clips)
    print(
        f"\nms of processor time: a frame {frame:.2f}; of these the gate {gate:.2f} "
        f"({gate / frame:.1%}) for its face, {pose:.2f} ({pose / frame:.1%}) for the pose"
    )


def boxes(patches: np.ndarray, side: int | None = None) -> Sequence[Box]:
    """Boxes of faces that were seen with so many pixels; left out, with those of their patch."""
    side = side or patches.shape[1]
    return [Box(0, 0, side, side)] * len(patches)


def best(judge: Callable[[np.ndarray], np.ndarray], patches: np.ndarray) -> float:
    """Milliseconds of processor time that one face takes, in the best round."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for patch in patches:
            judge(patch[None])
        times.append(time.process_time() - start)
    return 1000 * min(times) / len(patches)


def watched(clips: Path) -> float:
    """Milliseconds of processor time that a frame of the videos takes, found and read."""
    bundle, spent = Bundle.load(), []
    reader = Reader.of(bundle, Classifier(bundle))
    for path in sorted(clips.glob("*.mkv")):
        watcher = Watcher(Follower(Haar()), reader, Steady())
        for index, image in enumerate(frames(path)):
            start = time.process_time()
            watcher(Frame(index, index / 30, image))
            spent.append(time.process_time() - start)
    return 1000 * float(np.mean(spent))


if __name__ == "__main__":
    main()
