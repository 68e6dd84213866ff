-- The delivery engine's side of PostgreSQL: claim, complete, extend, sweep.
--
-- A message is "sending" while its row of delivery has an unexpired lease. That is not written to message.state: it
-- would be a second update of each message, and the lease says it already. message.state goes from accepted to its end.
--
-- Locks, in this order everywhere (db/README.md): delivery by id, provider_message, receipt, message by (tenant, id) with its
-- undelivered, destination_answer. A claim and an extension skip locked rows, so they never wait.

-- Ends deliveries that need no attempt: expired (8), opted_out (9), cancelled (11), uncertain (12). A message that came to its
-- end in another way meanwhile (a receipt came) keeps its state.
create or replace function delivery_end(p_ids bigint[], p_states smallint[]) returns void
language sql as $$
    with ended as (
        delete from delivery d using unnest(p_ids, p_states) e (id, state)
        where d.id = e.id
        returning d.tenant_id, d.message_id, d.destination_id, d.attempt, d.lease_until, d.process, e.state
    ), lost as (
        insert into attempt (tenant_id, message_id, at, attempt, outcome, process, destination_id)
        select tenant_id, message_id, lease_until, attempt + 1, 'lost', process, destination_id
        from ended where lease_until is not null
    ), changed as (
        update message m set state = e.state, changed = now()
        from (select * from ended order by tenant_id, message_id) e
        where m.tenant_id = e.tenant_id and m.id = e.message_id and m.state in (:state_accepted, :state_held, :state_sending)
        returning m.tenant_id, m.id, m.channel_id, m.conversation_id, m.sequence, m.state, m.direction, m.created, e.destination_id, e.attempt
    ), told as (
        insert into event (tenant_id, kind, conversation_id, message_id, sequence, state)
        select tenant_id, :event_state, conversation_id, id, sequence, state from changed
    ), entered as (
        -- A message in the queue is accepted: no statement writes held or sending.
        insert into ledger_entry (tenant_id, channel_id, direction, day, state, messages)
        select c.tenant_id, c.channel_id, c.direction, ledger_day_of(c.created), s.state, sum(s.messages)
        from changed c cross join lateral (values (:state_accepted, -1), (c.state, 1)) s (state, messages)
        group by 1, 2, 3, 4, 5
    ), logged as (
        insert into attempt (tenant_id, message_id, attempt, outcome, process)
        select c.tenant_id, c.id, c.attempt, s.name, process_here()
        from changed c join message_state s on s.id = c.state
    )
    insert into undelivered (tenant_id, message_id, channel, destination_id, reason, last_status, attempts)
    select c.tenant_id, c.id, n.address, c.destination_id, s.name, message_last_status(c.tenant_id, c.id), c.attempt
    from changed c
    join message_state s on s.id = c.state
    join channel n on n.tenant_id = c.tenant_id and n.id = c.channel_id
    where c.state in (:state_expired, :state_uncertain)
    on conflict (tenant_id, message_id) do update
        set reason = excluded.reason, attempts = excluded.attempts, last_status = excluded.last_status, since = now()
$$;

-- A lease ran out without an outcome: its holder died, or lost its connection. Only the time of its last report is known.
create or replace function delivery_lost(p_ids bigint[]) returns void
language sql as $$
    insert into attempt (tenant_id, message_id, at, attempt, outcome, process, destination_id)
    select d.tenant_id, d.message_id, d.lease_until, d.attempt + 1, 'lost', d.process, d.destination_id
    from delivery d where d.id = any (p_ids)
$$;

-- Leases up to p_rooms[i] due rows of p_destinations[i], looking no further back than p_floors_us[i] (µs since 1970). Gives
-- the leased rows with fate 0 and all it takes to send them; the destination's own settings, and the networks of its contact center, come
-- with its first row. age_us: the time since its message was accepted, or before the first attempt since the row was due.
-- Rows that must not be sent are ended here and given with fate = their message's state. recovered: an earlier lease
-- ran out, so the request may have left before.
--
-- The opt-out is looked up twice: with the rest, and again by the statement that takes the lease, which began when the
-- rows were locked already. So of a STOP and a claim that meet, one sees the other: either this second look finds the
-- opt-out, and the row is left for the next claim to end, or the STOP's own look (stop_fence()) finds lock or lease.
-- The reply to a STOP, or to a word that came after it, may be sent: the same rule is in delivery_renew() and stop_fence().
--
-- Only the oldest row of a conversation can be claimed, so order is kept. But a row that fails again and again delays the next ones
-- of its conversation only until p_order_wait_ms after it was accepted, if its destination accepts other messages. While the
-- destination accepts none, another order would gain nothing; once it accepts some, destination_answers() makes the delayed rows due.
-- A destination whose breaker was open (failures > 0) gives one row, to the one worker that moves not_before on: the probe.
--
-- The settings keep the plan on the queue's indexes, whatever the statistics of an hour ago say.
create or replace function delivery_lease(p_destinations int[], p_rooms int[], p_floors_us bigint[], p_order_wait_ms int)
returns table (
    id bigint, lease_epoch int, tenant_id int, destination_id int, message_id uuid, conversation_id uuid,
    attempt smallint, due_us bigint, recovered boolean, fate smallint, address text, number text,
    sequence int, body text, content text, traceparent text, provider text, url text, headers text, secrets text,
    secrets_number text, ccid text, failures int, accepted_us bigint, age_us bigint, networks text)
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
    picked     bigint[];
    fates      smallint[];
    recoveries boolean[];
    passed     timestamptz[]; -- when a keyword reply was accepted: only a later opt-out stops it; null: any opt-out does
    me         int := process_here();
