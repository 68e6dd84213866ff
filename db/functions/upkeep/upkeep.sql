-- Upkeep: what keeps the tables small. Each job is one short transaction; of several provisioning-workers one at a time
-- does a job, the others find the claim taken and leave it.

-- True when this transaction may do the job; the claim is held until it ends in any way.
create or replace function upkeep_claim(p_job text) returns boolean
language sql as $$
    select pg_try_advisory_xact_lock(hashtext('nexus.upkeep'), hashtext(p_job))
$$;

-- Makes the daily partitions of a table from today to p_ahead days ahead; returns how many are new.
--
-- They are made empty beside the table and then attached, which locks out nobody who writes to another partition. The
-- attaching fails where the default partition already holds rows of that day (upkeep was away for longer than p_ahead
-- days, or these are the first minutes of a database): then that day stays in the default partition, where it is found
-- like any other row, and partition_drop() removes it when its time has come.
create or replace function partition_create(p_table regclass, p_ahead int) returns int
language plpgsql set lock_timeout = '500ms' as $$
declare
    today date := (now() at time zone 'utc')::date;
    day date;
    name text;
    made int := 0;
begin
    for day in select today + n from generate_series(0, p_ahead) n loop
        name := format('%s_%s', p_table, to_char(day, 'YYYYMMDD'));
        continue when to_regclass(name) is not null;
        begin
            execute format('create table %I (like %s including defaults including indexes)', name, p_table);
            perform owner_lock_rows(name);
            execute format('alter table %s attach partition %I for values from (%L) to (%L)', p_table, name,
                           day::timestamp at time zone 'utc', (day + 1)::timestamp at time zone 'utc');
            made := made + 1;
        exception when check_violation then
            null; -- the block is undone, the table with it
        end;
    end loop;
    return made;
end
$$;

-- Drops the days of a table older than p_keep days, and deletes what is as old in the default partition, a bounded
-- number a call; returns how many partitions went.
create or replace function partition_drop(p_table regclass, p_keep int) returns int
language plpgsql set lock_timeout = '500ms' as $$
declare
    oldest date := (now() at time zone 'utc')::date - p_keep;
    name text;
    dropped int := 0;
begin
    for name in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = p_table and c.relname ~ '_[0-9]{8}$' and to_date(right(c.relname, 8), 'YYYYMMDD') < oldest
        order by 1
    loop
        execute format('drop table %I', name);
        dropped := dropped + 1;
    end loop;
    execute format('delete from %1$s_default where ctid = any (array(
                        select ctid from %1$s_default where at < %2$L limit 10000))',
                   p_table, oldest::timestamp at time zone 'utc');
    return dropped;
end
$$;

-- The partitions of attempt and event for today and the week ahead, and those of the audit log; nexusctl migrate calls it before
-- there is a first row.
create or replace function upkeep_partitions_ahead() returns int
language sql as $$
    select partition_create('attempt', 7) + partition_create('event', 7) + audit_partitions()
$$;

-- Makes new partitions and drops old ones; returns how many, null when another process is doing it.
-- Statement: UPKEEP_PARTITIONS
create or replace function upkeep_partitions(p_attempt_days int, p_event_days int) returns int
language plpgsql security definer set search_path from current as $$
begin
    if not upkeep_claim('partitions') then
        return null;
    end if;
    perform upkeep_forgotten(p_attempt_days);
    perform events_forget(p_event_days); -- in the transaction that drops them: a death in between undoes both
    return upkeep_partitions_ahead() + partition_drop('attempt', p_attempt_days) + partition_drop('event', p_event_days);
end
$$;

-- Notes from when on attempts are kept. Deletes changes of breakers that are as old, all but the last 10 000 starts of processes,
-- and the counts of keyword replies that are older than a day.
create or replace function upkeep_forgotten(p_attempt_days int) returns void
language plpgsql as $$
declare
    oldest timestamptz := ((now() at time zone 'utc')::date - p_attempt_days)::timestamp at time zone 'utc';
begin
    insert into forgotten as f (about, before) values ('attempt', oldest)
        on conflict (about) do update set before = greatest(f.before, excluded.before);
    delete from breaker_change b where b.at < oldest;
    delete from keyword_answer k where k.since < now() - interval '1 day';
    delete from process p where p.id <= (select max(newest.id) - 10000 from process newest);
end
$$;

-- Adds the entries of the ledger up by day, and for all days; returns how many entries went, at most 100 000 a call. What is entered
-- meanwhile is not in this statement's view and stays as it is: every moment sees an entry or its part of the sums.
-- Statement: UPKEEP_LEDGER
create or replace function upkeep_ledger() returns int
language plpgsql security definer set search_path from current as $$
declare
    added int;
begin
    if not upkeep_claim('ledger') then
        return null;
    end if;
    with gone as (
        delete from ledger_entry where ctid = any (array(select ctid from ledger_entry limit 100000))
        returning tenant_id, channel_id, direction, day, state, accepted, messages
    ), summed as (
        insert into ledger_sum as s (tenant_id, day, channel_id, direction, state, accepted, messages)
        select g.tenant_id, d.day, g.channel_id, g.direction, g.state, sum(g.accepted), sum(g.messages)
          from gone g cross join lateral (values (g.day), ('-infinity'::date)) d (day)
         group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
            on conflict (tenant_id, day, channel_id, direction, state)
            do update set accepted = s.accepted + excluded.accepted, messages = s.messages + excluded.messages
        returning 1
    ), seen as (
        insert into ledger_recount (day) select distinct g.day from gone g where (select count(*) from summed) > 0 order by 1
            on conflict (day) do nothing
    )
    select count(*) from gone into added;
    return added;
end
$$;

-- What waits, for the gauges: deliveries put off until later, messages undelivered and the age of the oldest in s,
-- destinations by breaker (open, half open, closed, disabled: switched off), the age of the oldest snapshot in s, dead rows of the
-- queue. Queues are counted up to 100 000. Gives null while another process is looking.
create or replace function upkeep_census()
returns table (deferred bigint, undelivered bigint, undelivered_s bigint, open bigint, half_open bigint, closed bigint,
               disabled bigint, snapshot_s bigint, dead bigint)
language sql security definer set search_path from current as $$
    select (select count(*) from (select from delivery d where d.due > now() limit 100000) d), u.rows, u.oldest_s,
           b.open, b.half_open, b.closed, b.disabled,
           (select coalesce(max(extract(epoch from now() - a.xact_start))::bigint, 0)
            from pg_stat_activity a
            where (a.backend_xmin is not null or a.backend_xid is not null) and a.pid <> pg_backend_pid()),
           (select coalesce(sum(s.n_dead_tup), 0)::bigint from pg_stat_user_tables s where s.relname = 'delivery')
    from (select count(*) as rows, coalesce(max(extract(epoch from now() - u.since))::bigint, 0) as oldest_s
          from (select u.since from undelivered u limit 100000) u) u,
         (select count(*) filter (where dst.enabled and dst.not_before > now()) as open,
                 count(*) filter (where dst.enabled and dst.failures > 0 and dst.not_before <= now()) as half_open,
                 count(*) filter (where dst.enabled and dst.failures = 0 and dst.not_before <= now()) as closed,
                 count(*) filter (where dst.switched_off is not null) as disabled
          from destination dst) b
    where upkeep_claim('census')
$$;
