#!/usr/bin/env bash
# Reads a stream to its end with curl, as curl prints it. After a cut, which is an error, resumes from the last event id.
set -uo pipefail
copy=$(mktemp)
trap 'rm "$copy"' EXIT
last=()
until curl -sSN "${last[@]}" "$1" | tee "$copy"; do
    last=(-H "Last-Event-ID: $(sed -n 's/^id: //p' "$copy" | tail -n 1)")
    # The incomplete event before the cut is dropped.
    printf '\ncut\n\n'
done
