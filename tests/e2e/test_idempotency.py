"""A POST with an Idempotency-Key has its effect once, and whoever repeats it gets the stored answer."""

import concurrent.futures
import re
import threading
import uuid

import pytest
import requests

from harness.customer import CustomerGateway
from harness.people import Answer, Tenant, conversation_of
from harness.provisioning import PROVISIONING, Office
from harness.routes import calls, worker_of
from harness.wait import eventually

POSTS = calls("POST")


class Request:
    """One POST that can be sent again and again, and what it does: a query that gives how often it did."""

    def __init__(self, caller, path, options, effect, *parameters, scope=0):
        self.stack, self.caller, self.path, self.options = caller.stack, caller, path, options
        self.effect, self.parameters = effect, parameters
        self.scope = scope  # whose Idempotency-Keys it uses: a tenant's number; 0: of those who act for all
        self.owner = "" if scope else "user ops\n"  # each of these has keys of its own

    def post(self, key=None, query=None, gateway=0):
        headers = {} if key is None else {"Idempotency-Key": key}
        return requests.post(self.stack.url(gateway) + self.path, params=query, auth=self.caller.session.auth,
                             headers={**self.caller.session.headers, **headers}, timeout=10, **self.options)

    def until_done(self, key):
        """Sends it again until it is accepted, as every caller must."""
        while True:
            try:
                answer = self.post(key)
            except requests.ConnectionError:
                answer = None
            if answer is not None and answer.ok:
                return answer
            assert answer is None or answer.status_code in (409, 503, 504), answer.text
            threading.Event().wait(0.05)

    def keys(self):
        """The Idempotency-Keys that are kept in its scope."""
        stored = self.stack.query("select key from idempotency where tenant_id = %s", self.scope)
        return [key.removeprefix(self.owner) for key, in stored if key.startswith(self.owner)]

    def times(self):
        return self.stack.query(self.effect, *self.parameters)[0][0]


def of_tenant(tenant, caller, *rest):
    number = tenant.stack.query("select id from tenant where ccid = %s", tenant.ccid)[0][0]
    return Request(caller, *rest, scope=number)


def operator(tenant):
    """Holds the cluster key and acts for this tenant."""
    caller = tenant.agent()
    caller.session.headers.update({"Authorization": f"Bearer {tenant.cluster_key}", "x-ccid": tenant.ccid})
    return caller


def sms_message(tenant):
    name = uuid.uuid4().hex
    return of_tenant(tenant, tenant.aggregator(), "/nexus/v3/sms/message",
                   {"data": {"message_id": name, "phone_number": tenant.phone(), "shortcode": tenant.number,
                             "message": tenant.text()}},
                   "select count(*) from message where external_id = %s", name)


def sms_receipt(tenant):
    name = uuid.uuid4().hex
    return of_tenant(tenant, tenant.aggregator(), "/nexus/v3/sms/receipt", {"data": {"message_id": name, "message_state": 2}},
                   "select count(*) from receipt where provider_id = %s", name)


def undelivered_replay(tenant):
    """What it sends again fails again, and could be replayed once more."""
    failed = Answer(tenant).becomes("failed")
    eventually(lambda: failed.undelivered, "the answer is on record")
    return of_tenant(tenant, operator(tenant), "/nexus/v3/undelivered/replay", {"json": {"ids": [failed.id]}},
                   "select count(*) from replay where message_id = %s", failed.id)


def destination_change(what):
    """As often as it is done it leaves a row of the audit log."""
    def request(tenant):
        identity = tenant.stack.query("""select c.destination_id from channel c join tenant t on t.id = c.tenant_id
                                          where t.ccid = %s""", tenant.ccid)[0][0]
        return of_tenant(tenant, operator(tenant), f"/nexus/v3/destinations/{identity}/{what}", {},
                         "select count(*) from audit where action = %s and object = %s", f"destination.{what}", str(identity))

    return request


def conversation_post(tenant):
    conversation = conversation_of(tenant)
    return of_tenant(tenant, tenant.agent(), f"/chat/v3/conversations/{conversation}/messages",
                   {"json": {"text": tenant.text()}},
                   "select count(*) from message where conversation_id = %s and direction = 2", conversation)


def conversation_accept(tenant):
    conversation = conversation_of(tenant)
    return of_tenant(tenant, tenant.agent(), f"/chat/v3/conversations/{conversation}/accept", {},
                   "select count(*) from event where kind = 3 and state = 2 and conversation_id = %s", conversation)


