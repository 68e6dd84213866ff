-- What nexusctl apply does with an operator's file, object by object. Each function changes what differs and returns a
-- line of the plan; provision_apply() is all of them in one call. Documents were checked before, their secrets are sealed,
-- and a secret that the database already had is in them in its stored sealed form: so an equal document is unchanged.

-- One line of a plan: what was done to what. p_changed names the fields of a change; none: it was the same.
create or replace function plan_line(p_action text, p_kind text, p_ccid text, p_name text, p_changed text[]) returns json
language sql immutable as $$
    select json_build_object('action', p_action, 'kind', p_kind, 'ccid', p_ccid, 'name', p_name,
                             'changed', coalesce(p_changed, '{}'))
$$;

create or replace function plan_change(p_kind text, p_ccid text, p_name text, p_changed text[]) returns json
language sql immutable as $$
    select plan_line(case when p_changed = '{}' then 'same' else 'change' end, p_kind, p_ccid, p_name, p_changed)
$$;

-- The members in which two objects differ.
create or replace function members_changed(p_old jsonb, p_new jsonb) returns text[]
language sql immutable as $$
    select array(select key from (select jsonb_object_keys(p_old) union select jsonb_object_keys(p_new)) k (key)
                  where p_old -> key is distinct from p_new -> key order by key)
$$;

-- The sealed secrets of a contact center, for the tool to compare with: {"token", "services": {name: secret},
-- "transactions": {transaction: {section: secret}}}.
create or replace function provision_sealed(p_ccid uuid) returns text
language sql stable security definer set search_path from current as $$
    select json_build_object(
        'token', (select t.token from tenant t where t.ccid = p_ccid),
        'services', (select coalesce(json_object_agg(v.name, v.secret), '{}')
                       from service v join tenant t on t.id = v.tenant_id where t.ccid = p_ccid),
        'transactions', (select coalesce(json_object_agg(s.transaction, s.sections), '{}')
                           from (select s.transaction, json_object_agg(s.section, s.secret) as sections
                                   from transaction_section s join tenant t on t.id = s.tenant_id
                                  where t.ccid = p_ccid and s.secret <> '{}' group by s.transaction) s))::text
$$;

-- p_doc {"ccid"} and those of "name", "type", "backendurl", "username", "token", "genesystemenantid" that the file gives.
create or replace function tenant_apply(p_doc jsonb, out tenant int, out line json)
language plpgsql as $$
declare
    named uuid := (p_doc->>'ccid')::uuid;
    old tenant;
    before jsonb;
    given jsonb := p_doc - 'ccid';
    changed text[];
begin
    if exists (select from tenant t where t.name = p_doc->>'name' and t.ccid <> named) then
        raise exception 'the name of contact center % belongs to another', named using errcode = 'NX409';
    end if;
    select * into old from tenant t where t.ccid = named for no key update;
    tenant := coalesce(old.id, tenant_named(0, named, true));
    perform tenant_lock(tenant);
    before := jsonb_strip_nulls(jsonb_build_object(
        'name', old.name, 'type', old.type, 'backendurl', old.backend_url, 'username', old.username, 'token', old.token,
        'genesystemenantid', old.genesys_tenant_id));
    changed := members_changed(before, before || given);
    line := case when old.id is null then plan_line('create', 'tenant', named::text, p_doc->>'name', '{}')
                 else plan_change('tenant', named::text, coalesce(p_doc->>'name', old.name), changed) end;
    update tenant t
       set name = coalesce(p_doc->>'name', t.name), type = coalesce(p_doc->>'type', t.type),
           backend_url = coalesce(p_doc->>'backendurl', t.backend_url), username = coalesce(p_doc->>'username', t.username),
           token = coalesce(p_doc->>'token', t.token),
           genesys_tenant_id = coalesce((p_doc->>'genesystemenantid')::int, t.genesys_tenant_id),
           provisioned = coalesce(t.provisioned, case when p_doc ? 'name' then now() end)
     where t.id = tenant and (changed <> '{}' or old.id is null);
end
$$;

