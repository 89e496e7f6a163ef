"""Fit what tells the pose of a face, and measure what a bound on it refuses.

    python benchmarks/pose.py work/fer ../shared/data/clips
    python benchmarks/pose.py work/fer ../shared/data/clips --fit edge/pose.npy

The first folder is FER2013 as a face set, the second one holds videos of one person each (*.mkv).
Nobody told how these faces look, so they are turned: faces of the training split to fit, one frame
in 17 of the videos to measure. What the cascade finds no more needs no gate, and is left out.
"""

from collections.abc import Callable
from pathlib import Path

import click
import cv2
import numpy as np
from clips import followed
from turning import turned

from edgefer.bundle import Bundle
from edgefer.edge.classifier import Classifier
from edgefer.edge.detectors.haar import Haar
from edgefer.edge.detectors.region import overlap
from edgefer.edge.pose import away, features, pose
from edgefer.edge.quality import AWAY
from edgefer.faceset import FaceSet
from edgefer.preprocess import Box, to_patch

WIDEST = 50, 50, 25  # degrees of yaw, pitch and roll that faces are turned by, at most
RIDGE = 0.0075  # of each face
ANGLES = [
    *((0, 0, 0), (15, 0, 0), (30, 0, 0), (40, 0, 0), (50, 0, 0), (60, 0, 0)),
    *((0, 15, 0), (0, 25, 0), (0, 35, 0), (0, 45, 0)),
    *((0, -15, 0), (0, -25, 0), (0, -35, 0), (0, -45, 0)),
    *((0, 0, 15), (0, 0, 25), (0, 0, 35)),
]


@click.command()
@click.argument("faces", type=click.Path(path_type=Path))
@click.argument("clips", type=click.Path(path_type=Path))
@click.option("--fit", type=click.Path(path_type=Path), help="Fit it anew first, and write this.")
@click.option("--most", default=30_000, show_default=True, help="Faces to fit to, at most.")
def main(faces: Path, clips: Path, fit: Path | None, most: int) -> None:
    """Print what is refused: of faces that were turned, of FER2013's PublicTest, of the clips."""
    cv2.setNumThreads(1)
    known = FaceSet.load(faces)
    if fit:
        np.save(fit, fitted(*turned_faces(known.split("train"), most)))
    model = Classifier(Bundle.load())
    frames = [(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), box) for image, box in followed(clips)]
    by_angle(model, frames[::17])
    by_bound(model, known.split("val"), np.stack([to_patch(*found) for found in frames]))


