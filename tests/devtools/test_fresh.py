"""`--fresh` makes an empty database and keeps the former one."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from devtools.checkout import Checkout, this_checkout
from devtools.commands.run import demo_state
from devtools.faults import Fault
from devtools.postgres.cluster import Cluster
from devtools.postgres.lease import use
from devtools.postgres.places import throwaway_cluster

# The keeper of the cluster outlives the process that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    cluster = throwaway_cluster(this_checkout())
    with use(cluster, ("demo", "core")):
        yield cluster


def test_the_former_database_is_kept_under_another_name(cluster: Cluster) -> None:
    with psycopg.connect(cluster.url("demo"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'Zoë' AS name")
        with pytest.raises(Fault, match=r"demo could not be put aside[\s\S]*other users"):
            cluster.put_aside("demo", "demo_former")
    cluster.put_aside("demo", "demo_former")
    with psycopg.connect(cluster.url("demo_former")) as connection:
        assert connection.execute("SELECT name FROM kept").fetchall() == [("Zoë",)]
    with psycopg.connect(cluster.url("demo"), autocommit=True) as connection:
        assert connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public'").fetchall() == []
        connection.execute("CREATE TABLE usable (id int)")


def test_the_state_of_the_simulated_okta_is_set_aside_with_the_database(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    state = demo_state(checkout, "")
    (state / "okta.json").write_text("{}")
    assert demo_state(checkout, "demo_former") == state
    assert not list(state.iterdir())
    assert (state.with_name("demo_former") / "okta.json").read_text() == "{}"
