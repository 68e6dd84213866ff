-- The audit log. Every administrative function calls audit_write() in its transaction, once for each change.

-- Before such a change, in its transaction: who makes it, from where. Where there is nothing to change the answer is 2xx all the same, so
-- this is also the place that makes it wait for a standby. p_key: the number of the key that was shown (0: none,
-- then p_name is a user). The key's first characters are looked up here, before row level security hides a cluster key.
-- Statement: AUDIT_CONTEXT
create or replace function audit_context(p_key int, p_name text, p_credential text, p_address text) returns void
language plpgsql as $$
begin
    perform set_config('nexus.audit', json_build_object(
        'actor', coalesce((select k.prefix
                             from -- By its id: the key that was shown, a contact center's or a cluster key.
                                  api_key k where k.id = p_key), p_name, ''),
        'name', case when p_key <> 0 then p_name end, 'credential', p_credential, 'address', p_address)::text, true);
    perform stored_durably();
end
$$;

-- The same of nexusctl, for the whole connection.
-- Statement: AUDIT_LOCAL
create or replace function audit_local(p_user text) returns void
language plpgsql as $$
begin
    perform set_config('nexus.audit', json_build_object('actor', p_user, 'credential', 'local')::text, false);
end
$$;

-- p_tenant 0 or null: of no contact center. p_fields names what changed, without values. If no caller was set, it is the user of the
-- connection. A crash between this and COMMIT leaves neither the change nor the row.
create or replace function audit_write(p_tenant int, p_action text, p_object text, p_fields text[]) returns void
language plpgsql as $$
declare
    who json := nullif(current_setting('nexus.audit', true), '')::json;
begin
    insert into audit (tenant_id, actor, actor_name, credential, address, action, object, fields)
    values (nullif(p_tenant, 0), coalesce(who->>'actor', session_user), who->>'name', coalesce(who->>'credential', 'local'),
            who->>'address', p_action, coalesce(p_object, ''), coalesce(p_fields, '{}'));
end
$$;

-- What nexusctl apply did, from its plan: a row for each line that is a change.
create or replace function audit_plan(p_plan json[]) returns void
language plpgsql as $$
declare
    line json;
begin
    foreach line in array p_plan loop
        continue when line->>'action' = 'same';
        perform audit_write((select t.id from tenant t where t.ccid::text = line->>'ccid'),
                            (line->>'kind') || '.' || (line->>'action'), line->>'name',
                            array(select json_array_elements_text(line->'changed')));
    end loop;
end
$$;

-- A page, the latest first. p_after: the "next" of the previous page. A filter that is null does not apply; tenant 0 sees all. A page is
-- read from the index, however many rows there are, unless a filter leaves few.
-- Statement: AUDIT_LIST
create or replace function audit_list(p_tenant int, p_after text, p_from text, p_to text, p_actor text, p_object text,
                                      p_action text, p_count int) returns text
language plpgsql stable as $$
declare
    since timestamptz := coalesce(replay_moment('from', p_from), '-infinity');
    until timestamptz := coalesce(replay_moment('to', p_to), 'infinity');
    room int := coalesce(nullif(p_count, 0), 100);
    last_at timestamptz := 'infinity';
    last_id bigint := 0;
begin
    if p_after <> '' then
        if p_after !~ '^[0-9]{1,16}-[0-9]{1,18}$' then
            raise exception 'after: must be the "next" of an earlier page' using errcode = 'NX400';
        end if;
        last_at := 'epoch'::timestamptz + split_part(p_after, '-', 1)::bigint * interval '1 microsecond';
        last_id := split_part(p_after, '-', 2)::bigint;
    end if;
    return (with page as (
                select a.* from audit a
                 where (p_tenant = 0 or a.tenant_id = p_tenant) and a.at >= since and a.at < until
                   and a.at <= last_at and (a.at, a.id) < (last_at, last_id)
                   and (coalesce(p_actor, '') = '' or p_actor in (a.actor, a.actor_name))
                   and (coalesce(p_object, '') = '' or a.object = p_object)
                   and (coalesce(p_action, '') = '' or a.action = p_action)
                 order by a.at desc, a.id desc limit room)
            select json_build_object(
                'changes', coalesce(json_agg(json_build_object(
                    'id', p.id::text, 'at', moment(p.at), 'tenant', coalesce(t.ccid::text, g.ccid::text, '*'), 'actor', p.actor,
                    'actorname', p.actor_name, 'credential', p.credential, 'address', p.address, 'action', p.action,
                    'object', p.object, 'fields', p.fields) order by p.at desc, p.id desc), '[]'),
                'next', case when count(*) = room then
                        (select (extract(epoch from l.at) * 1000000)::bigint || '-' || l.id
                           from page l order by l.at, l.id limit 1) end)::text
              from page p left join tenant t on t.id = p.tenant_id left join tenant_deleted g on g.id = p.tenant_id);
end
$$;

-- Months from this one to two ahead; partition_create() of upkeep.sql says how, and what becomes of a month that comes late.
create or replace function audit_partitions() returns int
language plpgsql set lock_timeout = '500ms' as $$
declare
    month timestamp;
    name text;
    made int := 0;
begin
    for month in select date_trunc('month', now() at time zone 'utc') + n * interval '1 month' from generate_series(0, 2) n loop
        name := 'audit_' || to_char(month, 'YYYYMMDD');
        continue when to_regclass(name) is not null;
        begin
            execute format('create table %I (like audit including defaults including indexes)', name);
            perform owner_lock_rows(name);
            execute format('alter table audit attach partition %I for values from (%L) to (%L)', name,
                           month at time zone 'utc', (month + interval '1 month') at time zone 'utc');
            execute format('create trigger audit_stays_whole before truncate on %I for each statement
                                execute function audit_stays()', name);
            made := made + 1;
        exception when check_violation then
            null;
        end;
    end loop;
    return made;
end
$$;

-- Drops months of which all days are older than p_keep days; null when another process is doing it.
-- Statement: UPKEEP_AUDIT
create or replace function upkeep_audit(p_keep int) returns int
language plpgsql security definer set search_path from current as $$
begin
    if not upkeep_claim('audit') then
        return null;
    end if;
    delete from tenant_deleted d where d.at < now() - make_interval(days => greatest(p_keep, 30) + 62);
    return audit_partitions() + partition_drop('audit', greatest(p_keep, 30) + 31);
end
$$;
