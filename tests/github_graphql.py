"""GitHub's GraphQL on the emulator's data: the official schema executes the documents, these are its resolvers."""

import base64
from fnmatch import fnmatchcase
from functools import cache

import graphql

SCHEMA = "node_modules/@octokit/graphql-schema/schema.graphql"


class Graph:
    """Executes documents against GitHub's schema; `rest(method, path, body)` asks the emulator.

    `pull_requests(commit)` tells what a test put in, `auto_merge()` why it is not switched on, None if it is.
    """

    def __init__(self, folder, rest, pull_requests, auto_merge):
        self.schema = graphql.build_schema((folder / SCHEMA).read_text(), assume_valid=True)
        self.rest = rest
        self.pull_requests, self.auto_merge = pull_requests, auto_merge
        self.read = cache(self._read)

    def _read(self, document):
        """A document parsed, and its faults: the program sends the same few again and again."""
        parsed = graphql.parse(document)
        return parsed, tuple(graphql.validate(self.schema, parsed))

    def check(self, document, variables):
        """A document or variables that GitHub would refuse are an assertion: no test sends any on purpose."""
        parsed, faults = self.read(document)
        for one in parsed.definitions:
            found = graphql.get_variable_values(self.schema, one.variable_definitions or (), variables)
            faults += tuple(found) if isinstance(found, list) else ()
        assert not faults, faults

    def answer(self, document, variables, login):
        """The response's JSON; the document was checked before."""
        root = {
            "repository": self.repository,
            "viewer": {"login": login},
            "createCommitOnBranch": lambda _, **asked: self.commit(asked["input"], login),
            "enablePullRequestAutoMerge": self.merge_when_ready,
        }
        result = graphql.execute_sync(self.schema, self.read(document)[0], root, variable_values=variables)
        errors = [
            {"message": error.message, "type": (error.extensions or {}).get("type", "UNPROCESSABLE")}
            for error in result.errors or ()
        ]
        return {"data": result.data, **({"errors": errors} if errors else {})}

    def merge_when_ready(self, *_, **__):
        why = self.auto_merge()
        if why is not None:
            raise graphql.GraphQLError(why, extensions={"type": "UNPROCESSABLE"})
        return {"pullRequest": {"number": 1}}

    def repository(self, info, owner, name, **_):
        del info
        base = f"/repos/{owner}/{name}"

        def head(info, expression=None, oid=None):
            del info
            expression = expression or oid
            status, commit = self.rest("GET", f"{base}/commits/{expression}", None)
            if status != 200:
                return None

            def file(info, path):
                del info
                return self.file(base, commit["sha"], path)

            requests = self.pull_requests(commit["sha"])
            return {
                "__typename": "Commit", "oid": commit["sha"], "file": file,
                "associatedPullRequests": {"totalCount": len(requests), "nodes": requests},
            }  # fmt: skip

        return {"object": head, "refs": lambda _, **arguments: self.refs(base, arguments)}

    def file(self, base, commit, path):
        status, found = self.rest("GET", f"{base}/contents/{path}?ref={commit}", None)
        if status != 200:
            return None
        if isinstance(found, list):
            return {"type": "tree", "mode": 0o40000, "object": {"__typename": "Tree"}}
        content = base64.b64decode(found["content"])
        try:
            text = content.decode() if b"\0" not in content else None
        except UnicodeDecodeError:
            text = None
        blob = {"oid": found["sha"], "isBinary": text is None, "isTruncated": False, "text": text}
        return {"type": "blob", "mode": 0o100644, "object": {"__typename": "Blob", **blob}}

    def refs(self, base, arguments):
        _, found = self.rest("GET", f"{base}/git/matching-refs/tags/", None)
        names = [(ref["ref"].removeprefix("refs/tags/"), ref["object"]) for ref in found]
        matching = [one for one in names if fnmatchcase(one[0], f"*{arguments.get('query') or ''}*")]
        nodes = [{"name": name, "target": self.target(base, target)} for name, target in matching]
        return {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}

    def target(self, base, target):
        if target["type"] == "tag":
            _, tag = self.rest("GET", f"{base}/git/tags/{target['sha']}", None)
            inner = {"__typename": "Commit", "oid": tag["object"]["sha"]}
            date = {"date": tag["tagger"]["date"]}
            return {"__typename": "Tag", "message": tag["message"], "tagger": date, "target": inner}
        _, commit = self.rest("GET", f"{base}/git/commits/{target['sha']}", None)
        return {"__typename": "Commit", "oid": target["sha"], "committedDate": commit["committer"]["date"]}

    def commit(self, asked, login):
        branch, parent = asked["branch"], asked["expectedHeadOid"]
        base = f"/repos/{branch['repositoryNameWithOwner']}"
        status, ref = self.rest("GET", f"{base}/git/ref/heads/{branch['branchName']}", None)
        if status != 200:
            raise graphql.GraphQLError("A branch of that name does not exist", extensions={"type": "NOT_FOUND"})
        if ref["object"]["sha"] != parent:
            words = f'Expected branch to point to "{parent}" but it did not. Pull and try again.'
            raise graphql.GraphQLError(words, extensions={"type": "STALE_DATA"})
        changes = asked["fileChanges"]
        tree = []
        for one in changes.get("additions") or ():
            _, blob = self.rest("POST", f"{base}/git/blobs", {"content": one["contents"], "encoding": "base64"})
            tree.append({"path": one["path"], "mode": "100644", "type": "blob", "sha": blob["sha"]})
        tree += [
            {"path": one["path"], "mode": "100644", "type": "blob", "sha": None}
            for one in changes.get("deletions") or ()
        ]
        _, before = self.rest("GET", f"{base}/git/commits/{parent}", None)
        _, made = self.rest("POST", f"{base}/git/trees", {"base_tree": before["tree"]["sha"], "tree": tree})
        words = "\n\n".join(filter(None, [asked["message"]["headline"], asked["message"].get("body")]))
        who = {"name": login, "email": f"{login}@users.noreply.github.com"}
        body = {"message": words, "tree": made["sha"], "parents": [parent], "author": who}
        _, commit = self.rest("POST", f"{base}/git/commits", body)
        move = {"sha": commit["sha"], "force": False}
        status, _ = self.rest("PATCH", f"{base}/git/refs/heads/{branch['branchName']}", move)
        if status != 200:
            raise graphql.GraphQLError("Expected branch to point to another commit", extensions={"type": "STALE_DATA"})
        return {"commit": {"oid": commit["sha"]}}
