"""GitHub's API as the forge uses it: one repository, bounded retries, and no write repeated that may have happened.

PyGithub's `Requester` speaks HTTP, knows the token (a GitHub App's too) and the addresses; its own retries are off,
since they repeat a POST whose answer was lost. What is repeated here:

- a read that was not answered, or answered with 5xx or half a JSON document;
- any request that a rate limit turned away (403 or 429), which was not carried out; after the time that GitHub names;
- the making of a git object, which has no effect until a ref points to it.

Writes with an effect are paced (`pace`). Waits have jitter, and end when `max_wait` seconds of them are used up.
"""

import json
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

from releasegate.errors import ForgeError, RefusedError, ReleasegateError, UnknownOutcomeError, cause
from releasegate.forge.github.bounded import TooSlowError, within
from releasegate.forge.github.pace import Pace

if TYPE_CHECKING:
    from github.Requester import Requester

TRIES = 6
"""How often a request is sent that may be repeated."""
SECONDARY_WAIT = 60.0
"""Seconds that GitHub asks for where a secondary limit comes without a time."""
FILE = 5
PAGE = 100
MOST_PAGES = 50


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one run of the program waits for GitHub in all, and how."""

    max_wait: float = 120.0
    timeout: int = 30
    """Seconds without a byte after which a request is given up."""
    whole: float = 120.0
    """Seconds after which an answer is given up that is still coming; a file may take `FILE` times as long."""
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    share: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Answer:
    """What GitHub said."""

    status: int
    headers: Mapping[str, Any]
    body: Any
    """The decoded JSON; None where there is none."""


@dataclass(slots=True)
class Api:
    """Requests about one `repository` (`owner/name`)."""

    requester: "Requester"
    repository: str
    patience: Patience = field(default_factory=Patience)
    waited: float = 0.0
    requests: int = 0
    """How many were sent."""
    trees: dict[str, str] = field(default_factory=dict)
    """The tree of each commit that was seen; it never changes."""
    pace: Pace = field(default_factory=Pace)
    without_graphql: bool = False
    """Set once the server, or the token, turned out to have no GraphQL."""

    def token(self) -> str:
        """The token that requests are sent with; a GitHub App's is fetched where it has none, or an old one."""
        auth = self.requester.auth
        return "" if auth is None else auth.token

    def get(self, path: str, /, **parameters: Any) -> Any:
        """The answer to a GET below `/repos/owner/name` (or of an absolute path that begins with `/`)."""
        return self.send("GET", path, parameters=parameters, repeat=True).body

    def find(self, path: str, **parameters: Any) -> Any:
        """As `get`, but None where there is no such thing."""
        try:
            return self.get(path, **parameters)
        except RefusedError as error:
            if error.status in (404, 409, 410):  # 409: a repository without commits
                return None
            raise

    def pages(self, path: str, key: str | None = None, **parameters: Any) -> Iterator[Any]:
        """The items of a list, page after page; `key` names the list inside the answer."""
        for page in range(1, MOST_PAGES + 1):
            body = self.get(path, per_page=PAGE, page=page, **parameters)
            items = body[key] if key else body
            yield from items
            if len(items) < PAGE:
                return
        raise ForgeError(f"GitHub lists more than {PAGE * MOST_PAGES} items", where=path)

    def make(self, path: str, body: Mapping[str, Any]) -> Any:
        """POST something that has no effect by itself, like a git object: repeated until it is answered."""
        return self.send("POST", path, body=body, repeat=True).body

    def write(self, verb: str, path: str, body: Mapping[str, Any]) -> Any:
        """A request with an effect: `UnknownOutcomeError` if no answer tells whether it was carried out."""
        return self.send(verb, path, body=body, repeat=False).body

    def swap(self, write: Callable[[], str], landed: Callable[[], str | None]) -> str:
        """What a compare-and-swap `write` makes; where its answer is lost, `landed` looks for it.

        None from there means that nothing has happened: it is tried once more, which cannot do it twice. What cannot be
        looked up, or is lost again, stays an `UnknownOutcomeError`.
        """
        for last in (False, True):
            try:
                return write()
            except UnknownOutcomeError as error:
                try:
                    found = landed()
                except ForgeError:
                    raise error from None
                if found is not None:
                    return found
                if last:
                    raise
                self.pause(self.patience.share() * 0.5, error)
        raise AssertionError  # the last try returns or raises

    def graphql(self, document: str, variables: Mapping[str, Any], *, repeat: bool) -> Any:
        """The `data` of a GraphQL answer; `RefusedError` with GitHub's own words if it holds errors.

        A server without GraphQL answers 404, as for any address that it does not know.
        """
        url = self.requester.graphql_url
        answer = self.send("POST", url, body={"query": document, "variables": dict(variables)}, repeat=repeat)
        errors = _errors(answer)
        if errors:
            words = "; ".join(str(error.get("message", "")) for error in errors)
            kinds = _kinds(errors)
            status = next((code for kind, code in GRAPHQL_STATUS.items() if kind in kinds), 422)
            raise RefusedError(status, f"GitHub refused: {words}", remedy=REMEDIES.get(status))
        return answer.body["data"]

    def send(
        self,
        verb: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        repeat: bool,
    ) -> Answer:
        """Send one request until it is answered; `repeat` says whether it may be sent again after a lost answer."""
        url = path if path.startswith(("/", "http")) else f"/repos/{self.repository}{'/' if path else ''}{path}"
        fault: ReleasegateError | None = None
        for attempt in range(TRIES):
            if verb not in ("GET", "POST") or not repeat:  # a POST that may be repeated has no effect
                self.pace.keep(self.patience.now, self.patience.sleep)
            answer: Answer | None = None
            try:
                answer = self._once(verb, url, body, parameters)
                _refuse_fault(answer, f"{verb} {_place(url)}")
            except ForgeError as error:
                fault = error
                if not repeat:
                    raise UnknownOutcomeError(error.what, where=error.where, remedy=LOOK) from error
                asked = (answer and _retry_after(answer)) or 0.0
                self.pause(asked + self.patience.share() * 0.5 * 2**attempt, error)
                continue
            limit = rate_limit(answer, self.patience.now())
            if limit is not None:
                fault = ForgeError(f"GitHub's rate limit is reached ({_words(answer)})", where=f"{verb} {_place(url)}")
                self.pause(limit + self.patience.share(), fault)
                continue
            if answer.status >= 400:
                raise RefusedError(
                    answer.status,
                    f"GitHub answered {answer.status}: {_words(answer)}",
                    where=f"{verb} {_place(url)}",
                    remedy=REMEDIES.get(answer.status),
                )
            return answer
        what, remedy = (fault.what, fault.remedy) if fault is not None else ("no answer", None)
        raise ForgeError(f"{what}, {TRIES} times in a row", where=f"{verb} {_place(url)}", remedy=remedy)

    def upload(self, url: str, content: bytes, media_type: str) -> None:
        """POST bytes to an address that GitHub named; `UnknownOutcomeError` if it did not answer."""
        import requests  # noqa: PLC0415

        import github  # noqa: PLC0415  loaded by the commands that speak to GitHub

        self.requests += 1
        self.pace.keep(self.patience.now, self.patience.sleep)
        headers = {"Content-Type": media_type, "Content-Length": str(len(content))}
        try:
            within(
                self.patience.whole * FILE,
                lambda: self.requester.requestMemoryBlobAndCheck("POST", url, {}, headers, BytesIO(content)),
            )
        except TooSlowError as error:
            self.requester.close()
            raise UnknownOutcomeError(SLOW, where=_place(url)) from error
        except requests.RequestException as error:
            raise UnknownOutcomeError(f"GitHub did not answer ({cause(error)})", where=_place(url)) from error
        except github.GithubException as error:
            if error.status >= 500:
                raise UnknownOutcomeError(f"GitHub answered {error.status}", where=_place(url)) from error
            words = f"GitHub answered {error.status}: {error.message}"
            raise RefusedError(error.status, words, where=_place(url), remedy=REMEDIES.get(error.status)) from error

    def _once(
        self, verb: str, url: str, body: Mapping[str, Any] | None, parameters: Mapping[str, Any] | None
    ) -> Answer:
        """One request; `ForgeError` if it was not answered, or not whole."""
        import requests  # noqa: PLC0415

        import github  # noqa: PLC0415  loaded by the commands that speak to GitHub

        place = f"{verb} {_place(url)}"
        self.requests += 1
        try:
            status, headers, text = within(
                self.patience.whole,
                lambda: self.requester.requestJson(
                    verb, url, parameters=dict(parameters or {}), input=None if body is None else dict(body)
                ),
            )
        except TooSlowError as error:
            self.requester.close()  # the connection is still in use
            raise ForgeError(SLOW, where=place, remedy=NETWORK) from error
        except requests.RequestException as error:
            raise ForgeError(f"GitHub did not answer ({cause(error)})", where=place, remedy=reach(error)) from error
        except github.GithubException as error:  # only the renewal of an App's token is checked there
            return Answer(error.status, error.headers or {}, error.data)
        try:
            decoded = json.loads(text) if text and status != 204 else None
        except ValueError as error:
            if status >= 400:  # a proxy's page, of which the status tells enough
                return Answer(status, headers, {"message": "no JSON"})
            raise ForgeError("GitHub's answer is cut off or no JSON", where=place) from error
        answer = Answer(status, headers, decoded)
        if any(GAVE_UP in str(error.get("message", "")) for error in _errors(answer)):
            raise ForgeError("GitHub gave up on the query", where=place, remedy=STATUS)
        return answer

    def pause(self, seconds: float, error: ReleasegateError) -> None:
        """Wait before something is tried again; `ForgeError` with what `error` says if that would be too long."""
        if self.waited + seconds > self.patience.max_wait:
            raise ForgeError(
                f"{error.what}; waiting {seconds:.0f} s more would be longer than the {self.patience.max_wait:.0f} s"
                " that this command may wait in all",
                where=error.where,
                remedy="run the command again later, or allow more with --max-wait",
            ) from error
        self.patience.sleep(seconds)
        self.waited += seconds


