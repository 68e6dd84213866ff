"""A POST with an Idempotency-Key takes effect once, and a repetition gets the stored answer."""

import concurrent.futures
import re
import uuid

import pytest
import requests

from harness.answers import data_of
from harness.api.routes import calls, worker_of
from harness.people import OutboundMessage, Tenant, conversation_of, until_accepted
from harness.provisioning import PROVISIONING, Provisioner
from harness.wait import LONGEST_ANSWER, eventually

POSTS = calls("POST")


class Request:
    """A POST that can be sent repeatedly. effect: a query that counts how often it took effect."""

    def __init__(self, caller, path, options, effect, *parameters, scope=0):
        self.stack, self.caller, self.path, self.options = caller.stack, caller, path, options
        self.effect, self.parameters = effect, parameters
        self.scope = scope  # id of the tenant whose Idempotency-Keys it uses; 0: callers that act for all contact centers
        self.owner = "" if scope else "user ops\n"  # each of those callers has its own Idempotency-Keys

    def post(self, key=None, query=None, gateway=0):
        """The answer to one request that has a known caller: Nexus waits for GWS only for half of the deadline, and without its answer nothing is done."""
        headers = {} if key is None else {"Idempotency-Key": key}

        def posted():
            answer = requests.post(self.stack.url(gateway) + self.path, params=query, auth=self.caller.session.auth,
                                   headers={**self.caller.session.headers, **headers}, timeout=LONGEST_ANSWER, **self.options)
            return "the caller cannot be identified" not in answer.text and [answer]

        return eventually(posted, "the caller is identified")[0]

    def until_done(self, key):
        """Repeats the request until it is accepted, as every client must."""
        return until_accepted(lambda: self.post(key), refusals=(409, 503, 504))

    def keys(self):
        """The Idempotency-Keys that are stored in its scope."""
        stored = self.stack.query("select key from idempotency where tenant_id = %s", self.scope)
        return [key.removeprefix(self.owner) for key, in stored if key.startswith(self.owner)]

    def lock(self, key):
        """The name of the lock that a request with this key holds."""
        return f"idempotency|{self.scope}|{self.owner}{key}"

    def times(self):
        return self.stack.query(self.effect, *self.parameters)[0][0]


def of_tenant(tenant, caller, *rest):
    number = tenant.stack.query("select id from tenant where ccid = %s", tenant.ccid)[0][0]
    return Request(caller, *rest, scope=number)


def operator(tenant):
    """A client with the cluster key that acts for this tenant."""
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
    """The message fails again after the replay, so that it could be replayed once more."""
    failed = OutboundMessage(tenant).becomes("failed")
    eventually(lambda: failed.undelivered, "the message is listed as undelivered")
    return of_tenant(tenant, operator(tenant), "/nexus/v3/undelivered/replay", {"json": {"ids": [failed.id]}},
                   "select count(*) from replay where message_id = %s", failed.id)


def destination_change(verb):
    """Each effect makes a row of the audit log."""
    def request(tenant):
        [destination] = data_of(operator(tenant).get("/nexus/v3/destinations"))["destinations"]
        identity = destination["id"]
        return of_tenant(tenant, operator(tenant), f"/nexus/v3/destinations/{identity}/{verb}", {},
                         "select count(*) from audit where action = %s and object = %s", f"destination.{verb}", identity)

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
    provisioner = Provisioner(tenant.stack)
    return Request(provisioner, f"{PROVISIONING}/tenants", {"json": {"id": provisioner.ccid, "name": f"new {provisioner.ccid}"}},
                   "select count(*) from api_key k join tenant t on t.id = k.tenant_id where t.ccid = %s", provisioner.ccid)


def apikey_create(tenant):
    provisioner = Provisioner(tenant.stack)
    body = {"tenant": provisioner.ccid, "name": "of a test", "permissions": ["nexus:consumer:chat"]}
    return Request(provisioner, "/nexus/v3/apikeys", {"json": body},
                   "select count(*) from api_key k join tenant t on t.id = k.tenant_id where t.ccid = %s", provisioner.ccid)


