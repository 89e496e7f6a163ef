"""What tells how far an import is."""

import threading

from edgefer.train.datasets.watch import watched


class Stuck:
    """A plan whose folder answers when it is told to."""

    photos = 1

    def __init__(self):
        self.folder, self.free, self.answered = self, threading.Event(), False

    def __truediv__(self, name):
        return self

    def glob(self, pattern):
        self.answered = self.free.wait(60)
        return []


def test_an_import_ends_also_where_its_bar_hangs():
    plan = Stuck()
    with watched(plan, patience=0.1):
        pass
    assert not plan.answered
    plan.free.set()
