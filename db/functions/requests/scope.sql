-- From here to the end of the transaction only this tenant's rows are visible (db/migrations/0005_row_level_security.sql).
-- Statement: TENANT_SCOPE
create or replace function tenant_scope(p_tenant int) returns void
language plpgsql as $$
begin
    perform set_config('nexus.tenant', p_tenant::text, true), set_config('role', 'nexus_api', true);
end
$$;

-- A migration that adds a table calls this for it. The policies are added at the end of the migration.
create or replace function tenant_lock_rows(p_table regclass) returns void
language plpgsql as $$
begin
    execute format('alter table %s enable row level security, force row level security', p_table);
end
$$;

-- Only the owner has rights on a partition: others read its rows through the whole table.
create or replace function owner_lock_rows(p_table regclass) returns void
language plpgsql as $$
begin
    execute format('alter table %s enable row level security, force row level security', p_table);
    execute format('create policy scope_of_owner on %1$s to nexus_owner using (scope_tenant() is null or tenant_id = scope_tenant())'
                   ' with check (scope_tenant() is null or tenant_id = scope_tenant())', p_table);
end
$$;
