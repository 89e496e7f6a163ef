"""The ways to quantize a network, from the cheapest to the dearest."""

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any

import numpy as np

from edgefer.faceset import FaceSet
from edgefer.labels import Labels
from edgefer.progress import say

from .convert import to_int8
from .ladder import Made, Rung
from .mixed import Calibrated
from .recipe import ExportRecipe
from .require import no_training
from .sensitivity import Layer, measured

# Layers that the mixed rung leaves in float, one attempt after the other.
_KEPT = (1, 2, 4)


class Workshop:
    """Makes every int8 model of one network; what several need is measured once.

    Parameters
    ----------
    model : keras.Model
        The network.
    patches : ndarray of uint8, shape (N, S, S)
        Calibration faces.
    recipe : ExportRecipe
        Every choice.
    labels : Labels
        What the network answers with.
    faces : FaceSet, optional
        What quantization-aware training trains on: see `no_training`.
    """

    def __init__(
        self,
        model: Any,
        patches: np.ndarray,
        recipe: ExportRecipe,
        labels: Labels,
        faces: FaceSet | None = None,
    ) -> None:
        self.model, self.patches, self.recipe, self.labels = model, patches, recipe, labels
        self.faces = faces

    def rungs(self) -> Iterator[Rung]:
        """Ways that the recipe allows, the simplest first; without a gate the best plain int8."""
        only = self.recipe.rung or ("mixed" if self.recipe.keep else "")
        # Corrected weights would be more different ones.
        corrects = only == "corrected" or (not only and not self.recipe.clusters)
        # Where nobody judges, the nearest to float comes first: both cost a device the same.
        if corrects and self.recipe.gate is None:
            yield Rung("corrected", self.corrected)
        if only in ("", "int8"):
            yield Rung("int8", self.int8)
        if corrects and self.recipe.gate is not None:
            yield Rung("corrected", self.corrected)
        if self.recipe.keep:
            yield Rung("mixed", partial(self.mixed, self.recipe.keep))
        elif only in ("", "mixed"):
            names = [layer.name for layer in self.ranking]
            for count in _KEPT[: 1 if only and self.recipe.gate is None else None]:
                if count < len(names):
                    yield Rung(f"mixed {count}", partial(self.mixed, tuple(names[:count])))
        if only in ("", "qat"):
            reason = no_training(self.faces, self.recipe, self.labels)
            if reason:
                say(f"qat is left out: {reason}")
            else:
                yield Rung("qat", self.qat)

    @cached_property
    def calibrated(self) -> Calibrated:
        """Network with the range of every number."""
        return Calibrated.of(self.model, self.patches)

    @cached_property
    def ranking(self) -> tuple[Layer, ...]:
        """Layers that int8 hurts most, first."""
        say("ranking layers by what int8 does to them")
        dense = self.recipe.per_channel_dense
        return measured(self.calibrated, self.patches, per_channel_dense=dense).layers

    def int8(self) -> Made:
        """Every layer in integers, as the converter makes it."""
        return Made(self._int8(self.model))

    def corrected(self) -> Made:
        """Channels brought to like ranges, pixels' weights and all ranges chosen for int8."""
        from .equalize import equalize, spread
        from .ranges import with_ranges
        from .rounding import round_first

        equal = equalize(self.model, self.patches)
        before, after = (
            max(spread(one, self.patches).values(), default=1.0) for one in (self.model, equal)
        )
        say(f"equalized: one channel was {before:,.1f} times its layer's median, now {after:,.1f}")
        network = Calibrated.of(round_first(equal, self.patches), self.patches)
        dense = self.recipe.per_channel_dense
        return Made(with_ranges(network, self.patches).quantize(per_channel_dense=dense))

    def mixed(self, kept: tuple[str, ...]) -> Made:
        """Some layers left in float."""
        dense = self.recipe.per_channel_dense
        return Made(self.calibrated.quantize(kept, per_channel_dense=dense), kept)

    def qat(self) -> Made:
        """Trained further while it computes as int8 will."""
        from .qat import qat

        assert self.faces is not None
        found = qat(self.model, self.faces, self.recipe, calibration=self.patches)
        if found.before and found.twin_score and found.after:
            say(
                f"val {found.before.accuracy:.3f} before training for int8; after it "
                f"{found.twin_score.accuracy:.3f} in float, {found.after.accuracy:.3f} in int8"
            )
        return Made(found.int8, trained=True)

    def _int8(self, model: Any) -> bytes:
        dense = self.recipe.per_channel_dense
        return to_int8(model, self.patches, per_channel_dense=dense)
