# A machine to install things on: this one's files under a layer of its own, with systemd as its first process, and with
# its own processes, network, mounts and cgroups. What happens in it is gone with it. Sourced; needs root.
# shellcheck shell=bash

machine_pid='' machine_launcher='' machine_cgroup=''

# machine_missing: prints what this machine lacks for it; nothing: it can be done.
machine_missing() {
    local tool
    [ "$(id -u)" -eq 0 ] || { echo "root" && return; }
    for tool in /lib/systemd/systemd unshare nsenter ip; do
        command -v "$tool" >/dev/null || { echo "$tool" && return; }
    done
    findmnt --noheadings --types cgroup2 >/dev/null || { echo "cgroup2" && return; }
    # shellcheck disable=SC2016
    unshare --mount --pid --fork --net --uts --ipc --cgroup sh -c '
        mount -t tmpfs none "$1" && mkdir "$1/upper" "$1/work" "$1/root" &&
        mount -t overlay none -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"' - "$1" >/dev/null 2>&1 ||
        echo "namespaces and overlayfs"
}

# machine_start DIRECTORY FILE…: the files are in its folder /given.
machine_start() {
    machine_cgroup=$(findmnt --noheadings --types cgroup2 --output TARGET | head -n 1)/nexus-check-$$
    mkdir "$machine_cgroup"
    (
        echo "$BASHPID" >"$machine_cgroup/cgroup.procs"
        exec unshare --mount --pid --fork --kill-child --net --uts --ipc --cgroup \
            "$(dirname "${BASH_SOURCE[0]}")/boot" "$@"
    ) >"$1/console" 2>&1 &
    machine_launcher=$!
    machine_within 30 "the machine starts; see $1/console" machine_is_up
}

machine_is_up() {
    machine_pid=$(pgrep --parent "$machine_launcher" || true)
    [ -n "$machine_pid" ] && [ "$(cat "/proc/$machine_pid/comm")" = systemd ] &&
        [[ "$(inside systemctl is-system-running 2>/dev/null)" =~ ^(running|degraded)$ ]]
}

inside() { nsenter --all --target "$machine_pid" -- env -i PATH="/usr/sbin:/usr/bin:/sbin:/bin" LANG=C.UTF-8 HOME=/root "$@"; }

machine_within() { # SECONDS WHAT COMMAND…: a busy machine gets five times as long
    local deadline=$((SECONDS + 5 * $1))
    until "${@:3}"; do
        [ "$SECONDS" -lt "$deadline" ] || { printf 'not within %s s: %s\n' "$1" "$2" >&2 && exit 1; }
        sleep 0.2
    done
}

# Its first process takes all others with it.
machine_end() {
    [ -n "$machine_launcher" ] || return 0
    [ -z "$machine_pid" ] || kill -KILL "$machine_pid" 2>/dev/null || true
    kill -KILL "$machine_launcher" 2>/dev/null || true
    wait "$machine_launcher" 2>/dev/null || true
    machine_within 30 "its processes have gone" machine_has_gone
}
machine_has_gone() {
    find "$machine_cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || true # busy as long as one is dying
    [ ! -e "$machine_cgroup" ]
}
