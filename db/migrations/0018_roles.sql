-- Row-level security binds the owner, too, and says for each role which rows it sees (docs/decisions/0035). What each role may
-- do with a table stands in db/grants.sql.

-- Every table with a tenant_id; whoever adds one calls this for it. Workers see all rows; the policy is a constant, so that no
-- plan knows of it. The owner sees all, too, until a scope is set: then a function that runs as the owner sees what its
-- caller sees.
create or replace function tenant_lock_rows(p_table regclass) returns void
language plpgsql as $$
begin
    execute format('alter table %s enable row level security, force row level security', p_table);
    execute format('create policy own_tenant on %s to nexus_api using (tenant_id = scope_tenant()) with check (tenant_id = scope_tenant())', p_table);
    execute format('create policy all_tenants on %s to nexus_worker using (true) with check (true)', p_table);
    perform owner_lock_rows(p_table);
end
$$;

create function owner_lock_rows(p_table regclass) returns void
language plpgsql as $$
begin
    execute format('alter table %s enable row level security, force row level security', p_table);
    execute format('create policy scope_of_owner on %1$s to nexus_owner using (scope_tenant() is null or tenant_id = scope_tenant())'
                   ' with check (scope_tenant() is null or tenant_id = scope_tenant())', p_table);
end
$$;

-- The tables that there are. Partitions are the owner's alone: others reach their rows through the whole table.
do $$
declare
    locked record;
begin
    for locked in
        select c.oid::regclass as name, c.relispartition as is_part from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relforcerowsecurity
        order by c.relispartition, 1
    loop
        perform owner_lock_rows(locked.name);
        if not locked.is_part then
            execute format('create policy all_tenants on %s to nexus_worker using (true) with check (true)', locked.name);
        end if;
    end loop;
end
$$;

alter table tenant force row level security;
create policy all_tenants on tenant to nexus_worker using (true) with check (true);
create policy seen_by_owner on tenant for select to nexus_owner using (true);
create policy scope_of_owner on tenant to nexus_owner
    using (scope_tenant() is null or id = scope_tenant()) with check (scope_tenant() is null or id = scope_tenant());
