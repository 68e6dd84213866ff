-- The second lock. A statement that works for one tenant runs as nexus_api, after tenant_scope() (db/functions/scope.sql) in
-- the same transaction; the policies below then show and take only that tenant's rows, whatever its WHERE forgets. What works
-- for many tenants at once (batches, the delivery engine, upkeep, nexusctl) runs as the role that logged in, which owns the
-- tables and is not asked: docs/decisions/0009.

do $$
begin
    if not exists (select from pg_roles where rolname = 'nexus_api') then
        create role nexus_api nologin;
    end if;
    if not pg_has_role(current_user, 'nexus_api', 'member') then
        execute format('grant nexus_api to %I', current_user);
    end if;
exception
    when duplicate_object or unique_violation then
        null; -- migrating another database of the same server made it meanwhile
    when insufficient_privilege then
        raise exception 'the role nexus_api is missing; an administrator of PostgreSQL makes it: create role nexus_api nologin; grant nexus_api to %', current_user;
end
$$;

-- Null outside of any scope: then nobody's rows are seen.
create function scope_tenant() returns int
language sql stable parallel safe as $$
    select nullif(current_setting('nexus.tenant', true), '')::int
$$;

-- Every table with a tenant_id; whoever adds one calls this for it.
create function tenant_lock_rows(p_table regclass) returns void
language plpgsql as $$
begin
    execute format('alter table %s enable row level security', p_table);
    execute format('create policy own_tenant on %s to nexus_api using (tenant_id = scope_tenant()) with check (tenant_id = scope_tenant())', p_table);
    execute format('grant select, insert, update, delete on %s to nexus_api', p_table);
end
$$;

do $$
declare
    locked regclass;
begin
    for locked in
        select c.oid::regclass from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    loop
        perform tenant_lock_rows(locked);
    end loop;
end
$$;

-- Which contact centers there are is no secret between them: a name that is taken must be refused. Only its own may be changed.
alter table tenant enable row level security;
create policy seen on tenant for select to nexus_api using (true);
create policy own_tenant on tenant for update to nexus_api using (id = scope_tenant()) with check (id = scope_tenant());
grant select, update on tenant to nexus_api;

-- The same for everybody.
grant select on message_state to nexus_api;
grant usage on sequence destination_id_seq to nexus_api; -- channels_derive() takes numbers for new destinations
