"""A GitHub App signs in with its own key, for the repositories that it is installed on."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from github_front import APP
from releasegate.errors import ForgeError, InputError, RefusedError
from releasegate.forge.github.connect import Credentials, connect, repository_of
from releasegate.forge.github.forge import GitHubForge


def test_an_app_works_with_a_token_of_its_installation(github):
    repository = github.repository()
    credentials = Credentials.of({"RELEASEGATE_APP_ID": str(APP), "RELEASEGATE_APP_KEY": github.app_key})
    assert (credentials.given, credentials.by_app) == (True, True)
    api = connect(repository, credentials, github.address)
    run = github.stub.run("a" * 40, actor="octocat")["id"]
    forge = GitHubForge(api, by_app=True, run=run)
    head = forge.commit("main", {"a": b"1"}, "first", parent=None)
    assert (forge.branch_head("main"), forge.actor().name) == (head, "octocat")
    assert [sent for sent in github.sent() if "access_tokens" in sent] == ["POST /app/installations/70/access_tokens"]
    assert api.token() in github.issued


def test_what_is_wrong_with_an_app_is_said(github):
    repository = github.repository()
    other = rsa.generate_private_key(65537, 2048)
    strange = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for key, error, words in (
        (strange, RefusedError, "answered 401"),
        ("no key", InputError, "RELEASEGATE_APP_KEY is no private key"),
    ):
        with pytest.raises(error, match=words) as caught:
            connect(repository, Credentials(app=str(APP), key=key), github.address).get("")
        assert key not in str(caught.value)
    with pytest.raises(InputError, match="RELEASEGATE_APP_KEY is not set"):
        Credentials.of({"RELEASEGATE_APP_ID": "7"})


def test_nobody_vouches_for_an_app_outside_of_a_workflow(github):
    credentials = Credentials(app=str(APP), key=github.app_key, installation=70)
    forge = GitHubForge(connect(github.repository(), credentials, github.address), by_app=True)
    with pytest.raises(ForgeError, match="nobody vouches for who acts"):
        forge.actor()


def test_a_flag_is_committed_by_an_app_that_nobody_vouches_for_also_where_there_is_no_graphql(github):
    github.graphql = False
    credentials = Credentials(app=str(APP), key=github.app_key, installation=70)
    forge = GitHubForge(connect(github.repository(), credentials, github.address), by_app=True)
    first = forge.commit("main", {"a": b"1"}, "first", parent=None)
    head = forge.commit("main", {"a": b"2"}, "off", parent=first)
    assert (forge.branch_head("main"), forge.read("a", "main").content) == (head, b"2")
    bodies = [e.body for e in github.exchanges if e.path.endswith("/git/commits") and e.method == "POST"]
    assert [b"author" in body for body in bodies] == [False, False], "so that GitHub signs it"


@pytest.mark.parametrize(
    ("remote", "found"),
    [
        ("https://github.com/acme/shop.git", "acme/shop"),
        ("https://user:secret@github.com/acme/shop", "acme/shop"),
        ("git@github.com:acme/shop.git", "acme/shop"),
        ("ssh://git@github.com:22/acme/shop.git", "acme/shop"),
        ("https://github.com.evil.example/acme/shop.git", None),
        ("https://evil.example/github.com/acme/shop.git", None),
        ("/srv/git/shop.git", None),
        ("https://github.com/acme", None),
    ],
)
def test_whether_a_remote_lies_on_github(remote, found):
    assert repository_of(remote, "https://github.com") == found
