-- API keys over HTTP. A key is named by its MAC, where the caller shows it whole, or by its prefix; both are parameters of
-- each function here, one of them null. principal 0 acts for all contact centers, any other for itself.

create or replace function apikey_json(k api_key) returns json
language sql stable as $$
    select json_build_object(
        'id', k.prefix, 'tenant', coalesce((select t.ccid::text from tenant t where t.id = k.tenant_id), '*'),
        'name', k.name, 'permissions', k.permissions, 'enabled', k.enabled, 'created', moment(k.created),
        'revoked', k.revoked, 'expires', coalesce(to_json(moment(k.expires)), to_json(false)),
        'createdby', k.created_by, 'capacity', k.capacity, 'frequency', k.frequency)
$$;

-- The error for the second of two keys that take one name at the same time (index api_key_name).
create or replace function apikey_is_taken(p_error text) returns void
language plpgsql as $$
begin
    if p_error like '%api_key_name%' then
        raise exception 'name: another key has it already' using errcode = 'NX409';
    end if;
    raise unique_violation using message = p_error;
end
$$;

-- p_doc {"name", "mac" in hex, "prefix", "permissions", "enabled", "expires", "capacity", "frequency"}
create or replace function apikey_insert(p_tenant int, p_doc json, p_by text) returns api_key
language plpgsql as $$
declare
    made api_key;
begin
    insert into api_key (tenant_id, mac, prefix, name, permissions, enabled, expires, capacity, frequency, created_by)
    values (p_tenant, decode(p_doc->>'mac', 'hex'), p_doc->>'prefix', p_doc->>'name',
            array(select json_array_elements_text(p_doc->'permissions')), (p_doc->>'enabled')::boolean,
            (p_doc->>'expires')::timestamptz, (p_doc->>'capacity')::int, (p_doc->>'frequency')::int, p_by)
    returning * into made;
    return made;
exception when unique_violation then
    perform apikey_is_taken(sqlerrm);
end
$$;

-- The rules for every new key: its name is not in use, and its expiry is in the future.
create or replace function apikey_check_new(p_tenant int, p_doc json) returns void
language plpgsql stable as $$
begin
    if exists (select from api_key k
                where k.tenant_id is not distinct from p_tenant and k.name = p_doc->>'name' and not k.revoked) then
        raise exception 'name: another key has it already' using errcode = 'NX409';
    elsif (p_doc->>'expires')::timestamptz <= now() then
        raise exception 'expires: this time has passed' using errcode = 'NX400';
    end if;
end
$$;

-- p_tenant: a ccid, or '*' for a cluster key, which only those who act for all may make.
-- Statement: APIKEY_CREATE
create or replace function apikey_create(p_principal int, p_tenant text, p_doc json, p_by text) returns text
language plpgsql security definer set search_path from current as $$
declare
    owner int;
    made api_key;
begin
    if p_tenant = '*' and p_principal <> 0 then
        raise exception 'a cluster key is made by an operator' using errcode = 'NX403';
    end if;
    owner := case when p_tenant <> '*' then tenant_named(p_principal, p_tenant::uuid, true) end;
    perform apikey_check_new(owner, p_doc);
    made := apikey_insert(owner, p_doc, p_by);
    perform audit_write(owner, 'key.create', made.prefix, '{}');
    return apikey_json(made)::text; -- on its own, so that it sees a tenant that was founded just now
end
$$;

create or replace function apikey_find(p_principal int, p_mac bytea, p_prefix text) returns api_key
language plpgsql as $$
declare
    found_key api_key;
begin
    select * into found_key from api_key k
     where case when p_mac is null then k.prefix = p_prefix else k.mac = p_mac end
       and (p_principal = 0 or k.tenant_id = p_principal)
     order by k.revoked, k.id limit 1;
    if found_key.id is null then
        raise exception 'there is no such key' using errcode = 'NX404';
    end if;
    return found_key;
end
$$;

-- Statement: APIKEY_READ
create or replace function apikey_read(p_principal int, p_mac bytea, p_prefix text) returns text
language sql stable security definer set search_path from current as $$
    select apikey_json(apikey_find(p_principal, p_mac, p_prefix))::text
$$;

-- p_tenant: null for all that the caller may see, a ccid, or '*' for cluster keys.
-- Statement: APIKEY_LIST
create or replace function apikey_list(p_principal int, p_tenant text, p_revoked boolean, p_index int, p_count int)
returns text language plpgsql stable security definer set search_path from current as $$
declare
    of_tenant int := case when p_tenant <> '*' then tenant_named(p_principal, p_tenant::uuid, false) end;
begin
    return (with visible as (
                select * from api_key k
                 where (p_revoked or not k.revoked) and (p_principal = 0 or k.tenant_id = p_principal)
                   and (p_tenant is null or k.tenant_id is not distinct from of_tenant)
            )
            select json_build_object(
                       'keys', coalesce((select json_agg(apikey_json(k::api_key) order by k.id)
                                           from (select * from visible order by id
                                                 offset p_index limit coalesce(nullif(p_count, 0), 100)) k), '[]'),
                       'total', (select count(*) from visible))::text);
end
$$;

-- p_doc has those of "name", "enabled", "expires", "capacity", "frequency" that change; "expires" null: never.
-- Statement: APIKEY_CHANGE
create or replace function apikey_change(p_principal int, p_mac bytea, p_prefix text, p_doc json) returns text
language plpgsql security definer set search_path from current as $$
declare
    old api_key := apikey_find(p_principal, p_mac, p_prefix);
    new api_key;
begin
    if old.revoked then
        raise exception 'the key is revoked' using errcode = 'NX409';
    elsif p_doc->>'name' <> old.name then
        perform apikey_check_new(old.tenant_id, json_build_object('name', p_doc->>'name'));
    end if;
    update api_key k
       set name = coalesce(p_doc->>'name', k.name), enabled = coalesce((p_doc->>'enabled')::boolean, k.enabled),
           expires = case when p_doc->'expires' is null then k.expires else (p_doc->>'expires')::timestamptz end,
           capacity = coalesce((p_doc->>'capacity')::int, k.capacity),
           frequency = coalesce((p_doc->>'frequency')::int, k.frequency)
     where k.tenant_id is not distinct from old.tenant_id and k.id = old.id
    returning * into new;
    perform audit_write(new.tenant_id, 'key.change', new.prefix, members_changed(to_jsonb(old), to_jsonb(new)));
    return apikey_json(new)::text;
exception when unique_violation then
    perform apikey_is_taken(sqlerrm);
end
$$;

-- The row stays as a record of past permissions; the key is never valid again.
-- Statement: APIKEY_REVOKE
create or replace function apikey_revoke(p_principal int, p_mac bytea, p_prefix text) returns text
language plpgsql security definer set search_path from current as $$
declare
    old api_key := apikey_find(p_principal, p_mac, p_prefix);
    new api_key;
begin
    update api_key k set revoked = true, enabled = false
     where k.tenant_id is not distinct from old.tenant_id and k.id = old.id returning * into new;
    perform audit_write(new.tenant_id, 'key.revoke', new.prefix, members_changed(to_jsonb(old), to_jsonb(new)));
    return apikey_json(new)::text;
end
$$;
