# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
import pytest

pytest.importorskip("tensorflow", reason="networks need TensorFlow")
pytestmark = pytest.mark.train

from edgefer.errors import GateError
from edgefer.export.convert import to_float, to_int8
from edgefer.export.ladder import Made, Rung, climb
from edgefer.keras import keras


@pytest.fixture(scope="module")
def whole(model):
    return to_float(model)


def ruined(model, faces):
    """An int8 model of the network with other weights: it answers something else."""
    copy = model.__class__.from_config(model.get_config())
    keras.utils.set_random_seed(3)
    copy.set_weights([value * 0.1 for value in model.get_weights()])
    return to_int8(copy, faces.patches)


def test_the_first_rung_that_passes_is_taken_and_no_other_made(model, whole, faces, capsys):
    asked = []

    def rung(name, make):
        return Rung(name, lambda: asked.append(name) or make())

    found = climb(
        [
            rung("ruined", lambda: Made(ruined(model, faces))),
            rung("good", lambda: Made(to_int8(model, faces.patches), ("kept",))),
            rung("never", lambda: Made(b"")),
        ],
        whole,
        faces,
        0.2,
    )
    assert asked == ["ruined", "good"]
    assert (found.rung, found.made.kept) == ("good", ("kept",))
    told = found.to_json()
    assert [(one["rung"], one["passed"]) for one in told["tried"]] == [
        ("ruined", False),
        ("good", True),
    ]
    assert (told["tried"][1]["kept"], told["faces"]) == (["kept"], len(faces))
    said = capsys.readouterr().err
    assert "gate: ruined: overall +" in said
    assert "fails by overall" in said
    assert "good: overall" in said.split("fails by")[1]


def test_where_no_rung_passes_the_table_tells_why(model, whole, faces):
    with pytest.raises(
        GateError, match=r"within 1 points on 168 faces.*nothing was written"
    ) as error:
        climb([Rung("ruined", lambda: Made(ruined(model, faces)))], whole, faces, 0.01)
    lines = str(error.value).splitlines()
    assert lines[1].split()[-1] == "ruined"
    assert lines[2].startswith("overall")
    assert lines[2].endswith("!")
