"""Health, and the repository API: KFServing's handlers, with this package's answers. Not here: predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kfserving.kfserver import HealthHandler, ListHandler, LivenessHandler, LoadHandler, UnloadHandler

from ..artifact.versions import NoSuchModel
from ..serving.model import not_live
from .errors import JsonErrors, Refused

if TYPE_CHECKING:
    from ..serving.access import Access
    from ..serving.drain import Drain


class Live(JsonErrors, LivenessHandler):
    """KFServing's liveness, which says "Alive" whatever the models do."""

    def initialize(self, models: Any) -> None:
        self.models = models

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Content-Type", "text/html; charset=UTF-8")

    def get(self) -> None:
        problem = not_live(self.models.get_models())
        if problem:
            raise Refused(503, f"the server is not live: {problem}")
        super().get()


class Health(JsonErrors, HealthHandler):
    """KFServing's readiness of a model, which ends with the server's."""

    def initialize(self, models: Any, drain: Drain) -> None:
        super().initialize(models)
        self.drain = drain

    def get(self, name: str) -> None:
        super().get(name)
        if self.drain.begun:
            raise Refused(503, f"Model with name {name} is not ready.")


class Models(JsonErrors, ListHandler):
    """KFServing's list of models."""


class Repository(JsonErrors):
    """The routes of the repository API, which refuse whoever may not use it."""

    def initialize(self, models: Any, access: Access) -> None:
        self.models = models
        self.access = access

    def admit(self) -> None:
        """Raise Refused where this request may not. Browsers that ask whether a page may are told so all the same."""
        headers = self.request.headers
        refused = self.access.refusal("Origin" in headers, headers.get("Authorization", ""))
        if refused:
            raise Refused(refused.status, refused.message, refused.headers)


class SwitchedOff(Repository):
    """The routes that KFServing's repository API does not have, where it is turned off."""

    def get(self) -> None:
        self.admit()

    post = get


class Load(Repository, LoadHandler):
    """KFServing's repository API, with the reason of a failed load."""

    async def post(self, name: str) -> None:
        self.admit()
        try:
            await self.models.load(name)
        except NoSuchModel as error:
            raise Refused(404, str(error)) from None
        except Exception as error:
            raise Refused(503, f"Model {name} was not loaded; the previous one stays: {error}") from error
        self.write({"name": name, "load": True})


class Unload(Repository, UnloadHandler):
    """KFServing's repository API."""

    def post(self, name: str) -> None:
        self.admit()
        UnloadHandler.post(self, name)
