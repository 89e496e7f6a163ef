"""What tests of live cameras share: their care, and proof that all is counted and let go."""

import threading
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

from edgefer.edge.cameras.captured import open_live
from edgefer.edge.cameras.care import Care

QUICK = Care(stall=0.5, retries=None, first_wait=0.05, longest_wait=0.1, quiet=0)
LIMIT = 30  # seconds after which a test is no longer patient


def captured(video: str, where: object = "", care: Care = QUICK):
    return open_live(f"stuck_videos:{video}", str(where), "camera 7", care)


def no_more(before: tuple[int, int, int]) -> bool:
    """Whether nothing is held beyond that; what earlier tests left may have gone meanwhile."""
    return all(now <= then for now, then in zip(held(), before, strict=True))


def held() -> tuple[int, int, int]:
    """Threads, open files and child processes."""
    files = list(Path("/proc/self/fd").iterdir())
    children = ""
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # it ended, and its children are another's
            children += (task / "children").read_text()
    return threading.active_count(), len(files), len(children.split())


@contextmanager
def closed(camera):
    """Close a camera; after that all counts are right, and nothing is held any more."""
    given = []
    frames = iter(camera)

    def until(index):
        """Frames up to the one of this place, or what came instead of it."""
        start = len(given)
        while not given or given[-1].index < index:
            given.append(next(frames))
        return given[start:]

    camera.until = until
    try:
        yield camera
    finally:
        work = threading.Thread(target=camera.close)
        work.start()
        work.join(LIMIT)
        assert not work.is_alive()
    assert camera.grabbed == len(given) + camera.dropped
    assert [frame.index for frame in given] == sorted({frame.index for frame in given})
    times = [frame.seconds for frame in given]
    assert all(before <= after for before, after in pairwise(times))


def value(frame) -> int:
    """What a grey picture is all over."""
    return round(frame.image.mean())


class Loud:
    """A sink that says the place of each frame."""

    def write(self, frame, readings) -> None:
        print(frame.index, flush=True)

    def close(self) -> None:
        pass
