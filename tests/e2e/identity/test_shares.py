"""Shares: one key or contact center cannot use all resources of a gateway, so that others can go on."""

import base64
import concurrent.futures
import contextlib
import select
import urllib.parse
import uuid

import pytest
import requests

from harness.answers import data_of
from harness.api.raw import RawClient, exchange
from harness.large_bodies import KIB, MIB, as_json, photo, received, slow_body
from harness.people import Tenant
from harness.wait import LONGEST_ANSWER, eventually

KEY_LIMIT, TENANT_LIMIT = 3, 5


@pytest.fixture
def limited_stack(make_stack):
    return make_stack(settings={"gateway": {"NEXUS_STREAMS_PER_KEY": KEY_LIMIT, "NEXUS_STREAMS_PER_TENANT": TENANT_LIMIT}})


class Streams:
    """Event streams that stay open."""

    def __init__(self, stack):
        self.url = f"{stack.url()}/chat/v3/events"
        self.open = []

    def add(self, token):
        """Opens a stream; None, or the answer that refuses it."""
        answer = requests.get(self.url, headers={"Authorization": f"Bearer {token}"}, stream=True, timeout=LONGEST_ANSWER)
        if answer.status_code == 200:
            self.open.append(answer)
            return None
        with answer:
            answer.content  # noqa: B018
        return answer

    def close_one(self):
        self.open.pop().close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        while self.open:
            self.close_one()


def second_key(tenant):
    key = str(uuid.uuid4())
    tenant.stack.private.add(key)
    tenant.stack.apply({"tenants": [{"ccid": tenant.ccid, "name": tenant.name, "keys": [
        {"name": "another page", "key": key, "permissions": ["nexus:agent:chat"]}]}]})
    return key


def test_streams_are_limited_by_key_and_by_contact_center(limited_stack):
    tenant, other = Tenant(limited_stack), Tenant(limited_stack)
    second = second_key(tenant)
    with Streams(limited_stack) as streams:
        for _ in range(KEY_LIMIT):
            assert streams.add(tenant.agent_token) is None
        of_key = streams.add(tenant.agent_token)
        for _ in range(TENANT_LIMIT - KEY_LIMIT):
            assert streams.add(second) is None
        of_tenant = streams.add(second)

        assert of_key.status_code == of_tenant.status_code == 429
        assert "no more than 3 event streams of one key or user at once" in of_key.text
        assert "no more than 5 event streams of one contact center at once" in of_tenant.text
        assert int(of_key.headers["retry-after"]) >= 1 and int(of_tenant.headers["retry-after"]) >= 1
        assert streams.add(other.agent_token) is None
        for share, count in {"key_streams": 1, "tenant_streams": 1, "tenant_requests": 0}.items():
            eventually(lambda: limited_stack.metric("nexus_shares_exceeded_total", share=share) == count, share)


def test_after_the_end_of_a_stream_its_key_may_open_another(limited_stack):
    tenant = Tenant(limited_stack)
    with Streams(limited_stack) as streams:
        for _ in range(KEY_LIMIT):
            assert streams.add(tenant.agent_token) is None
        assert streams.add(tenant.agent_token).status_code == 429

        streams.close_one()

        eventually(lambda: streams.add(tenant.agent_token) is None, "a stream is accepted again")


def test_each_user_of_a_contact_center_has_a_limit_of_streams(limited_stack):
    tenant = Tenant(limited_stack)
    tokens = [tenant.gws_agent(number).token for number in (1, 2)]
    with Streams(limited_stack) as streams:
        # GWS may not say in time who this is.
        eventually(lambda: streams.add(tokens[0]) is None, "GWS knows the first user")
        for _ in range(KEY_LIMIT - 1):
            assert streams.add(tokens[0]) is None

        assert streams.add(tokens[0]).status_code == 429
        eventually(lambda: streams.add(tokens[1]) is None, "GWS knows the second user")


def download(stack, tenant, path):
    """A download of an attachment."""
    return requests.get(f"{stack.url()}{path}/1", headers={"Authorization": f"Bearer {tenant.agent_token}"}, stream=True,
                        timeout=LONGEST_ANSWER)


