"""The administration of people, roles and their history. Services write; nothing here saves a model.

The page of a connection is put together in `core_identity.config.admin`, which may import the parts of sso and scim.
"""

from core_identity.admin.conflicts import ConflictAdmin
from core_identity.admin.customers import CustomerAdmin
from core_identity.admin.events import EventAdmin
from core_identity.admin.roles import RoleAdmin
from core_identity.admin.users import UserAdmin

__all__ = ["ConflictAdmin", "CustomerAdmin", "EventAdmin", "RoleAdmin", "UserAdmin"]
