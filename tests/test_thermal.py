"""How warm a board is, from a folder that looks like its /sys; and what is done about it."""

import sys
import threading
from contextlib import contextmanager
from queue import SimpleQueue

import numpy as np
import pytest
from waiting import until

from edgefer.edge.cooling import Cooling, Governor
from edgefer.edge.reading import Frame
from edgefer.edge.thermal import Heat, read_heat, throttles_at

pytestmark = pytest.mark.edge

FRAME = Frame(0, 0.0, np.zeros((4, 4), np.uint8))
NONE = "/no/such/vcgencmd"


@pytest.fixture
def board(tmp_path):
    """A root with these files under sys/class/thermal, and what the firmware's file says."""

    def made(files, firmware=None):
        root = tmp_path / "root"
        for name, text in files.items():
            path = root / "sys/class/thermal" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")
        if firmware is not None:
            path = root / "sys/devices/platform/soc/soc:firmware/get_throttled"
            path.parent.mkdir(parents=True)
            path.write_text(f"{firmware}\n")
        return root

    return made


@pytest.fixture
def vcgencmd(tmp_path):
    """A program that says this, as a Raspberry Pi's does."""

    def made(said, status=0):
        path = tmp_path / "vcgencmd"
        path.write_text(f"#!{sys.executable}\nprint({said!r}); raise SystemExit({status})\n")
        path.chmod(0o755)
        return str(path)

    return made


def zone(number, kind, temp):
    return {f"thermal_zone{number}/type": kind, f"thermal_zone{number}/temp": temp}


def test_a_board_says_its_sensors_and_the_warmest_counts(board):
    root = board(zone(0, "cpu-thermal", 61234) | zone(1, "gpu-thermal", 63000))
    heat = read_heat(root, command=NONE)
    assert heat.zones == {"cpu-thermal": 61.2, "gpu-thermal": 63.0}
    assert heat.celsius == 63
    assert heat.to_json()["throttled_now"] == []


def test_a_machine_without_sensors_is_no_error(tmp_path):
    assert read_heat(tmp_path, command=NONE) == Heat()
    assert Heat().celsius is None


@pytest.mark.parametrize(
    ("kind", "temp"),
    [
        ("PMIC-Die", 100000),  # the Jetson Nano's, whatever the weather
        ("iwlwifi", -274000),  # off
        ("tj", 0),  # off
        ("cpu", ""),  # cannot say
        ("cpu", "warm"),
        ("cpu", 999000),
    ],
)
def test_a_sensor_that_says_nothing_real_does_not_count(board, kind, temp):
    root = board(zone(0, kind, temp) | zone(1, "soc", 40000))
    assert read_heat(root, command=NONE).zones == {"soc": 40.0}


def test_two_sensors_of_one_name_are_both_there(board):
    root = board(zone(2, "acpitz", 40000) | zone(10, "acpitz", 41000))
    assert read_heat(root, command=NONE).zones == {"acpitz": 40.0, "acpitz 10": 41.0}


@pytest.mark.parametrize(
    ("said", "now", "since"),
    [
        ("throttled=0x0", (), ()),
        ("throttled=0x4", ("throttled",), ()),
        ("throttled=0x50000", (), ("under-voltage", "throttled")),
        (
            "throttled=0xf000f",
            ("under-voltage", "frequency capped", "throttled", "soft temperature limit"),
            ("under-voltage", "frequency capped", "throttled", "soft temperature limit"),
        ),
        ("VCHI initialization failed", (), ()),
    ],
)
def test_the_bits_of_a_raspberry_pi_become_words(tmp_path, vcgencmd, said, now, since):
    heat = read_heat(tmp_path / "none", command=vcgencmd(said))
    assert (heat.now, heat.since_start) == (now, since)


def test_a_program_that_fails_tells_nothing(tmp_path, vcgencmd):
    assert read_heat(tmp_path / "none", command=vcgencmd("throttled=0x4", status=1)) == Heat()


def test_the_kernels_own_file_needs_no_program(board):
    assert read_heat(board({}, firmware="20002"), command=NONE) == Heat(
        {}, ("frequency capped",), ("frequency capped",)
    )


def test_a_processor_that_the_kernel_holds_back_is_told(board):
    files = {
        "cooling_device0/type": "pwm-fan",
        "cooling_device0/cur_state": "3",
        "cooling_device1/type": "thermal-cpufreq-0",
        "cooling_device1/cur_state": "2",
        "cooling_device2/type": "thermal-cpufreq-1",
        "cooling_device2/cur_state": "0",
    }
    assert read_heat(board(files), command=NONE).now == ("thermal-cpufreq-0",)


