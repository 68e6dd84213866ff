-- Contact centers: founding, naming and provisioning them.

-- A contact center that is being deleted accepts no callers (tenant_delete.sql).
create or replace function tenant_is_closed(p_tenant int) returns void
language plpgsql as $$
begin
    if exists (select from tenant t where t.id = p_tenant and t.deleting is not null) then
        raise exception 'this contact center is being deleted' using errcode = 'NX409';
    end if;
end
$$;

-- The tenant that a request names. p_principal 0 acts for all; for it an unknown contact center is founded if p_found. Any other
-- p_principal must be that tenant itself; another contact center is reported as unknown.
create or replace function tenant_named(p_principal int, p_ccid uuid, p_found boolean) returns int
language plpgsql as $$
declare
    named int;
begin
    select t.id into named from tenant t where t.ccid = p_ccid;
    if named is null and p_found and p_principal = 0 then
        -- If two transactions found it at the same time, the second one gets the row of the first.
        insert into tenant as t (ccid) values (p_ccid)
            on conflict (ccid) do update set ccid = excluded.ccid returning t.id into named;
    end if;
    if named is null or p_principal not in (0, named) then
        raise exception 'there is no contact center with this ccid' using errcode = 'NX404';
    end if;
    perform tenant_is_closed(named);
    return named;
end
$$;

-- Changes of one contact center's services and transactions wait for each other. Called at the beginning of each, before
-- channels_derive(), which compares what names what (reference.sql).
create or replace function tenant_lock(p_tenant int) returns void
language plpgsql as $$
begin
    perform from tenant t where t.id = p_tenant for no key update;
    perform tenant_is_closed(p_tenant);
    perform references_note(p_tenant);
end
$$;

create or replace function moment(p_at timestamptz) returns text
language sql stable as $$
    select to_char(p_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

create or replace function tenant_json(t tenant) returns json
language sql stable as $$
    select json_build_object(
        'id', t.ccid, 'name', t.name, 'type', t.type, 'backendurl', t.backend_url, 'username', t.username,
        'genesystemenantid', t.genesys_tenant_id, 'created', moment(t.created), 'provisioned', moment(t.provisioned))
$$;

-- p_doc {"id", "name", "type", "backendurl", "username", "token" sealed, "genesystemenantid"}; p_key is the key that it gets
-- if it has none of its own (apikey_insert). Repeated, it changes what differs and makes no second key; a token that is left
-- out stays.
-- {"xapikey": the key's prefix, "fresh": is it p_key?}
-- Statement: TENANT_PROVISION
create or replace function tenant_provision(p_principal int, p_doc json, p_key json, p_by text) returns text
language plpgsql security definer set search_path from current as $$
declare
    tenant int := tenant_named(p_principal, (p_doc->>'id')::uuid, true);
    own text;
    made boolean := false;
    before jsonb;
    changed text[];
begin
    perform tenant_lock(tenant);
    select to_jsonb(t) into before from tenant t where t.id = tenant;
    -- One that was only named by a key or a service has a version; it is there, for If-None-Match, once it is provisioned.
    perform precondition_check((select tenant_json(t)::text from tenant t
                                 where t.id = tenant
                                   and (t.provisioned is not null or current_setting('nexus.if_match', true) <> '')),
                               'id: this contact center is provisioned already');
    if exists (select from tenant t where t.name = p_doc->>'name' and t.id <> tenant) then
        raise exception 'name: belongs to another contact center' using errcode = 'NX409';
    end if;
    update tenant t
       set name = p_doc->>'name', type = p_doc->>'type', backend_url = p_doc->>'backendurl',
           username = p_doc->>'username', token = coalesce(p_doc->>'token', t.token),
           genesys_tenant_id = (p_doc->>'genesystemenantid')::int, provisioned = coalesce(t.provisioned, now())
     where t.id = tenant;
    changed := members_changed(before, (select to_jsonb(t) from tenant t where t.id = tenant));
    select k.prefix into own from api_key k
     where k.tenant_id = tenant and k.name = p_key->>'name' and not k.revoked order by k.id limit 1;
    if own is null then
        own := (apikey_insert(tenant, p_key, p_by)).prefix;
        made := true;
    end if;
    perform audit_write(tenant, 'tenant.provision', p_doc->>'id',
                        changed || case when made then array['key'] else '{}' end);
    return json_build_object('xapikey', own, 'fresh', made)::text;
end
$$;

-- Statement: TENANT_LIST
create or replace function tenant_list(p_principal int, p_index int, p_count int) returns text
language sql stable security definer set search_path from current as $$
    select json_build_object(
        'tenants', coalesce((select json_agg(tenant_json(t) order by t.id)
                               from (select * from tenant t where p_principal in (0, t.id)
                                      order by t.id offset p_index limit coalesce(nullif(p_count, 0), 100)) t), '[]'),
        'total', (select count(*) from tenant t where p_principal in (0, t.id)))::text
$$;

-- Statement: TENANT_READ
create or replace function tenant_read(p_principal int, p_ccid uuid) returns text
language plpgsql stable security definer set search_path from current as $$
declare
    tenant int := tenant_named(p_principal, p_ccid, false);
begin
    return (select tenant_json(t)::text from tenant t where t.id = tenant);
end
$$;
