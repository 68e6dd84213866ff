-- Drops functions that no file declares any more (docs/decisions/0046). nexusctl migrate runs this in its transaction behind db/schema.sql
-- and db/functions, before anything else changes a function: what those files declare was written by this transaction.
--
-- Workers of the release before may still run. So a function that this release is the first not to declare stays until another release
-- does not declare it either. If the functions of an older release were written in between, this begins
-- again.
--
-- What a table, policy, trigger or view needs belongs to the migration that made it, and stays.
do $$
declare
    undeclared text[];
    one text;
begin
    select array_agg(p.oid::regprocedure::text) into undeclared
      from pg_proc p
     where p.pronamespace = 'public'::regnamespace and p.proowner = 'nexus_owner'::regrole and p.prokind in ('f', 'p')
       and p.xmin <> pg_current_xact_id()::xid
       and not exists (select from pg_depend d
                        where d.refclassid = 'pg_proc'::regclass and d.refobjid = p.oid
                           or d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e');
    for one in select r.function from schema_retired r
                where r.function = any (undeclared) and r.release = current_setting('nexus.release_before') loop
        execute format('drop routine %s', one);
    end loop;
    delete from schema_retired;
    insert into schema_retired (function, release)
    select u.function, schema_release() from unnest(undeclared) u (function) where to_regprocedure(u.function) is not null;
end
$$;
