"""Signatures of model directories: model.sig, which `make sign-model` adds, and who has a key checks.

The format and the cryptography are those of OpenSSF's model-signing. Not here: signing, which is its own command, and
the digests in metadata.json, which tell damage and not malice.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

from ..contract.errors import ModelError

#: The one file that may be added to a finished model directory.
FILE = "model.sig"
#: What a key begins with: one public key, or certificates.
_KEY, _CERTIFICATE = b"-----BEGIN PUBLIC KEY-----", b"-----BEGIN CERTIFICATE-----"
_OLDEST = (3, 10)
#: How model-signing shows them.
_DIGESTS = re.compile(r": Expected 'Digest\(.*?\)', Actual 'Digest\(.*?\)'")


class Unsigned(ModelError):
    """A model directory that the key's owner has not signed as it is."""


def find_key(path: str) -> Path:
    """The key to check by, a file in PEM: an ECDSA public key, or the certificates that have to vouch for the signer.

    Raises ValueError where it is none, or where no signature can be checked here.
    """
    if sys.version_info < _OLDEST:
        oldest, here = (".".join(map(str, version[:2])) for version in (_OLDEST, sys.version_info))
        raise ValueError(
            f"signatures are checked by model-signing, which needs Python {oldest}, and this is {here}: serve with "
            "KServe, or check the model where it is uploaded, and set no key here"
        )
    if importlib.util.find_spec("model_signing") is None:
        raise ValueError(
            "signatures are checked by model-signing, which is not installed: install the extra `sign`, "
            "as with .venv/bin/pip install -e '.[sign]' in the project"
        )
    try:
        _verifier(Path(path))
    except Exception as error:  # cryptography has kinds of its own
        raise ValueError(
            f"{path} holds no key: expected a file in PEM, an ECDSA public key or certificates ({_line(error)})"
        ) from None
    return Path(path)


def check(folder: Path, key: Path) -> str:
    """Check that a model directory is, to the file, as the owner of the key signed it; returns the SHA-256 that
    metadata.json has then.

    Raises Unsigned.
    """
    from model_signing import hashing

    class Recorded(hashing.Config):
        """Keeps what was found, which is what was signed unless `verify` raises."""

        def hash(self, *arguments: Any, **options: Any) -> Any:
            self.found = super().hash(*arguments, **options)
            return self.found

    hashes = Recorded()
    try:
        (folder / FILE).open("rb").close()
    except OSError as error:
        raise Unsigned(
            f"{folder} is refused, because it is not signed: {FILE} cannot be read ({error.strerror}); "
            "`make sign-model` writes it"
        ) from None
    try:
        _verifier(key).set_hashing_config(hashes).verify(folder, folder / FILE)
        digests = {item.identifier: item.digest.digest_hex for item in hashes.found.resource_descriptors()}
        return digests["metadata.json"]
    except Exception as error:  # the library's, cryptography's, and those of whatever a foreign file leads to
        raise Unsigned(
            f"{folder} is refused, because it is not as the owner of {key} signed it: {_reason(error)}; sign it again "
            "(make sign-model) if it is good"
        ) from None


def _verifier(key: Path) -> Any:
    from model_signing import verifying

    content, config = key.read_bytes(), verifying.Config()
    if _CERTIFICATE in content:
        return config.use_certificate_verifier(certificate_chain=[key])
    if _KEY not in content:
        raise ValueError(f"it has no line {_KEY.decode()}")
    return config.use_elliptic_key_verifier(public_key=key)


def _line(error: Exception) -> str:
    """What an error says, in a line and without digests."""
    return f"{_DIGESTS.sub('', ' '.join(str(error).split()).replace(chr(92), '')):.400}"


def _reason(error: Exception) -> str:
    """Why a directory is not as it was signed; what a file that is no signature leads to says nothing of that."""
    known = type(error) is ValueError or isinstance(error, OSError) or type(error).__name__ == "X509StoreContextError"
    return _line(error) if known else f"{FILE} is damaged, or was made with another key or kind of key"
