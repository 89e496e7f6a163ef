"""Small faces and networks for the tests of the export stage."""

from pathlib import Path
from typing import Any

import numpy as np

from edgefer.bundle import Bundle, Step, write_bundle
from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7, Labels

SIZE = 16
# Side of the patches that each network takes at least.
SMALLEST = {"vgg": SIZE, "vgg_hufs": 36, "vgg_hufs_gap": 36, "vgg19": 32, "resnet50": 33}
_TAUGHT: dict[tuple[str, str, int], list[np.ndarray]] = {}  # weights


def toy_face(target: int, rng: np.random.Generator, size: int = SIZE) -> np.ndarray:
    """A smooth patch whose waves run in a direction of their own for each target."""
    angle = target * np.pi / 7
    across = np.linspace(0, 2 * np.pi, size)
    waves = np.cos(np.cos(angle) * across[:, None] + np.sin(angle) * across + rng.normal(0, 0.3))
    picture = 128 + 60 * waves + rng.normal(0, 6, (size, size)) + rng.normal(0, 15)
    return np.clip(picture, 0, 255).astype(np.uint8)


def toy_faces(
    out: Path, *, each: int = 24, people: int = 0, size: int = SIZE, labels: Labels = FER7
) -> FaceSet:
    """So many faces of each emotion; three of four are ``train``, the others ``val``."""
    rng = np.random.default_rng(0)
    with write_faceset(out, labels, size, source="toys") as writer:
        for i in range(each * len(labels)):
            number, target = divmod(i, len(labels))
            split = "val" if number % 4 == 3 else "train"
            # People of one split are never of another.
            person = f"{split}{number % people}" if people else ""
            patch = toy_face(target, rng, size)
            writer.add(patch, labels.names[target], split=split, person=person)
    return FaceSet.load(out)


def toy_model(faces: FaceSet, *, epochs: int = 12) -> Any:
    """A VGG of width 4 that has seen the faces; its last stage has two convolutions."""
    from edgefer.keras import keras
    from edgefer.train.backbones.vgg import vgg

    keras.utils.set_random_seed(1)
    model = vgg(len(faces.labels), faces.size, width=4, depth=5, dropout=0.1)
    return taught(model, faces, epochs=epochs)


def shorten_resnet50(monkeypatch: Any) -> None:
    """Have a block of each kind, with and without a stride and a projection, and no more."""
    monkeypatch.setattr("edgefer.train.backbones.resnet50.BLOCKS", (1, 2, 1, 1))


def taught(model: Any, faces: FaceSet, *, epochs: int = 12) -> Any:
    """The same network after it has seen the faces; a process trains each one of a name once."""
    from edgefer.keras import keras

    key = model.name, faces.digest, epochs
    if key not in _TAUGHT:
        train = faces.split("train")
        model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
        model.optimizer.build(model.trainable_variables)
        pixels = train.patches[..., None].astype(np.float32)
        model.fit(pixels, train.targets, 32, epochs, verbose=0)
        _TAUGHT[key] = model.get_weights()
    model.set_weights(_TAUGHT[key])
    keras.utils.set_random_seed(1)  # what follows must not depend on who asked first
    return model


def toy_bundle(out: Path, model: Any, faces: FaceSet) -> Bundle:
    """A bundle as training writes it."""
    kept = out.with_suffix(".keras")
    model.save(kept)
    log = out.with_suffix(".csv")
    log.write_text("epoch\n1\n", encoding="utf-8")
    return write_bundle(
        out,
        labels=faces.labels,
        size=faces.size,
        files={"keras": kept, "log": log},
        history=[Step("train base", {"epochs": 12}, {"faces": faces.digest})],
    )