def test_the_limit_is_the_lowest_at_which_the_kernel_begins(board):
    trips = {
        "trip_point_0_type": ("critical", 105000),
        "trip_point_1_type": ("passive", 99000),
        "trip_point_2_type": ("passive", 95000),
        "trip_point_3_type": ("passive", 0),
        "trip_point_4_type": ("active", 61000),
    }
    files = {}
    for name, (kind, degrees) in trips.items():
        files[f"thermal_zone0/{name}"] = kind
        files[f"thermal_zone0/{name.replace('type', 'temp')}"] = degrees
    assert throttles_at(board(files)) == 95


def test_without_a_limit_it_is_a_raspberry_pis(tmp_path):
    assert throttles_at(tmp_path) == 80


def test_searches_get_rarer_before_the_limit_and_come_back_later_than_they_went():
    govern = Governor(80)
    up = [govern(degrees) for degrees in (50, 70.9, 71, 73, 74, 77, 79.9, 90)]
    assert up == [1, 1, 2, 2, 4, 8, 8, 8]
    down = [govern(degrees) for degrees in (77, 74, 73.9, 71, 70.9, 68, 67.9, 40)]
    assert down == [8, 8, 4, 4, 2, 2, 1, 1]


def test_a_board_at_the_edge_does_not_go_to_and_fro():
    govern = Governor(80)
    assert {govern(degrees) for degrees in (71.2, 70.8, 71.1, 69, 71)} == {2}


def test_a_board_that_is_throttled_is_searched_least_and_recovers_when_it_cools():
    govern = Governor(80)
    assert govern(60, throttled=True) == 8
    assert govern(None) == 8
    assert govern(60) == 1


class Searching:
    slower = 1


class Sensors:
    """Answer what a test gives them, and hang until it does."""

    def __init__(self, *heats: Heat) -> None:
        self.asked, self.given = 0, SimpleQueue()
        for heat in heats:
            self.given.put(heat)

    def __call__(self) -> Heat:
        self.asked += 1
        return self.given.get()


@contextmanager
def cooling(paced, sensors, pause=0.0):
    made = Cooling(paced, pause=pause, read=sensors, limit=80)
    try:
        yield made
    finally:
        made.close()
        sensors.given.put(Heat())


def watching():
    return [each for each in threading.enumerate() if each.name == "cooling"]


def test_a_run_searches_less_on_a_warm_board_and_as_before_on_a_cool_one():
    paced, sensors = Searching(), Sensors()
    heats = Heat({"cpu": 78.0}), Heat({"cpu": 50.0}), Heat({"cpu": 50.0}, ("throttled",))
    with cooling(paced, sensors) as sink:
        found = []
        for heat in heats:
            sensors.given.put(heat)
            until(lambda heat=heat: sink.heat is heat)
            sink.write(FRAME, [])
            found.append(paced.slower)
        assert found == [8, 1, 8]
        assert sink.states == {"temperature_celsius": 50}


@pytest.mark.parametrize(
    ("bits", "celsius", "slower"),
    [
        ("50001", 45.0, 1),  # under-voltage
        ("50005", 45.0, 1),  # and throttled for it, which is what a Raspberry Pi says
        ("50005", 78.0, 8),  # a board that is warm besides
        ("5000d", 45.0, 8),  # or at its soft limit
        ("40004", 45.0, 8),  # throttled, and the supply is good
    ],
)
def test_a_weak_power_supply_is_not_cured_by_searching_less(tmp_path, bits, celsius, slower):
    told = tmp_path / "sys/devices/platform/soc/soc:firmware/get_throttled"
    told.parent.mkdir(parents=True)
    told.write_text(f"{bits}\n")
    paced, heat = Searching(), Heat({"cpu": celsius}, read_heat(tmp_path, command=NONE).now)
    with cooling(paced, Sensors(heat)) as sink:
        until(lambda: sink.heat is heat)
        sink.write(FRAME, [])
    assert paced.slower == slower


def test_sensors_are_not_asked_at_every_frame():
    heat = Heat({"cpu": 50.0})
    sensors = Sensors(heat)
    with cooling(Searching(), sensors, pause=60) as sink:
        until(lambda: sink.heat is heat)
        for _ in range(100):
            sink.write(FRAME, [])
    assert sensors.asked == 1


def test_a_sensor_that_hangs_holds_no_frame_up():
    paced, sensors = Searching(), Sensors()
    with cooling(paced, sensors) as sink:
        until(lambda: sensors.asked)
        sink.write(FRAME, [])
    assert paced.slower == 1
    until(lambda: not watching())


def test_nobody_asks_sensors_once_a_run_has_ended():
    with cooling(Searching(), Sensors(Heat({"cpu": 50.0})), pause=60) as sink:
        until(lambda: sink.heat.celsius)
        assert watching()
    until(lambda: not watching(), seconds=5)