def rate_limit(answer: Answer, now: float) -> float | None:
    """Seconds to wait where a rate limit turned the request away, else None. GraphQL says so with 200."""
    if answer.status not in (403, 429) and not _limited(answer):
        return None
    after = _retry_after(answer)
    if after is not None:
        return after
    if str(answer.headers.get("x-ratelimit-remaining", "")) == "0":
        reset = str(answer.headers.get("x-ratelimit-reset", ""))
        return max(float(reset) - now, 0.0) if reset.isdigit() else SECONDARY_WAIT
    words = _words(answer).lower()
    limited = answer.status != 403 or re.search(r"rate limit|abuse|wait a few minutes", words)
    return SECONDARY_WAIT if limited else None


def _retry_after(answer: Answer) -> float | None:
    """Seconds that the host asks for; None where it asks for none."""
    after = str(answer.headers.get("retry-after", ""))
    return float(after) if after.isdigit() else None


def _refuse_fault(answer: Answer, place: str) -> None:
    """`ForgeError` for a fault of GitHub's own."""
    if answer.status >= 500:
        raise ForgeError(f"GitHub answered {answer.status}", where=place, remedy=STATUS)


def _limited(answer: Answer) -> bool:
    """Whether GraphQL turned the request away for a rate limit, which it does in an answer with status 200."""
    errors = _errors(answer)
    return bool(errors) and ("RATE_LIMITED" in _kinds(errors) or re.search(LIMITED, _words(answer)) is not None)


