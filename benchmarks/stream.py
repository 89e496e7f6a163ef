"""Processor time of a frame: a plain loop, the fer package and edgefer, on the same clips.

    python benchmarks/stream.py ../shared/data/clips --fer-python fer-venv/bin/python

(a) is the loop that everybody writes first: ``detectMultiScale`` over the full frame (scaleFactor
1.1, minNeighbors 5, minSize 30) and the float model of the packaged bundle. (b) is ``fer`` from
PyPI as it comes: ``FER().detect_emotions(frame)``. (c) is edgefer's int8 model in the loop of
``edgefer run``, its settings and what it always adds as they come, the readings written to a file.

Each is a process of its own, with one thread for OpenCV and for the model; they take turns. What is
counted is the processor time (all threads, user and system) from the moment a decoded frame is
handed over until the next one is asked for. Decoding is left out of all three.

A face is covered if a box overlaps it by an IoU of at least .5, each box one face at most; the
faces are the boxes that `edgefer.detect.FaceDetector`, as it comes, finds when it searches every
full frame. Found is the share of frames with a box at the one person's usual place, false are all
other boxes, as in benchmarks/detect.py. Both are of the clips with people (*.mkv).

Memory is what (c) and ``edgefer run`` held at their peak; the start is the time from typing
``python -m edgefer run`` to the first line in its file, in fresh processes.

fer's dependency facenet-pytorch brings CUDA builds of PyTorch and is only needed for MTCNN, which
is not its default detector:

    python3.11 -m venv fer-venv
    fer-venv/bin/pip install tensorflow-cpu 'opencv-contrib-python<5' 'moviepy<2' 'setuptools<81' \\
        pandas requests tqdm Pillow matplotlib
    fer-venv/bin/pip install --no-deps fer==25.10.3
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from starting import met, peak, print_start, start

ROOT = Path(__file__).resolve().parents[1]
NAMES = {
    "plain": "(a) plain loop, float",
    "fer": "(b) fer",
    "edgefer": "(c) edgefer, int8",
}
TARGETS = {"plain": 5, "fer": 8}  # times as much processor time as edgefer


def main() -> None:
    """Run every part, in turns, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("--fer-python", type=Path, help="Python of fer's environment")
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts")
    parser.add_argument("--work", choices=[*NAMES, "search"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        print(json.dumps(WORK[options.work](options.clips)))
        return
    pythons = {"plain": sys.executable, "edgefer": sys.executable}
    if options.fer_python:
        pythons["fer"] = str(options.fer_python)
    search = work("search", sys.executable, options.clips)
    told: dict[str, list[dict]] = {name: [] for name in NAMES if name in pythons}
    for _ in range(options.rounds):
        for name, rounds in told.items():
            rounds.append(work(name, pythons[name], options.clips))
    print_times(told, search)
    clip = sorted(options.clips.glob("*.mkv"))[0]
    print_start([start(clip) for _ in range(5)], clip)


def work(name: str, python: str, clips: Path) -> dict:
    """What one part tells, in a process of its own."""
    # FFmpeg would decode ahead, and NumPy wait, in threads of their own, whose time would be taken
    # for the loop's.
    env = os.environ | {
        "OPENBLAS_NUM_THREADS": "1",
        "OPENCV_FFMPEG_CAPTURE_OPTIONS": "threads;1",
        "PYTHONPATH": "" if name == "fer" else str(ROOT),
    }
    command = [python, __file__, str(clips), "--work", name]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def plain(clips: Path) -> dict:
    """(a)."""
    import cv2
    import numpy as np

    from edgefer.bundle import Bundle
    from edgefer.edge.classifier import Classifier
    from edgefer.preprocess import Box, to_patch

    classifier = Classifier(Bundle.load(), "float")
    name = cv2.data.haarcascades + "haarcascade_frontalface_default.xml"
    cascade = cv2.CascadeClassifier(name)

    def read(image: np.ndarray) -> list:
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        found = cascade.detectMultiScale(gray, scaleFactor=1.1, minNeighbors=5, minSize=(30, 30))
        boxes = [Box(*map(int, box)) for box in found]
        if boxes:
            classifier(np.stack([to_patch(image, box) for box in boxes]))
        return boxes

    return each_frame(clips, read)


def fer(clips: Path) -> dict:
    """(b)."""
    import tensorflow as tf  # noqa: TID251  (fer's own, in another environment)

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    from fer.fer import FER

    detector = FER()
    return each_frame(
        clips,
        lambda image: [
            [int(side) for side in found["box"]] for found in detector.detect_emotions(image)
        ],
    )


def each_frame(clips: Path, read: Callable[[Any], list]) -> dict:
    """Boxes that a function finds in each frame of each clip, and the time it took."""
    import cv2

    cv2.setNumThreads(1)
    boxes: dict[str, list] = {}
    clock = Clock()
    for path in paths(clips):
        boxes[path.name] = [read(image) for image in clock.time(frames(path), path.name)]
    return {"boxes": boxes, "ms": clock.ms, "mb": peak(os.getpid())}


def edgefer(clips: Path) -> dict:
    """(c)."""
    from edgefer.bundle import Bundle
    from edgefer.edge.cameras import open_camera
    from edgefer.edge.classifier import Classifier
    from edgefer.edge.cooling import Cooling
    from edgefer.edge.faces import Reader
    from edgefer.edge.sinks import open_sink
    from edgefer.edge.sinks.warnings import WarningSink
    from edgefer.edge.steady import Steady
    from edgefer.edge.stream import run
    from edgefer.edge.track import Follower
    from edgefer.edge.watcher import Watcher
    from edgefer.edge.wishes import Wishes

    bundle, clock = Bundle.load(), Clock()
    reader = Reader.of(bundle, Classifier(bundle))

    class Timed:
        """A camera, and the time that its frames took whoever asked for them."""

        def __init__(self, path: Path) -> None:
            self._camera, self._name = open_camera(str(path)), path.name
            self.dropped = 0
            self.close = self._camera.close

        def __iter__(self) -> Iterator:
            return clock.time(iter(self._camera), self._name)

    boxes = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in paths(clips):
            log = Path(folder) / f"{path.name}.jsonl"
            follower = Follower.of(Wishes())
            sinks = [open_sink(f"jsonl:{log}"), WarningSink(), Cooling(follower)]
            summary = run(Watcher(follower, reader, Steady()), Timed(path), sinks)
            boxes[path.name] = [[] for _ in range(summary.frames)]
            for line in log.read_text("utf-8").splitlines():
                row = json.loads(line)
                boxes[path.name][row["index"]].append(row["box"])
    return {"boxes": boxes, "ms": clock.ms, "mb": peak(os.getpid())}


def search(clips: Path) -> dict:
    """The faces that there are, and where each clip's person mostly is."""
    from detect import median_face

    from edgefer.detect import FaceDetector

    told = each_frame(clips, FaceDetector())
    for path in sorted(clips.glob("*.mkv")):
        place = median_face(list(frames(path)))
        told.setdefault("places", {})[path.name] = [int(side) for side in place]
    return told


WORK = {"plain": plain, "fer": fer, "edgefer": edgefer, "search": search}


class Clock:
    """Processor time between a frame and the next one, summed over each clip."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}

    def time(self, given: Iterator, clip: str) -> Iterator:
        """Hand on, and time whoever takes."""
        spent = 0.0
        for frame in given:
            start = time.process_time()
            yield frame
            spent += time.process_time() - start
        self.ms[clip] = 1000 * spent


def paths(clips: Path) -> list[Path]:
    """Clips of people, and last the one of nobody."""
    return [*sorted(clips.glob("*.mkv")), *sorted(clips.glob("no_face*"))]


def frames(path: Path) -> Iterator:
    """Every picture of a video."""
    import cv2

    video = cv2.VideoCapture(str(path))
    while (given := video.read())[0]:
        yield given[1]


def print_times(told: dict[str, list[dict]], search: dict) -> None:
    """Milliseconds, ratios and faces of each."""
    people, count = sorted(search["places"]), {k: len(v) for k, v in search["boxes"].items()}
    nobody = [name for name in count if name not in search["places"]]
    ms = {
        name: [per_frame(rounds, count, clips) for clips in (people, nobody, [*people, *nobody])]
        for name, rounds in told.items()
    }
    searched = [per_frame([search], count, clips) for clips in (people, nobody, count)]
    print(f"{sum(count[name] for name in people)} frames of {len(people)} people, ", end="")
    print(f"{sum(count[name] for name in nobody)} of nobody; ms of processor time a frame\n")
    print(f"{'':24}people  nobody    all   covered  found  false  peak MB")
    for name, rounds in told.items():
        quality = f"{covered(search, rounds[0]):10.3f}{found(search, rounds[0])}"
        row = "".join(f"{value:8.2f}" for value in ms[name])
        print(f"{NAMES[name]:22}{row}{quality}{max(r['mb'] for r in rounds):9.0f}")
    row = "".join(f"{value:8.2f}" for value in searched)
    print(f"{'every full frame':22}{row}{1:10.3f}{found(search, search)}\n")
    for name, target in TARGETS.items():
        if name in ms:
            times = [other / own for other, own in zip(ms[name], ms["edgefer"], strict=True)]
            print(
                f"{NAMES[name]} takes {times[0]:.1f} times as much as edgefer where there are "
                f"people, {times[1]:.1f} where there is nobody, {times[2]:.1f} in all; "
                f"wanted: {target}. {met(min(times) >= target)}"
            )
            fewer = covered(search, told["edgefer"][0]) >= covered(search, told[name][0])
            print(f"{'':6}edgefer covers at least as many faces: {met(fewer)}")


def per_frame(rounds: list[dict], count: dict[str, int], clips: Any) -> float:
    """Milliseconds a frame of these clips: of each clip the best round."""
    best = {clip: min(told["ms"][clip] for told in rounds) for clip in clips}
    return sum(best.values()) / sum(count[clip] for clip in clips)


def covered(search: dict, told: dict) -> float:
    """Share of the faces that there are which have a box of their own."""
    matched = total = 0
    for clip in search["places"]:
        for faces, boxes in zip(search["boxes"][clip], told["boxes"][clip], strict=True):
            pairs = sorted(
                ((iou(f, b), i, j) for i, f in enumerate(faces) for j, b in enumerate(boxes)),
                reverse=True,
            )
            taken: tuple[set, set] = set(), set()
            for shared, i, j in pairs:
                if shared >= 0.5 and i not in taken[0] and j not in taken[1]:
                    taken[0].add(i)
                    taken[1].add(j)
            matched, total = matched + len(taken[0]), total + len(faces)
    return matched / total


def found(search: dict, told: dict) -> str:
    """Share of the frames with a box where the person mostly is, and the number of other boxes."""
    shares, false = [], sum(len(boxes) for clip in told["boxes"].values() for boxes in clip)
    for clip, place in search["places"].items():
        hits = sum(any(iou(box, place) > 0.2 for box in boxes) for boxes in told["boxes"][clip])
        shares.append(hits / len(told["boxes"][clip]))
        false -= hits
    return f"{statistics.mean(shares):7.3f}{false:7}"


def iou(one: list, other: list) -> float:
    """Intersection over union of two boxes."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(0, width) * max(0, height)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


if __name__ == "__main__":
    main()
