"""Traffic that two weights in a YAML file split: a Gateway API route, an Istio or Traefik service, Helm values.

The file is committed to git, by the smallest edit: two numbers change, and no other byte.
"""

from dataclasses import dataclass
from fractions import Fraction

from releasegate.errors import FenceError, FlagError, InconclusiveError, RaceError
from releasegate.flags.document import unified_diff
from releasegate.flags.splice import Change, apply, changed, same
from releasegate.flags.tree import Path, Tree
from releasegate.flags.yaml_tree import parse_yaml, reread_yaml
from releasegate.traffic.flag import TRIES, ReadFile, Repository
from releasegate.traffic.port import Split

WHOLES = (100, 1000, 10000)
"""What the weights may add up to, beside what they add up to already."""


def path_of(text: str) -> Path:
    """`spec.rules.0.weight` as steps: numbers are places in a list; a backslash stands before a dot within a key."""
    parts = text.replace("\\.", "\0").split(".")
    return tuple(int(part) if part.isdecimal() else part.replace("\0", ".") for part in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentTraffic:
    """Implements `releasegate.traffic.port.Traffic`; `baseline` and `canary` are the paths of their weights."""

    repository: Repository
    branch: str
    file: str
    baseline: str
    canary: str

    def split(self) -> Split:
        """The weights in the file at the head of the branch."""
        found, tree = self._read()
        return self._told(found, tree)

    def preview(self, weight: float) -> str:
        """The diff of the file."""
        found, tree = self._read()
        return unified_diff(found.content, self._edit(tree, weight), self.file)

    def set_weight(self, weight: float, *, reason: str, expected: str | None = None) -> Split:
        """Commit the weights for `weight`; a raise is fenced by `expected`."""
        for _ in range(TRIES):
            found, tree = self._read()
            before = self._told(found, tree)
            if before.weight == weight:
                return before
            if weight > before.weight and expected is not None and found.blob != expected:
                what = "the split is not raised: the file was changed by somebody else"
                raise FenceError(what, where=self.file, remedy="look at its history, then start again")
            content = self._edit(tree, weight)
            message = f"Set the canary in {self.file} to {weight:.4g}\n\n{reason}\n"
            try:
                commit = self.repository.replace(
                    self.branch, self.file, content, message, blob=found.blob, parent=found.commit
                )
            except RaceError:
                continue
            return self._told(*self._read(commit))
        raise RaceError(f"`{self.branch}` kept moving: {TRIES} commits lost the race", where=self.file)

    def _read(self, commit: str | None = None) -> tuple[ReadFile, Tree]:
        found = self.repository.read(self.file, commit or self.branch)
        if found is None:
            where = f"{self.branch}:{self.file}"
            raise FlagError("there is no such file", where=where, remedy="is `traffic.document.file` right?")
        try:
            return found, parse_yaml(found.content.decode(), self.file)
        except UnicodeDecodeError as error:
            raise FlagError("not UTF-8", where=self.file) from error

    def _weights(self, tree: Tree) -> tuple[int, int]:
        found = []
        for text in (self.baseline, self.canary):
            try:
                value = tree.node(path_of(text)).value
            except (KeyError, IndexError, TypeError):
                value = None
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                what = f"no whole number at `{text}`"
                raise FlagError(what, where=self.file, remedy="write the weight there, or mend the path in the policy")
            found.append(value)
        return found[0], found[1]

    def _told(self, found: ReadFile, tree: Tree) -> Split:
        baseline, canary = self._weights(tree)
        if not baseline + canary:
            raise InconclusiveError("both weights are 0", where=self.file, remedy="give the baseline its weight")
        share = canary / (baseline + canary)
        return Split(share, found.blob, f"{self.file}: {baseline} to {canary}, {share:.1%} to the canary")

    def _edit(self, tree: Tree, weight: float) -> bytes:
        """The file with both weights changed, read back by two parsers, with nothing else different."""
        share, total = Fraction(str(weight)), sum(self._weights(tree))
        whole = next((each for each in (total, *WHOLES) if each and (share * each).denominator == 1), None)
        if whole is None:
            raise FlagError(f"{weight} cannot be written in whole weights", where=self.file)
        canary = int(share * whole)
        changes = [Change(path_of(self.baseline), whole - canary), Change(path_of(self.canary), canary)]
        text = apply(tree, changes, path=self.file)
        wanted = changed(tree.data, changes)
        if not same(parse_yaml(text, self.file).data, wanted) or not self._reads_alike(tree, text, changes):
            raise FlagError("the edit would change more than the two weights", where=self.file, remedy="edit by hand")
        return text.encode()

    def _reads_alike(self, tree: Tree, text: str, changes: list[Change]) -> bool:
        """Whether the other parser sees the same two changes."""
        return same(reread_yaml(text, self.file), changed(reread_yaml(tree.text, self.file), changes))
