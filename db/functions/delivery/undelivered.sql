-- Messages that failed for good, and their replay.

-- The last HTTP status of a message's attempts; null: there was none. For a failure without a status of its own, such as expiry.
create or replace function message_last_status(p_tenant int, p_message uuid) returns int
language sql stable as $$
    select a.status from attempt a
     where a.tenant_id = p_tenant and a.message_id = p_message and a.status is not null
     order by a.at desc limit 1
$$;

-- The value by which a row is sorted, as text, for the position of a page's end; null if it is sorted by since alone.
create or replace function undelivered_key(u undelivered, p_sort text) returns text
language sql immutable as $$
    select case p_sort when 'channel' then u.channel when 'reason' then u.reason when 'status' then u.status_key::text
                       when 'attempts' then u.attempts::text end
$$;

-- Where a page ends: "<µs since 1970>-<id>", after "<order>.<key in hexadecimal digits>-" where it is not sorted by since. A position
-- stays valid when its row is gone.
create or replace function undelivered_position(u undelivered, p_sort text) returns text
language sql immutable as $$
    select coalesce(p_sort || '.' || encode(convert_to(undelivered_key(u, p_sort), 'UTF8'), 'hex') || '-', '')
           || (extract(epoch from u.since) * 1000000)::bigint || '-' || u.message_id
$$;

-- A position, or the id of a message that is undelivered now, read back into a row that has what sorts it.
create or replace function undelivered_after(p_tenant int, p_after text, p_sort text) returns undelivered
language plpgsql stable as $$
declare
    parts text[] := regexp_match(p_after, '^(?:([a-z]+)\.([0-9a-f]*)-)?([0-9]{1,16})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$', 'i');
    key text;
    place undelivered;
begin
    if p_after ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        select u.* into place from undelivered u where p_tenant in (0, u.tenant_id) and u.message_id = p_after::uuid;
        if place.message_id is null then
            raise exception 'after: this message is no longer undelivered; begin again' using errcode = 'NX400';
        end if;
        return place;
    elsif parts is null or parts[1] is distinct from nullif(p_sort, 'since') then
        raise data_exception;
    end if;
    key := convert_from(decode(parts[2], 'hex'), 'UTF8');
    place.since := 'epoch'::timestamptz + parts[3]::bigint * interval '1 microsecond';
    place.message_id := parts[4]::uuid;
    case p_sort when 'channel' then place.channel := key;
                when 'reason' then place.reason := key;
                when 'status' then place.status_key := key::int;
                when 'attempts' then place.attempts := key::int;
                else null;
    end case;
    return place;
exception when data_exception then
    raise exception 'after: must be the "next" of an earlier page in the same order' using errcode = 'NX400';
end
$$;

-- A page of what is undelivered. Tenant 0 sees all; each filter that is null or '' lets everything through. Sorted by since where
-- nothing else is said, and the rows of one value by since again, then by id; descending unless p_order is asc. p_after: the "next" of
-- the page before, or the id of its last message.
--
-- The first page says how many there are and by destination, of the latest 10 000 that match. Every order has an index, for one
-- contact center and for all; so a page reads what it shows, and the first one what it counts. With two filters, or with a
-- filter and another order, only one of them uses an index; the other is checked row by row.
-- Statement: UNDELIVERED_LIST
create or replace function undelivered_page(p_tenant int, p_after text, p_reason text, p_channel text, p_from text, p_to text,
                                            p_count int, p_sort text, p_order text) returns text
language plpgsql stable security definer set search_path from current as $$
declare
    by_what text := coalesce(nullif(p_sort, ''), 'since');
    key text := case by_what when 'since' then '' when 'channel' then 'u.channel' when 'reason' then 'u.reason'
                             when 'status' then 'u.status_key' when 'attempts' then 'u.attempts' end;
    way text := case p_order when 'asc' then ' asc' else ' desc' end;
    is_first boolean := coalesce(p_after, '') = '';
    matching text := '';
    onward text := '';
    last undelivered;
    counted json;
    by_destination json;
    answer text;
