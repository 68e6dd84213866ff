"""The event stream (SSE): a client that reconnects with the last id it has seen gets every event once and in order, whatever
happened to the connection or to Nexus."""

import socket
import threading

import pytest
import requests

from harness.answers import data_of
from harness.people import OutboundMessage, EventStream, Tenant
from harness.wait import eventually


class Screen:
    """Like a browser's EventSource: reads the stream, and reconnects with the last id it has seen when the stream ends."""

    def __init__(self, tenant, gateway=0, last_id=None):
        self.events = []
        self.last_id = last_id
        self.connections = 0
        self._agent = tenant.agent(gateway)
        self._closed = threading.Event()
        self._response = None
        threading.Thread(target=self._follow, daemon=True).start()
        eventually(lambda: self.connections, "the stream is open")

    def messages(self):
        return [event["messageId"] for event in self.events if event["type"] == "message"]

    def shows(self, messages, within=20.0):
        eventually(lambda: len(self.messages()) >= len(messages), f"{len(messages)} messages are shown", within)
        assert self.messages() == messages

    def close(self):
        self._closed.set()

    def _follow(self):
        headers = {"Accept": "text/event-stream"}
        while not self._closed.is_set():
            if self.last_id:
                headers["Last-Event-ID"] = self.last_id
            try:
                response = requests.get(f"{self._agent.base}/chat/v3/events", stream=True, timeout=30,
                                        headers={**self._agent.session.headers, **headers})
                if response.status_code == 200:
                    self.connections += 1
                    self._read(EventStream(response))
            except requests.RequestException:
                pass
            self._closed.wait(0.1)

    def _read(self, stream):
        for self.last_id, _, event in stream:
            self.events.append(event)
            if self._closed.is_set():
                stream.close()
                return


@pytest.fixture
def tenant(nexus):
    return Tenant(nexus)


def post(tenant, count, gateway=0):
    """Posts texts from new phones; the ids of the messages in the order of their acknowledgement."""
    answers = [tenant.aggregator(gateway).message() for _ in range(count)]
    assert {answer.status_code for answer in answers} == {200}
    return [data_of(answer)["messageId"] for answer in answers]


def test_every_change_is_an_event_with_its_type_and_its_conversation(tenant):
    phone, text = tenant.phone(), tenant.text()
    screen = Screen(tenant)

    posted = data_of(tenant.aggregator().message(phone, text))
    tenant.agent().post(f"/chat/v3/conversations/{posted['conversationId']}/accept")
    message = OutboundMessage(tenant, posted["conversationId"]).becomes("sent")

    eventually(lambda: any(event.get("state") == "sent" for event in screen.events), "the screen shows it sent")
    screen.close()
    kinds = [(event["type"], event.get("state"), event.get("sequence")) for event in screen.events]
    assert ("message", "received", 1) in kinds and ("message", "accepted", 2) in kinds and ("state", "sent", 2) in kinds
    assert ("conversation", "active") in [kind[:2] for kind in kinds]
    assert {event["conversationId"] for event in screen.events} == {posted["conversationId"]}
    first = next(event for event in screen.events if event.get("sequence") == 1)
    assert (first["text"], first["direction"]) == (text, "in")
    assert screen.messages() == [posted["messageId"], message.id]


def test_screens_of_other_tenants_get_no_events(nexus, tenant):
    screen, foreign = Screen(tenant), Screen(Tenant(nexus))

    screen.shows(post(tenant, 5))

    assert foreign.events == []
    screen.close()
    foreign.close()


def test_a_screen_resumes_from_any_event_it_has_seen(tenant):
    screen = Screen(tenant)
    sent = post(tenant, 1)
    screen.shows(sent)
    position = screen.last_id
    screen.close()

    missed = post(tenant, 30)

    again = Screen(tenant, last_id=position)
    again.shows(missed)
    missed += post(tenant, 1)
    again.shows(missed)
    again.close()


@pytest.mark.parametrize("position", ["x", "1", "1-", "-1-2", "1-2-3", "99999999999999999999-1", "1' or '1", "\u00e9"])
def test_a_malformed_position_is_refused(tenant, position):
    answer = tenant.agent().get("/chat/v3/events", headers={"Last-Event-ID": position.encode()})

    assert answer.status_code == 400
    assert "Last-Event-ID" in answer.json()["detail"]


