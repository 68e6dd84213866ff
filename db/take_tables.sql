-- Takes all tables before a migration changes any. nexusctl migrate runs this first in its transaction, if migrations are
-- missing: whoever writes or reads waits at its first table, has changed nothing yet, and holds nothing that we want.
--
-- lock_timeout is shorter than deadlock_timeout. So it is always the migration that gives way; it tries again.
do $$
declare
    one record;
begin
    set local lock_timeout = '500ms';
    for one in
        select c.oid::regclass as name from pg_class c
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
           and c.relowner = 'nexus_owner'::regrole
         order by c.relname
    loop
        execute format('lock table %s in access exclusive mode', one.name);
    end loop;
end
$$;
