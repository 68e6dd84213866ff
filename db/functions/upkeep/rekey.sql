-- What nexusctl rekey asks: where sealed secrets are, under which key, and what replaces them. Tenant 0 is what belongs to
-- no contact center. A secret's owner and use are what it is bound to (common/secrets/secret.h).

create or replace function sealed_texts(p_tenant int) returns table (owner text, use text, sealed text)
language sql stable as $$
    select 'tenant', 'token', t.token from tenant t where t.id = p_tenant and t.token is not null
    union all
    select e.value ->> 'channelId', u.use, s.sealed
      from service v
     cross join jsonb_array_elements(coalesce(v.secret -> 'channels', '[]')) e
     cross join (values ('webhook'), ('api')) u (use)
     cross join unnest(secret_list(e.value #> array[u.use, 'secret'])) s (sealed)
     where v.tenant_id = p_tenant
    union all
    select v.name, m.key, s.sealed
      from service v cross join jsonb_each(v.secret) m cross join unnest(secret_list(m.value)) s (sealed)
     where v.tenant_id = p_tenant and m.key <> 'channels'
    union all
    select x.section, m.key, s.sealed
      from transaction_section x cross join jsonb_each(x.secret) m cross join unnest(secret_list(m.value)) s (sealed)
     where x.tenant_id = p_tenant
    union all -- copies, and what is left of channels that went
    select c.address, 'api', s.sealed from channel c cross join unnest(c.secrets) s (sealed) where c.tenant_id = p_tenant
    union all
    select coalesce(c.address, ''), 'webhook', s.sealed
      from destination d
      left join channel c on c.tenant_id = d.tenant_id and c.destination_id = d.id
     cross join unnest(d.secrets) s (sealed)
     where d.tenant_id = p_tenant and (c.address is not null or s.sealed like 'v2|%') -- v1 opens in its place alone
    union all
    select i.key, 'idempotency', i.secret from idempotency i where i.tenant_id = p_tenant and i.secret is not null
    union all
    select g.clientid, 'clientSecret', g.clientsecret
      from nex_gapis g where p_tenant = 0 and g.clientsecret ~ '^v[12]\|'
$$;

-- The id of the key that a secret is sealed under; v1 names none.
create or replace function sealed_key(p_sealed text) returns text
language sql immutable as $$
    select case when p_sealed like 'v2|%' then split_part(p_sealed, '|', 2) else 'v1' end
$$;

-- How many secrets there are under each key: {"<key id>": count}. A copy in another place of the same contact center is the same
-- secret: rekey_take() gives it once.
-- Statement: REKEY_CENSUS
create or replace function rekey_census() returns text
language sql stable security definer set search_path from current as $$
    select coalesce(json_object_agg(k.key, k.count), '{}')::text
      from (select sealed_key(s.sealed) as key, count(distinct (t.id, s.sealed)) as count
              from (select 0 as id union all select id from tenant) t cross join sealed_texts(t.id) s
             group by 1) k
$$;

-- Which tenants have secrets under another key than p_key: [tenant, …].
-- Statement: REKEY_TENANTS
create or replace function rekey_tenants(p_key text) returns text
language sql stable security definer set search_path from current as $$
    select coalesce(json_agg(t.id order by t.id), '[]')::text
      from (select 0 as id union all select id from tenant) t
     where exists (select from sealed_texts(t.id) s where sealed_key(s.sealed) <> p_key)
$$;

-- Those secrets of one tenant, which nobody changes until the transaction ends: [{"ccid", "owner", "use", "sealed"}].
create or replace function rekey_take(p_tenant int, p_key text) returns text
language plpgsql security definer set search_path from current as $$
begin
    perform from tenant t where t.id = p_tenant for no key update; -- as tenant_lock(), also of one that is being deleted
    return (select coalesce(json_agg(s), '[]')::text
              from (select distinct on (s.sealed)
                           coalesce((select t.ccid::text from tenant t where t.id = p_tenant), '*') as ccid, s.*
                      from sealed_texts(p_tenant) s where sealed_key(s.sealed) <> p_key
                     order by s.sealed, s.owner desc) s);
end
$$;

-- p_new {"<sealed>": "<sealed anew>"}, for any depth of p_value.
create or replace function sealed_replace(p_value jsonb, p_new jsonb) returns jsonb
language plpgsql immutable as $$
begin
    case jsonb_typeof(p_value)
    when 'string' then
        return coalesce(p_new -> (p_value #>> '{}'), p_value);
    when 'array' then
        return (select coalesce(jsonb_agg(sealed_replace(e.value, p_new) order by e.place), '[]')
                  from jsonb_array_elements(p_value) with ordinality e (value, place));
    when 'object' then
        return (select coalesce(jsonb_object_agg(m.key, sealed_replace(m.value, p_new)), '{}') from jsonb_each(p_value) m);
    else
        return p_value;
    end case;
end
$$;

create or replace function sealed_replace(p_secrets text[], p_new jsonb) returns text[]
language sql immutable as $$
    select array(select coalesce(p_new ->> s.sealed, s.sealed) from unnest(p_secrets) with ordinality s (sealed, place)
                  order by s.place)
$$;

-- Puts them where they were. What says the same as before is not touched.
create or replace function rekey_store(p_tenant int, p_new jsonb) returns void
language sql security definer set search_path from current as $$
    update tenant t set token = p_new ->> t.token where t.id = p_tenant and p_new ? t.token;
    update service v set secret = sealed_replace(v.secret, p_new)
     where v.tenant_id = p_tenant and v.secret <> sealed_replace(v.secret, p_new);
    update transaction_section x set secret = sealed_replace(x.secret, p_new)
     where x.tenant_id = p_tenant and x.secret <> sealed_replace(x.secret, p_new);
    update channel c set secrets = sealed_replace(c.secrets, p_new)
     where c.tenant_id = p_tenant and c.secrets <> sealed_replace(c.secrets, p_new);
    update destination d set secrets = sealed_replace(d.secrets, p_new)
     where d.tenant_id = p_tenant and d.secrets <> sealed_replace(d.secrets, p_new);
    update idempotency i set secret = p_new ->> i.secret
     where i.tenant_id = p_tenant and i.secret is not null and p_new ? i.secret;
    update nex_gapis g set clientsecret = p_new ->> g.clientsecret where p_tenant = 0 and p_new ? g.clientsecret;
    select audit_write(p_tenant, 'secrets.rekey', '', '{}');
$$;
