"""RSA keys for tests. Each key is real; making one takes a tenth of a second, so every test of a process gets the same ones, in the same order."""

from collections import defaultdict
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import rsa

_generate = rsa.generate_private_key
_keys_by_size: defaultdict[int, list[rsa.RSAPrivateKey]] = defaultdict(list)


def keys_of_a_test() -> Callable[..., rsa.RSAPrivateKey]:
    """Return a stand-in for `rsa.generate_private_key` that gives no key twice. Another stand-in gives the same keys again."""
    counts: defaultdict[int, int] = defaultdict(int)

    def generate(public_exponent: int, key_size: int, backend: object = None) -> rsa.RSAPrivateKey:
        keys = _keys_by_size[key_size]
        if counts[key_size] == len(keys):
            keys.append(_generate(public_exponent=public_exponent, key_size=key_size))
        counts[key_size] += 1
        return keys[counts[key_size] - 1]

    return generate
