"""The GraphQL documents, and how to do without where a server, or a token, has no GraphQL."""

from collections.abc import Mapping
from typing import Any

from releasegate.errors import RefusedError
from releasegate.forge.github.api import Api

FILE = """
query($owner: String!, $name: String!, $revision: String!, $path: String!) {
  repository(owner: $owner, name: $name) {
    head: object(expression: $revision) {
      ... on Commit {
        oid
        file(path: $path) { type mode object { ... on Blob { oid isBinary isTruncated text } } }
      }
    }
  }
}
"""

TAGS = """
query($owner: String!, $name: String!, $query: String!, $after: String) {
  repository(owner: $owner, name: $name) {
    refs(refPrefix: "refs/tags/", query: $query, first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes {
        name
        target {
          __typename
          ... on Commit { oid committedDate }
          ... on Tag { message tagger { date } target { __typename ... on Commit { oid } } }
        }
      }
    }
  }
}
"""

COMMIT = """
mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid } }
}
"""

AUTO_MERGE = """
mutation($input: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $input) { pullRequest { number } }
}
"""

CAME_BY = """
query($owner: String!, $name: String!, $commit: GitObjectID!) {
  repository(owner: $owner, name: $name) {
    object(oid: $commit) {
      ... on Commit {
        associatedPullRequests(first: 10) {
          totalCount
          nodes {
            number url title body baseRefName headRefOid merged mergedAt
            author { login }
            commits(first: 100) {
              totalCount
              nodes { commit { authors(first: 10) { nodes { name email user { login } } } } }
            }
            reviews(first: 100) {
              totalCount
              nodes { author { __typename login } state submittedAt commit { oid } }
            }
            finalCommit: commits(last: 1) {
              nodes { commit { statusCheckRollup { contexts(first: 100) {
                totalCount
                nodes {
                  __typename
                  ... on CheckRun { name conclusion }
                  ... on StatusContext { context state }
                }
              } } } }
            }
          }
        }
      }
    }
  }
}
"""

ABSENT = (403, 404)
"""What a server without GraphQL, or a token that may not use it, answers."""


def graphql_or_none(api: Api, document: str, variables: Mapping[str, Any]) -> Any:
    """The answer to a query; None where GraphQL is not to be had, which is asked once."""
    if api.without_graphql:
        return None
    try:
        return api.graphql(document, variables, repeat=True)
    except RefusedError as error:
        if error.status not in ABSENT or (error.status == 404 and "resolve to a" in error.what):
            raise
        api.without_graphql = True
        return None
