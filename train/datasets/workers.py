"""Cut the faces of a plan's photos: on this machine's cores or on a cluster, again after a kill."""

import json
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import numpy as np

from edgefer.detect import FaceDetector
from edgefer.errors import DataError
from edgefer.interrupts import interrupts_wait
from edgefer.progress import say

from .crop import Cut, NoFaceError, cut_face
from .photographs import Photograph
from .plan import Photo, Plan, load_shard
from .sources import read
from .watch import watched

_here = threading.local()


def run_plan(plan: Plan, *, workers: int = 0, cluster: str = "") -> None:
    """Do every shard that is not done yet.

    Parameters
    ----------
    plan : Plan
    workers : int
        Processes on this machine; 0 takes one a core.
    cluster : str
        Address of a Dask scheduler, such as ``tcp://host:8786``, whose workers see the same files
        under the same paths; empty works here.

    Raises
    ------
    DataError
        If a worker cannot write or dies, or the cluster cannot be reached. What was done stays.
    """
    from joblib import Parallel, delayed, parallel_config

    missing = [number for number in range(plan.shards) if not plan.result(number).exists()]
    if len(missing) < plan.shards:
        say(f"going on: {plan.shards - len(missing)} of {plan.shards} shards are done")
    if not missing:
        return
    again = f"What was done is kept in {plan.folder.parent}: the same command goes on from there."
    try:
        with watched(plan), _backend(workers, cluster) as backend, parallel_config(**backend):
            folder = str(plan.folder.absolute())
            if not cluster:
                resource_tracker.ensure_running()  # lets Ctrl-C through again where it starts
                with interrupts_wait():
                    Parallel()([delayed(os.getpid)()])  # starts all workers
            Parallel(batch_size=1)(delayed(do_shard)(folder, number) for number in missing)
    except KeyboardInterrupt:
        say(f"stopped. {again}")
        raise
    except ImportError as error:
        raise DataError(
            f"a worker cannot import edgefer as it is here ({error}). Install the same version "
            "there."
        ) from error
    except OSError as error:
        raise DataError(f"cannot read or write: {error}. {again}") from error
    except Exception as error:
        if type(error).__name__ not in ("TerminatedWorkerError", "KilledWorker"):
            raise
        raise DataError(f"a worker was killed, perhaps for want of memory. {again}") from error


def do_shard(folder: str, number: int) -> None:
    """Cut the faces of one shard and keep them, unless somebody has done it already."""
    plan = Plan.load(Path(folder))
    result = plan.result(number)
    if result.exists():
        return
    patches, rows = list[np.ndarray](), list[dict[str, Any]]()
    detector = _detector()
    for photo in plan.shard(number):
        try:
            cut = _cut(photo, plan, detector)
        # Nothing else: what is wrong with this machine must fail the shard, not drop the photo.
        except DataError as error:
            rows.append({"reason": str(error), "missed": isinstance(error, NoFaceError)})
            continue
        patches.append(cut.patch)
        share = None if cut.overlap is None else round(cut.overlap, 4)
        about = {"box": cut.box, "crop": cut.crop, "overlap": share}
        rows.append(about | {"reduction": cut.reduction})
    size = plan.recipe.size
    stack = np.array(patches, np.uint8).reshape(-1, size, size)
    text = np.frombuffer(json.dumps(rows, ensure_ascii=False).encode(), np.uint8)
    # Two workers of a cluster may do the same shard: each writes a file of its own, the last stays.
    handle, partial = tempfile.mkstemp(dir=result.parent, suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, patches=stack, rows=text)
            file.flush()
            os.fsync(file.fileno())
        Path(partial).chmod(0o644)  # whoever gathers may be another user of the cluster
        Path(partial).replace(result)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def results(plan: Plan) -> Iterator[tuple[Photo, dict[str, Any], np.ndarray | None]]:
    """Every photo in order, what became of it, and its patch if it has one."""
    for number in range(plan.shards):
        path = plan.result(number)
        try:
            stack, rows = load_shard(path)
        except DataError as error:
            path.unlink()
            raise DataError(f"{error} and thrown away. The same command makes it again.") from error
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}.") from error
        patches = iter(stack)
        for photo, row in zip(plan.shard(number), rows, strict=True):
            yield photo, row, None if "reason" in row else next(patches)


def _cut(photo: Photo, plan: Plan, detector: FaceDetector) -> Cut:
    if photo.reason or photo.entry is None:
        raise DataError(photo.reason or "the photo is missing")
    recipe = plan.recipe
    return cut_face(
        Photograph.of(read(photo.entry)),
        photo.boxes,
        detector,
        crop=recipe.crop,
        size=recipe.size,
        largest=recipe.largest,
    )


def _detector() -> FaceDetector:
    """One for each thread: Dask's workers may have several."""
    if not hasattr(_here, "detector"):
        _here.detector = FaceDetector()
    detector: FaceDetector = _here.detector
    return detector


@contextmanager
def _backend(workers: int, cluster: str) -> Iterator[dict[str, Any]]:
    """What joblib needs to know."""
    if not cluster:
        yield {
            "backend": "loky",
            "n_jobs": workers or os.cpu_count(),
            "inner_max_num_threads": 1,
            "idle_worker_timeout": 20,  # after which workers go whose parent was killed
        }
        return
    from distributed import Client

    try:
        client: Any = Client(cluster, timeout=10, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise DataError(
            f"no Dask scheduler answers at {cluster}. Start one with: dask scheduler; and on each "
            "machine: dask worker tcp://HOST:8786."
        ) from error
    with client:
        if not client.ncores():
            say(f"{cluster} has no worker yet: waiting for one")
            client.wait_for_workers(1)
        yield {"backend": "dask", "client": client, "n_jobs": -1, "wait_for_workers_timeout": 60}
