# Finds and ends processes of an earlier run of a state directory that still run because its
# supervisor was killed. Sourced by stack.sh. Every process holds a lock on its file in
# <state>/alive while it lives (only-one); s6's own are known by the folder they work in.
# shellcheck shell=bash disable=SC2154

# The names of running processes.
living() {
    local file
    for file in "$state"/alive/*; do
        [ -e "$file" ] || continue
        flock -n "$file" true || printf '%s\n' "${file##*/}"
    done
}

# The process ids of s6-svscan and s6-supervise; their folder may be deleted by now.
supervisors() { # NAME…
    local link pid
    while read -r link; do
        pid=${link//[!0-9]/}
        case " $* " in *" $(cat "/proc/$pid/comm" 2>/dev/null || true) "*) printf '%s\n' "$pid" ;; esac
    done < <(find /proc -maxdepth 2 -name cwd -lname "$state/supervise*" 2>/dev/null)
}

# A PostgreSQL on our data that holds no lock of ours.
postmaster() {
    local pid
    read -r pid 2>/dev/null <"$state/postgresql/postmaster.pid" || return 0
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != postgres ] || printf '%s\n' "$pid"
}

nothing_lives() { [ -z "$(living)$(supervisors s6-svscan s6-supervise)$(postmaster)" ]; }

signal_living() { # SIGNAL [SIGNAL of PostgreSQL]
    local name pid
    while read -r name; do
        read -r pid <"$state/alive/$name" || continue
        kill -CONT "$pid" 2>/dev/null || true
        if [ "$name" = postgresql ]; then kill "-${2:-$1}" "$pid"; else kill "-$1" "$pid"; fi 2>/dev/null || true
    done < <(living)
    pid=$(postmaster)
    [ -z "$pid" ] || kill "-${2:-$1}" "$pid" 2>/dev/null || true
}

# A start or stop holds the lock of the state directory, so these processes do not belong to another run.
leftovers_end() {
    local pids
    ! nothing_lives || return 0
    say "ending what an earlier run left: $(living | tr '\n' ' ')$(supervisors s6-svscan s6-supervise | tr '\n' ' ')$(postmaster)"
    # A supervisor that was told to stop stops everything in the right order.
    mapfile -t pids < <(supervisors s6-svscan)
    if [ ${#pids[@]} -gt 0 ]; then
        kill -TERM "${pids[@]}" 2>/dev/null || true
        ! within 10 nothing_lives || return 0
    fi
    # The supervisors go first, because they would restart the others.
    mapfile -t pids < <(supervisors s6-svscan && supervisors s6-supervise)
    [ ${#pids[@]} -eq 0 ] || kill -KILL "${pids[@]}" 2>/dev/null || true
    signal_living TERM INT
    ! within 20 nothing_lives || return 0
    signal_living KILL QUIT
    within 10 nothing_lives || die "these cannot be ended: $(living | tr '\n' ' ')$(postmaster)"
}
