"""See whether a bundle is whole and the runtimes of this machine compute its models rightly."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import edgefer

from .finding import Check
from .probe import probe

HOME = Path(edgefer.__file__).parent

OPEN = """
from pathlib import Path
from edgefer.bundle import Bundle
bundle = Bundle.load(Path(named) if named else None)
roles = [role for role in ("float", "int8") if role in bundle.files]
"""
HASHES = """
from edgefer.reference import Reference
bundle.verify()
about = {"name": bundle.typed, "labels": bundle.labels.names, "roles": roles}
about["golden"] = "golden" in bundle.files
reference = Reference.load(bundle)
about["reference"] = reference.faces if reference else 0
told = [reference.models[role].faces for role in roles if reference and reference.temperature(role)]
about["judges"] = min(told) if told and len(told) == len(roles) else 0
print(json.dumps(about))
"""
GOLDEN = """
from edgefer.edge.classifier import Classifier
from edgefer.edge.machine import runtime
from edgefer.errors import EdgeferError
problems = []
for role in roles:
    try:
        Classifier(bundle, role, backend=backend)
    except EdgeferError as error:
        problems.append(str(error))
print(json.dumps({"runtime": runtime(backend), "problems": problems}))
"""
TIMES = """
import os, time, numpy as np
os.environ["EDGEFER_VERBOSE"] = "1"  # what LiteRT announces is what we listen for
from edgefer.edge.classifier import Classifier
patch = np.random.default_rng(0).integers(0, 256, (1, bundle.size, bundle.size), np.uint8)
times = {}
for role in roles:
    classifier = Classifier(bundle, role, backend=backend)
    classifier(patch)
    start = time.perf_counter()
    for _ in range(20):
        classifier(patch)
    times[role] = 50 * (time.perf_counter() - start)
print(json.dumps(times))
"""


def look_at_model(bundle: Path | None, runtimes: list[str]) -> Iterator[Check]:
    """A bundle, whether the runtimes compute it rightly, and whether XNNPACK runs it."""
    # Spelled out: edgefer.bundle needs NumPy, which may be what is broken.
    folder = HOME / "models" / "default"
    if bundle is None and not (folder / "bundle.json").is_file():
        yield Check("model", "note", f"no packaged one in {folder}", "edgefer run BUNDLE")
        return
    opened = f"named = {str(bundle) if bundle else ''!r}\n{OPEN}"
    answer = probe(opened + HASHES)
    if answer.error:
        fix = "pip install --force-reinstall . in edgefer's checkout" if bundle is None else ""
        yield Check("model", "broken", answer.error, fix)
        return
    about = answer.value
    name, labels = "packaged" if bundle is None else about["name"], ", ".join(about["labels"])
    yield Check("model", "ok", f"{name}, every hash right; {labels}")
    if not about["roles"]:
        fix = f"edgefer export {about['name']} --int8 --calib DIR -o NEW"
        yield Check("golden", "note", "the bundle has no model for a device", fix)
        return
    yield _confidence(about)
    backends = ["litert", "builtin"] if "LiteRT" in runtimes else []
    backends += ["tflite-runtime"] if "tflite-runtime" in runtimes else []
    # The first is the one that "auto" takes.
    for place, backend in enumerate(backends):
        right = yield from _golden(opened, backend, about, place == 0)
        if right and place == 0:
            yield _times(opened, backend)


def _confidence(about: dict[str, Any]) -> Check:
    """Whether the bundle knows how sure its models may be, and what faces they are used to."""
    fix = f"edgefer export {about['name']} --int8 --calib DIR --faces FACES -o NEW"
    used = f"unlike its {about['reference']:,} calibration faces"
    if not about["reference"]:
        found = "not calibrated, and other faces are no warning: the bundle has no reference.json"
    elif not about["judges"]:
        found = f"not calibrated; faces {used} are a warning"
    else:
        found = f"calibrated by {about['judges']:,} labelled faces; faces {used} are a warning"
        return Check("confidence", "ok", found)
    return Check("confidence", "note", found, fix)


def _golden(
    opened: str, backend: str, about: dict[str, Any], needed: bool
) -> Generator[Check, None, bool]:
    """Whether one runtime computes the models rightly; the same is returned."""
    answer = probe(f"{opened}backend = {backend!r}\n{GOLDEN}")
    problems = [f"{backend} {answer.error}"] if answer.error else answer.value["problems"]
    for problem in problems:
        yield Check("golden", "broken" if needed else "note", problem)
    if not problems:
        told = f"{answer.value['runtime']}: {' and '.join(about['roles'])}"
        if about["golden"]:
            yield Check("golden", "ok", f"{told} answer the golden patches as they should")
        elif needed:
            found = f"{told} load; the bundle has no golden patches to see whether they are right"
            yield Check("golden", "note", found)
    return not problems


def _times(opened: str, backend: str) -> Check:
    """Whether XNNPACK runs the models, and how long a face takes."""
    answer = probe(f"{opened}backend = {backend!r}\n{TIMES}")
    if answer.error:
        return Check("XNNPACK", "broken", answer.error)
    times = ", ".join(f"{role} {ms:.2f} ms" for role, ms in answer.value.items())
    # LiteRT and tflite-runtime say so when they hand a model to it.
    if "XNNPACK" in answer.noise:
        return Check("XNNPACK", "ok", f"runs the model; one face takes {times}")
    return Check("XNNPACK", "note", f"is not used here; one face takes {times}")
