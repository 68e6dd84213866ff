"""A right that ends during a request ends the request, too: nothing more is sent, and nothing is stored."""

import datetime
import urllib.parse
import uuid

import pytest
import requests

from harness.answers import data_of
from harness.api.raw import RawClient
from harness.identities import key_of
from harness.large_bodies import KIB, MIB, connect, head, mo, photo, received, stored, uploads_waiting
from harness.people import until_accepted
from harness.reading import messages
from harness.wait import LONGEST_ANSWER, eventually

CONTENT = photo(4 * MIB)


def new_key(tenant, **settings):
    """A key for agents: (key, its visible prefix). Like all requests of users here, this one is repeated while GWS does not say in time
    who they are: Nexus waits for it for half of the deadline."""
    return eventually(lambda: key_of(tenant, **settings), "GWS says in time who the administrator is")


def revoke(administrator, name):
    assert until_accepted(lambda: administrator.delete(f"/nexus/v3/apikeys/{name}")).status_code == 200


def disable(administrator, name):
    assert until_accepted(lambda: administrator.put(f"/nexus/v3/apikeys/{name}", json={"enabled": False})).status_code == 200


ENDS = pytest.mark.parametrize("end", [revoke, disable])


# --- downloads ---

class Download:
    """A download of which only the head is read, until rest()."""

    def __init__(self, tenant, path, key):
        self.client = RawClient.slow_reader(tenant.stack)
        authorization = f"x-api-key: {key}\r\n" if key else ""
        self.client.send(f"GET {path} HTTP/1.1\r\nHost: n\r\n{authorization}\r\n".encode())
        self.begin = self.client.socket.recv(4096)
        assert self.begin.startswith(b"HTTP/1.1 200 "), self.begin

    def rest(self):
        """Reads until the connection ends; the number of bytes of the body."""
        received_bytes = len(self.begin.partition(b"\r\n\r\n")[2])
        with self.client:
            while piece := self.client.socket.recv(65536):
                received_bytes += len(piece)
        return received_bytes


@ENDS
def test_a_download_ends_with_the_key_that_it_was_begun_with(tenant, end):
    path, _, _ = received(tenant, CONTENT)
    key, name = new_key(tenant)
    other, _ = new_key(tenant)
    administrator = tenant.known_administrator()  # what is under way has little time
    ended, continued = Download(tenant, f"{path}/1", key), Download(tenant, f"{path}/1", other)

    end(administrator, name)
    wait_until_refused(tenant, key)

    assert ended.rest() < len(CONTENT), "only bytes that were already sent arrive"
    assert continued.rest() == len(CONTENT)


def wait_until_refused(tenant, key):
    eventually(lambda: requests.get(f"{tenant.stack.url()}/chat/v3/conversations", headers={"x-api-key": key},
                                    timeout=LONGEST_ANSWER).status_code == 401, "the key is refused")


@ENDS
def test_a_link_is_valid_only_as_long_as_the_key_that_made_it(tenant, end):
    path, _, _ = received(tenant, CONTENT)
    key, name = new_key(tenant)
    made = requests.get(f"{tenant.stack.url()}{path}/1/link", headers={"x-api-key": key}, params={"seconds": 86400}, timeout=LONGEST_ANSWER)
    link = data_of(made)["link"]
    assert requests.get(tenant.stack.url() + link, timeout=LONGEST_ANSWER).content == CONTENT
    administrator = tenant.known_administrator()  # what is under way has little time
    started = Download(tenant, link, None)

    end(administrator, name)

    answer = requests.get(tenant.stack.url() + link, timeout=LONGEST_ANSWER)
    assert answer.status_code == 404
    assert "the link is invalid or has expired" in answer.text
    assert started.rest() < len(CONTENT)


def test_a_link_expires_with_its_key(tenant):
    path, _, _ = received(tenant, photo(10))

    def link_of_a_key_that_expires_soon():
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)
        key, _ = key_of(tenant, expires=soon.strftime("%Y-%m-%dT%H:%M:%SZ"))
        return data_of(requests.get(f"{tenant.stack.url()}{path}/1/link", headers={"x-api-key": key}, timeout=LONGEST_ANSWER))["link"]

    link = eventually(link_of_a_key_that_expires_soon, "the link is made before its key expires")
    eventually(lambda: requests.get(tenant.stack.url() + link, timeout=LONGEST_ANSWER).status_code == 404, "the link has expired")


