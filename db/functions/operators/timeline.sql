-- The history of one message, step by step, from the tables alone. It shows no text, and only the last two digits of a number.

create or replace function process_name(p_number int) returns text
language sql stable as $$
    select coalesce((select p.name from process p where p.id = p_number), 'process ' || p_number)
$$;

-- "…67"
create or replace function number_hint(p_number text) returns text
language sql immutable as $$
    select '…' || right(p_number, 2)
$$;

-- The id that follows from a name of three parts, as crypto_id_of() makes it. It is called thousands of times for one search.
create or replace function named_id(p_kind bytea, p_of bytea, p_called bytea) returns uuid
language plpgsql immutable as $$
declare
    digest bytea := substr(sha256(int4send(length(p_kind)) || p_kind || int4send(length(p_of)) || p_of
                                  || int4send(length(p_called)) || p_called), 1, 16);
begin
    return encode(set_byte(set_byte(digest, 6, (get_byte(digest, 6) & 15) | 128), 8, (get_byte(digest, 8) & 63) | 128), 'hex')::uuid;
end
$$;

-- The range of the ids of all texts that came to a number under one message_id: the first half of an id follows from both
-- (sms-worker/inbound/mo_identity.h). Texts that were stored before the second half had a meaning are in it, too.
create or replace function mo_ids(p_number text, p_called bytea, out first uuid, out last uuid)
language sql immutable as $$
    select (h.half || '-8000-000000000000')::uuid, (h.half || '-bfff-ffffffffffff')::uuid
    from (select left(named_id('mo', convert_to(p_number, 'UTF8'), p_called)::text, 18) as half) h
$$;

-- The messages that a word may mean: our id, that of a part, the sender's id of an inbound one, the provider's of an
-- outbound one; else the clientId of a post to one of the 2 000 youngest conversations. Ids follow from the names
-- that were given, so none of this needs an index of its own. Tenant 0: of all; they share the 2 000.
create or replace function message_find(p_tenant int, p_word text)
returns table (tenant_id int, message_id uuid, called text)
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
    own uuid := message_id_of(p_word);
    called_bytes bytea := convert_to(p_word, 'UTF8');
begin
    return query
        with tenants as materialized (
            select t.id from tenant t where p_tenant in (0, t.id)
        ), hit as (
            select m.tenant_id, m.id, 'id' as called, 1 as place
              from tenants t join message m on m.tenant_id = t.id and m.id = own
            union all
            select p.tenant_id, coalesce(p.message_id, f.message_id), 'part', 2
              from tenants t join inbound_part p on p.tenant_id = t.id and p.id = own
              left join inbound_part f on f.tenant_id = p.tenant_id and f.id = p.copy_of
             where coalesce(p.message_id, f.message_id) is not null
            union all
            select p.tenant_id, p.message_id, 'provider', 3
              from tenants t join provider_message p on p.tenant_id = t.id and p.provider_id = p_word
            union all
            select c.tenant_id, f.id, 'sender', 4
              from tenants t join channel c on c.tenant_id = t.id
             cross join lateral mo_ids(c.address, called_bytes) n
             cross join lateral (select coalesce(p.message_id, g.message_id) as id
                                   from inbound_part p
                                   left join inbound_part g on g.tenant_id = p.tenant_id and g.id = p.copy_of
                                  where p.tenant_id = c.tenant_id and p.id between n.first and n.last
                                    and coalesce(p.message_id, g.message_id) is not null
                                  union
                                 select m.id from message m
                                  where m.tenant_id = c.tenant_id and m.id between n.first and n.last) f
        )
        select distinct on (h.tenant_id, h.id) h.tenant_id, h.id, h.called
          from hit h order by h.tenant_id, h.id, h.place limit 100;
    if found then
        return;
    end if;
    return query
        select m.tenant_id, m.id, 'client'
          from (select t.id, greatest(1, 2000 / count(*) over ()) as room from tenant t where p_tenant in (0, t.id)) t
         cross join lateral (select c.id from conversation c where c.tenant_id = t.id order by c.id desc limit t.room) c
         -- "offset 0" keeps the plan on the message's key.
         cross join lateral (select m.tenant_id, m.id from message m
                              where m.tenant_id = t.id and m.id = named_id('post', uuid_send(c.id), called_bytes) offset 0) m
         limit 100;
end
$$;

-- ---- the exchange with the provider

