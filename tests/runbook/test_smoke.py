"""Smoke checks against a real page, and what they say when it is not as it should be."""

import http.server
import json
import threading
from contextlib import contextmanager

import pytest

from fakes import MemoryForge
from releasegate.errors import PolicyError, VerificationError
from releasegate.policy.smoke import load_smoke
from releasegate.runbook.outside import Page, fetch, shell
from releasegate.runbook.smoke import AT_ONCE, smoke
from servers import answering
from worlds import world_of


@contextmanager
def page(answers):
    """A server that gives its answers in turn, and the last one from then on."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with answering(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield f"{address}/"


BODY = json.dumps({"status": "ok", "parts": [{"name": "till", "up": True}]}).encode()
GOOD = (200, {"Cache-Control": "no-store, max-age=0"}, BODY)


def checked(tmp_path, *checks):
    text = "checks:\n" + "".join(f"  {name}: {check}\n" for name, check in checks)
    world = world_of(MemoryForge(), tmp_path, fetch=fetch, shell=shell(tmp_path, lambda *_: ""))
    return smoke(world, load_smoke(text.encode(), "smoke.yaml", {}))


def test_every_kind_of_check_holds(tmp_path):
    with page([GOOD]) as url:
        assert checked(
            tmp_path,
            ("page", f'{{url: "{url}", contains: till, latency: 30s}}'),
            ("header", f'{{url: "{url}", headers: {{cache-control: no-store}}}}'),
            ("json", f'{{url: "{url}", json: {{status: ok, parts.0.name: till, parts.0.up: true}}}}'),
            ("command", "{command: [python3, -c, 'raise SystemExit(3)'], exit: 3}"),
        ) == "4 of 4 smoke checks are green"  # fmt: skip


@pytest.mark.parametrize(
    ("check", "fault"),
    [
        ("status: 204", "status 200, expected 204"),
        ("contains: shop", "the page does not hold 'shop'"),
        (
            "headers: {Cache-Control: public}",
            "the header Cache-Control is 'no-store, max-age=0', expected 'public' in it",
        ),
        ("headers: {X-Shop: a}", "the header X-Shop is None, expected 'a' in it"),
        ("json: {parts.0.up: 1}", "`parts.0.up` is true, expected 1"),
        ("json: {parts.7.up: a}", '`parts.7.up` is null, expected "a"'),
    ],
)  # fmt: skip
def test_what_is_red_is_named(tmp_path, check, fault):
    with page([GOOD]) as url, pytest.raises(VerificationError) as error:
        checked(tmp_path, ("till", f'{{url: "{url}", {check}}}'), ("other", f'{{url: "{url}"}}'))
    assert str(error.value) == f"1 of 2 smoke checks are red: till: {fault}"


def test_a_page_that_comes_back_is_green(tmp_path):
    with page([(503, {}, b""), (503, {}, b""), GOOD]) as url:
        assert checked(tmp_path, ("till", f'{{url: "{url}"}}')) == "1 of 1 smoke checks are green"
    with page([(503, {}, b""), GOOD]) as url, pytest.raises(VerificationError, match="status 503, expected 200"):
        checked(tmp_path, ("till", f'{{url: "{url}", retries: 0}}'))


def test_nobody_there_and_a_command_that_fails(tmp_path):
    with pytest.raises(VerificationError) as error:
        checked(
            tmp_path,
            ("page", '{url: "http://127.0.0.1:9/?token=secret", retries: 0}'),
            ("command", "{command: [python3, -c, 'print(1); raise SystemExit(4)'], retries: 0}"),
        )
    assert str(error.value) == (
        "2 of 2 smoke checks are red: page: http://127.0.0.1:9 does not answer (ConnectionError); "
        "command: python3 exited 4: 1"
    )


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((200, {"Content-Length": "99"}, b"half"), "IncompleteRead|ProtocolError"),
        ((200, {"Content-Encoding": "gzip"}, b"no gzip"), "DecodeError"),
        ((200, {"Content-Type": "text/html; charset=nowhere"}, b"page"), "LookupError"),
    ],
)
def test_an_answer_that_cannot_be_read_is_a_red_check(tmp_path, answer, kind):
    with (
        page([answer]) as url,
        pytest.raises(VerificationError, match=rf"till: {url[:-1]} does not answer \(({kind})\)$"),
    ):
        checked(tmp_path, ("till", f'{{url: "{url}", retries: 0}}'))


def test_an_answer_that_takes_too_long_is_red(tmp_path):
    world = world_of(MemoryForge(), tmp_path, fetch=lambda _: Page(200, "", seconds=0.5))
    slow, quick = (b'checks: {till: {url: "http://a/", latency: %s}}' % limit for limit in (b"250ms", b"500ms"))
    assert smoke(world, load_smoke(quick, "smoke.yaml", {})) == "1 of 1 smoke checks are green"
    with pytest.raises(VerificationError) as error:
        smoke(world, load_smoke(slow, "smoke.yaml", {}))
    assert str(error.value) == "1 of 1 smoke checks are red: till: it took 0.50 s, expected at most 0.25 s"


def test_all_are_asked_at_once(tmp_path):
    """Each waits for the others: one after the other they would wait for ever."""
    together = threading.Barrier(AT_ONCE, timeout=30)

    def fetch(_):
        together.wait()
        return Page(200, "")

    text = "checks:\n" + "".join(f"  page-{number}: {{url: http://a/}}\n" for number in range(AT_ONCE))
    world = world_of(MemoryForge(), tmp_path, fetch=fetch)
    assert smoke(world, load_smoke(text.encode(), "smoke.yaml", {})) == f"{AT_ONCE} of {AT_ONCE} smoke checks are green"


def test_a_certificate_that_ends_soon_is_red(tmp_path):
    world = world_of(MemoryForge(), tmp_path)
    for days, red in ((30, False), (31, True)):
        checks = load_smoke(b'checks: {tls: {url: "https://a/", tls-days: %d}}' % days, "smoke.yaml", {})
        if red:
            with pytest.raises(VerificationError, match="the certificate is valid for 30 more days, expected 31"):
                smoke(world, checks)
        else:
            assert smoke(world, checks) == "1 of 1 smoke checks are green"


@pytest.mark.parametrize(
    ("check", "fault"),
    [
        (
            "{url: http://a, tls-days: 3}",
            "1:29: `tls-days`: only an https address has a certificate; give an https url",
        ),
        (
            "{command: [a], contains: b}",
            "1:14: `command`: a command has no page; ask for `exit` alone, or give a url",
        ),
        ("{url: http://a, retries: 99}", "1:29: `retries`: from 0 to 10; write retries: 2"),
    ],
)  # fmt: skip
def test_a_check_that_cannot_be_is_refused(check, fault):
    with pytest.raises(PolicyError) as error:
        load_smoke(f"checks: {{a: {check}}}".encode(), "smoke.yaml", {})
    assert str(error.value) == f"smoke.yaml:{fault}"
