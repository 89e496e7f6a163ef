"""Import photographs: plan, cut on many cores, and gather the faces into a face set."""

import json
import shutil
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.progress import track

from edgefer.facewriter import MARKER, FaceSetWriter, csv_writer, write_faceset
from edgefer.folders import refuse
from edgefer.labels import Labels
from edgefer.preprocess import Box
from edgefer.progress import console

from .plan import CropRecipe, Photo, Plan, write_plan
from .workers import results, run_plan

_COLUMNS = ("id", "origin", "crop", "overlap", "reduction")


@dataclass(frozen=True)
class Yield:
    """What an import of photographs gave.

    Attributes
    ----------
    photos, faces : int
        Records, and those that gave a face.
    crops : mapping of str to int
        Faces by whose box was cut out: ``haar`` or ``annotated``.
    dropped : mapping of str to int
        Records that gave none, by reason.
    annotated, found : int
        Decoded photographs that had an annotated box, and those of them where Haar found that face.
    overlap : float
        Median intersection over union of Haar's box with the annotators', where it was found.
    """

    photos: int
    faces: int
    crops: Mapping[str, int]
    dropped: Mapping[str, int]
    annotated: int
    found: int
    overlap: float

    @property
    def recall(self) -> float:
        """Share of annotated faces that Haar found; 0 without any."""
        return self.found / self.annotated if self.annotated else 0.0


def import_photos(
    photos: Iterable[Photo],
    out: Path,
    labels: Labels,
    recipe: CropRecipe,
    *,
    source: str,
    licence: str,
    workers: int = 0,
    cluster: str = "",
    force: bool = False,
) -> Yield:
    """Cut faces out of photographs and write a face set; a killed import goes on where it was.

    Beside the faces it writes ``photos.csv`` (for each face whose box was cut out and what the data
    set says about the photograph) and ``import.json`` (the recipe and the `Yield`).

    Parameters
    ----------
    photos : iterable of Photo
        In the order that the faces shall have, which must not depend on chance.
    out : Path
        The face set to be. ``OUT.import`` beside it keeps what is done until all is.
    labels : Labels
        Of the face set.
    recipe : CropRecipe
        How to cut.
    source, licence : str
        For the face set.
    workers, cluster
        As in `edgefer.train.datasets.workers.run_plan`.
    force : bool
        Replace a face set that is there, and throw away another import's unfinished work.

    Raises
    ------
    DataError
        If ``out`` exists, nothing can be written, or no face came.
    """
    out = out.absolute()
    refuse(out, MARKER, force=force)
    kept = out.with_name(out.name + ".import")
    plan = write_plan(kept, photos, recipe, about=source, force=force)
    run_plan(plan, workers=workers, cluster=cluster)
    with write_faceset(
        out, labels, recipe.size, source=source, licence=licence, force=force
    ) as writer:
        result = _gather(plan, writer)
        text = json.dumps(
            {"recipe": asdict(recipe), **asdict(result)}, ensure_ascii=False, indent=2
        )
        (writer.folder / "import.json").write_text(text + "\n", encoding="utf-8")
    shutil.rmtree(kept, ignore_errors=True)
    return result


def _gather(plan: Plan, writer: FaceSetWriter) -> Yield:
    """Hand every photo's face, or reason, to the writer."""
    crops, overlaps, missed = Counter[str](), list[float](), 0
    with (writer.folder / "photos.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv_writer(file)
        every = track(results(plan), "gathering", plan.photos, console=console(), transient=True)
        for photo, row, patch in every:
            missed += (bool(row.get("missed")) and bool(photo.boxes)) or row.get(
                "crop"
            ) == "annotated"
            if patch is None:
                writer.drop(photo.origin, row["reason"])
                continue
            name = writer.add(
                patch,
                photo.emotion,
                split=photo.split,
                person=photo.person,
                origin=photo.origin,
                box=Box(*row["box"]),
                votes=photo.votes or None,
            )
            if not crops:
                table.writerow((*_COLUMNS, *photo.about))
            crops[row["crop"]] += 1
            if row["crop"] == "haar" and row["overlap"] is not None:
                overlaps.append(row["overlap"])
            values = (row["crop"], row["overlap"], row["reduction"])
            table.writerow((name, photo.origin, *values, *photo.about.values()))
    searched = plan.recipe.crop != "annotated"
    return Yield(
        photos=plan.photos,
        faces=len(writer),
        crops=dict(crops),
        dropped=dict(writer.dropped),
        annotated=len(overlaps) + missed if searched else 0,
        found=len(overlaps),
        overlap=round(statistics.median(overlaps), 3) if overlaps else 0.0,
    )
