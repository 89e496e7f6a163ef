"""Train on one device, on all GPUs of a machine, or on several machines."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edgefer.errors import EdgeferError
from edgefer.keras import tf
from edgefer.progress import say

_used: list[Any] = []


@contextmanager
def distributed(name: str) -> Iterator[None]:
    """Trainings inside are spread over devices by one of TensorFlow's strategies.

    It must be entered before TensorFlow computes anything.

    Parameters
    ----------
    name : str
        ``mirrored`` for all GPUs of this machine; ``multiworker`` for all machines that the
        environment's ``TF_CONFIG`` lists, each of which runs the same command on the same files;
        ``auto`` for what is there.

    Raises
    ------
    EdgeferError
        If what it asks for is not there.
    """
    config = os.environ.get("TF_CONFIG", "")
    gpus = tf.config.list_physical_devices("GPU")
    if name == "multiworker" or (name == "auto" and config):
        workers = _workers(config)
        say(f"worker {_task(config)} of {len(workers)}: waiting for {', '.join(workers)}")
        strategy: Any = tf.distribute.MultiWorkerMirroredStrategy()
    elif name == "mirrored" or len(gpus) > 1:
        if not gpus:
            raise EdgeferError("--strategy mirrored spreads over GPUs, TensorFlow sees none here.")
        strategy = tf.distribute.MirroredStrategy()
    else:
        yield
        return
    _used.append(strategy)
    try:
        yield
    finally:
        _used.remove(strategy)


def current() -> Any:
    """The strategy that trainings are spread by: TensorFlow's default where there is none."""
    return _used[-1] if _used else tf.distribute.get_strategy()


def is_chief() -> bool:
    """Whether this process is the one that writes."""
    resolver = current().cluster_resolver
    return resolver is None or not resolver.task_id


def _workers(config: str) -> list[str]:
    example = (
        'TF_CONFIG=\'{"cluster": {"worker": ["HOST1:2222", "HOST2:2222"]}, '
        '"task": {"type": "worker", "index": 0}}\''
    )
    try:
        found = json.loads(config)
        workers = [str(address) for address in found["cluster"]["worker"]]
        index = found["task"]["index"]
    except (ValueError, KeyError, TypeError) as error:
        what = "is not set" if not config else "is not as TensorFlow wants it"
        raise EdgeferError(
            f"TF_CONFIG {what}. On the first machine: {example}; on the next one index 1."
        ) from error
    if not isinstance(index, int) or not 0 <= index < len(workers):
        raise EdgeferError(f"TF_CONFIG has {len(workers)} workers, none of index {index!r}.")
    return workers


def _task(config: str) -> int:
    return int(json.loads(config)["task"]["index"])
