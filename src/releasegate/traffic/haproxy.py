"""Traffic that HAProxy splits: the weights of its servers, set through its runtime sockets.

A weight that is set so lasts until HAProxy is reloaded; then the configuration's own weights are back. The process id
is part of the revision, so that this is seen and told from somebody else's change.
"""

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from releasegate.errors import FenceError, OutsideError
from releasegate.traffic.port import Split

LARGEST = 256
"""The largest weight that HAProxy takes."""
TIMEOUT = 5.0
"""Seconds that a socket may take to answer."""
ANSWER = re.compile(r"(\d+) \(initial (\d+)\)")


@dataclass(frozen=True, slots=True)
class Weights:
    """What one HAProxy has now."""

    process: str
    now: tuple[int, ...]
    """Of the baseline's servers, then of the canary's."""
    initial: tuple[int, ...]
    """What its configuration gives them."""

    def __str__(self) -> str:
        """As it stands in a revision."""
        return f"{self.process}:{','.join(map(str, self.now))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HaproxyTraffic:
    """Implements `releasegate.traffic.port.Traffic` over one or several HAProxies with the same servers.

    `sockets` are paths or `host:port`; servers are named as in `backend`.
    """

    sockets: Sequence[str]
    backend: str
    baseline: Sequence[str]
    canary: Sequence[str]

    @property
    def servers(self) -> tuple[str, ...]:
        """All servers, the baseline's first."""
        return (*self.baseline, *self.canary)

    def split(self) -> Split:
        """The weights as they are; where several HAProxies differ, the canary's largest share counts."""
        found = [self._read(address) for address in self.sockets]
        shares = [self._share(weights.now) for weights in found]
        told = ", ".join(f"{share:.1%}" for share in sorted(set(shares)))
        differ = f" (they DIFFER: {told})" if len(set(shares)) > 1 else ""
        text = f"{self.backend} of {len(found)} HAProxy: {max(shares):.1%} to {', '.join(self.canary)}{differ}"
        return Split(self._asked(max(shares)), " ".join(map(str, found)), text)

    def preview(self, weight: float) -> str:
        """The commands that each socket would get."""
        if not self._misses(weight):
            return ""
        return "".join(f"{address}: {command}\n" for address in self.sockets for command in self._commands(weight))

    def set_weight(self, weight: float, *, reason: str, expected: str | None = None) -> Split:
        """Set the weights everywhere. A raise is fenced by `expected`; what a reload lost is set again.

        Lowering asks nothing first: a HAProxy that does not answer keeps none of the others up.
        """
        del reason
        if expected is not None:
            found = self.split()
            if not self._misses(weight):
                return found
            if weight > found.weight:
                self._check(expected, weight)
        failed = [error for address in self.sockets if (error := self._set(address, weight)) is not None]
        if failed:
            raise OutsideError("; ".join(failed), remedy="set the weights there by hand, or take that HAProxy out")
        return self.split()

    def _check(self, expected: str, weight: float) -> None:
        """`FenceError` unless each HAProxy is as `expected`, or is a new process with its configuration's weights.

        One on the way from `expected` to `weight` was left so by a run that died between two commands.
        """
        known = dict(zip(self.sockets, expected.split(), strict=False))
        for address in self.sockets:
            now, before = self._read(address), known.get(address, "")
            process, _, weights = before.partition(":")
            steps = zip(now.now, weights.split(","), self._wanted(weight), strict=False)
            on_the_way = all(str(value) in (first, str(last)) for value, first, last in steps)
            left = on_the_way if now.process == process else now.now == now.initial
            if not left:
                raise FenceError(
                    f"`{self.backend}` is not raised: its weights were changed by somebody else",
                    where=address, remedy="look who did, then start again",
                )  # fmt: skip

    def _misses(self, weight: float) -> bool:
        wanted = self._wanted(weight)
        return any(self._read(address).now != wanted for address in self.sockets)

    def _set(self, address: str, weight: float) -> str | None:
        """Set all weights of one HAProxy; what is wrong if it refuses. Every other one is still asked."""
        try:
            for command in self._commands(weight):
                answer = _ask(address, command).strip()
                if answer:
                    return f"{address}: {command}: {answer}"
        except OutsideError as error:
            return str(error)
        return None

    def _commands(self, weight: float) -> list[str]:
        """What is lowered goes first, so that no moment has more on the canary than the next."""
        pairs = list(zip(self.servers, self._wanted(weight), strict=True))
        order = pairs if weight else pairs[::-1]
        return [f"set weight {self.backend}/{server} {value}" for server, value in order]

    def _wanted(self, weight: float) -> tuple[int, ...]:
        """The weight of each server for the canary's share `weight`, in the finest steps that HAProxy has."""
        few, many = len(self.baseline), len(self.canary)
        if weight in (0.0, 1.0):
            one, other = (0, 100) if weight == 0.0 else (100, 0)
        else:
            ratio = Fraction(str(weight)) * few / ((1 - Fraction(str(weight))) * many)
            ratio = ratio.limit_denominator(LARGEST) if ratio <= 1 else 1 / (1 / ratio).limit_denominator(LARGEST)
            fine = LARGEST // max(ratio.numerator, ratio.denominator)
            one, other = ratio.numerator * fine, ratio.denominator * fine
        return (other,) * few + (one,) * many

    def _share(self, weights: tuple[int, ...]) -> float:
        canary = sum(weights[len(self.baseline) :])
        return canary / sum(weights) if sum(weights) else 0.0

    def _asked(self, share: float) -> float:
        """The share as it was asked for: to the last place that weights up to 256 can hold."""
        rounded = round(share, 3)
        return rounded if abs(self._share(self._wanted(rounded)) - share) < 1e-9 else share

    def _read(self, address: str) -> Weights:
        info = re.search(r"^Pid: (\d+)$", _ask(address, "show info"), re.MULTILINE)
        answers = [_ask(address, f"get weight {self.backend}/{server}") for server in self.servers]
        found = [ANSWER.match(answer.strip()) for answer in answers]
        for server, answer, match in zip(self.servers, answers, found, strict=True):
            if match is None or info is None:
                told = answer.strip() or "it said nothing"
                raise OutsideError(f"{self.backend}/{server}: {told}", where=address, remedy="is it named so there?")
        pairs = [(int(match[1]), int(match[2])) for match in found if match is not None]
        return Weights(info[1] if info else "", tuple(now for now, _ in pairs), tuple(first for _, first in pairs))


def _ask(address: str, command: str) -> str:
    """One command, one answer: HAProxy closes the connection after it."""
    host, colon, port = address.rpartition(":")
    plain = bool(colon) and port.isdecimal() and "/" not in address
    try:
        with socket.socket(socket.AF_INET if plain else socket.AF_UNIX) as channel:
            channel.settimeout(TIMEOUT)
            channel.connect((host, int(port)) if plain else address)
            channel.sendall(f"{command}\n".encode())
            answer = bytearray()
            while part := channel.recv(65536):
                answer += part
    except OSError as error:
        raise OutsideError(
            f"HAProxy does not answer ({error.strerror or type(error).__name__})",
            where=address, remedy="is its stats socket there, at level admin?",
        ) from error  # fmt: skip
    return answer.decode(errors="replace")