def service_post(tenant):
    provisioner = Provisioner(tenant.stack)
    body = {"data": {"channels": [{"channelId": provisioner.number, "webhook": {"url": "http://127.0.0.1:9/"}}]},
            "secret": {"channels": [{"channelId": provisioner.number, "webhook": {"secret": provisioner.secret}}]}}
    return Request(provisioner, provisioner.service_path("Async"), {"json": body},
                   "select count(*) from service s join tenant t on t.id = s.tenant_id where t.ccid = %s", provisioner.ccid)


RECIPES = {"SMS_MESSAGE": sms_message, "SMS_RECEIPT": sms_receipt, "UNDELIVERED_REPLAY": undelivered_replay,
           "CONVERSATION_POST": conversation_post, "CONVERSATION_ACCEPT": conversation_accept,
           "CONVERSATION_DONE": conversation_done, "TENANT_PROVISION": tenant_provision, "APIKEY_CREATE": apikey_create,
           "SERVICE_POST": service_post, "DESTINATION_TRY": destination_change("try"),
           "DESTINATION_ENABLE": destination_change("enable"), "DESTINATION_DISABLE": destination_change("disable")}
every_post = pytest.mark.parametrize("route", POSTS, ids=lambda route: route.id)


@pytest.fixture
def refusing(receiver):
    """A receiver that refuses every webhook permanently."""
    receiver.answer(status=400)
    return receiver


def request_of(route, stack, receiver):
    assert route.id in RECIPES, f"{route.id} is a new POST: add a valid request to RECIPES"
    return RECIPES[route.id](Tenant(stack, webhook_url=receiver.url))


def without_operation_id(answer):
    """The exact answer without its operation id, which differs for each request."""
    return answer.status_code, re.sub(r'"operationId":"[^"]*"', "", answer.text)


def is_replayed(answer):
    return answer.headers.get("Idempotency-Replayed") == "true"


def new_key():
    return f"test {uuid.uuid4()}"


# ---- every POST


@every_post
def test_a_repetition_gets_the_stored_answer_and_changes_nothing(route, nexus, refusing):
    request, key = request_of(route, nexus, refusing), new_key()

    first, second = request.post(key), request.post(key)

    assert first.status_code == route.status, first.text
    assert "Idempotency-Replayed" not in first.headers
    assert is_replayed(second) and without_operation_id(second) == without_operation_id(first)
    assert request.times() == 1


@every_post
def test_another_request_with_the_same_key_is_422(route, nexus, refusing):
    request, key = request_of(route, nexus, refusing), new_key()
    assert request.post(key).status_code == route.status

    other = request.post(key, query={"operationId": str(uuid.uuid4())})

    assert other.status_code == 422 and "Idempotency-Key" in other.text
    assert is_replayed(request.post(key))
    assert request.times() == 1


@every_post
def test_a_repetition_gets_409_while_the_first_request_is_not_finished(route, nexus, refusing):
    request, key = request_of(route, nexus, refusing), new_key()
    with running(request, key):
        refused = request.post(key)

    assert refused.status_code == 409 and int(refused.headers["Retry-After"]) >= 1
    assert request.times() == 0
    assert request.post(key).status_code == route.status
    assert request.times() == 1


@every_post
@pytest.mark.parametrize("key", ["", "k" * 256, "tab\tinside", "naïve"],
                         ids=["empty", "too long", "tabulator", "not ASCII"])
def test_a_malformed_key_is_refused(route, key, nexus, refusing):
    request = request_of(route, nexus, refusing)

    refused = request.post(key.encode())

    assert refused.status_code == 400 and "Idempotency-Key" in refused.text
    assert request.times() == 0


@every_post
def test_nothing_is_stored_without_a_key(route, nexus, refusing):
    request = request_of(route, nexus, refusing)
    before = request.keys()

    answer = request.post()

    assert answer.status_code == route.status and "Idempotency-Replayed" not in answer.headers
    assert request.keys() == before


