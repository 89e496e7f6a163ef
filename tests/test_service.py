"""The unit of systemd: sandboxed, for this Python, and never over another one by chance."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgefer.edge.board_commands import service
from edgefer.edge.service import Wanted, install, quoted, unit
from edgefer.edge.sinks.web.address import parse_address
from edgefer.errors import EdgeferError

pytestmark = pytest.mark.edge

ROOT = Path(__file__).resolve().parents[1]
PACKAGED = Wanted("/opt/edgefer/bin/python", config=Path("/etc/edgefer.toml"))


def ask(*arguments, **options):
    return CliRunner().invoke(service, [*map(str, arguments)], **options)


def lines(text, key):
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{key}=")]


def test_the_file_in_packaging_is_the_unit_that_is_installed():
    held = (ROOT / "packaging" / "systemd" / "edgefer.service").read_text("utf-8")
    assert held == unit(PACKAGED)


@pytest.mark.parametrize(
    "line",
    [
        "Type=notify",
        "Restart=always",
        "WatchdogSec=60",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=tmpfs",
        "PrivateTmp=yes",
        "SupplementaryGroups=video",
        "DevicePolicy=closed",
        "DeviceAllow=char-video4linux rw",
        "MemoryMax=512M",
        "StateDirectory=edgefer",
        "LoadCredential=edgefer.toml:/etc/edgefer.toml",
    ],
)
def test_the_unit_shuts_the_run_in(line):
    assert line in unit(PACKAGED).splitlines()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(sys.executable, config=Path("/etc/my edgefer.toml")),
        Wanted(sys.executable, ("--sink", 'jsonl:100% "sure".jsonl'), visible=(Path("/home/a b"),)),
        Wanted(sys.executable, ("--camera", "jetson"), jetson=True, memory="25%", watchdog=90.0),
        Wanted(
            sys.executable,
            ("--sink", "web:0.0.0.0:8443?cert=/etc/my c.pem&key=/etc/k.pem"),
            token=Path("/etc/my edgefer.token"),
            handed=(Path("/etc/my c.pem"), Path("/etc/k.pem")),
        ),
    ],
)
def test_systemd_understands_the_unit(tmp_path, wanted):
    (tmp_path / "edgefer.service").write_text(unit(wanted), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "edgefer.service")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if "edgefer.service" in line]
    assert (done.returncode, said) == (0, [])


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("--camera", "--camera"),
        ("a b", '"a b"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("50%", "50%%"),
        ("$HOME", "$$HOME"),
        ("a\nb", '"a\\nb"'),
        ("", '""'),
        ("얼굴", '"얼굴"'),
    ],
)
def test_a_word_stays_one_word_and_itself(word, written):
    assert quoted(word) == written


def test_dry_run_prints_the_unit_for_this_python_and_these_options():
    done = ask("install", "--dry-run", "small", "--camera", "1", "--sink", "jsonl:log.jsonl")
    assert done.exit_code == 0, done.output
    command = f"{sys.executable} -m edgefer run small --camera 1 --sink jsonl:log.jsonl"
    assert lines(done.stdout, "ExecStart") == [command]


def test_no_example_for_a_board_fills_its_disk():
    texts = [(ROOT / name).read_text("utf-8") for name in ("README.md", "README.ko.md")]
    texts += [(ROOT / "docs" / name).read_text("utf-8") for name in ("board.md", "sinks.md")]
    texts.append(ask("install", "--help").output)
    logs = [log for text in texts for log in re.findall(r"jsonl:[\w.]+\.jsonl\S*", text)]
    assert len(logs) > 3
    assert all("?max=" in log for log in logs), logs


def test_a_configuration_file_is_checked_and_handed_over(tmp_path):
    config = tmp_path / "my.toml"
    config.write_text('camera = "rtsp://me:secret@cam/1"\nstall = 30\n')
    done = ask("install", "--dry-run", "--config", config)
    assert lines(done.stdout, "LoadCredential") == [f"edgefer.toml:{config}"]
    assert lines(done.stdout, "ExecStart")[0].endswith(
        "run --config ${CREDENTIALS_DIRECTORY}/edgefer.toml"
    )
    assert lines(done.stdout, "WatchdogSec") == ["90"]
    assert "secret" not in done.stdout
    config.write_text("stal = 30\n")
    assert "there is no option 'stal'" in ask("install", "--dry-run", "--config", config).output


def test_only_what_the_service_needs_of_a_home_is_shown_to_it():
    paths = ("/home/pi/edgefer", "/home/pi/edgefer/.venv", "/usr", "/root/keys/lab.pub")
    text = unit(Wanted("/home/pi/edgefer/.venv/bin/python", visible=tuple(map(Path, paths))))
    assert lines(text, "BindReadOnlyPaths") == ["/home/pi/edgefer", "/root/keys/lab.pub"]


def test_a_jetsons_camera_needs_its_daemon_and_its_devices():
    text = ask("install", "--dry-run", "--camera", "jetson:0").stdout
    assert (lines(text, "PrivateTmp"), lines(text, "DevicePolicy")) == (["no"], ["auto"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--min-face", "3"], "3 is not in the range 24<=x<=10000"),
        (["--wings"], "No such option"),
        (["--memory", "lots"], "--memory 'lots' is no size. Type 512M"),
        (["--camera", "rtsp://me:secret@cam"], "the password of rtsp://***@cam in the unit"),
        (
            ["--sink", "jsonl:/srv/a.jsonl"],
            "may write only to /var/lib/edgefer: type jsonl:a.jsonl",
        ),
        (["--", "--config", "x"], "type --config before the options of run"),
        (["--sink", "jsonl:../a.jsonl"], "type jsonl:a.jsonl"),
        (["--sink", "jsonl:no/a.jsonl"], "no folder /var/lib/edgefer/no. Type jsonl:a.jsonl."),
        (["--sink", "warnings:/var/log/w.jsonl?max=1MB"], "type warnings:w.jsonl?max=1MB"),
        (["--sink", "web:8080?record=/srv/rec"], "type web:8080?record=rec, which goes there"),
        (["--sink", "mqtt://h/t?spool=/srv/wait"], "type mqtt://h/t?spool=wait, which goes"),
        (
            ["--sink", "webhook:https://hooks.example/secret"],
            "of webhook:https://hooks.example/***",
        ),
        (["--sink", "webhook:hooks.example"], "webhook needs an http:// or https:// address"),
        (["--sink", "prometheus:eighty"], "prometheus:eighty is not known. Type prometheus:9108"),
        (["--sink", "jsnl:x.jsonl"], "there is no sink 'jsnl:x.jsonl'. Did you mean jsonl?"),
        (["--sink", "nowhere.lamps:Lamp"], "'nowhere.lamps:Lamp' cannot be imported"),
        (["--sink", "jsonl:a.jsonl?max=1"], "max=1 must be a size from 1kB on"),
        (["--sink", "csv:-"], "csv needs a file"),
        (["--sink", "video:a.avi"], "video:a.avi is there when the service starts again"),
        (["--sink", "video:a.mov", "--", "--force"], "must end in .mp4 or .avi"),
        (["--sink", "window"], "a service has no screen for window. Try web:8080"),
        (["--sink", "web:eighty"], "Type web:8080 for this machine alone"),
        (["--sink", "web:0.0.0.0:80"], "needs a token. Type: sudo sh -c 'umask 077;"),
        (["--sink", "mqtt://broker"], "mqtt needs a host and a topic"),
        (["--sink", "mqtts://h/t?ca=/no/ca.pem"], "/no/ca.pem cannot be read: No such file"),
        (["--sink", "mqtts://h/t?ca=ca.pem"], "/var/lib/edgefer/ca.pem cannot be read: No such"),
        (["--web-token", "/dev/null", "--sink", "console"], "--web-token is for a page to watch"),
        (["/no/such/bundle"], "/no/such/bundle"),
        (["--backend", "abacus"], "'abacus' is not known"),
        (["--detector", "yunet"], "--detector-model"),
        (
            ["./models"],
            "the service starts in /var/lib/edgefer, where there is no models. Type /",
        ),
    ],
)
def test_what_would_fail_unseen_fails_now(tmp_path, monkeypatch, options, said):
    (tmp_path / "models").mkdir()
    monkeypatch.chdir(tmp_path)
    done = ask("install", "--dry-run", *options)
    assert done.exit_code == 2
    assert said in done.output
    assert "secret" not in done.output


@pytest.mark.parametrize(
    "options",
    [
        ["--sink", "mqtt://broker/room?max=10MB"],
        ["--sink", "mqtt://board@broker/room"],
        ["--camera", "rtsp://cam/live?channel=1"],
        ["--sink", "jsonl:a.jsonl?max=10MB&keep=3&time=utc", "--sink", "warnings:w.jsonl"],
        ["--sink", "web:8080?record=kept", "--sink", "prometheus:9108", "--sink", "console"],
        ["--sink", "video:a.avi", "--", "--force"],
    ],
)
def test_what_a_service_can_do_is_written_as_it_is_and_nothing_else(tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    done = ask("install", "--dry-run", *options)
    assert done.exit_code == 0, done.output
    words = [quoted(word) for word in options if word != "--"]
    assert lines(done.stdout, "ExecStart")[0].endswith(f"run {' '.join(words)}")
    assert not [*tmp_path.iterdir()]


@pytest.fixture
def secret(tmp_path):
    """A file that only its owner reads."""
    path = tmp_path / "secret"
    path.write_text("correct horse battery staple\n")
    path.chmod(0o600)
    return path


def test_the_token_of_the_page_is_handed_over(secret):
    done = ask("install", "--dry-run", "--web-token", secret, "--sink", "web:0.0.0.0:8080")
    assert done.exit_code == 0, done.output
    assert lines(done.stdout, "LoadCredential") == [f"web-token:{secret}"]
    assert "EDGEFER_WEB_TOKEN_FILE=/run/credentials/%n/web-token" in lines(
        done.stdout, "Environment"
    )
    assert "horse" not in done.stdout
    secret.chmod(0o644)
    done = ask("install", "--dry-run", "--web-token", secret, "--sink", "web:0.0.0.0:8080")
    assert "others can read the token" in done.output


def test_files_that_a_sink_reads_are_handed_over(tmp_path, secret):
    cert, key = tmp_path / "c.pem", tmp_path / "c.pem.key"
    for path in (cert, key):
        path.touch(0o600)
    spec = f"web:0.0.0.0:8443?cert={cert}&key={key}&token={secret}"
    done = ask("install", "--dry-run", "--sink", spec)
    assert done.exit_code == 0, done.output
    handed = [f"file-1:{cert}", f"file-2:{key}", f"file-3:{secret}"]
    assert lines(done.stdout, "LoadCredential") == handed
    found = "cert={0}/file-1&key={0}/file-2&token={0}/file-3".format("${CREDENTIALS_DIRECTORY}")
    assert lines(done.stdout, "ExecStart")[0].endswith(f'"web:0.0.0.0:8443?{found}"')


def test_a_file_that_a_configuration_names_must_be_open_to_the_service(tmp_path, secret):
    config = tmp_path / "my.toml"
    config.write_text(f'sink = "mqtts://broker/room?ca={secret}"\n')
    done = ask("install", "--dry-run", "--config", config)
    assert f"who cannot read {secret}. Name the sink as an option of this command" in done.output
    config.write_text('sink = "mqtts://broker/room?ca=/etc/passwd"\n')
    done = ask("install", "--dry-run", "--config", config)
    assert lines(done.stdout, "LoadCredential") == [f"edgefer.toml:{config}"]


def test_the_page_takes_a_token_that_systemd_hands_over(secret):
    secret.chmod(0o440)  # as an access list for the service's user shows
    given = {"EDGEFER_WEB_TOKEN_FILE": str(secret)}
    address = parse_address("0.0.0.0:80", given | {"CREDENTIALS_DIRECTORY": str(secret.parent)})
    assert address.token == "correct horse battery staple"
    for other in ("", "/run/credentials/other.service"):
        with pytest.raises(EdgeferError, match="others can read the token"):
            parse_address("0.0.0.0:80", given | {"CREDENTIALS_DIRECTORY": other})


def test_another_unit_is_replaced_only_if_forced(tmp_path):
    path = install("one", tmp_path)
    assert install("one", tmp_path) == path
    with pytest.raises(EdgeferError, match="says something else. See what .* with --force"):
        install("two", tmp_path)
    assert path.read_text() == "one"
    install("two", tmp_path, force=True)
    assert path.read_text() == "two"
    assert [each.name for each in tmp_path.iterdir()] == ["edgefer.service"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_the_command_writes_the_unit_and_says_how_to_start_it(tmp_path):
    done = ask("install", "--folder", tmp_path, "small", "--camera", "0")
    assert done.exit_code == 0, done.output
    assert "Start it: sudo systemctl enable --now edgefer" in done.stderr
    assert "run small --camera 0\n" in (tmp_path / "edgefer.service").read_text()


def test_who_may_not_write_units_is_told_to_be_root():
    if not Path("/sys").is_dir():
        pytest.skip("no folder that is closed to root as well")
    with pytest.raises(EdgeferError, match="is root's to write. Type: sudo "):
        install("text", Path("/sys"))


@pytest.fixture
def systemctl(tmp_path):
    """An environment whose systemctl says this."""

    def made(said, status=0):
        path = tmp_path / "systemctl"
        path.write_text(f"#!{sys.executable}\nprint({said!r}); raise SystemExit({status})\n")
        path.chmod(0o755)
        return {"PATH": str(tmp_path)}

    return made


RUNNING = """LoadState=loaded
ActiveState=active
SubState=running
StatusText=120 frames, 12.0 a second
NRestarts=2
Result=success
MemoryCurrent=98000000
ActiveEnterTimestamp=Sat 2026-11-21 10:00:00 UTC"""


def test_status_tells_how_the_run_goes(systemctl):
    done = ask("status", env=systemctl(RUNNING))
    assert done.exit_code == 0, done.output
    assert "says       120 frames, 12.0 a second\n" in done.stdout
    assert "restarts   2\n" in done.stdout
    assert "memory     98 MB\n" in done.stdout


def test_a_service_that_is_not_there_says_how_to_install_it(systemctl):
    said = "LoadState=not-found\nActiveState=inactive\nMemoryCurrent=18446744073709551615"
    done = ask("status", "--json", env=systemctl(said))
    assert done.exit_code == 1
    assert '"installed": "no"' in done.stdout
    assert '"memory": ""' in done.stdout
    assert "sudo edgefer service install" in done.stderr


def test_without_systemd_that_is_said(tmp_path):
    done = ask("status", env={"PATH": str(tmp_path)})
    assert isinstance(done.exception, EdgeferError)
    assert "not run by systemd" in str(done.exception)