def conversation_done(tenant):
    conversation = conversation_of(tenant)
    return of_tenant(tenant, tenant.agent(), f"/chat/v3/conversations/{conversation}/done", {},
                   "select count(*) from event where kind = 3 and state = 9 and conversation_id = %s", conversation)


def tenant_provision(tenant):
    office = Office(tenant.stack)
    return Request(office, f"{PROVISIONING}/tenants", {"json": {"id": office.ccid, "name": f"new {office.ccid}"}},
                   "select count(*) from api_key k join tenant t on t.id = k.tenant_id where t.ccid = %s", office.ccid)


def apikey_create(tenant):
    office = Office(tenant.stack)
    body = {"tenant": office.ccid, "name": "of a test", "permissions": ["nexus:consumer:chat"]}
    return Request(office, "/nexus/v3/apikeys", {"json": body},
                   "select count(*) from api_key k join tenant t on t.id = k.tenant_id where t.ccid = %s", office.ccid)


def service_post(tenant):
    office = Office(tenant.stack)
    body = {"data": {"channels": [{"channelId": office.number, "webhook": {"url": "http://127.0.0.1:9/"}}]},
            "secret": {"channels": [{"channelId": office.number, "webhook": {"secret": office.secret}}]}}
    return Request(office, office.service_path("Async"), {"json": body},
                   "select count(*) from service s join tenant t on t.id = s.tenant_id where t.ccid = %s", office.ccid)


RECIPES = {"SMS_MESSAGE": sms_message, "SMS_RECEIPT": sms_receipt, "UNDELIVERED_REPLAY": undelivered_replay,
           "CONVERSATION_POST": conversation_post, "CONVERSATION_ACCEPT": conversation_accept,
           "CONVERSATION_DONE": conversation_done, "TENANT_PROVISION": tenant_provision, "APIKEY_CREATE": apikey_create,
           "SERVICE_POST": service_post, "DESTINATION_TRY": destination_change("try"),
           "DESTINATION_ENABLE": destination_change("enable"), "DESTINATION_DISABLE": destination_change("disable")}
every_post = pytest.mark.parametrize("route", POSTS, ids=lambda route: route.id)


@pytest.fixture
def customer():
    """Refuses for good whatever it is sent."""
    gateway = CustomerGateway()
    gateway.answer(status=400)
    yield gateway
    gateway.close()


def request_of(route, stack, customer):
    assert route.id in RECIPES, f"{route.id} is a new POST: say here how a valid one looks"
    return RECIPES[route.id](Tenant(stack, webhook_url=customer.url))


def data_of(answer):
    """The answer without what belongs to this one request, to the byte."""
    return answer.status_code, re.sub(r'"operationId":"[^"]*"', "", answer.text)


def is_replayed(answer):
    return answer.headers.get("Idempotency-Replayed") == "true"


def new_key():
    return f"test {uuid.uuid4()}"


# ---- every POST there is


@every_post
def test_a_repetition_gets_the_stored_answer_and_changes_nothing(route, nexus, customer):
    request, key = request_of(route, nexus, customer), new_key()

    first, second = request.post(key), request.post(key)

    assert first.status_code == route.status, first.text
    assert "Idempotency-Replayed" not in first.headers
    assert is_replayed(second) and data_of(second) == data_of(first)
    assert request.times() == 1


@every_post
def test_another_request_with_the_same_key_is_422(route, nexus, customer):
    request, key = request_of(route, nexus, customer), new_key()
    assert request.post(key).status_code == route.status

    other = request.post(key, query={"operationId": str(uuid.uuid4())})

    assert other.status_code == 422 and "Idempotency-Key" in other.text
    assert is_replayed(request.post(key))
    assert request.times() == 1


@every_post
def test_while_the_first_is_not_finished_the_second_is_told_to_wait(route, nexus, customer):
    request, key = request_of(route, nexus, customer), new_key()
    with running(request, key):
        refused = request.post(key)

    assert refused.status_code == 409 and int(refused.headers["Retry-After"]) >= 1
    assert request.times() == 0
    assert request.post(key).status_code == route.status
    assert request.times() == 1


@every_post
@pytest.mark.parametrize("key", ["", "k" * 256, "tab\tinside", "naïve"],
                         ids=["empty", "too long", "tabulator", "not ASCII"])
