#!/usr/bin/env bash
# The canary's weight as it stands in the GitOps repository, whose operator (Argo CD, Flux) applies it.
#   ./weight.sh get          prints the percentage
#   ./weight.sh set PERCENT  commits it; where it stands already, nothing is done
# GITOPS_REPOSITORY is its address, GITOPS_TOKEN may push to it; the token is in no argument and no URL.
set -euo pipefail
file=checkout/values.yaml
pattern='^( *canaryWeight: *)([0-9.]+)'

if [[ -n "${GITOPS_TOKEN:-}" ]]; then
  export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=http.extraHeader
  GIT_CONFIG_VALUE_0="Authorization: Basic $(printf 'x-access-token:%s' "$GITOPS_TOKEN" | base64 -w0)"
  export GIT_CONFIG_VALUE_0
fi

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
for attempt in 1 2 3; do
  rm -rf "$work/repository"
  git clone --quiet --depth 1 "$GITOPS_REPOSITORY" "$work/repository"
  cd "$work/repository"
  if [[ "$1" == get ]]; then
    sed -nE "s/$pattern.*/\2/p" "$file"
    exit
  fi
  sed -Ei "s/$pattern/\1$2/" "$file"
  git diff --quiet && exit
  git -c user.name=releasegate -c user.email=releasegate@localhost commit --quiet -am "checkout: canary at $2%"
  git push --quiet origin HEAD && exit
  echo "somebody else pushed meanwhile (attempt $attempt)" >&2
  cd "$work"
done
exit 1
