"""Statements of a worker about many deliveries at once: a claim, and the outcomes of a batch."""

from harness.answers import data_of
from harness.people import OutboundMessage, Tenant, new_number
from harness.reading import messages


def test_a_delivery_that_moves_to_another_destination_during_its_claim_is_sent_there_and_delays_no_other(make_stack, receiver):
    stack = make_stack()
    tenant = Tenant(stack, webhook_url=receiver.url)
    stack.apply({"tenants": [{"ccid": tenant.ccid, "numbers": [
        {"address": (second := new_number()), "name": "second", "endpoint": "sales",
         "webhook": {"url": receiver.url + "/second", "secret": tenant.webhook_secret}}]}]})
    conversations = [data_of(tenant.aggregator().message(shortcode=second))["conversationId"] for _ in range(5)]
    assert stack["sms-worker-0"].stop() == 0
    outbound = [OutboundMessage(tenant, conversation) for conversation in conversations]
    # The rows of a claim are ordered by destination: the one that moves to the first destination comes first.
    stack.query(f"""
        create function moves() returns trigger language plpgsql as $$
        begin
            if old.lease_until is null and new.lease_until is not null and new.message_id = '{outbound[0].id}' then
                new.destination_id := (select min(destination_id) from channel where address = '{tenant.number}');
            end if;
            return new;
        end $$""")
    stack.query("create trigger moves before update on delivery for each row execute function moves()")

    stack["sms-worker-0"].restart()

    for message in outbound:
        message.becomes("sent")
    assert [len(receiver.messages(message.text)) for message in outbound] == [1] * 5
    assert receiver.messages(outbound[0].text)[0].path != receiver.messages(outbound[1].text)[0].path
    steps = [step["step"] for message in outbound for step in messages.timeline(tenant, message.id)["steps"]]
    assert (steps.count("attempt"), steps.count("lost")) == (5, 0), "no lease ran out"


def test_results_of_a_batch_are_returned_by_place_to_workers_and_by_id_to_older_workers(nexus, receiver):
    stack = nexus
    tenant = Tenant(stack, webhook_url=receiver.url)
    tenant_id = stack.query("select id from tenant where ccid = %s", tenant.ccid)[0][0]
    stack.query("update destination set enabled = false where tenant_id = %s", tenant_id)
    outbound = [OutboundMessage(tenant) for _ in range(6)]
    ids = [number for number, in stack.query("select id from delivery where tenant_id = %s order by id", tenant_id)]
    # Of three deliveries the first was sent, the second is leased by another worker by now, and the third failed.
    stack.query("update delivery set lease_until = now() + interval '1 min', lease_epoch = case when id = any(%s) then 8 else 7 end"
                " where tenant_id = %s", [ids[1], ids[4]], tenant_id)

    def store(function, ids):
        return stack.query(f"""select * from {function}(%s, array[7, 7, 7], array[1, 1, 3]::smallint[], array[0, 0, 0],
            array[null, null, null]::text[], array[200, 200, 400], array[5, 5, 5], array[null, null, 'refused'], array[0, 0, 2]::smallint[],
            array[1, 1, 1], array[1, 1, 1], array[null, null, null]::text[], array[null, null, null]::text[])""", ids)

    assert sorted(store("delivery_store", ids[:3])) == [(1, False), (3, True)]
    assert sorted(store("delivery_complete", ids[3:]), reverse=True) == [(ids[3],), (-ids[5],)]

    stack.query("update delivery set lease_until = null where tenant_id = %s", tenant_id)
    stack.query("update destination set enabled = true where tenant_id = %s", tenant_id)
    assert [message.becomes(state).id for message, state in zip(outbound, ["sent", "sent", "failed"] * 2)]
    assert {webhook.message["id"] for webhook in receiver.messages()} == {outbound[1].id, outbound[4].id}
