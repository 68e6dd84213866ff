#!/bin/sh
# Writes docs/generated anew: docs/generate.sh BUILD_DIRECTORY; ./build.sh docs builds and calls it.
set -eu
cd "$(dirname "$0")/.."
"$1/bin/docs-generator" docs/generated
