"""The commands ``edgefer bundle keygen``, ``sign``, ``verify`` and ``show``: options only."""

import json
import os
import sys
from pathlib import Path

import click

_PATH = click.Path(path_type=Path)
_VARIABLE = "EDGEFER_PASSPHRASE"
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group()
def bundle() -> None:
    """Look at bundles, sign them, and tell whose they are.

    \b
    edgefer bundle show default
    edgefer bundle keygen keys/lab
    edgefer bundle sign work/device --key keys/lab.key
    edgefer bundle verify work/device --trusted-key keys/lab.pub
    """


@bundle.command()
@click.argument("name", type=_PATH)
@click.option(
    "--passphrase",
    "encrypt",
    is_flag=True,
    help=f"Encrypt the private key; asks for a passphrase unless {_VARIABLE} holds it.",
)
@click.option("--force", is_flag=True, help="Replace keys that are there.")
def keygen(name: Path, encrypt: bool, force: bool) -> None:
    """Make a pair of keys to sign bundles with.

    NAME.key is the private one: it stays with you, readable by you alone. NAME.pub goes onto every
    device that is to trust your bundles.

    \b
    edgefer bundle keygen keys/lab
    edgefer bundle keygen keys/lab --passphrase
    """
    from edgefer.signature import new_keys

    passphrase = _passphrase(confirm=True) if encrypt else ""
    private, public, told = new_keys(name, passphrase=passphrase, force=force)
    click.echo(f"{private}: keep it to yourself\n{public}: {told}")


@bundle.command()
@click.argument("folder", metavar="BUNDLE", type=_PATH)
@click.option("--key", type=_PATH, required=True, help="Private key, as keygen wrote it.")
@click.option("--force", is_flag=True, help="Replace another signature.")
def sign(folder: Path, key: Path, force: bool) -> None:
    """Vouch for a bundle, after every file of it was compared with its hash.

    Writes the file SIGNATURE into it. A passphrase is asked for if the key has one, unless
    EDGEFER_PASSPHRASE holds it.

    \b
    edgefer bundle sign work/device --key keys/lab.key
    """
    from edgefer.bundle import MODELS, Bundle
    from edgefer.errors import BundleError
    from edgefer.signature import sign as write

    made = Bundle.load(folder)
    if made.folder.parent == MODELS:
        raise BundleError(
            f"{made.typed} comes with edgefer: what is installed stays as it is. Export one of "
            f"your own: edgefer export {made.typed} --int8 --calib DIR -o NEW."
        )
    signature = write(made, key, ask=_passphrase, force=force)
    click.echo(f"{made.typed}: {len(made.sums)} files, signed by {signature.fingerprint}")


@bundle.command()
@click.argument("folder", metavar="BUNDLE", type=_PATH)
@click.option(
    "--trusted-key",
    "trusted_keys",
    multiple=True,
    metavar="FILE",
    type=_PATH,
    help="Public key that must have signed it. Give it several times for one of several.",
)
@_json
def verify(folder: Path, trusted_keys: tuple[Path, ...], as_json: bool) -> None:
    """Compare every file of a bundle with its hash, and the hashes with the signature.

    The first file that was changed, is missing, or is not listed is named, and the exit status 1.

    \b
    edgefer bundle verify default
    edgefer bundle verify work/device --trusted-key keys/lab.pub
    """
    from edgefer.bundle_text import signature_json
    from edgefer.signature import load_verified

    made, signature = load_verified(folder, trusted_keys)
    about = {
        "bundle": made.name,
        "digest": made.digest,
        "files": len(made.sums),
        "signature": signature_json(signature),
        "trusted": bool(trusted_keys),
    }
    whose = f"signed by {signature.fingerprint}" if signature else "not signed"
    text = f"{made.typed}: {len(made.sums)} files, every hash right; {whose}"
    text += ", a trusted key" if trusted_keys else ""
    click.echo(json.dumps(about, ensure_ascii=False, indent=2) if as_json else text)


@bundle.command()
@click.argument("path", metavar="BUNDLE|FILE.tflite", type=_PATH)
@_json
def show(path: Path, as_json: bool) -> None:
    """Tell what a bundle holds and how it came to be, or what a TFLite file says of itself.

    \b
    edgefer bundle show default
    edgefer bundle show work/device --json
    edgefer bundle show int8.tflite
    """
    text, about = _show_model(path) if path.suffix == ".tflite" else _show_bundle(path)
    click.echo(json.dumps(about, ensure_ascii=False, indent=2) if as_json else text)


def _show_bundle(folder: Path) -> tuple[str, dict[str, object]]:
    from edgefer.bundle import Bundle
    from edgefer.bundle_text import bundle_json, bundle_text
    from edgefer.errors import install
    from edgefer.signature import load_verified

    signature, checked = None, True
    try:
        made, signature = load_verified(folder)
        words = f"signed by {signature.fingerprint}" if signature else "not signed"
    except ModuleNotFoundError as error:
        if error.name != "cryptography":
            raise
        # Whoever only looks needs no package for it.
        made, checked = Bundle.load(folder), False
        made.verify()
        words = (
            "signed, by whom was not checked: cryptography is not installed. "
            f"Try: {install('signing')}"
        )
    return bundle_text(made, words), bundle_json(made, signature, checked=checked)


def _show_model(path: Path) -> tuple[str, dict[str, object]]:
    from edgefer.bundle_text import model_text
    from edgefer.errors import BundleError
    from edgefer.metadata import read_metadata
    from edgefer.untrusted import read_file

    model = read_file(path)
    about = read_metadata(model, path)
    if about is None:
        raise BundleError(
            f"{path} says nothing of itself: edgefer did not export it, or an earlier version did. "
            "Look at its bundle: edgefer bundle show FOLDER."
        )
    return model_text(str(path), len(model), about), {"bytes": len(model), **about.to_json()}


def _passphrase(*, confirm: bool = False) -> str:
    """From the environment, or from a person; never from the command line, where others see it."""
    from edgefer.errors import EdgeferError

    found = os.environ.get(_VARIABLE, "")
    if not found and not sys.stdin.isatty():
        raise EdgeferError(f"there is nobody to ask for the passphrase: put it into {_VARIABLE}.")
    return found or click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm)
