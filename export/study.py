"""Measure what the choice of calibration faces is worth: calibrate many times, judge each time."""

import json
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from edgefer.bundle import MODELS, Bundle, versions
from edgefer.errors import DataError, EdgeferError
from edgefer.faceset import FaceSet
from edgefer.folders import refuse
from edgefer.labels import translate
from edgefer.progress import say

from .draws import ask, run
from .recipe import StudyRecipe
from .select import Look, Pool, usable
from .study_page import save
from .trials import MARKER, OTHER_DOMAIN, Study

STATE = "identity.json"
PACKAGES = ("tensorflow", "tf-keras", "ai-edge-litert", "numpy")


def study(
    bundle: Bundle,
    faces: FaceSet,
    recipe: StudyRecipe,
    out: Path,
    *,
    against: FaceSet | None = None,
    force: bool = False,
) -> Study:
    """Calibrate on differently chosen faces, many times, judge every int8 model, write a report.

    What each calibration came to is kept in ``OUT.run`` until the report is written, so that an
    interrupted study goes on where it was; also with more seeds or sizes.

    Parameters
    ----------
    bundle : Bundle
        Holds the Keras model.
    faces : FaceSet
        Its ``train`` split is calibrated on, another of its splits judges.
    recipe : StudyRecipe
        Every choice.
    out : Path
        Where the report will be.
    against : FaceSet, optional
        Faces of another domain, whose ``train`` split is calibrated on as well.
    force : bool
        Throw away an interrupted study of other faces or another bundle.

    Returns
    -------
    Study
        Every answer; ``study.json``, ``study.md`` and ``study.html`` in ``out`` tell what follows.

    Raises
    ------
    EdgeferError
        If splits, patch sizes or labels do not allow it, or ``OUT.run`` holds another study.
    """
    refuse(out, MARKER, force=force)
    judged = _judged(bundle, faces, recipe)
    pools = {"": usable(faces, [judged])}
    if against is not None:
        _same_size(bundle, against)
        pools[OTHER_DOMAIN] = usable(against, [judged])
    for pool in pools.values():
        if pool.room < max(recipe.sizes):
            raise DataError(
                f"{pool.faces.folder} has {pool.room:,} different faces to calibrate on, fewer "
                f"than {max(recipe.sizes):,}. Name smaller sizes with --sizes."
            )
    identity = identity_of(bundle, faces, str(judged.splits[0]), against)
    kept = _open(out.with_name(out.name + ".run"), identity, force=force)
    # Only here: TensorFlow takes seconds to import, and mistakes show before.
    from .features import sight
    from .quantized import models

    whole, quantize = models(bundle)
    trials = run(recipe, pools, judged, quantize, kept, look=_remembered(pools[""], sight(bundle)))
    about = {
        "bundle_digest": bundle.digest,
        "source": faces.source,
        "faceset_digest": faces.digest,
        "against": against.folder.resolve().name if against is not None else "",
        "against_source": against.source if against is not None else "",
        "left_out": int((faces.splits == judged.splits[0]).sum()) - len(judged),
        "pools": {name or "own": pool.room for name, pool in pools.items()},
        "recipe": asdict(recipe),
        "versions": versions(*PACKAGES),
        "when": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "command": _command(bundle, faces, recipe, against, out),
    }
    found = Study(
        bundle=bundle.name,
        faceset=faces.folder.resolve().name,
        split=str(judged.splits[0]),
        labels=bundle.labels,
        targets=judged.targets,
        before=ask(whole, judged).astype(np.int64),
        trials=tuple(trials),
        about=about,
    )
    save(found, out, force=force)
    shutil.rmtree(kept)
    return found


def identity_of(
    bundle: Bundle, faces: FaceSet, split: str, against: FaceSet | None
) -> dict[str, Any]:
    """What must be equal for the outcome of a calibration to be used again."""
    return {
        "format": 1,
        "bundle": bundle.digest,
        "faces": faces.digest,
        "against": against.digest if against is not None else "",
        "split": split,
        "versions": versions(*PACKAGES),
    }


def _judged(bundle: Bundle, faces: FaceSet, recipe: StudyRecipe) -> FaceSet:
    """Faces that judge, under the bundle's labels."""
    _same_size(bundle, faces)
    split = recipe.split or ("test" if "test" in faces.split_names else "val")
    if split == "train":
        raise DataError("--split train is what is calibrated on. Judge with val or test.")
    judged = faces.split(split)
    judged = judged.relabel(bundle.labels, translate(faces.labels, bundle.labels))
    if not len(judged):
        raise DataError(
            f"{bundle.folder} knows {', '.join(bundle.labels.names)}, none of which the {split} "
            f"split of {faces.folder} shows."
        )
    return judged


def _same_size(bundle: Bundle, faces: FaceSet) -> None:
    if faces.size != bundle.size:
        raise DataError(
            f"{bundle.folder} takes patches of {bundle.size} pixels, those of {faces.folder} have "
            f"{faces.size}. Import the faces again with --size {bundle.size}."
        )


def _remembered(pool: Pool, look: Look) -> Look:
    """Look at every face of a pool once, when the first is asked for."""
    found: list[Any] = []

    def again(faces: FaceSet) -> Any:
        if not found:
            say(f"looking at {len(pool.faces):,} faces for spread")
            found.append(look(pool.faces))
        return found[0].take(np.searchsorted(pool.faces.rows, faces.rows))

    return again


def _open(folder: Path, identity: Mapping[str, Any], *, force: bool) -> Path:
    """The folder of a study in progress; one of something else is refused, or thrown away."""
    path = folder / STATE
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        if found == identity:
            return folder
        if not force:
            differ = [name for name in identity if found.get(name) != identity[name]]
            raise EdgeferError(
                f"{folder} holds an interrupted study with other {', '.join(differ)}. Start anew "
                "with --force, or choose another name with -o."
            )
        shutil.rmtree(folder)
    refuse(folder, STATE, force=force)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(identity, indent=2) + "\n", encoding="utf-8")
    return folder


def _command(
    bundle: Bundle, faces: FaceSet, recipe: StudyRecipe, against: FaceSet | None, out: Path
) -> str:
    """What to type for the same study."""
    name = bundle.name if bundle.folder.parent == MODELS else str(bundle.folder)
    words = ["edgefer", "calib", "--study", name, str(faces.folder), "-o", str(out)]
    words += ["--against", str(against.folder)] if against is not None else []
    words += ["--split", recipe.split] if recipe.split else []
    words += ["--seeds", str(recipe.seeds), "--sizes", ",".join(map(str, recipe.sizes))]
    return shlex.join([*words, "--seed", str(recipe.seed)])
