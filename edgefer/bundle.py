"""A bundle: a folder that holds a model and what must travel with it."""

import json
import platform
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from edgefer import __version__
from edgefer.errors import BundleError, why
from edgefer.folders import new_folder
from edgefer.labels import Labels
from edgefer.preprocess import PREPROCESS
from edgefer.sums import SIGNATURE, SUMS, format_sums, hash_of, read_sums, verified, verify_all
from edgefer.untrusted import (
    MOST_JSON,
    check_name,
    parse,
    shown,
    to_labels,
    to_list,
    to_size,
    understood,
)

MARKER = "bundle.json"
MODELS = Path(__file__).parent / "models"  # the packaged bundles

# What each role's file is called; any other role (a log, a picture, a card) keeps its file's name.
FILES = {
    "keras": "model.keras",
    "float": "float.tflite",
    "int8": "int8.tflite",
    "onnx": "model.onnx",
    "onnx_int8": "int8.onnx",
}
# What makes each of an export's models, behind ``edgefer export BUNDLE``.
_OPTIONS = {
    "float": "",
    "int8": "--int8 --calib DIR",
    "onnx": "--to onnx",
    "onnx_int8": "--to tensorrt-ready --int8 --calib DIR",
}


@dataclass(frozen=True)
class Step:
    """One stage of a bundle's history.

    Attributes
    ----------
    stage : str
        The command that was run, such as ``train base``.
    recipe : mapping
        Every choice of it.
    facesets : mapping of str to str
        Digest of each face set it used, by its part in the work.
    sources : mapping of str to str
        Where the faces of each come from, and under which licence.
    scores : mapping
        What was measured.
    versions : mapping of str to str
        The packages that did it.
    """

    stage: str
    recipe: Mapping[str, Any] = field(default_factory=dict)
    facesets: Mapping[str, str] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Bundle:
    """A model with its labels, patch size and history.

    Attributes
    ----------
    folder : Path
        Where it lies; the folder's name is the bundle's.
    labels : Labels
        What its answers count in.
    size : int
        Side of the patches it takes, in pixels.
    files : mapping of str to str
        File name of each role, such as ``int8``.
    sums : mapping of str to str
        SHA-256 of each file.
    history : tuple of Step
        How it came to be, oldest first.
    """

    folder: Path
    labels: Labels
    size: int
    files: Mapping[str, str]
    sums: Mapping[str, str]
    history: tuple[Step, ...]

    @classmethod
    def load(
        cls, folder: Path | None = None, *, trust: Callable[[Path, bytes], None] | None = None
    ) -> "Bundle":
        """Open a bundle: a folder, or the name of a packaged one; nothing means ``default``.

        Parameters
        ----------
        folder : Path, optional
        trust : callable, optional
            Gets the folder and the bundle's `manifest` before anything else is read, and raises if
            it does not trust them.

        Raises
        ------
        BundleError
            If the folder is no bundle, its description was changed or garbled, or it was made for
            other preprocessing. The other files are checked when they are asked for.
        """
        folder = _find(folder)
        sums = read_sums(folder)
        if trust is not None:
            trust(folder, format_sums(sums).encode())
        about = parse(folder / MARKER, verified(folder, MARKER, sums, MOST_JSON))
        return _read(folder, about, sums)

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.resolve().name

    @property
    def typed(self) -> str:
        """What to type for it on a command line."""
        return self.name if self.folder.parent == MODELS else shlex.quote(str(self.folder))

    @property
    def manifest(self) -> bytes:
        """What every file is compared with: SHA256SUMS to the byte, as it was when loaded."""
        return format_sums(self.sums).encode()

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest: two bundles with one digest are the same."""
        return hash_of(self.manifest)

    def path(self, role: str) -> Path:
        """Where the file of a role lies, after its hash was compared."""
        self.read(role)
        return self.folder / self.files[role]

    def read(self, role: str) -> bytes:
        """Bytes of the file of a role.

        Raises
        ------
        BundleError
            If the bundle has no such role, or the file is missing or was changed.
        """
        if role not in self.files:
            raise BundleError(f"{self.typed} has no {role} model. {self._hint(role)}".strip())
        return verified(self.folder, self.files[role], self.sums)

    def _hint(self, role: str) -> str:
        """What to type for a model that is not here."""
        if role in _OPTIONS and "keras" in self.files:
            typed = " ".join(filter(None, (self.typed, _OPTIONS[role], "-o NEW")))
            return f"Make it with edgefer export {typed}."
        if role in FILES:
            return "It is the bundle of a device; start from the one that was trained."
        return ""

    def verify(self) -> None:
        """Compare every file with its hash; the first that differs, or has none, is named."""
        verify_all(self.folder, self.sums)


def packaged() -> list[str]:
    """Names of the bundles that come with edgefer."""
    return sorted(path.parent.name for path in MODELS.glob(f"*/{MARKER}"))


def write_bundle(
    out: Path,
    *,
    labels: Labels,
    size: int,
    files: Mapping[str, Path],
    history: Sequence[Step],
    force: bool = False,
) -> Bundle:
    """Write a bundle whole or not at all.

    Parameters
    ----------
    out : Path
        The new folder.
    labels : Labels
        What the model's answers count in.
    size : int
        Side of its patches, in pixels.
    files : mapping of str to Path
        What to copy into it: the file of each role.
    history : sequence of Step
        How it came to be, oldest first.
    force : bool
        Replace a bundle that is there.
    """
    named = {role: FILES.get(role, path.name) for role, path in files.items()}
    names = Counter([*named.values(), MARKER, SUMS, SIGNATURE])
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise ValueError(f"two files of a bundle would be called {', '.join(twice)}: {named}")
    about = {
        "format": 1,
        "labels": asdict(labels),
        "size": size,
        "preprocess": PREPROCESS,
        "files": named,
        "history": [asdict(step) for step in history],
    }
    text = (json.dumps(about, ensure_ascii=False, indent=2) + "\n").encode()
    # What could not be loaded again is not written.
    _read(out, parse(out / MARKER, text), dict.fromkeys(named.values(), ""))
    with new_folder(out, MARKER, force=force) as folder:
        for role, path in files.items():
            shutil.copyfile(path, folder / named[role])
        (folder / MARKER).write_bytes(text)
        sums = {path.name: hash_of(path.read_bytes()) for path in sorted(folder.iterdir())}
        (folder / SUMS).write_text(format_sums(sums), encoding="utf-8")
    return Bundle.load(out)


def versions(*packages: str) -> dict[str, str]:
    """Versions of edgefer, Python and these packages, for a `Step`."""
    found = {"python": platform.python_version(), "edgefer": __version__}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _find(folder: Path | None) -> Path:
    """Where a bundle lies, by its folder or its packaged name."""
    folder = Path("default" if folder is None else folder)
    try:
        if len(folder.parts) == 1 and folder.name in packaged():
            if (folder / MARKER).is_file():
                print(f"{folder} is the folder here, not the packaged bundle", file=sys.stderr)
            else:
                folder = MODELS / folder
        if folder.is_file():
            raise BundleError(
                f"{folder} is a file, a bundle is a folder. To read a video or a picture: "
                f"edgefer run --camera {shlex.quote(str(folder))}."
            )
        if not (folder / MARKER).is_file():
            raise BundleError(
                f"{folder} is no bundle: it holds no {MARKER}. Name a folder that edgefer train or "
                f"edgefer export wrote, or a packaged one: {', '.join(packaged())}."
            )
    except OSError as error:
        raise BundleError(f"{shown(str(folder))} cannot be read: {why(error)}.") from error
    return folder


def _read(folder: Path, about: Mapping[str, Any], sums: Mapping[str, str]) -> Bundle:
    """A bundle from its description, nothing of which is taken on trust."""
    if about.get("format") != 1:
        raise BundleError(f"{folder / MARKER} is not of format 1, the only one read here.")
    if about.get("preprocess") != PREPROCESS:
        raise BundleError(
            f"{folder} was made for patches {shown(repr(about.get('preprocess')))}, this edgefer "
            f"makes {PREPROCESS!r}. Export the bundle again with this version."
        )
    with understood(folder / MARKER, "Export the bundle again."):
        files = {check_name(role): check_name(name) for role, name in about["files"].items()}
        unlisted = sorted(set(files.values()) - set(sums))
        if unlisted:
            raise ValueError(f"{unlisted[0]!r}, which has no hash in {SUMS}")
        return Bundle(
            folder,
            to_labels(about["labels"]),
            to_size(about["size"]),
            files,
            sums,
            tuple(_step(step) for step in to_list(about["history"])),
        )


def _step(about: Mapping[str, Any]) -> Step:
    step = Step(**about)
    check_name(step.stage)
    for name in ("recipe", "facesets", "scores", "versions", "sources"):
        value = getattr(step, name)
        texts = name in ("facesets", "versions", "sources")
        if not isinstance(value, dict) or (texts and not all(map(_is_text, value.values()))):
            raise TypeError(f"{name} of step {step.stage!r}: {value!r}")
    return step


def _is_text(value: object) -> bool:
    return isinstance(value, str)
