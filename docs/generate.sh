#!/bin/sh
# Writes the files of docs/generated: docs/generate.sh BUILD_DIRECTORY [WHERE]; ./build.sh docs builds and calls it.
set -eu
cd "$(dirname "$0")/.."
where=${2:-docs/generated}
"$1/bin/docs-generator" "$where"
"$1/bin/nexusctl" manual >"$where/nexusctl.1"
# One member on each line, so that differences can be read.
"$1/bin/openapi-generator" json >"$where/openapi.json.new"
jq --indent 1 . "$where/openapi.json.new" >"$where/openapi.json"
rm "$where/openapi.json.new"

# The decisions: number, title, and the question that each one answers.
{
    # shellcheck disable=SC2016 # the backticks are Markdown's
    printf '# Decisions\n\nWritten by `./build.sh docs` from `docs/decisions/*.md`; edit those.\n\n'
    printf '| | decision | question |\n|---|---|---|\n'
    for decision in docs/decisions/[0-9]*.md; do
        awk -v link="../$(basename "$(dirname "$decision")")/$(basename "$decision")" '
            NR == 1 { split(substr($0, 3), title, /\. /); number = title[1]; name = substr($0, length(number) + 5); next }
            /^\*\*Question\.\*\*/ { asked = 1; sub(/^\*\*Question\.\*\* */, "") }
            asked && /^$/ { exit }
            asked { gsub(/\]\(/, "](../decisions/"); gsub(/\|/, "\\|"); question = question (question == "" ? "" : " ") $0 }
            END { if (number == "" || question == "") { print link " has no title or no question" >"/dev/stderr"; exit 1 }
                  printf "| %s | [%s](%s) | %s |\n", number, name, link, question }' "$decision"
    done
} >"$where/decisions.md"
