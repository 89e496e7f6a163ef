"""Measure which layers int8 hurts, and write it down: a page, numbers and a table."""

import csv
import io
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edgefer.bundle import Bundle, versions
from edgefer.faceset import FaceSet
from edgefer.folders import new_folder, refuse
from edgefer.progress import say
from edgefer.report import html

from . import sensitivity_svg
from .calibration import check_calibration
from .sensitivity import Layer, Sensitivity, measured
from .sensitivity_svg import LOW, distance, hurts

MARKER = "sensitivity.json"
PACKAGES = ("tensorflow", "tf-keras", "ai-edge-litert", "numpy")

METHOD = (
    "Every network here is quantized with the same ranges, those of the calibration faces. A layer "
    "quantized alone reads 8-bit numbers and gives 8-bit numbers, all others compute in float; the "
    "distance is the mean difference of the probabilities from the float model's, in points. It "
    "tells which layers to leave in float. A last softmax is left out: its answers are bytes "
    "anyway.",
    "A layer left in float alone reads and gives 8-bit numbers all the same. Where its own numbers "
    "need more range than 8 bits have, it helps only together with the layers that read it: both "
    "stand high here.",
    "RMSE and SQNR are the layer's own error: its numbers against those that it would have given "
    "in float, from the same quantized numbers before it. They overlook a channel that takes the "
    "whole range and leaves the others nothing; the median SQNR of the channels shows it.",
    "A layer at 0.00 without weights of its own is quantized only between others that are.",
)


@dataclass(frozen=True)
class Found:
    """What int8 does to the layers of one bundle's network.

    Attributes
    ----------
    bundle, faceset : str
        Names of the bundle, and of the faces it was calibrated and asked on.
    sensitivity : Sensitivity
        Every layer, the most sensitive first.
    about : mapping of str to object
        What else must be known: digests, sources, versions, the command.
    """

    bundle: str
    faceset: str
    sensitivity: Sensitivity
    about: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        found = self.sensitivity
        return {
            "format": 1,
            "bundle": self.bundle,
            "faceset": self.faceset,
            "headline": headline(found),
            "int8": found.whole.to_json(),
            "layers": [layer.to_json() for layer in found.layers],
            "order": list(found.order),
            "left_in_float": [
                {"layers": [layer.name for layer in found.layers[:count]], **check.to_json()}
                for count, check in enumerate(found.spared, 1)
            ],
            **self.about,
        }


