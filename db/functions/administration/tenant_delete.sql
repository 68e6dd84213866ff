-- nexusctl tenants delete: a contact center goes with all that belongs to it. First it is closed in one transaction
-- (tenant_delete_begin): its keys no longer work, nothing is accepted or sent. Then rows are deleted in batches, each a transaction
-- (tenant_delete_batch), and at last the contact center itself (tenant_delete_end). A crash anywhere leaves it closed and partly deleted;
-- running the command again continues.
--
-- The audit log is only added to: its entries, which hold no values, stay until they are old.

-- The tables with rows of tenants, each partition separately, in the order in which they can be emptied: first the queues, last the tables
-- that others refer to. kind is the table's name for people.
create or replace function tenant_tables() returns table (name text, kind text, place bigint)
language sql stable as $$
    select c.oid::regclass::text, k.kind,
           row_number() over (order by k.kind <> 'delivery', k.kind = 'destination', k.kind = 'channel', c.relname desc)
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
      left join pg_inherits i on i.inhrelid = c.oid
      left join pg_class p on p.oid = i.inhparent
     cross join lateral (select coalesce(p.relname, c.relname)::text as kind) k
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and k.kind <> 'audit'
$$;

-- The contact center to delete, locked.
create or replace function tenant_to_delete(p_ccid text) returns tenant
language plpgsql as $$
declare
    found tenant;
    gone timestamptz;
begin
    select * into found from tenant t where t.ccid::text = lower(p_ccid) for update;
    if found.id is null then
        select max(d.at) into gone from tenant_deleted d where d.ccid::text = lower(p_ccid);
        raise exception 'there is no contact center with this ccid%', coalesce(': it was deleted at ' || moment(gone), '')
            using errcode = 'NX404';
    end if;
    return found;
end
$$;

-- Its rows by kind: {"ccid", "name", "deleting", "numbers" that are in use, "audit" entries that stay,
-- "kinds": [{"kind", "rows"}]}.
-- Statement: TENANT_DELETE_PREVIEW
create or replace function tenant_delete_preview(p_ccid text) returns text
language plpgsql security definer set search_path from current as $$
declare
    doomed tenant := tenant_to_delete(p_ccid);
    one record;
    count bigint;
    kinds jsonb := '{}';
begin
    for one in select * from tenant_tables() loop
        execute format('select count(*) from %s where tenant_id = $1', one.name) into count using doomed.id;
        kinds := kinds || jsonb_build_object(one.kind, coalesce((kinds ->> one.kind)::bigint, 0) + count);
    end loop;
    return json_build_object(
        'ccid', doomed.ccid, 'name', doomed.name, 'deleting', moment(doomed.deleting),
        'numbers', (select count(*) from channel c where c.tenant_id = doomed.id and c.retired is null),
        'audit', (select count(*) from audit a where a.tenant_id = doomed.id),
        'kinds', (select coalesce(json_agg(json_build_object('kind', k.key, 'rows', k.value) order by k.key), '[]')
                    from jsonb_each(kinds) k where k.value::bigint > 0))::text;
end
$$;

-- Closes it. Outcomes of requests already sent when this commits may still be stored; the batches wait for them. Returns its number.
create or replace function tenant_delete_begin(p_ccid text, p_force boolean) returns int
language plpgsql security definer set search_path from current as $$
declare
    doomed tenant := tenant_to_delete(p_ccid);
    numbers bigint;
begin
    if doomed.deleting is not null then
        return doomed.id;
    end if;
    select count(*) into numbers from channel c where c.tenant_id = doomed.id and c.retired is null;
    if numbers > 0 and not p_force then
        raise exception 'numbers: % of this contact center can still receive texts; remove them first, or give --force', numbers
            using errcode = 'NX409';
    end if;
    update tenant t set deleting = now() where t.id = doomed.id;
    update api_key k set revoked = true, enabled = false where k.tenant_id = doomed.id;
    delete from admin_session s where s.tenant_id = doomed.id;
    update channel c set retired = now() where c.tenant_id = doomed.id and c.retired is null;
    update destination d set enabled = false where d.tenant_id = doomed.id;
    perform audit_write(null, 'tenant.delete', doomed.ccid::text, case when p_force then array['force'] else '{}' end);
    return doomed.id;
end
$$;

-- Deletes at most p_room rows of the first table that has any. {"kind", "rows"}; rows 0: a request that has left is waited for; null:
-- there is nothing left.
create or replace function tenant_delete_batch(p_tenant int, p_room int) returns text
language plpgsql security definer set search_path from current set lock_timeout = '2s' as $$
declare
    one record;
    found boolean;
    count bigint;
begin
    if not exists (select from tenant t where t.id = p_tenant and t.deleting is not null) then
        raise exception 'this contact center is not being deleted' using errcode = 'NX409';
    end if;
    for one in select * from tenant_tables() t order by t.place loop
        execute format('select exists (select from %s where tenant_id = $1)', one.name) into found using p_tenant;
        continue when not found;
        execute format('delete from %1$s where ctid = any (array(select ctid from %1$s where tenant_id = $1 %2$s limit $2))', one.name,
                       case when one.kind = 'delivery' then 'and (lease_until is null or lease_until < now())' else '' end)
            using p_tenant, p_room;
        get diagnostics count = row_count;
        return json_build_object('kind', one.kind, 'rows', count)::text;
    end loop;
    return null;
end
$$;

-- The last step. A request that began before the closing may have written rows meanwhile: then this returns false, and the batches
-- continue.
create or replace function tenant_delete_end(p_tenant int) returns boolean
language plpgsql security definer set search_path from current set lock_timeout = '2s' as $$
declare
    doomed tenant;
    one record;
    found boolean;
begin
    select * into doomed from tenant t where t.id = p_tenant and t.deleting is not null for update;
    for one in select * from tenant_tables() loop
        execute format('select exists (select from %s where tenant_id = $1)', one.name) into found using p_tenant;
        if found then
            return false;
        end if;
    end loop;
    delete from tenant t where t.id = doomed.id;
    insert into tenant_deleted (id, ccid) values (doomed.id, doomed.ccid);
    update nex_gapis g set centers = array_remove(g.centers, doomed.ccid) where doomed.ccid = any (g.centers);
    perform audit_write(null, 'tenant.deleted', doomed.ccid::text, '{}');
    return true;
end
$$;
