-- The ledger: everything accepted is in exactly one state. Two independent facts are compared: what accepting transactions claimed, and
-- which messages there are.
--
-- The books: a transaction that accepts messages or changes their states enters it (ledger_entry), and upkeep_ledger() adds the entries up
-- by day and for all days (ledger_sum). So a balance is an addition of a few sums, however many messages there are. A day is that on which
-- the message was accepted, UTC.
--
-- The recount: each day is counted again and again (ledger_recount_next()), and compared with the books. What was accepted and is not there
-- is missing (ledger_missing): a defect, or somebody changed rows by hand.
--
-- A message that is still to go out (accepted, sending) counts only while a row of delivery carries it: one that nobody
-- will ever send is lost, and is missing.
--
-- For a long text the parts are counted, because each was accepted by an answer of its own, and not the joined text: a part waits, or its
-- text is in a message, or it is a copy of one that is. A part that no message shows is lost, however it is marked; so is a part of a text
-- that differs from its joined parts, or is from another phone.

create or replace function ledger_day_of(p_accepted timestamptz) returns date
language sql immutable as $$
    select (p_accepted at time zone 'utc')::date
$$;

-- Messages of these days that wait to be sent and are not in the queue. "except" reads each side once, whatever the planner expects; the
-- queue is not read if nothing waits.
create or replace function ledger_stranded(p_from date, p_to date, p_tenant int)
returns table (tenant_id int, channel_id int, direction smallint, id uuid)
language sql stable set enable_hashagg = off as $$
    with unsent as materialized (
        select m.tenant_id, m.channel_id, m.direction, m.id
          from message m
         where m.created >= p_from::timestamp at time zone 'utc' and m.created < (p_to + 1)::timestamp at time zone 'utc'
           and p_tenant in (0, m.tenant_id) and m.state in (:state_accepted, :state_sending)
    )
    select u.tenant_id, u.channel_id, u.direction, u.id from unsent u
    except all
    select d.tenant_id, d.channel_id, :direction_out::smallint, d.message_id from delivery d where exists (select from unsent)
$$;

-- Counts what there is of these days, both included; p_tenant 0: of all tenants. stranded: those of them that nobody will ever send.
-- Contact centers that are being deleted are left out: their two sides are deleted one after the other.
create or replace function ledger_counted(p_from date, p_to date, p_tenant int)
returns table (tenant_id int, channel_id int, direction smallint, state smallint, messages bigint, stranded bigint)
language sql stable as $$
    with doomed as materialized (
        select t.id from tenant t where t.deleting is not null
    ), whole as (
        select m.tenant_id, m.channel_id, m.direction, m.state
          from message m
         where m.created >= p_from::timestamp at time zone 'utc' and m.created < (p_to + 1)::timestamp at time zone 'utc'
           and p_tenant in (0, m.tenant_id)
           and (m.parts is null -- a text of parts counts by them; one that has none is one too many
                or not exists (select from inbound_part p where p.tenant_id = m.tenant_id and p.id = m.id and p.message_id = m.id))
    ), joined as (
        -- With the text that all parts of their message make. Parts of one text may have come on two days. Windows sort once, whatever the
        -- planner expects.
        select g.*, max(g.part) over text as last,
               string_agg(g.gap || g.body, '') over text || case when max(g.part) over text < max(g.total) over text then '[…]' else '' end as whole
          from (select p.tenant_id, p.channel_id, p.address, p.message_id, p.part, p.total, p.body, p.received,
                       case when p.part > 1 + lag(p.part, 1, 0::smallint) over (partition by p.tenant_id, p.message_id order by p.part)
                            then '[…]' else '' end as gap
                  from inbound_part p
                 where p.message_id is not null and p.copy_of is null and p.series is not null and p_tenant in (0, p.tenant_id)
                   and p.received >= (p_from - 1)::timestamp at time zone 'utc' and p.received < (p_to + 2)::timestamp at time zone 'utc') g
        window text as (partition by g.tenant_id, g.message_id order by g.part rows between unbounded preceding and unbounded following)
    ), part as (
        -- Each message and each first copy by its key: "offset 0" keeps the plan there. A message that is another text lacks one of its
        -- parts at least.
        select j.tenant_id, j.channel_id, :ledger_parts_joined::smallint as state
          from joined j
         cross join lateral (
              select m.body from message m
               where m.tenant_id = j.tenant_id and m.id = j.message_id and m.address = j.address and m.channel_id = j.channel_id
              offset 0) m
         where j.received >= p_from::timestamp at time zone 'utc' and j.received < (p_to + 1)::timestamp at time zone 'utc'
           and strpos(m.body, j.body) > 0 and (m.body = j.whole or j.part < j.last)
        union all
        select p.tenant_id, p.channel_id, case when p.copy_of is null then :ledger_parts_waiting else :ledger_copies end::smallint
          from inbound_part p
         where p.received >= p_from::timestamp at time zone 'utc' and p.received < (p_to + 1)::timestamp at time zone 'utc'
           and p_tenant in (0, p.tenant_id)
           and case when p.copy_of is null then p.message_id is null and p.series is not null
                    else exists (select from inbound_part f where f.tenant_id = p.tenant_id and f.id = p.copy_of) end
    ), line as (
        select w.tenant_id, w.channel_id, w.direction, w.state, count(*) as messages, 0 as stranded from whole w group by 1, 2, 3, 4
        union all
        select p.tenant_id, p.channel_id, :direction_in::smallint, p.state, count(*), 0 from part p group by 1, 2, 4
        union all
        select s.tenant_id, s.channel_id, s.direction, :state_accepted::smallint, 0, count(*)
          from ledger_stranded(p_from, p_to, p_tenant) s group by 1, 2, 3
    )
    select l.tenant_id, l.channel_id, l.direction, l.state, sum(l.messages)::bigint, sum(l.stranded)::bigint
      from line l where l.tenant_id <> all (select id from doomed)
     group by 1, 2, 3, 4
