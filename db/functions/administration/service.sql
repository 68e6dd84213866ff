-- Services and transactions of a contact center. What is written here was checked before (common/provisioning/service_schema.h,
-- transaction_schema.h) and its secrets are sealed; they are never read back.

create or replace function service_json(v service) returns json
language sql stable as $$
    select json_build_object('name', v.name, 'url', v.url, 'data', v.data, 'changed', moment(v.changed),
                             'changedby', v.changed_by)
$$;

-- The secrets of the service Async: one entry for each channel of its data, the new one over the old one's; a member that is
-- null there is removed.
create or replace function service_channel_secrets(p_data jsonb, p_new jsonb, p_old jsonb) returns jsonb
language plpgsql as $$
declare
    entries jsonb;
    without int;
    bare int;
begin
    select jsonb_strip_nulls(jsonb_agg(coalesce(o.entry, '{}') || coalesce(n.entry, '{}') order by d.place)),
           min(d.place) filter (where n.entry is null and o.entry is null),
           min(n.place) filter (where not coalesce(o.entry, '{}') || n.entry ? 'webhook')
      into entries, without, bare
      from jsonb_array_elements(p_data -> 'channels') with ordinality d (value, place)
      left join jsonb_array_elements(p_new -> 'channels') with ordinality n (entry, place) on n.entry -> 'channelId' = d.value -> 'channelId'
      left join jsonb_array_elements(p_old -> 'channels') o (entry) on o.entry -> 'channelId' = d.value -> 'channelId';
    if without is not null then
        raise exception 'secret.channels: no entry for the channelId of data.channels[%]', without - 1
              using errcode = 'NX400';
    elsif bare is not null then
        raise exception 'secret.channels[%].webhook: missing', bare - 1 using errcode = 'NX400';
    end if;
    return jsonb_build_object('channels', coalesce(entries, '[]'));
end
$$;

-- Creates or replaces. p_doc {"url", "data", "secret", "missing"}: a secret that is left out stays as it is; where there
-- is none yet, missing says what is wrong with that (null: nothing).
-- Statement: SERVICE_WRITE
create or replace function service_write(p_principal int, p_ccid uuid, p_name text, p_doc jsonb, p_by text) returns text
language plpgsql security definer set search_path from current as $$
declare
    tenant int := tenant_named(p_principal, p_ccid, true);
    old service;
    new service;
begin
    perform tenant_lock(tenant);
    select * into old from service v where v.tenant_id = tenant and v.name = p_name;
    perform precondition_check(case when old.name is not null then service_json(old)::text end,
                               'serviceName: this service is set up already');
    new.secret := coalesce(nullif(p_doc -> 'secret', 'null'), old.secret);
    if p_name = 'Async' then
        new.secret := service_channel_secrets(p_doc -> 'data', new.secret, coalesce(old.secret, '{}'));
    elsif new.secret is null and p_doc ->> 'missing' is not null then
        raise exception '%', p_doc ->> 'missing' using errcode = 'NX400';
    end if;
    insert into service as v (tenant_id, name, url, data, secret, changed_by)
    values (tenant, p_name, p_doc ->> 'url', p_doc -> 'data', coalesce(new.secret, '{}'), p_by)
        on conflict (tenant_id, name) do update
        set url = excluded.url, data = excluded.data, secret = excluded.secret, changed = now(),
            changed_by = excluded.changed_by
    returning * into new;
    perform channels_derive(tenant);
    perform audit_write(tenant, case when old.name is null then 'service.create' else 'service.change' end, p_name,
                        members_changed(service_part(old), service_part(new)));
    return service_json(new)::text;
end
$$;

-- The parts of a service that can change, for the names of changed fields.
create or replace function service_part(v service) returns jsonb
language sql immutable as $$
    select jsonb_build_object('url', v.url, 'data', v.data, 'secret', v.secret)
$$;

-- Statement: SERVICE_READ
create or replace function service_read(p_principal int, p_ccid uuid, p_name text) returns text
language plpgsql stable security definer set search_path from current as $$
declare
    tenant int := tenant_named(p_principal, p_ccid, false);
    wanted service;
begin
    select * into wanted from service v where v.tenant_id = tenant and v.name = p_name;
    if wanted.name is null then
        raise exception 'there is no such service' using errcode = 'NX404';
    end if;
    return service_json(wanted)::text;
end
$$;

-- Statement: SERVICE_LIST
create or replace function service_list(p_principal int, p_ccid uuid) returns text
language plpgsql stable security definer set search_path from current as $$
declare
    tenant int := tenant_named(p_principal, p_ccid, false);
begin
    return (select json_build_object('services', coalesce(json_agg(service_json(v) order by v.name), '[]'))::text
              from service v where v.tenant_id = tenant);
end
$$;

