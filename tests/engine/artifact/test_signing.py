"""Promises of signatures: with a key, nothing is opened but a directory that the key's owner signed as it is."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from _engine.artifact import metadata, signing, stored
from _engine.artifact.signing import Unsigned, find_key
from _engine.contract.errors import ModelError
from _engine.serving import newest
from _engine.serving.newest import load_newest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from model_signing.hashing import Config as Hashing
from model_signing.signing import Config as Signing

Private = ec.EllipticCurvePrivateKey


class Keys:
    """A private key and what others check by, in files: its public key, or the certificate that vouches for its own."""

    def __init__(self, folder: Path, certified: bool) -> None:
        folder.mkdir()
        self.private, self.certificate, self.public = (folder / name for name in ("key.pem", "cert.pem", "public.pem"))
        self.certified = certified
        key, authority = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        if certified:
            root = certificate("authority", authority, authority, None)
            self.public.write_bytes(root.public_bytes(serialization.Encoding.PEM))
            own = certificate("signer", key, authority, root)
            self.certificate.write_bytes(own.public_bytes(serialization.Encoding.PEM))
        else:
            self.public.write_bytes(pem(key.public_key()))

    def sign(self, folder: Path) -> None:
        """Sign as `make sign-model` does."""
        own = Signing()
        if self.certified:
            own.use_certificate_signer(
                private_key=self.private, signing_certificate=self.certificate, certificate_chain=[self.public]
            )
        else:
            own.use_elliptic_key_signer(private_key=self.private)
        signature = folder / signing.FILE
        own.set_hashing_config(Hashing().set_ignored_paths(paths=[signing.FILE])).sign(folder, signature)


def pem(key: Any) -> bytes:
    found: bytes = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return found


def certificate(name: str, key: Private, by: Private, issuer: x509.Certificate | None) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    # To sign data, or other certificates, and nothing else.
    usage = x509.KeyUsage(bool(issuer), False, False, False, False, not issuer, not issuer, False, False)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=not issuer, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(by, hashes.SHA256())
    )


@pytest.fixture(scope="module", params=[False, True], ids=["key", "certificate"])
def keys(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys") / "ours", request.param)


@pytest.fixture
def folder(tmp_path: Path, sample_dir: Path, keys: Keys) -> Path:
    """A signed model directory."""
    shutil.copytree(sample_dir, tmp_path / "0001")
    metadata.write(tmp_path / "0001", metadata.read(sample_dir))  # in today's format
    keys.sign(tmp_path / "0001")
    return tmp_path / "0001"


def opened(folder: Path, key: Path) -> stored.Artifact:
    return stored.Artifact.open(folder, "scikit-learn", ("model.joblib",), find_key(str(key)))


def test_what_its_owner_signed_is_opened_and_may_be_signed_again(folder: Path, keys: Keys) -> None:
    for _ in range(2):
        artifact = opened(folder, keys.public)
        artifact.check()
        keys.sign(folder)
    assert signing.FILE not in stored.files_in(folder)
    stored.Artifact.open(folder, "scikit-learn", ("model.joblib",)).check()  # it changes nothing for who has no key
    opened(folder.rename(folder.with_name("elsewhere")), keys.public).check()


def spoil(signature: Path) -> None:
    """Let the signature be of something else."""
    content = json.loads(signature.read_text())
    content["dsseEnvelope"]["payload"] = "e30="
    signature.write_text(json.dumps(content))


def append(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes() + b"\n")


def link(folder: Path) -> None:
    (folder / "input.json").rename(folder.parent / "elsewhere")
    (folder / "input.json").symlink_to(folder.parent / "elsewhere")


def edit(folder: Path) -> None:
    """Exchange columns, and write what else goes by them."""
    found = metadata.read(folder)
    content = {**json.loads((folder / "metadata.json").read_text()), "name": "other"}
    assert found.name != "other"
    (folder / "metadata.json").write_text(json.dumps(content))
    metadata.seal(folder)


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no signature": (lambda folder: (folder / signing.FILE).unlink(), "not signed: model.sig cannot be read"),
    "an empty signature": (lambda folder: (folder / signing.FILE).write_text(""), "model.sig is damaged"),
    "a signature that is none": (lambda folder: (folder / signing.FILE).write_text('{"a": 1}'), "model.sig is damaged"),
    "a spoilt signature": (lambda folder: spoil(folder / signing.FILE), "model.sig is damaged"),
    "a signature that is a folder": (
        lambda folder: (folder / signing.FILE).unlink() or (folder / signing.FILE).mkdir(),  # type: ignore[func-returns-value]
        "Is a directory",
    ),
    "metadata and its digest": (edit, "Hash mismatch for 'metadata.json'"),
    "the digest": (append("metadata.sha256"), "Hash mismatch for 'metadata.sha256'"),
    "the weights": (append("model.joblib"), "Hash mismatch for 'model.joblib'"),
    "the compiled model": (append("model.onnx"), "Hash mismatch for 'model.onnx'"),
    "the request": (append("input.json"), "Hash mismatch for 'input.json'"),
    "a file more": (lambda folder: (folder / "more").write_text(""), "Extra files .* more"),
    "a file less": (lambda folder: (folder / "model.onnx").unlink(), "Missing files .* model.onnx"),
    "a link": (link, "symlink"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_directory_that_is_not_as_it_was_signed_is_refused_in_a_line(change: str, folder: Path, keys: Keys) -> None:
    by, complaint = CHANGES[change]
    by(folder)
    with pytest.raises(Unsigned, match=complaint) as error:
        opened(folder, keys.public)
    assert str(folder) in str(error.value) and "make sign-model" in str(error.value)
    assert "\n" not in str(error.value) and "Digest" not in str(error.value)


@pytest.mark.parametrize("certified", [False, True], ids=["key", "certificate"])
def test_what_somebody_else_signed_is_refused(folder: Path, keys: Keys, certified: bool, tmp_path: Path) -> None:
    foreign = Keys(tmp_path / "theirs", certified)
    with pytest.raises(Unsigned, match=f"not as the owner of {foreign.public} signed it"):
        opened(folder, foreign.public)
    foreign.sign(folder)
    with pytest.raises(Unsigned, match=f"not as the owner of {keys.public} signed it"):
        opened(folder, keys.public)


def test_metadata_that_is_exchanged_after_the_check_is_refused(
    folder: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the digests of all else."""
    read = metadata.read

    def exchange(path: Path, signed: str | None = None) -> metadata.Metadata:
        if signed:
            edit(path)
        return read(path, signed)

    monkeypatch.setattr(metadata, "read", exchange)
    with pytest.raises(ModelError, match=r"metadata\.json changed while its signature was being checked"):
        opened(folder, keys.public)


