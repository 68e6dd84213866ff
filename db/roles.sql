-- The roles of Nexus. nexusctl migrate runs this first; if everything is there it changes nothing. If the role that migrates may not
-- do it, an administrator of PostgreSQL does it once, in the database of Nexus:
--
--   nexusctl migrate --roles | psql "host=… dbname=nexus user=postgres"
--
-- None of the roles can log in. The administrator makes the login roles and their passwords:
--
--   create role nexus_migration login password '…' in role nexus_owner;     -- for nexusctl migrate
--   create role nexus_service   login password '…' in role nexus_worker;    -- NEXUS_PG_URL of the workers and of nexusctl
--
--   nexus_owner   owns the tables and functions, and is what migrates
--   nexus_worker  does what workers and nexusctl do
--   nexus_api     is what a statement for one tenant runs as; nexus_worker becomes it and inherits nothing of it

do $$
declare
    wanted record;
begin
    for wanted in select * from (values ('nexus_owner', ''), ('nexus_worker', 'noinherit'), ('nexus_api', '')) r (name, inherits) loop
        continue when exists (select from pg_roles r where r.rolname = wanted.name);
        begin
            execute format('create role %I nologin %s', wanted.name, wanted.inherits);
        exception when duplicate_object or unique_violation then
            null; -- migrating another database of the same server made it meanwhile
        end;
    end loop;
    for wanted in
        select r.* from (values ('nexus_api', 'nexus_owner'), ('nexus_api', 'nexus_worker'), ('nexus_owner', current_user)) r (name, member)
         where not pg_has_role(r.member, r.name, 'member')
    loop
        begin
            execute format('grant %I to %I', wanted.name, wanted.member);
        exception when unique_violation then
            null;
        end;
    end loop;
    if not has_schema_privilege('nexus_owner', 'public', 'create') then
        grant create on schema public to nexus_owner;
    end if;
    if not has_schema_privilege('nexus_worker', 'public', 'usage') then
        grant usage on schema public to nexus_owner, nexus_worker, nexus_api;
    end if;
exception when insufficient_privilege then
    raise exception 'a role or a right is missing that % may not give; nexusctl migrate --roles prints what an administrator runs once',
        current_user using errcode = '42501';
end
$$;

-- Restrictions and rights that are useful but not necessary, so a step that we may not do is left out: nobody else may create tables
-- in our schema, only migrations may create temporary ones, and the gauge sees the age of the oldest snapshot of any user.
do $$
declare
    step text;
begin
    foreach step in array array[
        case when has_schema_privilege('nexus_api', 'public', 'create') then 'revoke create on schema public from public' end,
        case when has_database_privilege('nexus_api', current_database(), 'temporary')
                  or not has_database_privilege('nexus_owner', current_database(), 'temporary')
             then format('grant temporary on database %1$I to nexus_owner; revoke temporary on database %1$I from public',
                         current_database()) end,
        case when not pg_has_role('nexus_owner', 'pg_read_all_stats', 'usage') then 'grant pg_read_all_stats to nexus_owner' end]
    loop
        continue when step is null;
        begin
            execute step;
        exception when insufficient_privilege or unique_violation then
            null;
        end;
    end loop;
end
$$;
