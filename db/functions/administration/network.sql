-- Private networks that an operator grants to the webhooks of one contact center. What nexusctl passes was read by
-- address_grant_read() (common/io/tcp/address.h), so one range has one spelling.

-- Of all contact centers (tenant 0), or of one.
create or replace function network_list(p_tenant int) returns text
language sql stable as $$
    select json_build_object('networks', coalesce(json_agg(json_build_object(
               'ccid', t.ccid, 'range', n.range, 'granted', moment(n.granted)) order by t.id, n.range), '[]'))::text
      from tenant_network n join tenant t on t.id = n.tenant_id
     where p_tenant in (0, n.tenant_id)
$$;

-- Rows that a worker holds are claimed again within a second (delivery_renew()), with the new ranges.
create or replace function networks_told(p_tenant int) returns void
language sql as $$
    update destination d set changed = now() where d.tenant_id = p_tenant
$$;

-- A crash before COMMIT: nothing was granted. granted false: it was already granted.
create or replace function network_grant(p_tenant int, p_range text) returns text
language plpgsql security definer set search_path from current as $$
declare
    is_new boolean;
begin
    perform from tenant t where t.id = p_tenant for update; -- one at a time, for the limit
    if not found then
        raise exception '--tenant: name the contact center' using errcode = 'NX400';
    end if;
    insert into tenant_network (tenant_id, range) values (p_tenant, p_range) on conflict do nothing;
    is_new := found;
    if (select count(*) from tenant_network n where n.tenant_id = p_tenant) > 64 then
        raise exception 'a contact center has at most 64 networks' using errcode = 'NX409';
    end if;
    if is_new then
        perform networks_told(p_tenant);
        perform audit_write(p_tenant, 'network.grant', p_range, '{}');
    end if;
    return json_build_object('range', p_range, 'granted', is_new)::text;
end
$$;

create or replace function network_revoke(p_tenant int, p_range text) returns text
language plpgsql security definer set search_path from current as $$
begin
    perform from tenant t where t.id = p_tenant for no key update;
    delete from tenant_network n where n.tenant_id = p_tenant and n.range = p_range;
    if not found then
        raise exception 'this contact center has no such network' using errcode = 'NX404';
    end if;
    perform networks_told(p_tenant);
    perform audit_write(p_tenant, 'network.revoke', p_range, '{}');
    return json_build_object('range', p_range, 'revoked', true)::text;
end
$$;
