-- The delivery engine's side of PostgreSQL: claim, complete, extend, sweep.
--
-- A message is "sending" while its row of delivery has an unexpired lease. That is not written to message.state: it
-- would be a second update of each message, and the lease says it already. message.state goes from accepted to its end.
--
-- Locks, in this order everywhere: delivery by id, message by (tenant, id), undelivered, the rest. A claim and an
-- extension skip what is locked, so they wait for nobody.

-- Ends deliveries that need no attempt: expired (8), opted_out (9), uncertain (12). A message that came to its end
-- in another way meanwhile (cancelled, or a receipt came) keeps its state.
create or replace function delivery_end(ids bigint[], states smallint[]) returns void
language sql as $$
    with ended as (
        delete from delivery d using unnest(ids, states) e (id, state)
        where d.id = e.id
        returning d.tenant_id, d.message_id, d.destination_id, d.attempt, d.lease_until, d.process, e.state
    ), lost as (
        insert into attempt (tenant_id, message_id, at, attempt, outcome, process, destination_id)
        select tenant_id, message_id, lease_until, attempt + 1, 'lost', process, destination_id
        from ended where lease_until is not null
    ), changed as (
        update message m set state = e.state, changed = now()
        from (select * from ended order by tenant_id, message_id) e
        where m.tenant_id = e.tenant_id and m.id = e.message_id and m.state in (1, 2, 3)
        returning m.tenant_id, m.id, m.channel_id, m.conversation_id, m.sequence, m.state, e.destination_id, e.attempt
    ), told as (
        insert into event (tenant_id, kind, conversation_id, message_id, sequence, state)
        select tenant_id, 2, conversation_id, id, sequence, state from changed
    ), logged as (
        insert into attempt (tenant_id, message_id, attempt, outcome, process)
        select c.tenant_id, c.id, c.attempt, s.name, process_here()
        from changed c join message_state s on s.id = c.state
    )
    insert into undelivered (tenant_id, message_id, channel, destination_id, reason, last_status, attempts)
    select c.tenant_id, c.id, n.address, c.destination_id, s.name, message_last_status(c.tenant_id, c.id), c.attempt
    from changed c
    join message_state s on s.id = c.state
    join channel n on n.id = c.channel_id
    where c.state in (8, 12)
    on conflict (tenant_id, message_id) do update
        set reason = excluded.reason, attempts = excluded.attempts, last_status = excluded.last_status, since = now()
$$;

-- A lease ran out without an outcome: its holder died, or was cut off. When it last was heard of is all that is known.
create or replace function delivery_lost(ids bigint[]) returns void
language sql as $$
    insert into attempt (tenant_id, message_id, at, attempt, outcome, process, destination_id)
    select d.tenant_id, d.message_id, d.lease_until, d.attempt + 1, 'lost', d.process, d.destination_id
    from delivery d where d.id = any (ids)
$$;

-- Leases up to rooms[i] due rows of destinations[i], looking no further back than floors_us[i] (µs since 1970). Gives
-- the leased rows with fate 0 and all it takes to send them; the destination's own settings come with its first row.
-- Rows that must not be sent are ended here and given with fate = their message's state. recovered: an earlier lease
-- ran out, so the request may have left before.
--
-- The opt-out is looked up twice: with the rest, and again by the statement that takes the lease, which began when the
-- rows were locked already. So of a STOP and a claim that meet, one sees the other: either this second look finds the
-- opt-out, and the row is left for the next claim to end, or the STOP's own look (stop_fence()) finds lock or lease.
-- Our answer to a STOP, or to a word that came after it, passes: the same rule stands in delivery_renew() and stop_fence().
--
-- Only the oldest row of a conversation can be claimed; order is kept. But one that fails again and again holds up the next
-- ones of its person no longer than order_wait_ms after it was accepted, as long as its destination takes others: where
-- nothing is taken, nothing is gained by disorder (destination_answers() makes due what was put off, once it takes some).
-- A destination whose breaker was open (failures > 0) gives one
-- row, to the one worker that moves not_before on: the probe.
--
-- The settings keep the plan on the queue's indexes, whatever the statistics of an hour ago say.
create or replace function delivery_claim(destinations int[], rooms int[], floors_us bigint[], order_wait_ms int)
returns table (
    id bigint, lease_epoch int, tenant_id int, destination_id int, message_id uuid, conversation_id uuid,
    attempt smallint, due_us bigint, recovered boolean, fate smallint, address text, number text,
    sequence int, body text, content text, traceparent text, provider text, url text, headers text, secrets text,
    secrets_number text, ccid text, failures int, accepted_us bigint)
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
    picked     bigint[];
    fates      smallint[];
    recoveries boolean[];
    passed     timestamptz[]; -- accepted then, as our answer to a word: only a later opt-out stops it; null: any does
    me         int := process_here();
