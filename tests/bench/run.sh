#!/usr/bin/env bash
# ./build.sh bench [--quick] [--json FILE] [--record] [--beside TREE] [--messages N] [MEASUREMENT…]: measures, as the user
# that the programs run as. Paths of files are relative to the caller's directory.
#
#   --json FILE     also writes the result as JSON
#   --record        puts the tables into docs/performance.md
#   --beside TREE   compares accepting and delivering with another tree, which must be built
#   --messages N    how many messages the measurement "history" stores
set -euo pipefail
caller_dir=${caller_dir:-$PWD}
cd "$(dirname "$(readlink -f "$0")")/../.."
root=$PWD
# shellcheck source=supervise/user.sh
. supervise/user.sh

path_for_caller() { (cd "$caller_dir" && realpath -m -- "$1"); }

json='' record=false arguments=() readable=()
while [ $# -gt 0 ]; do
    case $1 in
    --json) json=$(path_for_caller "${2:?"--json needs a file"}") && shift ;;
    --beside)
        other=$(path_for_caller "${2:?"--beside needs a tree"}") && shift
        [ -x "$other/build/release/bin/gateway" ] || { echo "bench: $other is not built: run its ./build.sh build release" >&2 && exit 2; }
        readable+=("$other/tests/bench" "$other/tests/e2e" "$other/build/release/bench")
        arguments+=(--beside "$other")
        ;;
    --record) record=true ;;
    *) arguments+=("$1") ;;
    esac
    shift
done

scratch=$(mktemp -d /tmp/nexus-bench-XXXXXX)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
unprivileged "$root/tests/bench" "$root/tests/e2e" "$root/build/release/bench" "${readable[@]}"
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
