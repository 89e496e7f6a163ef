"""Import photographs: plan, cut on many cores, and gather the faces into a face set."""

import fcntl
import json
import shutil
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.progress import track

from edgefer import __version__
from edgefer.errors import DataError
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
    records, faces : int
        Records and photographs without one, and how many of them gave a face.
    crops : mapping of str to int
        Faces by whose box was cut out: ``haar`` or ``annotated``.
    dropped : mapping of str to int
        Records that gave none, by reason.
    annotated, found : int
        Searched photographs that had an annotated box, and those of them where Haar found that
        face.
    recall, overlap : float or None
        Share of annotated faces that Haar found, and the median intersection over union of its box
        with the annotators'; None where there was nothing to find.
    """

    records: int
    faces: int
    crops: Mapping[str, int]
    dropped: Mapping[str, int]
    annotated: int
    found: int
    recall: float | None
    overlap: float | None


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
    set says about the photograph) and ``import.json`` (what was typed, and the `Yield`).

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
        If ``out`` exists or is being made by another import, nothing can be written, or no face
        came.
    """
    out = out.absolute()
    refuse(out, MARKER, force=force)
    kept = out.with_name(out.name + ".import")
    with _alone(kept):
        plan = write_plan(kept, photos, recipe, about=source, force=force)
        run_plan(plan, workers=workers, cluster=cluster)
        with write_faceset(
            out, labels, recipe.size, source=source, licence=licence, force=force
        ) as writer:
            result = _gather(plan, writer)
            if not result.faces:
                shutil.rmtree(kept)  # nothing that another try could go on with
                raise DataError(_nothing(result))
            about = {"source": source, "edgefer": __version__, **asdict(result)}
            text = json.dumps(about, ensure_ascii=False, indent=2)
            (writer.folder / "import.json").write_text(text + "\n", encoding="utf-8")
        shutil.rmtree(kept)
    return result


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder against a second import of the same name; the lock goes with the process."""
    lock = folder / "lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = lock.open("w")
    except OSError as error:
        raise DataError(f"cannot write to {folder}: {error.strerror}.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DataError(
                f"another import is at work in {folder}. Wait for it, or choose another name "
                "with -o."
            ) from error
        try:
            yield
        finally:
            with suppress(OSError):
                lock.unlink()
                folder.rmdir()  # only if nothing else is in it


def _nothing(result: Yield) -> str:
    most = Counter(result.dropped).most_common(4)
    reasons = "; ".join(f"{count} {reason}" for reason, count in most)
    return f"none of {result.records} records and photos gave a face: {reasons}."


def _gather(plan: Plan, writer: FaceSetWriter) -> Yield:
    """Hand every photo's face, or reason, to the writer."""
    crops, overlaps, missed = Counter[str](), list[float](), 0
    with (writer.folder / "photos.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv_writer(file)
        every = track(results(plan), "gathering", plan.photos, console=console(), transient=True)
        for photo, row, patch in every:
            fell_back = row.get("crop") == "annotated"
            missed += fell_back or (row.get("missed", False) and bool(photo.boxes))
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
    annotated = 0 if plan.recipe.crop == "annotated" else len(overlaps) + missed
    return Yield(
        records=plan.photos,
        faces=len(writer),
        crops=dict(crops),
        dropped=dict(writer.dropped),
        annotated=annotated,
        found=len(overlaps),
        recall=round(len(overlaps) / annotated, 4) if annotated else None,
        overlap=round(statistics.median(overlaps), 3) if overlaps else None,
    )
