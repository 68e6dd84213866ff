-- What failed for good, and its replay.

-- A page of undelivered messages by id, as JSON.
create or replace function undelivered_list(tenant int, after_id uuid, page int) returns text
language sql as $$
    select json_build_object('undelivered', coalesce(json_agg(json_build_object(
               'id', u.message_id, 'channel', c.address, 'conversation', m.conversation_id,
               'state', s.name, 'reason', u.reason, 'status', u.last_status, 'attempts', u.attempts,
               'since', u.since) order by u.message_id), '[]'))::text
    from (select * from undelivered
          where tenant_id = tenant and (after_id is null or message_id > after_id)
          order by message_id limit page) u
    join message m on m.tenant_id = u.tenant_id and m.id = u.message_id
    join message_state s on s.id = m.state
    join channel c on c.id = m.channel_id
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
        returning l.*, u.destination_id
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
        insert into replay (tenant_id, message_id, by) select tenant_id, id, by_whom from taken
    )
    select destination_id, count(*)::int from queued group by destination_id
$$;