class Held:
    """A download that nobody reads, so that it keeps its place until the gateway ends it, 20 s later. Its connection has small
    buffers, because what fills them costs time."""

    def __init__(self, stack, path, token=None):
        self.client = RawClient.slow_reader(stack)
        credentials = f"Authorization: Bearer {token}\r\n" if token else ""
        self.client.send(f"GET {path} HTTP/1.1\r\nHost: n\r\n{credentials}\r\n".encode())
        self.begin = self.client.socket.recv(4096)
        self.status = int(self.begin.split()[1])

    def content(self):
        """Reads it to its end."""
        pieces = [self.begin]
        with self.client:
            while piece := self.client.socket.recv(65536):
                pieces.append(piece)
        return b"".join(pieces).partition(b"\r\n\r\n")[2]

    def close(self):
        self.client.socket.close()


def test_downloads_are_limited_by_contact_center_and_others_go_on(make_stack):
    stack = make_stack(settings={"gateway": {"NEXUS_TENANT_SHARE": "10"}})  # 3 of 32 downloads
    busy, quiet, content = Tenant(stack), Tenant(stack), photo(MIB)
    path, of_quiet = received(busy, content)[0], received(quiet, content)[0]

    open_ones = [Held(stack, f"{path}/1", busy.agent_token) for _ in range(3)]
    try:
        assert [one.status for one in open_ones] == [200] * 3
        with download(stack, busy, path) as refused:
            assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 1
            assert "no more than 3 downloads of one contact center at once" in refused.text
        with download(stack, quiet, of_quiet) as served:
            assert served.content == content
        assert open_ones.pop().content() == content
        eventually(lambda: stack.metric("nexus_shares_exceeded_total", share="tenant_downloads") == 1, "the metric counts it")

        def is_accepted():
            with download(stack, busy, path) as one:
                return one.status_code == 200

        eventually(is_accepted, "a download is accepted after another one has ended")
    finally:
        for one in open_ones:
            one.close()


def test_two_contact_centers_with_all_their_downloads_leave_some_for_a_third(make_stack):
    stack = make_stack()
    tenants = [Tenant(stack) for _ in range(3)]
    paths = [received(tenant, photo(MIB))[0] for tenant in tenants]
    open_ones, counts = [], []

    try:
        for tenant, path in zip(tenants[:2], paths):
            with concurrent.futures.ThreadPoolExecutor(26) as pool:  # at once: one that reads nothing is cut off after 20 s
                begun = list(pool.map(lambda _: Held(stack, f"{path}/1", tenant.agent_token), range(26)))
            open_ones += begun
            assert {one.status for one in begun} == {200, 429}
            counts.append(sum(one.status == 200 for one in begun))
        for tenant, path in zip(tenants, paths):
            with download(stack, tenant, path) as one:
                assert one.status_code == (200 if tenant is tenants[2] else 429)
    finally:
        for one in open_ones:
            one.close()

    assert counts == [24, 6], "75 percent of 32, then 75 percent of the rest"


def test_links_to_attachments_share_one_limit_and_leave_downloads_for_callers_with_keys(make_stack):
    stack = make_stack(settings={"gateway": {"NEXUS_TENANT_SHARE": "10"}})
    tenant, content = Tenant(stack), photo(MIB)
    path, agent, _ = received(tenant, content)
    link = data_of(agent.get(f"{path}/1/link"))["link"]

    open_ones = [Held(stack, link) for _ in range(3)]
    try:
        assert [one.status for one in open_ones] == [200] * 3
        assert requests.get(stack.url() + link, timeout=LONGEST_ANSWER).status_code == 429
        with download(stack, tenant, path) as served:
            assert served.content == content
    finally:
        for one in open_ones:
            one.close()


def fill(tenant, slow):
    """Begins bodies that do not arrive, and adds their connections to slow, until a body is refused: the answer that refuses it."""
    def refused():
        slow.extend(slow_body(tenant) for _ in range(8))  # on a busy machine Nexus may have ended some by now
        answer = as_json(tenant, contents=[photo(40 * KIB)])
        return [answer] if answer.status_code == 429 else None

    slow.extend(slow_body(tenant) for _ in range(60))
    return eventually(refused, "no more bodies of this contact center may wait", 20)[0]


