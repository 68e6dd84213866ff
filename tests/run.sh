#!/usr/bin/env bash
# All tests, or one suite: ./build.sh test [SUITE [ARG…]] calls it. Arguments go to the suite's own runner (ctest, pytest).
# The last line counts everything.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
root=$PWD
# shellcheck source=supervise/user.sh
. supervise/user.sh

scratch=$(mktemp -d /tmp/nexus-test-XXXXXX)
memory='' background=''
trap leave EXIT

main() {
    case ${1:-all} in
    all) everything ;;
    unit | e2e | web | checks | fuzz) "suite_$1" "${@:2}" ;;
    *) printf 'no suite "%s"; there are unit, e2e, web, checks, fuzz\n' "$1" >&2 && exit 2 ;;
    esac
    sum_up
}

# The end-to-end tests wait more than they compute, so the other suites run at the same time, and their output is shown at the end.
# What more than one suite uses is built first, so that no program changes while it is tested.
everything() {
    local preset
    for preset in asan release; do ./build.sh build "$preset" || true; done # the suites report what could not be built
    make_memory
    suites unit checks web fuzz >"$scratch/background.log" 2>&1 &
    background=$!
    suites e2e
    wait "$background" || count "suites in the background" 0 1
    background=''
    cat "$scratch/background.log"
}

suites() {
    local suite
    for suite; do "suite_$suite"; done
}

leave() {
    [ -z "$background" ] || { end "$background"; wait "$background"; } 2>/dev/null || true
    rm -rf "$scratch" ${memory:+"$memory"}
}

# Ends a process and all that it started.
end() {
    local child
    for child in $(pgrep -P "$1"); do end "$child"; done
    kill "$1" || true
}

say() { printf '── %s\n' "$*"; }

# count SUITE PASSED FAILED [SKIPPED]; missing TOOL: why something was skipped. Suites that run at the same time may call both.
count() {
    say "$1: $2 passed, $3 failed${4:+, $4 skipped}"
    printf '%d %d %d\n' "$2" "$3" "${4:-0}" >>"$scratch/counts"
}
missing() { printf '%s\n' "$*" >>"$scratch/missing"; }

sum_up() {
    local passed failed skipped
    read -r passed failed skipped < <(awk '{ p += $1; f += $2; s += $3 } END { print p, f, s }' "$scratch/counts")
    printf '%d passed, %d failed' "$passed" "$failed"
    [ "$skipped" -eq 0 ] || printf ', %d skipped (missing: %s)' "$skipped" "$(sort -u "$scratch/missing" | paste -sd ' ')"
    printf '\n'
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

# How many end-to-end tests run at once: two for each CPU, which keeps it busy, and no more than fit into memory.
workers() {
    local wanted=$((2 * $(nproc))) room=$(($(awk '/^MemAvailable/ { print $2 }' /proc/meminfo) / 1500000))
    [ "$wanted" -le 14 ] || wanted=14 # ranges of ports (tests/e2e/harness/nexus/ports.py); gw14 and gw15 are other suites
    [ "$wanted" -le "$room" ] || wanted=$room
    echo "${NEXUS_TEST_WORKERS:-$((wanted > 1 ? wanted : 1))}"
}

# Keeps databases and journals in memory if there is room, because they are synced, and a sync of the disk takes longer than many tests.
# Sets $memory.
make_memory() {
    local there
    [ -z "$memory" ] || return 0
    unprivileged "$root/tests/e2e"
    there=$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)
    if [ "${there:-0}" -gt $(($(workers) * 1500000)) ]; then
        memory=$(mktemp -d /dev/shm/nexus-test-XXXXXX)
    else
        memory=$scratch/files && mkdir "$memory"
    fi
    [ "$(id -u)" -ne 0 ] || chown nexus: "$memory"
}

# Criterion counts its tests itself. A run that failed although no test failed (a sanitizer's report at exit, a timeout)
# counts as one failure.
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

# Whole processes, compiled with sanitizers, with a real PostgreSQL and Redis; not as root, because they refuse that.
suite_e2e() {
    local good=0 bad=1 gone=0 tools=""
    { ./build.sh build release && ./build.sh build asan; } || { count end-to-end 0 1 && return; }
    say "end-to-end tests"
    chmod 755 "$scratch"
    unprivileged "$root/tests/e2e" "$root/build/asan/bin"
    mkdir "$scratch/e2e"
    [ "$(id -u)" -ne 0 ] || chown nexus: "$scratch/e2e"
    make_memory
    "${as_user[@]}" env NEXUS_BUILD_DIR="${NEXUS_BUILD_DIR:-$root/build/asan}" NEXUS_TEST_FOLDER="$memory" PYTHONDONTWRITEBYTECODE=1 \
        /usr/bin/python3 -m pytest --quiet --numprocesses "$(workers)" --dist loadgroup \
        --basetemp "$scratch/e2e/t" --junitxml "$scratch/e2e/result.xml" tests/e2e "$@" || true
    [ ! -s "$scratch/e2e/result.xml" ] || read -r good bad gone tools < <(junit_counts "$scratch/e2e/result.xml")
    [ -z "$tools" ] || missing "$tools"
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

# The pages in a real browser, with a Nexus for this suite. A failure outside the tests (a check of the stack, the browser
# itself) counts as one failure.
suite_web() {
    local status=0 good bad
    { ./build.sh web && ./build.sh build asan; } || { count web 0 1 && return; }
    say "browser tests"
    chmod 755 "$scratch"
    make_memory
    unprivileged "$root/tests/web" "$root/web/node_modules" "$root/web/dist" "$root/build/asan/bin"
    mkdir "$scratch/web"
    [ "$(id -u)" -ne 0 ] || chown nexus: "$scratch/web"
    # gw15: ports that no other suite uses (tests/e2e/harness/nexus/ports.py).
    "${as_user[@]}" env NEXUS_BUILD_DIR="${NEXUS_BUILD_DIR:-$root/build/asan}" NEXUS_TEST_FOLDER="$memory" \
        PYTEST_XDIST_WORKER=gw15 PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/web/run.py "$scratch/web" "$@" || status=$?
    good=$(tap_count pass "$scratch/web/result.tap")
    bad=$(tap_count fail "$scratch/web/result.tap")
    [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    count web "$good" "$bad"
}

# The number in the last line like "# pass 12" of a TAP report; 0 if there is none.
tap_count() { awk -v word="$1" '$1 == "#" && $2 == word { sum = $3 } END { print sum + 0 }' "$2" 2>/dev/null || echo 0; }

# A check is a program in tests/checks. Exit code 0: passed; 77: skipped, and its last line names the missing tool.
suite_checks() {
    local check status good=0 bad=0 gone=0
    say "checks"
    for check in tests/checks/*; do
        [ -x "$check" ] || continue
        status=0
        "$check" >"$scratch/check.log" 2>&1 || status=$?
        case $status in
        0) good=$((good + 1)) ;;
        77) gone=$((gone + 1)) && missing "$(tail -n 1 "$scratch/check.log")" ;;
        *) bad=$((bad + 1)) && printf 'FAILED %s\n' "$check" && cat "$scratch/check.log" ;;
        esac
    done
    count checks "$good" "$bad" "$gone"
}

# Fuzzes every decoder briefly; ./build.sh fuzz runs longer.
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
