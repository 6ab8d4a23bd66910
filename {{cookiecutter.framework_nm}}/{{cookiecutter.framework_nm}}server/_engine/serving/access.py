"""Who may load and unload models through the repository API, and which web pages may read answers.

How a refusal is sent is each SDK's.
"""

from __future__ import annotations

import hmac
import logging
from pathlib import Path
from typing import List, NamedTuple, Optional, Tuple

logger = logging.getLogger(__name__)

_DISABLED = "the repository API is turned off: --enable_repository_api=true lets requests load and unload models"
_FROM_A_PAGE = "a request from a web page (it has an Origin header) may not load or unload models"
_NO_KEY = "the repository API needs the key of this server: send the header Authorization: Bearer KEY"

#: What a page may send with a request, and read of its answer.
METHODS = ("GET", "POST")
EXPOSED = ("inference-header-content-length", "retry-after", "x-request-id", "traceparent")


class Refusal(NamedTuple):
    """Why a request is refused: the status of HTTP, the code of gRPC, and a sentence."""

    status: int
    code: str
    message: str

    @property
    def headers(self) -> List[Tuple[str, str]]:
        """Those that HTTP wants beside its status."""
        return [("WWW-Authenticate", "Bearer")] if self.status == 401 else []


def read_key(path: Path) -> bytes:
    """The key in a file, without the space around it. Raises ValueError where there is none."""
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    if not key:
        raise ValueError(f"{path} is empty: it should hold a key, such as `openssl rand -hex 32` prints")
    return key


class Access:
    """The repository API's switch, and its key, which is read anew for each request: it may change at any time."""

    def __init__(self, enabled: bool, key_file: Optional[Path] = None) -> None:
        self.enabled = enabled
        self._key_file = key_file

    def refusal(self, has_origin: bool, authorization: str) -> Optional[Refusal]:
        """Why a request to the repository API is refused, if it is; `authorization` is the header of that name.

        Whatever site an operator opens could send a POST to a server that the operator reaches. Browsers add the
        header Origin to each of them, and tools such as curl do not.
        """
        if not self.enabled:
            return Refusal(404, "UNIMPLEMENTED", _DISABLED)
        if has_origin:
            return Refusal(403, "PERMISSION_DENIED", _FROM_A_PAGE)
        if self._key_file and not _fits(self._key_file, authorization):
            return Refusal(401, "UNAUTHENTICATED", _NO_KEY)
        return None


def _fits(key_file: Path, authorization: str) -> bool:
    scheme, _, given = authorization.partition(" ")
    try:
        key = read_key(key_file)
    except ValueError as error:
        logger.error("Nobody can load or unload models: %s", error)
        return False
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode("utf-8", "replace"), key)
