-- Inbound SMS: from a batch of MOs to messages in conversations.

-- Accepts a batch. One element of each array is one MO:
--   tenants, numbers   whose number was written to
--   ids                follow from all that makes it this MO: the same for each repetition (sms-worker/mo_identity.h)
--   externals          the sender's message_id
--   addresses, bodies  who wrote what
--   conversations      new ids, each used if its MO opens a conversation
--   attachments        null, or a JSON list of {content_type, content}, content in base64 or an upload (attachment.sql)
--   refs, totals, parts   for a part of a long MO: what joins them, how many, which; total 0: a whole one, and part -n: it was
--                      joined of n parts, which were accepted before, so it is stored even if its number was retired
--   traces             traceparent
--   keys               what keyword_key() says of the texts, where the caller knows: '' is no keyword, null is not known
-- and gives one row for each, in the order of the arrays. outcome: 1 stored now, 2 stored before, 3 no such number,
-- 4 a part, 5 a part that came before; its answer is the same before and after it was joined (inbound_part.sql). bell: the
-- destination of our answer to a keyword.
--
-- One transaction: after a crash anywhere in it nothing of the batch exists; after COMMIT all of it does. Run twice it
-- changes nothing and answers the same. Rows are locked in the order conversation (by channel and address), message, contact
-- (by address), so two batches that touch the same rows wait for each other and do not deadlock. They wait briefly: of a batch
-- that meets a row which somebody holds for longer, those of that row wait by themselves (common/store/batcher.h).
drop function if exists sms_accept(int[], text[], uuid[], text[], text[], text[], uuid[], text[], text[], smallint[], smallint[], text[]);
create or replace function sms_accept(
    tenants int[], numbers text[], ids uuid[], externals text[], addresses text[], bodies text[],
    conversations uuid[], attachments text[], refs text[], totals smallint[], parts smallint[],
    traces text[], keys text[] default null)
returns table (outcome smallint, message_id uuid, conversation_id uuid, sequence int, bell int)
language plpgsql set lock_timeout = '100ms' as $$
#variable_conflict use_column
declare
    stored uuid[];   -- what is new, in the order of the arrays
    homes  uuid[];
    places int[];
    opened uuid[];   -- conversations, and whose
    openers int[];
    bells  int[];    -- in the order of the arrays
    missed int;
    me int := process_here();
