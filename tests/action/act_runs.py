"""What tests under act share: repositories, the shop's flag file, what a run left."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "src" / "releasegate" / "rehearsal" / "samples"
FLAGS = "# Who sees what.\ncheckout-v2:\n  enabled: true\n  percentage: 50   # of the users\nAGENT_SAFE_MODE: 0\n"
OFF = FLAGS.replace("true", "false").replace("50", "0").rstrip()
STOPPED = FLAGS.replace("MODE: 0", "MODE: 1").rstrip()


def git(folder, *arguments):
    identity = ["-c", "user.name=tester", "-c", "user.email=tester@localhost"]
    done = subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def committed(folder):
    git(folder.parent, "init", "--quiet", "--initial-branch=main", folder)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "first")
    return folder


@dataclass(frozen=True)
class Run:
    """What one run of a workflow left: its exit status and its log."""

    code: int
    log: str

    def outputs(self, name):
        """The values of an output, in the order in which steps set it."""
        return re.findall(rf"::set-output:: {name}=(.*)$", self.log, flags=re.MULTILINE)

    @property
    def summary(self):
        """The Markdown that the steps wrote, without act's own marks."""
        parts = re.findall(r"^\[[^\]]*\] +⚙  Summary - (.*?)(?=^\[[^\]]*\] )", self.log, flags=re.MULTILINE | re.DOTALL)
        return "".join(dict.fromkeys(parts))

    def step(self, name):
        """What the step of this name exited with, and its part of the log."""
        line, here = r"^\[[^\]]*\] +", re.escape(name)
        pattern = rf"{line}⭐ Run Main {here}$.*?{line}\S+  (Success|Failure) - Main {here} .*?$"
        part = re.search(pattern, self.log, flags=re.MULTILINE | re.DOTALL)
        failed = re.search(r"^\[[^\]]*\] exit status (\d+)$", part[0], flags=re.MULTILINE)
        return Run(int(failed[1]) if failed else 0, part[0])

    @property
    def printed(self):
        """What the steps printed, one string a line, without act's own marks."""
        return re.findall(r"^\[[^\]]*\] +\| (.*)$", self.log, flags=re.MULTILINE)
