-- Long texts that come in parts. Phones count their references from 0 to 255 and then again, aggregators lose parts and
-- repeat them, under the same message_id or another. So
--   a reference names one series for minutes after its last part (inbound_part_wait), and only while parts fit: the same
--   total, no number twice. A part that does not fit closes the series and begins another;
--   a series that is whole becomes a text; one that is closed, or waited for too long, becomes a text with […] for
--   what is missing. No part is left over;
--   a copy (the same but for its message_id) of a part that came within that time is answered like the first, and
--   belongs to no series.

-- A batch in which some MOs are parts. They are handled one after the other; a text that a part completes, or that must be shown
-- because of it, goes into sms_accept() with the whole MOs of the batch, in that order. outcome: as there; 4 a part, 5 a part that
-- came before, 3 no such number. A part's answer is its own id, or that of the first of its copies.
--
-- The advisory locks make parts of one reference wait for each other: of two that arrive together the second sees the
-- first. They are taken in the order of their keys, before any row.
create or replace function sms_accept_parts(
    p_tenants int[], p_numbers text[], p_ids uuid[], p_externals text[], p_addresses text[], p_bodies text[],
    p_conversations uuid[], p_attachments text[], p_refs text[], p_totals smallint[], p_parts smallint[],
    p_traces text[])
returns table (outcome smallint, message_id uuid, conversation_id uuid, sequence int, bell int)
language plpgsql as $$
#variable_conflict use_column
declare
    one      record;
    taken    record;
    wholes   mo_whole[] := '{}';
    offered  uuid[] := '{}';             -- beside wholes
    lists    text[] := '{}';
    answers  uuid[] := array_fill(null::uuid, array[cardinality(p_ids)]);
    outcomes smallint[] := array_fill(:accept_no_such_number::smallint, array[cardinality(p_ids)]);
    seats    int[] := array_fill(null::int, array[cardinality(p_ids)]); -- each MO's place in wholes
begin
    perform inbound_part_lock(
        array(select distinct inbound_part_key(i.tenant_id, i.number, i.address, i.ref)
                from unnest(p_tenants, p_numbers, p_addresses, p_refs, p_totals) as i (tenant_id, number, address, ref, total)
               where i.total > 0));

    for one in
        select i.*, c.id as channel_id
          from unnest(p_tenants, p_numbers, p_ids, p_externals, p_addresses, p_bodies, p_conversations, p_attachments, p_refs,
                      p_totals, p_parts, p_traces) with ordinality
               as i (tenant_id, number, id, external_id, address, body, offered, list, reference, total, part, trace, place)
          left join channel c on c.tenant_id = i.tenant_id and c.address = i.number and c.retired is null
         order by i.place
    loop
        if one.total = 0 then
            wholes := wholes || row(one.tenant_id, one.number, one.id, one.external_id, one.address, one.body, 0,
                                    one.trace)::mo_whole;
        elsif one.channel_id is not null then
            taken := inbound_part_take(one.tenant_id, one.channel_id, one.number, one.id, one.external_id, one.address,
                                       one.reference, one.total, one.part, one.body, one.list, one.trace);
            outcomes[one.place] := case when taken.is_new then :accept_part_stored else :accept_part_stored_before end;
            answers[one.place] := taken.answer;
            wholes := wholes || taken.shown;
        end if;
        while cardinality(offered) < cardinality(wholes) loop
            offered := offered || case when one.total = 0 then one.offered else gen_random_uuid() end;
            lists := lists || case when one.total = 0 then one.list end;
            seats[one.place] := cardinality(offered);
        end loop;
    end loop;

    return query
        with told as materialized (
            -- Lock order: the names of their senders are taken already.
            select a.* from sms_accept_wholes(wholes, offered, lists) with ordinality
                   as a (outcome, message_id, conversation_id, sequence, bell, place)
             where cardinality(wholes) > 0
        )
        select case when i.total = 0 then t.outcome else outcomes[i.place] end,
               case when i.total = 0 then t.message_id else answers[i.place] end,
               case when i.total = 0 then t.conversation_id end,
               case when i.total = 0 then t.sequence end,
               t.bell
          from unnest(p_totals) with ordinality as i (total, place)
          left join told t on t.place = seats[i.place]
         order by i.place;
end $$;

create or replace function inbound_part_key(p_tenant int, p_number text, p_address text, p_reference text) returns bigint
language sql immutable as $$
    select hashtextextended(p_tenant || '|' || p_number || '|' || p_address || '|' || p_reference, 0)
$$;

create or replace function inbound_part_lock(p_keys bigint[]) returns void language plpgsql as $$
begin
    perform pg_advisory_xact_lock(k.key) from (select key from unnest(p_keys) u (key) order by key) k;
end $$;

