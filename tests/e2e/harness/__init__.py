"""What the end-to-end tests are built on: real processes, a real PostgreSQL and Redis, and their users.

    people.py       a tenant with an aggregator that posts texts and an agent that writes outbound messages
    identities.py   every kind of caller, and the status that the route table declares for each
    provisioning.py administrators who provision contact centers over HTTP
    gws.py          GWS as the simulator implements it; browser.py logs in there
    signing.py, large_bodies.py   requests that are signed or have attachments
    wait.py         conditions with deadlines, instead of sleeping for a fixed time

    nexus/    a Nexus with any number of processes (process.py, stack.py, supervised.py), its database, nexusctl
    api/      the API as the OpenAPI document describes it; watch.py compares every answer of a gateway with it
    outside/  what Nexus connects to: receivers, trace collectors, Prometheus, raw sockets
    load/     phones and agents under load, and the audit that compares the answers they got with what Nexus stored
    reading/  parsers of what Nexus reports: metrics, logs and timelines
"""

import requests

_session_init = requests.Session.__init__


def _closed_session(session):
    """Uses no proxy and no .netrc. The user's environment may have them, and reading them before each request took a
    fifth of the tests' time."""
    _session_init(session)
    session.trust_env = False


requests.Session.__init__ = _closed_session
