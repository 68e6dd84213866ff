#!/bin/sh
# Writes docs/generated anew: docs/generate.sh BUILD_DIRECTORY [WHERE]; ./build.sh docs builds and calls it.
set -eu
cd "$(dirname "$0")/.."
where=${2:-docs/generated}
"$1/bin/docs-generator" "$where"
"$1/bin/nexusctl" manual >"$where/nexusctl.1"
# One member a line, so that a difference can be read.
jq --indent 1 . "$where/openapi.json" >"$where/openapi.json.new"
mv "$where/openapi.json.new" "$where/openapi.json"
