-- The ledger: everything accepted is in exactly one state. Two independent facts are compared: what accepting
-- transactions claimed (ledger_entry), and which messages there are (message). Both are written by one transaction under
-- one now(), so a claim and its message fall on the same UTC day, and any snapshot sees both or neither.
--
-- A message that is still to go out (accepted, sending) counts only while a row of delivery carries it: one that nobody
-- will ever send is lost, and shows here as imbalance.
--
-- For a long text the parts are counted, because each was accepted by an answer of its own, and not the joined text: a part waits, or its
-- text is in a message, or it is a copy of one that is. A part that no message shows is lost, however it is marked; so is a part of a text
-- that differs from its joined parts, or is from another phone.

-- The balance of whole days, both included; p_tenant 0: of all tenants.
create or replace function ledger_window(p_from date, p_to date, p_tenant int)
returns table (
    tenant_id int, channel_id int, direction smallint, accepted bigint,
    state_accepted bigint, state_held bigint, state_sending bigint, state_sent bigint, state_delivered bigint,
    state_read bigint, state_failed bigint, state_expired bigint, state_opted_out bigint, state_suppressed bigint,
    state_cancelled bigint, state_uncertain bigint, state_received bigint, state_parts_waiting bigint,
    state_parts_joined bigint, state_copies bigint, imbalance bigint)
language sql stable as $$
    with doomed as materialized (
        select t.id from tenant t where t.deleting is not null -- deleted in batches: its two sides are deleted one after the other
    ), claimed as (
        select e.tenant_id, e.channel_id, e.direction, sum(e.accepted)::bigint as accepted
        from ledger_entry e
        where e.day between p_from and p_to and p_tenant in (0, e.tenant_id) and e.tenant_id <> all (select id from doomed)
        group by e.tenant_id, e.channel_id, e.direction
    ), counted as (
        select m.tenant_id, m.channel_id, m.direction, count(*) as messages,
               count(*) filter (where m.state = :state_accepted) as state_accepted,
               count(*) filter (where m.state = :state_held) as state_held,
               count(*) filter (where m.state = :state_sending) as state_sending,
               count(*) filter (where m.state = :state_sent) as state_sent,
               count(*) filter (where m.state = :state_delivered) as state_delivered,
               count(*) filter (where m.state = :state_read) as state_read,
               count(*) filter (where m.state = :state_failed) as state_failed,
               count(*) filter (where m.state = :state_expired) as state_expired,
               count(*) filter (where m.state = :state_opted_out) as state_opted_out,
               count(*) filter (where m.state = :state_suppressed) as state_suppressed,
               count(*) filter (where m.state = :state_cancelled) as state_cancelled,
               count(*) filter (where m.state = :state_uncertain) as state_uncertain,
               count(*) filter (where m.state = :state_received) as state_received,
               count(*) filter (where m.state in (:state_accepted, :state_sending) and q.message_id is null) as stranded
        from message m
        left join (select distinct d.tenant_id, d.message_id from delivery d) q
               on q.tenant_id = m.tenant_id and q.message_id = m.id
        where m.created >= p_from::timestamp at time zone 'utc'
          and m.created < (p_to + 1)::timestamp at time zone 'utc'
          and p_tenant in (0, m.tenant_id) and m.tenant_id <> all (select id from doomed)
          and (m.parts is null -- a text of parts counts by them; one that has none is one too many
               or not exists (select from inbound_part p where p.tenant_id = m.tenant_id and p.message_id = m.id))
        group by m.tenant_id, m.channel_id, m.direction
    ), made as (
        -- The texts that parts make. Parts of one text may have come on two days. A message that is another text lacks one of
        -- its parts at least.
        select s.tenant_id, s.message_id, max(s.part) as last,
               string_agg(s.gap || s.body, '' order by s.part) || case when max(s.part) < max(s.total) then '[…]' else '' end as text
          from (select o.tenant_id, o.message_id, o.part, o.total, o.body,
                       case when o.part > 1 + lag(o.part, 1, 0::smallint) over (partition by o.tenant_id, o.message_id order by o.part)
                            then '[…]' else '' end as gap
                  from inbound_part o
                 where o.message_id is not null and o.copy_of is null and p_tenant in (0, o.tenant_id)
                   and o.received >= (p_from - 1)::timestamp at time zone 'utc'
                   and o.received < (p_to + 2)::timestamp at time zone 'utc') s
         group by s.tenant_id, s.message_id
    ), in_parts as (
        select p.tenant_id, p.channel_id, :direction_in::smallint as direction,
               count(*) filter (where p.copy_of is null and p.message_id is null) as waiting,
               count(*) filter (where p.copy_of is null and strpos(m.body, p.body) > 0
                                  and (m.body = made.text or p.part < made.last)) as joined,
               count(*) filter (where first.id is not null) as copies
        from inbound_part p
        left join message m on m.tenant_id = p.tenant_id and m.id = p.message_id and m.address = p.address
                           and m.channel_id = p.channel_id
        left join made on made.tenant_id = p.tenant_id and made.message_id = p.message_id
        left join inbound_part first on first.tenant_id = p.tenant_id and first.id = p.copy_of
        where p.received >= p_from::timestamp at time zone 'utc'
          and p.received < (p_to + 1)::timestamp at time zone 'utc'
          and p_tenant in (0, p.tenant_id) and p.tenant_id <> all (select id from doomed) and (p.series is not null or p.copy_of is not null)
        group by p.tenant_id, p.channel_id
    )
    select tenant_id, channel_id, direction, coalesce(l.accepted, 0),
           coalesce(c.state_accepted, 0), coalesce(c.state_held, 0), coalesce(c.state_sending, 0),
           coalesce(c.state_sent, 0), coalesce(c.state_delivered, 0), coalesce(c.state_read, 0),
           coalesce(c.state_failed, 0), coalesce(c.state_expired, 0), coalesce(c.state_opted_out, 0),
           coalesce(c.state_suppressed, 0), coalesce(c.state_cancelled, 0), coalesce(c.state_uncertain, 0),
           coalesce(c.state_received, 0), coalesce(p.waiting, 0), coalesce(p.joined, 0), coalesce(p.copies, 0),
           coalesce(l.accepted, 0) - coalesce(c.messages - c.stranded, 0) - coalesce(p.waiting + p.joined + p.copies, 0)
    from claimed l full join counted c using (tenant_id, channel_id, direction)
    full join in_parts p using (tenant_id, channel_id, direction)