-- Statement: SERVICE_DELETE
create or replace function service_delete(p_principal int, p_ccid uuid, p_name text) returns text
language plpgsql security definer set search_path from current as $$
declare
    tenant int := tenant_named(p_principal, p_ccid, false);
begin
    perform tenant_lock(tenant);
    perform precondition_check(service_read(p_principal, p_ccid, p_name), 'serviceName: this service is set up');
    delete from service v where v.tenant_id = tenant and v.name = p_name;
    perform channels_derive(tenant);
    perform audit_write(tenant, 'service.delete', p_name, '{}');
    return json_build_object('name', p_name)::text;
end
$$;

-- Transactions. p_section null: all sections of it.

-- {"<section>/<option>": value} of a transaction, for the names of what changes.
create or replace function transaction_part(p_tenant int, p_transaction text) returns jsonb
language sql stable as $$
    select coalesce(jsonb_object_agg(s.section || '/' || o.key, o.value), '{}')
      from transaction_section s cross join jsonb_each(s.options || s.secret) o
     where s.tenant_id = p_tenant and s.transaction = p_transaction
$$;

-- p_sections {"<section>": {"options", "secret"}}: with p_section that one alone is written, else all others go. A secret
-- option that is left out stays as it is.
-- Statement: TRANSACTION_WRITE
create or replace function transaction_write(p_principal int, p_ccid uuid, p_transaction text, p_section text,
                                             p_sections jsonb, p_by text) returns text
language plpgsql security definer set search_path from current as $$
declare
    tenant int := tenant_named(p_principal, p_ccid, true);
    before jsonb;
begin
    perform tenant_lock(tenant);
    perform precondition_check(transaction_shown(tenant, p_transaction, p_section),
                               case when p_section is null then 'transaction: it is there already'
                                    else 'section: there is one of this name already' end);
    before := transaction_part(tenant, p_transaction);
    delete from transaction_section s
     where s.tenant_id = tenant and s.transaction = p_transaction and p_section is null and not p_sections ? s.section;
    insert into transaction_section as s (tenant_id, transaction, section, options, secret, changed_by)
    select tenant, p_transaction, n.key, n.value -> 'options', n.value -> 'secret', p_by from jsonb_each(p_sections) n
        on conflict (tenant_id, transaction, section) do update
        set options = excluded.options, secret = s.secret || excluded.secret, changed = now(),
            changed_by = excluded.changed_by
      where (s.options, s.secret) is distinct from (excluded.options, s.secret || excluded.secret);
    perform channels_derive(tenant);
    perform audit_write(tenant, 'transaction.change', p_transaction || coalesce('/' || p_section, ''),
                        members_changed(before, transaction_part(tenant, p_transaction)));
    -- Lock order: the contact center is there, so this locks nothing.
    return transaction_read(p_principal, p_ccid, p_transaction, p_section);
end
$$;

-- The answer of a GET; null: there is no such section.
create or replace function transaction_shown(p_tenant int, p_transaction text, p_section text) returns text
language plpgsql stable as $$
begin
    if p_section is null then
        return (select coalesce(jsonb_object_agg(s.section, s.options), '{}')::text from transaction_section s
                 where s.tenant_id = p_tenant and s.transaction = p_transaction);
    end if;
    return (select s.options::text from transaction_section s
             where s.tenant_id = p_tenant and s.transaction = p_transaction and s.section = p_section);
end
$$;

-- Statement: TRANSACTION_READ
create or replace function transaction_read(p_principal int, p_ccid uuid, p_transaction text, p_section text) returns text
language plpgsql security definer set search_path from current as $$
declare
    shown text := transaction_shown(tenant_named(p_principal, p_ccid, false), p_transaction, p_section);
begin
    if shown is null then
        raise exception 'there is no such section' using errcode = 'NX404';
    end if;
    return shown;
end
$$;

-- Statement: TRANSACTION_DELETE
create or replace function transaction_delete(p_principal int, p_ccid uuid, p_transaction text, p_section text)
returns text language plpgsql security definer set search_path from current as $$
declare
    tenant int := tenant_named(p_principal, p_ccid, false);
    gone text[];
begin
    perform tenant_lock(tenant);
    perform precondition_check(transaction_shown(tenant, p_transaction, p_section), 'section: it is there');
    with deleted as (
        delete from transaction_section s
         where s.tenant_id = tenant and s.transaction = p_transaction and s.section = coalesce(p_section, s.section)
        returning s.section
    )
    select array_agg(section order by section) into gone from deleted;
    if gone is null then
        raise exception 'there is no such section' using errcode = 'NX404';
    end if;
    perform channels_derive(tenant);
    perform audit_write(tenant, 'transaction.delete', p_transaction || coalesce('/' || p_section, ''), gone);
    return json_build_object('sections', gone)::text;
end
$$;
