"""One key, or one contact center, cannot take all that a gateway has: others go on."""

import base64
import select
import urllib.parse
import uuid

import pytest
import requests

from harness.people import Tenant
from harness.raw import RawClient, exchange
from harness.wait import eventually
from test_media import KIB, MIB, as_json, photo, received
from test_media_trouble import slow_body

KEY_LIMIT, TENANT_LIMIT = 3, 5


@pytest.fixture
def narrow(make_stack):
    return make_stack(settings={"gateway": {"NEXUS_STREAMS_PER_KEY": KEY_LIMIT, "NEXUS_STREAMS_PER_TENANT": TENANT_LIMIT}})


class Streams:
    """Event streams that stay open."""

    def __init__(self, stack):
        self.url = f"{stack.url()}/chat/v3/events"
        self.open = []

    def add(self, token):
        """None, or the answer that refuses it."""
        answer = requests.get(self.url, headers={"Authorization": f"Bearer {token}"}, stream=True, timeout=10)
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


def test_streams_have_a_limit_by_key_and_one_by_contact_center(narrow):
    tenant, other = Tenant(narrow), Tenant(narrow)
    second = second_key(tenant)
    with Streams(narrow) as streams:
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
            eventually(lambda: narrow.metric("nexus_shares_exceeded_total", share=share) == count, share)


def test_a_stream_that_ends_makes_room_for_the_next_one_of_its_key(narrow):
    tenant = Tenant(narrow)
    with Streams(narrow) as streams:
        for _ in range(KEY_LIMIT):
            assert streams.add(tenant.agent_token) is None
        assert streams.add(tenant.agent_token).status_code == 429

        streams.close_one()

        eventually(lambda: streams.add(tenant.agent_token) is None, "there is room again")


def test_each_user_of_a_contact_center_has_streams_of_its_own(narrow):
    tenant = Tenant(narrow)
    tokens = [tenant.gws_agent(number).token for number in (1, 2)]
    with Streams(narrow) as streams:
        for _ in range(KEY_LIMIT):
            assert streams.add(tokens[0]) is None

        assert streams.add(tokens[0]).status_code == 429
        assert streams.add(tokens[1]) is None


def downloads_of(stack, tenant, path):
    """Streams of an attachment that nobody reads."""
    return requests.get(f"{stack.url()}{path}/1", headers={"Authorization": f"Bearer {tenant.agent_token}"}, stream=True, timeout=10)


def test_downloads_have_a_limit_by_contact_center_and_others_go_on(make_stack):
    stack = make_stack(settings={"gateway": {"NEXUS_TENANT_SHARE": "10"}})  # of 32 places 3
    noisy, quiet, content = Tenant(stack), Tenant(stack), photo(5 * MIB)
    path, of_quiet = received(noisy, content)[0], received(quiet, content)[0]

    open_ones = [downloads_of(stack, noisy, path) for _ in range(3)]
    try:
        assert [one.status_code for one in open_ones] == [200] * 3
        with downloads_of(stack, noisy, path) as refused:
            assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 1
            assert "no more than 3 downloads of one contact center at once" in refused.text
        with downloads_of(stack, quiet, of_quiet) as served:
            assert served.content == content
        eventually(lambda: stack.metric("nexus_shares_exceeded_total", share="tenant_downloads") == 1, "it is counted")

        assert open_ones.pop().content == content

        def there_is_room():
            with downloads_of(stack, noisy, path) as one:
                return one.status_code == 200

        eventually(there_is_room, "one that ended makes room")
    finally:
        for one in open_ones:
            one.close()


def test_two_contact_centers_that_download_all_they_may_leave_room_for_a_third(make_stack):
    stack = make_stack()
    tenants = [Tenant(stack) for _ in range(3)]
    paths = [received(tenant, photo(5 * MIB))[0] for tenant in tenants]
    open_ones, had = [], []

    try:
        for tenant, path in zip(tenants[:2], paths):
            answers = [downloads_of(stack, tenant, path)]
            while answers[-1].status_code == 200:
                answers.append(downloads_of(stack, tenant, path))
            answers.pop().close()
            open_ones += answers
            had.append(len(answers))
        for tenant, path in zip(tenants, paths):
            with downloads_of(stack, tenant, path) as one:
                assert one.status_code == (200 if tenant is tenants[2] else 429)
    finally:
        for one in open_ones:
            one.close()

    assert had == [24, 6], "75 percent of 32, and of what is left of them"


