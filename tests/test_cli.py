"""The command line as a user meets it: run as a process, judged by what it prints and returns."""

import json
import signal
import subprocess
import sys
import time

import pytest

import edgefer.cli


def run(*arguments, cwd=None):
    command = [sys.executable, "-m", "edgefer", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "set"
    done = run("data", "synth", "-o", folder, "--people", 10, "--takes", 1)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_command_has_help_that_says_what_it_does():
    groups = {"": edgefer.cli.edgefer.commands}
    for name, command in edgefer.cli.edgefer.commands.items():
        groups[name] = getattr(command, "commands", {})
    for name, commands in groups.items():
        for own, command in commands.items():
            assert command.get_short_help_str(200), f"{name} {own} has no help"
            for option in command.params:
                if option.param_type_name == "option":
                    assert option.help, f"{name} {own} {option.name} has no help"


def test_the_version_is_told():
    assert edgefer.__version__ in run("--version").stdout


def test_what_was_made_is_said_in_one_line(drawn, tmp_path):
    done = run("data", "synth", "-o", tmp_path / "out", "--people", 10, "--takes", 1)
    assert done.returncode == 0
    assert "70 faces (56 train, 7 val, 7 test), labels fer7" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_a_split_by_person_tears_nobody_apart_and_says_how_near_it_came(drawn, tmp_path):
    done = run("data", "split", drawn, "--ratio", "1:1:0", "-o", tmp_path / "out")
    assert "70 faces (35 train, 35 val), labels fer7" in done.stdout
    assert "dealt by person" in done.stdout
    assert "val       50.0%    50.0%  angry 50.0%" in done.stdout
    assert not done.stderr


def test_a_split_by_face_says_whom_it_tore_apart(drawn, tmp_path):
    done = run("data", "split", drawn, "--by", "face", "--ratio", "1:1:0", "-o", tmp_path / "out")
    assert done.returncode == 0
    assert "10 people stand in more than one split" in done.stderr
    assert "--by person" in done.stderr


def test_machines_get_json(drawn):
    done = run("data", "show", drawn, "--json")
    assert json.loads(done.stdout)["faces"] == 70


def test_a_folder_of_pictures_becomes_a_face_set(tmp_path):
    from PIL import Image

    for emotion in ("기쁨", "슬픔"):
        (tmp_path / "사진" / emotion).mkdir(parents=True)
        Image.new("L", (50, 50), 90).save(tmp_path / "사진" / emotion / "1.png")
    (tmp_path / "사진" / "기쁨" / "2.png").write_text("no picture")
    done = run("data", "folder", tmp_path / "사진", "-o", tmp_path / "out", "--labels", "korean7")
    assert done.returncode == 0
    assert "2 faces" in done.stdout
    assert "1 left out" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["data", "show", "nowhere"], "no face set"),
        (["data", "fer2013", "nowhere.csv", "-o", "out"], "nowhere.csv"),
        (["data", "folder", ".", "-o", "out"], "holds no picture"),
        (["data", "folder", "nowhere", "-o", "out"], "no folder"),
        (["data", "synth", "-o", "out", "--population", "martian"], "martian"),
        (["train", "base", "nowhere", "-o", "out"], "no face set"),
        (["train", "transfer", "nowhere", "nowhere", "-o", "out"], "no bundle"),
        (["train", "base", "x", "-o", "out", "--epochs", "-2"], "epochs is -2, expected more than"),
        (["train", "base", "x", "-o", "out", "--rotate", "400"], "rotate is 400, expected 180"),
    ],
)
def test_a_mistake_is_one_line_and_status_1(tmp_path, arguments, said):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["data", "synth"],
        ["fly"],
        ["train", "base", "x", "-o", "y", "--epochs", "many"],
        ["data", "synth", "-o", "out", "--size", "100000"],
        ["data", "split", "x", "-o", "y", "--seed", "-1"],
        ["calib", "x", "-o", "y", "--seed", "-1"],
        ["export", "x", "-o", "y", "--epochs", "3"],
        ["export", "x", "-o", "y", "--faces", "z"],
        ["export", "x", "-o", "y", "--per-channel-dense"],
        ["data", "clean", "x", "-o", "y", "--apply", "z", "--against", "w"],
        ["data", "export", "x", "-o", "y", "--layout", "jpeg"],
    ],
)
def test_wrong_usage_is_status_2(arguments):
    assert run(*arguments).returncode == 2


def test_what_is_there_is_not_overwritten(drawn):
    done = run("data", "synth", "-o", drawn, "--people", 10, "--takes", 1)
    assert done.returncode == 1
    assert "--force" in done.stderr


@pytest.mark.parametrize(("module", "extra"), sorted(edgefer.cli.EXTRAS.items()))
def test_a_missing_package_says_what_to_type(module, extra):
    # A finder that hides one package stands for a machine without it.
    code = (
        "import sys, importlib.abc\n"
        "class Hide(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] == {module!r}:\n"
        f"            raise ModuleNotFoundError(name, name={module!r})\n"
        "sys.meta_path.insert(0, Hide())\n"
        "import click, edgefer.cli\n"
        "@click.command()\n"
        f"def use():\n    import {module}\n"
        "edgefer.cli.edgefer.add_command(use)\n"
        "sys.argv = ['edgefer', 'use']\n"
        "edgefer.cli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: {module} is not installed. Try: pip install '.[{extra}]' in edgefer's checkout\n"
    )


def test_ctrl_c_is_status_130_and_says_nothing(tmp_path):
    command = [sys.executable, "-m", "edgefer", "data", "synth", "--people", "500", "-o"]
    running = subprocess.Popen(
        [*command, str(tmp_path / "out")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not list(tmp_path.glob(".out.*/*")) and running.poll() is None:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    said = "".join(running.communicate())
    assert running.returncode == 130
    assert said == ""
    assert not list(tmp_path.iterdir())