def measure_sensitivity(
    bundle: Bundle,
    calibration: FaceSet,
    out: Path,
    *,
    per_channel_dense: bool = False,
    force: bool = False,
) -> Found:
    """Measure which layers of a bundle's network int8 hurts, and write a report.

    Parameters
    ----------
    bundle : Bundle
        Holds the Keras model.
    calibration : FaceSet
        Faces to calibrate on, and to ask.
    out : Path
        The new folder, with ``sensitivity.html``, ``sensitivity.json`` and ``sensitivity.csv``.
    per_channel_dense : bool
        As in `edgefer.export.convert.to_int8`.
    force : bool
        Replace a report that is there.

    Returns
    -------
    Found

    Raises
    ------
    EdgeferError
        If the faces do not fit the bundle, the network cannot be expressed in TFLite, or ``out``
        exists.
    """
    refuse(out, MARKER, force=force)
    check_calibration(calibration, bundle)
    calibration.verify()
    # Only here: TensorFlow takes seconds to import, and mistakes show before.
    from edgefer.keras import load_model

    from .mixed import Calibrated

    model = load_model(bundle.path("keras"))
    say(f"calibrating on {len(calibration)} faces")
    network = Calibrated.of(model, calibration.patches)
    say(f"quantizing each of {len(network.names)} layers alone, and leaving it out alone")
    words = ["edgefer", "export", str(bundle.folder), "--sensitivity", "--calib"]
    found = Found(
        bundle.name,
        calibration.folder.resolve().name,
        measured(network, calibration.patches, per_channel_dense=per_channel_dense),
        {
            "bundle_digest": bundle.digest,
            "faceset_digest": calibration.digest,
            "source": calibration.source,
            "versions": versions(*PACKAGES),
            "when": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "command": shlex.join([*words, str(calibration.folder), "-o", str(out)]),
        },
    )
    with new_folder(out, MARKER, force=force) as folder:
        told = json.dumps(found.to_json(), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
        for name, text in (
            (MARKER, told),
            ("sensitivity.csv", to_csv(found.sensitivity)),
            ("sensitivity.html", to_html(found)),
        ):
            (folder / name).write_text(text, encoding="utf-8")
    return found


def headline(found: Sensitivity) -> str:
    """What int8 does to the network, in one sentence."""
    named = [layer.name for layer in found.layers if hurts(layer)]
    if named:
        listed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
        return f"int8 hurts {listed}: alone in int8, each changes the answers."
    if found.whole.agreement < LOW:
        return "int8 hurts the network, but no layer alone does."
    return "No layer suffers much from int8."


def to_text(found: Sensitivity) -> str:
    """Headline and table, for a terminal."""
    head, *rows = table(found)
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = []
    for row in (head, *rows):
        name, operator, *numbers = row
        cells = [f"{name:{widths[0]}}", f"{operator:{widths[1]}}"]
        wide = zip(numbers, widths[2:], strict=True)
        lines.append("  ".join([*cells, *(f"{cell:>{width}}" for cell, width in wide)]))
    return "\n".join([*lines, "", headline(found)])


def to_csv(found: Sensitivity) -> str:
    """One row a layer, the most sensitive first, every number as it was measured."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Layer)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(layer.to_json() for layer in found.layers)
    return text.getvalue()


def table(found: Sensitivity) -> list[list[str]]:
    """One row a layer, the most sensitive first, below a head."""
    head = ["layer", "operator", "alone", "same %", "spared", "RMSE", "SQNR", "channels"]
    return [head] + [
        [
            layer.name,
            layer.operator,
            distance(layer.alone),
            f"{100 * layer.agreement:.1f}",
            f"{100 * layer.spared:+.2f}",
            f"{layer.rmse:.2f}",
            f"{layer.sqnr:.1f}",
            f"{layer.channel_sqnr:.1f}",
        ]
        for layer in found.layers
    ]


def to_html(found: Found) -> str:
    """A page that stands alone; whatever came from a file is escaped."""
    environment = html.environment("edgefer.export")
    layers = found.sensitivity
    return environment.get_template("sensitivity.html.j2").render(
        found=found,
        headline=headline(layers),
        tiles=_tiles(layers),
        layers_plot=html.both(lambda width: sensitivity_svg.layers(layers, width)),
        spared_plot=html.both(lambda width: sensitivity_svg.spared(layers, width)),
        table=table(layers),
        method=METHOD,
        provenance=_provenance(found),
        command=found.about.get("command", ""),
        when=found.about.get("when", ""),
    )


def _tiles(found: Sensitivity) -> Sequence[tuple[str, str, str]]:
    """Name, number and note of what is to be seen first."""
    whole, first = found.whole, found.layers[0]
    return (
        ("Same answers", f"{100 * whole.agreement:.1f} %", f"int8 and float, {whole.faces} faces"),
        ("Distance", distance(whole.mean), "of the probabilities, points, mean"),
        ("Most sensitive", distance(first.alone), f"{first.name}, alone in int8"),
        ("Layers", f"{len(found.layers)}", "that have a scale of their own"),
    )


def _provenance(found: Found) -> list[tuple[str, str]]:
    about = found.about
    known = (
        ("bundle", found.bundle),
        ("bundle digest", about.get("bundle_digest")),
        ("calibration faces", found.faceset),
        ("their digest", about.get("faceset_digest")),
        ("source", about.get("source")),
        ("versions", ", ".join(f"{k} {v}" for k, v in about.get("versions", {}).items())),
    )
    return [(name, str(value)) for name, value in known if value]