-- The request of an attempt, as far as it may be shown: where it went by today's settings, without what follows a '?', and
-- which headers it had. changed: the settings are younger than the attempt.
create or replace function attempt_request(m message, a attempt) returns json
language sql stable security definer set search_path from current as $$
    select json_build_object(
        'method', 'POST',
        'host', url_host(d.url),
        'path', regexp_replace(coalesce(nullif(substring(d.url from '^[A-Za-z]+://[^/?#]+([^?#]*)'), ''), '/'),
                               '\+?\d{3,}(\d\d)', '…\1', 'g'),
        'headers', (select json_agg(json_build_object('name', h.name, 'value', h.value) order by h.place, h.name)
                    from (values (1, 'Content-Type', 'application/json'),
                                 (2, 'webhook-id', m.id::text),
                                 (3, 'webhook-timestamp', null),
                                 (7, 'X-B3-TraceId', trace_of(m)),
                                 (8, 'X-B3-SpanId', null),
                                 (8, 'X-B3-Sampled', null),
                                 (8, 'traceparent', '00-' || trace_of(m) || '-…')
                          union all
                          select 4, s.name, '***'
                          from unnest(array['X-Hub-Signature', 'X-Hub-Signature-256', 'webhook-signature']) s (name)
                          where cardinality(d.secrets) > 0
                          union all
                          select 9, k, '***' from jsonb_object_keys(d.headers) k) h (place, name, value)),
        'bytes', a.sent_bytes,
        'changed', coalesce(d.changed > a.at, false))
    from destination d
    where d.tenant_id = m.tenant_id and d.id = a.destination_id
$$;

create or replace function trace_of(m message) returns text
language sql immutable as $$
    select coalesce(substring(m.traceparent from '^[0-9a-f]{2}-([0-9a-f]{32})-'), replace(m.id::text, '-', ''))
$$;

-- The class of an attempt's answer; null in older rows.
create or replace function attempt_class(a attempt) returns text
language sql immutable as $$
    select decision_name(a.decision)
$$;

create or replace function decision_name(p_decision smallint) returns text
language sql immutable as $$
    select (array['ok', 'retry', 'config', 'permanent', 'gone', 'not sent', 'uncertain', 'forbidden address', 'unusable'])
           [(p_decision & 15) + 1]
$$;

create or replace function attempt_told(m message, a attempt) returns text
language sql stable as $$
    select coalesce(a.status || ' after ' || a.duration_ms || ' ms',
                    case a.decision & 15
                        when :decision_not_sent then 'it was not reached, after ' || a.duration_ms || ' ms'
                        when :decision_forbidden_address then 'nothing was sent, because its address is not allowed'
                        when :decision_unusable then 'nothing was sent, because the destination''s settings cannot be used'
                        else 'no answer within ' || a.duration_ms || ' ms' end, a.outcome)
        || case when a.status is null and a.detail is not null then ' (' || a.detail || ')' else '' end
        || case a.outcome
               when 'sent' then ': taken' || coalesce(', as ' || m.provider_id, '')
               when 'failed' then ': given up'
               when 'uncertain' then ': whether it arrived is unknown'
               else '' end
        || coalesce('; again in ' || round(a.delay_ms / 1000.0, 1) || ' s', '')
$$;

-- How many attempts it had before its last replay at that time. A replay begins a row of the queue that counts from one
-- again; the timeline continues the count.
create or replace function attempts_before(m message, p_at timestamptz) returns int
language sql stable as $$
    select coalesce(sum(r.attempts), 0)::int from replay r
    where r.tenant_id = m.tenant_id and r.message_id = m.id and r.at <= p_at
$$;

-- Its claims and attempts, and how it left the queue otherwise. A claim is shown with the attempt it led to, because that
-- is where it is kept.
create or replace function attempt_steps(m message)
returns table (at timestamptz, place int, step text, process text, attempt int, until timestamptz, decision text,
               told text, request json, answer json)
