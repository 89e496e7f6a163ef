import pytest

from edgefer.errors import EdgeferError
from edgefer.plugins import build, check_call, resolve


def test_a_name_of_the_table_comes_first():
    assert resolve("a", {"a": 1}) == 1


def test_anything_importable_can_be_named():
    import json

    assert resolve("json:loads", {}) is json.loads
    assert resolve("read", {"read": "json:loads"}) is json.loads


@pytest.mark.parametrize("name", ["b", "nowhere_at_all:x", "json:nothing"])
def test_what_is_not_there_is_an_error_that_names_it(name):
    with pytest.raises(EdgeferError, match=name):
        resolve(name, {"a": 1})


def test_what_is_nearly_a_name_of_the_table_is_asked_about():
    with pytest.raises(EdgeferError, match=r"'ltiert' is not known. Did you mean litert\?$"):
        resolve("ltiert", {"litert": 1, "tflite-runtime": 2})


class Half:
    """Half of a camera."""

    def __iter__(self):
        return iter(())


def test_a_plug_in_that_lacks_something_is_told_what_and_where_it_stands():
    with pytest.raises(EdgeferError, match="'my:Half' makes a Half without close.*cameras.Camera"):
        build("my:Half", Half, "edgefer.edge.cameras.Camera", ("__iter__", "close"))


def test_a_plug_in_that_wants_other_arguments_is_one_error():
    with pytest.raises(EdgeferError, match="'my:Half' does not fit a.Contract: too many"):
        build("my:Half", Half, "a.Contract", (), 1)
    with pytest.raises(EdgeferError, match="does not fit a.Contract"):
        check_call("os.path:join", __import__("os").path.join, "a.Contract", 7, 48, width=8)


def test_a_plug_in_that_keeps_its_contract_is_made():
    assert isinstance(build("my:Half", Half, "a.Contract", ("__iter__",)), Half)