begin
    if key is null then
        raise exception 'sort: since, channel, reason, status or attempts' using errcode = 'NX400';
    elsif p_order <> all (array['', 'asc', 'desc']) then
        raise exception 'order: asc or desc' using errcode = 'NX400';
    elsif p_reason <> all (array['', 'gone', 'refused', 'forbidden_address', 'exhausted', 'expired', 'uncertain']) then
        raise exception 'reason: gone, refused, forbidden_address, exhausted, expired or uncertain' using errcode = 'NX400';
    end if;
    -- Only what is asked for stands in the statement, so that it is planned for that and finds its index.
    matching := concat(case when p_tenant <> 0 then ' and u.tenant_id = $1' end,
                       case when p_reason <> '' then ' and u.reason = $2' end,
                       case when p_channel <> '' then ' and u.channel = $3' end,
                       case when p_from <> '' then ' and u.since >= $4' end,
                       case when p_to <> '' then ' and u.since < $5' end);
    if not is_first then
        last := undelivered_after(p_tenant, p_after, by_what);
        onward := format(' and (%s) %s (%s)', concat_ws(', ', nullif(key, ''), 'u.since', 'u.message_id'),
                         case p_order when 'asc' then '>' else '<' end,
                         concat_ws(', ', case when key <> '' then format('%L', undelivered_key(last, by_what)) end, '$7', '$8'));
    else
        execute format($count$
            with matching as (
                select u.tenant_id, u.channel, u.destination_id, u.since from undelivered u
                 where true %s order by u.since desc, u.message_id desc limit 10000
            ), groups as (
                select t.ccid, f.channel, coalesce(url_host(d.url), '') as host, count(*) as count, min(f.since) as oldest,
                       max(f.since) as latest
                  from matching f
                  join tenant t on t.id = f.tenant_id
                  left join destination d on d.tenant_id = f.tenant_id and d.id = f.destination_id
                 group by t.ccid, f.channel, d.url order by count(*) desc, t.ccid, f.channel limit 100)
            select to_json((select count(*) from matching)),
                   coalesce(json_agg(json_build_object('ccid', g.ccid, 'channel', g.channel, 'host', g.host, 'count', g.count,
                                                       'oldest', moment(g.oldest), 'latest', moment(g.latest))), '[]')
              from groups g$count$, matching)
          into counted, by_destination
         using p_tenant, p_reason, p_channel, replay_moment('from', p_from), replay_moment('to', p_to);
    end if;
    execute format($page$
        with page as materialized (
            select u as one, row_number() over (order by %1$s) as place
              from undelivered u where true %2$s order by %1$s limit $6
        )
        select json_build_object(
            'undelivered', coalesce(json_agg(json_build_object(
                'id', (p.one).message_id, 'ccid', t.ccid, 'channel', (p.one).channel, 'host', coalesce(url_host(d.url), ''),
                'conversation', m.conversation_id, 'state', s.name, 'reason', (p.one).reason, 'status', (p.one).last_status,
                'attempts', (p.one).attempts, 'since', moment((p.one).since)) order by p.place), '[]'),
            'total', $9, 'destinations', $10,
            'next', (select undelivered_position(l.one, $11) from page l where l.place = $6))::text
          from page p
          join tenant t on t.id = (p.one).tenant_id
          join message m on m.tenant_id = (p.one).tenant_id and m.id = (p.one).message_id
          join message_state s on s.id = m.state
          left join destination d on d.tenant_id = (p.one).tenant_id and d.id = (p.one).destination_id$page$,
        concat_ws(', ', nullif(key, '') || way, 'u.since' || way, 'u.message_id' || way), matching || onward)
      into answer
     using p_tenant, p_reason, p_channel, replay_moment('from', p_from), replay_moment('to', p_to),
           coalesce(nullif(p_count, 0), 100), last.since, last.message_id, counted, by_destination, nullif(by_what, 'since');
    return answer;
end
$$;

-- Called by older workers, which know no order.
create or replace function undelivered_page(p_tenant int, p_after text, p_reason text, p_channel text, p_from text, p_to text,
                                            p_count int) returns text
language sql stable security definer set search_path from current as $$
    select undelivered_page(p_tenant, p_after, p_reason, p_channel, p_from, p_to, p_count, '', '')
$$;

-- A time as callers write it (RFC 3339, or a day); null or '' is open.
create or replace function replay_moment(p_name text, p_text text) returns timestamptz
language plpgsql stable as $$
begin
    if coalesce(p_text, '') = '' then
        return null;
    elsif p_text ~ '^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?$' then
        return p_text::timestamptz;
    end if;
    raise datetime_field_overflow;
exception when datetime_field_overflow or invalid_datetime_format then
    raise exception '%: not a time (RFC 3339)', p_name using errcode = 'NX400';
end
$$;

-- Sends undelivered messages again under their old ids, the oldest first, at most p_room of them. Each filter that is
-- null lets everything through; p_tenant 0 stands for all. Gives how many by destination, for the doorbell.
--
-- Several replays of the same message at once: the one that deletes its undelivered row wins.
create or replace function undelivered_replay(
    p_tenant int, p_ids uuid[], p_reason text, p_channel text, p_since_from timestamptz, p_since_to timestamptz, p_room int,
    p_by_whom text)
