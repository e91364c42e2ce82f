"""Interpret several values of one Email attribute (R8b, R12)."""

from core_identity.keys import key
from core_identity.values import Person


def email_as_mark(person: Person) -> str:
    """Return the email by which a sign-in may be recognised, as compared; empty if the message contains different ones.

    Otherwise, a person who can add a value to their own Email attribute could add the address of a colleague.
    """
    keys = {key(email) for email in (person.email or "", *person.more_emails)}
    return keys.pop() if len(keys) == 1 else ""


def email_that_follows(person: Person, stored: str) -> str | None:
    """Return the email that the identity gets: the stored one if one of several values equals it, else the first."""
    if not person.more_emails:
        return person.email
    keys = {key(email) for email in (person.email or "", *person.more_emails)}
    return stored if key(stored) in keys else person.email
