"""Tell from a face's patch how far it is turned, bowed or tilted away from the camera."""

from functools import lru_cache
from importlib.resources import files

import cv2
import numpy as np

from edgefer.preprocess import face_to_patch

SIDE = 48  # pixels of a patch, as the weights know it
# What an angle to the side or up counts: such faces are read better than those bowed or tilted.
LESS = 0.7
_HOG = cv2.HOGDescriptor((SIDE, SIDE), (16, 16), (8, 8), (8, 8), 9)


def away(patches: np.ndarray) -> np.ndarray:
    """How far each face is from upright and frontal, in degrees, shape (N,).

    It is the length of its `pose`, of which yaw and what it looks up count `LESS`.

    ``python benchmarks/pose.py work/fer CLIPS``: 38 faces of ten people, turned, and looked for
    near where they were. Refused are those away by more than 20, a share of those found; the answer
    is the packaged model's in int8, and stays if it is that of the face as it was.

    ============  =======  =======  ============
    turned by     found    refused  answer stays
    ============  =======  =======  ============
    side 15       99 %         0 %          91 %
    side 30       93 %        10 %          76 %
    side 40       45 %        18 %          82 %
    side 50, 60   3 %          0 %          80 %
    down 15       100 %        3 %          87 %
    down 25       100 %       42 %          55 %
    down 35       89 %        79 %          32 %
    down 45       71 %        93 %          11 %
    up 15         92 %         0 %          89 %
    up 25         74 %        14 %          82 %
    up 35         53 %       100 %          65 %
    up 45         18 %        86 %          57 %
    tilted 15     97 %         0 %          92 %
    tilted 25     36 %         4 %          89 %
    tilted 35     1 %          0 %         100 %
    ============  =======  =======  ============

    So the cascade itself leaves out profiles and tilted heads, and a bowed head is what it lets
    through. Of FER2013's PublicTest, faces as they were photographed, and of the 636 faces that
    are followed in the clips, this and other ways refuse:

    ==========================  =======  ===========  ==========  =============
    way                         refused  right there  right else  of the clips
    ==========================  =======  ===========  ==========  =============
    away by more than 16        179      .626         .705        0
    away by more than 20        59       .542         .704        0
    away by more than 24        21       .524         .702        0
    profile cascade, 2 finds    253      .660         .704        1
    profile cascade, 8 finds    54       .630         .702        0
    no eye by its cascade       740      .651         .714        142
    unlike its mirror image     89       .618         .703        0
    ==========================  =======  ===========  ==========  =============

    Refused are bowed and lifted heads, some half profiles, and faces behind hands, which nothing
    was made for. Weights were fitted to other faces, but the bound and `LESS` chosen on these. A
    face that is bowed by 25 degrees passes more often than not, and one to the side mostly: large
    angles are told smaller than they are. Turned pictures are no photographs of turned heads.
    """
    yaw, pitch, roll = pose(patches).T
    up = np.minimum(pitch, 0)
    down = np.maximum(pitch, 0)
    return np.asarray(np.sqrt(LESS**2 * (yaw**2 + up**2) + down**2 + roll**2))


def pose(patches: np.ndarray) -> np.ndarray:
    """Angles of each face, by the directions of its edges.

    A ridge regression on histograms of oriented gradients [1]_, fitted to FER2013's training faces
    that were turned on a round head with a nose, where the frontal cascade still found them.
    ``benchmarks/pose.py`` turns them, fits it and measures it.

    .. [1] Dalal and Triggs, "Histograms of oriented gradients for human detection", CVPR 2005.

    Parameters
    ----------
    patches : ndarray of uint8, shape (N, S, S)
        As the model gets them, from a frontal cascade's boxes. How a face is framed matters
        little: with boxes .8 to 1.25 as large, or moved by .15 of their side, the means of 75 faces
        change by up to 7 degrees. Profiles, which other detectors do find, were not measured.

    Returns
    -------
    ndarray of float32, shape (N, 3)
        Yaw, pitch and roll in degrees: to the picture's right, down, clockwise.
    """
    weights = _weights()
    told = np.empty((len(patches), 3), np.float32)
    for row, patch in zip(told, patches, strict=True):
        row[:] = features(patch) @ weights[:-1] + weights[-1]
    return told


def features(patch: np.ndarray) -> np.ndarray:
    """What `pose` sees of a patch, uint8 (S, S): float32 (900,)."""
    return np.asarray(_HOG.compute(face_to_patch(patch, SIDE)), np.float32).ravel()


@lru_cache(maxsize=1)
def _weights() -> np.ndarray:
    """Of every feature, and last what is added, float32 (901, 3)."""
    with (files(__package__) / "pose.npy").open("rb") as file:
        return np.asarray(np.load(file, allow_pickle=False), np.float32)
