"""A right that ends while something is under way ends that, too: nothing more is read with it, and nothing is stored."""

import datetime
import urllib.parse
import uuid

import pytest
import requests

from harness.people import Tenant
from harness.raw import RawClient
from harness.wait import eventually
from test_media import KIB, MIB, connect, head, mo, photo, received, stored, uploads_waiting
from test_stream_rights import key_of

CONTENT = photo(4 * MIB)


def revoke(tenant, name):
    assert tenant.administrator().delete(f"/nexus/v3/apikeys/{name}").status_code == 200


def disable(tenant, name):
    assert tenant.administrator().put(f"/nexus/v3/apikeys/{name}", json={"enabled": False}).status_code == 200


ENDS = pytest.mark.parametrize("end", [revoke, disable])


# --- downloads ---

class Download:
    """An attachment that is read no further than its head, until rest()."""

    def __init__(self, tenant, path, key):
        self.client = RawClient.narrow(tenant.stack)
        authorization = f"x-api-key: {key}\r\n" if key else ""
        self.client.send(f"GET {path} HTTP/1.1\r\nHost: n\r\n{authorization}\r\n".encode())
        self.begin = self.client.socket.recv(4096)
        assert self.begin.startswith(b"HTTP/1.1 200 "), self.begin

    def rest(self):
        """How many bytes of all come until the connection ends."""
        received_bytes = len(self.begin.partition(b"\r\n\r\n")[2])
        with self.client:
            while piece := self.client.socket.recv(65536):
                received_bytes += len(piece)
        return received_bytes


@ENDS
def test_a_download_ends_with_the_key_that_it_was_begun_with(tenant, end):
    path, _, _ = received(tenant, CONTENT)
    key, name = key_of(tenant)
    other, _ = key_of(tenant)
    ended, goes_on = Download(tenant, f"{path}/1", key), Download(tenant, f"{path}/1", other)

    end(tenant, name)
    refused_everywhere(tenant, key)

    assert ended.rest() < len(CONTENT), "what is on its way comes, and nothing more"
    assert goes_on.rest() == len(CONTENT)


def refused_everywhere(tenant, key):
    eventually(lambda: requests.get(f"{tenant.stack.url()}/chat/v3/conversations", headers={"x-api-key": key},
                                    timeout=5).status_code == 401, "the key is refused")


@ENDS
def test_a_link_is_good_no_longer_than_the_key_that_it_was_made_with(tenant, end):
    path, _, _ = received(tenant, CONTENT)
    key, name = key_of(tenant)
    made = requests.get(f"{tenant.stack.url()}{path}/1/link", headers={"x-api-key": key}, params={"seconds": 86400}, timeout=5)
    link = made.json()["data"]["link"]
    assert requests.get(tenant.stack.url() + link, timeout=20).content == CONTENT
    under_way = Download(tenant, link, None)

    end(tenant, name)

    answer = requests.get(tenant.stack.url() + link, timeout=5)
    assert answer.status_code == 404
    assert "the link is not valid or has expired" in answer.text
    assert under_way.rest() < len(CONTENT)


def test_a_link_is_good_no_longer_than_its_key_where_that_expires(tenant):
    path, _, _ = received(tenant, photo(10))
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)
    key, _ = key_of(tenant, expires=soon.strftime("%Y-%m-%dT%H:%M:%SZ"))
    made = requests.get(f"{tenant.stack.url()}{path}/1/link", headers={"x-api-key": key}, timeout=5)

    eventually(lambda: requests.get(tenant.stack.url() + made.json()["data"]["link"], timeout=5).status_code == 404,
               "the link has ended")


def test_a_link_that_a_cluster_key_or_a_user_made_works_too(nexus, tenant):
    path, _, _ = received(tenant, photo(10))
    callers = [{"x-api-key": cluster_agent(tenant), "x-ccid": tenant.ccid},
               {"Authorization": f"Bearer {nexus.gws.token('agent1', tenant.ccid)}"}]

    for headers in callers:
        made = requests.get(f"{nexus.url()}{path}/1/link", headers=headers, timeout=5)
        assert made.status_code == 200, made.text
        assert requests.get(nexus.url() + made.json()["data"]["link"], timeout=5).status_code == 200


def cluster_agent(tenant):
    made = tenant.stack.operator().post("/nexus/v3/apikeys", json={
        "tenant": "*", "name": f"all {uuid.uuid4()}", "enabled": True, "permissions": ["nexus:agent:chat"], "capacity": 0})
    assert made.status_code == 200, made.text
    tenant.stack.private.add(made.json()["id"])
    return made.json()["id"]


# --- bodies that take their time ---

def gateway_key(tenant):
    """A key of a gateway that posts texts; (key, what it is called)."""
    return key_of(tenant, permissions=["nexus:gateway:sms"])


def basic(tenant, key):
    return requests.Request("POST", "http://n/", auth=(tenant.ccid, key)).prepare().headers["Authorization"]


def head_of(tenant, key, framing):
    return (f"POST /nexus/v3/sms/message HTTP/1.1\r\nHost: n\r\nAuthorization: {basic(tenant, key)}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\n{framing}\r\n\r\n").encode()


def status_of(client):
    return int(client.recv(65536).split()[1])


@ENDS
def test_a_large_body_whose_key_ends_while_it_comes_is_401_and_leaves_nothing(tenant, end):
    key, name = gateway_key(tenant)
    body = mo(tenant, photo(300 * KIB))
    with connect(tenant) as connection:
        connection.sendall(head_of(tenant, key, f"Content-Length: {len(body)}") + body[:200 * KIB])
        eventually(lambda: uploads_waiting(tenant) == 1, "some of it is stored")

        end(tenant, name)
        refused_as_gateway(tenant, key)
        connection.sendall(body[200 * KIB:])

        assert status_of(connection) == 401
    eventually(lambda: uploads_waiting(tenant) == 0, "what came of it is dropped")
    assert stored(tenant) == []


def refused_as_gateway(tenant, key):
    eventually(lambda: requests.post(f"{tenant.stack.url()}/nexus/v3/sms/receipt", auth=(tenant.ccid, key), data="x=1",
                                     timeout=5).status_code == 401, "the key is refused")


def test_a_chunked_body_whose_key_ends_while_it_comes_is_401_and_leaves_nothing(tenant):
    key, name = gateway_key(tenant)
    phone = tenant.phone()
    body = urllib.parse.urlencode({"message_id": "late", "phone_number": phone, "shortcode": tenant.number, "message": "hi"}).encode()
    with connect(tenant) as connection:
        connection.sendall(head_of(tenant, key, "Transfer-Encoding: chunked").replace(b"application/json", b"application/x-www-form-urlencoded")
                           + b"%x\r\n%s\r\n" % (len(body), body))
        revoke(tenant, name)
        refused_as_gateway(tenant, key)
        connection.sendall(b"0\r\n\r\n")

        assert status_of(connection) == 401
    assert tenant.stack.query("select count(*) from message m join tenant t on t.id = m.tenant_id where t.ccid = %s",
                              tenant.ccid) == [(0,)]


def test_a_large_body_of_a_key_that_stays_is_stored_although_another_ends_meanwhile(tenant):
    _, other = gateway_key(tenant)
    content = photo(300 * KIB)
    body = mo(tenant, content)
    with connect(tenant) as connection:
        connection.sendall(head(tenant, len(body)) + body[:200 * KIB])
        eventually(lambda: uploads_waiting(tenant) == 1, "some of it is stored")

        revoke(tenant, other)
        connection.sendall(body[200 * KIB:])

        assert status_of(connection) == 200
    assert stored(tenant) == [content]