def _errors(answer: Answer) -> Sequence[Mapping[str, Any]]:
    """The errors in an answer that was given with status 200: only GraphQL does that."""
    errors = answer.body.get("errors") if answer.status == 200 and isinstance(answer.body, dict) else None
    return errors if isinstance(errors, list) else []


def _kinds(errors: Sequence[Mapping[str, Any]]) -> set[str]:
    return {str(error.get("type") or error.get("extensions", {}).get("code", "")) for error in errors}


def reach(error: BaseException) -> str:
    """What helps where a connection failed."""
    return TRUST if cause(error).startswith("TLS") else NETWORK


def _words(answer: Answer) -> str:
    """GitHub's own words: the message and the first errors."""
    body = answer.body if isinstance(answer.body, dict) else {}
    errors = body.get("errors")
    more = [
        str(error.get("message") or error.get("code") or "") if isinstance(error, dict) else str(error)
        for error in (errors if isinstance(errors, list) else [])[:3]
    ]
    return "; ".join(filter(None, [str(body.get("message", "")), *more])) or "no reason given"


def _place(url: str) -> str:
    return url.partition("?")[0]


LIMITED = r"rate limit exceeded|exceeded a secondary rate limit"
GAVE_UP = "Something went wrong while executing your query"
"""GraphQL's words, with status 200, for what REST says with 502."""
STATUS = "look at https://www.githubstatus.com"
SLOW = "GitHub's answer came too slowly to be waited for"
LOOK = "whether it was carried out is not known; look before you run the command again"
TRUST = "trust its authority: REQUESTS_CA_BUNDLE=FILE; and is GITHUB_API_URL right?"
NETWORK = "is the network up, and GITHUB_API_URL right? A runner that cannot reach it: use `runs-on` of one that can"
REMEDIES = {
    401: "the token is not accepted: is GITHUB_TOKEN or GH_TOKEN set, and not expired?",
    403: "the token may not do that: see the table of permissions in docs/github.md",
    404: "is the repository's name right, and may the token see it?",
}
GRAPHQL_STATUS = {
    "NOT_FOUND": 404,
    "FORBIDDEN": 403,
    "INSUFFICIENT_SCOPES": 403,
    "STALE_DATA": 409,
    "UNPROCESSABLE": 422,
}