language sql stable as $$
    select a.at - a.held_ms * interval '1 ms', 40, 'claimed', process_name(a.process), a.attempt + attempts_before(m, a.at), null::timestamptz,
           'gate: passed; breaker: ' || case when a.decision & :decision_probe > 0 then 'half open' else 'closed' end,
           case when m.answers is null then 'the phone has not opted out and the message is valid'
                else 'it answers a keyword and is valid' end
               || case when a.decision & :decision_probe > 0 then '; it is the probe of a breaker that was open' else '' end,
           null::json, null::json
    from attempt a
    where a.tenant_id = m.tenant_id and a.message_id = m.id and a.held_ms is not null
    union all
    select a.at, 50, 'attempt', coalesce(process_name(a.process), a.worker), a.attempt + attempts_before(m, a.at), null,
           'class: ' || attempt_class(a), attempt_told(m, a),
           case when a.decision & 15 <> :decision_unusable then attempt_request(m, a) end,
           json_build_object('status', a.status, 'durationMs', a.duration_ms, 'excerpt', a.detail)
    from attempt a
    where a.tenant_id = m.tenant_id and a.message_id = m.id and (a.decision is not null or a.worker is not null)
    union all
    select a.at, 45, a.outcome, process_name(a.process), a.attempt + attempts_before(m, a.at), null,
           case a.outcome when 'opted_out' then 'gate: opted out' when 'expired' then 'gate: expired'
                          when 'cancelled' then 'operator: cancelled'
                          when 'uncertain' then 'policy: hold' end,
           case a.outcome
               when 'lost' then 'its lease ran out without an outcome: who held it died or was cut off, and the request may have left'
               when 'expired' then 'it was not sent any more, because its validity had passed'
               when 'opted_out' then 'it was not sent, because the phone had said STOP'
                    || coalesce((select ' at ' || to_char(o.since, 'YYYY-MM-DD HH24:MI:SS') || ' with message ' || o.evidence
                                 from opt_out o
                                 where o.tenant_id = m.tenant_id and o.channel_id = m.channel_id and o.address = m.address
                                   and o.since <= a.at), '')
               when 'cancelled' then 'somebody took it back before it was sent'
               when 'uncertain' then 'it is held: its request may have left before, and it is not sent twice'
               else 'it left the queue: ' || a.outcome end,
           null, null
    from attempt a
    where a.tenant_id = m.tenant_id and a.message_id = m.id and a.decision is null and a.worker is null
$$;

-- ---- causes of delay

-- When a destination was not tried: from the first opening of its breaker (or its switching off) to the end of that.
create or replace function breaker_holds(p_tenant int, p_destination int)
returns table (began timestamptz, ended timestamptz, openings bigint, is_off boolean, process int)
language sql stable as $$
    with change as (
        select b.*, b.kind in (:breaker_opened, :breaker_switched_off) as holds, lag(b.kind in (:breaker_opened, :breaker_switched_off), 1, false) over (order by b.at) as held
        from breaker_change b where b.tenant_id = p_tenant and b.destination_id = p_destination
    ), numbered as (
        select c.*, count(*) filter (where c.holds and not c.held) over (order by c.at) as nth from change c
    )
    select min(n.at), min(n.at) filter (where not n.holds), count(*) filter (where n.kind = :breaker_opened), bool_or(n.kind = :breaker_switched_off),
           (array_agg(n.process order by n.at))[1]
    from numbered n group by n.nth having bool_or(n.holds)
$$;

-- Its row of the queue, if there is one.
create or replace function message_queued(m message) returns setof delivery
language sql stable as $$
    select d.* from delivery d
    where d.tenant_id = m.tenant_id and d.conversation_id = m.conversation_id and d.message_id = m.id
    union all
    select d.* from message_destinations(m) x (id)
    join delivery d on d.destination_id = x.id and d.tenant_id = m.tenant_id and d.message_id = m.id
    where m.conversation_id is null or m.answers is not null
$$;

-- When it was in the queue; ended is null while it is.
create or replace function message_waits(m message) returns table (began timestamptz, ended timestamptz)
language sql stable as $$
    with start as (
        select s.at, lead(s.at) over (order by s.at) as next
        from (select m.created as at
              union all
              select r.at from replay r where r.tenant_id = m.tenant_id and r.message_id = m.id) s
    )
    select s.at,
           case when s.next is not null or not exists (select from message_queued(m))
                then coalesce((select max(a.at) from attempt a
                               where a.tenant_id = m.tenant_id and a.message_id = m.id
                                 and a.at >= s.at and (s.next is null or a.at < s.next)), s.at) end
    from start s
$$;

create or replace function message_destinations(m message) returns setof int
language sql stable as $$
    select c.destination_id from channel c
    where c.tenant_id = m.tenant_id and c.id = m.channel_id and c.destination_id is not null
    union
    select a.destination_id from attempt a
    where a.tenant_id = m.tenant_id and a.message_id = m.id and a.destination_id is not null
$$;

create or replace function hold_steps(m message)
returns table (at timestamptz, place int, step text, process text, attempt int, until timestamptz, decision text,
               told text, request json, answer json)
