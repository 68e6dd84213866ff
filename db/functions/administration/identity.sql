-- Identity: contact centers as operators name them.

-- What gateways cache about these contact centers has changed; called by triggers (db/migrations/0003_identity.sql).
create or replace function identity_tell(p_tenants int[]) returns void
language plpgsql as $$
begin
    if array_position(p_tenants, null) is not null or cardinality(p_tenants) > 100 then
        perform pg_notify('nexus_identity', '*');
    else
        perform pg_notify('nexus_identity', tenant::text) from unnest(p_tenants) tenant;
    end if;
end
$$;

-- The number (tenant.id) of the contact center with this ccid; null or '' is 0, all of them.
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
