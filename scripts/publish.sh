#!/usr/bin/env bash
# Make a candidate the release: its tag on the same commit, an immutable release, and the major tag moved to it.
#   bash scripts/publish.sh v1.2.0-rc.1
# An immutable release is locked when it is published: so a draft first, then what belongs to it, then publication.
set -euo pipefail
cd "$(dirname "$0")/.."

candidate="$1"
[[ "$candidate" =~ ^v([0-9]+)\.[0-9]+\.[0-9]+-rc\.[0-9]+$ ]] || { echo "$candidate is no candidate" >&2; exit 2; }
major="v${BASH_REMATCH[1]}"
release="${candidate%-rc.*}"

commit="$(git rev-parse --verify "$candidate^{commit}")"
[[ "$(git rev-parse HEAD)" == "$commit" ]] || { echo "HEAD is not $candidate" >&2; exit 2; }
python3 scripts/pin.py --check
git config user.name "${GITHUB_ACTOR:-releasegate}"
git config user.email "${GITHUB_ACTOR:-releasegate}@users.noreply.github.com"
if ! git rev-parse --quiet --verify "refs/tags/$release" >/dev/null; then
  git tag -a "$release" -m "$release" "$commit"
fi
[[ "$(git rev-parse "$release^{commit}")" == "$commit" ]] || { echo "$release is another commit already" >&2; exit 1; }
git push --quiet origin "refs/tags/$release"

if ! gh release view "$release" >/dev/null 2>&1; then
  gh release create "$release" --draft --verify-tag --title "$release" --notes "See CHANGELOG.md." dist/*
fi
gh release edit "$release" --draft=false

git tag -f -a "$major" -m "$release" "$commit"
git push --quiet --force origin "refs/tags/$major"
