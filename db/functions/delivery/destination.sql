-- Destinations as operators see them, what operators do to them, and their breakers.

-- Host and port of a URL. User, password, path and query are left out, because they may hold secrets.
create or replace function url_host(p_url text) returns text
language sql immutable as $$
    select substring(p_url from '^[A-Za-z]+://(?:[^/?#]*@)?([^/?#]+)')
$$;

create or replace function destination_state(d destination) returns text
language sql stable as $$
    select case when d.switched_off is not null then 'off'
                when not d.enabled then 'unused'
                when d.not_before > now() then 'open'
                when d.failures > 0 then 'half_open'
                else 'closed' end
$$;

-- Do its messages wait because it fails, or because it was switched off? Settings that are wrong (401, 403, 404, 410, a
-- forbidden address) do not mend themselves and count at once; anything else after a minute, or when its breaker has opened.
create or replace function destination_fails(d destination) returns boolean
language sql stable as $$
    select d.switched_off is not null
        or d.enabled
           and (d.failures > 0
                or exists (select from destination_answer a
                           where a.tenant_id = d.tenant_id and a.destination_id = d.id and a.failing_since is not null
                             and (a.decision & 15 in (:decision_config, :decision_gone, :decision_forbidden_address, :decision_unusable) or a.failing_since < now() - interval '1 min')))
           and exists (select from delivery w where w.destination_id = d.id)
$$;

create or replace function destination_json(d destination) returns json
language sql stable as $$
    select json_build_object(
        'id', d.id::text, 'ccid', t.ccid, 'host', coalesce(url_host(d.url), ''),
        'numbers', coalesce((select json_agg(json_build_object('number', c.address, 'name', c.name) order by c.address)
                             from channel c
                             where c.tenant_id = d.tenant_id and c.destination_id = d.id and c.retired is null), '[]'),
        'state', destination_state(d), 'failing', destination_fails(d),
        'failingSince', moment(a.failing_since), 'offSince', moment(d.switched_off), 'openings', d.failures,
        'waiting', w.waiting, 'oldest', moment((select m.created from delivery o
                                                join message m on m.tenant_id = o.tenant_id and m.id = o.message_id
                                                where o.id = w.oldest)),
        'nextTry', case when d.enabled and w.waiting > 0 then moment(greatest(w.due, d.not_before, now())) end,
        'lastAnswer', case when a.at is not null then json_build_object(
                          'at', moment(a.at), 'kind', decision_name(a.decision), 'status', a.status, 'detail', a.detail) end)
    from tenant t
    left join destination_answer a on a.tenant_id = d.tenant_id and a.destination_id = d.id
    cross join lateral (select count(*) as waiting, min(q.id) as oldest, min(q.due) as due
                        from (select r.id, r.due from delivery r where r.destination_id = d.id
                              order by r.due limit 10000) q) w
    where t.id = d.tenant_id
$$;

-- A page by id; p_after: the "next" of the page before. Tenant 0 sees all. Rows that wait are counted for the page's
-- destinations only, and no further than 10 000 of each. What no number uses and nothing waits for is left out, unless it is
-- asked for.
-- Statement: DESTINATION_LIST
create or replace function destination_list(p_tenant int, p_state text, p_after text, p_count int) returns text
language plpgsql stable security definer set search_path from current as $$
declare
    room int := coalesce(nullif(p_count, 0), 50);
begin
    if coalesce(p_after, '') !~ '^[0-9]{0,9}$' then
        raise exception 'after: must be the "next" of an earlier page' using errcode = 'NX400';
    end if;
    if coalesce(p_state, '') not in ('', 'closed', 'open', 'half_open', 'off', 'unused', 'failing') then
        raise exception 'state: must be closed, open, half_open, off, unused or failing' using errcode = 'NX400';
    end if;
    return (with page as materialized (
                select d as one, d.id
                  from destination d
                 where (p_tenant = 0 or d.tenant_id = p_tenant) and d.id > coalesce(nullif(p_after, ''), '0')::int
                   and case coalesce(p_state, '')
                           when '' then d.enabled or d.switched_off is not null
                                        or exists (select from delivery w where w.destination_id = d.id)
                           when 'failing' then destination_fails(d)
                           else destination_state(d) = p_state end
                 order by d.id limit room)
            select json_build_object(
                'destinations', coalesce(json_agg(destination_json(p.one) order by p.id), '[]'),
                'next', case when count(*) = room then max(p.id)::text end)::text
              from page p);
end
$$;

-- The destination that a caller names, locked; with p_tenant 0 of any contact center.
create or replace function destination_locked(p_tenant int, p_id text) returns destination
language plpgsql as $$
declare
    wanted destination;
begin
    if p_id ~ '^[0-9]{1,9}$' then
        select * into wanted from destination d
        where d.id = p_id::int and (p_tenant = 0 or d.tenant_id = p_tenant) for update;
    end if;
    if wanted.id is null then
        raise exception 'there is no such destination' using errcode = 'NX404';
    end if;
    if not wanted.enabled and wanted.switched_off is null then
        raise exception 'no number uses this destination; what waits for it follows its number' using errcode = 'NX409';
    end if;
    return wanted;
