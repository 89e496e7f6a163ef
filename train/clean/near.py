"""Find pictures that are nearly the same: moved, cropped, mirrored, relit or compressed again."""

from collections.abc import Iterator
from itertools import combinations

import cv2
import imagehash
import numpy as np
from PIL import Image
from rich.progress import track

from edgefer.faceset import FaceSet
from edgefer.progress import console

from .duplicates import copies_of, protection
from .findings import KEEP, LOOK, Finding, named
from .quality import BLANK, thumbs

# Measured on 32,298 faces of FER2013: of pairs with a likeness of .92 or more, sixty each from .92
# to .94, .94 to .96 and above were judged by eye, and all were one photograph; from .85 to .88 half
# were. Of drawn faces of one person 1 pair in 600 reaches .93, 1 in 300 reaches .92. Of 3,785 pairs
# from .92 up 60 % differ in at most 6 of the 64 bits of their hashes, 76 % in 8, 88 % in 10.
LIKENESS, RADIUS = 0.93, 10
# 10 wrong bits in 4 bands leave some band with at most 2.
BAND, WRONG = 16, 2
MARGIN = 3  # pixels that a copy may have moved
_CHUNK = 2_000_000  # comparisons at a time


def find_near(faces: FaceSet) -> list[Finding]:
    """Groups of nearly equal pictures that are not equal pixel by pixel.

    Every pair whose perceptual hashes are near (`close_codes`), one of them perhaps mirrored, is
    looked at pixel by pixel (`likeness`); a chain of likes is one group. 129,192 faces take half a
    minute and 0.7 GB.

    Parameters
    ----------
    faces : FaceSet

    Returns
    -------
    list of Finding
        One for every face of a group, equal copies too; ``near-conflict`` where labels differ,
        ``near-leak`` where splits differ, else ``near``. None is suggested to be dropped: that is
        for a person to judge.
    """
    copies = copies_of(faces)
    firsts = np.array([own[0] for own in copies.values()])
    codes, mirrored, usable = fingerprints(faces, firsts)
    parents, scores = np.arange(len(firsts)), np.zeros(len(firsts))

    def root(i: int) -> int:
        while parents[i] != i:
            parents[i] = parents[parents[i]]
            i = int(parents[i])
        return i

    for queries, mirror in ((codes, False), (mirrored, True)):
        for pairs in close_codes(codes, queries, "near pictures"):
            # Pairs of a group that is known already need no second look.
            new = np.array([i < j and root(i) != root(j) for i, j in pairs.tolist()], bool)
            pairs = pairs[new & usable[pairs].all(axis=1)]
            alike = likeness(faces, firsts[pairs[:, 0]], faces, firsts[pairs[:, 1]], mirror=mirror)
            for (i, j), score in zip(pairs.tolist(), alike.tolist(), strict=True):
                if score >= LIKENESS:
                    scores[i], scores[j] = max(scores[i], score), max(scores[j], score)
                    parents[root(j)] = root(i)
    groups: dict[int, list[int]] = {}
    for i in np.flatnonzero(scores):
        groups.setdefault(root(int(i)), []).append(int(i))
    found = []
    for own in groups.values():
        members = {face: float(scores[i]) for i in own for face in copies[faces.hashes[firsts[i]]]}
        found += _judge(faces, members)
    return found


def find_near_others(faces: FaceSet, others: FaceSet) -> Iterator[tuple[int, int, float]]:
    """Faces that are nearly, not quite, equal to one of another set: both positions, likeness."""
    theirs = copies_of(others)
    copies = {digest: own for digest, own in copies_of(faces).items() if digest not in theirs}
    firsts = np.array([own[0] for own in copies.values()], int)
    there = np.array([own[0] for own in theirs.values()], int)
    codes, _, usable = fingerprints(others, there)
    own, mirrored, able = fingerprints(faces, firsts)
    best: dict[int, tuple[float, int]] = {}
    for queries, mirror in ((own, False), (mirrored, True)):
        for pairs in close_codes(codes, queries, "near pictures of the other set"):
            pairs = pairs[able[pairs[:, 0]] & usable[pairs[:, 1]]]
            left, right = firsts[pairs[:, 0]], there[pairs[:, 1]]
            alike = likeness(faces, left, others, right, mirror=mirror)
            for i, j, score in zip(left.tolist(), right.tolist(), alike.tolist(), strict=True):
                if score >= LIKENESS:
                    best[i] = max(best.get(i, (0.0, 0)), (score, j))
    found = [(face, best[i]) for i in best for face in copies[faces.hashes[i]]]
    for face, (score, j) in sorted(found):
        yield face, j, score


