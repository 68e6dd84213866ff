-- From here to the end of the transaction only this tenant's rows are there (db/migrations/0005_row_level_security.sql).
create or replace function tenant_scope(p_tenant int) returns void
language plpgsql as $$
begin
    perform set_config('nexus.tenant', p_tenant::text, true), set_config('role', 'nexus_api', true);
end
$$;
