"""Compare the members in a message with those of a push group, write the difference, and record events (R29, R30)."""

from core_identity.event_kinds import EventKind
from core_identity.models import PushGroup
from core_identity.selectors.group_rows import named_in
from core_identity.services import events
from core_identity.services.members import MemberCounts, add_members, remove_all_members, remove_members
from core_identity.values import Actor, GroupChange


def add_first_members(*, actor: Actor, group: PushGroup, change: GroupChange) -> bool:
    """Add the members of a new group. Note in ``group`` their number and what an answer shows. Return whether there are any."""
    joined = add_members(group, _whole_list(change), actor=actor)
    group.member_count, group.answer_ids, group.named_groups = joined.members, joined.new_ids, joined.groups
    _record(actor=actor, group=group, left=MemberCounts(), joined=joined)
    return bool(joined.members)


def has_members(group: PushGroup, count: int, change: GroupChange) -> bool:
    """Return whether a message lists exactly the ``count`` ids that a group already has as members or expects. Takes no lock.

    If so, note in ``group`` what an answer shows.
    """
    members = _whole_list(change)
    if change.members is None or count != len(members):
        return False
    named = named_in(group)
    if named.all != members:
        return False
    group.answer_ids, group.named_groups = named.shown, len(named.groups)
    return True


def change_members(*, actor: Actor, group: PushGroup, change: GroupChange) -> bool:
    """Apply the sets of ``change`` to a locked group, and count its members; return whether a member was added or removed."""
    if change.members is None:
        add, remove = set(map(str, change.add)), set(map(str, change.remove))
        left, joined = remove_members(group, remove - add, actor=actor), add_members(group, add, actor=actor)
        group.named_groups = joined.groups
    else:
        left, joined = _replace(actor=actor, group=group, members=_whole_list(change))
    _record(actor=actor, group=group, left=left, joined=joined)
    group.member_count = max(group.member_count + joined.members - left.members, 0)
    return bool(left.members or joined.members)


def _whole_list(change: GroupChange) -> set[str]:
    """Return the members after a message with the whole list, or after the first message about a group."""
    return set(map(str, ((change.members or frozenset()) - change.remove) | change.add))


def _replace(*, actor: Actor, group: PushGroup, members: set[str]) -> tuple[MemberCounts, MemberCounts]:
    """Write only the differences to a whole list, and note in ``group`` what an answer shows."""
    if not members:
        group.answer_ids = []
        return remove_all_members(group, actor=actor), MemberCounts()
    named = named_in(group)
    before = named.all
    left = remove_members(group, before - members, actor=actor)
    joined = add_members(group, members - before, actor=actor)
    group.answer_ids = [one for one in named.shown if one in members] + joined.new_ids
    group.named_groups = joined.groups + len(members.intersection(named.groups))
    return left, joined


def _record(*, actor: Actor, group: PushGroup, left: MemberCounts, joined: MemberCounts) -> None:
    counts = {
        "members_removed": left.members,
        "members_added": joined.members,
        "members_expected": joined.expected,
        "members_given_up": left.expected,
    }
    changes = {name: (None, count) for name, count in counts.items() if count}
    if changes:
        events.record(actor=actor, kind=EventKind.GROUP_MEMBERS_CHANGED, subject=group, changes=changes)
