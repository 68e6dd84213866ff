"""Reading in a database that is full of finished conversations: every GET of the API, and lists and look-ups of whatever is old."""

import time

import history
from harness.api.openapi import Api
from harness.api.samples import SAMPLES, sample
from harness.identities import Installation
from harness.nexus.stack import BINARIES

import requests

TIMES = 100         # each request
WARM = 16           # requests before, because each connection plans a statement once
LIMIT_MS = 50       # of the 99th percentile
GROWING = "message", "conversation", "contact", "provider_message", "receipt", "attempt", "event", "inbound_part", "undelivered"


def latency(rig, section):
    with rig.nexus() as nexus:
        installation = Installation(nexus.stack)
        history.fill(nexus, rig.scale.history // history.MESSAGES_EACH, installation.ours)
        nexus.query("select pg_stat_force_next_flush()")
        before = scanned(nexus)
        rows = [measured(name, send) for name, send in requests_of(nexus, installation)]
        nexus.quiet()
        section.table(f"{TIMES} requests of each kind, one after the other, with {history.number(rig.scale.history)} messages of one contact "
                      "center, ms", rows)
        worst = max(rows, key=lambda row: row["99 %"])
        section.at_most(f"the slowest: {worst['request']}, 99 %", worst["99 %"], LIMIT_MS, "ms")
        section.at_most("rows read by scans of whole tables that grow", scanned(nexus) - before, 0)


def requests_of(nexus, installation):
    """(name, a function that sends it) of every GET of the API, and of old things."""
    session, base, ours = requests.Session(), nexus.stack.url(), installation.ours
    headers = {}
    for operation in Api.of(BINARIES).operations:
        if operation.method.upper() != "GET" or operation.is_stream or operation.path_names() and operation.name not in SAMPLES:
            continue    # files of pages and signed links, which ask no table that grows
        one = sample(operation, installation)
        headers[operation.name] = installation.authorized.headers(operation, ours.ccid)
        yield f"{operation.name}", lambda one=one, name=operation.name: one.send(session, base, headers[name])
    any_headers = headers["conversations"]
    [(message, provider, external, conversation, address)] = nexus.query(
        "select o.id::text, 'sim-' || o.id, i.external_id, i.conversation_id::text, i.address from message o"
        " join message i on i.tenant_id = o.tenant_id and i.conversation_id = o.conversation_id and i.sequence = 1"
        " where o.tenant_id = %s and o.conversation_id is not null and o.sequence = 2 and o.author = 'agent'"
        " order by o.created offset 1000 limit 1", nexus.tenant_id(ours))
    late = nexus.value("select conversation_position(c) from conversation c where c.tenant_id = %s and c.id = %s", nexus.tenant_id(ours),
                       conversation)
    for name, path, query in (
            ("a page of finished conversations", "/chat/v3/conversations", {"state": "done"}),
            ("a late page of finished conversations", "/chat/v3/conversations", {"state": "done", "after": late}),
            ("the conversations of a phone", "/chat/v3/conversations", {"state": "done", "address": address}),
            ("an old conversation", f"/chat/v3/conversations/{conversation}", {}),
            ("its transcript", f"/chat/v3/conversations/{conversation}/messages", {}),
            ("the contact of a phone", "/chat/v3/contacts", {"address": address}),
            ("the latest messages", "/nexus/v3/messages", {}),
            ("the messages of a phone", "/nexus/v3/messages", {"phone": address}),
            ("the messages of a conversation", "/nexus/v3/messages", {"conversation": conversation}),
            ("delivered messages", "/nexus/v3/messages", {"state": "delivered"}),
            ("failed messages, of which there are none", "/nexus/v3/messages", {"state": "failed"}),
            ("a timeline by our id", f"/nexus/v3/messages/{message}/timeline", {}),
            ("a timeline by the provider's id", f"/nexus/v3/messages/{provider}/timeline", {}),
            ("a timeline by the sender's id", f"/nexus/v3/messages/{external}/timeline", {}),
            ("a timeline by an id that nobody knows", "/nexus/v3/messages/never-seen/timeline", {}),
            ("the ledger of all days", "/nexus/v3/ledger", {}),
            ("the ledger of a month", "/nexus/v3/ledger", {"from": "2026-10-01", "to": "2026-10-31"}),
            ("the ledger by contact center", "/nexus/v3/ledger", {"by": "tenant"})):
        yield name, lambda path=path, query=query: session.get(base + path, params=query, headers=any_headers, timeout=20)


def measured(name, send):
    took, statuses = [], set()
    for _ in range(WARM):
        send()
    for _ in range(TIMES):
        begin = time.monotonic()
        statuses.add(send().status_code)
        took.append((time.monotonic() - begin) * 1000)
        if took[-1] > 1000:
            break # it says enough
    took.sort()
    return {"request": name, "status": ", ".join(map(str, sorted(statuses))), "50 %": round(took[len(took) // 2], 1),
            "99 %": round(took[len(took) * 99 // 100], 1)}


def scanned(nexus):
    return int(nexus.value("select coalesce(sum(seq_tup_read), 0) from pg_stat_user_tables where relname = any (%s)", list(GROWING)))
