-- Which rows each role sees of every table with a tenant_id. nexusctl migrate runs this in its transaction, behind migrations and
-- functions; where all is as it says it changes nothing and locks nothing.
--
--   own_tenant      nexus_api sees the tenant of its scope
--   all_tenants     nexus_worker sees all; the condition is a constant, so no plan knows of it
--   scope_of_owner  the owner sees all until a scope is set: then a function that runs as the owner sees what its caller sees
do $$
declare
    locked record;
    wanted record;
    scoped constant text := 'tenant_id = scope_tenant()';
    owned constant text := '(scope_tenant() is null or tenant_id = scope_tenant())';
begin
    for locked in
        select c.oid, c.oid::regclass::text as name, c.relispartition as is_part, c.relname = 'audit' as is_audit,
               c.relrowsecurity and c.relforcerowsecurity as is_forced
          from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
         order by c.relispartition, 2
    loop
        if not locked.is_forced then
            execute format('alter table %s enable row level security, force row level security', locked.name);
        end if;
        for wanted in
            select * from (values
                ('own_tenant', 'nexus_api', scoped, not locked.is_part and not locked.is_audit), -- audit has two of its own
                ('all_tenants', 'nexus_worker', 'true', not locked.is_part),
                ('scope_of_owner', 'nexus_owner', owned, true)) p (name, role, condition, is_wanted)
             where p.is_wanted
               and not exists (select from pg_policy y where y.polrelid = locked.oid and y.polname = p.name)
        loop
            execute format('create policy %I on %s to %I using (%s) with check (%s)', wanted.name, locked.name, wanted.role,
                           wanted.condition, wanted.condition);
        end loop;
    end loop;

    -- A contact center may see that others exist, but may change only its own row.
    if not exists (select from pg_policy y where y.polrelid = 'tenant'::regclass and y.polname = 'scope_of_owner') then
        alter table tenant force row level security;
        create policy all_tenants on tenant to nexus_worker using (true) with check (true);
        create policy seen_by_owner on tenant for select to nexus_owner using (true);
        create policy scope_of_owner on tenant to nexus_owner
            using (scope_tenant() is null or id = scope_tenant()) with check (scope_tenant() is null or id = scope_tenant());
    end if;
end
$$;