def test_an_older_version_does_not_take_the_place_of_one_that_is_not_signed(folder: Path, keys: Keys) -> None:
    shutil.copytree(folder, folder.with_name("0002"))
    (folder.with_name("0002") / signing.FILE).unlink()
    said: list[str] = []
    with pytest.raises(Unsigned, match="0002 is refused"):
        load_newest([folder.with_name("0002"), folder], lambda path: opened(path, keys.public), said.append, "")
    assert not said


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "No such file"),
        (b"", "it has no line -----BEGIN PUBLIC KEY-----"),
        (b"-----BEGIN PUBLIC KEY-----\n", "holds no key"),
        (b"-----BEGIN CERTIFICATE-----\n", "holds no key"),
        (pem(rsa.generate_private_key(65537, 2048).public_key()), "holds no key"),
    ],
    ids=["no file", "an empty one", "half a key", "half a certificate", "a key of another kind"],
)
def test_a_key_that_is_none_is_refused_in_a_line(content: bytes | None, complaint: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "key.pem").write_bytes(content)
    with pytest.raises(ValueError, match=complaint) as error:
        find_key(str(tmp_path / "key.pem"))
    assert "\n" not in str(error.value)


def test_where_no_signature_can_be_checked_a_key_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"which is not installed: .* \.venv/bin/pip install -e '.\[sign\]'"):
        find_key(str(tmp_path))
    monkeypatch.setattr(sys, "version_info", (3, 8, 18))
    with pytest.raises(ValueError, match=r"needs Python 3\.10, and this is 3\.8: serve with KServe"):
        find_key(str(tmp_path))


def test_the_newest_is_not_even_opened_to_be_found_where_it_is_not_signed(
    folder: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by `make serve`."""
    package = folder.parent / "package"
    shutil.copytree(folder, package / "example_models" / "0001")
    append("model.joblib")(package / "example_models" / "0001")
    monkeypatch.setitem(os.environ, "VERIFY_KEY", str(keys.public))
    monkeypatch.setattr("logging.disable", lambda: None)  # for the whole process, which is the tests' here

    def model_class(dirpath: Path, verify_key: Path, **others: Any) -> Any:
        opened(dirpath, verify_key)
        raise AssertionError("it was opened")

    with pytest.raises(SystemExit, match=r"There is nothing to serve: .* is refused"):
        newest.run(model_class, package)
    monkeypatch.setitem(os.environ, "VERIFY_KEY", str(package))
    with pytest.raises(SystemExit, match=r"There is nothing to serve: .* holds no key"):
        newest.run(model_class, package)
