"""Options from a file and from the environment: what goes before what, and what is refused."""

import json

import pytest
from click.testing import CliRunner

from edgefer.edge.config import key, variable
from edgefer.edge.run_command import run

pytestmark = pytest.mark.edge


@pytest.fixture
def shown(tmp_path):
    """What --print-config says: value and origin of each key."""

    def ask(text, *arguments, status=0, **environment):
        file = tmp_path / "edgefer.toml"
        file.write_text(text, encoding="utf-8")
        env = {f"EDGEFER_{name}": value for name, value in environment.items()}
        typed = ["--config", str(file), "--print-config", *arguments]
        done = CliRunner().invoke(run, typed, env=env)
        assert done.exit_code == status, done.output
        if status:
            return done.output.replace(str(tmp_path), "")
        rows = [line.removeprefix("# ").rsplit("  # ", 1) for line in done.stdout.splitlines()]
        return {
            line.partition(" ")[0]: (line.partition(" = ")[2].strip(), origin.rsplit("/")[-1])
            for line, origin in rows
        }

    return ask


def test_flags_go_before_the_environment_that_before_the_file_and_that_before_defaults(shown):
    text = "threads = 2\nneighbors = 5\nmin-face = 80\n"
    found = shown(text, "--threads", "4", THREADS="3", NEIGHBORS="6")
    assert found["threads"] == ("4", "command line")
    assert found["neighbors"] == ("6", "EDGEFER_NEIGHBORS")
    assert found["min-face"] == ("80", "edgefer.toml")
    assert found["precision"] == ('"int8"', "default")


def test_the_help_has_sections_and_fits_a_terminal():
    said = CliRunner().invoke(run, ["--help"], terminal_width=80, max_content_width=80).stdout
    titles = ["Camera", "Output", "Model and runtime", "Faces", "Answers", "Pictures"]
    titles += ["Configuration", "Other"]
    assert [line[:-1] for line in said.splitlines() if line[:1].isalpha()][1:] == titles
    assert "\nOther:\n" in said
    assert said.endswith("--help  Show this message and exit.\n")
    assert max(map(len, said.splitlines())) <= 80


def test_every_option_of_the_command_can_stand_in_a_file(shown):
    found = shown("")
    asked = {key(param) for param in run.params if param.expose_value}
    assert set(found) == asked > {"bundle", "camera", "sink", "trusted-key", "json"}
    assert len({variable(param) for param in run.params}) == len(run.params)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ('bundle = "small"', "bundle", '"small"'),  # an argument
        ("camera = 0", "camera", '"0"'),  # a number to whoever writes it
        ('sink = "console"', "sink", '["console"]'),  # one of several
        ('sink = ["console", "video:a b.mp4"]', "sink", '["console", "video:a b.mp4"]'),
        ("loop = true", "loop", "true"),
        ("stall = 4", "stall", "4.0"),
        ('camera = "영상.mp4"', "camera", '"영상.mp4"'),
        ('trusted-key = ["a.pub"]', "trusted-key", '["a.pub"]'),
    ],
)
def test_a_file_says_it_as_toml_does(shown, text, name, value):
    assert shown(text)[name] == (value, "edgefer.toml")


