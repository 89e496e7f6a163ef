"""Tell faces that can be read from those too blurred, noisy, dark, bright, small or turned away."""

from collections.abc import Callable, Sequence

import numpy as np

from edgefer.preprocess import Box
from edgefer.reference import light, sharpness

from .pose import away
from .words import Words

# Patches and boxes in; out comes why each face is not to be read, empty where it is.
Gate = Callable[[np.ndarray, Sequence[Box]], np.ndarray]

SHARP = 0.06
NOISY = 6.5  # grey levels
DARK, BRIGHT = 30, 250  # mean grey
SMALL = 32  # pixels
TELLS_NOISE = 36  # pixels of a patch: in fewer of them edges are not told from noise
AWAY = 20  # degrees of `away`, which tells large angles smaller than they are

# Why a face is not read, and how that is said of it.
FLAWS = {
    "small": Words("too small", "너무 작음"),
    "dark": Words("too dark", "너무 어두움"),
    "bright": Words("too bright", "너무 밝음"),
    "blurred": Words("blurred", "흐림"),
    "noisy": Words("too noisy", "노이즈가 심함"),
    "turned": Words("turned away", "고개를 돌림"),
}


def flaws(patches: np.ndarray, boxes: Sequence[Box]) -> np.ndarray:
    """Why faces are not good enough to be read.

    The bounds leave alone what is merely poor: they refuse none of the 636 faces of ten clips, and
    of the 3,589 of FER2013's PublicTest 56 for their pose (`edgefer.edge.pose`), 40 for noise, 7
    for the rest. Of the faces of the clips, made worse, they refuse, by ``python
    benchmarks/quality.py work/fer CLIPS``:

    ==========================  =======  ====================
    a face of 48 pixels         refused  answer stays in int8
    ==========================  =======  ====================
    blurred by 0.5 pixels           0 %                  91 %
    blurred by 1 pixel             94 %                  23 %
    blurred by 2 pixels           100 %                  57 %
    moved by 6 pixels              38 %                  61 %
    moved by 10 pixels             65 %                  25 %
    light times 0.5                 0 %                  79 %
    light times 0.25               14 %                  59 %
    light times 0.12              100 %                   5 %
    light times 2                   0 %                  88 %
    light times 3                  86 %                  51 %
    light times 4                 100 %                  12 %
    32 pixels and enlarged          8 %                  50 %
    24 pixels and enlarged        100 %                  25 %
    noise of 5 grey levels          0 %                  81 %
    noise of 7 grey levels         99 %                  32 %
    noise of 10 grey levels       100 %                   5 %
    ==========================  =======  ====================

    The answer is the packaged model's; it may stay by chance. Motion is often missed: edges along
    it stay sharp. The gate takes 3 % of the processor time of a frame with one face.

    Parameters
    ----------
    patches : ndarray of uint8, shape (N, S, S)
        As the model gets them: what it does not see, a face larger than its patch, may be blurred.
    boxes : sequence of Box
        Where they were found.

    Returns
    -------
    ndarray of str, shape (N,)
        A key of `FLAWS`; empty for a face that is good enough.
    """
    grey = light(patches)
    sides = np.array([max(box.w, box.h) for box in boxes])
    flaw = np.full(len(boxes), "", "<U8")
    # The last that holds is told: what is dark is blurred or noisy, too.
    flaw[sharpness(patches) < SHARP] = "blurred"
    if patches.shape[1] >= TELLS_NOISE:
        flaw[noise(patches) > NOISY] = "noisy"
    flaw[grey > BRIGHT] = "bright"
    flaw[grey < DARK] = "dark"
    flaw[sides < SMALL] = "small"
    fit = flaw == ""
    if fit.any():
        flaw[fit] = np.where(away(patches[fit]) > AWAY, "turned", "")
    return flaw


def noise(patches: np.ndarray) -> np.ndarray:
    """Standard deviation of the noise in each patch, uint8 (N, S, S): float (N,), in grey levels.

    A difference of two Laplacians [1]_, which sees little of edges; of its values the median [2]_,
    which sees little of what is sharp, such as hair and teeth. A side has 3 pixels at least.

    The fine texture of a photograph counts as noise: half of FER2013's PublicTest have more than
    2.5 grey levels, one in a hundred more than 6.7. What smooths hides noise: a face that was
    enlarged to its patch, a camera's own compression, pixels so bright that they are all white.

    .. [1] Immerkaer, "Fast noise variance estimation", Computer Vision and Image Understanding,
       1996.
    .. [2] Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika, 1994.
    """
    grain = np.diff(np.diff(patches.astype(np.int16), 2, axis=1), 2, axis=2)
    amounts = np.abs(grain).reshape(len(grain), grain.shape[1] * grain.shape[2])
    middle = amounts.shape[1] // 2
    median = np.partition(amounts, middle, axis=1)[:, middle]  # np.median takes three times as long
    # Six times the noise's deviation; .6745 of a normal's is the median of its amounts.
    return np.asarray(median / (6 * 0.6745))