class running:
    """Holds the lock of the key, like a transaction that has not ended."""

    def __init__(self, request, key):
        self.stack, self.name = request.stack, request.lock(key)

    def __enter__(self):
        self.connection = self.stack.postgres.connect(self.stack.database)
        self.connection.cursor().execute("select pg_advisory_lock(hashtextextended(%s, 0))", [self.name])

    def __exit__(self, *_):
        # The lock of a closed connection is free once its server process has ended, which may be later.
        self.connection.cursor().execute("select pg_advisory_unlock_all()")
        self.connection.close()


# ---- what is stored, and for which callers


def test_an_error_is_not_stored(nexus, refusing):
    request, key = conversation_accept(Tenant(nexus)), new_key()
    state = "update conversation set state = %s where id = %s"
    nexus.query(state, 9, *request.parameters)
    assert request.post(key).status_code == 409

    nexus.query(state, 1, *request.parameters)
    answer = request.post(key)

    assert answer.status_code == 200 and not is_replayed(answer)


def test_two_tenants_may_use_the_same_key(nexus):
    one, other, key = conversation_post(Tenant(nexus)), conversation_post(Tenant(nexus)), new_key()

    answers = [one.post(key), other.post(key)]

    assert [answer.status_code for answer in answers] == [200, 200] and not any(map(is_replayed, answers))
    assert one.times() == other.times() == 1


def test_the_stored_answer_does_not_change_with_the_object(nexus):
    request, key = conversation_accept(Tenant(nexus)), new_key()
    first = request.post(key)
    assert data_of(first)["state"] == "active"
    assert request.caller.post(request.path.replace("accept", "done")).status_code == 200

    assert without_operation_id(request.post(key)) == without_operation_id(first)


@pytest.mark.parametrize("recipe", [apikey_create, tenant_provision])
def test_a_new_api_key_is_shown_again_and_stored_encrypted_only(recipe, nexus):
    request, key = recipe(Tenant(nexus)), new_key()
    first = request.post(key)
    value = first.json()["id"] if recipe is apikey_create else data_of(first)["xapikey"]
    nexus.private.add(value)
    assert uuid.UUID(value)

    again = request.post(key)

    assert is_replayed(again) and without_operation_id(again) == without_operation_id(first)
    stored = nexus.query("select answer, secret from idempotency where key = %s", request.owner + key)
    assert len(stored) == 1 and value not in str(stored) and stored[0][1].startswith("v2|")


def test_a_new_api_key_that_cannot_be_decrypted_is_not_shown_again(nexus):
    request, key = apikey_create(Tenant(nexus)), new_key()
    assert request.post(key).status_code == 200
    nexus.query("update idempotency set secret = overlay(secret placing 'AAAA' from length(secret) - 12) where key = %s",
                request.owner + key)

    refused = request.post(key)

    assert refused.status_code == 409 and "shown once" in refused.text
    assert request.times() == 1


def test_a_get_ignores_the_key(nexus):
    tenant, key = Tenant(nexus), new_key()

    answers = [tenant.agent().get("/chat/v3/conversations", headers={"Idempotency-Key": key}) for _ in range(2)]

    assert all(answer.status_code == 200 and not is_replayed(answer) for answer in answers)
    assert nexus.query("select count(*) from idempotency where key = %s", key) == [(0,)]


def test_keys_are_deleted_after_a_day_and_not_before(nexus):
    request, old, young = sms_message(Tenant(nexus)), new_key(), new_key()
    for key in (old, young):
        assert request.post(key).status_code == 200
    nexus.query("update idempotency set created = now() - interval '25 h' where key = %s", old)
    nexus.query("update idempotency set created = now() - interval '23 h 59 min' where key = %s", young)

    def forgotten():
        nexus.query("select idempotency_forget(86400)")  # does nothing while provisioning-worker does the same
        return request.keys() == [young]

    eventually(forgotten, "the old key is deleted, and the young one is not")


