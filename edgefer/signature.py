"""Sign a bundle, and tell whose it is: Ed25519 over SHA256SUMS, which hashes every other file."""

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgefer.bundle import Bundle
from edgefer.errors import BundleError, DataError, EdgeferError
from edgefer.folders import write_file
from edgefer.sums import SIGNATURE, SUMS
from edgefer.untrusted import read_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# No more and no less: whoever changes a byte of the file makes it no signature.
_TEXT = "edgefer-signature 1 ed25519\nkey {}\nsignature {}\n"
_PATTERN = re.compile(_TEXT.format("([0-9a-f]{64})", "([0-9a-f]{128})").encode())
# What stands before the key's 32 bytes in DER, the form that openssl hashes.
_DER = bytes.fromhex("302a300506032b6570032100")
_MOST = 2**16  # bytes of a key's file


@dataclass(frozen=True)
class Signature:
    """Who vouches for a bundle's manifest.

    Attributes
    ----------
    key : bytes
        The 32 bytes of the public key.
    value : bytes
        The 64 bytes that only the private key could make of the manifest.
    """

    key: bytes
    value: bytes

    @property
    def fingerprint(self) -> str:
        """The key in short, as `fingerprint` writes it."""
        return fingerprint(self.key)


def fingerprint(key: bytes) -> str:
    """SHA-256 of a public key's DER form, as ``openssl pkey -pubin -outform DER | sha256sum``."""
    return f"sha256:{hashlib.sha256(_DER + key).hexdigest()}"


