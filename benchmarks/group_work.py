"""Changes of push groups of some size, linked to a role or not."""

import json
from collections.abc import Iterator

from benchmarks.keep_alive import KeepAlive
from benchmarks.scene import ACTOR, Scene, group_document, patch_document, scim_id_of
from benchmarks.work import Work

LARGEST_CREATED = 10_000


def people_needed(size: int) -> int:
    """Return how many people the work on a group of this size speaks of."""
    return max(size + size // 10, size + 100)


def group_work(scene: Scene, size: int, *, linked: bool, name: str = "") -> Iterator[Work]:
    """Make a group of the people 1 to ``size`` and yield the requests about it. If it is linked, a change of members changes grants."""
    name = name or f"{'Linked' if linked else 'Waiting'} group of {size}"
    path = scene.path(f"/Groups/{_make_group(scene, size, name, linked=linked)}")
    tenth = size // 10
    lists = group_document(name, range(1, size + 1)), group_document(name, range(1 + tenth, size + tenth + 1))
    created: list[str] = []

    def some(first: int, last: int, http: KeepAlive, n: int) -> None:
        operation = "add" if n % 2 == 0 else "remove"
        members = [{"value": scim_id_of(number)} for number in range(first, last + 1)]
        http.send("PATCH", path, patch_document({"op": operation, "path": "members", "value": members}))

    def create(http: KeepAlive, _: int) -> None:
        document = {**lists[0], "displayName": f"{name}, created"}
        created.append(json.loads(http.send("POST", scene.path("/Groups"), document).body)["id"])

    def remove_created(http: KeepAlive) -> None:
        http.send("DELETE", scene.path(f"/Groups/{created.pop()}"))

    client = scene.client
    yield Work("one member in or out", "I", client, lambda http, n: some(size + 1, size + 1, http, n), pair=True)
    yield Work("100 members in or out", "I", client, lambda http, n: some(size + 1, size + 100, http, n), pair=True)
    yield Work("group put, unchanged", "L", client, lambda http, _: http.send("PUT", path, lists[0]))
    yield Work("exchange a tenth", "I", client, lambda http, n: http.send("PUT", path, lists[(n + 1) % 2]), pair=True)
    yield Work("group get", "L", client, lambda http, _: http.send("GET", path))
    if size <= LARGEST_CREATED:
        yield Work("group create", "I", client, create, most=1, after=remove_created)


def _make_group(scene: Scene, size: int, name: str, *, linked: bool) -> str:
    from benchmarks.seed import add_members
    from core_identity.models import PushGroup
    from core_identity.services.roles import create_role

    if linked:
        for role in (name, f"{name}, created"):
            create_role(actor=ACTOR, name=role, grantable_by=[scene.connection])
    group_id: str = json.loads(scene.client().send("POST", scene.path("/Groups"), group_document(name, range(0))).body)[
        "id"
    ]
    add_members(PushGroup.objects.select_related("connection").get(scim_id=group_id), 1, size)
    return group_id
