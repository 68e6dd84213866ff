-- Cancels messages that wait to be sent, so that the following ones can be sent.

-- Was a request of it sent whose outcome is unknown?
create or replace function message_in_doubt(p_tenant int, p_message uuid) returns boolean
language sql stable as $$
    select exists (select from attempt a
                   where a.tenant_id = p_tenant and a.message_id = p_message and a.outcome in ('uncertain', 'lost'))
$$;

-- Removes rows from the queue that the caller has locked and that no worker holds: they end as cancelled, or as uncertain if they may have
-- arrived already.
create or replace function delivery_cancel(p_rows bigint[]) returns void
language sql as $$
    select delivery_end(array_agg(d.id order by d.id),
                        array_agg((case when message_in_doubt(d.tenant_id, d.message_id) then :state_uncertain else :state_cancelled end)::smallint order by d.id))
    from delivery d where d.id = any (p_rows)
$$;

-- Cancels one waiting message; with p_tenant 0 of any contact center. A repetition gets the same answer. A lease, even an expired one,
-- means that a worker may be sending the message: then it is not cancelled. destination: whose doorbell to ring; null if nothing changed.
create or replace function message_cancel(p_tenant int, p_id uuid)
returns table (answer text, tenant int, destination int)
language plpgsql security definer set search_path from current as $$
declare
    wanted message;
    queued delivery;
begin
    select m.* into wanted from tenant t join message m on m.tenant_id = t.id and m.id = p_id where p_tenant in (0, t.id);
    if not found then
        raise exception 'there is no such message' using errcode = 'NX404';
    end if;
    if wanted.direction <> :direction_out then
        raise exception 'only messages on their way out can be cancelled' using errcode = 'NX409';
    end if;
    select d.* into queued from delivery d where d.id = (select q.id from message_queued(wanted) q) for update;
    if queued.id is null then
        select m.* into wanted from message m where m.tenant_id = wanted.tenant_id and m.id = wanted.id;
        if wanted.state not in (:state_cancelled, :state_uncertain) then
            raise exception 'the message is % already', (select s.name from message_state s where s.id = wanted.state)
                using errcode = 'NX409';
        end if;
        return query select message_summary(wanted)::text, wanted.tenant_id, null::int;
        return;
    end if;
    if queued.lease_until is not null then
        raise exception 'the message is being sent; look again when this attempt is over, within a minute' using errcode = 'NX409';
    end if;
    perform delivery_cancel(array[queued.id]);
    perform audit_write(wanted.tenant_id, 'message.cancel', wanted.id::text, '{}');
    select m.* into wanted from message m where m.tenant_id = wanted.tenant_id and m.id = wanted.id;
    return query select message_summary(wanted)::text, wanted.tenant_id, queued.destination_id;
end
$$;

-- nexusctl cancel: these messages, or what waits for a destination, the oldest first and p_room at most. p_dry only looks.
-- in_hand: how many are being sent and were not cancelled.
create or replace function operator_cancel(p_tenant int, p_ids uuid[], p_destination text, p_room int, p_dry boolean) returns text
language plpgsql as $$
declare
    chosen  bigint[];
    in_hand int;
begin
    if p_destination is not null
       and not exists (select from destination d where p_destination = d.id::text and p_tenant in (0, d.tenant_id)) then
        raise exception 'there is no such destination' using errcode = 'NX404';
    end if;
    with meant as materialized (
        select d.id, d.lease_until from delivery d
         where p_destination is not null and d.destination_id = p_destination::int
        union
        select q.id, q.lease_until
          from unnest(p_ids) i (id)
          join tenant t on p_tenant in (0, t.id)
          join message m on m.tenant_id = t.id and m.id = i.id
         cross join lateral message_queued(m) q
    ), free as (
        select d.id from delivery d join (select m.id from meant m where m.lease_until is null order by m.id limit p_room) f on f.id = d.id
         where d.lease_until is null order by d.id for update of d skip locked
    )
    select array(select f.id from free f), (select count(*) from meant m where m.lease_until is not null) into chosen, in_hand;
    if not p_dry and cardinality(chosen) > 0 then
        perform audit_write(d.tenant_id, 'message.cancel', coalesce('destination ' || p_destination, 'ids'), '{}')
           from (select distinct d.tenant_id from delivery d where d.id = any (chosen)) d;
        perform delivery_cancel(chosen);
    end if;
    return json_build_object('cancelled', cardinality(chosen), 'inHand', in_hand)::text;
end
$$;
