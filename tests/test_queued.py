"""The queue before what may block: the loop never waits, and every reading is accounted for."""

import threading

import pytest
from sinking import frame, reading
from waiting import until

from edgefer.edge.sinks import lost
from edgefer.edge.sinks.outlet import Refused
from edgefer.edge.sinks.queued import Queued
from edgefer.edge.trouble import Trouble
from edgefer.errors import EdgeferError

pytestmark = pytest.mark.edge


class ListOutlet:
    """Keeps the numbers it gets, after ``then`` was called with them."""

    def __init__(self, then=lambda numbers: None):
        self.got, self.then, self.batches, self.closed = [], then, [], 0

    def send(self, waiting):
        self.batches.append([entry.number for entry in waiting])
        self.then(self.batches[-1])
        while waiting:
            self.got.append(waiting.popleft().number)

    def close(self):
        self.closed += 1


class Door:
    """Outlets wait before it until it is opened; some break on the way."""

    def __init__(self):
        self.reached, self.open, self.error = threading.Event(), threading.Event(), None

    def __call__(self, numbers):
        if not numbers:
            return
        self.reached.set()
        assert self.open.wait(30)
        if self.error:
            raise self.error


def write(sink, count):
    for index in range(count):
        sink.write(frame(index), [reading()])


def test_what_is_written_arrives_in_order():
    outlet = ListOutlet()
    sink = Queued(outlet, "list")
    for index in range(1000):
        sink.write(frame(index), [reading()] * (index % 3))
    sink.close()
    assert outlet.got == list(range(999))
    assert (sink.dropped, outlet.closed) == (0, 1)


def test_the_loop_never_waits_and_the_oldest_are_left_out_and_counted(capsys):
    door = Door()
    outlet = ListOutlet(door)
    sink = Queued(outlet, "slow", size=10)
    write(sink, 1)
    assert door.reached.wait(30)
    write(sink, 100)  # comes back although nothing is taken
    door.open.set()
    sink.close()
    assert outlet.got == [0, *range(91, 101)]
    assert len(outlet.got) + sink.dropped == 101
    assert lost([sink, object()]) == {"slow": 90}
    assert capsys.readouterr().err == (
        "slow: slower than the camera; the oldest readings are left out\nslow: keeps up again\n"
    )


def test_readings_are_gathered_where_that_is_asked_for():
    outlet = ListOutlet()
    sink = Queued(outlet, "list", linger=30)
    write(sink, 20)
    sink.close()
    assert [batch for batch in outlet.batches if batch] == [list(range(20))]


def test_what_fails_is_told_once_tried_again_and_told_when_it_works(capsys):
    fails = iter([True] * 5)

    def fail(numbers):
        if numbers and next(fails, False):
            raise OSError(28, "No space left on device")

    outlet = ListOutlet(fail)
    sink = Queued(outlet, "disk", retry=(0.01, 0.02))
    write(sink, 30)
    until(lambda: len(outlet.got) == 30)
    sink.close()
    assert outlet.got == list(range(30))
    assert capsys.readouterr().err == (
        "disk: No space left on device; trying again, up to 4096 readings wait\n"
        "disk: works again; 0 readings lost meanwhile\n"
    )


def test_readings_that_are_refused_are_left_out_and_the_next_go_on(capsys):
    def refuse(numbers):
        if 0 in numbers:
            raise Refused("too odd")

    outlet = ListOutlet(refuse)
    sink = Queued(outlet, "shop")
    write(sink, 1)
    until(lambda: sink.dropped == 1)
    sink.write(frame(), [reading()])
    sink.close()
    assert (outlet.got, sink.dropped) == ([1], 1)
    assert capsys.readouterr().err == (
        "shop: too odd; such readings are left out\nshop: works again; 1 reading lost meanwhile\n"
    )


def test_a_mistake_in_an_outlet_is_shown_with_its_kind_and_ends_nothing(capsys):
    sink = Queued(ListOutlet(lambda numbers: numbers and {}[7]), "odd")
    write(sink, 3)
    sink.close()
    assert sink.dropped == 3
    assert capsys.readouterr().err == "odd: KeyError: 7; such readings are left out\n"


def test_what_no_waiting_can_mend_ends_the_run_once():
    def fail(numbers):
        if numbers:
            raise EdgeferError("log.csv has other columns")

    outlet = ListOutlet(fail)
    sink = Queued(outlet, "table")
    write(sink, 1)
    until(lambda: outlet.closed)
    with pytest.raises(EdgeferError, match="other columns"):
        until(lambda: sink.write(frame(), [reading()]))
    sink.close()


def test_closing_waits_for_a_bounded_time_and_counts_what_is_left(capsys):
    door = Door()
    sink = Queued(ListOutlet(door), "stuck", patience=0.1)
    write(sink, 1)
    assert door.reached.wait(30)
    write(sink, 6)
    sink.close()
    assert sink.dropped == 7
    assert capsys.readouterr().err == "stuck: 7 readings left undelivered, 7 lost in all\n"
    door.open.set()


def test_what_failed_before_the_end_gets_one_more_attempt():
    door = Door()
    door.error = OSError("no answer")
    door.open.set()
    outlet = ListOutlet(door)
    sink = Queued(outlet, "gone", retry=(1000, 1000), patience=1000)
    write(sink, 2)
    assert until(lambda: sink.fault)
    attempts = len(outlet.batches)
    sink.close()
    assert (len(outlet.batches), sink.dropped, outlet.closed) == (attempts + 1, 2, 1)


def test_an_outlet_is_called_again_when_it_asks_for_it():
    class Ticking(ListOutlet):
        def send(self, waiting):
            super().send(waiting)
            return 0.001

    outlet = Ticking()
    sink = Queued(outlet, "clock")
    until(lambda: len(outlet.batches) > 3)
    sink.close()


def test_no_thread_is_left():
    before = threading.active_count()
    for _ in range(20):
        sink = Queued(ListOutlet(), "list")
        write(sink, 1)
        sink.close()
    assert threading.active_count() == before


def test_what_fails_and_recovers_all_the_time_fills_no_log():
    told = []
    trouble = Trouble("radio", say=told.append)
    for _ in range(100):
        trouble.failed("silence")
        trouble.failed("noise")
        trouble.mended("works again")
    assert told == ["radio: silence", "radio: noise", "radio: works again"]
    often = Trouble("radio", say=told.append, quiet=0)
    for _ in range(3):
        often.failed("silence")
        often.mended("works again")
    assert told[3:] == ["radio: silence", "radio: works again"] * 3