def new_keys(name: Path, *, passphrase: str = "", force: bool = False) -> tuple[Path, Path, str]:
    """Make a pair of keys.

    Parameters
    ----------
    name : Path
        The private key becomes ``NAME.key``, readable by its owner only; the public one
        ``NAME.pub``. Both are PEM, as openssl reads them.
    passphrase : str
        Encrypts the private key; an empty one leaves it readable.
    force : bool
        Replace keys that are there.

    Returns
    -------
    tuple of Path, Path and str
        The private key's file, the public one's, and the fingerprint.

    Raises
    ------
    DataError
        If one of the files exists and may not be replaced, or cannot be written.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not name.name:
        raise DataError(f"{name} is a folder. Give the keys a name: edgefer bundle keygen NAME.")
    private, public = (name.with_name(name.name + ending) for ending in (".key", ".pub"))
    there = [path for path in (private, public) if os.path.lexists(path)]
    if there and not force:
        raise DataError(
            f"{there[0]} exists: who loses a key can sign for it no more. Choose another name, or "
            "replace it with --force."
        )
    made = Ed25519PrivateKey.generate()
    secret = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption(),
    )
    open_part = made.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    write_file(private, secret, force=force, mode=0o600)
    write_file(public, open_part, force=force)
    return private, public, fingerprint(made.public_key().public_bytes_raw())


def sign(
    bundle: Bundle, key: Path, *, ask: Callable[[], str] | None = None, force: bool = False
) -> Signature:
    """Write a signature into a bundle, after every file of it was compared with its hash.

    Parameters
    ----------
    bundle : Bundle
    key : Path
        A private key in PEM.
    ask : callable, optional
        Gives the passphrase; called only if the key has one.
    force : bool
        Replace another signature.

    Raises
    ------
    BundleError
        If the bundle is not whole, or holds files that are not listed.
    DataError
        If it has another signature, or cannot be written to.
    EdgeferError
        If the key cannot be read.
    """
    private = _private_key(key, ask)
    bundle.verify()
    made = Signature(private.public_key().public_bytes_raw(), private.sign(bundle.manifest))
    path, text = bundle.folder / SIGNATURE, _TEXT.format(made.key.hex(), made.value.hex()).encode()
    if os.path.lexists(path) and not force and read_file(path, _MOST) != text:
        raise DataError(f"{path} is another signature. Replace it with --force.")
    write_file(path, text, force=True)
    return made


def signer(bundle: Bundle) -> Signature | None:
    """The signature in a bundle, checked; None if there is none.

    Raises
    ------
    BundleError
        If it is no signature, or not of this manifest.
    """
    return _checked(bundle.folder, bundle.manifest)


def load_trusted(folder: Path | None, keys: Sequence[Path]) -> Bundle:
    """Open a bundle for use: as `load_verified` if there are keys, else as `Bundle.load`."""
    return load_verified(folder, keys)[0] if keys else Bundle.load(folder)


def load_verified(
    folder: Path | None, keys: Sequence[Path] = ()
) -> tuple[Bundle, Signature | None]:
    """Open a bundle, having looked at its signature first and at all of its files after.

    The signature is checked over the bytes that the bundle then compares every file with, each time
    one is read: a file that is changed afterwards is refused then.

    Parameters
    ----------
    folder : Path, optional
        As for `Bundle.load`.
    keys : sequence of Path
        Public keys in PEM. If there are any, one of them must have signed the bundle.

    Raises
    ------
    BundleError
        If the signature does not fit, is missing or by another key where keys are given, or a file
        was changed, is missing, or is not listed.
    EdgeferError
        If a key cannot be read.
    """
    trusted = {public_key(path) for path in keys}
    found: list[Signature | None] = []

    def trust(where: Path, manifest: bytes) -> None:
        signature = _checked(where, manifest)
        if trusted and signature is None:
            raise BundleError(
                f"{where} is not signed: it holds no {SIGNATURE}. Ask its maker for one that is, "
                "or leave --trusted-key out."
            )
        if trusted and signature is not None and signature.key not in trusted:
            raise BundleError(
                f"{where} is signed by {signature.fingerprint}, which is none of the trusted keys: "
                f"{', '.join(sorted(map(fingerprint, trusted)))}."
            )
        found.append(signature)

    bundle = Bundle.load(folder, trust=trust)
    bundle.verify()
    return bundle, found[0]


def public_key(path: Path) -> bytes:
    """The 32 bytes of a public key; EdgeferError if the file holds none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_key_file(path))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise EdgeferError(
            f"{path} holds no public key in PEM. Name the .pub file that edgefer bundle keygen "
            "wrote."
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise EdgeferError(f"{path} is no Ed25519 key. Make a pair: edgefer bundle keygen NAME.")
    return key.public_bytes_raw()


def _private_key(path: Path, ask: Callable[[], str] | None) -> "Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = _key_file(path)
    try:
        # The only PEM that is refused without a passphrase is one that has one.
        passphrase = ask() if ask and b"ENCRYPTED" in data else ""
        key = load_pem_private_key(data, passphrase.encode() or None)
    except TypeError as error:
        raise EdgeferError(f"{path} is encrypted: its passphrase is needed.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise EdgeferError(
            f"{path} holds no private key in PEM, or the passphrase is another. Name the .key file "
            "that edgefer bundle keygen wrote."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise EdgeferError(f"{path} is no Ed25519 key. Make a pair: edgefer bundle keygen NAME.")
    return key


def _key_file(path: Path) -> bytes:
    # A key may well be a link to where keys are kept.
    return read_file(Path(os.path.realpath(path)), _MOST)


def _checked(folder: Path, manifest: bytes) -> Signature | None:
    """The signature in a folder, if it is one of this manifest."""
    path = folder / SIGNATURE
    if not os.path.lexists(path):
        return None
    found = _PATTERN.fullmatch(read_file(path, _MOST))
    if not found:
        raise BundleError(f"{path} is no signature that edgefer wrote. Get the bundle again.")
    signature = Signature(*(bytes.fromhex(part.decode()) for part in found.groups()))

    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(signature.key).verify(signature.value, manifest)
    except (InvalidSignature, ValueError) as error:
        raise BundleError(
            f"{path} is not of this {SUMS}: one of the two was changed after signing. Get the "
            "bundle again."
        ) from error
    return signature
