"""Notice a write of our own models outside of a service's transaction, however it is written. It costs no statement.

A service checks permissions, locks, decides by policy, and appends an event. A plain ``user.save()`` does none of it. `GuardedModel` is the base of
each model that only services write, and `core_identity.services.transactions` opens `service_writes`. In production a write outside is logged as an
error and counted, because the request may be worth more than the rule. In tests it raises (`tests/support/write_guard.py`).

SQL of the services is not seen here, because only services contain it (`tests/architecture/test_writers.py`).
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, Final, Self, TypeVar

from django.db import models

log = logging.getLogger("core_identity.write_guard")

LAST_LOGIN: Final = frozenset({"last_login"})
"""The only write of Django itself: the time of a sign-in by password."""

writes_by_model: Final[Counter[str]] = Counter()
"""The writes outside of services since this process began, by model and method."""

_in_service: ContextVar[bool] = ContextVar("writes of a service", default=False)

AnyModel = TypeVar("AnyModel", bound=models.Model)


@contextmanager
def service_writes() -> Iterator[None]:
    """Allow writes of our own models in a block."""
    token = _in_service.set(True)
    try:
        yield
    finally:
        _in_service.reset(token)


def _log(write: str) -> None:
    writes_by_model[write] += 1
    log.error("write outside of a service", extra={"write": write, "count": writes_by_model[write]}, stack_info=True)


report: Callable[[str], None] = _log


def _notice(model: type[models.Model], method: str) -> None:
    if not _in_service.get():
        report(f"{model.__name__}.{method}")


class GuardedQuerySet(models.QuerySet[AnyModel]):
    """A queryset of a model that only services write."""

    def update(self, **values: Any) -> int:
        _notice(self.model, "update")
        return super().update(**values)

    def delete(self) -> tuple[int, dict[str, int]]:
        _notice(self.model, "delete")
        return super().delete()

    def bulk_create(self, *args: Any, **options: Any) -> list[AnyModel]:
        _notice(self.model, "bulk_create")
        return super().bulk_create(*args, **options)


class GuardedManager(models.Manager[AnyModel]):
    """Related managers of a model are made of this one too."""

    def get_queryset(self) -> GuardedQuerySet[AnyModel]:
        return GuardedQuerySet(self.model, using=self._db)


class GuardedModel(models.Model):
    """The base of each model that only services write. ``create``, ``get_or_create`` and ``bulk_update`` end in one of these methods."""

    objects: ClassVar[models.Manager[Self]] = GuardedManager()

    class Meta:
        abstract = True

    def save_base(self, *args: Any, **options: Any) -> None:
        if options.get("update_fields") != LAST_LOGIN:
            _notice(type(self), "save")
        super().save_base(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        _notice(type(self), "delete")
        return super().delete(*args, **options)
