"""The database engine: what a kept connection costs, how its end is noticed, and what the server binds."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import ProgrammingError
from django.db import connection as database
from django.db.backends.postgresql.base import DatabaseWrapper

ROUNDS = 6


@pytest.fixture
def kept(db: None) -> Iterator[Any]:
    """A second connection to the tests' database, with the settings of the service."""
    connection = database.copy()
    yield connection
    connection.close()


def run(connection: Any, statement: str, *values: object) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchone()[0]


def begin_request(connection: Any) -> None:
    """As Django does where a request begins."""
    connection.close_if_unusable_or_obsolete()


def test_a_connection_that_was_tested_within_a_second_is_not_tested_again(
    kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests: list[object] = []
    run(kept, "SELECT 1")
    usable = DatabaseWrapper.is_usable

    def is_usable(self: DatabaseWrapper) -> bool:
        tests.append(self)
        return usable(self)

    monkeypatch.setattr(DatabaseWrapper, "is_usable", is_usable)
    for _ in range(3):
        begin_request(kept)
        run(kept, "SELECT 1")
    assert tests == []
    kept._answered_at -= 1
    for _ in range(2):
        begin_request(kept)
        run(kept, "SELECT 1")
    assert tests == [kept]


def test_a_connection_that_the_server_ended_is_replaced_before_its_next_use(kept: Any) -> None:
    first = run(kept, "SELECT pg_backend_pid()")
    assert run(database, "SELECT pg_terminate_backend(%s, 5000)", first) is True
    begin_request(kept)
    assert run(kept, "SELECT pg_backend_pid()") != first


def test_a_connection_in_a_failed_transaction_is_not_usable(kept: Any) -> None:
    kept.set_autocommit(False)
    with pytest.raises(ProgrammingError):
        run(kept, "SELECT * FROM nowhere")
    assert not kept.is_usable()
    kept.rollback()
    assert kept.is_usable()


def test_a_statement_is_prepared_from_its_fifth_run_on_and_behind_a_pooler_never(kept: Any) -> None:
    prepared = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT $1::int + 1'"
    for threshold, found in ((5, 1), (None, 0)):
        kept.close()
        kept.settings_dict["OPTIONS"] = kept.settings_dict["OPTIONS"] | {"prepare_threshold": threshold}
        for number in range(ROUNDS):
            assert run(kept, "SELECT %s::int + 1", number) == number + 1
        assert run(kept, prepared) == found


@pytest.mark.parametrize("number", [0, 5, -5, 40_000, 3_000_000_000, 10**20])
def test_a_number_has_the_type_that_it_has_in_SQL(kept: Any, number: int) -> None:
    assert run(kept, "SELECT pg_typeof(%s)::text", number) == run(kept, f"SELECT pg_typeof({number})::text")


def test_functions_of_SQL_take_small_numbers(kept: Any) -> None:
    assert run(kept, "SELECT count(*) FROM generate_series(%s, %s)", 1, 3) == 3
    assert run(kept, "SELECT substring('abc', %s)", 2) == "bc"
