"""A bundle: a folder that holds a model and what must travel with it."""

import hashlib
import json
import platform
import re
import shlex
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from edgefer import __version__
from edgefer.errors import BundleError, why
from edgefer.folders import new_folder
from edgefer.labels import Labels
from edgefer.preprocess import PREPROCESS

MARKER = "bundle.json"
SUMS = "SHA256SUMS"
MODELS = Path(__file__).parent / "models"  # the packaged bundles

# What each role's file is called; any other role (a log, a picture, a card) keeps its file's name.
FILES = {"keras": "model.keras", "float": "float.tflite", "int8": "int8.tflite"}


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
    def load(cls, folder: Path | None = None) -> "Bundle":
        """Open a bundle: a folder, or the name of a packaged one; nothing means ``default``.

        Raises
        ------
        BundleError
            If the folder is no bundle, its description was changed, or it was made for other
            preprocessing. The other files are checked when they are asked for.
        """
        folder = Path("default" if folder is None else folder)
        if len(folder.parts) == 1 and not folder.exists() and (MODELS / folder).is_dir():
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
        sums = _read_sums(folder / SUMS)
        about = _parse(folder / MARKER, _verified(folder, MARKER, sums))
        if about.get("format") != 1:
            raise BundleError(f"{folder / MARKER} is not of format 1, the only one read here.")
        if about.get("preprocess") != PREPROCESS:
            raise BundleError(
                f"{folder} was made for patches {about.get('preprocess')!r}, this edgefer makes "
                f"{PREPROCESS!r}. Export the bundle again with this version."
            )
        try:
            spoken = about["labels"]
            return cls(
                folder,
                Labels(spoken["name"], tuple(spoken["names"]), tuple(spoken["korean"])),
                int(about["size"]),
                {str(role): str(name) for role, name in about["files"].items()},
                sums,
                tuple(Step(**step) for step in about["history"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            message = f"{folder / MARKER} lacks or garbles {error}. Export the bundle again."
            raise BundleError(message) from error

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.resolve().name

    @property
    def typed(self) -> str:
        """What to type for it on a command line."""
        return self.name if self.folder.parent == MODELS else shlex.quote(str(self.folder))

    @property
    def digest(self) -> str:
        """SHA-256 over the hashes of all files: two bundles with one digest are the same."""
        return hashlib.sha256(_format_sums(self.sums).encode()).hexdigest()

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
            hint = {
                "float": f"Make it with edgefer export {self.typed} --int8 --calib DIR -o NEW.",
                "int8": f"Make it with edgefer export {self.typed} --int8 --calib DIR -o NEW.",
                "keras": "It is the bundle of a device; start from the one that was trained.",
            }.get(role, "")
            raise BundleError(f"{self.typed} has no {role} model. {hint}".strip())
        return _verified(self.folder, self.files[role], self.sums)

    def verify(self) -> None:
        """Compare every file with its hash; the first that differs is named."""
        for name in self.sums:
            _verified(self.folder, name, self.sums)


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
    twice = [name for name, count in Counter([*named.values(), MARKER, SUMS]).items() if count > 1]
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
    with new_folder(out, MARKER, force=force) as folder:
        for role, path in files.items():
            shutil.copyfile(path, folder / named[role])
        text = json.dumps(about, ensure_ascii=False, indent=2) + "\n"
        (folder / MARKER).write_text(text, encoding="utf-8")
        sums = {path.name: _hash(path.read_bytes()) for path in sorted(folder.iterdir())}
        (folder / SUMS).write_text(_format_sums(sums), encoding="utf-8")
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


def _verified(folder: Path, name: str, sums: Mapping[str, str]) -> bytes:
    """Bytes of a file whose hash is the one written down."""
    # A name comes from a file that somebody may have sent: it never leads out of the folder.
    if name not in sums or Path(name).name != name:
        raise BundleError(f"{folder} has no hash for {name!r}. Get the bundle again.")
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise BundleError(f"{folder / name} cannot be read: {error.strerror}.") from error
    if _hash(data) != sums[name]:
        raise BundleError(
            f"{folder / name} was changed: its SHA-256 is not the one in {SUMS}. Get it again."
        )
    return data


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _format_sums(sums: Mapping[str, str]) -> str:
    """Text that ``sha256sum --check`` reads."""
    return "".join(f"{digest}  {name}\n" for name, digest in sums.items())


def _read_sums(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{path} cannot be read: {why(error)}. Get the bundle again.") from error
    sums = {name: digest for digest, name in re.findall(r"([0-9a-f]{64})  ([^/\\\n]+)\n", text)}
    if text != _format_sums(sums):
        raise BundleError(f"{path} was changed: it is no list of hashes. Get the bundle again.")
    return sums


def _parse(path: Path, data: bytes) -> dict[str, Any]:
    try:
        about = json.loads(data)
    except ValueError as error:
        raise BundleError(f"{path} is no JSON: {error}.") from error
    if not isinstance(about, dict):
        raise BundleError(f"{path} is not a JSON object.")
    return about
