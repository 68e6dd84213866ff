-- What failed for good, and its replay.

-- The last HTTP status: that of the failure, or where there was none (it expired) that of the last attempt.
create or replace function undelivered_status(u undelivered) returns int
language sql stable as $$
    select coalesce(u.last_status, (select a.status from attempt a
                                     where a.tenant_id = u.tenant_id and a.message_id = u.message_id and a.status is not null
                                     order by a.at desc limit 1))
$$;

-- A page of what is undelivered, the latest first. Tenant 0 sees all; each filter that is null or '' lets everything through.
-- p_after: the "next" of the page before, or the id of its last message. The first page says how many there are and by
-- destination, of the latest 10 000 that match; so no page reads more than that.
create or replace function undelivered_page(p_tenant int, p_after text, p_reason text, p_channel text, p_from text, p_to text,
                                            p_count int) returns text
language plpgsql stable security definer set search_path from current as $$
declare
    since_from timestamptz := coalesce(replay_moment('from', p_from), '-infinity');
    since_to timestamptz := coalesce(replay_moment('to', p_to), 'infinity');
    room int := coalesce(nullif(p_count, 0), 100);
    is_first boolean := coalesce(p_after, '') = '';
    last_at timestamptz := 'infinity';
    last_id uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
begin
    if p_after ~* '^[0-9]{1,16}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        last_at := 'epoch'::timestamptz + split_part(p_after, '-', 1)::bigint * interval '1 microsecond';
        last_id := substr(p_after, strpos(p_after, '-') + 1)::uuid;
    elsif p_after ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        select u.since, u.message_id into last_at, last_id from undelivered u
         where p_tenant in (0, u.tenant_id) and u.message_id = p_after::uuid;
        if last_id is null then
            raise exception 'after: this message is not undelivered any more; begin again' using errcode = 'NX400';
        end if;
    elsif not is_first then
        raise exception 'after: the "next" of an earlier page is wanted' using errcode = 'NX400';
    end if;
    if p_reason <> all (array['gone', 'refused', 'forbidden_address', 'exhausted', 'expired', 'uncertain']) then
        raise exception 'reason: gone, refused, forbidden_address, exhausted, expired or uncertain' using errcode = 'NX400';
    end if;
    return (with matching as materialized (
                select u as one, u.tenant_id, u.message_id, u.destination_id, u.since, m.conversation_id, m.state, c.address
                  from undelivered u
                  join message m on m.tenant_id = u.tenant_id and m.id = u.message_id
                  join channel c on c.tenant_id = m.tenant_id and c.id = m.channel_id
                 where (p_tenant = 0 or u.tenant_id = p_tenant) and u.since >= since_from and u.since < since_to
                   and u.since <= last_at and (u.since, u.message_id) < (last_at, last_id)
                   and (coalesce(p_reason, '') = '' or u.reason = p_reason)
                   and (coalesce(p_channel, '') = '' or c.address = p_channel)
                 order by u.since desc, u.message_id desc limit case when is_first then greatest(room, 10000) else room end
            ), page as materialized (
                select * from matching order by since desc, message_id desc limit room
            ), by_destination as (
                select t.ccid, f.address, coalesce(url_host(d.url), '') as host, count(*) as count, min(f.since) as oldest,
                       max(f.since) as latest
                  from matching f
                  join tenant t on t.id = f.tenant_id
                  left join destination d on d.tenant_id = f.tenant_id and d.id = f.destination_id
                 where is_first
                 group by t.ccid, f.address, d.url order by count(*) desc, t.ccid, f.address limit 100)
            select json_build_object(
                'undelivered', coalesce(json_agg(json_build_object(
                    'id', p.message_id, 'ccid', t.ccid, 'channel', p.address, 'host', coalesce(url_host(d.url), ''),
                    'conversation', p.conversation_id, 'state', s.name, 'reason', (p.one).reason,
                    'status', undelivered_status(p.one), 'attempts', (p.one).attempts, 'since', moment(p.since))
                    order by p.since desc, p.message_id desc), '[]'),
                'total', case when is_first then (select count(*) from matching) end,
                'destinations', case when is_first then (
                    select coalesce(json_agg(json_build_object(
                               'ccid', g.ccid, 'channel', g.address, 'host', g.host, 'count', g.count,
                               'oldest', moment(g.oldest), 'latest', moment(g.latest))), '[]') from by_destination g) end,
                'next', case when count(*) = room then
                        (select (extract(epoch from l.since) * 1000000)::bigint || '-' || l.message_id
                           from page l order by l.since, l.message_id limit 1) end)::text
              from page p
              join tenant t on t.id = p.tenant_id
              join message_state s on s.id = p.state
              left join destination d on d.tenant_id = p.tenant_id and d.id = p.destination_id);
end
$$;

-- A moment as callers write it (RFC 3339, or a day); null or '' is open.
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

-- Sends undelivered messages again under their old ids, the oldest first, at most room of them. Each filter that is
-- null lets everything through; tenant 0 stands for all. Gives how many by destination, for the doorbell.
--
-- Several replays of the same message at once: the one that deletes its undelivered row wins.
create or replace function undelivered_replay(
    tenant int, ids uuid[], reason text, channel text, since_from timestamptz, since_to timestamptz, room int,
    by_whom text)
returns table (destination_id int, replayed int)
language sql as $$
    with chosen as (
        select u.tenant_id, u.message_id
        from undelivered u
        join message m on m.tenant_id = u.tenant_id and m.id = u.message_id
        join channel c on c.id = m.channel_id
        where undelivered_replay.tenant in (0, u.tenant_id)
          and (ids is null or u.message_id = any (ids))
          and (undelivered_replay.reason is null or u.reason = undelivered_replay.reason)
          and (undelivered_replay.channel is null or c.address = undelivered_replay.channel)
          and (since_from is null or u.since >= since_from)
          and (since_to is null or u.since < since_to)
        order by u.since limit room
    ), locked as materialized (
        select m.tenant_id, m.id, m.channel_id, m.conversation_id, m.sequence, m.address, m.created
        from chosen h join message m on m.tenant_id = h.tenant_id and m.id = h.message_id
        where m.state in (7, 8, 12)
        order by m.tenant_id, m.id for update of m
    ), taken as (
        delete from undelivered u using locked l
        where u.tenant_id = l.tenant_id and u.message_id = l.id
        returning l.*, u.destination_id, u.since as failed, u.reason, u.last_status, u.attempts
    ), queued as (
        insert into delivery (tenant_id, destination_id, channel_id, message_id, conversation_id, address, expires)
        select t.tenant_id, coalesce(c.destination_id, t.destination_id), t.channel_id, t.id, t.conversation_id,
               t.address, now() + c.validity
        from taken t join channel c on c.id = t.channel_id
        order by t.conversation_id, t.sequence, t.created
        returning destination_id
    ), changed as (
        update message m set state = 1, changed = now() from taken t
        where m.tenant_id = t.tenant_id and m.id = t.id
    ), told as (
        insert into event (tenant_id, kind, conversation_id, message_id, sequence, state)
        select tenant_id, 2, conversation_id, id, sequence, 1 from taken
    ), audited as (
        insert into replay (tenant_id, message_id, by, failed, reason, last_status, attempts)
        select t.tenant_id, t.id, by_whom, t.failed, t.reason, t.last_status, t.attempts from taken t
    )
    select destination_id, count(*)::int from queued group by destination_id
$$;

-- nexusctl replay: how many go out again. Whoever names messages wants those: none of them is a mistake, and leaves no trace.
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
