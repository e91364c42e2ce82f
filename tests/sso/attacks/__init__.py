"""Messages of an attacker: one table a family, one line a message, each signed at test time. See `tests.sso.test_attacks`."""

from tests.sso.attacks import claims, cost, encodings, encryption, signatures, structure, values, wrapping
from tests.sso.attacks.attack import Attack

FAMILIES: dict[str, dict[str, Attack]] = {
    "wrapping": wrapping.ATTACKS,
    "signatures": signatures.ATTACKS,
    "structure": structure.ATTACKS,
    "encodings": encodings.ATTACKS,
    "cost": cost.ATTACKS,
    "claims": claims.ATTACKS,
    "values": values.ATTACKS,
    "encryption": encryption.ATTACKS,
}
