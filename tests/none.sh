# none: a search of which each finding is a fault. For the checks; they end with [ "$faults" -eq 0 ].
# shellcheck shell=bash disable=SC2034
faults=0

# What COMMAND… prints is a fault. grep ends with 1 where it finds nothing; with more it could not look, which is one, too.
none() { # WHAT COMMAND…
    local found status=0
    found=$("${@:2}") || status=$?
    [ "$status" -le 1 ] || found="the search for it ended with $status"
    [ -n "$found" ] || return 0
    printf '%s:\n%s\n' "$1" "$found"
    faults=$((faults + 1))
}
