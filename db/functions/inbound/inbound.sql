-- Inbound SMS: from a batch of MOs to messages in conversations.

-- Accepts a batch. One element of each array is one MO:
--   p_tenants, p_numbers     the number that was written to, and its owner
--   p_ids                    follow from all that makes it this MO: the same for each repetition (sms-worker/inbound/mo_identity.h)
--   p_externals              the sender's message_id
--   p_addresses, p_bodies    sender and text
--   p_conversations          new ids, each used if its MO opens a conversation
--   p_attachments            null, or a JSON list of {content_type, content}, content in base64 or an upload (attachment.sql)
--   p_refs, p_totals, p_parts   for a part of a long MO: its reference, how many parts there are, and which this is. Total 0: a whole
--                            MO; part -n: it was joined from n parts, which were accepted before, so it is stored even if its
--                            number was retired
--   p_traces                 traceparent
--   p_keys                   keyword_key() of the texts, if the caller knows it: '' is no keyword, null is unknown
-- and gives one row for each, in the order of the arrays. outcome: 1 stored now, 2 stored before, 3 no such number,
-- 4 a part, 5 a part that came before; its answer is the same before and after it was joined (inbound_part.sql). bell: the
-- destination of the keyword reply.
--
-- One transaction: after a crash anywhere in it nothing of the batch exists; after COMMIT all of it does. Run twice it
-- changes nothing and answers the same. Rows are locked in the order of db/README.md: conversation (by channel and address), message
-- (by id), contact (by address) and so on, so two batches that touch the same rows wait for each other and do not deadlock. They wait
-- briefly: if somebody holds a row for longer, only the MOs that need it go on waiting (common/store/batcher.h).
create or replace function sms_accept(
    p_tenants int[], p_numbers text[], p_ids uuid[], p_externals text[], p_addresses text[], p_bodies text[],
    p_conversations uuid[], p_attachments text[], p_refs text[], p_totals smallint[], p_parts smallint[],
    p_traces text[], p_keys text[] default null)
returns table (outcome smallint, message_id uuid, conversation_id uuid, sequence int, bell int)
language plpgsql set lock_timeout = '100ms' as $$
#variable_conflict use_column
declare
    stored uuid[];   -- what is new, in the order of the arrays
    homes  uuid[];
    places int[];
    opened uuid[];   -- new conversations, and their tenants
    openers int[];
    bells  int[];    -- in the order of the arrays
    missed int;
    me int := process_here();
begin
    if not senders_are_numbers(p_addresses) then
        p_addresses := senders_known(p_tenants, p_addresses);
    end if;
    if 0 <> any (p_totals) then
        return query -- Lock order: what follows does not run then.
                     select * from sms_accept_parts(p_tenants, p_numbers, p_ids, p_externals, p_addresses, p_bodies, p_conversations,
                                                    p_attachments, p_refs, p_totals, p_parts, p_traces);
        return;
    end if;

    with input as materialized (
        select i.*, c.id as channel_id, c.campaign_only, c.endpoint
          from unnest(p_tenants, p_numbers, p_ids, p_externals, p_addresses, p_bodies, p_conversations, p_traces, p_parts)
               with ordinality as i (tenant_id, number, id, external_id, address, body, offered, trace, part, place)
          join channel c on c.tenant_id = i.tenant_id and c.address = i.number
                        and (c.retired is null or i.part < 0)
    ), fresh as materialized (
        -- A repetition inside the batch: the first one counts.
        select distinct on (i.tenant_id, i.id) i.*
          from input i
         where not exists (select from message m where m.tenant_id = i.tenant_id and m.id = i.id)
         order by i.tenant_id, i.id, i.place
    ), numbered as materialized (
        select f.*,
               row_number() over (partition by f.tenant_id, f.channel_id, f.address order by f.place) as nth,
               count(*) over (partition by f.tenant_id, f.channel_id, f.address) as of_them
          from fresh f
    ), talk as (
        -- The open conversation of the number and the consumer, or a new one; last_sequence grows by the number of its new messages.
        insert into conversation as c (tenant_id, id, channel_id, address, state, last_sequence, queue)
        select n.tenant_id, n.offered, n.channel_id, n.address, :conversation_waiting, n.of_them, n.endpoint
          from numbered n
         where n.nth = 1 and not n.campaign_only
         order by n.tenant_id, n.channel_id, n.address
            on conflict (tenant_id, channel_id, address) where state < :conversation_done
            do update set last_sequence = c.last_sequence + excluded.last_sequence, last_activity = now()
        returning c.tenant_id, c.channel_id, c.address, c.id, c.last_sequence, c.contact_id is null as is_new
    ), placed as materialized (
        select n.*, t.id as conversation_id, (t.last_sequence - n.of_them + n.nth)::int as sequence, t.is_new
          from numbered n
          -- A full join in place of a left join avoids a nested loop over all rows: the planner expects one row, and there may be 200.
          full join talk t on (t.tenant_id, t.channel_id, t.address) = (n.tenant_id, n.channel_id, n.address)
    ), written as (
        insert into message (tenant_id, id, channel_id, conversation_id, sequence, direction, state, address,
                             external_id, body, traceparent, process, parts)
        select p.tenant_id, p.id, p.channel_id, p.conversation_id, p.sequence, :direction_in, :state_received, p.address,
               p.external_id, p.body, p.trace, me, case when p.part < 0 then -p.part end
          from placed p
         order by p.tenant_id, p.id
            on conflict (tenant_id, id) do nothing
        returning 1
    ), told as (
        insert into event (tenant_id, kind, conversation_id, message_id, sequence, state)
        select p.tenant_id, :event_message, p.conversation_id, p.id, p.sequence, :state_received
          from placed p
         where p.conversation_id is not null
    ), entered as (
        insert into ledger_entry (tenant_id, channel_id, direction, accepted, state, messages)
        select p.tenant_id, p.channel_id, :direction_in, count(*), :state_received, count(*) from placed p where p.part >= 0 group by 1, 2
    )
    select array_agg(p.id order by p.place), array_agg(p.conversation_id order by p.place),
           array_agg(p.sequence order by p.place),
           array_agg(p.conversation_id) filter (where p.is_new and p.nth = 1),
           array_agg(p.tenant_id) filter (where p.is_new and p.nth = 1),
           count(*) - (select count(*) from written)
      into stored, homes, places, opened, openers, missed
      from placed p;

    if missed > 0 then
        -- The same MO was stored by another transaction after the check: its number would be a gap in the sequence.
        raise exception using errcode = '40001', message = 'stored in the meantime';
    end if;
    if cardinality(stored) is distinct from cardinality(p_ids) then
        perform message_repeated(p_tenants, p_ids, stored);
    end if;
    if opened is not null then
        perform conversation_opened(openers, opened);
    end if;
    if array_remove(p_attachments, null) <> '{}' then
        perform attachments_store(p_tenants, p_ids, p_attachments, stored);
    end if;
    if p_keys is null or array_position(p_keys, null) > 0 then
        p_keys := array(select coalesce(i.key, keyword_key(i.body), '')
                        from unnest(p_bodies, p_keys) with ordinality as i (body, key, place) order by i.place);
    end if;
    if keywords_among(p_keys) then
        bells := keywords_take(p_tenants, p_numbers, p_ids, p_addresses, p_keys, stored);
    end if;

    if cardinality(stored) = cardinality(p_ids) then
        return query select :accept_stored::smallint, s.id, s.home, s.place, s.bell
                       from unnest(stored, homes, places, bells) as s (id, home, place, bell);
        return;
    end if;
    return query
        select case when c.id is null then :accept_no_such_number when i.id = any (stored) then :accept_stored else :accept_stored_before end::smallint,
               m.id, m.conversation_id, m.sequence, i.bell
          from unnest(p_tenants, p_numbers, p_ids, bells) with ordinality as i (tenant_id, number, id, bell, place)
          left join channel c on c.tenant_id = i.tenant_id and c.address = i.number and c.retired is null
          left join message m on m.tenant_id = i.tenant_id and m.id = i.id and c.id is not null
         order by i.place;
