"""What the end-to-end tests stand on: real processes, a real PostgreSQL and Redis, and people who use them.

    process.py    one running program: its logs, its signals
    database.py   PostgreSQL and Redis of a test run
    stack.py      a whole Nexus in any shape: how many of each, ipc or tcp with CURVE
    supervised.py a whole Nexus under s6, as ./build.sh run starts it
    ports.py      ports to listen on
    gws.py        GWS, as the simulator plays it
    people.py     a tenant with an aggregator that posts, an agent that answers
    openapi.py    the API as its document describes it, and whether an answer is what that promises
    identities.py everybody who may knock, and what the route table says that each of them gets
    samples.py    a good request for each operation
    watch.py      holds every answer of a gateway against the document
    customer.py   the gateway of a customer, which receives what we send out
    sink.py       a bare listener: for answers that are no HTTP, and to prove that nobody called
    bus_peer.py   somebody on the bus who says what he likes
    traffic.py    phones and agents under load, with a list of their own of what was acknowledged
    auditor.py    compares that list with what Nexus has and what went out
    fault_run.py  a test's fault under such traffic, with the audit at its end
    receipts.py   receipts under load, with a list of those that were acknowledged
    silent_link.py  a TCP link that can die without a word
    wait.py       conditions with deadlines; nothing here sleeps for a fixed time
"""

import requests

_session_init = requests.Session.__init__


def _closed_session(session):
    """No proxy and no .netrc: whoever runs the tests may have them set, and looking for them before each request took a
    fifth of the tests' own time."""
    _session_init(session)
    session.trust_env = False


requests.Session.__init__ = _closed_session
