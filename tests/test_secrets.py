"""What messages, --print-config and a unit that everybody reads never show."""

import pytest
from click.testing import CliRunner

from edgefer.edge.run_command import run
from edgefer.edge.secrets import hide_passwords, hide_secrets

pytestmark = pytest.mark.edge


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("rtspsrc user-pw=my_secret_pw ! fakesink", "rtspsrc user-pw=*** ! fakesink"),
        ("rtspsrc user-pw=my/secret&pw ! fakesink", "rtspsrc user-pw=*** ! fakesink"),
        ('rtspsrc user-pw="two words" ! fakesink', "rtspsrc user-pw=*** ! fakesink"),
        ("rtspsrc user-pw='two words' ! fakesink", "rtspsrc user-pw=*** ! fakesink"),
        (r'rtspsrc user-pw="a \" b" ! fakesink', "rtspsrc user-pw=*** ! fakesink"),
        (r"rtspsrc user-pw=two\ words ! fakesink", "rtspsrc user-pw=*** ! fakesink"),
        ('rtspsrc user-pw = (string) "two words" ! a', "rtspsrc user-pw=*** ! a"),
        ('rtspsrc user-pw="not closed ! a', "rtspsrc user-pw=***"),
        ('srtsrc passphrase="two words" ! a', "srtsrc passphrase=*** ! a"),
        (
            "rtsp://cam/user=me_password=my_own_channel=1",
            "rtsp://cam/user=me_password=***_channel=1",
        ),
        ("rtsp://cam/password=one_two/live", "rtsp://cam/password=***/live"),
        ("webhook:https://hooks.example/services/T0/B1/xyz", "webhook:https://hooks.example/***"),
        (
            "webhook:https://me:pw@hooks.example:8443/a?b=c",
            "webhook:https://***@hooks.example:8443/***",
        ),
        ("webhook:https://hooks.example", "webhook:https://hooks.example"),
        ("http://cam/video?channel=1&authkey=xyz", "http://cam/video?***"),
        ("http://cam/video?key=xyz", "http://cam/video?***"),
    ],
)
def test_passwords_are_hidden_to_their_end(source, shown):
    assert hide_passwords(source) == hide_secrets(source) == shown


@pytest.mark.parametrize(
    "source",
    [
        "mqtt://broker/room?max=10MB",
        "mqtts://broker/room?ca=/etc/ca.pem&cert=c.pem&key=k.pem&spool=wait",
        "rtsp://cam/live?channel=1&subtype=0",
        "web:0.0.0.0:8080?cert=/etc/c.pem&key=/etc/k.pem&token=/etc/token",
    ],
)
def test_a_query_that_names_no_password_is_none(source):
    assert hide_passwords(source) == source


def test_the_path_of_a_webhook_is_not_printed(tmp_path):
    config = tmp_path / "edgefer.toml"
    config.write_text('sink = ["webhook:https://hooks.example/services/secret"]\n')
    done = CliRunner().invoke(run, ["--config", str(config), "--print-config"])
    assert '"webhook:https://hooks.example/***"' in done.stdout
    assert "secret" not in done.stdout