-- A key is known by its name within its contact center (p_tenant null: a cluster key); where names are not unique, by the
-- id that reads show. p_doc {"id"?, "name", "mac" in hex, "prefix", "given", "permissions"} and those of "enabled",
-- "capacity", "frequency", "expires" (null: never) that the file gives. given is true where the file says what the key is,
-- false where mac is that of a fresh key, wanted only if there is none of this name yet.
create or replace function key_apply(p_tenant int, p_ccid text, p_doc jsonb) returns json
language plpgsql as $$
declare
    old api_key;
    before jsonb;
    wanted jsonb;
    changed text[];
begin
    select * into old from api_key k
     where k.tenant_id is not distinct from p_tenant and k.name = p_doc->>'name' and not k.revoked
       and k.prefix = coalesce(p_doc->>'id', k.prefix)
     order by k.id limit 1 for update;
    if (p_doc->>'given')::boolean and exists (
           select from api_key k where k.mac = decode(p_doc->>'mac', 'hex') and k.id is distinct from old.id) then
        raise exception 'key "%" has the value of another key', p_doc->>'name' using errcode = 'NX409';
    end if;
    if old.id is null then
        perform apikey_insert(p_tenant, (jsonb_build_object('enabled', true, 'capacity', 120, 'frequency', 60)
                                         || p_doc)::json, 'nexusctl');
        return plan_line('create', 'key', p_ccid, p_doc->>'name', '{}');
    end if;
    before := jsonb_build_object('key', encode(old.mac, 'hex'), 'permissions', old.permissions, 'enabled', old.enabled,
                                 'capacity', old.capacity, 'frequency', old.frequency, 'expires', old.expires);
    wanted := before || (p_doc - '{id,name,mac,prefix,given}'::text[])
              || case when (p_doc->>'given')::boolean then jsonb_build_object('key', p_doc->>'mac') else '{}' end
              || case when p_doc ? 'expires' then jsonb_build_object('expires', (p_doc->>'expires')::timestamptz)
                      else '{}' end;
    changed := members_changed(before, wanted);
    update api_key k
       set mac = decode(wanted->>'key', 'hex'),
           prefix = case when 'key' = any (changed) then p_doc->>'prefix' else k.prefix end,
           permissions = array(select jsonb_array_elements_text(wanted->'permissions')),
           enabled = (wanted->>'enabled')::boolean, expires = (wanted->>'expires')::timestamptz,
           capacity = (wanted->>'capacity')::int, frequency = (wanted->>'frequency')::int
     where k.tenant_id is not distinct from p_tenant and k.id = old.id and changed <> '{}';
    return plan_change('key', p_ccid, p_doc->>'name', changed);
end
$$;

-- The channels that the service Async shall have: the old ones, each with its new entry if there is one, then the added ones.
-- Without p_keep the old ones that p_new does not have are removed.
create or replace function channels_merge(p_old jsonb, p_new jsonb, p_keep boolean) returns jsonb
language sql immutable as $$
    select jsonb_build_object('channels', coalesce(jsonb_agg(coalesce(n.entry, o.entry) order by o.place, n.place), '[]'))
      from jsonb_array_elements(p_old -> 'channels') with ordinality o (entry, place)
      full join jsonb_array_elements(p_new -> 'channels') with ordinality n (entry, place)
             on n.entry -> 'channelId' = o.entry -> 'channelId'
     where p_keep or n.entry is not null
$$;

-- p_doc {"name", "url", "data", "secret", "missing"} as in service_write; "partial": its channels are to be merged into
-- those there are, of which p_keep says whether they stay.
create or replace function service_apply(p_tenant int, p_ccid text, p_doc jsonb, p_keep boolean) returns json
language plpgsql as $$
declare
    old service;
    new_data jsonb := p_doc -> 'data';
    new_secret jsonb;
    fields text[];
begin
    select * into old from service v where v.tenant_id = p_tenant and v.name = p_doc->>'name';
    if (p_doc->>'partial')::boolean then
        new_data := channels_merge(coalesce(old.data, '{"channels": []}'), new_data, p_keep);
    end if;
    new_secret := coalesce(nullif(p_doc -> 'secret', 'null'), old.secret);
    if p_doc->>'name' = 'Async' then
        new_secret := service_channel_secrets(new_data, new_secret, coalesce(old.secret, '{}'));
    elsif new_secret is null and p_doc->>'missing' is not null then
        raise exception '%', p_doc->>'missing' using errcode = 'NX400';
    end if;
    new_secret := coalesce(new_secret, '{}');
    if old.name is null then
        insert into service (tenant_id, name, url, data, secret, changed_by)
        values (p_tenant, p_doc->>'name', p_doc->>'url', new_data, new_secret, 'nexusctl');
        return plan_line('create', 'service', p_ccid, p_doc->>'name', '{}');
    end if;
    fields := array_remove(array[
        case when old.url is distinct from p_doc->>'url' then 'url' end,
        case when old.data <> new_data then 'data' end, case when old.secret <> new_secret then 'secret' end], null);
    update service v
       set url = p_doc->>'url', data = new_data, secret = new_secret, changed = now(),
           changed_by = 'nexusctl'
     where v.tenant_id = p_tenant and v.name = old.name and fields <> '{}';
    return plan_change('service', p_ccid, p_doc->>'name', fields);
