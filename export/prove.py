"""Prove what was made: what each file holds, how far it is from its source, where it runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefer.errors import BundleError
from edgefer.golden import Golden
from edgefer.keras import probabilities
from edgefer.progress import say
from edgefer.runtimes import Runtimes

from .audit import WEIGHTED, Audit, audit, require_int8
from .check import Check, answers, require_same, xnnpack
from .golden import make_golden
from .runtimes import try_runtimes


@dataclass(frozen=True)
class Proof:
    """What is known of the models of a bundle.

    Attributes
    ----------
    audits : dict of str to Audit
        What each file holds, by role.
    pieces : dict of str to dict
        How XNNPACK takes each: see `edgefer.export.check.xnnpack`.
    checks : dict of str to Check
        The float model against the network, int8 against the float model.
    runtimes : Runtimes
        Where each model runs and computes rightly.
    golden : Golden
        What a device checks them by.
    """

    audits: dict[str, Audit]
    pieces: dict[str, dict[str, Any]]
    checks: dict[str, Check]
    runtimes: Runtimes
    golden: Golden

    def save(self, folder: Path) -> dict[str, Path]:
        """Write what travels in the bundle; the files by role."""
        told = {
            role: {**found.to_json(), "xnnpack": self.pieces[role]}
            for role, found in self.audits.items()
        }
        path = folder / "audit.json"
        path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        return {
            "audit": path,
            "runtimes": self.runtimes.save(folder / "runtimes.json"),
            "golden": self.golden.save(folder / "golden.npz"),
        }

    def to_json(self) -> dict[str, Any]:
        """Short, for the bundle's history."""
        return {
            **{
                role: {**found.summary(), "xnnpack": self.pieces[role]}
                for role, found in self.audits.items()
            },
            "check": {role: check.to_json() for role, check in self.checks.items()},
            "runtimes": self.runtimes.to_json(),
        }


def prove(
    model: Any,
    models: Mapping[str, bytes],
    patches: np.ndarray,
    targets: np.ndarray | None = None,
    *,
    kept: tuple[str, ...] = (),
    tflite_python: Path | None = None,
) -> Proof:
    """Look into the models, run them everywhere, and compare.

    Parameters
    ----------
    model : keras.Model
        What they were made of.
    models : mapping of str to bytes
        TFLite files: ``float``, and perhaps ``int8``.
    patches : ndarray of uint8, shape (N, S, S)
        Faces to answer.
    targets : ndarray of int, shape (N,), optional
        Their emotions, as the models count them; accuracy is measured with them.
    kept : tuple of str
        Layers that int8 leaves in float on purpose.
    tflite_python : Path, optional
        A Python that has tflite-runtime.

    Raises
    ------
    BundleError
        If a model is not what it should be, or runs nowhere.
    """
    audits = {role: audit(data) for role, data in models.items()}
    if "int8" in audits:
        require_int8(audits["int8"], kept)
    before = answers(models["float"], patches)
    checks = {"float": Check.of(probabilities(model, patches), before)}
    require_same(checks["float"])
    if "int8" in models:
        checks["int8"] = Check.of(before, answers(models["int8"], patches))
        if checks["int8"].agreement < 0.9:
            say(
                f"int8 names another emotion on {1 - checks['int8'].agreement:.0%} of the "
                "calibration faces: see what it costs with edgefer compare, or ask for less with "
                "--gate"
            )
    pieces = {role: xnnpack(data) for role, data in models.items()}
    for role, found in pieces.items():
        # Layers that stay in float on purpose cut the graph: that was chosen.
        if not (kept and role == "int8") and (
            found["pieces"] != 1 or WEIGHTED & set(found["outside"])
        ):
            say(
                f"{role}: XNNPACK takes the model in {found['pieces']} pieces and leaves out "
                f"{', '.join(found['outside']) or 'nothing'}: expect it to be slow"
            )
    say("trying the runtimes")
    runtimes = try_runtimes(models, patches, targets, tflite_python=tflite_python)
    for role in models:
        if not runtimes.passed(role):
            raise BundleError(
                f"the {role} model computes rightly on no runtime: {runtimes.told(role)}. Try "
                "--rung mixed, or a network of convolution, normalization, ReLU, pooling and dense."
            )
    return Proof(audits, pieces, checks, runtimes, make_golden(models, patches.shape[1]))
