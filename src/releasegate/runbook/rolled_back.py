"""What became of a rollback, in the words and the exit code that a person on call gets."""

from dataclasses import dataclass

from releasegate.migrations.kind import Migration
from releasegate.runbook.step import Outcome, State


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a rollback."""

    leaving: str | None
    to: str | None
    outcomes: tuple[Outcome, ...]
    stays: str | None = None
    """Why traffic was not moved on purpose."""
    migrations: tuple[Migration, ...] = ()
    """Those between the two releases, as far as they could be told."""
    flips: bool = True
    """Whether anything splits the traffic; where nothing does, deploying is what takes it back."""

    @property
    def traffic_is_back(self) -> bool:
        """Whether the split was set to 0, or the release before was deployed: what users feel."""
        decisive = self.outcomes[:1] if self.flips else [one for one in self.outcomes if one.id == "deploy"]
        return bool(decisive) and all(one.state is not State.FAILED for one in decisive)

    @property
    def exit_code(self) -> int:
        """0 if every step held, 1 where only a check is red, 4 where something outside did not answer."""
        codes = {outcome.exit_code for outcome in self.outcomes if outcome.state is State.FAILED}
        return 0 if not codes else 1 if codes == {1} else 4

    @property
    def headline(self) -> str:
        """One line for a tired person."""
        failed = [outcome.title.removesuffix(" checks") for outcome in self.outcomes if outcome.state is State.FAILED]
        if self.stays is not None:
            return f"TRAFFIC STAYS WHERE IT IS: {self.stays}"
        if not self.traffic_is_back and self.flips:
            return "TRAFFIC IS NOT BACK: set the split to 0 by hand, now"
        if not self.traffic_is_back:
            return f"{self.leaving or 'IT'} IS NOT TAKEN BACK: deploy {self.to or 'a good release'} by hand, now"
        back = "traffic" if self.flips else self.to
        return f"{back} is back; {', '.join(failed)} failed" if failed else f"{back} is back, and every step held"
