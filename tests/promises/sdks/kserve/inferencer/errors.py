"""Errors that KServe, or what it stands on, has a meaning of its own for, and that code of an owner may raise."""

ERRORS = [
    "fastapi.HTTPException 404",
    "starlette.exceptions.HTTPException 204",
    "kserve.errors.InvalidInput wrong",
    "kserve.errors.ModelNotFound m",
    "asyncio.CancelledError",
]
