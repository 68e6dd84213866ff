-- Functions that only workers of an older build call, which may run while their database is upgraded.

-- delivery_store(), which gives places: p_ids, negative where the message is undelivered now.
create or replace function delivery_complete(
    p_ids bigint[], p_epochs int[], p_outcomes smallint[], p_delays_ms int[], p_provider_ids text[], p_statuses int[],
    p_durations_ms int[], p_reasons text[], p_decisions smallint[], p_helds_ms int[], p_sent_bytes int[], p_details text[],
    p_traces text[])
returns setof bigint
language sql
set lock_timeout = '100ms' as $$
    select case when s.undelivered then -p_ids[s.place] else p_ids[s.place] end
    from delivery_store(p_ids, p_epochs, p_outcomes, p_delays_ms, p_provider_ids, p_statuses, p_durations_ms, p_reasons, p_decisions,
                        p_helds_ms, p_sent_bytes, p_details, p_traces) s
$$;

-- delivery_lease() without the age of a message and the networks of its contact center.
create or replace function delivery_claim(p_destinations int[], p_rooms int[], p_floors_us bigint[], p_order_wait_ms int)
returns table (
    id bigint, lease_epoch int, tenant_id int, destination_id int, message_id uuid, conversation_id uuid,
    attempt smallint, due_us bigint, recovered boolean, fate smallint, address text, number text,
    sequence int, body text, content text, traceparent text, provider text, url text, headers text, secrets text,
    secrets_number text, ccid text, failures int, accepted_us bigint)
language sql as $$
    select c.id, c.lease_epoch, c.tenant_id, c.destination_id, c.message_id, c.conversation_id, c.attempt, c.due_us, c.recovered, c.fate,
           c.address, c.number, c.sequence, c.body, c.content, c.traceparent, c.provider, c.url, c.headers, c.secrets, c.secrets_number,
           c.ccid, c.failures, c.accepted_us
    from delivery_lease(p_destinations, p_rooms, p_floors_us, p_order_wait_ms) c
$$;
