-- After the COMMIT of MOs that may be a STOP: does a worker hold a row for this person and number, and has the person opted out? One answer
-- for each, in order. The statement waits for claims and checks that have such a row locked right now: they began before the opt-out was
-- visible, and their lease is visible when this returns.
create or replace function stop_fence(p_tenants int[], p_ids uuid[]) returns setof boolean
language sql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
    with said as materialized (
        select i.place, i.tenant_id, coalesce(m.channel_id, p.channel_id) as channel_id,
               coalesce(m.address, p.address) as address
        from unnest(p_tenants, p_ids) with ordinality i (tenant_id, id, place)
        left join message m on m.tenant_id = i.tenant_id and m.id = i.id
        left join inbound_part p on p.tenant_id = i.tenant_id and p.id = i.id
    ), theirs as materialized (
        select d.id
        from (select distinct tenant_id, address from said) s
        join contact k on k.tenant_id = s.tenant_id and k.address = s.address
        join conversation c on c.tenant_id = k.tenant_id and c.contact_id = k.id
        join delivery d on d.tenant_id = c.tenant_id and d.conversation_id = c.id
        union all
        select d.id
        from (select distinct address from said) s
        join delivery d on d.address = s.address and d.conversation_id is null
    ), seen as materialized (
        select d.tenant_id, d.channel_id, d.address, d.message_id, d.lease_until
        from delivery d
        where d.id in (select t.id from theirs t)
        order by d.id for key share
    )
    select exists (select from seen
                   join opt_out o on o.tenant_id = seen.tenant_id and o.channel_id = seen.channel_id
                                 and o.address = seen.address and o.cleared is null
                   join message m on m.tenant_id = seen.tenant_id and m.id = seen.message_id
                                 and (m.answers is null or m.created < o.since)
                   where seen.lease_until is not null
                     and (seen.tenant_id, seen.channel_id, seen.address) = (s.tenant_id, s.channel_id, s.address))
    from said s order by s.place
$$;
