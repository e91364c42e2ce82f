"""The people and groups of the demo's Okta, always the same, so that a second run finds what the first one left."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPerson:
    """Somebody in the demo's Okta. ``login`` is there the userName, the NameID and the email at once, as is Okta's default."""

    okta_id: str
    login: str
    uid: str
    first_name: str
    last_name: str
    title: str
    department: str
    groups: tuple[str, ...]
    organization: str = "Acme Studios"

    @property
    def email(self) -> str:
        return self.login

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}"


GROUPS: Final = ("Editors", "Viewers", "Archivists")
"""The first two are roles of the demo customer. Nobody made a role for Archivists: that group will wait."""

PEOPLE: Final = (
    # Jane is the one in every example: one group, which is a role.
    DemoPerson(
        okta_id="00u1jane",
        login="jane.doe@acme.test",
        uid="jane.doe",
        first_name="Jane",
        last_name="Doe",
        title="Editor",
        department="Press",
        groups=("Editors",),
    ),
    # Zoë has a name that ASCII cannot hold, and two groups.
    DemoPerson(
        okta_id="00u2zoe",
        login="zoe.mueller@acme.test",
        uid="zoe.mueller",
        first_name="Zoë",
        last_name="Müller",
        title="Head of Press",
        department="Press",
        groups=("Editors", "Viewers"),
    ),
    # Sam leaves the company: the one to give to --deactivate, and to --reactivate when he returns.
    DemoPerson(
        okta_id="00u3sam",
        login="sam.lee@acme.test",
        uid="sam.lee",
        first_name="Sam",
        last_name="Lee",
        title="Reviewer",
        department="Legal",
        groups=("Viewers",),
    ),
    # Omar has no group: his assertion carries no Group attribute at all.
    DemoPerson(
        okta_id="00u4omar",
        login="omar.haddad@acme.test",
        uid="omar.haddad",
        first_name="Omar",
        last_name="Haddad",
        title="Accountant",
        department="Finance",
        groups=(),
    ),
    # Priya is in the group that waits, so the group gives her no role until somebody creates one.
    DemoPerson(
        okta_id="00u5priya",
        login="priya.nair@acme.test",
        uid="priya.nair",
        first_name="Priya",
        last_name="Nair",
        title="Archivist",
        department="Archive",
        groups=("Archivists",),
    ),
    # Five more, so that ten can be hired. Niamh's name has an apostrophe, as real ones do.
    DemoPerson(
        okta_id="00u6mateo",
        login="mateo.silva@acme.test",
        uid="mateo.silva",
        first_name="Mateo",
        last_name="Silva",
        title="Designer",
        department="Design",
        groups=("Viewers",),
    ),
    DemoPerson(
        okta_id="00u7aiko",
        login="aiko.tanaka@acme.test",
        uid="aiko.tanaka",
        first_name="Aiko",
        last_name="Tanaka",
        title="Photographer",
        department="Design",
        groups=("Editors",),
    ),
    DemoPerson(
        okta_id="00u8niamh",
        login="niamh.oneill@acme.test",
        uid="niamh.oneill",
        first_name="Niamh",
        last_name="O'Neill",
        title="Counsel",
        department="Legal",
        groups=("Viewers",),
    ),
    DemoPerson(
        okta_id="00u9lars",
        login="lars.berg@acme.test",
        uid="lars.berg",
        first_name="Lars",
        last_name="Berg",
        title="Developer",
        department="Engineering",
        groups=(),
    ),
    DemoPerson(
        okta_id="00u10fatima",
        login="fatima.zahra@acme.test",
        uid="fatima.zahra",
        first_name="Fatima",
        last_name="Zahra",
        title="Archivist",
        department="Archive",
        groups=("Archivists", "Viewers"),
    ),
)