$$;

-- What the books say: by day, or for all days in the row of day -infinity. p_from -infinity and p_to infinity: of all days.
create or replace function ledger_booked(p_from date, p_to date, p_tenant int)
returns table (tenant_id int, channel_id int, direction smallint, state smallint, accepted bigint, messages bigint)
language plpgsql stable as $$
#variable_conflict use_column
declare
    is_whole constant boolean := p_from = '-infinity' and p_to = 'infinity';
    first constant date := case when is_whole or p_from > '-infinity' then p_from else '4713-01-01 BC'::date end;
    last constant date := case when is_whole then '-infinity'::date else p_to end;
begin
    -- A statement for one and another for all, so that each is planned with its own index.
    if p_tenant = 0 then
        return query
            select b.tenant_id, b.channel_id, b.direction, b.state, sum(b.accepted)::bigint, sum(b.messages)::bigint
              from (select s.tenant_id, s.channel_id, s.direction, s.state, s.accepted, s.messages
                      from ledger_sum s where s.day between first and last
                    union all
                    select e.tenant_id, e.channel_id, e.direction, e.state, e.accepted, e.messages
                      from ledger_entry e where e.day between p_from and p_to) b
             group by 1, 2, 3, 4;
    else
        return query
            select b.tenant_id, b.channel_id, b.direction, b.state, sum(b.accepted)::bigint, sum(b.messages)::bigint
              from (select s.tenant_id, s.channel_id, s.direction, s.state, s.accepted, s.messages
                      from ledger_sum s where s.tenant_id = p_tenant and s.day between first and last
                    union all
                    select e.tenant_id, e.channel_id, e.direction, e.state, e.accepted, e.messages
                      from ledger_entry e where e.tenant_id = p_tenant and e.day between p_from and p_to) b
             group by 1, 2, 3, 4;
    end if;
end
$$;

-- The books beside what there is, state by state.
create or replace function ledger_compared(p_from date, p_to date, p_tenant int)
returns table (tenant_id int, channel_id int, direction smallint, state smallint, accepted bigint, booked bigint, counted bigint, stranded bigint)
language sql stable as $$
    select tenant_id, channel_id, direction, state, coalesce(b.accepted, 0), coalesce(b.messages, 0), coalesce(c.messages, 0),
           coalesce(c.stranded, 0)
      from (select * from ledger_booked(p_from, p_to, p_tenant) k
             where k.tenant_id <> all (select t.id from tenant t where t.deleting is not null)) b
      full join ledger_counted(p_from, p_to, p_tenant) c using (tenant_id, channel_id, direction, state)
$$;

-- What was accepted and is not there (negative: one too many), found by counting these days; 0 where all is well.
create or replace function ledger_window(p_from date, p_to date, p_tenant int)
returns table (tenant_id int, channel_id int, direction smallint, accepted bigint, messages bigint, imbalance bigint)
language sql stable as $$
    select l.tenant_id, l.channel_id, l.direction, sum(l.accepted)::bigint, sum(l.counted)::bigint,
           sum(l.accepted - l.counted + l.stranded)::bigint
      from ledger_compared(p_from, p_to, p_tenant) l
     group by 1, 2, 3
$$;

create or replace view ledger as select * from ledger_window('-infinity', 'infinity', 0);