def test_cluster_keys_and_users_can_make_links_too(nexus, tenant):
    path, _, _ = received(tenant, photo(10))
    callers = [{"x-api-key": cluster_agent(tenant), "x-ccid": tenant.ccid},
               {"Authorization": f"Bearer {nexus.gws.token('agent1', tenant.ccid)}"}]

    for headers in callers:
        made = until_accepted(lambda: requests.get(f"{nexus.url()}{path}/1/link", headers=headers, timeout=LONGEST_ANSWER))
        assert made.status_code == 200, made.text
        assert requests.get(nexus.url() + data_of(made)["link"], timeout=LONGEST_ANSWER).status_code == 200


def cluster_agent(tenant):
    operator = tenant.stack.operator()
    made = until_accepted(lambda: operator.post("/nexus/v3/apikeys", json={
        "tenant": "*", "name": f"all {uuid.uuid4()}", "enabled": True, "permissions": ["nexus:agent:chat"], "capacity": 0}))
    assert made.status_code == 200, made.text
    tenant.stack.private.add(made.json()["id"])
    return made.json()["id"]


# --- slow bodies ---

def gateway_key(tenant):
    """A key that may post texts: (key, its visible prefix)."""
    return new_key(tenant, permissions=["nexus:gateway:sms"])


def basic(tenant, key):
    return requests.Request("POST", "http://n/", auth=(tenant.ccid, key)).prepare().headers["Authorization"]


def head_of(tenant, key, framing):
    return (f"POST /nexus/v3/sms/message HTTP/1.1\r\nHost: n\r\nAuthorization: {basic(tenant, key)}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\n{framing}\r\n\r\n").encode()


def status_of(client):
    return int(client.recv(65536).split()[1])


@ENDS
def test_a_large_body_whose_key_ends_while_it_arrives_gets_401_and_stores_nothing(tenant, end):
    key, name = gateway_key(tenant)
    administrator = tenant.known_administrator()  # what is under way has little time
    body = mo(tenant, photo(300 * KIB))
    with connect(tenant) as connection:
        connection.sendall(head_of(tenant, key, f"Content-Length: {len(body)}") + body[:200 * KIB])
        eventually(lambda: uploads_waiting(tenant) == 1, "a piece of the body is stored")

        end(administrator, name)
        wait_until_refused_for_texts(tenant, key)
        connection.sendall(body[200 * KIB:])

        assert status_of(connection) == 401
    eventually(lambda: uploads_waiting(tenant) == 0, "the upload is deleted")
    assert stored(tenant) == []


def wait_until_refused_for_texts(tenant, key):
    eventually(lambda: requests.post(f"{tenant.stack.url()}/nexus/v3/sms/receipt", auth=(tenant.ccid, key), data="x=1",
                                     timeout=LONGEST_ANSWER).status_code == 401, "the key is refused")


def test_a_chunked_body_whose_key_ends_while_it_arrives_gets_401_and_stores_nothing(tenant):
    key, name = gateway_key(tenant)
    administrator = tenant.known_administrator()  # what is under way has little time
    phone = tenant.phone()
    body = urllib.parse.urlencode({"message_id": "late", "phone_number": phone, "shortcode": tenant.number, "message": "hi"}).encode()
    with connect(tenant) as connection:
        beginning = head_of(tenant, key, "Transfer-Encoding: chunked")
        connection.sendall(beginning.replace(b"application/json", b"application/x-www-form-urlencoded")
                           + b"%x\r\n%s\r\n" % (len(body), body))
        revoke(administrator, name)
        wait_until_refused_for_texts(tenant, key)
        connection.sendall(b"0\r\n\r\n")

        assert status_of(connection) == 401
    assert messages.messages(tenant) == []


def test_a_large_body_of_a_valid_key_is_stored_although_another_key_ends_meanwhile(tenant):
    _, other = gateway_key(tenant)
    administrator = tenant.known_administrator()  # what is under way has little time
    content = photo(300 * KIB)
    body = mo(tenant, content)
    with connect(tenant) as connection:
        connection.sendall(head(tenant, len(body)) + body[:200 * KIB])
        eventually(lambda: uploads_waiting(tenant) == 1, "a piece of the body is stored")

        revoke(administrator, other)
        connection.sendall(body[200 * KIB:])

        assert status_of(connection) == 200
    assert stored(tenant) == [content]
