"""Who may load and unload models through the repository API. How its routes are refused is each SDK's."""

from __future__ import annotations

DISABLED = "the repository API is turned off: --enable_repository_api=true lets requests load and unload models"
_FROM_A_PAGE = "a request from a web page (it has an Origin header) may not load or unload models"


def refusal(enabled: bool, has_origin: bool) -> tuple[int, str] | None:
    """Status and message of a request to the repository API that is refused.

    Whatever site an operator opens could send a POST to a server that the operator reaches. Browsers add the header
    Origin to each of them, and tools such as curl do not.
    """
    if not enabled:
        return 404, DISABLED
    return (403, _FROM_A_PAGE) if has_origin else None
