import shutil
import stat
import subprocess

import numpy as np
import pytest
from tiny_tflite import LABELS, SIZE, tiny_tflite

from edgefer.bundle import Bundle, write_bundle
from edgefer.errors import BundleError, DataError, EdgeferError
from edgefer.signature import (
    fingerprint,
    load_trusted,
    load_verified,
    new_keys,
    public_key,
    sign,
    signer,
)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return {name: new_keys(folder / name) for name in ("lab", "eve")}


def tiny(folder, name="tiny", scale=1.0) -> Bundle:
    folder.mkdir(exist_ok=True)
    model = folder / f"{name}.tflite"
    model.write_bytes(tiny_tflite(np.uint8, scale=scale))
    files = {"int8": model}
    return write_bundle(folder / name, labels=LABELS, size=SIZE, files=files, history=[])


@pytest.fixture
def bundle(tmp_path):
    return tiny(tmp_path)


def test_a_signed_bundle_is_trusted_by_its_key(bundle, keys):
    private, public, told = keys["lab"]
    made = sign(bundle, private)
    loaded, signature = load_verified(bundle.folder, [keys["eve"][1], public])
    assert loaded == bundle
    assert signature == made == signer(bundle)
    assert signature.fingerprint == told == fingerprint(public_key(public))


def test_signing_changes_nothing_that_is_hashed(bundle, keys):
    sign(bundle, keys["lab"][0])
    again = Bundle.load(bundle.folder)
    again.verify()
    assert again.digest == bundle.digest


def test_an_unsigned_bundle_is_no_trusted_one(bundle, keys):
    assert load_verified(bundle.folder) == (bundle, None)
    with pytest.raises(BundleError, match="tiny is not signed: it holds no SIGNATURE"):
        load_trusted(bundle.folder, [keys["lab"][1]])


def test_a_foreign_bundle_is_refused_and_both_keys_named(bundle, keys):
    sign(bundle, keys["eve"][0])
    with pytest.raises(BundleError, match=f"{keys['eve'][2]}, which is none.*{keys['lab'][2]}"):
        load_trusted(bundle.folder, [keys["lab"][1]])


def test_a_signature_of_another_bundle_is_refused_also_where_no_key_is_asked_for(
    bundle, tmp_path, keys
):
    other = tiny(tmp_path, "other", scale=0.5)
    sign(other, keys["lab"][0])
    shutil.copy(other.folder / "SIGNATURE", bundle.folder)
    for asked in ([], [keys["lab"][1]]):
        with pytest.raises(BundleError, match="SIGNATURE is not of this SHA256SUMS"):
            load_verified(bundle.folder, asked)


def test_the_key_in_the_signature_counts_for_nothing_by_itself(bundle, keys):
    sign(bundle, keys["eve"][0])
    path = bundle.folder / "SIGNATURE"
    eve, lab = (public_key(keys[name][1]).hex() for name in ("eve", "lab"))
    path.write_text(path.read_text().replace(eve, lab))
    with pytest.raises(BundleError, match="SIGNATURE is not of this"):
        load_trusted(bundle.folder, [keys["lab"][1]])


def test_nothing_is_read_before_the_signature_was_checked(bundle, keys):
    sign(bundle, keys["eve"][0])
    (bundle.folder / "bundle.json").write_text("[" * 100_000)
    with pytest.raises(BundleError, match="none of the trusted keys"):
        load_trusted(bundle.folder, [keys["lab"][1]])


def test_what_is_swapped_after_the_check_is_refused_when_it_is_read(bundle, tmp_path, keys):
    sign(bundle, keys["lab"][0])
    trusted = load_trusted(bundle.folder, [keys["lab"][1]])
    # A whole bundle takes its place, hashes and signature and all.
    other = tiny(tmp_path, "other", scale=0.5)
    sign(other, keys["eve"][0])
    shutil.rmtree(bundle.folder)
    other.folder.rename(bundle.folder)
    with pytest.raises(BundleError, match="int8.tflite was changed"):
        trusted.read("int8")


def test_an_unlisted_file_is_refused_by_name(bundle, keys):
    sign(bundle, keys["lab"][0])
    (bundle.folder / "helper\x1b[2J.py").write_text("")
    with pytest.raises(BundleError, match=r"helper\\x1b\[2J.py is not listed in SHA256SUMS"):
        load_trusted(bundle.folder, [keys["lab"][1]])


