-- Identity: who holds a key.

-- Who calls? p_mac is HMAC-SHA-256 (pepper, SHA-256 (key)). One JSON object, or null for whatever reason the key is no
-- good: unknown, disabled, revoked, expired, or not the key of the contact center it was used for. A cluster key acts for
-- the contact center that p_ccid names; without one it is tenant 0. The same look-ups run in every case.
create or replace function key_lookup(p_mac bytea, p_ccid uuid) returns text
language sql stable as $$
    select json_build_object(
               'tenant', coalesce(t.id, 0), 'ccid', t.ccid, 'key', k.id, 'name', k.name, 'permissions', k.permissions,
               'expires_in_s', floor(extract(epoch from k.expires - now()))::bigint,
               'capacity', k.capacity, 'frequency', k.frequency)::text
    from api_key k
    left join tenant named on named.ccid = p_ccid
    left join tenant t on t.id = coalesce(k.tenant_id, named.id)
    where k.mac = p_mac and k.enabled and not k.revoked and (k.expires is null or k.expires > now())
      and (p_ccid is null or named.id = t.id)
$$;

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
