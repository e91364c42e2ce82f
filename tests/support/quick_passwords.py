"""Where this is imported, passwords are hashed with few rounds: all rounds take a third of a second each time.

The product has no setting for this, so that no production site can have weak hashes.
"""

from core_identity.hashing import BoundedHasher

BoundedHasher.iterations = 1_000
