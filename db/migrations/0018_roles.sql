-- Row-level security binds the owner, too, and says for each role which rows it sees (docs/decisions/0035). db/row_security.sql
-- puts it on every table with a tenant_id, db/grants.sql says what each role may do with a table.

-- Whoever adds a table calls this for it. The policies follow when the migration is over.
create or replace function tenant_lock_rows(p_table regclass) returns void
language plpgsql as $$
begin
    execute format('alter table %s enable row level security, force row level security', p_table);
end
$$;

-- A partition is the owner's alone: others reach its rows through the whole table.
create function owner_lock_rows(p_table regclass) returns void
language plpgsql as $$
begin
    execute format('alter table %s enable row level security, force row level security', p_table);
    execute format('create policy scope_of_owner on %1$s to nexus_owner using (scope_tenant() is null or tenant_id = scope_tenant())'
                   ' with check (scope_tenant() is null or tenant_id = scope_tenant())', p_table);
end
$$;