-- Counts a day, notes what is missing, and puts right the sums of states that say something else. Returns how much is missing or too
-- much. One statement counts and enters, so both see the same moment; of two that count at the same time the second one waits.
create or replace function ledger_day_recount(p_day date) returns bigint
language plpgsql security definer set search_path from current as $$
declare
    lacking ledger_missing[];
begin
    perform pg_advisory_xact_lock(hashtext('nexus.upkeep'), hashtext('ledger recount'));
    with line as materialized (
        select * from ledger_compared(p_day, p_day, 0)
    ), corrected as (
        insert into ledger_entry (tenant_id, channel_id, direction, day, state, messages)
        select l.tenant_id, l.channel_id, l.direction, p_day, l.state, l.counted - l.booked from line l where l.counted <> l.booked
    )
    select array_agg(row(s.tenant_id, p_day, s.channel_id, s.direction, s.messages)::ledger_missing)
      into lacking
      from (select l.tenant_id, l.channel_id, l.direction, sum(l.accepted - l.counted + l.stranded) as messages from line l
             group by 1, 2, 3) s
     where s.messages <> 0;
    delete from ledger_missing m where m.day = p_day;
    insert into ledger_missing select l.* from unnest(lacking) l;
    insert into ledger_recount as r (day, counted, took_ms)
    values (p_day, now(), extract(epoch from clock_timestamp() - now()) * 1000)
        on conflict (day) do update set counted = excluded.counted, took_ms = excluded.took_ms;
    return (select coalesce(sum(abs(l.messages)), 0) from unnest(lacking) l);
end
$$;

-- The day that waits longest for its recount, compared with how often it is due: today and yesterday every 15 s, but for 1 % of the time
-- at most, the others twice a day. Null: none is due.
create or replace function ledger_day_due() returns date
language sql stable as $$
    select d.day
      from (select coalesce(r.day, l.day) as day, extract(epoch from now() - r.counted) as age_s,
                   case when l.day is not null then greatest(15, coalesce(r.took_ms, 0) / 10) else 12 * 3600 end as every_s
              from ledger_recount r
              full join unnest(array[ledger_day_of(now()) - 1, ledger_day_of(now())]) l (day) on l.day = r.day) d
     where coalesce(d.age_s >= d.every_s, true)
     order by d.age_s / d.every_s desc nulls first, d.day desc limit 1
$$;

-- The upkeep job: counts the day that is due. missing: what that day lacks; remainder: what all days lack by their last recounts;
-- uncounted_s: for how long the day that waits longest was not counted; more: another day is due. No row while another process is counting.
create or replace function ledger_recount_next() returns table (day date, missing bigint, remainder bigint, uncounted_s bigint, more boolean)
language plpgsql security definer set search_path from current as $$
#variable_conflict use_column
declare
    due date;
    lacking bigint;
begin
    if not pg_try_advisory_xact_lock(hashtext('nexus.upkeep'), hashtext('ledger recount')) then
        return;
    end if;
    due := ledger_day_due();
    lacking := case when due is not null then ledger_day_recount(due) end;
    return query
        select due, coalesce(lacking, 0), coalesce((select sum(abs(m.messages))::bigint from ledger_missing m), 0),
               (select max(extract(epoch from now() - coalesce(r.counted, r.since)))::bigint from ledger_recount r),
               ledger_day_due() is not null;
end
$$;

-- The day that callers write in this field; null or '' is p_open.
create or replace function ledger_day(p_field text, p_text text, p_open date) returns date
language plpgsql stable as $$
begin
    if coalesce(p_text, '') = '' then
        return p_open;
    elsif p_text ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' then
        return p_text::date;
    end if;
    raise datetime_field_overflow;
exception when datetime_field_overflow then
    raise exception '%: must be a day such as 2027-01-31', p_field using errcode = 'NX400';
end
$$;

-- The first of two days as callers write them, which is not after the last.
create or replace function ledger_first_day(p_from text, p_to text) returns date
language plpgsql stable as $$
begin
    if ledger_day('from', p_from, '-infinity') > ledger_day('to', p_to, 'infinity') then
        raise exception 'from: this day is after that of to' using errcode = 'NX400';
    end if;
    return ledger_day('from', p_from, '-infinity');
end
$$;

-- The days that have entries, and when each was counted last; null: not yet.
create or replace function ledger_days_within(p_first date, p_last date) returns table (day date, counted timestamptz)
language sql stable as $$
    select r.day, r.counted from ledger_recount r where r.day between p_first and p_last
    union all
    select distinct e.day, null::timestamptz from ledger_entry e -- not added up yet
     where e.day between p_first and p_last and not exists (select from ledger_recount r where r.day = e.day)
