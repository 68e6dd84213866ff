-- Receipts: stored first, bound to their message when it is known.

-- What a provider's state (SMPP 5.0, and 10: read) makes of a message; null: it is under way, nothing is final.
create or replace function receipt_fate(state smallint) returns smallint
language sql immutable as $$
    select case state when 2 then 5 when 3 then 8 when 4 then 7 when 5 then 7 when 8 then 7 when 9 then 7
                      when 10 then 6 end::smallint
$$;

-- Applies the receipts of messages. The first final state stays: a later one, whatever it says, does not undo it; only
-- what was delivered may become read. What we ended ourselves without knowing (uncertain, or failed after an attempt
-- that may have arrived: it stands in undelivered) the receipt resolves. Gives the messages that changed, with where
-- their traces stand (accepted_us: µs since 1970).
create or replace function receipt_apply(tenants int[], messages uuid[], states smallint[])
returns table (tenant_id int, message_id uuid, traceparent text, accepted_us bigint)
language sql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
    with final as (
        select distinct on (i.tenant_id, i.id) i.tenant_id, i.id,
               case when f.fate = 5 and bool_or(f.fate = 6) over (partition by i.tenant_id, i.id) then 6::smallint
                    else f.fate end as fate
        from unnest(tenants, messages, states) with ordinality i (tenant_id, id, state, place)
        cross join lateral (select receipt_fate(i.state) as fate) f
        where f.fate is not null
        order by i.tenant_id, i.id, i.place
    ), changed as (
        update message m set state = f.fate, changed = now()
        from final f
        where m.tenant_id = f.tenant_id and m.id = f.id and m.direction = 2 and m.state <> f.fate
          and (m.state in (1, 2, 3, 4, 12) or (m.state, f.fate) = (5, 6)
               or m.state in (7, 8) and exists (select from undelivered u
                                                where u.tenant_id = m.tenant_id and u.message_id = m.id))
        returning m.tenant_id, m.id, m.conversation_id, m.sequence, m.state, m.traceparent, m.created
    ), resolved as (
        delete from undelivered u using changed c where u.tenant_id = c.tenant_id and u.message_id = c.id
    ), told as (
        insert into event (tenant_id, kind, conversation_id, message_id, sequence, state)
        select tenant_id, 2, conversation_id, id, sequence, state from changed
    )
    select tenant_id, id, traceparent, (extract(epoch from created) * 1000000)::bigint from changed
$$;

-- Our id of a message, however somebody spells it: in capitals, without dashes, in braces, as urn:uuid:…; null: it is none.
create or replace function message_id_of(word text) returns uuid
language sql immutable as $$
    select case when translate(word, '{-} ', '') ~* '^(urn:uuid:)?[0-9a-f]{32}$'
                then right(translate(word, '{-} ', ''), 32)::uuid end
$$;

-- Is the receipt that names this number of ours about a message that left from the channel's number? A receipt that names
-- none, or what is no number of the contact center, is judged by its id alone.
create or replace function receipt_fits(of_tenant int, named text, channel_number text) returns boolean
language sql stable as $$
    select named is null or named = channel_number
        or not exists (select from channel k where k.tenant_id = of_tenant and k.address = named)
$$;

-- Stores a batch of receipts. numbers: our number, where the provider says it. A provider that uses an id again means
-- its newer message: the receipt goes over to it. Gives one row for each, in the order of the arrays: is its message
-- known, was the receipt stored before, did the message change; where it did, its trace.
--
-- A receipt and the outcome that names its message may commit side by side and miss each other; receipt_bind() finds
-- such pairs a few seconds later.
create or replace function receipt_take(
    tenants int[], provider_ids text[], states smallint[], numbers text[], results text[])
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
              from unnest(tenants, provider_ids, states, numbers, results) with ordinality
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
            offset 0) own -- both times "offset 0" keeps the plan on the message's key, as in delivery_complete()
            on known.message_id is null and own.direction = 2
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

    select array_agg(a.message_id), array_agg(a.traceparent), array_agg(a.accepted_us) into moved, traces, accepted
    from (select array_agg(i.tenant_id order by i.place) as tenants, array_agg(i.id order by i.place) as ids,
                 array_agg(i.state order by i.place) as states
          from unnest(tenants, messages, states, fresh) with ordinality i (tenant_id, id, state, fresh, place)
          where i.id is not null and i.fresh) i
    cross join lateral receipt_apply(i.tenants, i.ids, i.states) a;

    return query
        select i.id is not null, not i.fresh, i.at is not null, traces[i.at], accepted[i.at]
        from (select u.id, u.fresh, u.place, case when u.fresh then array_position(moved, u.id) end as at
              from unnest(messages, fresh) with ordinality u (id, fresh, place)) i
        order by i.place;
end
$$;

-- The same for workers of before, which read codes as numbers.
create or replace function receipt_store(
    tenants int[], provider_ids text[], states smallint[], numbers text[], results int[])
returns table (bound boolean, repeated boolean, changed boolean, traceparent text, accepted_us bigint)
language sql as $$
    select * from receipt_take(tenants, provider_ids, states, numbers, results::text[])
$$;

-- Binds receipts of the last hour whose message has become known, at most room of them, the newest first. Gives the
-- tenants whose messages changed.
create or replace function receipt_bind(room int) returns setof int
language plpgsql as $$
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
              order by r.received desc limit room) r
        cross join lateral (
            select p.message_id from provider_message p
            where p.tenant_id = r.tenant_id and p.provider_id = r.provider_id
              and receipt_fits(r.tenant_id, r.channel_address, channel_address(p.tenant_id, p.channel_id))
            order by p.channel_id desc
            limit 1) p
        order by 1, 2, 3, 4
    ), now_bound as (
        update receipt r set message_id = w.message_id
        from waiting w
        where r.tenant_id = w.tenant_id and r.provider_id = w.provider_id and r.state = w.state
          and r.number_key = w.number_key and r.message_id is null
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

-- Receipts that match no message, as JSON; after_us is the last position of the page before: microseconds since 1970.
-- Those that came at the same moment stand on one page.
create or replace function receipt_list(tenant int, after_us bigint, page int) returns text
language sql as $$
    select json_build_object('receipts', coalesce(json_agg(json_build_object(
               'messageId', r.provider_id, 'messageState', r.state, 'resultCode', coalesce(r.result_text, r.result_code::text),
               'shortcode', r.channel_address, 'received', moment(r.received),
               'position', (extract(epoch from r.received) * 1000000)::bigint::text) order by r.received), '[]'))::text
    from (select * from receipt
          where tenant_id = tenant and message_id is null
            and received > timestamptz 'epoch' + after_us * interval '1 us'
          order by received fetch first page rows with ties) r
$$;
