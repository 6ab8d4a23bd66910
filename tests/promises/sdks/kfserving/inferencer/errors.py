"""Errors that KFServing, or what it stands on, has a meaning of its own for, and that code of an owner may raise."""

ERRORS = [
    "tornado.web.HTTPError 204",
    "tornado.web.Finish",
    "tornado.iostream.StreamClosedError",
    "asyncio.CancelledError",
]