$$;

-- The balance for people: p_from and p_to are days (YYYY-MM-DD; null or '': open), p_by is 'tenant' or 'channel' (the
-- default). It is what the books say, and what the last recounts of these days found missing. The remainder adds up what each number,
-- direction and day lacks or has too much, so that two faults do not cancel out.
-- Statement: LEDGER_JSON
create or replace function ledger_json(p_tenant int, p_from text, p_to text, p_by text) returns text
language sql stable as $$
    with asked as materialized (
        select ledger_first_day(p_from, p_to) as first, ledger_day('to', p_to, 'infinity') as last
    ), line as (
        select b.*, 0::bigint as missing, 0::bigint as remainder
          from asked a cross join lateral ledger_booked(a.first, a.last, p_tenant) b
        union all
        select m.tenant_id, m.channel_id, m.direction, :ledger_unsorted::smallint, 0, 0, m.messages, abs(m.messages)
          from asked a join ledger_missing m on m.day between a.first and a.last and p_tenant in (0, m.tenant_id)
    ), named as (
        select l.*, t.ccid, case when p_by = 'tenant' then null else coalesce(c.address, l.channel_id::text) end as channel
          from line l
          left join tenant t on t.id = l.tenant_id
          left join channel c on c.tenant_id = l.tenant_id and c.id = l.channel_id
         where t.deleting is null
    ), balance as (
        select grouping(direction) = 1 as total, ccid, channel, direction, coalesce(sum(accepted), 0) as accepted,
               coalesce(sum(missing), 0) as imbalance, coalesce(sum(remainder), 0) as remainder,
               json_build_object(
                   'received', coalesce(sum(messages) filter (where state = :state_received), 0),
                   'accepted', coalesce(sum(messages) filter (where state = :state_accepted), 0),
                   'held', coalesce(sum(messages) filter (where state = :state_held), 0),
                   'sending', coalesce(sum(messages) filter (where state = :state_sending), 0),
                   'sent', coalesce(sum(messages) filter (where state = :state_sent), 0),
                   'delivered', coalesce(sum(messages) filter (where state = :state_delivered), 0),
                   'read', coalesce(sum(messages) filter (where state = :state_read), 0),
                   'failed', coalesce(sum(messages) filter (where state = :state_failed), 0),
                   'expired', coalesce(sum(messages) filter (where state = :state_expired), 0),
                   'opted_out', coalesce(sum(messages) filter (where state = :state_opted_out), 0),
                   'suppressed', coalesce(sum(messages) filter (where state = :state_suppressed), 0),
                   'cancelled', coalesce(sum(messages) filter (where state = :state_cancelled), 0),
                   'uncertain', coalesce(sum(messages) filter (where state = :state_uncertain), 0),
                   'parts_waiting', coalesce(sum(messages) filter (where state = :ledger_parts_waiting), 0),
                   'parts_joined', coalesce(sum(messages) filter (where state = :ledger_parts_joined), 0),
                   'copies', coalesce(sum(messages) filter (where state = :ledger_copies), 0)) as states
          from named group by grouping sets ((ccid, channel, direction), ())
    )
    select json_build_object(
        'from', nullif(p_from, ''), 'to', nullif(p_to, ''),
        'balanced', t.remainder = 0, 'remainder', t.remainder,
        'recounted', (select case when count(*) = count(d.counted) then moment(min(d.counted)) end
                        from asked a cross join lateral ledger_days_within(a.first, a.last) d),
        'partsWaiting', (select count(*) from inbound_part p
                         where p.message_id is null and p.copy_of is null and p_tenant in (0, p.tenant_id)),
        'rows', (select coalesce(json_agg(json_build_object(
                     'ccid', b.ccid, 'channel', b.channel,
                     'direction', case b.direction when :direction_in then 'in' else 'out' end,
                     'accepted', b.accepted, 'states', b.states, 'imbalance', b.imbalance)
                     order by b.ccid, b.channel, b.direction), '[]')
                 from balance b where not b.total),
        'totals', json_build_object('accepted', t.accepted, 'states', t.states, 'imbalance', t.imbalance))::text
    from balance t where t.total
$$;

-- The days of a range that have entries, as JSON: what nexusctl ledger --recount counts one after the other.
-- Statement: LEDGER_DAYS
create or replace function ledger_days(p_from text, p_to text) returns text
language sql stable as $$
    select coalesce(json_agg(d.day order by d.day), '[]')::text
      from ledger_days_within(ledger_first_day(p_from, p_to), ledger_day('to', p_to, 'infinity')) d
$$;