def fingerprints(
    faces: FaceSet, positions: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Perceptual hash of each picture and of its mirror image, uint64 (n,), and which are usable.

    A blank picture is like every other one; so its hash is not used.
    """
    codes, usable = np.zeros((2, len(positions)), np.uint64), np.zeros(len(positions), bool)
    steps = range(0, len(positions), 256)
    for start in track(steps, "fingerprints", console=console(), transient=True):
        small = thumbs(faces.take(positions[start : start + 256]))
        usable[start : start + 256] = small.std(axis=(1, 2)) >= BLANK
        for side, pictures in enumerate((small, small[:, :, ::-1])):
            bits = [imagehash.phash(Image.fromarray(picture)).hash.ravel() for picture in pictures]
            codes[side, start : start + 256] = np.packbits(bits, axis=1).view(np.uint64)[:, 0]
    return codes[0], codes[1], usable


def close_codes(
    codes: np.ndarray, queries: np.ndarray, title: str = "", radius: int = RADIUS
) -> Iterator[np.ndarray]:
    """Pairs of hashes that differ in few bits, without comparing each with each.

    Of four bands of 16 bits at least one differs in at most a fourth of the wrong bits (the
    pigeonhole principle): so only hashes are compared that agree in a band but for two bits.

    Parameters
    ----------
    codes, queries : ndarray of uint64, shapes (M,) and (N,)
        What to look in, and what to look for.
    title : str
        What the progress bar says.
    radius : int
        Most bits that may differ; up to 11.

    Yields
    ------
    ndarray of int64, shape (n, 2)
        Positions in ``queries`` and in ``codes``, each pair once.
    """
    masks = [
        sum(1 << bit for bit in bits)
        for wrong in range(WRONG + 1)
        for bits in combinations(range(BAND), wrong)
    ]
    work = [(shift, mask) for shift in range(0, 64, BAND) for mask in masks]
    order = starts = wanted = np.zeros(0, np.int64)
    for shift, mask in track(work, title, console=console(), transient=True):
        if mask == 0:
            keys, wanted = (
                (part >> np.uint64(shift)).astype(np.int64) & (2**BAND - 1)
                for part in (codes, queries)
            )
            order = np.argsort(keys, kind="stable")
            starts = np.searchsorted(keys[order], np.arange(2**BAND + 1))
        firsts, counts = starts[wanted ^ mask], np.diff(starts)[wanted ^ mask]
        ends = np.cumsum(counts)
        begin = 0
        while begin < len(queries):
            done = ends[begin - 1] if begin else 0
            end = max(int(np.searchsorted(ends, done + _CHUNK, side="right")), begin + 1)
            part = counts[begin:end]
            left = np.repeat(np.arange(begin, end), part)
            inside = np.arange(len(left)) - np.repeat(np.cumsum(part) - part, part)
            right = order[np.repeat(firsts[begin:end], part) + inside]
            wrong = queries[left] ^ codes[right]
            near = np.bitwise_count(wrong) <= radius
            for before in range(0, shift, BAND):  # a pair that came with an earlier band is known
                band = (wrong >> np.uint64(before)) & np.uint64(2**BAND - 1)
                near &= np.bitwise_count(band) > WRONG
            if near.any():
                yield np.stack([left[near], right[near]], axis=1)
            begin = end


def likeness(
    ones: FaceSet, at: np.ndarray, others: FaceSet, there: np.ndarray, *, mirror: bool = False
) -> np.ndarray:
    """How alike pictures are, float64 (n,): 1 for the same picture in whatever light.

    The middle of either picture is moved over the other one by up to three pixels of 48; the best
    normalized correlation counts.
    """
    found = np.zeros(len(at))
    inner = slice(MARGIN, -MARGIN)
    for start in range(0, len(at), 1024):
        left = thumbs(ones.take(at[start : start + 1024]))
        right = thumbs(others.take(there[start : start + 1024]))
        left = np.ascontiguousarray(left[:, :, ::-1]) if mirror else left
        for i, (one, other) in enumerate(zip(left, right, strict=True)):
            ways = ((one, other), (other, one))
            # The middle of a logo may be of one tone, which is like anything.
            found[start + i] = max(
                float(cv2.matchTemplate(whole, part[inner, inner], cv2.TM_CCOEFF_NORMED).max())
                if part[inner, inner].std() >= BLANK
                else 0.0
                for whole, part in ways
            )
    return found


def _judge(faces: FaceSet, members: dict[int, float]) -> list[Finding]:
    """Findings for one group of nearly equal pictures."""
    targets = sorted({int(faces.targets[face]) for face in members})
    splits = {faces.splits[face] for face in members}
    kind = "near-conflict" if len(targets) > 1 else "near-leak" if len(splits) > 1 else "near"
    first, *rest = sorted(members, key=lambda face: protection(faces, face))
    group = f"near-{faces.hashes[first].hex()[:12]}"
    names = ", ".join(faces.labels.names[target] for target in targets)
    called = f"; such pictures are called {names}" * (len(targets) > 1)
    others = f"nearly the same as {named(faces, rest[0])}"
    others += f" and {len(rest) - 1} more" * (len(rest) > 1)
    return [
        Finding(kind, first, members[first], KEEP, others + called, group),
        *(
            Finding(
                kind,
                face,
                members[face],
                LOOK,
                f"nearly the same as {named(faces, first)}{called}",
                group,
            )
            for face in rest
        ),
    ]