def test_a_screen_misses_nothing_when_gateway_and_worker_are_killed(make_stack):
    stack = make_stack(gateways=2)
    tenant = Tenant(stack)
    screen = Screen(tenant)
    sent = post(tenant, 10)
    screen.shows(sent)

    stack["gateway-0"].kill()
    sent += post(tenant, 10, gateway=1)
    stack["gateway-0"].restart()
    stack.wait_for("green")
    sent += post(tenant, 10)
    screen.shows(sent)
    assert screen.connections == 2

    stack["chat-worker-0"].kill()
    sent += post(tenant, 10, gateway=1)
    stack["chat-worker-0"].restart()
    sent += post(tenant, 10)
    screen.shows(sent)

    assert stack["gateway-0"].stop() == 0
    sent += post(tenant, 10, gateway=1)
    stack["gateway-0"].restart()
    screen.shows(sent)
    screen.close()


def test_a_screen_that_does_not_read_is_disconnected_and_misses_nothing_after_it_reconnects(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    stream = tenant.agent().events()
    post(tenant, 1)
    events = iter(stream)
    first, _ = [next(events)[0] for _ in ("the conversation", "the message")]
    stream.close()

    fall_behind(stack, tenant, first, 20000)

    missed = 20001  # the second event, too
    again = Screen(tenant, last_id=first)
    eventually(lambda: len(again.events) == missed, f"the screen shows all {missed}", 200)  # it reads six megabytes byte by byte
    again.close()


def fall_behind(stack, tenant, first, count):
    """Opens a stream after the first event and does not read it while so many more events come that the kernel cannot buffer them."""
    def streams():
        return stack.metric("nexus_connections", state="streaming")

    eventually(lambda: streams() == 0, "no other stream is open")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(stack.address())
        client.sendall(f"GET /chat/v3/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tenant.agent_token}\r\n"
                       f"Last-Event-ID: {first}\r\n\r\n".encode())
        eventually(lambda: streams() == 1, "the stream is open")
        stack.query("""insert into event (tenant_id, kind, conversation_id, message_id, sequence, state)
                       select tenant_id, 2, conversation_id, message_id, sequence, 13
                       from event, generate_series(1, %s) where sequence = 1""", count)
        eventually(lambda: streams() == 0, "the stream is closed", 60)


@pytest.mark.parametrize("position", ["999999999999-1", "140737488355328000-7"],
                         ids=["of the future", "of another history of the database"])
def test_a_position_that_cannot_be_continued_is_reported_and_reset(tenant, position):
    # The present begins at the oldest transaction that still runs. When a screen shows a text, its transaction is older than that.
    screen = Screen(tenant)
    screen.shows(post(tenant, 1))
    screen.close()

    stream = tenant.agent().events(last_event_id=position)
    events = iter(stream)
    present, kind, data = next(events)

    assert (kind, data) == ("reset", {"type": "reset", "position": present})
    later = post(tenant, 1)[0]
    _, kind, event = next(events)
    assert (kind, event["messageId"]) == ("message", later)
    stream.close()


def test_a_position_of_deleted_events_is_reported_and_reset(tenant):
    screen = Screen(tenant)
    screen.shows(post(tenant, 1))
    before = screen.last_id
    posted = post(tenant, 2)
    eventually(lambda: screen.messages()[1:] == posted, "both are shown")
    screen.close()
    tenant.stack.query("update event e set at = now() - interval '9 days' from tenant t where t.id = e.tenant_id and t.ccid = %s",
                       tenant.ccid)
    eventually(lambda: tenant.stack.query("select upkeep_partitions(30, 7)")[0][0] is not None, "upkeep deletes them")

    stream = tenant.agent().events(last_event_id=before)
    events = iter(stream)
    assert next(events)[1] == "reset"
    later = post(tenant, 1)
    assert next(events)[2]["messageId"] == later[0], "the stream continues from the present"
    stream.close()


def test_a_position_of_an_older_version_is_continued(tenant):
    screen = Screen(tenant)
    posted = post(tenant, 2)
    screen.shows(posted)
    screen.close()
    transaction, ordinal = (int(number) for number in screen.last_id.split("-"))
    without_epoch = f"{transaction % 2**42}-{ordinal}"

    later = post(tenant, 1)
    resumed = Screen(tenant, last_id=without_epoch)

    resumed.shows(later)
    resumed.close()