language sql stable as $$
    select greatest(w.began, h.began), 30, 'held_back', process_name(h.process), null::int, least(w.ended, h.ended),
           case when h.is_off then 'destination: switched off' else 'breaker: open' end,
           case when h.is_off then 'its destination was switched off'
                else 'the breaker of its destination was open ('
                     || case h.openings when 1 then 'one opening' else h.openings || ' openings' end || ')' end
               || case when least(w.ended, h.ended) is null then '; it still is' else '' end,
           null::json, null::json
    from message_destinations(m) d (id)
    cross join lateral breaker_holds(m.tenant_id, d.id) h
    cross join message_waits(m) w
    where m.direction = :direction_out
      and least(w.ended, h.ended, now()) - greatest(w.began, h.began) > interval '100 ms'
$$;

-- Its place in the queue now.
create or replace function queue_step(m message)
returns table (at timestamptz, place int, step text, process text, attempt int, until timestamptz, decision text,
               told text, request json, answer json)
language sql stable as $$
    select now(), 99, 'waiting', process_name(case when d.lease_until > now() then d.process end), d.attempt + 1 + attempts_before(m, now()),
           d.due,
           case when d.lease_until > now() then 'lease: held'
                when older.id is not null then 'order: behind an older one'
                when dst.switched_off is not null then 'destination: switched off'
                when not dst.enabled then 'destination: unused'
                when dst.not_before > now() then 'breaker: open'
                when d.due > now() then 'retry: not due yet'
                else 'due' end,
           case when d.lease_until > now() then 'somebody is sending it; the lease ends at ' || to_char(d.lease_until, 'HH24:MI:SS')
                when older.id is not null then 'message ' || older.message_id || ' of its conversation goes first; should that fail again and again while its destination takes others, this one '
                         || 'goes ahead after a while (NEXUS_DELIVERY_ORDER_WAIT)'
                when dst.switched_off is not null
                    then 'its destination was switched off at ' || to_char(dst.switched_off, 'YYYY-MM-DD HH24:MI:SS')
                         || '; it goes out when that is switched on'
                when not dst.enabled then 'its number has no webhook now; it goes out when there is one again'
                when dst.not_before > now() then 'its destination is tried again at ' || to_char(dst.not_before, 'HH24:MI:SS')
                when d.due > now() then 'its next attempt is at ' || to_char(d.due, 'HH24:MI:SS')
                else 'it can be claimed at any moment' end
               || '; it is valid until ' || to_char(d.expires, 'YYYY-MM-DD HH24:MI:SS'),
           null::json, null::json
    from message_queued(m) d
    join destination dst on dst.tenant_id = d.tenant_id and dst.id = d.destination_id
    left join lateral (select o.id, o.message_id from delivery o
                       where o.tenant_id = d.tenant_id and o.conversation_id = d.conversation_id and o.id < d.id
                       order by o.id limit 1) older on true
$$;

-- ---- receipts

-- At most one receipt ever changed a message, and what it changed nothing changes again (receipt_apply()): so which one it
-- was follows from the message's state, and need not be kept.
create or replace function receipt_steps(m message)
returns table (at timestamptz, place int, step text, process text, attempt int, until timestamptz, decision text,
               told text, request json, answer json)
language sql stable as $$
    with theirs as (
        select r.*, receipt_fate(r.state) as fate,
               (select min(a.at) from attempt a
                where a.tenant_id = m.tenant_id and a.message_id = m.id and a.outcome = 'sent') as sent_at,
               min(r.received) filter (where receipt_fate(r.state) = m.state) over () as applied_at,
               min(r.received) filter (where receipt_fate(r.state) = :state_delivered) over () as delivered_at
        from receipt r
        where r.tenant_id = m.tenant_id and r.message_id = m.id
          and r.provider_id in (m.provider_id, m.id::text, upper(m.id::text))
    ), judged as (
        select t.*, (t.received = t.applied_at and t.fate = m.state
                     or m.state = :state_read and t.fate = :state_delivered and t.received = t.delivered_at and t.received <= t.applied_at)
                    and not exists (select from undelivered u
                                    where u.tenant_id = m.tenant_id and u.message_id = m.id) as applied
        from theirs t
    )
    select j.received, 70, 'receipt', process_name(j.process), null::int, null::timestamptz,
           'receipt: ' || case when j.applied then 'applied' when j.fate is null then 'nothing final' else 'ignored' end,
           (array['en route', 'delivered', 'expired', 'deleted', 'undeliverable', 'accepted', 'unknown', 'rejected',
                  'skipped', 'read'])[j.state]
               || coalesce(', code ' || coalesce(j.result_text, j.result_code::text), '')
               || case when j.provider_id = m.provider_id and j.received < j.sent_at
                       then '; it came before its message''s id was known, and was bound '
                            || round(extract(epoch from j.sent_at - j.received)::numeric, 3) || ' s later'
                       when j.fate is not null and not j.applied
                       then case when j.fate = m.state then '; it says what was known'
                                 else '; late, the first final state stays' end
                       else '' end,
           null::json, null::json
    from judged j
