"""Look at the calibration faces as a device will, and learn how sure a model may be."""

from collections.abc import Mapping

import numpy as np

from edgefer.faceset import FaceSet
from edgefer.progress import say
from edgefer.reference import SHARES, Confidence, Reference, light, rescale, sharpness

from .check import answers

LEAST = 200  # labelled faces: the packaged model's temperature is then 1.22 give or take .08
_BINS = 15
_TEMPERATURES = (0.1, 10.0)


def make_reference(
    models: Mapping[str, bytes], patches: np.ndarray, judges: FaceSet | None = None
) -> Reference:
    """Reference of a bundle's models.

    Parameters
    ----------
    models : mapping of str to bytes
        TFLite files by role.
    patches : ndarray of uint8, shape (N, S, S)
        The calibration faces.
    judges : FaceSet, optional
        Labelled faces that neither training nor calibration saw, under the bundle's labels: what
        tells how sure the models may be. A network is surer of the faces it was trained on.
    """
    if judges is not None and len(judges) < LEAST:
        say(f"{len(judges)} faces cannot tell how sure the models may be: {LEAST} can")
        judges = None
    return Reference(
        len(patches),
        _quantiles(light(patches)),
        _quantiles(sharpness(patches)),
        {role: _confidence(model, patches, judges) for role, model in models.items()},
    )


def fit_temperature(shares: np.ndarray, targets: np.ndarray) -> float:
    """The temperature that makes labelled faces most probable.

    Parameters
    ----------
    shares : ndarray of float, shape (N, K)
        Probabilities.
    targets : ndarray of int, shape (N,)
        What is right.

    Returns
    -------
    float
        From .1 to 10.
    """
    coldest, hottest = np.log(_TEMPERATURES)
    # The likelihood is concave in 1/T: its slope changes sign once.
    for _ in range(40):
        middle = (coldest + hottest) / 2
        if _too_sure(shares, targets, float(np.exp(middle))):
            coldest = middle
        else:
            hottest = middle
    return float(np.exp((coldest + hottest) / 2))


def calibration_error(shares: np.ndarray, targets: np.ndarray) -> float:
    """Expected calibration error [1]_ of probabilities, float (N, K), in 15 bins, 0..1.

    .. [1] Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    sure, right = shares.max(axis=1), shares.argmax(axis=1) == targets
    bins = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, right - sure, _BINS)
    return float(np.abs(gaps).sum() / len(shares))


def _too_sure(shares: np.ndarray, targets: np.ndarray, temperature: float) -> bool:
    """Whether the log-likelihood grows with the temperature from here."""
    logs = np.log(rescale(shares, 1))
    expected = (rescale(shares, temperature) * logs).sum(axis=1)
    return bool((logs[np.arange(len(targets)), targets] - expected).sum() < 0)


def _confidence(model: bytes, patches: np.ndarray, judges: FaceSet | None) -> Confidence:
    quantiles = _quantiles(answers(model, patches).max(axis=1))
    if judges is None:
        return Confidence(quantiles)
    shares = answers(model, judges.patches)
    temperature = round(fit_temperature(shares, judges.targets), 3)
    error = [
        round(calibration_error(each, judges.targets), 4)
        for each in (shares, rescale(shares, temperature))
    ]
    return Confidence(quantiles, temperature, len(judges), tuple(error))


def _quantiles(values: np.ndarray) -> tuple[float, ...]:
    return tuple(round(float(each), 4) for each in np.quantile(values, SHARES))