def turned_faces(faces: FaceSet, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Patches of faces that were turned and found again, and their angles."""
    rng, haar = np.random.default_rng(1), Haar(min_size=40)
    patches, angles = [], []
    for number, index in enumerate(rng.permutation(len(faces.patches))[:most], start=1):
        around = cv2.copyMakeBorder(
            np.asarray(faces.patches[index]), *[24] * 4, cv2.BORDER_REPLICATE
        )
        image = cv2.resize(around, (192, 192), interpolation=cv2.INTER_CUBIC)
        # FER2013's pictures are boxes widened by 1/64.
        angle, box = rng.uniform(-1, 1, 3) * WIDEST, Box(49, 49, 94, 94)
        if number % 4 == 0:
            angle *= 0.2
        found = again(haar, turned(image, box, *angle), box)
        if found is not None:
            patches.append(found)
            angles.append(angle)
    return np.stack(patches), np.array(angles)


def fitted(patches: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Weights of a ridge regression, and its constants last, float32 (901, 3)."""
    seen = np.stack([features(patch) for patch in patches]).astype(np.float64)
    middle, mean = seen.mean(axis=0), angles.mean(axis=0)
    seen -= middle
    square = seen.T @ seen + RIDGE * len(seen) * np.eye(seen.shape[1])
    weights = np.linalg.solve(square, seen.T @ (angles - mean))
    return np.vstack([weights, mean - middle @ weights]).astype(np.float32)


def again(haar: Haar, image: np.ndarray, box: Box) -> np.ndarray | None:
    """Patch of a face that was at this place, if it is found."""
    found = [near for near in haar.near(image, box) if overlap(near, box) > 0.2]
    return to_patch(image, found[0]) if found else None


def by_angle(model: Classifier, frames: list[tuple[np.ndarray, Box]]) -> None:
    """Print a row for each angle by which faces are turned."""
    haar = Haar()
    print(f"{len(frames)} faces of the clips, turned\n")
    print(" yaw pitch roll   found  told: yaw pitch roll  refused  answer stays   kept's stays")
    for angle in ANGLES:
        signs = [1, -1] if angle[0] or angle[2] else [1]
        patches, stays = [], []
        for image, box in frames:
            straight = model(to_patch(turned(image, box, 0, 0, 0), box)[None]).argmax()
            for sign in signs:
                face = turned(image, box, sign * angle[0], angle[1], sign * angle[2])
                patch = again(haar, face, box)
                if patch is not None:
                    # Seen in a mirror to the left is to the right.
                    patches.append(patch if sign == 1 else patch[:, ::-1])
                    stays.append(model(patch[None]).argmax() == straight)
        row = "".join(f"{value:5}" for value in angle)
        row += f"{len(patches) / len(signs) / len(frames):8.2f}"
        if patches:
            told, same = pose(np.stack(patches)), np.array(stays)
            no = away(np.stack(patches)) > AWAY
            row += "      " + "".join(f"{value:5.0f}" for value in told.mean(axis=0))
            row += f"{no.mean():9.2f}{same.mean():14.2f}{share(same, ~no)}"
        print(row, flush=True)


def by_bound(model: Classifier, faces: FaceSet, clips: np.ndarray) -> None:
    """Print, for bounds and for other ways, what is refused and how often it is read rightly."""
    patches = np.asarray(faces.patches)
    answers = np.concatenate([model(part) for part in np.array_split(patches, 100)])
    right = answers.argmax(axis=1) == faces.targets
    angle, still = away(patches), away(clips)
    print(f"\n{len(patches)} faces of FER2013, {len(clips)} of the clips\n")
    print(f"{'':28} refused    of them right   kept right   clips refused")
    ways: list[tuple[str, np.ndarray, np.ndarray]] = [
        (f"away by more than {bound}", angle > bound, still > bound)
        for bound in (16, 18, 19, 20, 21, 22, 24, 26)
    ]
    for name, way in OTHERS.items():
        ways.append((name, np.array([*map(way, patches)]), np.array([*map(way, clips)])))
    for name, no, none in ways:
        row = f"{no.sum():8}{share(right, no)}{share(right, ~no)}"
        print(f"{name:28}{row}{none.sum():12}", flush=True)


def share(what: np.ndarray, among: np.ndarray) -> str:
    """Of these, as a column."""
    return f"{what[among].mean():15.3f}" if among.any() else f"{'':>15}"


def cascade(name: str) -> cv2.CascadeClassifier:
    """One of those that come with OpenCV's wheels."""
    return cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_{name}.xml")


PROFILE, EYE = cascade("profileface"), cascade("eye")


def profile(finds: int) -> Callable[[np.ndarray], bool]:
    """Whether the cascade of profiles finds one, to the left or to the right, so many times."""

    def found(patch: np.ndarray) -> bool:
        sides = patch, np.ascontiguousarray(patch[:, ::-1])
        every = [PROFILE.detectMultiScale(side, 1.1, 0, minSize=(30, 30)) for side in sides]
        return max(map(len, every)) >= finds

    return found


def eyeless(patch: np.ndarray) -> bool:
    """Whether the cascade of eyes finds none in the upper half of a face."""
    upper = cv2.resize(patch, (96, 96), interpolation=cv2.INTER_LINEAR)[10:58]
    return not len(EYE.detectMultiScale(upper, 1.1, 3, minSize=(18, 18), maxSize=(40, 40)))


def lopsided(patch: np.ndarray) -> bool:
    """Whether a face is little like its mirror image, wherever the mirror stands."""
    grey = patch.astype(np.float32)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 6)
    fine = (fine / (np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), 6)) + 4))[4:-4]
    left = fine[:, 8:-8]
    alike = [
        (left * np.roll(fine[:, ::-1], shift, 1)[:, 8:-8]).mean() / max(left.var(), 1e-6)
        for shift in range(-6, 7)
    ]
    return max(alike) < 0.05


OTHERS = {
    "profile cascade, 2 finds": profile(2),
    "profile cascade, 3 finds": profile(3),
    "profile cascade, 8 finds": profile(8),
    "no eye by its cascade": eyeless,
    "unlike its mirror image": lopsided,
}


if __name__ == "__main__":
    main()