begin
    with wanted as materialized (
        select dst.id, dst.failures, w.room, to_timestamp(w.floor_us / 1e6) as floor,
               case when dst.failures > 0 or a.failing_since is not null then '-infinity'
                    else now() - order_wait_ms * interval '1 ms' end as passes_before
        from unnest(destinations, rooms, floors_us) w (id, room, floor_us)
        join destination dst on dst.id = w.id
        left join destination_answer a on a.destination_id = dst.id
        where dst.enabled and dst.not_before <= now()
    ), locked as materialized (
        select d.*, w.failures
        from wanted w cross join lateral (
            select d.id, d.destination_id, d.tenant_id, d.channel_id, d.message_id, d.address, d.expires, d.lease_until
            from delivery d
            where d.destination_id = w.id and d.due > w.floor and d.due <= now()
              and (d.lease_until is null or d.lease_until < now())
              and (d.conversation_id is null
                   or not exists (select from delivery older
                                  where older.tenant_id = d.tenant_id and older.conversation_id = d.conversation_id
                                    and older.id < d.id and not delivery_is_passed(older, w.passes_before)))
            order by d.due
            limit case when w.failures > 0 then 1 else w.room end
            for update skip locked) d
    ), judged as materialized (
        select l.id, l.destination_id, l.failures, l.lease_until is not null as recovered,
               case when m.state not in (1, 2, 3) then m.state
                    when l.expires <= now() then 8
                    when exists (select from opt_out o
                                 where o.tenant_id = l.tenant_id and o.channel_id = l.channel_id
                                   and o.address = l.address and o.cleared is null
                                   and (m.answers is null or m.created < o.since)) then 9
                    when l.lease_until is not null and c.uncertain_policy = 2 then 12
                    else 0
               end::smallint as fate,
               case when m.answers is not null then m.created end as passed
        from locked l
        join message m on m.tenant_id = l.tenant_id and m.id = l.message_id
        join channel c on c.id = l.channel_id
    )
    select array_agg(j.id), array_agg(j.fate), array_agg(j.recovered), array_agg(j.passed)
    into picked, fates, recoveries, passed
    from judged j
    where case when j.fate > 0 or j.failures = 0 then true else delivery_probe(j.destination_id) end;

    if picked is null then
        return;
    end if;

    if 0 < any (fates) then
        -- A message that somebody holds keeps its row for a later claim, so that the others need not wait for it.
        select array_agg(p.id), array_agg(p.fate), array_agg(p.recovered), array_agg(p.passed)
        into picked, fates, recoveries, passed
        from unnest(picked, fates, recoveries, passed) p (id, fate, recovered, passed)
        where p.fate = 0 or delivery_message_is_free(p.id);
        if picked is null then
            return;
        end if;
        return query
            select d.id, d.lease_epoch, d.tenant_id, d.destination_id, d.message_id, d.conversation_id, d.attempt,
                   0::bigint, p.recovered, p.fate, null::text, null::text, null::int, null::text, null::text,
                   null::text, null::text, null::text, null::text, null::text, null::text, null::text, 0, 0::bigint
            from unnest(picked, fates, recoveries) p (id, fate, recovered) join delivery d on d.id = p.id
            where p.fate > 0;
        perform delivery_end(array_agg(p.id), array_agg(p.fate)) from unnest(picked, fates) p (id, fate)
        where p.fate > 0;
    end if;

    if true = any (recoveries) then
        perform delivery_lost(array(select p.id from unnest(picked, fates, recoveries) p (id, fate, recovered)
                                    where p.recovered and p.fate = 0));
    end if;

    return query
        with leased as (
            update delivery d set lease_until = now() + interval '30 s', lease_epoch = d.lease_epoch + 1, process = me
            from unnest(picked, fates, recoveries, passed) p (id, fate, recovered, passed)
            where d.id = p.id and p.fate = 0
              and not exists (select from opt_out o
                              where o.tenant_id = d.tenant_id and o.channel_id = d.channel_id
                                and o.address = d.address and o.cleared is null
                                and (p.passed is null or p.passed < o.since))
            returning d.*, p.recovered
        )
        select d.id, d.lease_epoch, d.tenant_id, d.destination_id, d.message_id, m.conversation_id, d.attempt,
               (extract(epoch from d.due) * 1000000)::bigint, d.recovered, 0::smallint, d.address, c.address,
               m.sequence, m.body, m.content::text, m.traceparent, c.provider,
               case when d.place = 1 then dst.url end,
               case when d.place = 1 then dst.headers::text end,
               case when d.place = 1 then array_to_string(dst.secrets, E'\n') end,
               -- A channel may point elsewhere by now; then the secrets are still its own.
               case when d.place = 1 then coalesce((select s.address from channel s
                                                    where s.tenant_id = dst.tenant_id and s.destination_id = dst.id
                                                    order by s.id limit 1), c.address) end,
               case when d.place = 1 then t.ccid::text end,
               dst.failures, (extract(epoch from m.created) * 1000000)::bigint
        from (select l.*, row_number() over (partition by l.destination_id order by l.id) as place from leased l) d
        cross join lateral (select * from message m where m.tenant_id = d.tenant_id and m.id = d.message_id
                            offset 0) m -- by its key, as in delivery_complete()
        join channel c on c.id = d.channel_id
        join destination dst on dst.id = d.destination_id
        join tenant t on t.id = d.tenant_id
        order by d.destination_id, d.id;