def test_a_used_key_in_a_batch_does_not_affect_other_requests(nexus):
    """The worker is frozen, so that all requests arrive in one batch."""
    tenant, key = Tenant(nexus), new_key()
    used, fresh = conversation_post(tenant), [conversation_post(tenant) for _ in range(8)]
    first = used.post(key)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        nexus["chat-worker-0"].freeze()
        again = pool.submit(used.post, key)
        others = [pool.submit(request.post, new_key()) for request in fresh[:4]]
        others += [pool.submit(request.post) for request in fresh[4:]]
        nexus["chat-worker-0"].thaw()
        answers = [other.result() for other in others]

    assert without_operation_id(again.result()) == without_operation_id(first) and is_replayed(again.result())
    assert all(answer.status_code == 200 and not is_replayed(answer) for answer in answers)
    assert [request.times() for request in [used, *fresh]] == [1] * 9


# ---- concurrent requests, and processes that die


def test_only_one_of_many_concurrent_requests_at_two_gateways_takes_effect(make_stack):
    stack = make_stack(gateways=2, chat_workers=2)
    tenant = Tenant(stack)
    request, key = conversation_post(tenant), new_key()
    for gateway in range(2):
        assert tenant.agent(gateway).get("/chat/v3/conversations").status_code == 200  # so that the caller is known

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: request.post(key, gateway=number % 2), range(64)))

    assert {answer.status_code for answer in answers} <= {200, 409}
    good = [answer for answer in answers if answer.status_code == 200]
    assert len({without_operation_id(answer) for answer in good}) == 1
    assert sum(not is_replayed(answer) for answer in good) == 1
    assert request.times() == 1


def test_a_repetition_does_not_wait_while_the_first_request_waits_for_a_row(make_stack):
    stack = make_stack(chat_workers=2)
    request, key = conversation_accept(Tenant(stack)), new_key()
    connection = stack.postgres.connect(stack.database)
    connection.autocommit = False
    connection.cursor().execute("select from conversation where id = %s for update", request.parameters)

    is_locked = """select 1 from pg_locks where database = (select oid from pg_database where datname = current_database())
                      and locktype = 'advisory' and objsubid = 1 and (classid::bigint << 32 | objid::bigint) = hashtextextended(%s, 0)"""

    # The first request waits 2 s for the row. On a busy machine the second one may be later, and then it is the one that waits.
    def refused():
        assert stack.query(is_locked, request.lock(key)), "no request has locked the key"
        answer = request.post(key)
        return answer.status_code == 409 and [answer]

    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(request.until_done, key)
        second = eventually(refused, "the second request is refused")[0]
        waited = first.done()
        connection.close()

    assert second.status_code == 409 and not waited
    assert first.result().status_code == 200
    assert is_replayed(request.post(key)) and request.times() == 1


@every_post
def test_a_request_takes_effect_once_if_the_worker_dies_between_commit_and_answer(route, make_stack, refusing):
    stack = make_stack()
    request, key = request_of(route, stack, refusing), new_key()
    worker = stack[f"{worker_of(route.message)}-0"]
    arm(stack, worker, "keyed.ack_lost=kill")

    with concurrent.futures.ThreadPoolExecutor() as pool:
        accepted = pool.submit(request.until_done, key)
        eventually(lambda: not worker.alive, f"{worker.name} dies after it has committed", within=20)
        assert key in request.keys() and request.times() == 1
        disarm(worker)
        answer = accepted.result()

    assert is_replayed(answer)
    assert without_operation_id(request.post(key)) == without_operation_id(answer)
    assert request.times() == 1


@pytest.mark.parametrize("point", ["gateway.before_send", "gateway.after_send", "gateway.before_answer"])
def test_a_request_takes_effect_once_if_the_gateway_dies(point, make_stack):
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


def test_each_caller_that_acts_for_all_contact_centers_has_its_own_keys(nexus):
    tenant = Tenant(nexus)
    request, key = service_post(tenant), new_key()
    made = request.post(key)

    request.caller.session.headers.update({"Authorization": f"Bearer {tenant.cluster_key}", "x-ccid": request.caller.ccid})
    again = request.post(key)

    assert made.status_code == again.status_code == 200, again.text
    assert not is_replayed(again)
    assert is_replayed(request.post(key))
