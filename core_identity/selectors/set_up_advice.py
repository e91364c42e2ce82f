"""Advice for the last steps of a set-up, in the words of each identity provider's screens (R37)."""

from typing import Final

from core_identity.set_up import Advice, AdviceOf, Vendor

_FIRST: Final = "the first person and, if groups are pushed, the first group."
_ROLE: Final = "a group that gives a role, and a decision about each group without one."
_GOOGLE: Final = Advice("There is nothing to do here for an app of your own at Google.")

ADVICE: Final[AdviceOf] = {
    Vendor.OKTA: {
        "first_push": Advice(
            "Assign one person to the app: Assignments, Assign. Then push one group: Push Groups.",
            _FIRST,
            "Under Provisioning, To App, the boxes Create Users, Update User Attributes and Deactivate Users must be ticked. "
            "A person who was assigned before that is pushed only after Provision User under Assignments. Errors are under Dashboard, Tasks.",
        ),
        "roles": Advice(
            "Push the groups whose members need a role here: Push Groups.",
            _ROLE,
            "If a group does not arrive, look at its state under Push Groups. A group has members only if they are assigned to the app.",
        ),
    },
    Vendor.ENTRA: {
        "first_push": Advice(
            "Assign one person and one group: Users and groups. Then Provisioning, Start provisioning.",
            _FIRST,
            "Entra works in cycles of about 40 minutes. Provision on demand sends one person at once. Errors are under Provisioning logs. "
            "After many errors Entra slows down, and reports a quarantine under Provisioning.",
        ),
        "roles": Advice(
            "Assign the groups whose members need a role here: Users and groups.",
            _ROLE,
            "Entra pushes the direct members of a group only, and not those of a group inside the group.",
        ),
    },
    Vendor.GOOGLE: {
        "first_push": _GOOGLE,
        "roles": Advice(
            "Choose the groups that give roles under SAML attribute mapping, Group membership. They come with each sign-in.",
            "a role that came by a group.",
            "Google sends at most 75 groups, and only the chosen ones. The connection must take roles from sign-ins.",
        ),
    },
    Vendor.OTHER: {
        "first_push": Advice(
            "Give one person access to the application, and push one group.",
            _FIRST,
            "Look for errors in the log of the identity provider. It contains the sentence that we answered.",
        ),
        "roles": Advice(
            "Push the groups whose members need a role here.",
            _ROLE,
            "If a group does not arrive, look for errors in the log of the identity provider.",
        ),
    },
}
