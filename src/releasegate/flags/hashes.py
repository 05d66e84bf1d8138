"""The hashes that runtimes split users by, in plain Python, with the figures of their definitions."""

from functools import lru_cache

_MASK = 0xFFFFFFFF
_SAME_KEYS = lru_cache(maxsize=2**16)
"""A proof asks for the same keys before and after an edit, and along a ramp."""


@_SAME_KEYS
def murmur3(data: bytes) -> int:
    """MurmurHash3, 32 bits for x86, seed 0, unsigned."""
    value, body = 0, len(data) - len(data) % 4
    for at in range(0, body, 4):
        value ^= _scramble(int.from_bytes(data[at : at + 4], "little"))
        value = (_rotate(value, 13) * 5 + 0xE6546B64) & _MASK
    value ^= _scramble(int.from_bytes(data[body:], "little")) ^ len(data)
    value = ((value ^ value >> 16) * 0x85EBCA6B) & _MASK
    value = ((value ^ value >> 13) * 0xC2B2AE35) & _MASK
    return value ^ value >> 16


@_SAME_KEYS
def fnv1a(data: bytes) -> int:
    """FNV-1a, 32 bits."""
    value = 0x811C9DC5
    for byte in data:
        value = ((value ^ byte) * 0x01000193) & _MASK
    return value


def _rotate(value: int, bits: int) -> int:
    return (value << bits | value >> 32 - bits) & _MASK


def _scramble(block: int) -> int:
    return (_rotate((block * 0xCC9E2D51) & _MASK, 15) * 0x1B873593) & _MASK