-- Stores texts by sms_accept(), some of them joined from parts, and marks those that lack parts.
create or replace function sms_accept_wholes(p_wholes mo_whole[], p_offered uuid[], p_lists text[])
returns table (outcome smallint, message_id uuid, conversation_id uuid, sequence int, bell int)
language plpgsql as $$
#variable_conflict use_column
begin
    return query
        select a.*
          from (select array_agg(w.tenant_id order by place) as tenants, array_agg(w.number order by place) as numbers,
                       array_agg(w.id order by place) as ids, array_agg(w.external_id order by place) as externals,
                       array_agg(w.address order by place) as addresses, array_agg(w.body order by place) as bodies,
                       array_agg(w.traceparent order by place) as traces, array_agg((-w.parts)::smallint order by place) as parts,
                       array_agg(null::text) as refs, array_agg(0::smallint) as totals
                  from unnest(p_wholes) with ordinality
                       as w (tenant_id, number, id, external_id, address, body, parts, traceparent, place)) w
         cross join lateral sms_accept(w.tenants, w.numbers, w.ids, w.externals, w.addresses, w.bodies, p_offered, p_lists, w.refs,
                                       w.totals, w.parts, w.traces) a;

    -- Lock order: this transaction stored them.
    update message m
       set content = jsonb_build_object('partsMissing', p.total - w.parts)
      from unnest(p_wholes) w
      join inbound_part p on p.tenant_id = w.tenant_id and p.id = w.id and p.total > w.parts
     where w.parts > 0 and m.tenant_id = w.tenant_id and m.id = w.id;
end $$;

-- Stores one part. answer: the id that its sender gets; is_new: it did not come before; shown: the texts that must be shown because
-- of it.
create or replace function inbound_part_take(
    p_tenant int, p_channel int, p_number text, p_id uuid, p_external text, p_address text, p_reference text,
    p_total smallint, p_part smallint, p_body text, p_list text, p_trace text,
    out answer uuid, out is_new boolean, out shown mo_whole[])
language plpgsql as $$
declare
    patience interval := (select w.wait from inbound_part_wait w);
    first    uuid;    -- of which it is a copy
    waiting  uuid;    -- the open series, and what there is of it
    present  int := 0;
    fits     boolean;
begin
    is_new := false;
    shown := '{}';
    select coalesce(p.copy_of, p.id) into answer from inbound_part p where p.tenant_id = p_tenant and p.id = p_id;
    if found then
        perform stored_durably();
        return;
    end if;
    -- The second half of the ids says that sender, place, text and attachments are the same (sms-worker/inbound/mo_identity.h). A series
    -- has 32 parts at most, so nothing older can belong to one that still lives.
    select p.id into first
      from inbound_part p
     where p.tenant_id = p_tenant and p.channel_id = p_channel and p.address = p_address and p.reference = p_reference
       and p.received > now() - 33 * patience
       and p.copy_of is null and p.total = p_total and p.part = p_part and p.body = p_body
       and right(p.id::text, 17) = right(p_id::text, 17)
       and (select max(q.received) from inbound_part q
             where q.tenant_id = p_tenant and q.channel_id = p_channel and q.address = p_address and q.reference = p_reference
               and q.received > now() - 33 * patience and q.copy_of is null and q.series = p.series) > now() - patience
     order by p.received desc limit 1;
    if found then
        answer := first;
        insert into inbound_part (tenant_id, id, channel_id, address, reference, part, total, external_id, body, process, copy_of)
        values (p_tenant, p_id, p_channel, p_address, p_reference, p_part, p_total, p_external, '', process_here(), first);
        insert into ledger_entry (tenant_id, channel_id, direction, accepted, state, messages)
        values (p_tenant, p_channel, :direction_in, 1, :ledger_copies, 1);
        return;
    end if;

    answer := p_id;
    is_new := true;
    select p.series, count(*) as parts,
           p.total = p_total and max(p.received) > now() - patience and not bool_or(p.part = p_part) as fits
      into waiting, present, fits
      from inbound_part p
     where p.tenant_id = p_tenant and p.channel_id = p_channel and p.address = p_address and p.reference = p_reference
       and p.message_id is null and p.copy_of is null
     group by p.series, p.total
     order by max(p.received) desc, p.series limit 1;
    if not fits then
        shown := shown || inbound_part_join(p_tenant, p_channel, p_number, p_address, p_reference, waiting);
        waiting := null;
    end if;

    insert into inbound_part (tenant_id, id, channel_id, address, reference, part, total, external_id, body, process, series,
                              traceparent)
    values (p_tenant, p_id, p_channel, p_address, p_reference, p_part, p_total, p_external, p_body, process_here(),
            coalesce(waiting, p_id), p_trace);
    insert into ledger_entry (tenant_id, channel_id, direction, accepted, state, messages)
    values (p_tenant, p_channel, :direction_in, 1, :ledger_parts_waiting, 1);
    if p_list is not null then
        -- Lock order: only a copy of this part has the same upload, and it waits for the reference.
        perform attachments_store(array[p_tenant], array[p_id], array[p_list], array[p_id]);
    end if;
    if waiting is not null and present + 1 = p_total then
        shown := shown || inbound_part_join(p_tenant, p_channel, p_number, p_address, p_reference, waiting);
    end if;
end $$;

-- Makes a text of a series, whole or not. It takes the name and the trace of its first part, and the attachments of all.
create or replace function inbound_part_join(
    p_tenant int, p_channel int, p_number text, p_address text, p_reference text, p_series uuid) returns mo_whole
