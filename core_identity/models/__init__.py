"""Fields, constraints and querysets. Models decide nothing."""

from core_identity.models.budget import Budget
from core_identity.models.burst import Burst
from core_identity.models.conflict import Conflict
from core_identity.models.connection import Connection
from core_identity.models.customer import Customer
from core_identity.models.drift import DriftingIdentity
from core_identity.models.erased_names import ErasedNames
from core_identity.models.event import Event
from core_identity.models.identity import Identity, IdentityUid
from core_identity.models.logged_hour import LoggedHour
from core_identity.models.push_group import ExpectedMember, PushGroup, PushGroupMember
from core_identity.models.resource_count import ResourceBlock, ResourceChange
from core_identity.models.role import Grant, Role, RoleAlias
from core_identity.models.session import Session
from core_identity.models.setup_link import SetupLink, SetupProposal
from core_identity.models.user import User

__all__ = [
    "Budget",
    "Burst",
    "Conflict",
    "Connection",
    "Customer",
    "DriftingIdentity",
    "ErasedNames",
    "Event",
    "ExpectedMember",
    "Grant",
    "Identity",
    "IdentityUid",
    "LoggedHour",
    "PushGroup",
    "PushGroupMember",
    "ResourceBlock",
    "ResourceChange",
    "Role",
    "RoleAlias",
    "Session",
    "SetupLink",
    "SetupProposal",
    "User",
]