def test_only_a_whole_bundle_is_signed(bundle, keys):
    (bundle.folder / "int8.tflite").write_bytes(b"other")
    with pytest.raises(BundleError, match="int8.tflite was changed"):
        sign(bundle, keys["lab"][0])
    assert not (bundle.folder / "SIGNATURE").exists()


def test_another_signature_is_replaced_only_by_force(bundle, keys):
    sign(bundle, keys["eve"][0])
    sign(bundle, keys["eve"][0])
    with pytest.raises(DataError, match="SIGNATURE is another signature.*--force"):
        sign(bundle, keys["lab"][0])
    assert sign(bundle, keys["lab"][0], force=True) == signer(bundle)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "edgefer-signature 1 ed25519\n",
        "edgefer-signature 2 ed25519\nkey {key}\nsignature {value}\n",
        "edgefer-signature 1 ed25519\nkey {key}\nsignature {value}\n\n",
        "edgefer-signature 1 ed25519\r\nkey {key}\r\nsignature {value}\r\n",
        "edgefer-signature 1 ed25519\nkey {key}\nsignature {value}00\n",
        "\x1b[2J" * 10_000,
    ],
)
def test_what_only_looks_like_a_signature_is_none(bundle, keys, text):
    made = sign(bundle, keys["lab"][0])
    text = text.replace("{key}", made.key.hex()).replace("{value}", made.value.hex())
    (bundle.folder / "SIGNATURE").write_bytes(text.encode())
    with pytest.raises(BundleError, match="SIGNATURE is no signature that edgefer wrote"):
        signer(bundle)


def test_the_private_key_is_for_its_owner_alone_and_both_are_kept(tmp_path):
    private, public, _ = new_keys(tmp_path / "new" / "my.team")
    assert (private.name, public.name) == ("my.team.key", "my.team.pub")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    before = private.read_bytes()
    with pytest.raises(DataError, match="my.team.key exists"):
        new_keys(tmp_path / "new" / "my.team")
    private.unlink()
    with pytest.raises(DataError, match="my.team.pub exists"):
        new_keys(tmp_path / "new" / "my.team")
    new_keys(tmp_path / "new" / "my.team", force=True)
    assert private.read_bytes() != before
    assert stat.S_IMODE(private.stat().st_mode) == 0o600


def test_a_passphrase_is_asked_for_only_where_there_is_one(bundle, tmp_path, keys):
    def nobody():
        raise AssertionError

    sign(bundle, keys["lab"][0], ask=nobody)
    private, public, _ = new_keys(tmp_path / "safe", passphrase="열려라 참깨")
    for ask in (None, lambda: "other", lambda: ""):
        with pytest.raises(EdgeferError, match="safe.key.*passphrase"):
            sign(bundle, private, ask=ask, force=True)
    sign(bundle, private, ask=lambda: "열려라 참깨", force=True)
    assert load_trusted(bundle.folder, [public]) == bundle


def test_what_is_no_key_is_named(bundle, tmp_path, keys):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

    private, public, _ = keys["lab"]
    curve = tmp_path / "curve.pub"
    curve.write_bytes(
        generate_private_key(SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    (tmp_path / "empty.pub").touch()
    for path, said in (
        (private, "lab.key holds no public key"),
        (tmp_path / "nowhere.pub", "nowhere.pub cannot be read: No such file"),
        (tmp_path / "empty.pub", "empty.pub holds no public key"),
        (tmp_path, "cannot be read: Is a directory"),
        (curve, "curve.pub is no Ed25519 key"),
    ):
        with pytest.raises(EdgeferError, match=said):
            load_trusted(bundle.folder, [path])
    with pytest.raises(EdgeferError, match="lab.pub holds no private key"):
        sign(bundle, public)


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl")
def test_openssl_agrees_without_edgefer(bundle, tmp_path, keys):
    private, public, told = keys["lab"]
    (tmp_path / "value").write_bytes(sign(bundle, private).value)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin"]
    command += ["-in", bundle.folder / "SHA256SUMS", "-sigfile", tmp_path / "value"]
    assert b"Verified Successfully" in subprocess.run(command, capture_output=True).stdout
    command = ["openssl", "pkey", "-pubin", "-in", public, "-outform", "DER"]
    found = subprocess.run(command, capture_output=True, check=True).stdout
    hashed = subprocess.run(["sha256sum"], input=found, capture_output=True, check=True).stdout
    assert f"sha256:{hashed.decode().split()[0]}" == told
