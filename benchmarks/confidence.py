"""Measure what a bundle's reference is worth: confidence, ``unsure``, and faces that are unlike.

    python benchmarks/confidence.py work/fer ../shared/data/clips

The first folder is FER2013 as a face set, whose ``val`` split is judged; the second one holds
videos of people (*.mkv).
"""

from pathlib import Path

import click
import cv2
import numpy as np
from clips import followed
from worsening import Worse, blurred, lit, small

from edgefer.bundle import Bundle
from edgefer.edge.classifier import Classifier
from edgefer.edge.steady_options import UNSURE
from edgefer.export.reference import calibration_error, fit_temperature
from edgefer.faceset import FaceSet
from edgefer.preprocess import to_patch
from edgefer.reference import Reference, light, rescale, sharpness

WORSE: dict[str, Worse] = {
    "as they are": lambda face: face,
    "light times 0.5": lit(0.5),
    "light times 0.25": lit(0.25),
    "light times 2": lit(2),
    "blurred by 0.7 pixels": blurred(0.7),
    "24 pixels and enlarged": small(24),
    "tilted by 30 degrees": lambda face: cv2.warpAffine(
        face, cv2.getRotationMatrix2D((24, 24), 30, 1), face.shape, borderMode=cv2.BORDER_REPLICATE
    ),
    "upside down": lambda face: face[::-1].copy(),
}


@click.command()
@click.argument("faces", type=click.Path(path_type=Path))
@click.argument("clips", type=click.Path(path_type=Path))
@click.option("--bundle", default="default", show_default=True)
def main(faces: Path, clips: Path, bundle: str) -> None:
    """Print calibration errors, what is unsure, and how many faces are unlike."""
    loaded = Bundle.load(Path(bundle))
    model, reference = Classifier(loaded), Reference.load(loaded)
    if reference is None or (temperature := reference.temperature("int8")) is None:
        raise click.UsageError(f"{bundle} does not know how sure it may be.")
    judged = FaceSet.load(faces).split("val")
    shares, targets = answers(model, judged.patches), judged.targets
    half = np.arange(len(targets)) % 2 == 0
    errors = []
    for told, asked in ((half, ~half), (~half, half)):
        by = fit_temperature(shares[told], targets[told])
        pair = (shares[asked], rescale(shares[asked], by))
        errors.append([calibration_error(each, targets[asked]) for each in pair])
    before, after = np.mean(errors, axis=0)
    print(f"halves that tell each other's temperature: error {before:.1%}, rescaled {after:.1%}")
    right = shares.argmax(axis=1) == targets
    unsure = rescale(shares, temperature).max(axis=1) < UNSURE
    print(
        f"unsure below {UNSURE}: {unsure.mean():.1%}, right about {right[unsure].mean():.1%} of "
        f"them and {right[~unsure].mean():.1%} of the others"
    )
    print(f"\n{'percent of the faces of':34}{'dark':>8}{'bright':>8}{'blurred':>9}{'doubtful':>10}")
    print(row(f"val, {len(targets):,}", unlike(model, reference, judged.patches)))
    seen = [to_patch(*found) for found in followed(clips)]
    for name, worse in WORSE.items():
        patches = np.stack([worse(patch) for patch in seen])
        print(row(f"clips {name}, {len(seen)}", unlike(model, reference, patches)))


def answers(model: Classifier, patches: np.ndarray) -> np.ndarray:
    """Probabilities of many patches, a few at a time."""
    return np.concatenate([model(patches[i : i + 64]) for i in range(0, len(patches), 64)])


def unlike(model: Classifier, reference: Reference, patches: np.ndarray) -> list[float]:
    """Shares of these faces that `edgefer.edge.drift` counts as each kind."""
    grey = light(patches)
    sure = answers(model, patches).max(axis=1)
    kinds = (
        grey < reference.light[0],
        grey > reference.light[-1],
        sharpness(patches) < reference.sharpness[0],
        sure < reference.models["int8"].quantiles[1],
    )
    return [float(kind.mean()) for kind in kinds]


def row(name: str, shares: list[float]) -> str:
    """A line of the table."""
    return f"{name:34}" + "".join(
        f"{100 * share:>{width}.0f}" for share, width in zip(shares, (8, 8, 9, 10), strict=True)
    )


if __name__ == "__main__":
    main()
