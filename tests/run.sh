#!/usr/bin/env bash
# All tests, one suite after the other; ./build.sh test [SUITE [ARG…]] calls it. Arguments go to the suite's own
# runner (ctest, pytest). The last line counts everything.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
root=$PWD
# shellcheck source=supervise/user.sh
. supervise/user.sh

passed=0 failed=0 skipped=0 missing=()
scratch=$(mktemp -d /tmp/nexus-test-XXXXXX)
trap 'rm -rf "$scratch"' EXIT

main() {
    local suite
    case ${1:-all} in
    all) for suite in unit e2e web checks fuzz; do "suite_$suite"; done ;;
    unit | e2e | web | checks | fuzz) "suite_$1" "${@:2}" ;;
    *) printf 'no suite "%s"; there are unit, e2e, web, checks, fuzz\n' "$1" >&2 && exit 2 ;;
    esac
    printf '%d passed, %d failed' "$passed" "$failed"
    [ "$skipped" -eq 0 ] || printf ', %d skipped (missing: %s)' "$skipped" "${missing[*]}"
    printf '\n'
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

say() { printf '── %s\n' "$*"; }

# count SUITE PASSED FAILED [SKIPPED]
count() {
    say "$1: $2 passed, $3 failed${4:+, $4 skipped}"
    passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + ${4:-0}))
}

# Criterion counts its tests itself. A run that ended badly although none of them failed (a sanitizer's report
# at exit, a time-out) is one failure.
suite_unit() {
    local status=0 bad
    ./build.sh build asan || { count unit 0 1 && return; }
    say "unit tests"
    ctest --test-dir build/asan --verbose "$@" >"$scratch/unit.log" 2>&1 || status=$?
    bad=$(($(criterion_sum Failing) + $(criterion_sum Crashing)))
    [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    [ "$bad" -eq 0 ] || grep -E '\[(FAIL|----|CRASH)|ERROR: |runtime error|^ *#[0-9]+ |\*\*\*|tests? failed' "$scratch/unit.log" || true
    count unit "$(criterion_sum Passing)" "$bad"
}

criterion_sum() {
    sed 's/\x1b\[[0-9;]*m//g' "$scratch/unit.log" | awk -v field="$1:" '
        /Synthesis:/ { for (i = 1; i < NF; i++) if ($i == field) sum += $(i + 1) }
        END { print sum + 0 }'
}

# Whole processes, compiled with sanitizers, on a real PostgreSQL and Redis; not as root, as they would refuse.
suite_e2e() {
    local good=0 bad=1 gone=0 tools=""
    { ./build.sh build release && ./build.sh build asan; } || { count end-to-end 0 1 && return; }
    say "end-to-end tests"
    chmod 755 "$scratch"
    unprivileged "$root/tests/e2e" "$root/build/asan/bin"
    mkdir "$scratch/e2e"
    [ "$(id -u)" -ne 0 ] || chown nexus: "$scratch/e2e"
    "${as_user[@]}" env NEXUS_BUILD_DIR="${NEXUS_BUILD_DIR:-$root/build/asan}" PYTHONDONTWRITEBYTECODE=1 \
        /usr/bin/python3 -m pytest --quiet --numprocesses "${NEXUS_TEST_WORKERS:-2}" \
        --basetemp "$scratch/e2e/t" --junitxml "$scratch/e2e/result.xml" tests/e2e "$@" || true
    [ ! -s "$scratch/e2e/result.xml" ] || read -r good bad gone tools < <(junit_counts "$scratch/e2e/result.xml")
    [ -z "$tools" ] || missing+=("$tools")
    count end-to-end "$good" "$bad" "$gone"
}

# A test that is skipped says which tool is missing.
junit_counts() {
    /usr/bin/python3 - "$1" <<'PYTHON'
import sys, xml.etree.ElementTree as xml
suite = xml.parse(sys.argv[1]).getroot().find("testsuite")
total, failures, errors, skipped = (int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped"))
tools = {skip.get("message").removeprefix("Skipped: ") for skip in suite.iter("skipped")}
print(total - failures - errors - skipped, failures + errors, skipped, *sorted(tools))
PYTHON
}

# The pages in a real browser, on a whole Nexus of its own. Something that broke outside of the tests (a promise of the
# stack's, the browser itself) is one failure.
suite_web() {
    local status=0 good bad
    { ./build.sh web && ./build.sh build asan; } || { count web 0 1 && return; }
    say "browser tests"
    chmod 755 "$scratch"
    unprivileged "$root/tests/web" "$root/web/node_modules" "$root/web/dist" "$root/build/asan/bin"
    mkdir "$scratch/web"
    [ "$(id -u)" -ne 0 ] || chown nexus: "$scratch/web"
    "${as_user[@]}" env NEXUS_BUILD_DIR="${NEXUS_BUILD_DIR:-$root/build/asan}" PYTHONDONTWRITEBYTECODE=1 \
        /usr/bin/python3 tests/web/run.py "$scratch/web" "$@" || status=$?
    good=$(tap_count pass "$scratch/web/result.tap")
    bad=$(tap_count fail "$scratch/web/result.tap")
    [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    count web "$good" "$bad"
}

# The last "# pass 12" of a TAP report; 0 when there is none.
tap_count() { awk -v word="$1" '$1 == "#" && $2 == word { sum = $3 } END { print sum + 0 }' "$2" 2>/dev/null || echo 0; }

# A check is a program in tests/checks: 0 is passed; 77 is skipped, with the missing tool as its last line.
suite_checks() {
    local check status good=0 bad=0 gone=0
    say "checks"
    for check in tests/checks/*; do
        [ -x "$check" ] || continue
        status=0
        "$check" >"$scratch/check.log" 2>&1 || status=$?
        case $status in
        0) good=$((good + 1)) ;;
        77) gone=$((gone + 1)) missing+=("$(tail -n 1 "$scratch/check.log")") ;;
        *) bad=$((bad + 1)) && printf 'FAILED %s\n' "$check" && cat "$scratch/check.log" ;;
        esac
    done
    count checks "$good" "$bad" "$gone"
}

# Every decoder, briefly; ./build.sh fuzz takes its time.
suite_fuzz() {
    ./build.sh build fuzz || { count fuzz 0 1 && return; }
    say "fuzzing"
    local status=0 bad
    tests/fuzz/run.sh "${1:-4}" >"$scratch/fuzz.log" 2>&1 || status=$?
    bad=$(grep -c '^FAILED ' "$scratch/fuzz.log" || true)
    [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    [ "$bad" -eq 0 ] || cat "$scratch/fuzz.log"
    count fuzz "$(grep -c '^ok ' "$scratch/fuzz.log" || true)" "$bad"
}

main "$@"