end
$$;

-- Makes waiting messages due now: the next 10 000. The others stay due at their own time.
create or replace function destination_hurry(p_id int) returns void
language sql as $$
    -- Lock order: those that nobody holds.
    update delivery d set due = now()
    from (select w.id from delivery w
          where w.destination_id = p_id and w.due > now() and w.lease_until is null
          order by w.due limit 10000 for update skip locked) soon
    where d.id = soon.id
$$;

-- The destination that no channel has and for which messages of this channel wait; null: none.
create or replace function destination_left(p_tenant int, p_channel int) returns int
language sql stable as $$
    select f.id from destination f
     where f.tenant_id = p_tenant
       and not exists (select from channel c where c.tenant_id = p_tenant and c.destination_id = f.id)
       and (select d.channel_id from delivery d where d.destination_id = f.id order by d.due limit 1) = p_channel
     order by f.id limit 1
$$;

-- Moves the rows that wait for these destinations, which no number uses, to the destination that their number has now: at most p_room
-- rows, those due first; returns how many. A younger row of the same conversation that waits there already is not sent before them
-- (delivery_lease). Call it again while it returns p_room; each call is complete, so a crash between two of them loses nothing.
create or replace function deliveries_follow(p_former int[], p_room int) returns int
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    moved int;
begin
    with stray as (
        select d.id, c.destination_id
          from unnest(p_former) f (id)
          join destination former on former.id = f.id and not former.enabled and former.switched_off is null
         cross join lateral (select q.channel_id from delivery q where q.destination_id = f.id order by q.due limit 1) head
          join channel c on c.id = head.channel_id and c.tenant_id = former.tenant_id and c.retired is null
                        and c.destination_id is not null and c.destination_id <> f.id
         cross join lateral (select q.id from delivery q
                              where q.destination_id = f.id and q.channel_id = c.id
                              order by q.due limit p_room for update skip locked) d
         limit p_room
    )
    -- Lock order: those that nobody holds.
    update delivery d set destination_id = s.destination_id from stray s where d.id = s.id;
    get diagnostics moved = row_count;
    return moved;
end
$$;

-- Continues what destinations_follow() began. It looks only at destinations for which something waits.
-- Statement: UPKEEP_FOLLOWERS
create or replace function upkeep_followers(p_room int) returns int
language plpgsql set enable_seqscan = off as $$
begin
    if not upkeep_claim('followers') then
        return null;
    end if;
    return deliveries_follow(array(
        with recursive hop (id) as (
            (select d.destination_id from delivery d order by d.destination_id limit 1)
            union all
            select (select d.destination_id from delivery d where d.destination_id > hop.id order by d.destination_id limit 1)
              from hop where hop.id is not null
        )
        select h.id
        from hop h
        -- By its id: that of whatever waits.
        join destination f on f.id = h.id
        where not f.enabled), p_room);
end
$$;

-- Tries it now. If its breaker is open, one message is sent as a test.
create or replace function destination_try(p_tenant int, p_id text) returns destination
language plpgsql security definer set search_path from current as $$
declare
    wanted destination := destination_locked(p_tenant, p_id);
begin
    if wanted.switched_off is not null then
        raise exception 'the destination is switched off; enable it' using errcode = 'NX409';
    end if;
    update destination d set not_before = '-infinity' where d.tenant_id = wanted.tenant_id and d.id = wanted.id
    returning * into wanted;
    perform destination_hurry(wanted.id);
    perform audit_write(wanted.tenant_id, 'destination.try', wanted.id::text, '{}');
    return wanted;
end
$$;

-- Switches it on, with a closed breaker, or off. Rows that a worker has in hand follow within a second (sms-worker/delivery/permit.h).
create or replace function destination_switch(p_tenant int, p_id text, p_on boolean) returns destination
language plpgsql security definer set search_path from current as $$
declare
    wanted destination := destination_locked(p_tenant, p_id);
    was_on boolean := wanted.enabled;
begin
    update destination d
    set enabled = p_on, switched_off = case when not p_on then coalesce(d.switched_off, now()) end,
        failures = 0, not_before = '-infinity'
    where d.tenant_id = wanted.tenant_id and d.id = wanted.id returning * into wanted;
    if was_on <> p_on then
        insert into breaker_change (tenant_id, destination_id, kind)
        values (wanted.tenant_id, wanted.id, case when p_on then :breaker_switched_on else :breaker_switched_off end);
    end if;
    if p_on then
        perform destination_hurry(wanted.id);
    end if;
    perform audit_write(wanted.tenant_id, case when p_on then 'destination.enable' else 'destination.disable' end,
                        wanted.id::text, case when was_on <> p_on then array['enabled'] else '{}' end);
    return wanted;
end
$$;

-- Destinations that are switched off: the first p_room of them, and their number.
create or replace function destinations_off(p_room int) returns table (id int, count bigint)
language sql stable as $$
    select o.id, (select count(*) from destination d where d.switched_off is not null)
    from (select d.id from destination d where d.switched_off is not null order by d.id limit p_room) o
