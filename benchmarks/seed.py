"""Rows by the hundred thousand, made by the database itself: for benchmarks, for tests of what must not grow, and to try the administration.

`benchmarks.population` fills a whole database with them.
Each person ``n`` of a connection is the same in every run: userName and email ``p<n>@acme.test``, externalId ``e<n>``, UID ``u<n>``.
"""

from typing import TYPE_CHECKING, Any, Final

from core_identity.values import Channel

if TYPE_CHECKING:
    from django.db.models import Field, Model

    from core_identity.models import Connection, PushGroup

NUMBERED_ID: Final = "md5(%(space)s || n)::uuid"
"""One and the same id for a number in each run. The `space` keeps the ids of two tables apart."""


def add_people(connection: "Connection", first: int, last: int) -> None:
    """Add the people ``first`` to ``last`` (both included) with their identities and UIDs, as if each had been pushed."""
    from core_identity.models import Identity, IdentityUid, User

    space = f"{connection.slug} {{}} "
    user, identity = (NUMBERED_ID % {"space": f"'{space.format(name)}'"} for name in ("user", "identity"))
    name = f"'p' || n || '@{connection.slug}.test'"
    at = "'2026-01-01'::timestamptz + n * interval '1 millisecond'"
    insert(
        User,
        first,
        last,
        id=user,
        customer=f"'{connection.customer_id}'::uuid",
        username=name,
        username_key=name,
        email=name,
        email_key=name,
        first_name="'Given' || n",
        last_name="'Family' || n",
        created_at=at,
    )
    insert(
        Identity,
        first,
        last,
        id=identity,
        connection=f"'{connection.pk}'::uuid",
        user=user,
        scim_id=scim_id(connection, "n"),
        user_name=name,
        user_name_key=name,
        external_id="'e' || n",
        given_name="'Given' || n",
        family_name="'Family' || n",
        email=name,
        email_key=name,
        pushed_at=at,
        created_at=at,
        changed_at=at,
    )
    insert(
        IdentityUid,
        first,
        last,
        id=NUMBERED_ID % {"space": f"'{space.format('uid')}'"},
        connection=f"'{connection.pk}'::uuid",
        identity=identity,
        uid="'u' || n",
        uid_key="'u' || n",
        created_at=at,
    )


def add_members(group: "PushGroup", first: int, last: int) -> None:
    """Make members of the people ``first`` to ``last``, with the grants of the group's role where it is linked."""
    from django.db.models import F

    from core_identity.models import Grant, PushGroup, PushGroupMember
    from core_identity.write_guard import service_writes

    slug = group.connection.slug
    identity = NUMBERED_ID % {"space": f"'{slug} identity '"}
    insert(PushGroupMember, first, last, group=f"'{group.pk}'::uuid", identity=identity)
    with service_writes():
        PushGroup.objects.filter(pk=group.pk).update(member_count=F("member_count") + last - first + 1)
    if group.role_id is not None:
        insert(
            Grant,
            first,
            last,
            id="gen_random_uuid()",
            user=NUMBERED_ID % {"space": f"'{slug} user '"},
            role=f"'{group.role_id}'::uuid",
            channel=f"'{Channel.SCIM.value}'",
            connection=f"'{group.connection_id}'::uuid",
            key=f"'{group.pk}'",
            label="''",
            created_at="now()",
        )


def scim_id(connection: "Connection", number: int | str) -> str:
    """Return the SQL of the SCIM id of a person's number."""
    return f"md5('{connection.slug} scim ' || {number})::uuid"


def scim_ids(connection: "Connection", first: int, last: int) -> list[str]:
    """Return the SCIM ids of the people ``first`` to ``last``."""
    from django.db import connection as database

    with database.cursor() as cursor:
        cursor.execute(f"SELECT {scim_id(connection, 'n')} FROM generate_series(%s, %s) AS n", [first, last])  # noqa: S608
        return [str(row[0]) for row in cursor]


def insert(model: "type[Model]", first: int, last: int, **expressions: str) -> None:
    """Insert a row for each number ``n``. ``expressions`` are SQL by field, with a percent sign doubled; other fields get their default."""
    from django.db import connection as database
    from django.db.models import NOT_PROVIDED

    columns: list[str] = []
    values: list[str] = []
    defaults: list[Any] = []
    for field in model._meta.concrete_fields:
        if field.generated or field.get_internal_type() in {"BigAutoField", "AutoField"}:
            continue
        if field.name not in expressions and field.db_default is not NOT_PROVIDED:
            continue  # the database has its default
        columns.append(f'"{field.column}"')
        if field.name in expressions:
            values.append(expressions[field.name])
        else:
            values.append("%s")
            defaults.append(_default(field))
    sql = f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM generate_series(%s, %s) AS n"  # noqa: S608
    with database.cursor() as cursor:
        cursor.execute(sql, [*defaults, first, last])


def _default(field: "Field[Any, Any]") -> object:
    from django.db import connection as database

    return field.get_db_prep_save(field.get_default(), database)
