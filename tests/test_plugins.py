import pytest

from edgefer.errors import EdgeferError
from edgefer.plugins import resolve


def test_a_name_of_the_table_comes_first():
    assert resolve("a", {"a": 1}) == 1


def test_anything_importable_can_be_named():
    import json

    assert resolve("json:loads", {}) is json.loads


@pytest.mark.parametrize("name", ["b", "nowhere_at_all:x", "json:nothing"])
def test_what_is_not_there_is_an_error_that_names_it(name):
    with pytest.raises(EdgeferError, match=name):
        resolve(name, {"a": 1})
