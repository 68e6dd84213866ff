-- Events in commit order, for screens that must not miss one.
--
-- A position is "<transaction>-<ordinal>". Transactions commit in another order than they began, so a reader that asked for
-- "everything after the last I saw" would lose the late ones. Here it only gets events of transactions older
-- than every transaction still running (the snapshot's xmin): nothing can appear behind that line any more.
-- Texts are cut at 1000 characters; the transcript has the whole texts.
--
-- Transaction ids start from the beginning in a database that was restored elsewhere, and go back after a fail-over that lost the last
-- ones. So a position also says in which history of which database it was made: its first number is the epoch (below) times
-- 2^42, plus the transaction's id. A position of another epoch, one beyond the present, or one behind which events
-- were deleted since (events_forget), cannot be continued: the reader gets the present position and the event "reset".

-- Names the database and its timeline by a number from 1 to 65535. A restore and the promotion of a standby begin a new
-- timeline, so this is detected automatically. Read once for each connection, during which it cannot change.
create or replace function event_epoch() returns bigint language plpgsql as $$
declare
    known text := current_setting('nexus.event_epoch', true);
begin
    if coalesce(known, '') = '' then
        select 1 + (hashtextextended(c.system_identifier || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8), 0)
                    & 65535) % 65535
          into known from pg_control_system() c;
        perform set_config('nexus.event_epoch', known, false);
    end if;
    return known::bigint;
end $$;

-- The oldest transaction that still runs and may write, and who holds it; 0 where none does. No stream shows yet what was committed
-- after it began. Everybody can see its number, but not since when another user's session has been open.
create or replace function event_horizon() returns table (xid bigint, holder text) language sql as $$
    select case when o.is_held then o.xid else 0 end,
           case when o.is_held then coalesce(
               (select 'process ' || a.pid from pg_stat_activity a where a.backend_xid = o.short limit 1),
               (select 'prepared transaction ' || left(p.gid, 50) from pg_prepared_xacts p where p.transaction = o.short limit 1),
               '') else '' end
    from (select pg_snapshot_xmin(s) < pg_snapshot_xmax(s) as is_held, pg_snapshot_xmin(s)::text::bigint as xid,
                 pg_snapshot_xmin(s)::xid as short
          from pg_current_snapshot() s) o
$$;

-- Notes up to where each contact center's events are forgotten, before partition_drop() forgets them: who comes back
-- from before that has missed some. Transactions of another history of the database, whose ids may be beyond ours, are
-- left out: their positions are recognised by their epoch. One row of each is read, from the index: a day of a busy
-- database would take longer than a statement may, and then nothing would ever be forgotten.
create or replace function events_forget(p_keep int) returns void language sql as $$
    insert into event_forgotten as f (tenant_id, history, xid, ordinal)
    select t.id, event_epoch(), last.xid, last.ordinal
    from tenant t
    cross join lateral (
        select e.xid, e.ordinal from event e
        where e.tenant_id = t.id
          and e.at < ((now() at time zone 'utc')::date - p_keep)::timestamp at time zone 'utc'
          and e.xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        order by e.xid desc, e.ordinal desc limit 1) last
    on conflict (tenant_id) do update set history = excluded.history, xid = excluded.xid, ordinal = excluded.ordinal
        where f.history <> excluded.history or (f.xid, f.ordinal) < (excluded.xid, excluded.ordinal)
$$;

-- Statement: EVENTS_READ
create or replace function events_read(p_tenant int, p_after_position text, p_at_most int) returns text
language plpgsql stable as $$
declare
    horizon bigint := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    epoch bigint := event_epoch() << 42;
    after_xid bigint := horizon;
    after_ordinal bigint := 0;
    is_reset boolean := false;
    found_events json;
    found_count int;
    last_position text;
begin
    if p_after_position is not null then
        if p_after_position !~ '^[0-9]{1,18}-[0-9]{1,18}$' then
            raise exception using errcode = 'NX400', message = 'after: not a position';
        end if;
        after_xid := split_part(p_after_position, '-', 1)::bigint;
        after_ordinal := split_part(p_after_position, '-', 2)::bigint;
        if after_xid >> 42 not in (0, epoch >> 42) -- 0: made by an older version
           or after_xid & ((1::bigint << 42) - 1) > horizon
           or exists (select from event_forgotten f
                      where f.tenant_id = p_tenant and f.history = epoch >> 42 and f.xid < horizon
                        and (f.xid, f.ordinal) > (after_xid & ((1::bigint << 42) - 1), after_ordinal)) then
            is_reset := true;
            after_ordinal := 0;
        end if;
        after_xid := case when is_reset then horizon else after_xid & ((1::bigint << 42) - 1) end;
    end if;
    select json_agg(json_strip_nulls(json_build_object(
               'position', epoch + e.xid || '-' || e.ordinal,
               'type', case e.kind when :event_message then 'message' when :event_state then 'state' else 'conversation' end,
               'at', moment(e.at), 'conversationId', e.conversation_id, 'messageId', e.message_id, 'sequence', e.sequence,
               'state', case when e.kind = :event_conversation then conversation_state_name(e.state) else s.name end,
               'direction', case m.direction when :direction_in then 'in' when :direction_out then 'out' end,
               'text', left(m.body, 1000), 'author', m.author)) order by e.xid, e.ordinal),
           count(*), (array_agg(epoch + e.xid || '-' || e.ordinal order by e.xid desc, e.ordinal desc))[1]
      into found_events, found_count, last_position
      from (select * from event e
             where e.tenant_id = p_tenant and (e.xid, e.ordinal) > (after_xid, after_ordinal) and e.xid < horizon
             order by e.xid, e.ordinal limit p_at_most) as e
      left join message m on e.kind = :event_message and m.tenant_id = e.tenant_id and m.id = e.message_id
      left join message_state s on s.id = e.state;
    return json_build_object('events', coalesce(found_events, '[]'),
                             'position', coalesce(last_position, epoch + after_xid || '-' || after_ordinal),
                             'more', found_count = p_at_most, 'reset', is_reset)::text;
end $$;
