# The user of the programs. No program of ours runs as root: root creates a separate user for them;
# any other user runs them itself. Sourced; callers write "${as_user[@]}" before a command.
# shellcheck shell=bash

as_user=()

# unprivileged DIR…: sets as_user so that it may enter these directories.
unprivileged() {
    [ "$(id -u)" -eq 0 ] || return 0
    id nexus >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin nexus
    local nexus=(setpriv --reuid=nexus --regid=nexus --init-groups) capability
    as_user=("${nexus[@]}")
    may_enter "$@" && return 0
    # The directories are below one that this user may not enter, such as /root: give it the weakest capability that is enough.
    for capability in dac_read_search dac_override; do
        as_user=("${nexus[@]}" --inh-caps="+$capability" --ambient-caps="+$capability")
        may_enter "$@" && return 0
    done
    printf 'the user nexus cannot reach %s; move the tree out of the closed directory\n' "$*" >&2
    return 1
}

# shellcheck disable=SC2016 # the inner shell expands them
may_enter() { "${as_user[@]}" sh -c 'for dir; do cd "$dir" || exit; done' - "$@" 2>/dev/null; }
