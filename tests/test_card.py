"""Model cards: what a training writes, and what an export adds."""

import re
from dataclasses import replace

import pytest
from toys import toy_faces

from edgefer.bundle import Step
from edgefer.export.card import add_section
from edgefer.labels import Labels
from edgefer.train.card import write_card

SCORES = {
    "epochs": 8,
    "best_epoch": 5,
    "train": {"accuracy": 1.0, "recall": {"happy": 1.0, "sad": 1.0}},
    "val": {
        "accuracy": 0.75,
        "recall": {"happy": 0.5, "sad": 1.0},
        "confusion": [[1, 1], [0, 2]],
    },
}
MODELS = {
    "float": {"bytes": 4000, "parameters": 990, "macs": 12_000},
    "int8": {"bytes": 1100, "parameters": 990, "macs": 12_000},
    "check": {"int8": {"agreement": 0.985, "faces": 200}},
}


@pytest.fixture
def faces(tmp_path):
    return toy_faces(tmp_path / "faces", labels=Labels("two", ("happy", "sad"), ("기쁨", "슬픔")))


def written(tmp_path, faces, *steps):
    return write_card(tmp_path / "card.md", "mine", faces, 1_234_567, steps).read_text("utf-8")


def test_a_card_tells_what_made_a_network_and_what_it_reached(tmp_path, faces):
    recipe = {"backbone": "vgg", "width": 16, "depth": 9, "epochs": 7}
    first = Step("train base", recipe, {"faces": "ab"})
    sources = {"faces": faces.provenance}
    second = Step("train transfer", {"head": 2, "epochs": 8}, scores=SCORES, sources=sources)
    text = written(tmp_path, faces, first, second)
    assert "| Network | `vgg`, width 16, depth 9, 1,234,567 parameters |" in text
    assert "1. `train base`: epochs 7\n   * faces: source and licence were not written down" in text
    assert "2. `train transfer`: head 2, epochs 8\n   * faces: toys; licence: unknown\n" in text
    for split, counts in faces.counts.items():
        assert f"{split} {sum(counts.values()):,}" in text
    assert "Epoch 5 of 8 was chosen on val" in text


def test_a_card_keeps_its_form_whatever_the_source_is_called(tmp_path, faces):
    odd = replace(faces, source="a\n## Limits")
    step = Step("train base", scores=SCORES, sources={"faces": odd.provenance})
    text = written(tmp_path, odd, step)
    assert "* faces: a ## Limits; licence" in text
    assert text.count("\n## Limits\n") == 1


def test_an_export_adds_its_models_and_replaces_those_of_an_earlier_one(tmp_path):
    card, out = tmp_path / "a.md", tmp_path / "b.md"
    card.write_text("# Model card: old\n\n분노\n\n## Limits\n\nnone\n", encoding="utf-8")
    add_section(card, "new", MODELS, out)
    text = out.read_text(encoding="utf-8")
    assert text.startswith("# Model card: new\n\n분노\n\n## Limits\n\nnone\n\n## For a device\n")
    assert "| `int8.tflite` | 1,100 | 990 | 12,000 |" in text
    assert "on 98.5% of 200 calibration faces" in text
    again = add_section(out, "new", {"float": MODELS["float"], "thinner": {}}, card).read_text(
        "utf-8"
    )
    assert re.findall(r"^## .*", again, re.M) == ["## Limits", "## For a device"]
    assert "int8" not in again
    assert "changed since" in again