end $$;

-- The answer to an MO; null for an error. It is stable because || of such types is stable; PostgreSQL would not inline it as immutable.
create or replace function sms_answer(p_outcome smallint, p_message_id uuid, p_conversation_id uuid, p_sequence int) returns text
language sql stable as $$
    select case when p_outcome <> :accept_no_such_number then
        '{"messageId":"' || p_message_id || '"'
        || coalesce(',"conversationId":"' || p_conversation_id || '","sequence":' || p_sequence, '') || '}' end
$$;

-- Counts repetitions of messages; p_fresh are those that came for the first time with this batch. A batch that runs again because its
-- outcome was unknown counts too.
create or replace function message_repeated(p_tenants int[], p_ids uuid[], p_fresh uuid[]) returns void
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    update message m
       set repeated = coalesce(m.repeated, 0) + i.times, repeated_last = now(), repeated_process = process_here()
      from (select i.tenant_id, i.id, count(*) - count(*) filter (where i.id = any (p_fresh) and i.nth = 1) as times
              from (select i.tenant_id, i.id, row_number() over (partition by i.tenant_id, i.id) as nth
                      from unnest(p_tenants, p_ids) as i (tenant_id, id)) as i
             group by i.tenant_id, i.id order by i.tenant_id, i.id) as i
     where m.tenant_id = i.tenant_id and m.id = i.id and i.times > 0;
end $$;

-- Assigns a contact to new conversations: the one with that address, or a new one. A new contact gets the id of its first conversation.
create or replace function conversation_opened(p_tenants int[], p_new_ids uuid[]) returns void
language plpgsql as $$ -- unlike an SQL function it keeps its plans from call to call
begin
    insert into contact (tenant_id, id, address)
    select distinct on (c.tenant_id, c.address) c.tenant_id, c.id, c.address
      from unnest(p_tenants, p_new_ids) as n (tenant_id, id)
      join conversation c on c.tenant_id = n.tenant_id and c.id = n.id
     order by c.tenant_id, c.address
        on conflict (tenant_id, address) do nothing;

    -- Lock order: this transaction made them.
    update conversation c
       set contact_id = k.id
      from unnest(p_tenants, p_new_ids) as n (tenant_id, id), contact k
     where c.tenant_id = n.tenant_id and c.id = n.id
       and k.tenant_id = c.tenant_id and k.address = c.address;

    insert into event (tenant_id, kind, conversation_id, state)
    select n.tenant_id, :event_conversation, n.id, :conversation_waiting from unnest(p_tenants, p_new_ids) as n (tenant_id, id);
end $$;