def test_links_to_attachments_share_one_limit_which_leaves_room_for_who_shows_a_key(make_stack):
    stack = make_stack(settings={"gateway": {"NEXUS_TENANT_SHARE": "10"}})
    tenant, content = Tenant(stack), photo(5 * MIB)
    path, agent, _ = received(tenant, content)
    link = agent.get(f"{path}/1/link").json()["data"]["link"]

    open_ones = [requests.get(stack.url() + link, stream=True, timeout=10) for _ in range(3)]
    try:
        assert [one.status_code for one in open_ones] == [200] * 3
        assert requests.get(stack.url() + link, timeout=10).status_code == 429
        with downloads_of(stack, tenant, path) as served:
            assert served.content == content
    finally:
        for one in open_ones:
            one.close()


def test_large_bodies_that_wait_have_a_limit_by_contact_center_and_others_go_on(make_stack):
    stack = make_stack()
    noisy, quiet = Tenant(stack), Tenant(stack)
    slow = [slow_body(noisy) for _ in range(4 + 64)]  # four have a place, of 64 that may wait 48 are one's
    try:
        eventually(lambda: as_json(noisy, contents=[photo(40 * KIB)]).status_code == 429, "no more of this one may wait")
        refused = as_json(noisy, contents=[photo(40 * KIB)])

        assert "no more than 48 large bodies of one contact center at once" in refused.text
        assert int(refused.headers["Retry-After"]) >= 1
        assert as_json(quiet, contents=[photo(300 * KIB)]).status_code == 200
        assert noisy.aggregator().message().status_code == 200, "a small one needs no place"
        eventually(lambda: stack.metric("nexus_shares_exceeded_total", share="tenant_large_bodies") >= 1, "it is counted")
    finally:
        for one in slow:
            one.close()


def test_two_contact_centers_whose_large_bodies_do_not_come_leave_a_place_for_a_third(make_stack):
    stack = make_stack()
    noisy, quiet = [Tenant(stack) for _ in range(2)], Tenant(stack)
    slow = []
    try:
        for tenant in noisy:
            slow += [slow_body(tenant) for _ in range(4 + 64)]
            eventually(lambda: as_json(tenant, contents=[photo(40 * KIB)]).status_code == 429, "no more of this one may wait")

        assert as_json(quiet, contents=[photo(300 * KIB)]).status_code == 200
    finally:
        for one in slow:
            one.close()


def lists_of(tenant):
    """A request of an agent, as bytes: quick to send while a deadline runs."""
    return (f"GET /chat/v3/conversations HTTP/1.1\r\nHost: n\r\nAuthorization: Bearer {tenant.agent_token}\r\n"
            "Connection: close\r\n\r\n").encode()


def text_of(tenant):
    """A text of a person, as bytes."""
    form = urllib.parse.urlencode({"type": "MO", "message_id": uuid.uuid4().hex, "phone_number": tenant.phone(),
                                   "shortcode": tenant.number, "message": tenant.text()})
    credentials = base64.b64encode(f"{tenant.ccid}:{tenant.api_key}".encode()).decode()
    return (f"POST /nexus/v3/sms/message HTTP/1.1\r\nHost: n\r\nAuthorization: Basic {credentials}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n"
            f"Connection: close\r\n\r\n{form}").encode()


@pytest.mark.parametrize("worker, request_of", [("chat-worker-0", lists_of), ("sms-worker-0", text_of)],
                         ids=["reads", "texts"])
def test_a_contact_center_that_fills_its_share_gets_429_and_others_are_served(make_stack, worker, request_of):
    # One percent: of 4,096 places for waiting requests 40, of 256 requests that a worker takes 3.
    stack = make_stack(settings={"gateway": {"NEXUS_TENANT_SHARE": "1"}})
    noisy, quiet = Tenant(stack), Tenant(stack)
    for tenant in (noisy, quiet):  # whom the gateway knows from now on
        assert exchange(stack, request_of(tenant))[0][0] == 200
    flood, others = ([RawClient(stack) for _ in range(count)] for count in (60, 5))
    bytes_of_flood, bytes_of_others = ([request_of(tenant) for _ in clients]
                                       for tenant, clients in ((noisy, flood), (quiet, others)))

    stack[worker].freeze()
    for client, data in zip(flood, bytes_of_flood):
        client.send(data)
    refused, _, _ = select.select([client.socket for client in flood], [], [], 5)
    for client, data in zip(others, bytes_of_others):
        client.send(data)
    stack[worker].thaw()

    assert refused, "what is over the share is refused at once"
    assert [client.answers()[0][0] for client in others] == [200] * 5
    answers = [client.answers()[0] for client in flood]
    assert sum(status == 429 and b"is its share" in body for status, body in answers) == 60 - 43
    eventually(lambda: stack.metric("nexus_shares_exceeded_total", share="tenant_requests") == 60 - 43, "it is counted")