$$;

-- ---- the whole timeline

-- How it arrived, with all known details.
create or replace function arrival_steps(m message)
returns table (at timestamptz, place int, step text, process text, attempt int, until timestamptz, decision text,
               told text, request json, answer json)
language sql stable as $$
    select p.received, 0, 'part', process_name(p.process), null::int, null::timestamptz, null,
           'part ' || p.part || ' of ' || p.total || ' came as ' || p.external_id, null::json, null::json
    from inbound_part p
    where p.tenant_id = m.tenant_id and p.message_id = m.id and p.copy_of is null
    union all
    select k.received, 5, 'copy', process_name(k.process), null, null, 'dedupe: copy',
           'part ' || k.part || ' of ' || k.total || ' came again as ' || k.external_id || '; it is shown once', null, null
    from inbound_part p
    join inbound_part k on k.tenant_id = p.tenant_id and k.channel_id = p.channel_id and k.address = p.address
                       and k.reference = p.reference and k.copy_of = p.id
    where p.tenant_id = m.tenant_id and p.message_id = m.id and p.copy_of is null
    union all
    select m.created, 10, 'accepted', process_name(m.process), null, null, 'dedupe: new',
           case when m.direction = :direction_in then 'came in'
                when m.answers is not null then 'the keyword reply to message ' || m.answers
                else 'posted by ' || coalesce(m.author, 'nobody known') end
               || coalesce(' as ' || m.external_id, '')
               || case when m.conversation_id is null then '; it belongs to no conversation'
                       else '; number ' || m.sequence || ' of conversation ' || m.conversation_id
                            || case when m.direction = :direction_in and c.opened = m.created then ', which it opened' else '' end end
               || coalesce('; ' || (m.content ->> 'partsMissing') || ' parts of it never came', '')
               || coalesce((select '; ' || count(*) || ' attachments' from attachment a
                            where a.tenant_id = m.tenant_id and a.message_id = m.id having count(*) > 0), ''),
           null, null
    from (select) one
    left join conversation c on c.tenant_id = m.tenant_id and c.id = m.conversation_id
    union all
    select m.repeated_last, 20, 'repeated', process_name(m.repeated_process), null, null, 'dedupe: repeated',
           'it came again ' || case m.repeated when 1 then 'once' else m.repeated || ' times, for the last time then' end
               || '; it was answered as before, and nothing was stored', null, null
    where m.repeated is not null
    union all
    select o.since, 15, 'opt_out', process_name(m.process), null, o.cleared, 'opt-out: set',
           'it said STOP: nothing is sent to this phone from this number', null, null
    from opt_out o
    where o.tenant_id = m.tenant_id and o.channel_id = m.channel_id and o.address = m.address and o.evidence = m.id
    union all
    select o.cleared, 15, 'opt_out', process_name(m.process), null, null, 'opt-out: cleared',
           'it said START: this number sends to this phone again', null, null
    from opt_out o
    where o.tenant_id = m.tenant_id and o.channel_id = m.channel_id and o.address = m.address and o.cleared_by = m.id
$$;

-- How it became undelivered, and what the operator did.
create or replace function operator_steps(m message)
returns table (at timestamptz, place int, step text, process text, attempt int, until timestamptz, decision text,
               told text, request json, answer json)