end
$$;

-- True where its message was to be had at once; it is locked from then on.
create or replace function delivery_message_is_free(delivery_id bigint) returns boolean
language plpgsql as $$
begin
    perform from delivery d join message m on m.tenant_id = d.tenant_id and m.id = d.message_id
    where d.id = delivery_id for no key update of m skip locked;
    return found;
end
$$;

-- Need the younger ones of its conversation not wait for it? It failed, is put off, nobody has it in hand, and it was accepted
-- before that time. Looked at only where a row has an older one.
create or replace function delivery_is_passed(d delivery, before timestamptz) returns boolean
language sql stable as $$
    select d.attempt > 0 and d.due > now() and d.lease_until is null and isfinite(before)
           and exists (select from message m where m.tenant_id = d.tenant_id and m.id = d.message_id and m.created < before)
$$;

-- True for the one caller that may send the probe to a destination whose breaker was open. It does not wait for the
-- destination's row: a change of settings that holds it may be waiting for the rows which this claim has locked.
create or replace function delivery_probe(destination int) returns boolean
language plpgsql as $$
begin
    perform from destination dst
    where dst.id = destination and dst.failures > 0 and dst.not_before <= now()
    for no key update skip locked;
    if not found then
        return false;
    end if;
    update destination dst set not_before = now() + interval '30 s' where dst.id = destination;
    return true;
end
$$;