language plpgsql as $$
declare
    joined mo_whole;
begin
    with present as materialized (
        select p.* from inbound_part p
         where p.tenant_id = p_tenant and p.channel_id = p_channel and p.address = p_address and p.reference = p_reference
           and p.series = p_series and p.message_id is null and p.copy_of is null
    ), places as (
        select n.part, p.body, p.id is null and lag(p.id is null, 1, false) over (order by n.part) as is_known_gap
          from generate_series(1, (select max(total) from present)) n (part)
          left join present p on p.part = n.part
    ), first as (
        select * from present order by part limit 1
    )
    select p_tenant, p_number, f.id, f.external_id, p_address,
           (select string_agg(case when is_known_gap then '' else coalesce(body, '[…]') end, '' order by part) from places),
           (select count(*) from present), f.traceparent
      into joined
      from first f;

    -- Lock order: only who holds the reference changes the attachments of its parts.
    update attachment a
       set message_id = joined.id, ordinal = n.ordinal
      from (select a.message_id, a.ordinal as was, row_number() over (order by p.part, a.ordinal) as ordinal
              from inbound_part p
              join attachment a on a.tenant_id = p.tenant_id and a.message_id = p.id
             where p.tenant_id = p_tenant and p.channel_id = p_channel and p.address = p_address and p.reference = p_reference
               and p.series = p_series and p.message_id is null and p.copy_of is null) n
     where a.tenant_id = p_tenant and a.message_id = n.message_id and a.ordinal = n.was and a.message_id <> joined.id;
    with marked as (
        update inbound_part p
           set message_id = joined.id
         where p.tenant_id = p_tenant and p.channel_id = p_channel and p.address = p_address and p.reference = p_reference
           and p.series = p_series and p.message_id is null and p.copy_of is null
        returning ledger_day_of(p.received) as day
    )
    insert into ledger_entry (tenant_id, channel_id, direction, day, state, messages)
    select p_tenant, p_channel, :direction_in, m.day, s.state, sum(s.messages)
      from marked m cross join (values (:ledger_parts_waiting, -1), (:ledger_parts_joined, 1)) s (state, messages)
     group by m.day, s.state;
    return joined;
end $$;

-- Shows the series that have waited too long, at most p_at_most; returns how many. They came while their number was in use, so they
-- are stored even if it has been retired since.
create or replace function inbound_parts_late(p_at_most int) returns int language plpgsql as $$
declare
    patience interval := (select w.wait from inbound_part_wait w);
    late     record;
    wholes   mo_whole[] := '{}';
begin
    -- The locks of senders' names and of references come first: who waited for one of them while holding a conversation could deadlock
    -- with who waits for that conversation.
    perform senders_known(array_agg(s.tenant_id), array_agg(s.address)) from inbound_part_series_late(patience, p_at_most) s;
    perform inbound_part_lock(array(
        select distinct inbound_part_key(s.tenant_id, c.address, s.address, s.reference)
          from inbound_part_series_late(patience, p_at_most) s
          join channel c on c.tenant_id = s.tenant_id and c.id = s.channel_id));
    for late in
        select s.*, c.address as number
          from inbound_part_series_late(patience, p_at_most) s
          join channel c on c.tenant_id = s.tenant_id and c.id = s.channel_id
    loop
        -- A series that was not in the list above is not locked yet. If somebody else has locked its reference, it comes next time.
        continue when not pg_try_advisory_xact_lock(
            inbound_part_key(late.tenant_id, late.number, late.address, late.reference));
        wholes := wholes || inbound_part_join(late.tenant_id, late.channel_id, late.number, late.address, late.reference,
                                              late.series);
    end loop;
    if cardinality(wholes) > 0 then
        -- Lock order: the names of their senders are taken already.
        perform sms_accept_wholes(wholes, array(select gen_random_uuid() from unnest(wholes)),
                                  array_fill(null::text, array[cardinality(wholes)]));
    end if;
    return cardinality(wholes);
end $$;

create or replace function inbound_part_series_late(p_patience interval, p_at_most int)
returns table (tenant_id int, channel_id int, address text, reference text, series uuid) language sql stable as $$
    select p.tenant_id, p.channel_id, p.address, p.reference, p.series
      from inbound_part p
     where p.message_id is null and p.copy_of is null
     group by 1, 2, 3, 4, 5
    having max(p.received) < now() - p_patience
     order by max(p.received) limit p_at_most
$$;

-- The upkeep job; null when another process is doing it. The wait is the setting of the last process that called it.
-- Statement: UPKEEP_PARTS
create or replace function upkeep_parts(p_wait_s int, p_at_most int) returns int language plpgsql as $$
begin
    if not upkeep_claim('inbound_parts') then
        return null;
    end if;
    update inbound_part_wait set wait = make_interval(secs => p_wait_s) where wait <> make_interval(secs => p_wait_s);
    return inbound_parts_late(p_at_most);
end $$;

-- Called by older provisioning-workers, which wait for a day.
create or replace function inbound_part_flush(p_older_than interval, p_at_most int) returns int language sql as $$
    select inbound_parts_late(p_at_most)
$$;