end
$$;

-- p_doc {"kind", "label", "transaction", "section", "options", "secret"}: label is what the plan calls it. A number or
-- domain is known by its address, so a section of another name is renamed.
create or replace function section_apply(p_tenant int, p_ccid text, p_doc jsonb) returns json
language plpgsql as $$
declare
    old transaction_section;
    fields text[];
begin
    select * into old from transaction_section s
     where s.tenant_id = p_tenant and s.transaction = p_doc->>'transaction'
       and (s.section = p_doc->>'section' or s.options ->> 'channelId' = p_doc #>> '{options,channelId}')
     order by s.section = p_doc->>'section' desc limit 1;
    if old.section is null then
        insert into transaction_section (tenant_id, transaction, section, options, secret, changed_by)
        values (p_tenant, p_doc->>'transaction', p_doc->>'section', p_doc->'options', p_doc->'secret', 'nexusctl');
        return plan_line('create', p_doc->>'kind', p_ccid, p_doc->>'label', '{}');
    end if;
    fields := case when old.section <> p_doc->>'section' then '{name}'::text[] else '{}' end
               || members_changed(old.options, p_doc->'options')
               || members_changed(old.secret, old.secret || (p_doc->'secret'));
    update transaction_section s
       set section = p_doc->>'section', options = p_doc->'options', secret = s.secret || (p_doc->'secret'),
           changed = now(), changed_by = 'nexusctl'
     where s.tenant_id = p_tenant and s.transaction = old.transaction and s.section = old.section
       and fields <> '{}';
    return plan_change(p_doc->>'kind', p_ccid, p_doc->>'label', fields);
end
$$;

create or replace function section_kind(s transaction_section) returns text
language sql immutable as $$
    select case when s.transaction = 'NexusEndpoints' then 'endpoint' when s.transaction = 'DesignerEnv' then 'designer'
                when s.section like 'chat.%' then 'number' when s.section like 'cxc.%' then 'domain'
                when s.section = 'Keywords' then 'keywords' else 'headers' end
$$;

-- Removes the objects of a contact center that its part of the file does not mention. Keys are revoked for good.
create or replace function prune_apply(p_tenant int, p_ccid text, p_doc jsonb) returns json[]
language sql as $$
    with revoked as (
        update api_key k set revoked = true, enabled = false
         where k.tenant_id = p_tenant and not k.revoked
           and not exists (select from jsonb_array_elements(p_doc->'keys') d
                            where d->>'name' = k.name and coalesce(d->>'id', k.prefix) = k.prefix)
        returning k.id, plan_line('delete', 'key', p_ccid, k.name, '{}') as line
    ), stopped as (
        delete from service v
         where v.tenant_id = p_tenant
           and not exists (select from jsonb_array_elements(p_doc->'services') d where d->>'name' = v.name)
        returning v.name, plan_line('delete', 'service', p_ccid, v.name, '{}') as line
    ), removed as (
        delete from transaction_section s
         where s.tenant_id = p_tenant
           and not exists (select from jsonb_array_elements(p_doc->'sections') d
                            where d->>'transaction' = s.transaction and d->>'section' = s.section)
        returning s.transaction, s.section,
                  plan_line('delete', section_kind(s), p_ccid,
                            coalesce(s.options->>'channelId', nullif(s.section, 'options'), s.transaction), '{}') as line
    )
    select coalesce((select array_agg(line order by id) from revoked), '{}')
           || coalesce((select array_agg(line order by name) from stopped), '{}')
           || coalesce((select array_agg(line order by transaction, section) from removed), '{}')
$$;

-- Transactions that change several contact centers wait for each other, so the order in which they lock them does not matter.
create or replace function provision_lock() returns void
language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtext('nexus.provision'));
end
$$;