-- Stores what became of attempts. outcomes: 1 sent, 2 retry after delays_ms, 3 failed for reasons, 4 uncertain (held
-- where that is the channel's policy; else failed where there is a reason, else again after delays_ms), 5 given back
-- unsent, 6 refused with a conflict: failed, or uncertain where an earlier attempt was in doubt, because the other side may
-- have it from there. Gives the ids that were stored, negative where the message is undelivered now; the others had lost
-- their lease, or were stored by an earlier run of the same call. Idempotent: each row is taken only under its epoch and while leased, and every outcome ends the lease.
--
-- decisions, helds_ms, sent_bytes and details are kept as they are (db/migrations/0006_explain.sql). traces: null, or the
-- traceparent of an attempt, which its receipt then follows.
create or replace function delivery_complete(
    ids bigint[], epochs int[], outcomes smallint[], delays_ms int[], provider_ids text[], statuses int[],
    durations_ms int[], reasons text[], decisions smallint[], helds_ms int[], sent_bytes int[], details text[],
    traces text[])
returns setof bigint
language plpgsql
set lock_timeout = '100ms'
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
    stored       bigint[];
    bound_tenant int[];
    bound        uuid[];
    bound_state  smallint[];
    turns        json; -- of destinations
    me           int := process_here();
begin
    with input as materialized (
        select i.*, d.tenant_id, d.channel_id, d.message_id, d.attempt,
               case when i.outcome = 1 then 4
                    when i.outcome = 3 then 7
                    when i.outcome = 6 then case when message_in_doubt(d.tenant_id, d.message_id) then 12 else 7 end
                    when i.outcome = 4 and c.uncertain_policy = 2 then 12
                    when i.outcome = 4 and i.reason is not null then 7
               end::smallint as state -- null: it stays in the queue
        from unnest(ids, epochs, outcomes, delays_ms, provider_ids, statuses, durations_ms, reasons, decisions,
                    helds_ms, sent_bytes, details, traces)
             i (id, epoch, outcome, delay_ms, provider_id, status, duration_ms, reason, decision, held_ms, bytes, detail,
                trace)
        join delivery d on d.id = i.id
        join channel c on c.id = d.channel_id
        order by i.id
    ), gone as (
        delete from delivery d using input i
        where d.id = i.id and d.lease_epoch = i.epoch and d.lease_until is not null and i.state is not null
        returning d.destination_id, i.*
    ), put_off as (
        update delivery d
        set due = case when i.outcome = 5 then d.due else now() + i.delay_ms * interval '1 ms' end,
            attempt = d.attempt + case when i.outcome = 5 then 0 else 1 end,
            lease_until = null
        from input i
        where d.id = i.id and d.lease_epoch = i.epoch and d.lease_until is not null and i.state is null
        returning d.destination_id, i.*
    ), logged as (
        insert into attempt (tenant_id, message_id, attempt, outcome, status, duration_ms, process, destination_id,
                             decision, held_ms, sent_bytes, delay_ms, detail)
        select a.tenant_id, a.message_id, a.attempt + 1,
               case when a.outcome = 6 and a.state = 12 then 'uncertain'
                    else (array['sent', 'retry', 'failed', 'uncertain', null, 'failed'])[a.outcome] end, a.status, a.duration_ms, me,
               a.destination_id, a.decision, a.held_ms, a.bytes,
               case when a.state is null then a.delay_ms end, a.detail
        from (select * from gone union all select * from put_off) a
        where a.outcome <> 5
    ), changed as (
        update message m
        set state = g.state, changed = now(), provider_id = coalesce(g.provider_id, m.provider_id),
            traceparent = coalesce(g.trace, m.traceparent)
        from (select * from gone order by tenant_id, message_id) g
        where m.tenant_id = g.tenant_id and m.id = g.message_id and m.state in (1, 2, 3)
        returning m.tenant_id, m.id, m.channel_id, m.conversation_id, m.sequence, m.state,
                  g.destination_id, g.reason, g.status, g.attempt
    ), told as (
        insert into event (tenant_id, kind, conversation_id, message_id, sequence, state)
        select tenant_id, 2, conversation_id, id, sequence, state from changed
    ), kept as (
        insert into undelivered (tenant_id, message_id, channel, destination_id, reason, last_status, attempts)
        select k.tenant_id, k.id, n.address, k.destination_id, case k.state when 12 then 'uncertain' else k.reason end,
               coalesce(k.status, message_last_status(k.tenant_id, k.id)), k.attempt + 1
        from changed k join channel n on n.id = k.channel_id where k.state in (7, 12)
        on conflict (tenant_id, message_id) do update
            set reason = excluded.reason, last_status = excluded.last_status, attempts = excluded.attempts,
                since = now()
    ), named as (
        insert into provider_message (tenant_id, provider_id, channel_id, message_id)
        select distinct on (tenant_id, provider_id, channel_id) tenant_id, provider_id, channel_id, message_id
        from gone where state = 4 and provider_id is not null
        on conflict (tenant_id, provider_id, channel_id) do update set message_id = excluded.message_id
    ), waited as (
        -- Receipts that came before their message's id was known. "offset 0" keeps the plan on their key: one that was made
        -- while the table was empty would read all that wait.
        update receipt r set message_id = w.message_id
        from (select x.tenant_id, x.provider_id, x.state, x.number_key, g.message_id
              from gone g
              cross join lateral (select * from receipt x
                                  where x.tenant_id = g.tenant_id and x.provider_id = g.provider_id offset 0) x
              where g.state = 4 and x.message_id is null
                and receipt_fits(x.tenant_id, x.channel_address, channel_address(g.tenant_id, g.channel_id))) w
        where r.tenant_id = w.tenant_id and r.provider_id = w.provider_id and r.state = w.state and r.number_key = w.number_key
          and coalesce(r.message_id, w.message_id) = w.message_id
        returning r.tenant_id, r.message_id, r.state
    ), spoke as (
        select destination_id, status, decision, detail from gone where outcome <> 5
        union all
        select destination_id, status, decision, detail from put_off where outcome <> 5
    ), turned as materialized (
        -- What spoke for the first time, works again, or fails now. More of the same, and what is not all good or all bad, is
        -- told by destination_answers().
        select s.id, s.status, s.decision, s.detail, s.good
        from (select destination_id as id, min(status) as status, min(decision) as decision, min(detail) as detail,
                     bool_and(decision & 15 in (0, 3)) as good, bool_or(decision & 15 in (0, 3)) as any_good
              from spoke where decision & 15 <> 5 group by destination_id) s
        left join destination_answer a on a.destination_id = s.id
        where s.good = s.any_good and (a.destination_id is null or (a.failing_since is null) <> s.good)
    )
    select array(select case when state in (7, 12) then -id else id end from gone union all select id from put_off),
           array(select tenant_id from waited), array(select message_id from waited),
           array(select state from waited), (select json_agg(t) from turned t)
    into stored, bound_tenant, bound, bound_state, turns;

    if cardinality(bound) > 0 then
        perform receipt_apply(bound_tenant, bound, bound_state);
    end if;
    if turns is not null then
        perform destination_turned(turns);
    end if;
    return query select unnest(stored);
end
$$;

-- Prolongs the leases of rows that are still in work, and gives those that are no longer their holder's. A row that is
-- being completed right now is neither.
create or replace function delivery_prolong(ids bigint[], epochs int[]) returns table (id bigint, epoch int)
language sql as $$
    with prolonged as (
        update delivery d set lease_until = now() + interval '30 s'
        from (select d.id from unnest(ids, epochs) i (id, epoch)
              join delivery d on d.id = i.id and d.lease_epoch = i.epoch and d.lease_until is not null
              for update of d skip locked) mine
        where d.id = mine.id
    )
    select i.id, i.epoch from unnest(ids, epochs) i (id, epoch)
    where not exists (select from delivery d
                      where d.id = i.id and d.lease_epoch = i.epoch and d.lease_until is not null)
$$;

-- May these leased rows still be sent? One answer for each, in order (sms-worker/permit.h). The locks come first and the
-- opt-outs are looked up by a statement that begins afterwards: see delivery_claim(). A row that is locked is answered
-- with no; it is claimed again. So is one whose destination was changed since, because its holder knows the old one.
create or replace function delivery_renew(ids bigint[], epochs int[]) returns setof boolean
language plpgsql as $$
declare
    held bigint[];
    good bigint[];
begin
    held := array(select d.id from unnest(ids, epochs) i (id, epoch)
                  join delivery d on d.id = i.id and d.lease_epoch = i.epoch and d.lease_until is not null
                  for update of d skip locked);
    good := array(select d.id
                  from delivery d
                  join message m on m.tenant_id = d.tenant_id and m.id = d.message_id and m.state in (1, 2, 3)
                  join destination dst on dst.id = d.destination_id and dst.enabled
                                      and coalesce(dst.changed, '-infinity') < now() - interval '1 min'
                  where d.id = any (held)
                    and not exists (select from opt_out o
                                    where o.tenant_id = d.tenant_id and o.channel_id = d.channel_id
                                      and o.address = d.address and o.cleared is null
                                      and (m.answers is null or m.created < o.since)));
    return query
        select g.id is not null
        from unnest(ids) with ordinality i (id, place) left join unnest(good) g (id) on g.id = i.id
        order by i.place;
end
$$;

-- Walks the destinations that have rows, from after_id on, at most hops of them: is one due, how many (counted to
-- 10 000), how old is the oldest in ms, is its breaker open, does it fail (health tells it), and is that why its rows wait
-- (held). Hops from destination to destination in the index, however many rows lie between. Where a destination works, a row
-- that waits behind an older one of its conversation, which is to be tried again later, does not count for the age: of the
-- next 1000 that are due the oldest is looked for which could go out.
create or replace function delivery_walk(after_id int, hops int)
returns table (destination_id int, tenant_id int, ready boolean, due_rows int, oldest_ms bigint, open boolean,
               held boolean, failing boolean)
language sql as $$
    with recursive hop (id, nth) as (
        (select d.destination_id, 1 from delivery d where d.destination_id > after_id order by d.destination_id limit 1)
        union all
        select (select d.destination_id from delivery d
                where d.destination_id > hop.id order by d.destination_id limit 1), hop.nth + 1
        from hop where hop.id is not null and hop.nth < hops
    )
    select dst.id, dst.tenant_id, dst.enabled and dst.not_before <= now() and w.due_rows > 0, w.due_rows::int,
           coalesce((extract(epoch from now() - w.oldest) * 1000)::bigint, 0), dst.not_before > now(),
           h.held, dst.enabled and destination_fails(dst)
    from hop
    join destination dst on dst.id = hop.id
    left join destination_answer a on a.destination_id = dst.id
    cross join lateral (select not dst.enabled or dst.failures > 0 or a.failing_since is not null) h (held)
    cross join lateral (
        select count(*) as due_rows,
               (select n.due from (select d.due, d.tenant_id, d.conversation_id, d.id from delivery d
                                   where d.destination_id = hop.id and d.due <= now() order by d.due limit 1000) n
                where h.held or n.conversation_id is null
                   or not exists (select from delivery older
                                  where older.tenant_id = n.tenant_id and older.conversation_id = n.conversation_id
                                    and older.id < n.id and older.due > now())
                order by n.due limit 1) as oldest
        from (select from delivery d where d.destination_id = hop.id and d.due <= now()
              order by d.due limit 10000) d) w
    order by dst.id
$$;

-- Ends rows whose validity passed while nobody could claim them (destination down or disabled, or waiting for an
-- older one of their conversation). Gives how many; call again while it is room.
create or replace function delivery_expire(room int) returns int
language plpgsql as $$
declare
    late bigint[];
begin
    late := array(select d.id from delivery d
                  where d.expires <= now() and (d.lease_until is null or d.lease_until < now())
                  order by d.expires limit room for update skip locked);
    if cardinality(late) > 0 then
        perform delivery_end(late, array_fill(8::smallint, array[cardinality(late)]));
    end if;
    return cardinality(late);
end
$$;

-- The breaker of a destination: delay_ms > 0 opens it for that long, 0 closes it. seen is the count of openings the
-- worker last saw: workers that open it together count once. Of each destination the last 500 changes are kept.
create or replace function destination_breaker(destination int, seen int, delay_ms int) returns void
language plpgsql as $$
declare
    changed destination;
begin
    update destination dst
    set not_before = case when delay_ms > 0 then now() + delay_ms * interval '1 ms' else '-infinity' end,
        failures = case when delay_ms > 0 then seen + 1 else 0 end
    where dst.id = destination and dst.failures = seen
    returning dst.* into changed;
    if not found then
        return;
    end if;
    insert into breaker_change (tenant_id, destination_id, kind, until, openings, process)
    values (changed.tenant_id, changed.id, case when delay_ms > 0 then 1 else 2 end,
            case when delay_ms > 0 then changed.not_before end, changed.failures, process_here());
    delete from breaker_change b
    where b.tenant_id = changed.tenant_id and b.destination_id = changed.id
      and b.at < (select old.at from breaker_change old
                  where old.tenant_id = changed.tenant_id and old.destination_id = changed.id
                  order by old.at desc offset 500 limit 1);
end
$$;
