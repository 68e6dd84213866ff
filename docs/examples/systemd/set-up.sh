#!/bin/sh
# set-up.sh [DIRECTORY]: writes what Nexus needs below /etc/nexus on one machine with systemd: secrets, the key pairs of the
# bus, settings. What is there already stays. docs/production.md says what comes before and after it.
set -eu
where=${1:-/etc/nexus}
umask 077
mkdir -p "$where"

for secret in key_pepper key_encryption_key log_key; do
    [ -s "$where/$secret" ] || openssl rand -hex 32 >"$where/$secret"
done

clients=
for program in gateway chat-worker sms-worker provisioning-worker metrics-agent; do
    public=$(nexusctl bus-key "$where/$program.key")
    clients="$clients$public $program; "
    [ -e "$where/$program-0.env" ] || cat >"$where/$program-0.env" <<TEXT
NEXUS_CURVE_PUBLIC=$public
NEXUS_CURVE_SECRET_FILE=$where/$program.key
TEXT
done
grep -q ^NEXUS_BUS_BIND= "$where/gateway-0.env" || cat >>"$where/gateway-0.env" <<TEXT
NEXUS_BUS_BIND=ipc:///run/nexus/bus.gateway-0.sock
NEXUS_HTTP_PORT=8080
TEXT

[ -e "$where/nexus.conf" ] || cat >"$where/nexus.conf" <<TEXT
# The settings of all programs on this machine; docs/generated/configuration.md explains them. The .env files beside it
# hold what differs from one process to the next.
NEXUS_PG_URL=host=/run/postgresql dbname=nexus user=nexus
NEXUS_REDIS_URL=redis://127.0.0.1:6379
NEXUS_PUBLIC_URL=https://nexus.example.com
NEXUS_TRUSTED_PROXIES=127.0.0.1/32
NEXUS_BUS=ipc:///run/nexus/bus.gateway-*.sock
NEXUS_CURVE_SERVER=$(nexusctl bus-key "$where/gateway.key")
NEXUS_CURVE_AGENT=$(nexusctl bus-key "$where/metrics-agent.key")
NEXUS_CURVE_CLIENTS=$clients
NEXUS_METRICS_PUSH=ipc:///run/nexus/metrics.sock
NEXUS_METRICS_HOST=127.0.0.1
NEXUS_METRICS_URL=http://127.0.0.1:4004/metrics
NEXUS_METRICS_STATE=/var/lib/nexus/metrics.totals
NEXUS_KEY_PEPPER_FILE=$where/key_pepper
NEXUS_KEY_ENCRYPTION_KEY_FILE=$where/key_encryption_key
NEXUS_LOG_KEY_FILE=$where/log_key
NEXUS_WEB_ROOT=/usr/local/share/nexus/web
TEXT

[ "$(id -u)" -ne 0 ] || chown -R nexus: "$where"