language sql stable as $$
    select u.since, 60, 'undelivered',
           (select process_name(a.process) from attempt a
            where a.tenant_id = m.tenant_id and a.message_id = m.id and a.at <= u.since order by a.at desc limit 1),
           u.attempts + attempts_before(m, u.since), null::timestamptz, 'undelivered: ' || u.reason,
           'it is not tried again by itself; it can be replayed', null::json, null::json
    from undelivered u where u.tenant_id = m.tenant_id and u.message_id = m.id
    union all
    select r.failed, 60, 'undelivered',
           (select process_name(a.process) from attempt a
            where a.tenant_id = m.tenant_id and a.message_id = m.id and a.at <= r.failed order by a.at desc limit 1),
           r.attempts + attempts_before(m, r.failed), null, 'undelivered: ' || r.reason,
           'it was not tried again by itself', null, null
    from replay r where r.tenant_id = m.tenant_id and r.message_id = m.id and r.failed is not null
    union all
    select r.at, 25, 'replayed', null, null, null, null, 'sent again by ' || r.by, null, null
    from replay r where r.tenant_id = m.tenant_id and r.message_id = m.id
    union all
    select m.created, 35, 'forgotten', null, null, f.before, null,
           'attempts and breakers before ' || to_char(f.before, 'YYYY-MM-DD') || ' are not kept any more', null, null
    from forgotten f where f.about = 'attempt' and f.before > m.created and m.direction = :direction_out
$$;

-- What is known about a part whose text is not complete yet; null: there is no such waiting part.
create or replace function part_told(p_tenant int, p_word text) returns text
language sql stable
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
    select format('"%s" is part %s of %s of a long text and has waited for the rest since %s', left(p_word, 64), p.part, p.total,
                  moment(coalesce(f.received, p.received)))
           || case when p.copy_of is not null then ', when its first copy came' else '' end
      from tenant t
      join channel c on c.tenant_id = t.id
     cross join lateral mo_ids(c.address, convert_to(p_word, 'UTF8')) n
     cross join lateral (select * from inbound_part i where i.tenant_id = t.id and i.id between n.first and n.last
                          union all
                         select * from inbound_part i
                          where i.tenant_id = t.id and i.channel_id = c.id
                            and i.id = message_id_of(p_word)) p
      left join inbound_part f on f.tenant_id = p.tenant_id and f.id = p.copy_of
     where p_tenant in (0, t.id) and p.message_id is null
     order by p.received limit 1
$$;

create or replace function message_summary(m message) returns json
language sql stable as $$
    select json_build_object(
        'id', m.id, 'ccid', t.ccid, 'direction', case m.direction when :direction_in then 'in' else 'out' end, 'state', s.name,
        'channel', c.name, 'number', number_hint(c.address), 'phone', number_hint(m.address),
        'conversation', m.conversation_id, 'sequence', m.sequence, 'externalId', m.external_id,
        'providerId', m.provider_id, 'trace', trace_of(m), 'bytes', octet_length(m.body), 'created', moment(m.created),
        'changed', moment(m.changed))
    from channel c, tenant t, message_state s
    where c.tenant_id = m.tenant_id and c.id = m.channel_id and t.id = m.tenant_id and s.id = m.state
$$;

-- The timeline of the message that the word means, as JSON; of several the list alone.
-- Statement: MESSAGE_TIMELINE
create or replace function message_timeline(p_tenant int, p_word text) returns text
language plpgsql stable as $$
declare
    matches json;
    found_ones message[];
    m message;
    steps json;
begin
    select json_agg(json_build_object('called', f.called, 'message', message_summary(found_one)) order by found_one.created),
           array_agg(found_one)
      into matches, found_ones
      from message_find(p_tenant, p_word) f
      join message found_one on found_one.tenant_id = f.tenant_id and found_one.id = f.message_id;
    if matches is null then
        raise exception '%', coalesce(part_told(p_tenant, p_word), format('no message is called "%s"', left(p_word, 64)))
              using errcode = 'NX404';
    end if;
    if cardinality(found_ones) = 1 then
        m := found_ones[1];
        select json_agg(json_build_object(
                   'at', moment(s.at), 'afterMs', round(extract(epoch from s.at - s.first) * 1000)::bigint, 'step', s.step,
                   'process', s.process, 'attempt', s.attempt, 'until', moment(s.until), 'decision', s.decision, 'text', s.told,
                   'request', s.request, 'answer', s.answer) order by s.at, s.place)
          into steps
          from (select a.*, min(a.at) over () as first
                  from (select * from arrival_steps(m)
                        union all select * from attempt_steps(m)
                        union all select * from hold_steps(m)
                        union all select * from receipt_steps(m)
                        union all select * from operator_steps(m)
                        union all select * from queue_step(m)) a
                 order by a.at, a.place limit 1000) s;
    end if;
    return json_build_object('matches', matches, 'steps', coalesce(steps, '[]'))::text;
end
$$;