-- A whole file at once: {"tenants": [tenant_apply's + "keys", "services", "sections"], "clusterKeys"}. Cluster keys belong
-- to no contact center and are never pruned. Returns the plan in the file's order.
create or replace function provision_apply(p_doc jsonb, p_prune boolean) returns text
language plpgsql security definer set search_path from current as $$
declare
    doc jsonb;
    part jsonb;
    applied record;
    plan json[] := '{}';
    tenants int[] := '{}';
    cluster json[] := '{}';
begin
    perform provision_lock();
    for doc in select * from jsonb_array_elements(p_doc->'tenants') loop
        applied := tenant_apply(doc->'tenant');
        plan := plan || applied.line;
        for part in select * from jsonb_array_elements(doc->'keys') loop
            plan := plan || key_apply(applied.tenant, doc #>> '{tenant,ccid}', part);
        end loop;
        for part in select * from jsonb_array_elements(doc->'services') loop
            plan := plan || service_apply(applied.tenant, doc #>> '{tenant,ccid}', part, not p_prune);
        end loop;
        for part in select * from jsonb_array_elements(doc->'sections') loop
            plan := plan || section_apply(applied.tenant, doc #>> '{tenant,ccid}', part);
        end loop;
        if p_prune then -- last: what was renamed is not left over
            plan := plan || prune_apply(applied.tenant, doc #>> '{tenant,ccid}', doc);
        end if;
        tenants := tenants || applied.tenant;
    end loop;
    for part in select * from jsonb_array_elements(p_doc->'clusterKeys') loop
        cluster := cluster || key_apply(null, '*', part);
    end loop;
    -- A number that moves from one of them to another is freed before it is taken, whatever their order in the file.
    perform channels_retire(t) from unnest(tenants) t;
    perform channels_derive(t) from unnest(tenants) t;
    perform audit_plan(plan || cluster);
    return array_to_json(plan || cluster)::text;
end
$$;

-- The keys of one contact center (null: cluster keys) for provision_export(). A key has an id only where its name does not say which.
create or replace function keys_export(p_tenant int) returns json
language sql stable as $$
    select coalesce(json_agg(json_strip_nulls(json_build_object(
               'id', case when k.namesakes > 1 then k.prefix end, 'name', k.name, 'permissions', k.permissions,
               'enabled', case when not k.enabled then false end, 'capacity', k.capacity, 'frequency', k.frequency,
               'expires', to_char(k.expires at time zone 'utc', case when date_trunc('second', k.expires) = k.expires
                                  then 'YYYY-MM-DD"T"HH24:MI:SS"Z"' else 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' end)))
               order by k.id), '[]')
      from (select *, count(*) over (partition by name) as namesakes
              from api_key where tenant_id is not distinct from p_tenant and not revoked) k
$$;

-- Everything that nexusctl export writes, in the terms of the tables: {"tenants": [tenant_apply's + "keys", "services",
-- "sections"], "clusterKeys"}, of one contact center or of all.
-- Statement: PROVISION_EXPORT
create or replace function provision_export(p_ccid text) returns text
language plpgsql stable security definer set search_path from current as $$
declare
    wanted int := tenant_of(p_ccid); -- also where there is no contact center at all
begin
    return json_build_object(
        'tenants', coalesce((
            select json_agg(json_build_object(
                'tenant', json_strip_nulls(json_build_object(
                    'ccid', t.ccid, 'name', t.name, 'type', t.type, 'backendurl', t.backend_url, 'username', t.username,
                    'genesystemenantid', t.genesys_tenant_id)),
                'keys', keys_export(t.id),
                'services', (select coalesce(json_agg(json_build_object('name', v.name, 'url', v.url, 'data', v.data)
                                                      order by v.name), '[]') from service v where v.tenant_id = t.id),
                'sections', (select coalesce(json_agg(json_build_object('transaction', s.transaction, 'section', s.section,
                                                                        'options', s.options)
                                                      order by s.transaction, s.section), '[]')
                               from transaction_section s where s.tenant_id = t.id)) order by t.id)
              from tenant t where wanted in (0, t.id)), '[]'),
        'clusterKeys', case when coalesce(p_ccid, '') = '' then keys_export(null) end)::text;
end
$$;

-- nexusctl numbers move: gives a number of one contact center, or one without an owner, to another. Its section moves to the new owner, and
-- its entry in the service Async is removed: the webhook and its secrets belong to the former owner, so the new one provisions its own;
-- until then answers wait. Earlier conversations stay with the former owner. Returns the plan; [] where there is nothing to do.
create or replace function number_move(p_number text, p_to uuid) returns text
language plpgsql security definer set search_path from current as $$
declare
    -- Lock order: it founds none.
    heir int := tenant_named(0, p_to, false);
    owner int;
    moved transaction_section;
    plan json[] := '{}';
    name text;
begin
    perform provision_lock();
    perform from tenant t where t.id = heir or t.id in (select c.tenant_id from channel c
                                                        where c.address = p_number and c.retired is null and c.kind = :channel_sms)
      order by t.id for no key update;
    if (select count(*) from channel c where c.address = p_number and c.retired is null and c.kind = :channel_sms) > 1 then
        raise exception 'several contact centers have this short code, in different countries; remove the section of the one that loses it'
              using errcode = 'NX409';
    end if;
    select c.tenant_id into owner from channel c where c.address = p_number and c.retired is null and c.kind = :channel_sms;
    if owner = heir then
        return '[]';
    end if;
    perform tenant_lock(t) from unnest(array_remove(array[owner, heir], null)) t order by t;
    delete from transaction_section s
     where s.tenant_id = owner and s.transaction = 'NexusServices' and s.section like 'chat.%'
       and s.options ->> 'channelId' = p_number
    returning * into moved;
    if moved.section is null and owner is not null then
        raise exception 'the section of the number was removed in the meantime' using errcode = 'NX409';
    end if;
    if owner is not null then
        update service v
           set data = jsonb_set(v.data, '{channels}', coalesce((
                   select jsonb_agg(c.value order by c.nth) from jsonb_array_elements(v.data -> 'channels') with ordinality c (value, nth)
                    where c.value ->> 'channelId' <> p_number), '[]')),
               secret = jsonb_set(v.secret, '{channels}', coalesce((
                   select jsonb_agg(c.value order by c.nth) from jsonb_array_elements(v.secret -> 'channels') with ordinality c (value, nth)
                    where c.value ->> 'channelId' <> p_number), '[]')),
               changed = now(), changed_by = 'nexusctl'
         where v.tenant_id = owner and v.name = 'Async' and v.data @> jsonb_build_object('channels', jsonb_build_array(
                   jsonb_build_object('channelId', p_number)));
        plan := plan || plan_line('delete', 'number', (select t.ccid::text from tenant t where t.id = owner), p_number, '{}');
    end if;
    if not exists (select from transaction_section s where s.tenant_id = heir and s.transaction = 'NexusServices'
                                                       and s.section like 'chat.%' and s.options ->> 'channelId' = p_number) then
        if moved.section is null then
            raise exception 'no contact center has this number, and this one does not provision it; provision it' using errcode = 'NX404';
        end if;
        name := moved.section;
        if exists (select from transaction_section s
                    where s.tenant_id = heir and s.transaction = 'NexusServices' and s.section = name) then
            name := 'chat.' || ltrim(p_number, '+');
        end if;
        insert into transaction_section (tenant_id, transaction, section, options, secret, changed_by)
        values (heir, 'NexusServices', name, moved.options, '{}', 'nexusctl');
        -- An endpoint of the former owner does not exist for the new one.
        update transaction_section s set options = s.options - 'endpoint'
         where s.tenant_id = heir and s.transaction = 'NexusServices' and s.section = name
           and exists (select from transaction_section e where e.tenant_id = heir and e.transaction = 'NexusEndpoints')
           and exists (select from jsonb_to_recordset(references_of(heir)) as r (option text, holder text, there boolean)
                        where r.option = 'endpoint' and r.holder = name and not r.there);
        perform references_note(heir); -- the service that it names may still have to be set up
    end if;
    plan := plan || plan_line('create', 'number', p_to::text, p_number, '{}');
    if owner is not null then
        perform channels_retire(owner);
    end if;
    perform channels_derive(heir);
    if owner is not null then
        -- Lock order: who holds a destination does not wait for rows of the queue.
        perform channels_derive(owner);
    end if;
    perform audit_plan(plan);
    return array_to_json(plan)::text;
end
$$;
