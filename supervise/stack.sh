# The whole of Nexus on one machine, under s6: what `./build.sh run` does after building. build.sh, which defines say, die,
# $root and $caller_dir, sources this file and calls stack_run. stack_run becomes the user of the programs and continues in
# supervise/up.
#
#   <state>/postgresql  the database          <state>/secrets    made once, readable by their owner only
#   <state>/nexus.conf  settings of all       <state>/demo.json  the demo tenant: its keys, number, URLs
#   <state>/demo.simulator  the URL that its webhooks go to
#   <state>/supervise   s6's service dirs     <state>/log        one folder for each process
#   <state>/run         sockets               <state>/metrics.totals  counters that metrics-agent continues after a restart
#   <state>/alive       a locked file for each running process   <state>/deaths  how each one died last
# shellcheck shell=bash disable=SC2154

http_port=${NEXUS_HTTP_PORT:-8080}
metrics_port=${NEXUS_METRICS_PORT:-4004}
simulator_port=${NEXUS_SIM_PORT:-8090}
# shellcheck source=supervise/user.sh
. "$root/supervise/user.sh"
# shellcheck source=supervise/leftovers.sh
. "$root/supervise/leftovers.sh"

# File names are relative to the caller's directory. For root, nexusctl may read every file that root
# may read, but writes none.
stack_ctl() {
    stack_locate
    [ -x "$NEXUS_BUILD_DIR/bin/nexusctl" ] || die "nexusctl is not built yet; ./build.sh run builds and starts everything"
    if [ "$(id -u)" -eq 0 ]; then
        unprivileged "$NEXUS_BUILD_DIR/bin" || exit 1
        [[ "${as_user[*]}" = *-caps=* ]] ||
            as_user+=(--inh-caps=+dac_read_search --ambient-caps=+dac_read_search)
    fi
    cd "$caller_dir" || exit
    case ${1:-} in
    '' | help | -h | --help | version | completion) nexusctl_bare "$@" && return || return ;;
    esac
    if ! [ -e "$state" ] && stack_hidden "$(dirname "$state")"; then
        die "whether something runs in $state cannot be seen from here: run this as root, or as the user who started it"
    fi
    [ -e "$state" ] || die_never_run
    if ! { [ -r "$state" ] && [ -x "$state" ]; }; then
        die "$state belongs to $(stat -c %U "$state"): run this as that user or as root, for example with sudo"
    fi
    [ -f "$state/nexus.conf" ] || die_never_run
    nexusctl "$@"
}

# Is a directory on the path not accessible?
stack_hidden() {
    local dir=$1
    until [ -e "$dir" ] || [ "$dir" = / ]; do dir=$(dirname "$dir"); done
    ! [ -x "$dir" ]
}

die_never_run() {
    die "nothing was ever run in $state; ./build.sh run starts it (NEXUS_STATE_DIR names another directory, for both)"
}

# Root makes the user and its directory, and nothing else: below a directory that another user owns, that user could redirect
# root's writes by a link.
stack_run() {
    local name
    stack_locate
    stack_user
    # The programs get only these variables of the environment. They are not arguments of env, because
    # every user of the machine may read those.
    while read -r name; do
        case $name in PATH | LANG | TERM | NEXUS_*) ;; *) export -n "${name?}" ;; esac
    done < <(compgen -e)
    while read -r _ _ name; do export -nf "${name?}"; done < <(declare -Fx)
    export LANG="${LANG:-C.UTF-8}" TERM="${TERM:-dumb}" NEXUS_STATE_DIR=$state HOME=$state
    exec "${as_user[@]}" "$root/supervise/up"
}

stack_up() {
    stack_locate
    chmod 0750 "$state"
    stack_claim
    trap stack_stop EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    own_dir "$state/alive" "$state/deaths" "$state/log"
    leftovers_end
    stack_files
    stack_services
    stack_supervise
    start postgresql redis
    stack_migrate
    stack_gws
    mapfile -t programs < <(cd "$state/supervise" && printf '%s\n' *-[0-9]*)
    start "${programs[@]}"
    stack_demo
    stack_well
    stack_ready
    wait "$supervisor" || true
    die "the supervisor, s6-svscan, ended by itself, so everything is stopped; see $state/log"
}

# --- where and as whom ------------------------------------------------------------------------

