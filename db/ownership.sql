-- Makes nexus_owner the owner of all objects: a database from before the roles belongs to the login role of its workers, and older workers
-- that still run create partitions of their own. Run at every migration, after db/roles.sql; it is the only statement of its message,
-- because each object is a transaction of its own: so it holds one lock at a time, and workers may go on meanwhile. Interrupted, it goes on
-- where it was, since schema_migration comes last.
do $$
declare
    ours record;
begin
    for ours in
        with former as (
            select c.relowner as id from pg_class c where c.oid = to_regclass('public.schema_migration')
            union
            select c.relowner from pg_inherits i
              join pg_class c on c.oid = i.inhrelid
              join pg_class p on p.oid = i.inhparent
             where p.relnamespace = 'public'::regnamespace and p.relowner = 'nexus_owner'::regrole
        ), object as (
            select case c.relkind when 'v' then 'view' when 'c' then 'type' else 'table' end as kind,
                   c.oid::regclass::text as name, 'pg_class'::regclass as of, c.oid, c.relowner as owner
              from pg_class c
             where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'c')
            union all
            select 'routine', p.oid::regprocedure::text, 'pg_proc'::regclass, p.oid, p.proowner
              from pg_proc p where p.pronamespace = 'public'::regnamespace
        )
        select o.kind, o.name from object o
         where o.owner in (select id from former) and o.owner <> 'nexus_owner'::regrole
           and not exists (select from pg_depend d where d.classid = o.of and d.objid = o.oid and d.deptype = 'e')
         order by o.name = 'schema_migration', o.kind, o.name
    loop
        execute format('alter %s %s owner to nexus_owner', ours.kind, ours.name);
        commit;
    end loop;
end
$$;