def test_waiting_large_bodies_are_limited_by_contact_center_and_others_go_on(make_stack):
    stack = make_stack()
    busy, quiet, slow = Tenant(stack), Tenant(stack), []
    try:
        refused = fill(busy, slow)  # four are read, and 48 of the 64 that may wait may be of one contact center

        assert "no more than 48 large bodies of one contact center at once" in refused.text
        assert int(refused.headers["Retry-After"]) >= 1
        assert as_json(quiet, contents=[photo(300 * KIB)]).status_code == 200
        assert busy.aggregator().message().status_code == 200, "a small body needs no place"
        eventually(lambda: stack.metric("nexus_shares_exceeded_total", share="tenant_large_bodies") >= 1, "the metric counts it")
    finally:
        for one in slow:
            one.close()


def test_two_contact_centers_whose_large_bodies_do_not_arrive_leave_a_place_for_a_third(make_stack):
    stack = make_stack()
    busy, quiet = [Tenant(stack) for _ in range(2)], Tenant(stack)
    slow = []
    try:
        for tenant in busy:
            fill(tenant, slow)

        assert as_json(quiet, contents=[photo(300 * KIB)]).status_code == 200
    finally:
        for one in slow:
            one.close()


def lists_of(tenant):
    """A request of an agent as bytes, which can be sent quickly."""
    return (f"GET /chat/v3/conversations HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer {tenant.agent_token}\r\n"
            "Connection: close\r\n\r\n").encode()


def text_of(tenant):
    """A text of a consumer as bytes."""
    form = urllib.parse.urlencode({"type": "MO", "message_id": uuid.uuid4().hex, "phone_number": tenant.phone(),
                                   "shortcode": tenant.number, "message": tenant.text()})
    credentials = base64.b64encode(f"{tenant.ccid}:{tenant.api_key}".encode()).decode()
    return (f"POST /nexus/v3/sms/message HTTP/1.1\r\nHost: n\r\nAuthorization: Basic {credentials}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n"
            f"Connection: close\r\n\r\n{form}").encode()


@pytest.mark.parametrize("worker, request_of", [("chat-worker-0", lists_of), ("sms-worker-0", text_of)],
                         ids=["reads", "texts"])
def test_a_contact_center_that_fills_its_share_gets_429_and_others_are_served(make_stack, worker, request_of):
    # One percent: 40 of 4,096 waiting requests, and 3 of 256 requests that a worker handles.
    stack = make_stack(settings={"gateway": {"NEXUS_TENANT_SHARE": "1"}})
    busy, quiet = Tenant(stack), Tenant(stack)
    refused = []

    def answers_of_others():
        eventually(lambda: worker in stack.serving_workers(), "the worker is there")
        for tenant in (busy, quiet):  # the gateway knows their callers from now on
            assert exchange(stack, request_of(tenant))[0][0] == 200
        with contextlib.ExitStack() as clients:
            flood, others = ([clients.enter_context(RawClient(stack)) for _ in range(count)] for count in (60, 5))
            bytes_of_flood, bytes_of_others = ([request_of(tenant) for _ in some] for tenant, some in ((busy, flood), (quiet, others)))

            stack[worker].freeze()
            try:
                for client, data in zip(flood, bytes_of_flood):
                    client.send(data)
                eventually(lambda: len(readable(flood)) >= 60 - 43, "requests over the share are refused at once")
                for client, data in zip(others, bytes_of_others):
                    client.send(data)
            finally:
                stack[worker].thaw()

            of_others, of_flood = [client.answers()[0] for client in others], [client.answers()[0] for client in flood]
        refused.append(sum(status == 429 and b"as its share allows" in body for status, body in of_flood))
        # A busy machine may thaw the worker so late that the gateway takes it for lost, or that the deadlines of requests have passed.
        assert not {503, 504} & {status for status, _ in of_flood + of_others}
        return [status for status, _ in of_others]

    assert eventually(answers_of_others, "the requests are answered", 20) == [200] * 5
    assert refused[-1] == 60 - 43
    eventually(lambda: stack.metric("nexus_shares_exceeded_total", share="tenant_requests") == sum(refused), "the metric counts it")


def readable(clients):
    return select.select([client.socket for client in clients], [], [], 0)[0]
