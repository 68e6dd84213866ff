-- Identity: what an operator's file says about tenants, keys and numbers.

-- The surrogate of a contact center as operators name it; null or '' is 0, all of them.
create or replace function tenant_of(p_ccid text) returns int
language plpgsql stable as $$
declare
    found_id int;
begin
    if coalesce(p_ccid, '') = '' then
        return 0;
    end if;
    select id into found_id from tenant where ccid::text = lower(p_ccid);
    if found_id is null then
        raise exception 'there is no contact center with this ccid' using errcode = 'NX404';
    end if;
    return found_id;
end
$$;

create or replace function key_json(k api_key) returns json
language sql stable as $$
    select json_build_object(
        'id', k.id, 'ccid', coalesce((select t.ccid::text from tenant t where t.id = k.tenant_id), '*'),
        'name', k.name, 'prefix', k.prefix, 'permissions', k.permissions, 'enabled', k.enabled, 'revoked', k.revoked,
        'expires', k.expires, 'capacity', k.capacity, 'frequency', k.frequency, 'created', k.created)
$$;

-- All keys, or those of one contact center ('*': cluster keys).
create or replace function key_list(p_ccid text) returns text
language sql stable as $$
    select json_build_object('keys', coalesce(json_agg(key_json(k) order by k.tenant_id nulls first, k.id), '[]'))::text
    from api_key k
    where case when p_ccid = '*' then k.tenant_id is null else tenant_of(p_ccid) in (0, k.tenant_id) end
$$;

-- One line of a plan: what was done to what. p_changed names the fields of a change.
create or replace function plan_line(p_action text, p_kind text, p_ccid text, p_name text, p_changed text[]) returns json
language sql immutable as $$
    select json_build_object('action', p_action, 'kind', p_kind, 'ccid', p_ccid, 'name', p_name,
                             'changed', array_remove(p_changed, null))
$$;

-- p_doc {"ccid", "name"}
create or replace function tenant_apply(p_doc json, out tenant int, out line json)
language plpgsql as $$
declare
    old tenant;
begin
    select * into old from tenant t where t.ccid = (p_doc->>'ccid')::uuid for update;
    if exists (select from tenant t where t.name = p_doc->>'name' and t.ccid <> (p_doc->>'ccid')::uuid) then
        raise exception 'the name of contact center % belongs to another', p_doc->>'ccid' using errcode = 'NX409';
    end if;
    if old.id is null then
        insert into tenant (ccid, name) values ((p_doc->>'ccid')::uuid, p_doc->>'name') returning id into tenant;
        line := plan_line('create', 'tenant', p_doc->>'ccid', p_doc->>'name', '{}');
        return;
    end if;
    tenant := old.id;
    update tenant t set name = p_doc->>'name' where t.id = old.id and t.name <> p_doc->>'name';
    line := plan_line(case when found then 'change' else 'same' end, 'tenant', p_doc->>'ccid', p_doc->>'name',
                      case when found then '{name}'::text[] else '{}' end);
end
$$;

-- A key is known by its name within its contact center. p_doc {"name", "mac" in hex, "prefix", "given", "permissions",
-- "capacity", "frequency", "expires"}: given is true where the file says what the key is, false where mac is that of a
-- fresh key, wanted only if there is none of this name yet. p_tenant null: a cluster key.
create or replace function key_apply(p_tenant int, p_ccid text, p_doc json) returns json
language plpgsql as $$
declare
    old api_key;
    new_mac bytea := decode(p_doc->>'mac', 'hex');
    new_permissions text[] := array(select json_array_elements_text(p_doc->'permissions'));
    new_expires timestamptz := (p_doc->>'expires')::timestamptz;
    changed text[];
