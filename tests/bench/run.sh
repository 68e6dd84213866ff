#!/usr/bin/env bash
# ./build.sh bench [--quick] [--json FILE] [--record] [MEASUREMENT…]: measures, as the user that the programs run as.
#
#   --json FILE   the result as JSON, too
#   --record      puts the tables into docs/performance.md
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
root=$PWD
# shellcheck source=supervise/user.sh
. supervise/user.sh

json='' record=false arguments=()
while [ $# -gt 0 ]; do
    case $1 in
    --json) json=${2:?"--json wants a file"} && shift ;;
    --record) record=true ;;
    *) arguments+=("$1") ;;
    esac
    shift
done

scratch=$(mktemp -d /tmp/nexus-bench-XXXXXX)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
unprivileged "$root/tests/bench" "$root/tests/e2e" "$root/build/release/bench"
[ "$(id -u)" -ne 0 ] || chown nexus: "$scratch"

status=0
"${as_user[@]}" env NEXUS_BUILD_DIR="${NEXUS_BUILD_DIR:-$root/build/release}" PYTHONDONTWRITEBYTECODE=1 \
    /usr/bin/python3 tests/bench/bench.py "$scratch" "${arguments[@]}" || status=$?

[ -z "$json" ] || [ ! -s "$scratch/result.json" ] || cat "$scratch/result.json" >"$json"
if "$record" && [ "$status" -eq 0 ]; then
    awk -v table="$scratch/result.md" '
        /^<!-- end of the tables -->/ { inside = 0 }
        !inside { print }
        /^<!-- the tables/ { inside = 1; print ""; while ((getline line < table) > 0) print line; print "" }
    ' docs/performance.md >"$scratch/performance.md"
    cat "$scratch/performance.md" >docs/performance.md
fi
exit "$status"
