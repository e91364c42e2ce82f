"""Read open conflicts (R9)."""

from core_identity.models import Conflict
from core_identity.models.conflict import ConflictState
from core_identity.values import Cause


def is_exchange_of_names(conflict: Conflict) -> bool:
    """Whether the people of this conflict exchanged their userNames at the IdP, in a pair or in a ring. One query.

    Then each person is in the way of the next one. No push can succeed first, and no decision of an administrator helps.
    """
    if conflict.cause != Cause.USER_NAME or conflict.subject is None:
        return False
    renames = Conflict.objects.filter(
        connection=conflict.connection_id, cause=Cause.USER_NAME, state=ConflictState.OPEN, subject__isnull=False
    )
    in_the_way = dict(renames.values_list("subject__user_id", "other_id"))
    user, seen = conflict.other_id, set()
    while user in in_the_way and user not in seen and user != conflict.subject.user_id:
        seen.add(user)
        user = in_the_way[user]
    return user == conflict.subject.user_id
