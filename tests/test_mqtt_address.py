"""Addresses of brokers: what is filled in, and what never shows."""

from pathlib import Path

import pytest

from edgefer.edge.sinks.mqtt_address import parse_address
from edgefer.errors import EdgeferError

pytestmark = pytest.mark.edge


@pytest.mark.parametrize(
    ("scheme", "where", "host", "port", "topic", "user", "password"),
    [
        ("mqtt", "//host/topic", "host", 1883, "topic", "", ""),
        ("mqtts", "//host/a/b/", "host", 8883, "a/b", "", ""),
        ("mqtt", "//me:a%40b%2Fc@[::1]:99/방", "::1", 99, "방", "me", "a@b/c"),
        ("mqtt", "//me@host/%EB%B0%A9", "host", 1883, "방", "me", "from outside"),
        ("mqtt", "//me:@host/x", "host", 1883, "x", "me", "from outside"),
    ],
)
def test_an_address_is_taken_apart(monkeypatch, scheme, where, host, port, topic, user, password):
    monkeypatch.setenv("EDGEFER_MQTT_PASSWORD", "from outside")
    found = parse_address(scheme, where)
    assert (found.host, found.port, found.topic) == (host, port, topic)
    assert (found.user, found.password, found.tls) == (user, password, scheme == "mqtts")


def test_an_address_shows_neither_user_nor_password():
    found = parse_address("mqtts", "//me:hunter2@host/topic?max=1MB")
    assert str(found) == "mqtts://host:8883/topic"
    assert "hunter2" not in repr(found)
    assert found.limit == 1_000_000


@pytest.mark.parametrize(
    ("variables", "home"),
    [
        (
            {"STATE_DIRECTORY": "/var/lib/edgefer:/other", "XDG_STATE_HOME": "/x"},
            "/var/lib/edgefer",
        ),
        ({"XDG_STATE_HOME": "/x"}, "/x/edgefer"),
        ({"HOME": "/home/me"}, "/home/me/.local/state/edgefer"),
    ],
)
def test_what_waits_lies_where_the_system_keeps_such_things(monkeypatch, variables, home):
    for name in ("STATE_DIRECTORY", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    spools = [
        parse_address("mqtt", where).spool
        for where in ("//host/a", "//host/a", "//host/b", "//host:99/a", "//host/a%2F..%2Fb")
    ]
    assert all(spool.parent == Path(home) / "spool" for spool in spools)
    assert spools[0] == spools[1]
    assert len(set(spools)) == 4
    assert parse_address("mqtt", "//host/a?spool=/here").spool == Path("/here")


def test_a_client_keeps_its_name_and_two_topics_have_two():
    names = [parse_address("mqtt", where).client for where in ("//h/a", "//u:p@h/a", "//h/b")]
    assert names[0] == names[1] != names[2]
    assert all(len(name) <= 23 for name in names)  # what MQTT 3.1 guarantees


def test_two_spools_for_one_topic_have_two_clients():
    # A broker throws a client out whose name another one takes.
    wheres = ("//h/a", "//h/a?spool=/x", "//h/a?spool=/y", "//h/a?spool=/y")
    names = [parse_address("mqtt", where).client for where in wheres]
    assert len(set(names)) == 3
    assert names[2] == names[3]


@pytest.mark.parametrize(
    ("scheme", "where", "tells"),
    [
        ("mqtt", "//me:hunter2@broker.local/a", True),
        ("mqtt", "//me:hunter2@192.0.2.1/a", True),
        ("mqtts", "//me:hunter2@broker.local/a", False),
        ("mqtt", "//broker.local/a", False),
        ("mqtt", "//me:hunter2@127.0.0.1/a", False),
        ("mqtt", "//me:hunter2@[::1]/a", False),
        ("mqtt", "//me:hunter2@localhost/a", False),
    ],
)
def test_a_password_that_others_can_read_is_known(scheme, where, tells):
    assert parse_address(scheme, where).tells_password is tells


@pytest.mark.parametrize("topic", ["a/#", "a/+", "a?b"])
def test_a_pattern_is_no_topic_to_publish_to(topic):
    with pytest.raises(EdgeferError, match="a topic holds no \\+, #, \\?"):
        parse_address("mqtt", f"//host/{topic}")