begin
    if exists (select from api_key k where k.mac = new_mac
               and (k.tenant_id, k.name) is distinct from (p_tenant, p_doc->>'name')) then
        raise exception 'key "%" has the value of another key', p_doc->>'name' using errcode = 'NX409';
    end if;
    select * into old from api_key k
    where k.tenant_id is not distinct from p_tenant and k.name = p_doc->>'name' order by k.id limit 1 for update;
    if old.id is null then
        insert into api_key (tenant_id, mac, prefix, name, permissions, expires, capacity, frequency)
        values (p_tenant, new_mac, p_doc->>'prefix', p_doc->>'name', new_permissions, new_expires,
                (p_doc->>'capacity')::int, (p_doc->>'frequency')::int);
        return plan_line('create', 'key', p_ccid, p_doc->>'name', '{}');
    end if;
    if not (p_doc->>'given')::boolean then
        new_mac := old.mac;
    end if;
    changed := array_remove(array[
        case when old.mac <> new_mac then 'key' end,
        case when old.permissions <> new_permissions then 'permissions' end,
        case when old.expires is distinct from new_expires then 'expires' end,
        case when old.capacity <> (p_doc->>'capacity')::int then 'capacity' end,
        case when old.frequency <> (p_doc->>'frequency')::int then 'frequency' end], null);
    if changed = '{}' then
        return plan_line('same', 'key', p_ccid, p_doc->>'name', '{}');
    end if;
    update api_key k
    set mac = new_mac, prefix = case when old.mac = new_mac then old.prefix else p_doc->>'prefix' end,
        permissions = new_permissions, expires = new_expires,
        capacity = (p_doc->>'capacity')::int, frequency = (p_doc->>'frequency')::int
    where k.id = old.id;
    return plan_line('change', 'key', p_ccid, p_doc->>'name', changed);
end
$$;

-- A key of its own, of a name that its contact center ('*': none, a cluster key) does not use yet.
create or replace function key_create(p_ccid text, p_doc json) returns text
language plpgsql as $$
declare
    owner int := case when p_ccid = '*' then null else tenant_of(p_ccid) end;
begin
    if exists (select from api_key k where k.tenant_id is not distinct from owner and k.name = p_doc->>'name') then
        raise exception 'there is a key of this name already' using errcode = 'NX409';
    end if;
    perform key_apply(owner, p_ccid, p_doc);
    return (select key_json(k)::text from api_key k
            where k.tenant_id is not distinct from owner and k.name = p_doc->>'name');
end
$$;

-- The webhook of a channel: its own row of destination. A new URL starts with a closed breaker. p_doc {"url", "headers",
-- "secrets" sealed}; p_old is the destination the channel has, null for none.
create or replace function destination_apply(p_tenant int, p_old int, p_doc json, out id int, out changed text[])
language plpgsql as $$
declare
    old destination;
    new_secrets text[] := array(select json_array_elements_text(p_doc->'secrets'));
begin
    select * into old from destination d where d.tenant_id = p_tenant and d.id = p_old for update;
    if old.id is null then
        insert into destination (tenant_id, url, headers, secrets)
        values (p_tenant, p_doc->>'url', (p_doc->>'headers')::jsonb, new_secrets) returning destination.id into id;
        changed := '{webhook}';
        return;
    end if;
    id := old.id;
    changed := array_remove(array[
        case when old.url <> p_doc->>'url' then 'webhook.url' end,
        case when old.headers <> (p_doc->>'headers')::jsonb then 'webhook.headers' end,
        case when old.secrets <> new_secrets then 'webhook.secret' end], null);
    if changed <> '{}' then
        update destination d
        set url = p_doc->>'url', headers = (p_doc->>'headers')::jsonb, secrets = new_secrets,
            enabled = d.enabled or old.url <> p_doc->>'url',
            failures = case when old.url = p_doc->>'url' then d.failures else 0 end,
            not_before = case when old.url = p_doc->>'url' then d.not_before else '-infinity' end
        where d.tenant_id = p_tenant and d.id = old.id;
    end if;
end
$$;

-- A number or mail domain. p_doc {"address", "kind", "name", "provider", "endpoint", "campaign_only", "uncertain_policy",
-- "validity_ms", "secrets" sealed, "webhook" (destination_apply) or null}.
create or replace function channel_apply(p_tenant int, p_ccid text, p_doc json) returns json
language plpgsql as $$
declare
    old channel;
    new channel;
    webhook record;
    changed text[];
