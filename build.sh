#!/usr/bin/env bash
# Nexus: the commands for work with this source tree. `./build.sh help` lists them.
set -euo pipefail

caller_dir=$PWD
root=$(dirname "$(readlink -f "$0")")
cd "$root"

# Debian 12 packages: the compiler, the libraries, what the programs need to run, and what the tests use.
packages=(
    gcc libc6-dev cmake ninja-build pkg-config git clang clang-format llvm libclang-rt-14-dev
    libuv1-dev libh2o-dev libzmq3-dev libczmq-dev libmsgpack-dev libpq-dev libhiredis-dev libcurl4-openssl-dev zlib1g-dev
    libyaml-dev libssl-dev
    postgresql-15 redis-server s6 execline curl jq procps ca-certificates
    libcriterion-dev python3-pytest python3-pytest-xdist python3-requests python3-psycopg2 python3-jsonschema
    python3-hypothesis python3-prometheus-client wrk shellcheck
)
# Node.js and npm build the web pages: Debian's, unless others are installed. Version 18 or later is needed.
{ command -v node && command -v npm; } >/dev/null || packages+=(nodejs npm)

usage() {
    cat <<'TEXT'
usage: ./build.sh VERB [ARGUMENT…]

  run                  build, start everything on this machine, print the URLs; Ctrl-C stops it
  ctl COMMAND…         nexusctl, the operator's command, on what runs: ledger, replay, keys…
  test [SUITE [ARG…]]  all tests, or one suite: unit, e2e, web, checks, fuzz
  bench [ARG…]         measure, with the audit that every accepted message is there
  fuzz [SECONDS]       fuzz every decoder, 60 seconds each

  deps                 install the Debian packages that are missing (root or sudo)
  build [PRESET]       compile: release (default), dev, asan, clang, fuzz, uncounted; into build/PRESET
  package              make a Debian package of the release build, in build/packages
  web                  build the web pages into web/dist, if their sources changed
  docs                 write docs/generated again from the tables
  fmt                  format the C sources
  check                what the compiler cannot see: layers, formatting, scripts, wording
  clean                remove what was built; your data in the state directory stays

run reads these variables:

  NEXUS_STATE_DIR            where the data lives (./var)
  NEXUS_HTTP_PORT            gateway (8080; a second gateway takes the next port, and so on)
  NEXUS_METRICS_PORT         metrics (4004)
  NEXUS_SIM_PORT             simulator (8090)
  NEXUS_GATEWAYS, NEXUS_CHAT_WORKERS, NEXUS_SMS_WORKERS, NEXUS_PROVISIONING_WORKERS
                             how many of each (1)

and every setting of the programs (docs/generated/configuration.md).

Exit codes: 0 done, 1 failed, 2 used wrongly; ctl's are in ./build.sh ctl --help.
TEXT
}

say() { printf '── %s\n' "$*"; }
die() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }
wrong() { printf 'build.sh: %s\n' "$*" >&2; exit 2; }

# --- missing packages -------------------------------------------------------------------------

missing_packages() {
    local installed
    installed=$(dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
    comm -23 <(printf "%s\n" "${packages[@]}" | sort -u) <(sort -u <<<"$installed")
}

verb_deps() {
    local missing apt=(env DEBIAN_FRONTEND=noninteractive apt-get)
    mapfile -t missing < <(missing_packages)
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "installing packages takes root or sudo: apt-get install ${missing[*]}"
        apt=(sudo "${apt[@]}")
    fi
    # The package lists of a fresh image are empty, and those of an old one name files that no longer exist.
    "${apt[@]}" install -y -q --no-install-recommends "${missing[@]}" ||
        { "${apt[@]}" update -q && "${apt[@]}" install -y -q --no-install-recommends "${missing[@]}"; }
}

# --- building ---------------------------------------------------------------------------------

verb_build() {
    local preset=${1:-release}
    verb_deps
    say "building $preset"
    mkdir -p build
    {
        flock 9 # builds of the same preset run one after the other
        cmake --preset "$preset" --log-level=WARNING >/dev/null
        cmake --build --preset "$preset" -- --quiet | sed '/^ninja: no work to do\.$/d'
    } 9>"build/.$preset.lock"
    [ "$preset" != release ] || verb_web
}

# packaging/ has the files for it. If it is made twice from one commit in one folder, the two packages are the same.
verb_package() {
    [ $# -eq 0 ] || wrong "package takes no arguments"
    packages+=(dpkg-dev file)
    umask 022
    verb_build release
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)
    export SOURCE_DATE_EPOCH
    say "packing"
    rm -rf build/packages
    cpack --config build/release/CPackConfig.cmake -B build/packages >build/release/package.log 2>&1 ||
        die "it could not be packed: $(tail -n 5 build/release/package.log)"
    rm -rf build/packages/_CPack_Packages
    printf '%s\n' "$root"/build/packages/*.*deb
}

# The packages and the built pages each carry a mark that says what they were made from.
verb_web() {
    verb_deps
    local lock sources types=web/admin/src/openapi.d.ts
    lock=$(sha256sum <web/package-lock.json)
    if [ "$(cat web/node_modules/.made-from 2>/dev/null)" != "$lock" ]; then
        say "fetching what the web pages are built with"
        (cd web && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null)
        printf '%s' "$lock" >web/node_modules/.made-from
    fi
    sources=$(find web/admin web/package.json web/package-lock.json web/vite.config.js web/tsconfig.json docs/generated/openapi.json \
        -type f ! -path "$types" -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
    [ "$(cat web/dist/.made-from 2>/dev/null)" != "$sources" ] || [ ! -f "$types" ] || return 0
    say "building the web pages"
    rm -f web/dist/.made-from
    (cd web && npm run --silent api && npm run --silent types && npm run --silent build)
    printf '%s' "$sources" >web/dist/.made-from
}

verb_docs() {
    verb_build dev
    docs/generate.sh build/dev
}

verb_fmt() {
    verb_deps
    git ls-files -z '*.c' '*.h' | xargs -0 clang-format -i
}

verb_clean() { rm -rf build web/dist web/node_modules web/admin/src/openapi.d.ts; }

# --- running ----------------------------------------------------------------------------------

verb_run() {
    [ $# -eq 0 ] || wrong "run takes no arguments; it reads variables: ./build.sh help"
    verb_build release
    # shellcheck source=supervise/stack.sh
    . supervise/stack.sh
    stack_run
}

verb_ctl() {
    # shellcheck source=supervise/stack.sh
    . supervise/stack.sh
    stack_ctl "$@"
}

verb_bench() {
    verb_build release
    verb_build uncounted
    caller_dir=$caller_dir exec tests/bench/run.sh "$@"
}

verb_fuzz() {
    verb_build fuzz
    exec tests/fuzz/run.sh "${1:-60}"
}

verb_check() { verb_test checks; }

verb_test() {
    packages+=(chromium faketime fonts-dejavu-core prometheus python3-yaml systemd dpkg-dev file adduser iproute2)
    verb_deps
    exec tests/run.sh "$@"
}

# ----------------------------------------------------------------------------------------------

# ctl --help is nexusctl's own.
case ${1:-help}:${2:-} in
ctl:*) ;;
*:-h | *:--help) usage && exit ;;
esac
case ${1:-help} in
help | -h | --help) usage ;;
run | ctl | test | bench | fuzz | deps | build | package | web | docs | fmt | check | clean) "verb_$1" "${@:2}" ;;
*) wrong "no verb \"$1\"; ./build.sh help lists them" ;;
esac
