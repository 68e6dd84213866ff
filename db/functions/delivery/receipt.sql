-- Receipts: stored first, bound to their message when it is known.

-- The state of a message after a provider's state (SMPP 5.0, and 10: read); null: not final.
create or replace function receipt_fate(p_state smallint) returns smallint
language sql immutable as $$
    select case p_state when 2 then :state_delivered when 3 then :state_expired when 4 then :state_failed when 5 then :state_failed when 8 then :state_failed when 9 then :state_failed
                      when 10 then :state_read end::smallint
$$;

-- Applies the receipts of messages. The first final state stays: a later one, whatever it says, does not undo it; only
-- what was delivered may become read. A receipt also changes what we ended without knowing whether it had arrived: uncertain,
-- or failed or expired as long as it is in undelivered. Gives the messages that changed, with their traces (accepted_us: µs since
-- 1970).
create or replace function receipt_apply(p_tenants int[], p_messages uuid[], p_states smallint[])
returns table (tenant_id int, message_id uuid, traceparent text, accepted_us bigint)
language sql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
    with final as (
        select distinct on (i.tenant_id, i.id) i.tenant_id, i.id,
               case when f.fate = :state_delivered and bool_or(f.fate = :state_read) over (partition by i.tenant_id, i.id) then :state_read::smallint
                    else f.fate end as fate
        from unnest(p_tenants, p_messages, p_states) with ordinality i (tenant_id, id, state, place)
        cross join lateral (select receipt_fate(i.state) as fate) f
        where f.fate is not null
        order by i.tenant_id, i.id, i.place
    ), locked as materialized (
        select m.tenant_id, m.id, m.state as was, f.fate
        from final f join message m on m.tenant_id = f.tenant_id and m.id = f.id and m.direction = :direction_out
        order by m.tenant_id, m.id for no key update of m
    ), changed as (
        update message m set state = l.fate, changed = now()
        from locked l
        where m.tenant_id = l.tenant_id and m.id = l.id and l.was <> l.fate
          and (l.was in (:state_accepted, :state_held, :state_sending, :state_sent, :state_uncertain) or (l.was, l.fate) = (:state_delivered, :state_read)
               or l.was in (:state_failed, :state_expired) and exists (select from undelivered u
                                              where u.tenant_id = m.tenant_id and u.message_id = m.id))
        returning m.tenant_id, m.id, m.channel_id, m.direction, m.conversation_id, m.sequence, m.state, m.traceparent, m.created, l.was
    ), entered as (
        insert into ledger_entry (tenant_id, channel_id, direction, day, state, messages)
        select c.tenant_id, c.channel_id, c.direction, ledger_day_of(c.created), s.state, sum(s.messages)
        from changed c cross join lateral (values (c.was, -1), (c.state, 1)) s (state, messages)
        group by 1, 2, 3, 4, 5
    ), resolved as (
        delete from undelivered u using changed c where u.tenant_id = c.tenant_id and u.message_id = c.id
    ), told as (
        insert into event (tenant_id, kind, conversation_id, message_id, sequence, state)
        select tenant_id, :event_state, conversation_id, id, sequence, state from changed
    )
    select tenant_id, id, traceparent, (extract(epoch from created) * 1000000)::bigint from changed
$$;

-- Our id of a message in any spelling: in capitals, without dashes, in braces, as urn:uuid:…; null: it is not an id.
create or replace function message_id_of(p_word text) returns uuid
language sql immutable as $$
    select case when translate(p_word, '{-} ', '') ~* '^(urn:uuid:)?[0-9a-f]{32}$'
                then right(translate(p_word, '{-} ', ''), 32)::uuid end
$$;

-- Is the receipt that names this number of ours about a message that left from the channel's number? A receipt that names
-- none, or what is no number of the contact center, is judged by its id alone.
create or replace function receipt_fits(p_tenant int, p_named text, p_channel_number text) returns boolean
language sql stable as $$
    select p_named is null or p_named = p_channel_number
        or not exists (select from channel k where k.tenant_id = p_tenant and k.address = p_named)
$$;

-- Stores a batch of receipts, and then changes their messages; outcomes (delivery_store()) take both in the same order. p_numbers: our
-- number, where the provider says it. If a provider uses an id again, it means its newer message, and the receipt is bound to that one.
-- Gives one row for each, in the order of the arrays: is its message
-- known, was the receipt stored before, did the message change; where it did, its trace.
--
-- A receipt and the outcome that names its message may commit side by side and miss each other; receipt_bind() finds
-- such pairs a few seconds later.
create or replace function receipt_take(
    p_tenants int[], p_provider_ids text[], p_states smallint[], p_numbers text[], p_results text[])
returns table (bound boolean, repeated boolean, changed boolean, traceparent text, accepted_us bigint)
language plpgsql set lock_timeout = '100ms'
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
    messages uuid[];    -- in the order of the arrays
    fresh    boolean[];
    moved    uuid[];    -- messages whose state changed
    traces   text[];    -- theirs
    accepted bigint[];
    me       int := process_here();