def test_what_is_no_key_is_refused(route, key, nexus, customer):
    request = request_of(route, nexus, customer)

    refused = request.post(key.encode())

    assert refused.status_code == 400 and "Idempotency-Key" in refused.text
    assert request.times() == 0


@every_post
def test_without_a_key_nothing_is_kept(route, nexus, customer):
    request = request_of(route, nexus, customer)
    before = request.keys()

    answer = request.post()

    assert answer.status_code == route.status and "Idempotency-Replayed" not in answer.headers
    assert request.keys() == before


class running:
    """Somebody holds the key as a transaction does that has not ended."""

    def __init__(self, request, key):
        self.stack, self.name = request.stack, f"idempotency|{request.scope}|{request.owner}{key}"

    def __enter__(self):
        self.connection = self.stack.postgres.connect(self.stack.database)
        self.connection.cursor().execute("select pg_advisory_lock(hashtextextended(%s, 0))", [self.name])

    def __exit__(self, *_):
        self.connection.close()


# ---- what is kept, and for whom


def test_an_error_is_not_kept(nexus, customer):
    request, key = conversation_accept(Tenant(nexus)), new_key()
    state = "update conversation set state = %s where id = %s"
    nexus.query(state, 9, *request.parameters)
    assert request.post(key).status_code == 409

    nexus.query(state, 1, *request.parameters)
    answer = request.post(key)

    assert answer.status_code == 200 and not is_replayed(answer)


def test_the_keys_of_two_tenants_have_nothing_to_do_with_each_other(nexus):
    one, other, key = conversation_post(Tenant(nexus)), conversation_post(Tenant(nexus)), new_key()

    answers = [one.post(key), other.post(key)]

    assert [answer.status_code for answer in answers] == [200, 200] and not any(map(is_replayed, answers))
    assert one.times() == other.times() == 1


def test_the_stored_answer_is_what_was_true_then(nexus):
    request, key = conversation_accept(Tenant(nexus)), new_key()
    first = request.post(key)
    assert first.json()["data"]["state"] == "active"
    assert request.caller.post(request.path.replace("accept", "done")).status_code == 200

    assert data_of(request.post(key)) == data_of(first)


@pytest.mark.parametrize("recipe", [apikey_create, tenant_provision])
def test_a_new_key_is_shown_again_and_stands_nowhere_in_clear(recipe, nexus):
    request, key = recipe(Tenant(nexus)), new_key()
    first = request.post(key)
    value = first.json()["id"] if recipe is apikey_create else first.json()["data"]["xapikey"]
    nexus.private.add(value)
    assert uuid.UUID(value)

    again = request.post(key)

    assert is_replayed(again) and data_of(again) == data_of(first)
    stored = nexus.query("select answer, secret from idempotency where key = %s", request.owner + key)
    assert len(stored) == 1 and value not in str(stored) and stored[0][1].startswith("v2|")


def test_a_new_key_whose_seal_has_gone_is_not_shown_again(nexus):
    request, key = apikey_create(Tenant(nexus)), new_key()
    assert request.post(key).status_code == 200
    nexus.query("update idempotency set secret = overlay(secret placing 'AAAA' from length(secret) - 12) where key = %s",
                request.owner + key)

    refused = request.post(key)

    assert refused.status_code == 409 and "shown once" in refused.text
    assert request.times() == 1


def test_a_get_knows_no_key(nexus):
    tenant, key = Tenant(nexus), new_key()

    answers = [tenant.agent().get("/chat/v3/conversations", headers={"Idempotency-Key": key}) for _ in range(2)]

    assert all(answer.status_code == 200 and not is_replayed(answer) for answer in answers)
    assert nexus.query("select count(*) from idempotency where key = %s", key) == [(0,)]


def test_keys_are_forgotten_after_their_time_and_not_before(nexus):
    request, old, young = sms_message(Tenant(nexus)), new_key(), new_key()
    for key in (old, young):
        assert request.post(key).status_code == 200
    nexus.query("update idempotency set created = now() - interval '25 h' where key = %s", old)
    nexus.query("update idempotency set created = now() - interval '23 h 59 min' where key = %s", young)

    assert nexus.query("select idempotency_forget(86400)") != [(0,)]

    assert request.keys() == [young]


