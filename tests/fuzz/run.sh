#!/usr/bin/env bash
# Runs every fuzz target, two at a time: tests/fuzz/run.sh [SECONDS EACH] [TARGET…]. It prints a line for each, then the
# totals. An input that makes a target fail is kept in build/fuzz/crashes; running the target with that file alone reproduces the failure.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
seconds=${1:-4}
shift || true
targets=build/fuzz/tests/fuzz crashes=build/fuzz/crashes
mkdir -p "$crashes"
scratch=$(mktemp -d /tmp/nexus-fuzz-XXXXXX)
trap 'rm -rf "$scratch"' EXIT

# The seeds are read only; what the run finds goes to the scratch folder.
fuzz() { # TARGET
    local name=$1 log=$scratch/$1.log seeds=tests/fuzz/corpus/$1
    mkdir -p "$scratch/$name"
    if "$targets/fuzz-$name" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -verbosity=1 -print_final_stats=1 \
        -artifact_prefix="$crashes/$name-" "$scratch/$name" ${seeds:+"$seeds"} >"$log" 2>&1; then
        printf 'ok %s: %s inputs\n' "$name" "$(awk '/number_of_executed_units/ { print $2 }' "$log")"
    else
        printf 'FAILED %s\n' "$name"
        grep -vE '^#[0-9]+\s+(NEW|REDUCE|pulse|RELOAD)' "$log" | tail -n 40
    fi
}
export -f fuzz
export seconds targets crashes scratch

names() {
    local file
    if [ $# -gt 0 ]; then printf '%s\n' "$@" && return; fi
    for file in tests/fuzz/*/fuzz_*.c; do
        file=${file##*/fuzz_}
        echo "${file%.c}"
    done
}

names "$@" | xargs -P 2 -I '{}' bash -c 'fuzz {}' | tee "$scratch/result"
passed=$(grep -c '^ok ' "$scratch/result" || true)
failed=$(grep -c '^FAILED ' "$scratch/result" || true)
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
