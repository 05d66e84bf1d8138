#!/usr/bin/env bash
# What the composite actions run first: the locked environment in the runner's own folder, from the action's own files.
# The caller's settings of Python, pip and uv change nothing in it; a package index comes from an input alone.
set -euo pipefail

while IFS='=' read -r -d '' name _; do
  case "$name" in
    PYTHON* | PIP_* | UV_* | VIRTUAL_ENV) unset "$name" ;;
  esac
done < <(env -0)
if [[ -n "$RELEASEGATE_INDEX" ]]; then
  echo "::add-mask::${RELEASEGATE_INDEX//$'\n'/}" # it may hold a password
  export PIP_INDEX_URL="$RELEASEGATE_INDEX" UV_DEFAULT_INDEX="$RELEASEGATE_INDEX"
fi

cd "$RUNNER_TEMP" # no file of the judged repository lies here
scripts="$(dirname "${BASH_SOURCE[0]}")"
echo "::group::Prepare releasegate"
fresh="$(mktemp -d "$RUNNER_TEMP/releasegate-XXXXXXXX")" # nobody could put anything there before
python="$("$RELEASEGATE_PYTHON" -I -S -X utf8 "$scripts/prepare.py" runtime "$fresh" "$RUNNER_TEMP/releasegate-uv")"
echo "::endgroup::"
printf 'python=%s\n' "$python" >>"$GITHUB_OUTPUT"