def test_one_used_key_in_a_batch_disturbs_none_of_the_others(nexus):
    """The worker is held up, so that all of them come in one batch."""
    tenant, key = Tenant(nexus), new_key()
    used, fresh = conversation_post(tenant), [conversation_post(tenant) for _ in range(8)]
    first = used.post(key)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        nexus["chat-worker-0"].freeze()
        again = pool.submit(used.post, key)
        others = [pool.submit(request.post, new_key()) for request in fresh[:4]]
        others += [pool.submit(request.post) for request in fresh[4:]]
        nexus["chat-worker-0"].thaw()
        answers = [other.result(20) for other in others]

    assert data_of(again.result()) == data_of(first) and is_replayed(again.result())
    assert all(answer.status_code == 200 and not is_replayed(answer) for answer in answers)
    assert [request.times() for request in [used, *fresh]] == [1] * 9


# ---- two at once, and deaths


def test_of_many_at_once_at_two_gateways_one_has_the_effect(make_stack):
    stack = make_stack(gateways=2, chat_workers=2)
    request, key = conversation_post(Tenant(stack)), new_key()

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: request.post(key, gateway=number % 2), range(64)))

    assert {answer.status_code for answer in answers} <= {200, 409}
    good = [answer for answer in answers if answer.status_code == 200]
    assert len({data_of(answer) for answer in good}) == 1
    assert sum(not is_replayed(answer) for answer in good) == 1
    assert request.times() == 1


def test_who_comes_while_the_effect_waits_for_a_row_does_not_wait_with_it(make_stack):
    stack = make_stack(chat_workers=2)
    request, key = conversation_accept(Tenant(stack)), new_key()
    connection = stack.postgres.connect(stack.database)
    connection.autocommit = False
    connection.cursor().execute("select from conversation where id = %s for update", request.parameters)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(request.post, key)
        eventually(lambda: stack.query("select count(*) from pg_locks where locktype = 'advisory'") == [(1,)],
                   "the first has taken the key")
        second = request.post(key)
        waited = first.done()
        connection.close()

    assert second.status_code == 409 and not waited
    assert first.result().status_code == 200
    assert is_replayed(request.post(key)) and request.times() == 1


@every_post
def test_a_worker_that_dies_between_commit_and_answer_has_done_it_once(route, make_stack, customer):
    stack = make_stack()
    request, key = request_of(route, stack, customer), new_key()
    worker = stack[f"{worker_of(route.message)}-0"]
    arm(stack, worker, "keyed.ack_lost=kill")

    with concurrent.futures.ThreadPoolExecutor() as pool:
        accepted = pool.submit(request.until_done, key)
        eventually(lambda: not worker.alive, f"{worker.name} dies after it has committed", within=20)
        assert key in request.keys() and request.times() == 1
        disarm(worker)
        answer = accepted.result(30)

    assert is_replayed(answer)
    assert data_of(request.post(key)) == data_of(answer)
    assert request.times() == 1


@pytest.mark.parametrize("point", ["gateway.before_send", "gateway.after_send", "gateway.before_answer"])
def test_a_gateway_that_dies_costs_a_repetition_and_no_second_effect(point, make_stack):
    stack = make_stack()
    request, key, gateway = conversation_post(Tenant(stack)), new_key(), stack["gateway-0"]
    arm(stack, gateway, f"{point}=kill")

    with pytest.raises(requests.ConnectionError):
        request.post(key)
    eventually(lambda: not gateway.alive, "the gateway dies", within=20)
    disarm(gateway)
    stack.wait_for("green")

    assert request.until_done(key).status_code == 200
    assert request.times() == 1


def arm(stack, process, rule):
    process.stop()
    process.environment["NEXUS_FAILPOINTS"] = rule
    process.restart()
    stack.wait_for("green")


def disarm(process):
    process.stop()
    del process.environment["NEXUS_FAILPOINTS"]
    process.restart()


def test_of_those_who_act_for_all_each_has_keys_of_its_own(nexus):
    tenant = Tenant(nexus)
    request, key = service_post(tenant), new_key()
    made = request.post(key)

    request.caller.session.headers.update({"Authorization": f"Bearer {tenant.cluster_key}", "x-ccid": request.caller.ccid})
    again = request.post(key)

    assert made.status_code == again.status_code == 200, again.text
    assert not is_replayed(again)
    assert is_replayed(request.post(key))