begin
    with input as materialized (
        select i.*, coalesce(i.number, '') as number_key, coalesce(known.message_id, own.id) as message_id,
               row_number() over (partition by i.tenant_id, i.provider_id, i.state, i.number order by i.place) as nth
        from (select u.*, message_id_of(u.provider_id) as own_id
              from unnest(p_tenants, p_provider_ids, p_states, p_numbers, p_results) with ordinality
                   u (tenant_id, provider_id, state, number, result, place)
              offset 0) i
        left join lateral (
            select p.message_id from provider_message p
            where p.tenant_id = i.tenant_id and p.provider_id = i.provider_id
              and receipt_fits(i.tenant_id, i.number, channel_address(p.tenant_id, p.channel_id))
            order by p.channel_id desc
            limit 1) known on true
        left join lateral (
            select m.id, m.channel_id, m.direction from message m
            where m.tenant_id = i.tenant_id and m.id = i.own_id
            offset 0) own -- both times "offset 0" keeps the plan on the message's key, as in delivery_store()
            on known.message_id is null and own.direction = :direction_out
           and receipt_fits(i.tenant_id, i.number, channel_address(i.tenant_id, own.channel_id))
    ), stored as (
        insert into receipt (tenant_id, provider_id, state, channel_address, result_text, message_id, process)
        select tenant_id, provider_id, state, number, nullif(result, ''), message_id, me from input where nth = 1
        order by tenant_id, provider_id, state, number_key
        on conflict (tenant_id, provider_id, state, number_key) do update
            set message_id = excluded.message_id, result_text = excluded.result_text, received = now(),
                process = excluded.process
            where receipt.message_id is distinct from excluded.message_id and excluded.message_id is not null
        returning tenant_id, provider_id, state, number_key
    )
    select array_agg(i.message_id order by i.place), array_agg(i.nth = 1 and s.state is not null order by i.place)
    into messages, fresh
    from input i left join stored s using (tenant_id, provider_id, state, number_key);
    if false = any (fresh) then
        perform stored_durably();
    end if;

    select array_agg(a.message_id), array_agg(a.traceparent), array_agg(a.accepted_us) into moved, traces, accepted
    from (select array_agg(i.tenant_id order by i.place) as tenants, array_agg(i.id order by i.place) as ids,
                 array_agg(i.state order by i.place) as states
          from unnest(p_tenants, messages, p_states, fresh) with ordinality i (tenant_id, id, state, fresh, place)
          where i.id is not null and i.fresh) i
    cross join lateral receipt_apply(i.tenants, i.ids, i.states) a;

    return query
        select i.id is not null, not i.fresh, i.at is not null, traces[i.at], accepted[i.at]
        from (select u.id, u.fresh, u.place, case when u.fresh then array_position(moved, u.id) end as at
              from unnest(messages, fresh) with ordinality u (id, fresh, place)) i
        order by i.place;
end
$$;

-- The answer to a receipt. It is stable because || of such types is stable; PostgreSQL would not inline it as immutable.
create or replace function receipt_answer(p_message_id text, p_bound boolean) returns text
language sql stable as $$
    select '{"messageId":' || to_json(p_message_id) || ',"bound":' || p_bound || '}'
$$;

-- receipt_take() for older workers, which read codes as numbers.
create or replace function receipt_store(
    p_tenants int[], p_provider_ids text[], p_states smallint[], p_numbers text[], p_results int[])
returns table (bound boolean, repeated boolean, changed boolean, traceparent text, accepted_us bigint)
language sql as $$
    select * from receipt_take(p_tenants, p_provider_ids, p_states, p_numbers, p_results::text[])
$$;

-- Binds receipts of the last hour whose message has become known, at most p_room of them, the newest first. Gives the
-- tenants whose messages changed.
create or replace function receipt_bind(p_room int) returns setof int
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
    bound_tenants int[];
    bound         uuid[];
    bound_states  smallint[];
begin
    with waiting as (
        select r.tenant_id, r.provider_id, r.state, r.number_key, p.message_id
        from (select * from receipt r
              where r.message_id is null and r.received > now() - interval '1 hour'
              order by r.received desc limit p_room) r
        cross join lateral (
            select p.message_id from provider_message p
            where p.tenant_id = r.tenant_id and p.provider_id = r.provider_id
              and receipt_fits(r.tenant_id, r.channel_address, channel_address(p.tenant_id, p.channel_id))
            order by p.channel_id desc
            limit 1) p
    ), locked as materialized (
        select r.tenant_id, r.provider_id, r.state, r.number_key, w.message_id
        from waiting w
        join receipt r on r.tenant_id = w.tenant_id and r.provider_id = w.provider_id and r.state = w.state
                      and r.number_key = w.number_key and coalesce(r.message_id, w.message_id) = w.message_id
        order by 1, 2, 3, 4 for no key update of r
    ), now_bound as (
        update receipt r set message_id = w.message_id
        from locked w
        where r.tenant_id = w.tenant_id and r.provider_id = w.provider_id and r.state = w.state
          and r.number_key = w.number_key
        returning r.tenant_id, r.message_id, r.state, r.received
    )
    select array_agg(tenant_id order by received), array_agg(message_id order by received),
           array_agg(state order by received)
    into bound_tenants, bound, bound_states from now_bound;

    if bound is not null then
        return query select distinct a.tenant_id from receipt_apply(bound_tenants, bound, bound_states) a;
    end if;
end
$$;

-- Receipts that match no message, as JSON; p_after_us is the last position of the page before: microseconds since 1970.
-- Receipts of the same moment are on one page.
-- Statement: RECEIPT_LIST
create or replace function receipt_list(p_tenant int, p_after_us bigint, p_page int) returns text
language sql as $$
    select json_build_object('receipts', coalesce(json_agg(json_build_object(
               'messageId', r.provider_id, 'messageState', r.state, 'resultCode', coalesce(r.result_text, r.result_code::text),
               'shortcode', r.channel_address, 'received', moment(r.received),
               'position', (extract(epoch from r.received) * 1000000)::bigint::text) order by r.received), '[]'))::text
    from (select * from receipt
          where tenant_id = p_tenant and message_id is null
            and received > timestamptz 'epoch' + p_after_us * interval '1 us'
          order by received fetch first p_page rows with ties) r
$$;