@pytest.mark.parametrize(
    ("name", "given", "key", "value"),
    [
        ("SINK", "console jsonl:log.jsonl", "sink", '["console", "jsonl:log.jsonl"]'),
        ("LOOP", "yes", "loop", "true"),
        ("JSON", "0", "json", "false"),
        ("MIN_FACE", "90", "min-face", "90"),
        ("BUNDLE", "small", "bundle", '"small"'),
    ],
)
def test_the_environment_says_it_in_words(shown, name, given, key, value):
    assert shown("", **{name: given})[key] == (value, f"EDGEFER_{name}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("min_face = 80", "/edgefer.toml: there is no option 'min_face'. Did you mean min-face?"),
        ("wings = 2", "/edgefer.toml: there is no option 'wings'. There are bundle, camera"),
        ("config = 'x'", "/edgefer.toml: there is no option 'config'"),
        ("[run]\nthreads = 2", "/edgefer.toml: [run] is a table, and options stand at the top"),
        ("threads = '2'", '/edgefer.toml: threads: expected a whole number, found "2".'),
        ("threads = true", "/edgefer.toml: threads: expected a whole number, found true."),
        ("threads = 1.5", "/edgefer.toml: threads: expected a whole number, found 1.5."),
        ("threads = 65", "/edgefer.toml: threads: 65 is not in the range 1<=x<=64."),
        ("loop = 'yes'", '/edgefer.toml: loop: expected true or false, found "yes".'),
        ("scale = 'fine'", '/edgefer.toml: scale: expected a number, found "fine".'),
        ("precision = 8", "/edgefer.toml: precision: expected text in quotes, found 8."),
        ("precision = 'int4'", "/edgefer.toml: precision: 'int4' is not one of"),
        ("sink = ['console', true]", "/edgefer.toml: sink: expected text in quotes, found true."),
        ("camera = ['a']", '/edgefer.toml: camera: expected text in quotes, found ["a"].'),
        ("camera = 1979-05-27", "/edgefer.toml: camera: expected text in quotes, found"),
        ("camera = 0\ncamera = 1", "/edgefer.toml is not TOML: Cannot overwrite a value (at"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_key(shown, text, said):
    assert said in shown(text, status=2)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    done = CliRunner().invoke(run, ["--config", str(tmp_path / "x.toml")])
    assert done.exit_code == 2
    assert "x.toml is not TOML: 'utf-8' codec" in done.output


def test_a_wrong_variable_is_named(shown):
    assert "Invalid value for the environment's EDGEFER_THREADS" in shown(
        "", status=2, THREADS="many"
    )


def test_a_variable_that_is_nearly_an_options_is_told(tmp_path):
    done = CliRunner().invoke(
        run, ["--print-config"], env={"EDGEFER_MINFACE": "80", "EDGEFER_VERBOSE": "1"}
    )
    assert done.stderr == "EDGEFER_MINFACE is not read. Did you mean EDGEFER_MIN_FACE?\n"


def test_passwords_are_hidden_wherever_they_stand(shown):
    camera = "rtsp://me:hunter2@cam.local/stream"
    sinks = '["mqtt://me:hunter2@broker/faces", "jsonl:log.jsonl"]'
    found = shown(f"sink = {sinks}", CAMERA=camera)
    assert found["camera"] == ('"rtsp://***@cam.local/stream"', "EDGEFER_CAMERA")
    assert found["sink"][0] == '["mqtt://***@broker/faces", "jsonl:log.jsonl"]'
    assert "hunter2" not in shown(f"threads = '{camera}'", status=2)


def test_json_is_one_object_with_each_value_and_where_it_came_from(tmp_path):
    file = tmp_path / "edgefer.toml"
    file.write_text('min-face = 80\nsink = ["mqtt://me:hunter2@broker/faces", "window"]\n')
    typed = ["--print-config", "--json", "--config", str(file), "--trusted-key", "a.pub"]
    typed += ["--camera", "rtsp://me:hunter2@cam/"]
    done = CliRunner().invoke(run, typed, env={"EDGEFER_THREADS": "3"})
    found = {name: tuple(each.values()) for name, each in json.loads(done.stdout).items()}
    assert set(found) == {key(param) for param in run.params if param.expose_value}
    assert found["min-face"] == (80, str(file))
    assert found["sink"] == (["mqtt://***@broker/faces", "window"], str(file))
    assert found["camera"] == ("rtsp://***@cam/", "command line")
    assert found["trusted-key"] == (["a.pub"], "command line")
    assert found["threads"] == (3, "EDGEFER_THREADS")
    assert found["bundle"] == (None, "default")
    assert found["loop"] == (False, "default")


def test_what_is_printed_is_such_a_file_again(tmp_path):
    first = CliRunner().invoke(run, ["default", "--print-config", "--min-face", "77", "--loop"])
    (tmp_path / "again.toml").write_text(first.stdout, encoding="utf-8")
    typed = ["--print-config", "--config", str(tmp_path / "again.toml")]
    again = CliRunner().invoke(run, typed).stdout
    values = [
        [line.split("  #")[0] for line in text.splitlines()] for text in (first.stdout, again)
    ]
    assert values[0] == values[1]


def test_a_run_takes_its_options_from_the_file(tmp_path):
    file = tmp_path / "edgefer.toml"
    file.write_text('camera = "synth"\nframes = 3\njson = true\nbundle = "small"\n')
    done = CliRunner().invoke(run, ["--frames", "2"], env={"EDGEFER_CONFIG": str(file)})
    assert json.loads(done.stdout)["frames"] == 2
