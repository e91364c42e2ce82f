"""The newest rows of one owner in a table that grows: a log, or the events."""

from typing import Any, TypeVar

from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)


def newest_of(rows: QuerySet[Row], **owner: Any) -> QuerySet[Row]:
    """Return the rows whose field has this value, the newest first. ``owner`` is one field and its value, with which an index begins.

    An equality would not do. PostgreSQL then expects the rows of each owner everywhere in the table, and reads the table backwards by its primary
    key until it has enough of them: for a connection that is silent since last year, that is the whole last year. With a range from the value to
    the value, only the index of the owner has this order.
    """
    ((field, value),) = owner.items()
    return rows.filter(**{f"{field}__gte": value, f"{field}__lte": value}).order_by(field, "-id")