$$;

create or replace view ledger as select * from ledger_window('-infinity', 'infinity', 0);

-- For the gauge nexus_ledger_imbalance: how far yesterday and today are from balance; null while another process is
-- looking. One day would not do: between midnight and the next look the end of a day would go unseen.
create or replace function ledger_audit() returns bigint
language plpgsql as $$
declare
    today date := (now() at time zone 'utc')::date;
begin
    if not upkeep_claim('ledger_audit') then
        return null;
    end if;
    return (select coalesce(sum(abs(w.imbalance)), 0) from ledger_window(today - 1, today, 0) w);
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

-- The balance for people: p_from and p_to are days (YYYY-MM-DD; null or '': open), p_by is 'tenant' or 'channel' (the
-- default). The remainder adds up what each number and direction lacks or has too much, so that two faults do not cancel
-- out.
-- Statement: LEDGER_JSON
create or replace function ledger_json(p_tenant int, p_from text, p_to text, p_by text) returns text
language sql stable as $$
    with line as (
        select w.*, t.ccid, case when p_by = 'tenant' then null else coalesce(c.address, w.channel_id::text) end as channel
        from ledger_window(ledger_first_day(p_from, p_to), ledger_day('to', p_to, 'infinity'), p_tenant) w
        left join tenant t on t.id = w.tenant_id
        left join channel c on c.tenant_id = w.tenant_id and c.id = w.channel_id
    ), balance as (
        select grouping(direction) = 1 as total, ccid, channel, direction,
               coalesce(sum(accepted), 0) as accepted, coalesce(sum(imbalance), 0) as imbalance,
               coalesce(sum(abs(imbalance)), 0) as remainder,
               json_build_object(
                   'received', coalesce(sum(state_received), 0), 'accepted', coalesce(sum(state_accepted), 0),
                   'held', coalesce(sum(state_held), 0), 'sending', coalesce(sum(state_sending), 0),
                   'sent', coalesce(sum(state_sent), 0), 'delivered', coalesce(sum(state_delivered), 0),
                   'read', coalesce(sum(state_read), 0), 'failed', coalesce(sum(state_failed), 0),
                   'expired', coalesce(sum(state_expired), 0), 'opted_out', coalesce(sum(state_opted_out), 0),
                   'suppressed', coalesce(sum(state_suppressed), 0), 'cancelled', coalesce(sum(state_cancelled), 0),
                   'uncertain', coalesce(sum(state_uncertain), 0),
                   'parts_waiting', coalesce(sum(state_parts_waiting), 0),
                   'parts_joined', coalesce(sum(state_parts_joined), 0),
                   'copies', coalesce(sum(state_copies), 0)) as states
        from line group by grouping sets ((ccid, channel, direction), ())
    )
    select json_build_object(
        'from', nullif(p_from, ''), 'to', nullif(p_to, ''),
        'balanced', t.remainder = 0, 'remainder', t.remainder,
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