begin
    if not senders_are_numbers(addresses) then
        addresses := senders_known(tenants, addresses);
    end if;
    if 0 <> any (totals) then
        return query select * from sms_accept_parts(tenants, numbers, ids, externals, addresses, bodies, conversations,
                                                    attachments, refs, totals, parts, traces);
        return;
    end if;

    with input as materialized (
        select i.*, c.id as channel_id, c.campaign_only, c.endpoint
          from unnest(tenants, numbers, ids, externals, addresses, bodies, conversations, traces, parts)
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
        -- The open conversation of the pair, or a new one; its counter moves on by what it gets.
        insert into conversation as c (tenant_id, id, channel_id, address, state, last_sequence, queue)
        select n.tenant_id, n.offered, n.channel_id, n.address, 1, n.of_them, n.endpoint
          from numbered n
         where n.nth = 1 and not n.campaign_only
         order by n.tenant_id, n.channel_id, n.address
            on conflict (tenant_id, channel_id, address) where state < 9
            do update set last_sequence = c.last_sequence + excluded.last_sequence, last_activity = now()
        returning c.tenant_id, c.channel_id, c.address, c.id, c.last_sequence, c.contact_id is null as is_new
    ), placed as materialized (
        select n.*, t.id as conversation_id, (t.last_sequence - n.of_them + n.nth)::int as sequence, t.is_new
          from numbered n
          -- What is meant is a left join. The planner expects one row and would run it as a nested loop, which compares each
          -- of 200 with each; a full join cannot be run that way.
          full join talk t on (t.tenant_id, t.channel_id, t.address) = (n.tenant_id, n.channel_id, n.address)
    ), written as (
        insert into message (tenant_id, id, channel_id, conversation_id, sequence, direction, state, address,
                             external_id, body, traceparent, process, parts)
        select p.tenant_id, p.id, p.channel_id, p.conversation_id, p.sequence, 1, 13, p.address,
               p.external_id, p.body, p.trace, me, case when p.part < 0 then -p.part end
          from placed p
            on conflict (tenant_id, id) do nothing
        returning 1
    ), told as (
        insert into event (tenant_id, kind, conversation_id, message_id, sequence, state)
        select p.tenant_id, 1, p.conversation_id, p.id, p.sequence, 13
          from placed p
         where p.conversation_id is not null
    ), entered as (
        insert into ledger_entry (tenant_id, channel_id, direction, accepted)
        select p.tenant_id, p.channel_id, 1, count(*) from placed p where p.part >= 0 group by 1, 2
    )
    select array_agg(p.id order by p.place), array_agg(p.conversation_id order by p.place),
           array_agg(p.sequence order by p.place),
           array_agg(p.conversation_id) filter (where p.is_new and p.nth = 1),
           array_agg(p.tenant_id) filter (where p.is_new and p.nth = 1),
           count(*) - (select count(*) from written)
      into stored, homes, places, opened, openers, missed
      from placed p;

    if missed > 0 then
        -- The same MO was stored by another transaction after we looked: its number would be a gap in the sequence.
        raise exception using errcode = '40001', message = 'stored meanwhile';
    end if;
    if opened is not null then
        perform conversation_opened(openers, opened);
    end if;
    if array_remove(attachments, null) <> '{}' then
        perform attachments_store(tenants, ids, attachments, stored);
    end if;
    if keys is null or array_position(keys, null) > 0 then
        keys := array(select coalesce(i.key, keyword_key(i.body), '')
                        from unnest(bodies, keys) with ordinality as i (body, key, place) order by i.place);
    end if;
    if keywords_among(keys) then
        bells := keywords_take(tenants, numbers, ids, addresses, keys, stored);
    end if;

    if cardinality(stored) = cardinality(ids) then
        return query select 1::smallint, s.id, s.home, s.place, s.bell
                       from unnest(stored, homes, places, bells) as s (id, home, place, bell);
        return;
    end if;
    perform message_repeated(tenants, ids, stored);
    return query
        select case when c.id is null then 3 when i.id = any (stored) then 1 else 2 end::smallint,
               m.id, m.conversation_id, m.sequence, i.bell
          from unnest(tenants, numbers, ids, bells) with ordinality as i (tenant_id, number, id, bell, place)
          left join channel c on c.tenant_id = i.tenant_id and c.address = i.number and c.retired is null
          left join message m on m.tenant_id = i.tenant_id and m.id = i.id and c.id is not null
         order by i.place;
end $$;

-- Counts how often messages came again; fresh are those that came for the first time with this batch. A batch that runs
-- again, because nobody knew what had become of it, counts, too.
create or replace function message_repeated(tenants int[], ids uuid[], fresh uuid[]) returns void
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    update message m
       set repeated = coalesce(m.repeated, 0) + i.times, repeated_last = now(), repeated_process = process_here()
      from (select i.tenant_id, i.id, count(*) - count(*) filter (where i.id = any (fresh) and i.nth = 1) as times
              from (select i.tenant_id, i.id, row_number() over (partition by i.tenant_id, i.id) as nth
                      from unnest(tenants, ids) as i (tenant_id, id)) as i
             group by i.tenant_id, i.id order by i.tenant_id, i.id) as i
     where m.tenant_id = i.tenant_id and m.id = i.id and i.times > 0;
end $$;

-- Gives new conversations their contact: the one with that address, or a new one. A new contact takes
-- the id of its first conversation, which is as good as any.
create or replace function conversation_opened(of_tenants int[], new_ids uuid[]) returns void
language plpgsql as $$ -- unlike an SQL function it keeps its plans from call to call
begin
    insert into contact (tenant_id, id, address)
    select distinct on (c.tenant_id, c.address) c.tenant_id, c.id, c.address
      from unnest(of_tenants, new_ids) as n (tenant_id, id)
      join conversation c on c.tenant_id = n.tenant_id and c.id = n.id
     order by c.tenant_id, c.address
        on conflict (tenant_id, address) do nothing;

    update conversation c
       set contact_id = k.id
      from unnest(of_tenants, new_ids) as n (tenant_id, id), contact k
     where c.tenant_id = n.tenant_id and c.id = n.id
       and k.tenant_id = c.tenant_id and k.address = c.address;

    insert into event (tenant_id, kind, conversation_id, state)
    select n.tenant_id, 3, n.id, 1 from unnest(of_tenants, new_ids) as n (tenant_id, id);
end $$;