returns table (destination_id int, replayed int)
language sql as $$
    with chosen as (
        select u.tenant_id, u.message_id
        from undelivered u
        join message m on m.tenant_id = u.tenant_id and m.id = u.message_id
        join channel c on c.tenant_id = m.tenant_id and c.id = m.channel_id
        where p_tenant in (0, u.tenant_id)
          and (p_ids is null or u.message_id = any (p_ids))
          and (p_reason is null or u.reason = p_reason)
          and (p_channel is null or c.address = p_channel)
          and (p_since_from is null or u.since >= p_since_from)
          and (p_since_to is null or u.since < p_since_to)
        order by u.since limit p_room
    ), locked as materialized (
        select m.tenant_id, m.id, m.channel_id, m.direction, m.state as was, m.conversation_id, m.sequence, m.address, m.created
        from chosen h join message m on m.tenant_id = h.tenant_id and m.id = h.message_id
        where m.state in (:state_failed, :state_expired, :state_uncertain)
        order by m.tenant_id, m.id for update of m
    ), taken as (
        delete from undelivered u using locked l
        where u.tenant_id = l.tenant_id and u.message_id = l.id
        returning l.*, u.destination_id, u.since as failed, u.reason, u.last_status, u.attempts
    ), queued as (
        insert into delivery (tenant_id, destination_id, channel_id, message_id, conversation_id, address, expires)
        select t.tenant_id, coalesce(c.destination_id, t.destination_id), t.channel_id, t.id, t.conversation_id,
               t.address, now() + c.validity
        from taken t join channel c on c.tenant_id = t.tenant_id and c.id = t.channel_id
        order by t.conversation_id, t.sequence, t.created
        returning destination_id
    ), changed as (
        -- Lock order: locked above.
        update message m set state = :state_accepted, changed = now() from taken t
        where m.tenant_id = t.tenant_id and m.id = t.id
    ), told as (
        insert into event (tenant_id, kind, conversation_id, message_id, sequence, state)
        select tenant_id, :event_state, conversation_id, id, sequence, :state_accepted from taken
    ), entered as (
        insert into ledger_entry (tenant_id, channel_id, direction, day, state, messages)
        select t.tenant_id, t.channel_id, t.direction, ledger_day_of(t.created), s.state, sum(s.messages)
        from taken t cross join lateral (values (t.was, -1), (:state_accepted, 1)) s (state, messages)
        group by 1, 2, 3, 4, 5
    ), audited as (
        insert into replay (tenant_id, message_id, by, failed, reason, last_status, attempts)
        select t.tenant_id, t.id, p_by_whom, t.failed, t.reason, t.last_status, t.attempts from taken t
    )
    select destination_id, count(*)::int from queued group by destination_id
$$;

-- The same over HTTP: the answer, and each destination that gets messages.
create or replace function undelivered_send_again(
    p_tenant int, p_ids uuid[], p_reason text, p_channel text, p_from text, p_to text, p_room int, p_by text)
returns table (answer text, destination_id int, replayed int)
language plpgsql as $$
begin
    perform audit_write(p_tenant, 'message.replay', coalesce(p_channel, 'all'),
                        array_remove(array[case when p_ids is not null then 'ids' end, case when p_reason is not null then 'reason' end,
                                           case when p_from is not null then 'from' end, case when p_to is not null then 'to' end], null));
    return query
        select json_build_object('replayed', coalesce(sum(r.replayed) over (), 0))::text, r.destination_id, r.replayed
          from (select) one
          left join undelivered_replay(p_tenant, p_ids, p_reason, p_channel, replay_moment('from', p_from),
                                       replay_moment('to', p_to), p_room, p_by) r on true;
end
$$;

-- nexusctl replay: how many are sent again. If messages were named and none can be replayed, that is an error and leaves no audit row.
create or replace function operator_replay(p_tenant int, p_ids uuid[], p_reason text, p_channel text, p_from timestamptz,
                                           p_to timestamptz, p_room int, p_by text) returns bigint
language plpgsql as $$
declare
    count bigint := (select coalesce(sum(r.replayed), 0)
                       from undelivered_replay(p_tenant, p_ids, p_reason, operator_channel(p_tenant, p_channel), p_from, p_to, p_room, p_by) r);
begin
    if count = 0 and p_ids is not null then
        raise exception 'there is no such undelivered message' using errcode = 'NX404';
    end if;
    perform audit_write(p_tenant, 'message.replay', coalesce(p_channel, 'all'), '{}');
    return count;
end
$$;