begin
    select * into old from channel c where c.tenant_id = p_tenant and c.address = p_doc->>'address' for update;
    if p_doc->>'webhook' is not null then
        webhook := destination_apply(p_tenant, old.destination_id, p_doc->'webhook');
        new.destination_id := webhook.id;
        changed := webhook.changed;
    elsif old.destination_id is not null then
        changed := '{webhook}'; -- the row stays: deliveries may still point at it
    end if;
    new.kind := (p_doc->>'kind')::smallint;
    new.name := p_doc->>'name';
    new.provider := p_doc->>'provider';
    new.endpoint := p_doc->>'endpoint';
    new.campaign_only := (p_doc->>'campaign_only')::boolean;
    new.uncertain_policy := (p_doc->>'uncertain_policy')::smallint;
    new.validity := make_interval(secs => (p_doc->>'validity_ms')::bigint / 1000.0);
    new.secrets := array(select json_array_elements_text(p_doc->'secrets'));
    if old.id is null then
        insert into channel (tenant_id, address, kind, name, provider, destination_id, endpoint, campaign_only,
                             uncertain_policy, validity, secrets)
        values (p_tenant, p_doc->>'address', new.kind, new.name, new.provider, new.destination_id, new.endpoint,
                new.campaign_only, new.uncertain_policy, new.validity, new.secrets);
        return plan_line('create', 'channel', p_ccid, p_doc->>'address', '{}');
    end if;
    changed := array_remove(coalesce(changed, '{}') || array[
        case when old.kind <> new.kind then 'kind' end,
        case when old.name <> new.name then 'name' end,
        case when old.provider <> new.provider then 'provider' end,
        case when old.endpoint <> new.endpoint then 'endpoint' end,
        case when old.campaign_only <> new.campaign_only then 'cxcOnly' end,
        case when old.uncertain_policy <> new.uncertain_policy then 'uncertain' end,
        case when old.validity <> new.validity then 'validity' end,
        case when old.secrets <> new.secrets then 'api.secret' end], null);
    if changed = '{}' then
        return plan_line('same', 'channel', p_ccid, p_doc->>'address', '{}');
    end if;
    update channel c
    set kind = new.kind, name = new.name, provider = new.provider, destination_id = new.destination_id,
        endpoint = new.endpoint, campaign_only = new.campaign_only, uncertain_policy = new.uncertain_policy,
        validity = new.validity, secrets = new.secrets
    where c.tenant_id = p_tenant and c.id = old.id;
    return plan_line('change', 'channel', p_ccid, p_doc->>'address', changed);
end
$$;

-- The sealed secrets a channel has now, so that the operator's tool can tell whether the file's differ:
-- {"webhook": […], "api": […]}; empty lists where there is no such channel yet.
create or replace function channel_secrets(p_ccid uuid, p_address text) returns text
language sql stable as $$
    select json_build_object('webhook', coalesce(max(d.secrets), '{}'), 'api', coalesce(max(c.secrets), '{}'))::text
    from tenant t
    join channel c on c.tenant_id = t.id
    left join destination d on d.tenant_id = t.id and d.id = c.destination_id
    where t.ccid = p_ccid and c.address = p_address
$$;

-- A whole file at once: {"tenants": [tenant_apply + "keys": [key_apply], "channels": [channel_apply]],
-- "clusterKeys": [key_apply]}. Returns the plan, a list of plan_line() in the file's order.
create or replace function provision_apply(p_doc json) returns text
language plpgsql as $$
declare
    doc json;
    part json;
    applied record;
    plan json[] := '{}';
begin
    for doc in select * from json_array_elements(p_doc->'tenants') loop
        applied := tenant_apply(doc);
        plan := plan || applied.line;
        for part in select * from json_array_elements(doc->'keys') loop
            plan := plan || key_apply(applied.tenant, doc->>'ccid', part);
        end loop;
        for part in select * from json_array_elements(doc->'channels') loop
            plan := plan || channel_apply(applied.tenant, doc->>'ccid', part);
        end loop;
    end loop;
    for part in select * from json_array_elements(p_doc->'clusterKeys') loop
        plan := plan || key_apply(null, '*', part);
    end loop;
    return array_to_json(plan)::text;
end
$$;
