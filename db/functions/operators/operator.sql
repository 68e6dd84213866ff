-- Queries of nexusctl only, which acts for all contact centers.

-- Statement: OPERATOR_TENANTS
create or replace function operator_tenants() returns text
language sql stable as $$
    select json_build_object('tenants', coalesce(json_agg(json_build_object(
               'ccid', t.ccid, 'name', t.name,
               'numbers', (select count(*) from channel c where c.tenant_id = t.id and c.retired is null),
               'keys', (select count(*) from api_key k where k.tenant_id = t.id and not k.revoked),
               'created', moment(t.created), 'deleting', moment(t.deleting)) order by t.id), '[]'))::text
    from tenant t
$$;

-- A number or mail domain that some contact center (p_tenant 0), or this one, has or had; null: none is meant.
create or replace function operator_channel(p_tenant int, p_address text) returns text
language plpgsql stable as $$
begin
    if p_address is not null and not exists (select from channel c where c.address = p_address and p_tenant in (0, c.tenant_id)) then
        raise exception 'there is no such number or mail domain' using errcode = 'NX404';
    end if;
    return p_address;
end
$$;

-- A page of the numbers and mail domains that were ever provisioned, in the order in which they came; p_after: the "next" of the
-- page before. Only the sections of the page's contact centers are read.
create or replace function number_list(p_tenant int, p_after text, p_count int) returns text
language plpgsql stable security definer set search_path from current as $$
begin
    if coalesce(p_after, '') !~ '^[0-9]{0,9}$' then
        raise exception 'after: must be the "next" of an earlier page' using errcode = 'NX400';
    end if;
    return (with page as materialized (
                select c.* from channel c
                 where p_tenant in (0, c.tenant_id) and c.id > coalesce(nullif(p_after, ''), '0')::int
                 order by c.id limit p_count
            ), country as (
                select s.tenant_id, s.options ->> 'channelId' as address, min(s.options ->> 'country') as code
                  from transaction_section s
                 where s.tenant_id in (select p.tenant_id from page p) and s.transaction = 'NexusServices' and s.options ? 'country'
                 group by 1, 2
            )
            select json_build_object(
                'numbers', coalesce(json_agg(json_build_object(
                    'number', p.address, 'ccid', t.ccid, 'kind', case p.kind when :channel_sms then 'sms' else 'email' end,
                    'country', y.code, 'name', p.name, 'endpoint', nullif(p.endpoint, ''), 'service', p.provider,
                    'destination', p.destination_id::text,
                    'state', case when p.retired is not null then 'retired'
                                  when p.claim is null then 'in use twice'
                                  when p.destination_id is null then 'no webhook'
                                  else 'in use' end) order by p.id), '[]'),
                'next', case when count(*) = p_count then max(p.id)::text end)::text
              from page p
              join tenant t on t.id = p.tenant_id
              left join country y on y.tenant_id = p.tenant_id and y.address = p.address);
end
$$;

create or replace function key_json(k api_key) returns json
language sql stable as $$
    select json_build_object(
        'id', k.id, 'ccid', coalesce((select t.ccid::text from tenant t where t.id = k.tenant_id), '*'),
        'name', k.name, 'prefix', k.prefix, 'permissions', k.permissions, 'enabled', k.enabled, 'revoked', k.revoked,
        'expires', moment(k.expires), 'expired', coalesce(k.expires <= now(), false), 'capacity', k.capacity, 'frequency', k.frequency, 'created', moment(k.created))
$$;

-- All keys, or those of one contact center ('*': cluster keys).
-- Statement: KEY_LIST
create or replace function key_list(p_ccid text) returns text
language plpgsql stable as $$
declare
    wanted int := case when p_ccid is distinct from '*' then tenant_of(p_ccid) end;
begin
    return json_build_object('keys', coalesce(json_agg(key_json(k) order by k.tenant_id nulls first, k.id), '[]'))::text
      from api_key k where case when wanted is null then k.tenant_id is null else wanted in (0, k.tenant_id) end;
end
$$;

-- A key of a name that its contact center ('*': none, a cluster key) does not use yet. p_doc as in apikey_insert.
-- Statement: KEY_CREATE
create or replace function key_create(p_ccid text, p_doc json) returns text
language plpgsql security definer set search_path from current as $$
declare
    owner int := case when p_ccid = '*' then null else tenant_of(p_ccid) end;
    made api_key;
begin
    perform tenant_is_closed(owner);
    perform apikey_check_new(owner, p_doc);
    made := apikey_insert(owner, p_doc, 'nexusctl');
    perform audit_write(owner, 'key.create', made.prefix, '{}');
    return key_json(made)::text;
end
$$;

-- The one key that an operator means by its name or its first characters; p_ccid narrows it down ('*': cluster keys). A
-- revoked key is found by its characters only, for its name may have gone to another.
create or replace function operator_key(p_ccid text, p_word text) returns api_key
language plpgsql as $$
declare
    found_keys api_key[];
begin
    select array_agg(k) into found_keys
    from api_key k
    where case when p_ccid = '*' then k.tenant_id is null else tenant_of(p_ccid) in (0, k.tenant_id) end
      and (k.name = p_word and not k.revoked
           or length(p_word) >= 8 and left(k.prefix, length(p_word)) = left(lower(p_word), length(k.prefix)));
    if found_keys is null then
        raise exception 'there is no such key' using errcode = 'NX404';
    end if;
    if cardinality(found_keys) > 1 then
        raise exception 'several keys have this name; give --tenant or the first characters of one' using errcode = 'NX409';
    end if;
    return found_keys[1];
end
$$;

-- p_state enabled, disabled or revoked. A revoked key stays for the record and is never good again.
-- Statement: OPERATOR_KEY_STATE
create or replace function operator_key_state(p_ccid text, p_word text, p_state text) returns text
language plpgsql security definer set search_path from current as $$
declare
    wanted api_key := operator_key(p_ccid, p_word);
    changed api_key;
begin
    select * into wanted from api_key k
     where k.tenant_id is not distinct from wanted.tenant_id and k.id = wanted.id for update;
    if wanted.revoked and p_state <> 'revoked' then
        raise exception 'the key is revoked for good' using errcode = 'NX409';
    end if;
    update api_key k
    set enabled = case p_state when 'revoked' then k.enabled else p_state = 'enabled' end,
        revoked = k.revoked or p_state = 'revoked'
    where k.tenant_id is not distinct from wanted.tenant_id and k.id = wanted.id
    returning * into changed;
    perform audit_write(changed.tenant_id, case p_state when 'revoked' then 'key.revoke' else 'key.change' end,
                        changed.prefix, members_changed(to_jsonb(wanted), to_jsonb(changed)));
    return key_json(changed)::text;
end
$$;
