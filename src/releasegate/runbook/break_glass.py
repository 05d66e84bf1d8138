"""Plain commands that take a release back without this program: git, gh, curl, socat and the policy's own."""

import json
import re
from collections.abc import Iterator, Mapping
from shlex import quote

from releasegate.ledger.state import Release
from releasegate.policy.load import FromEnvironment
from releasegate.policy.model import HaproxyTraffic, Policy, Run

API = "${GITHUB_API_URL:-https://api.github.com}"


def break_glass(
    policy: Policy, *, repository: str | None = None, good: Release | None = None, live: str | None = None
) -> tuple[str, ...]:
    """The commands, a line each; what has to be looked at is a comment of the shell's.

    `repository` is its name on GitHub, None for plain git; `good` the release to go back to, None where none is known;
    `live` the colour that is the baseline, with blue-green.
    """
    return (*_flip(policy, repository, live), *_deploy(policy, repository, good, live))


def _flip(policy: Policy, repository: str | None, live: str | None) -> Iterator[str]:
    """The traffic back to the baseline."""
    traffic = policy.traffic
    if traffic is None:
        return
    if traffic.haproxy is not None:
        yield from _weights(traffic.haproxy)
    elif traffic.command is not None:
        share = "100" if live == "green" else "0"
        yield " ".join(_word(part, {"percent": share, "reason": "by hand"}) for part in traffic.command.set)
    elif traffic.document is not None:
        at = traffic.document
        yield from _edit(
            policy, repository, at.file, "the canary", f"{at.canary}: 0, and {at.baseline}: 100", at.publish
        )
    elif traffic.flag is not None:
        name = traffic.flag.name
        what = f"{name}: set the percentage to 0, or switch it off"
        yield from _edit(policy, repository, policy.flags.file, name, what, policy.flags.publish)


def _weights(at: HaproxyTraffic) -> Iterator[str]:
    servers = [(server, 0) for server in at.canary] + [(server, 100) for server in at.baseline]
    commands = "; ".join(f"set weight {at.backend}/{server} {weight}" for server, weight in servers)
    for address in at.sockets:
        unix = "/" in address or ":" not in address
        yield f"echo '{commands}' | socat stdio {'UNIX-CONNECT' if unix else 'TCP'}:{address}"


def _edit(
    policy: Policy, repository: str | None, file: str, name: str, what: str, publish: Run | None
) -> Iterator[str]:
    """Edit a file of the branch: in a checkout and, on GitHub, without one; and publish it."""
    branch, path, message = policy.release.branch, quote(file), quote(f"Take {name} back by hand")
    yield f"git fetch origin && git switch --detach origin/{branch}"
    yield f"$EDITOR {path}    # {what}"
    yield f"git commit -m {message} -- {path} && git push origin HEAD:refs/heads/{branch}"
    if publish is not None:
        blob = _Substituted(f"$(git rev-parse {quote(f'HEAD:{file}')})")
        yield from _by_hand(publish, {"blob": blob, "id": "by-hand"}, repository, branch)
    if repository is None:
        return
    at = f"repos/{repository}/contents/{file}"
    now = quote(f"{at}?ref={branch}")
    yield "# the same without a checkout:"
    yield f"sha=$(gh api {now} --jq .sha) && gh api {now} --jq .content | base64 -d > by-hand.tmp"
    yield f"$EDITOR by-hand.tmp    # {what}"
    content = "$(base64 < by-hand.tmp | tr -d '\\n')"
    fields = f'-f branch={branch} -f message={message} -f sha="$sha" -f content="{content}"'
    yield f'blob=$(gh api -X PUT {quote(at)} {fields} --jq .content.sha) && echo "$blob"'
    if publish is not None:
        if publish.command is not None:
            yield _files_of(repository, branch)
        yield from _by_hand(publish, {"blob": _Substituted("$blob"), "id": "by-hand"}, repository, branch)


def _files_of(repository: str, branch: str) -> str:
    """Into a folder with what is on the branch now: a command of the policy's reads the file, and scripts, there."""
    archive = quote(f"repos/{repository}/tarball/{branch}")
    return f"mkdir -p by-hand && gh api {archive} | tar xzf - --strip-components=1 -C by-hand && cd by-hand"


class _Substituted(str):
    """A value that the shell works out when the line is carried out."""

    __slots__ = ()


def _deploy(policy: Policy, repository: str | None, good: Release | None, live: str | None) -> Iterator[str]:
    """The last known good release onto the baseline."""
    run = policy.deploy.production
    if run is None:
        return
    track, environment = live or "baseline", policy.environment
    tag, commit = (good.name, good.commit) if good is not None else ("TAG", "COMMIT")
    name = tag if good is not None else "TAG and COMMIT of the last known good one"
    yield f"# where everybody has the bad release: deploy {name}"
    place = {"tag": tag, "commit": commit, "environment": environment, "track": track}
    place["id"] = f"{policy.service}-{environment}-{track}-{tag}-by-hand"
    yield from _by_hand(run, place, repository, policy.release.branch)


def _by_hand(run: Run, values: Mapping[str, str], repository: str | None, branch: str) -> Iterator[str]:
    """The command; or, for a workflow, its dispatch by gh, and the same by curl."""
    if run.command is not None:
        yield " ".join(_word(part, values) for part in run.command)
    if run.workflow is None or repository is None:
        return
    fields = " ".join(f"-f {_word(f'{name}={{{name}}}', values)}" for name in values)
    yield f"gh workflow run {quote(run.workflow)} -R {repository} {fields}"
    asked = any(isinstance(value, _Substituted) for value in values.values())
    body = json.dumps({"ref": branch, "inputs": dict(values)})
    at = f"{API}/repos/{repository}/actions/workflows/{run.workflow}/dispatches"
    data = _doubly(body) if asked else quote(body)
    yield f'# or: curl -fsS -X POST -H "Authorization: Bearer $GH_TOKEN" "{at}" -d {data}'


def _word(part: str, values: Mapping[str, str]) -> str:
    """One word for the shell with its `{placeholders}` filled in; what came from the environment is asked for again."""
    text = part.written if isinstance(part, FromEnvironment) else part
    asked = isinstance(part, FromEnvironment)
    for name, value in values.items():
        asked = asked or (f"{{{name}}}" in text and isinstance(value, _Substituted))
        text = text.replace(f"{{{name}}}", value)
    return _doubly(text) if asked else quote(text)


def _doubly(text: str) -> str:
    """In double quotes, where `$` keeps its meaning."""
    return '"' + re.sub(r'(["\\`])', r"\\\1", text) + '"'