$$;

-- Stores the last answers of destinations, from one worker. p_ages_ms: how long ago. A destination that accepted nothing for a minute and
-- accepts messages again gets its delayed messages at once, so that they arrive in order.
create or replace function destination_answers(
    p_ids int[], p_ages_ms int[], p_statuses int[], p_decisions smallint[], p_details text[], p_goods boolean[]) returns void
language plpgsql as $$
begin
    perform destination_hurry(a.destination_id)
       from unnest(p_ids, p_goods) i (id, good)
       -- By its id: the delivery engine knows no more of a destination.
       join destination_answer a on a.destination_id = i.id
      where i.good and a.failing_since < now() - interval '1 min';
    insert into destination_answer as known (destination_id, tenant_id, at, status, decision, detail, failing_since)
    select d.id, d.tenant_id, s.at, s.status, s.decision, s.detail, case when not s.good then s.at end
    from (select i.*, now() - i.age_ms * interval '1 ms' as at
          from unnest(p_ids, p_ages_ms, p_statuses, p_decisions, p_details, p_goods) i (id, age_ms, status, decision, detail, good)) s
    -- By its id: as above.
    join destination d on d.id = s.id
    order by d.id
    on conflict (destination_id) do update
        set at = excluded.at, status = excluded.status, decision = excluded.decision, detail = excluded.detail,
            failing_since = case when excluded.failing_since is not null
                                 then coalesce(known.failing_since, excluded.failing_since) end
        where known.at <= excluded.at;
end
$$;

-- Answers of destinations that answered for the first time, work again, or begin to fail (delivery_store): stored in the transaction of
-- their messages, because the worker may die before it reports them. If this fails the outcomes of the messages are still stored.
create or replace function destination_turned(p_turns json) returns void
language plpgsql as $$
begin
    perform destination_answers(array_agg(t.id), array_agg(0), array_agg(t.status), array_agg(t.decision), array_agg(t.detail),
                                array_agg(t.good))
       from json_to_recordset(p_turns) t (id int, status int, decision smallint, detail text, good boolean);
exception when insufficient_privilege or lock_not_available then
    null;
end
$$;

-- The breaker of a destination: p_delay_ms > 0 opens it for that long, 0 closes it. p_seen is the count of openings the
-- worker last saw: workers that open it together count once. Of each destination the last 500 changes are kept.
-- Statement: DESTINATION_BREAKER
create or replace function destination_breaker(p_destination int, p_seen int, p_delay_ms int) returns void
language plpgsql as $$
declare
    changed destination;
begin
    -- By its id: the delivery engine knows no more of a destination.
    update destination dst
    set not_before = case when p_delay_ms > 0 then now() + p_delay_ms * interval '1 ms' else '-infinity' end,
        failures = case when p_delay_ms > 0 then p_seen + 1 else 0 end
    where dst.id = p_destination and dst.failures = p_seen
    returning dst.* into changed;
    if not found then
        return;
    end if;
    insert into breaker_change (tenant_id, destination_id, kind, until, openings, process)
    values (changed.tenant_id, changed.id, case when p_delay_ms > 0 then :breaker_opened else :breaker_closed end,
            case when p_delay_ms > 0 then changed.not_before end, changed.failures, process_here());
    delete from breaker_change b
    where b.tenant_id = changed.tenant_id and b.destination_id = changed.id
      and b.at < (select old.at from breaker_change old
                  where old.tenant_id = changed.tenant_id and old.destination_id = changed.id
                  order by old.at desc offset 500 limit 1);
end
$$;

-- Walks the destinations that have rows, from p_after_id on, at most p_hops of them: is a row due, how many are (counted to
-- 10 000), how old is the oldest in ms, is the breaker open, does the destination fail (health shows it), and is that why its rows
-- wait (held). Hops from destination to destination in the index, however many rows lie between. If a destination works, a row that
-- waits behind an older one of its conversation, which is tried again later, does not count for the age: among the first 1000 due
-- rows this looks for the oldest that could be sent.
create or replace function delivery_walk(p_after_id int, p_hops int)
returns table (destination_id int, tenant_id int, ready boolean, due_rows int, oldest_ms bigint, open boolean,
               held boolean, failing boolean)
language sql as $$
    with recursive hop (id, nth) as (
        (select d.destination_id, 1 from delivery d where d.destination_id > p_after_id order by d.destination_id limit 1)
        union all
        select (select d.destination_id from delivery d
                where d.destination_id > hop.id order by d.destination_id limit 1), hop.nth + 1
        from hop where hop.id is not null and hop.nth < p_hops
    )
    select dst.id, dst.tenant_id, dst.enabled and dst.not_before <= now() and w.due_rows > 0, w.due_rows::int,
           coalesce((extract(epoch from now() - w.oldest) * 1000)::bigint, 0), dst.not_before > now(),
           h.held, dst.enabled and destination_fails(dst)
    from hop
    -- By its id: that of whatever waits.
    join destination dst on dst.id = hop.id
    left join destination_answer a on a.tenant_id = dst.tenant_id and a.destination_id = dst.id
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