begin
    with wanted as materialized (
        select dst.id, dst.failures, w.room, to_timestamp(w.floor_us / 1e6) as floor,
               case when dst.failures > 0 or a.failing_since is not null then '-infinity'
                    else now() - p_order_wait_ms * interval '1 ms' end as passes_before
        from unnest(p_destinations, p_rooms, p_floors_us) w (id, room, floor_us)
        -- By its id: which destinations have rows is all that the engine knows of them.
        join destination dst on dst.id = w.id
        left join destination_answer a on a.tenant_id = dst.tenant_id and a.destination_id = dst.id
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
               case when m.state not in (:state_accepted, :state_held, :state_sending) then m.state
                    when l.expires <= now() then :state_expired
                    when exists (select from opt_out o
                                 where o.tenant_id = l.tenant_id and o.channel_id = l.channel_id
                                   and o.address = l.address and o.cleared is null
                                   and (m.answers is null or m.created < o.since)) then :state_opted_out
                    when l.lease_until is not null and c.uncertain_policy = :policy_hold then :state_uncertain
                    else 0
               end::smallint as fate,
               case when m.answers is not null then m.created end as passed
        from locked l
        join message m on m.tenant_id = l.tenant_id and m.id = l.message_id
        join channel c on c.tenant_id = l.tenant_id and c.id = l.channel_id
    )
    select array_agg(j.id), array_agg(j.fate), array_agg(j.recovered), array_agg(j.passed)
    into picked, fates, recoveries, passed
    from judged j
    where case when j.fate > 0 or j.failures = 0 then true else delivery_probe(j.destination_id) end;

    if picked is null then
        return;
    end if;

    if 0 < any (fates) then
        -- The row of a message that is locked is left for a later claim, so that the others need not wait for it.
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
                   null::text, null::text, null::text, null::text, null::text, null::text, null::text, 0, 0::bigint, 0::bigint,
                   null::text
            from unnest(picked, fates, recoveries) p (id, fate, recovered) join delivery d on d.id = p.id
            where p.fate > 0;
        -- Lock order: locked above, the rows and their messages.
        perform delivery_end(array_agg(p.id), array_agg(p.fate)) from unnest(picked, fates) p (id, fate)
        where p.fate > 0;
    end if;

    if true = any (recoveries) then
        perform delivery_lost(array(select p.id from unnest(picked, fates, recoveries) p (id, fate, recovered)
                                    where p.recovered and p.fate = 0));
    end if;

    return query
        with leased as (
            -- Lock order: locked above.
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
               -- A channel may have another destination by now; the secrets are still those of the channel.
               case when d.place = 1 then coalesce((select s.address from channel s
                                                    where s.tenant_id = dst.tenant_id and s.destination_id = dst.id
                                                    order by s.id limit 1), c.address) end,
               case when d.place = 1 then t.ccid::text end,
               dst.failures, (extract(epoch from m.created) * 1000000)::bigint,
               (extract(epoch from now() - case when d.attempt = 0 then d.due else m.created end) * 1000000)::bigint,
               case when d.place = 1 then coalesce((select string_agg(n.range, ',' order by n.range) from tenant_network n
                                                    where n.tenant_id = d.tenant_id), '') end
        from (select l.*, row_number() over (partition by l.destination_id order by l.id) as place from leased l) d
        cross join lateral (select * from message m where m.tenant_id = d.tenant_id and m.id = d.message_id
                            offset 0) m -- by its key, as in delivery_store()
        join channel c on c.tenant_id = d.tenant_id and c.id = d.channel_id
        join destination dst on dst.tenant_id = d.tenant_id and dst.id = d.destination_id
        join tenant t on t.id = d.tenant_id
        order by d.destination_id, d.id;
end
$$;

-- True if its message could be locked at once; it stays locked.
create or replace function delivery_message_is_free(p_delivery_id bigint) returns boolean
language plpgsql as $$
begin
    perform from delivery d join message m on m.tenant_id = d.tenant_id and m.id = d.message_id
    where d.id = p_delivery_id for no key update of m skip locked;
    return found;
end
$$;

-- May younger rows of its conversation be sent before it? Yes, if it failed, is put off, is not leased, and was accepted before
-- p_before. Called only for rows that have an older one.
create or replace function delivery_is_passed(d delivery, p_before timestamptz) returns boolean
language sql stable as $$
    select d.attempt > 0 and d.due > now() and d.lease_until is null and isfinite(p_before)
           and exists (select from message m where m.tenant_id = d.tenant_id and m.id = d.message_id and m.created < p_before)
$$;

-- True for the one caller that may send the probe to a destination whose breaker was open. It does not wait for the
-- destination's row: a change of settings that holds it may be waiting for the rows which this claim has locked.
create or replace function delivery_probe(p_destination int) returns boolean
language plpgsql as $$
begin
    -- By its id: as the claim that asks.
    perform from destination dst
    where dst.id = p_destination and dst.failures > 0 and dst.not_before <= now()
    for no key update skip locked;
    if not found then
        return false;
    end if;
    -- Lock order: locked above.
    -- By its id: as above.
    update destination dst set not_before = now() + interval '30 s' where dst.id = p_destination;
    return true;
end
$$;

-- Stores what became of attempts. p_outcomes: 1 sent, 2 retry after p_delays_ms, 3 failed for p_reasons, 4 uncertain (held
-- where that is the channel's policy; else failed where there is a reason, else again after p_delays_ms), 5 given back
-- unsent, 6 refused with a conflict: failed, or uncertain where an earlier attempt was in doubt, because the other side may
-- have it from there. Gives the places (the first is 1) of those that were stored, and whether their message is undelivered now;
-- the others had lost their lease, or were stored by an earlier run of the same call. Idempotent: each row is taken only under its
-- epoch and while leased, and every outcome ends the lease.
--
-- p_decisions, p_helds_ms, p_sent_bytes and p_details are kept as they are (db/migrations/0006_explain.sql). p_traces: null, or the
-- traceparent of an attempt, which its receipt then follows.
create or replace function delivery_store(
    p_ids bigint[], p_epochs int[], p_outcomes smallint[], p_delays_ms int[], p_provider_ids text[], p_statuses int[],
    p_durations_ms int[], p_reasons text[], p_decisions smallint[], p_helds_ms int[], p_sent_bytes int[], p_details text[],
    p_traces text[])
returns table (place int, undelivered boolean)
language plpgsql
set lock_timeout = '100ms'
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
    stored       int[];
    lost         boolean[]; -- is the message of each of them undelivered now?
    bound_tenant int[];
    bound        uuid[];
    bound_state  smallint[];
    turns        json; -- of destinations
    me           int := process_here();
begin
    with input as materialized (
        select i.*, d.tenant_id, d.channel_id, d.message_id, d.attempt,
               case when i.outcome = :outcome_sent then :state_sent
                    when i.outcome = :outcome_failed then :state_failed
                    when i.outcome = :outcome_conflict then case when message_in_doubt(d.tenant_id, d.message_id) then :state_uncertain else :state_failed end
                    when i.outcome = :outcome_uncertain and c.uncertain_policy = :policy_hold then :state_uncertain
                    when i.outcome = :outcome_uncertain and i.reason is not null then :state_failed
               end::smallint as state -- null: it stays in the queue
        from unnest(p_ids, p_epochs, p_outcomes, p_delays_ms, p_provider_ids, p_statuses, p_durations_ms, p_reasons, p_decisions,
                    p_helds_ms, p_sent_bytes, p_details, p_traces) with ordinality
             i (id, epoch, outcome, delay_ms, provider_id, status, duration_ms, reason, decision, held_ms, bytes, detail,
                trace, place)
        join delivery d on d.id = i.id
        join channel c on c.tenant_id = d.tenant_id and c.id = d.channel_id
        order by i.id
    ), gone as (
        delete from delivery d using input i
        where d.id = i.id and d.lease_epoch = i.epoch and d.lease_until is not null and i.state is not null
        returning d.destination_id, i.*
    ), put_off as (
        update delivery d
        set due = case when i.outcome = :outcome_given_back then d.due else now() + i.delay_ms * interval '1 ms' end,
            attempt = d.attempt + case when i.outcome = :outcome_given_back then 0 else 1 end,
            lease_until = null
        from input i
        where d.id = i.id and d.lease_epoch = i.epoch and d.lease_until is not null and i.state is null
        returning d.destination_id, i.*
    ), logged as (
        insert into attempt (tenant_id, message_id, attempt, outcome, status, duration_ms, process, destination_id,
                             decision, held_ms, sent_bytes, delay_ms, detail)
        select a.tenant_id, a.message_id, a.attempt + 1,
               case when a.outcome = :outcome_conflict and a.state = :state_uncertain then 'uncertain'
                    else (array['sent', 'retry', 'failed', 'uncertain', null, 'failed'])[a.outcome] end, a.status, a.duration_ms, me,
               a.destination_id, a.decision, a.held_ms, a.bytes,
               case when a.state is null then a.delay_ms end, a.detail
        from (select * from gone union all select * from put_off) a
        where a.outcome <> :outcome_given_back
    ), named as (
        insert into provider_message (tenant_id, provider_id, channel_id, message_id)
        select distinct on (tenant_id, provider_id, channel_id) tenant_id, provider_id, channel_id, message_id
        from gone where state = :state_sent and provider_id is not null and (select count(*) from put_off) >= 0
        on conflict (tenant_id, provider_id, channel_id) do update set message_id = excluded.message_id
        returning 1
    ), waited as (
        -- Receipts that came before their message's id was known. "offset 0" makes the plan use their key: a plan made while the table was
        -- empty would read all waiting receipts.
        update receipt r set message_id = w.message_id
        from (select x.tenant_id, x.provider_id, x.state, x.number_key, g.message_id
              from gone g
              cross join lateral (select * from receipt x
                                  where x.tenant_id = g.tenant_id and x.provider_id = g.provider_id offset 0) x
              where g.state = :state_sent and x.message_id is null and (select count(*) from named) > 0
                and receipt_fits(x.tenant_id, x.channel_address, channel_address(g.tenant_id, g.channel_id))
              order by 1, 2, 3, 4) w
        where r.tenant_id = w.tenant_id and r.provider_id = w.provider_id and r.state = w.state and r.number_key = w.number_key
          and coalesce(r.message_id, w.message_id) = w.message_id
        returning r.tenant_id, r.message_id, r.state
    ), held as materialized (
        -- If there are any, their messages change twice: all are locked first, so that they are locked in one order.
        select m.id
        from gone g join message m on m.tenant_id = g.tenant_id and m.id = g.message_id
        where (select count(*) from waited) > 0
        order by m.tenant_id, m.id for no key update of m
    ), changed as (
        -- Messages are locked after everything that comes before them in the lock order.
        update message m
        set state = g.state, changed = now(), provider_id = coalesce(g.provider_id, m.provider_id),
            traceparent = coalesce(g.trace, m.traceparent)
        from (select * from gone order by tenant_id, message_id) g
        where m.tenant_id = g.tenant_id and m.id = g.message_id and m.state in (:state_accepted, :state_held, :state_sending)
          and (select count(*) from held) >= 0
        returning m.tenant_id, m.id, m.channel_id, m.conversation_id, m.sequence, m.state, m.direction, m.created,
                  g.destination_id, g.reason, g.status, g.attempt
    ), told as (
        insert into event (tenant_id, kind, conversation_id, message_id, sequence, state)
        select tenant_id, :event_state, conversation_id, id, sequence, state from changed
    ), entered as (
        -- As in delivery_end().
        insert into ledger_entry (tenant_id, channel_id, direction, day, state, messages)
        select c.tenant_id, c.channel_id, c.direction, ledger_day_of(c.created), s.state, sum(s.messages)
        from changed c cross join lateral (values (:state_accepted, -1), (c.state, 1)) s (state, messages)
        group by 1, 2, 3, 4, 5
    ), kept as (
        insert into undelivered (tenant_id, message_id, channel, destination_id, reason, last_status, attempts)
        select k.tenant_id, k.id, n.address, k.destination_id, case k.state when :state_uncertain then 'uncertain' else k.reason end,
               coalesce(k.status, message_last_status(k.tenant_id, k.id)), k.attempt + 1
        from changed k join channel n on n.tenant_id = k.tenant_id and n.id = k.channel_id where k.state in (:state_failed, :state_uncertain)
        on conflict (tenant_id, message_id) do update
            set reason = excluded.reason, last_status = excluded.last_status, attempts = excluded.attempts,
                since = now()
    ), spoke as (
        select tenant_id, destination_id, status, decision, detail from gone where outcome <> :outcome_given_back
        union all
        select tenant_id, destination_id, status, decision, detail from put_off where outcome <> :outcome_given_back
    ), turned as materialized (
        -- Destinations that answered for the first time, work again, or begin to fail. All other changes are stored by
        -- destination_answers().
        select s.id, s.status, s.decision, s.detail, s.good
        from (select tenant_id, destination_id as id, min(status) as status, min(decision) as decision, min(detail) as detail,
                     bool_and(decision & 15 in (:decision_ok, :decision_permanent)) as good, bool_or(decision & 15 in (:decision_ok, :decision_permanent)) as any_good
              from spoke where decision & 15 <> :decision_not_sent group by tenant_id, destination_id) s
        left join destination_answer a on a.tenant_id = s.tenant_id and a.destination_id = s.id
        where s.good = s.any_good and (a.destination_id is null or (a.failing_since is null) <> s.good)
    ), kept_or_gone as materialized (
        select place::int, state in (:state_failed, :state_uncertain) as undelivered from gone
        union all
        select place::int, false from put_off
    )
    select array(select place from kept_or_gone), array(select undelivered from kept_or_gone),
           array(select tenant_id from waited), array(select message_id from waited),
           array(select state from waited), (select json_agg(t) from turned t)
    into stored, lost, bound_tenant, bound, bound_state, turns;

    if cardinality(bound) > 0 then
        perform receipt_apply(bound_tenant, bound, bound_state);
    end if;
    if turns is not null then
        perform destination_turned(turns);
    end if;
    return query select unnest(stored), unnest(lost);
end
$$;

-- Prolongs the leases of rows that are still in work, and returns those that no longer belong to their holder. A row that is being
-- completed right now is neither.
create or replace function delivery_prolong(p_ids bigint[], p_epochs int[]) returns table (id bigint, epoch int)
language sql as $$
    with prolonged as (
        update delivery d set lease_until = now() + interval '30 s'
        from (select d.id from unnest(p_ids, p_epochs) i (id, epoch)
              join delivery d on d.id = i.id and d.lease_epoch = i.epoch and d.lease_until is not null
              for update of d skip locked) mine
        where d.id = mine.id
    )
    select i.id, i.epoch from unnest(p_ids, p_epochs) i (id, epoch)
    where not exists (select from delivery d
                      where d.id = i.id and d.lease_epoch = i.epoch and d.lease_until is not null)
$$;

-- May these leased rows still be sent? One answer for each, in order (sms-worker/delivery/permit.h). The locks come first and the
-- opt-outs are looked up by a statement that begins afterwards: see delivery_lease(). A row that is locked is answered
-- with no; it is claimed again. So is one whose destination was changed within the last minute, because its holder may have the old
-- settings.
create or replace function delivery_renew(p_ids bigint[], p_epochs int[]) returns setof boolean
language plpgsql as $$
declare
    held bigint[];
    good bigint[];
begin
    held := array(select d.id from unnest(p_ids, p_epochs) i (id, epoch)
                  join delivery d on d.id = i.id and d.lease_epoch = i.epoch and d.lease_until is not null
                  for update of d skip locked);
    good := array(select d.id
                  from delivery d
                  join message m on m.tenant_id = d.tenant_id and m.id = d.message_id and m.state in (:state_accepted, :state_held, :state_sending)
                  join destination dst on dst.tenant_id = d.tenant_id and dst.id = d.destination_id and dst.enabled
                                      and coalesce(dst.changed, '-infinity') < now() - interval '1 min'
                  where d.id = any (held)
                    and not exists (select from opt_out o
                                    where o.tenant_id = d.tenant_id and o.channel_id = d.channel_id
                                      and o.address = d.address and o.cleared is null
                                      and (m.answers is null or m.created < o.since)));
    return query
        select g.id is not null
        from unnest(p_ids) with ordinality i (id, place) left join unnest(good) g (id) on g.id = i.id
        order by i.place;
end
$$;

-- Ends rows whose validity passed while nobody could claim them (destination down or disabled, or waiting for an
-- older one of their conversation). Gives how many; call it again while that is p_room.
create or replace function delivery_expire(p_room int) returns int
language plpgsql as $$
declare
    late bigint[];
begin
    late := array(select d.id from delivery d
                  where d.expires <= now() and (d.lease_until is null or d.lease_until < now())
                  order by d.expires limit p_room for update skip locked);
    if cardinality(late) > 0 then
        perform delivery_end(late, array_fill(:state_expired::smallint, array[cardinality(late)]));
    end if;
    return cardinality(late);
end
$$;