stack_locate() {
    state=$(cd "$caller_dir" && realpath -m -- "${NEXUS_STATE_DIR:-$root/var}")
    # The path of a socket has at most 107 bytes. If the state directory's path is too long, a short one is used instead.
    sockets=$state/run
    if [ ${#sockets} -gt 80 ]; then
        sockets=/tmp/nexus-$(printf %s "$state" | sha256sum | cut -c 1-16)
    fi
    export NEXUS_BUILD_DIR=$root/build/release
    PATH=/usr/lib/postgresql/15/bin:$PATH
}

stack_user() {
    (umask 022 && mkdir -p "$state")
    unprivileged "$NEXUS_BUILD_DIR/bin" "$root/web/dist" "$root/supervise" "$state" || exit 1
    [ "$(id -u)" -ne 0 ] || chown --no-dereference nexus: "$state"
}

own_dir() { "${as_user[@]}" mkdir -p -m 0700 "$@"; }

# One supervisor for each state directory. The kernel releases the lock when this process ends, however it ends. Older versions
# wrote this file and two logs as root: they are removed here, because the directory is ours. The lock on root's file is held
# until the end too, so a process that opened the file before it was removed finds it locked.
stack_claim() {
    local file
    [ ! -L "$state/lock" ] || die "$state/lock is a link; remove it"
    if [ -e "$state/lock" ] && [ ! -O "$state/lock" ]; then
        if [ -r "$state/lock" ]; then
            exec 8<"$state/lock"
            flock -n 8 || die "already running from $state"
        fi
        [ -z "$(supervisors s6-svscan)" ] || die "already running from $state"
        rm -f "$state/lock"
    fi
    exec 9>"$state/lock"
    flock -n 9 || die "already running from $state"
    for file in "$state"/log/{s6,initdb}; do
        if [ -f "$file" ] && [ ! -O "$file" ]; then rm -f "$file"; fi
    done
}

# --- what is on disk --------------------------------------------------------------------------

stack_files() {
    local program
    own_dir "$state/secrets"
    if [ "$sockets" = "$state/run" ]; then
        own_dir "$sockets"
    else
        own_dir "$sockets"
        [ "$(stat -c %U "$sockets")" = "$("${as_user[@]}" id -un)" ] || die "$sockets belongs to another user"
        "${as_user[@]}" ln -sfn "$sockets" "$state/run"
    fi
    rm -f "$sockets"/*.sock
    secret key_pepper
    secret key_encryption_key
    secret log_key
    secret gws_client_secret
    own_dir "$state/secrets/bus"
    for program in "${bus_programs[@]}"; do
        bus_public "$program" >/dev/null || die "the keys of the bus could not be made"
    done
    if [ ! -f "$state/postgresql/PG_VERSION" ]; then
        say "making a database in $state/postgresql"
        "${as_user[@]}" initdb --pgdata="$state/postgresql" --data-checksums --auth=peer --encoding=UTF8 \
            --locale=C.UTF-8 >"$state/log/initdb" || die "initdb failed; see $state/log/initdb"
    fi
    demo_file
    settings | private_file "$state/nexus.conf"
}

# The demo tenant. Its keys are made once; its URLs have the ports of this start.
demo_file() {
    local demo
    if [ ! -s "$state/demo.json" ]; then
        # Through standard input, because every user of the machine may read a program's arguments.
        printf '%s\n' "$(random_uuid)" "$(random_uuid)" "$(random_uuid)" "$(random_uuid)" "$(random_hex 24)" "$(random_hex 24)" |
            jq -Rn '[inputs] as [$ccid, $api_key, $cluster_key, $agent_token, $api_secret, $webhook_secret] | {
                ccid: $ccid, apiKey: $api_key, clusterKey: $cluster_key, agentToken: $agent_token,
                channelId: "18445551212", emailDomain: "mail.demo.example",
                asyncApiSecret: $api_secret, asyncWebhookSecret: $webhook_secret}' |
            private_file "$state/demo.json"
    fi
    # Read as a whole before the file is replaced: a file with an error in it stays as it is.
    demo=$(jq --arg url "http://127.0.0.1:$http_port" --arg metrics "http://127.0.0.1:$metrics_port/metrics" \
        --arg simulator "http://127.0.0.1:$simulator_port" \
        --rawfile client_secret <("${as_user[@]}" cat "$state/secrets/gws_client_secret") '
            {url: $url, metricsUrl: $metrics, simulatorUrl: $simulator, gwsUrl: $simulator, authUrl: $simulator} as $urls |
            {
                gwsClientSecret: $client_secret, adminUser: "\(.ccid)\\nexus", adminPassword: "nexus_password",
                operatorUser: "ops", operatorPassword: "ops"
            } as $gws |
            $urls + with_entries(select(.key | in($urls + $gws) | not)) + $gws' \
        "$state/demo.json")
    printf '%s\n' "$demo" | private_file "$state/demo.json"
}

demo() { jq --raw-output ".$1" "$state/demo.json"; }

# Writes standard input into a file that only its owner may read. A crash here leaves no part of a file.
private_file() {
    # shellcheck disable=SC2016
    "${as_user[@]}" sh -c 'umask 077; cat >"$1.new" && mv "$1.new" "$1"' write "$1"
}

# Each program's key pair for the bus is made once. The list of bus_clients says which services a public
# key may offer.
bus_programs=(gateway chat-worker sms-worker provisioning-worker metrics-agent simulator)
bus_public() { nexusctl_bare curve make "$state/secrets/bus/$1"; }

bus_clients() {
    local program
    for program in "${bus_programs[@]}"; do printf '%s %s; ' "$(bus_public "$program")" "$program"; done
}

secret() {
    [ -s "$state/secrets/$1" ] || random_hex 32 | private_file "$state/secrets/$1"
}

random_hex() { od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n'; }
random_uuid() { cat /proc/sys/kernel/random/uuid; }

settings() {
    cat <<TEXT
# Written by ./build.sh run at every start. The environment overrides these settings.
NEXUS_PG_URL=host=$sockets dbname=nexus user=nexus_worker
NEXUS_PG_MIGRATION_URL=host=$sockets dbname=nexus
NEXUS_REDIS_URL=unix:$sockets/redis.sock
NEXUS_BUS=ipc://$sockets/bus.gateway-*.sock
NEXUS_CURVE_SERVER=$(bus_public gateway)
NEXUS_CURVE_AGENT=$(bus_public metrics-agent)
NEXUS_CURVE_CLIENTS=$(bus_clients)
NEXUS_METRICS_PUSH=ipc://$sockets/metrics.sock
NEXUS_METRICS_HOST=127.0.0.1
NEXUS_METRICS_PORT=$metrics_port
NEXUS_METRICS_URL=http://127.0.0.1:$metrics_port/metrics
NEXUS_METRICS_STATE=$state/metrics.totals
NEXUS_DEATHS=$state/deaths
NEXUS_PUBLIC_URL=$(demo url)
NEXUS_SIM_PORT=$simulator_port
NEXUS_SIM_TARGET=$(demo url)
NEXUS_SIM_CCID=$(demo ccid)
NEXUS_SIM_KEY=$(demo clusterKey)
NEXUS_SIM_WEBHOOK_SECRET=$(demo asyncWebhookSecret)
NEXUS_SIM_CLIENT_SECRET_FILE=$state/secrets/gws_client_secret
NEXUS_KEY_PEPPER_FILE=$state/secrets/key_pepper
NEXUS_LOG_KEY_FILE=$state/secrets/log_key
NEXUS_KEY_ENCRYPTION_KEY_FILE=$state/secrets/key_encryption_key
NEXUS_WEBHOOK_ALLOW_CIDRS=127.0.0.0/8,::1/128
NEXUS_DRAIN_DELAY=0s
NEXUS_WEB_ROOT=$root/web/dist
TEXT
}

# --- s6 ---------------------------------------------------------------------------------------

# program NAME [VARIABLE=VALUE…]: one of ours, with the key pair of its program.
program() {
    service "$1" program "NEXUS_CURVE_PUBLIC=$(bus_public "${1%-*}")" \
        "NEXUS_CURVE_SECRET_FILE=$state/secrets/bus/${1%-*}" "${@:2}"
}

# service NAME TEMPLATE [VARIABLE=VALUE…]: a service directory, down until start() says otherwise.
service() {
    local dir=$state/supervise/$1 setting
    "${as_user[@]}" cp -r "supervise/$2" "$dir"
    "${as_user[@]}" cp -r supervise/finish supervise/only-one supervise/death supervise/log "$dir"
    own_dir "$dir/env"
    "${as_user[@]}" touch "$dir/down"
    for setting in "${@:3}"; do
        printf '%s' "${setting#*=}" | private_file "$dir/env/${setting%%=*}"
    done
}

stack_services() {
    local n
    rm -rf "$state/supervise"
    own_dir "$state/supervise"
    service postgresql postgresql
    service redis redis
    program simulator-0
    program metrics-agent-0
    for ((n = 0; n < ${NEXUS_GATEWAYS:-1}; n++)); do
        program "gateway-$n" "NEXUS_HTTP_PORT=$((http_port + n))" \
            "NEXUS_BUS_BIND=ipc://$sockets/bus.gateway-$n.sock"
    done
    for ((n = 0; n < ${NEXUS_CHAT_WORKERS:-1}; n++)); do program "chat-worker-$n"; done
    for ((n = 0; n < ${NEXUS_SMS_WORKERS:-1}; n++)); do program "sms-worker-$n"; done
    for ((n = 0; n < ${NEXUS_PROVISIONING_WORKERS:-1}; n++)); do program "provisioning-worker-$n"; done
}

# s6 gets its own session, so that Ctrl-C reaches only us and we can stop the programs in their order. If we are killed, the
# kernel sends s6 a SIGTERM, and s6 stops everything at once.
stack_supervise() {
    local to_user=("${as_user[@]}")
    [ ${#to_user[@]} -gt 0 ] || to_user=(setpriv)
    "${to_user[@]}" --pdeathsig=TERM setsid s6-svscan "$state/supervise" 8>&- 9>&- \
        > >(exec 8>&- 9>&- supervise/log/json-lines s6 >"$state/log/s6") 2>&1 &
    supervisor=$!
    within 30 all_supervised || die "s6 did not start: $(tail -n 3 "$state/log/s6")"
}

# A service is supervised when its status can be read. s6-svok succeeds earlier, as soon as s6-supervise has opened its
# fifo; then s6-svwait still fails for lack of a status. The directories are new, so there is no status of an earlier run.
all_supervised() {
    local dir
    for dir in "$state"/supervise/*/; do "${as_user[@]}" s6-svstat "$dir" >/dev/null 2>&1 || return 1; done
}

# within SECONDS COMMAND…: repeats the command until it succeeds.
within() {
    local deadline=$((SECONDS + $1))
    until "${@:2}"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}

start() {
    local dir dirs=("${@/#/$state/supervise/}")
    say "starting $*"
    for dir in "${dirs[@]}"; do "${as_user[@]}" s6-svc -u "$dir"; done
    # In the background, because the shell hears signals only while it waits.
    "${as_user[@]}" s6-svwait -U -t 60000 "${dirs[@]}" &
    wait $! || give_up "$@"
    # From now on a new s6-supervise starts the service by itself, and only-one ends the process that the old one left.
    for dir in "${dirs[@]}"; do "${as_user[@]}" rm -f "$dir/down"; done
}

# Reports which process failed, and its last log lines.
give_up() {
    local name
    for name in "$@"; do
        [ "$("${as_user[@]}" s6-svstat -o ready "$state/supervise/$name")" = true ] && continue
        printf '%s is not up. The end of %s:\n' "$name" "$state/log/$name/current" >&2
        tail -n 5 "$state/log/$name/current" >&2 || true # it may have said nothing yet
    done
    die "start failed"
}

# Programs that take requests stop first, the databases last.
stack_stop() {
    trap '' INT TERM HUP
    trap - EXIT
    [ -n "${supervisor:-}" ] || return 0
    say "stopping"
    stop "$state"/supervise/{gateway,simulator}-*
    stop "$state"/supervise/{chat,sms,provisioning}-worker-*
    stop "$state"/supervise/{metrics-agent-0,redis,postgresql}
    # Not by s6-svscanctl, which fails until s6-svscan has opened its fifo: if we are stopped right after the start, we would
    # wait here for ever.
    kill -TERM "$supervisor" 2>/dev/null || true
    wait "$supervisor" || true
    leftovers_end
    [ "$sockets" = "$state/run" ] || rm -rf "$sockets" "$state/run"
    say "stopped; the data is in $state"
}

stop() {
    local dir waiting=()
    for dir in "$@"; do
        "${as_user[@]}" s6-svc -wD -T 40000 -d "$dir" 2>/dev/null &
        waiting+=($!)
    done
    wait "${waiting[@]}" || true
}

# --- the database and the demo tenant ---------------------------------------------------------

# The operator's command with the settings of this state directory.
nexusctl() { nexusctl_bare --config "$state/nexus.conf" "$@"; }
nexusctl_bare() { "${as_user[@]}" "$NEXUS_BUILD_DIR/bin/nexusctl" "$@"; }

stack_migrate() {
    local databases
    databases=$("${as_user[@]}" psql --host="$sockets" --dbname=postgres --quiet --no-align --tuples-only \
        --command='select datname from pg_database')
    grep -qx nexus <<<"$databases" || "${as_user[@]}" createdb --host="$sockets" nexus
    nexusctl migrate || die "the database could not be brought up to date"
    superuser_sql <<<'alter role nexus_worker login' || die "nexus_worker cannot be made to log in"
}

# The current user is the only superuser of the cluster, and makes the database, its roles and the
# row below.
superuser_sql() { "${as_user[@]}" psql --host="$sockets" --dbname=nexus --quiet --set=ON_ERROR_STOP=1; }

# Where GWS is: the simulator, at the port of this start. A row that somebody added for another GWS stays.
stack_gws() {
    GWS_URL=$(demo gwsUrl) GWS_SECRET=$(demo gwsClientSecret) superuser_sql <<'SQL' ||
set role nexus_owner;
\getenv url GWS_URL
\getenv secret GWS_SECRET
update nex_gapis set url = :'url', authinturl = :'url', authexturl = :'url', clientsecret = :'secret'
where clientid = 'nexus_client' and url like 'http://127.0.0.1:%' and url <> :'url';
insert into nex_gapis (url, clientid, apikey, clientsecret, created, region, authinturl, authexturl)
select :'url', 'nexus_client', 'NA', :'secret', now(), null, :'url', :'url'
where not exists (select from nex_gapis where url = :'url' and clientid = 'nexus_client');
SQL
        die "GWS could not be made known"
}

# The demo tenant is made if it is missing. Later changes of it stay, with one exception: webhooks that go to the simulator's
# old URL get its URL of this start. demo.simulator has the old URL. It is written last, so the next start repeats this if this
# one dies here.
stack_demo() {
    local before
    if ! nexusctl export --tenant "$(demo ccid)" >/dev/null 2>&1; then
        stack_demo_make
    else
        before=$(cat "$state/demo.simulator" 2>/dev/null || true)
        if [ -n "$before" ] && [ "$before" != "$(demo simulatorUrl)" ]; then
            nexusctl export --tenant "$(demo ccid)" | sed "s|url: $before/gateway/|url: $(demo simulatorUrl)/gateway/|" |
                nexusctl apply -f - >/dev/null || die "the webhooks of the demo tenant could not follow the simulator"
        fi
    fi
    demo simulatorUrl | private_file "$state/demo.simulator"
}

stack_demo_make() {
    # shellcheck disable=SC2016 # the $ are jq's and the file's
    jq --raw-input --raw-output --slurpfile demo "$state/demo.json" \
        'gsub("\\$\\{(?<name>[A-Za-z]+)\\}"; $demo[0][.name])' supervise/demo.yaml |
        nexusctl apply -f - >/dev/null ||
        die "the demo tenant could not be provisioned"
}

# --- ready ------------------------------------------------------------------------------------

stack_well() {
    within 30 health_is_well && return 0
    printf 'health is not green:\n' >&2
    health | jq . >&2 || true
    give_up "${programs[@]}"
}

health() { curl --silent --max-time 2 "http://127.0.0.1:$http_port/health/detail"; }

# Green, or yellow only because of something outside: everything that was started works, and a start does not mend the rest.
health_is_well() {
    health | jq --slurp --exit-status '.[0] | # null if it does not answer
        .state == "green" or
        (.state == "yellow" and
         all(.causes[].code; IN("destination.failing", "destination.off", "db.held", "db.locked", "bus.refused")))' \
        >/dev/null 2>&1
}

stack_ready() {
    cat <<TEXT
ready: gateway        http://127.0.0.1:$http_port
       administration http://127.0.0.1:$http_port/admin/ as $(demo adminUser), password $(demo adminPassword);
                      for all contact centers as $(demo operatorUser), password $(demo operatorPassword)
       metrics        http://127.0.0.1:$metrics_port/metrics
       simulator      http://127.0.0.1:$simulator_port
       keys           $state/demo.json
TEXT
    health | jq --raw-output 'range(.reasons | length) as $n | "health: \(.reasons[$n]). \(.causes[$n].remedy)"' || true
}
