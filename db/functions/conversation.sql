-- The agent's side: conversations, transcripts, answers. Reads give JSON text; errors are raised as NX404 and NX409.

create or replace function conversation_state_name(state smallint) returns text language sql immutable as $$
    select case state when 1 then 'waiting' when 2 then 'active' when 3 then 'held' when 9 then 'done' end;
$$;

create or replace function conversation_json(c conversation) returns json language sql stable as $$
    select json_build_object(
        'id', c.id, 'state', conversation_state_name(c.state), 'queue', c.queue, 'agent', c.agent,
        'channel', (select json_build_object('type', case k.kind when 1 then 'sms' else 'email' end, 'address', k.address)
                      from channel k where k.tenant_id = c.tenant_id and k.id = c.channel_id),
        'contact', json_build_object('id', c.contact_id, 'address', c.address),
        'lastSequence', c.last_sequence, 'opened', moment(c.opened), 'waitingSince', moment(c.waiting_since),
        'lastActivity', moment(c.last_activity), 'ended', moment(c.ended));
$$;

-- Oldest waiting first. wanted null: all that are not done. of_senders: one person, who may be meant by several numbers
-- (senders_meant()); null: everybody.
--
-- Each kind of question is a part of its own with its own index, and only one of them runs. One condition for all of them
-- would read all conversations that ever were.
create or replace function conversation_list_of_senders(
    of_tenant int, wanted text, of_queue text, of_contact uuid, skip int, at_most int, of_senders text[])
returns text language sql stable as $$
    select json_build_object('conversations', coalesce(json_agg(conversation_json(c) order by c.state, c.waiting_since), '[]'))::text
      from (select v.*
              from (select c.*
                      from contact k
                      join conversation c on c.tenant_id = k.tenant_id and c.contact_id = k.id
                     where k.tenant_id = of_tenant and k.address = any (of_senders) and (of_contact is null or k.id = of_contact)
                     union all
                    select c.*
                      from conversation c
                     where of_senders is null and c.tenant_id = of_tenant and c.contact_id = of_contact
                     union all
                    select c.*
                      from conversation c
                     where of_senders is null and of_contact is null and wanted is distinct from 'done'
                       and c.tenant_id = of_tenant and c.state < 9
                     union all
                    select c.*
                      from conversation c
                     where of_senders is null and of_contact is null and wanted = 'done'
                       and c.tenant_id = of_tenant and c.state = 9) v
             where (wanted is null and v.state < 9 or conversation_state_name(v.state) = wanted)
               and (of_queue is null or v.queue = of_queue)
             order by v.state, v.waiting_since
            offset skip limit at_most) as c;
$$;

-- The same of everybody.
create or replace function conversation_list(
    of_tenant int, wanted text, of_queue text, of_contact uuid, skip int, at_most int)
returns text language sql stable as $$
    select conversation_list_of_senders(of_tenant, wanted, of_queue, of_contact, skip, at_most, null)
$$;

create or replace function contact_list_of_senders(of_tenant int, of_senders text[]) returns text language sql stable as $$
    select json_build_object('contacts', coalesce(json_agg(json_build_object(
               'id', k.id, 'address', k.address, 'name', k.name, 'created', moment(k.created))), '[]'))::text
      from contact k
     where k.tenant_id = of_tenant and k.address = any (of_senders);
$$;

-- What chat-workers of before call, which are given one spelling.
create or replace function conversation_list_of_address(
    of_tenant int, wanted text, of_queue text, of_contact uuid, skip int, at_most int, of_address text)
returns text language sql stable as $$
    select conversation_list_of_senders(of_tenant, wanted, of_queue, of_contact, skip, at_most,
                                        array[sender_as_known(of_tenant, of_address)])
$$;

create or replace function contact_list(of_tenant int, of_address text) returns text language sql stable as $$
    select contact_list_of_senders(of_tenant, array[sender_as_known(of_tenant, of_address)])
$$;

create or replace function conversation_read(of_tenant int, wanted uuid) returns text language plpgsql stable as $$
declare
    found_one conversation;
begin
    select * into found_one from conversation c where c.tenant_id = of_tenant and c.id = wanted;
    if not found then
        raise exception using errcode = 'NX404', message = 'there is no such conversation';
    end if;
    return conversation_json(found_one)::text;
end $$;

create or replace function transcript_read(of_tenant int, wanted uuid, after_sequence int, at_most int)
returns text language plpgsql stable as $$
declare
    transcript json;
    last int;
begin
    select c.last_sequence into last from conversation c where c.tenant_id = of_tenant and c.id = wanted;
    if not found then
        raise exception using errcode = 'NX404', message = 'there is no such conversation';
    end if;
    select json_agg(json_build_object(
               'sequence', m.sequence, 'id', m.id, 'direction', case m.direction when 1 then 'in' else 'out' end,
               'type', 'Text', 'text', m.body, 'content', m.content, 'state', s.name, 'author', m.author,
               'created', moment(m.created), 'attachments',
               attachments_json(m.tenant_id, m.id)) order by m.sequence)
      into transcript
      from (select * from message m
             where m.tenant_id = of_tenant and m.conversation_id = wanted and m.sequence > after_sequence
             order by m.sequence limit at_most) as m
      join message_state s on s.id = m.state;
    return json_build_object('messages', coalesce(transcript, '[]'), 'lastSequence', last)::text;
end $$;

-- Whether a message is what is posted. A plain expression, which the planner writes into the statement that asks.
create or replace function post_is(stored_body text, stored_content jsonb, body text, content text) returns boolean
language sql immutable as $$
    select stored_body = coalesce(body, '') and stored_content is not distinct from content::jsonb
$$;

-- Posts a batch of answers: message, delivery, event and ledger entry in one transaction, which also moves on the
-- conversation's sequence. ids are name-based where the caller gave a clientId, so a repetition finds its message.
-- One row for each, in order. outcome: 1 stored now or before, 2 no such conversation, 3 the conversation is done,
-- 4 its channel has no way out, 5 who wrote has a name and no number, 6 another text or content was posted under this
-- name. destination is set for what is new: whose doorbell to ring.
-- Dying anywhere in here leaves nothing; dying after COMMIT leaves all, and the sweep of the delivery engine finds
-- the row without a doorbell.
create or replace function conversation_post(
    tenants int[], conversations uuid[], ids uuid[], client_ids text[], authors text[], bodies text[], contents text[],
    traces text[])
returns table (outcome smallint, sequence int, state text, destination int)
language plpgsql set lock_timeout = '100ms' as $$
#variable_conflict use_column
declare
    stored uuid[]; -- what is new, in the order of the arrays
    places int[];
    bells  int[];
    missed int;
    me int := process_here();
begin
    with input as materialized (
        select i.*
          from unnest(tenants, conversations, ids, client_ids, authors, bodies, contents, traces) with ordinality
               as i (tenant_id, conversation_id, id, client_id, author, body, content, trace, place)
    ), locked as materialized (
        -- In the order in which sms_accept() takes open conversations, so that two batches wait for each other and do not
        -- deadlock.
        select c.tenant_id, c.id, c.channel_id, c.address
          from (select distinct i.tenant_id, i.conversation_id from input i) as i
          join conversation c on c.tenant_id = i.tenant_id and c.id = i.conversation_id
         where c.state < 9
         order by c.tenant_id, c.channel_id, c.address
           for update of c
    ), fresh as materialized (
        select distinct on (i.tenant_id, i.id) i.*, l.channel_id, l.address, k.destination_id, k.validity
          from input i
          join locked l on l.tenant_id = i.tenant_id and l.id = i.conversation_id
          join channel k on k.tenant_id = l.tenant_id and k.id = l.channel_id and k.destination_id is not null
                        and k.retired is null
         where sender_is_number(l.address)
           and not exists (select from message m where m.tenant_id = i.tenant_id and m.id = i.id)
         order by i.tenant_id, i.id, i.place
    ), numbered as materialized (
        select f.*,
               row_number() over (partition by f.tenant_id, f.conversation_id order by f.place) as nth,
               count(*) over (partition by f.tenant_id, f.conversation_id) as of_them
          from fresh f
    ), counted as (
        update conversation c
           set last_sequence = c.last_sequence + n.of_them, last_activity = now()
          from numbered n
         where n.nth = 1 and c.tenant_id = n.tenant_id and c.id = n.conversation_id
        returning c.tenant_id, c.id, c.last_sequence
    ), placed as materialized (
        select n.*, (c.last_sequence - n.of_them + n.nth)::int as sequence
          from numbered n
          full join counted c on c.tenant_id = n.tenant_id and c.id = n.conversation_id -- see sms_accept
    ), written as (
        insert into message (tenant_id, id, channel_id, conversation_id, sequence, direction, state, address, author,
                             external_id, body, content, traceparent, process)
        select p.tenant_id, p.id, p.channel_id, p.conversation_id, p.sequence, 2, 1, p.address, p.author,
               p.client_id, p.body, p.content::jsonb, p.trace, me
          from placed p
            on conflict (tenant_id, id) do nothing
        returning 1
    ), queued as (
        insert into delivery (tenant_id, destination_id, channel_id, message_id, conversation_id, address, expires)
        select p.tenant_id, p.destination_id, p.channel_id, p.id, p.conversation_id, p.address, now() + p.validity
          from placed p
         order by p.place
    ), told as (
        insert into event (tenant_id, kind, conversation_id, message_id, sequence, state)
        select p.tenant_id, 1, p.conversation_id, p.id, p.sequence, 1 from placed p order by p.place
    ), entered as (
        insert into ledger_entry (tenant_id, channel_id, direction, accepted)
        select p.tenant_id, p.channel_id, 2, count(*) from placed p group by 1, 2
    )
    select array_agg(p.id order by p.place), array_agg(p.sequence order by p.place),
           array_agg(p.destination_id order by p.place), count(*) - (select count(*) from written)
      into stored, places, bells, missed
      from placed p;

    if missed > 0 then
        raise exception using errcode = '40001', message = 'stored meanwhile';
    end if;
    if cardinality(stored) = cardinality(ids) then
        return query select 1::smallint, p.place, s.name, p.bell
                       from unnest(places, bells) as p (place, bell) cross join message_state s where s.id = 1;
        return;
    end if;
    perform message_repeated(
                tenants,
                array_agg(case when post_is(m.body, m.content, i.body, i.content) then i.id end order by i.place),
                stored)
       from unnest(tenants, ids, bodies, contents) with ordinality as i (tenant_id, id, body, content, place)
       left join message m on m.tenant_id = i.tenant_id and m.id = i.id;
    return query
        select case when m.id is not null and not post_is(m.body, m.content, i.body, i.content) then 6
                    when m.id is not null then 1
                    when c.id is null then 2
                    when c.state = 9 then 3
                    when not sender_is_number(c.address) then 5
                    else 4 end::smallint,
               m.sequence, s.name,
               case when i.id = any (stored) then k.destination_id end
          from unnest(tenants, conversations, ids, bodies, contents) with ordinality
               as i (tenant_id, conversation_id, id, body, content, place)
          left join message m on m.tenant_id = i.tenant_id and m.id = i.id
          left join message_state s on s.id = m.state
          left join conversation c on c.tenant_id = i.tenant_id and c.id = i.conversation_id
          left join channel k on k.tenant_id = c.tenant_id and k.id = c.channel_id
         order by i.place;
end $$;

-- Moves a conversation to another state, if it is in one of those given, and tells the agents.
create or replace function conversation_move(of_tenant int, wanted uuid, from_states smallint[], to_state smallint, by_agent text)
returns text language plpgsql as $$
declare
    moved conversation;
begin
    select * into moved from conversation c where c.tenant_id = of_tenant and c.id = wanted for update;
    if not found then
        raise exception using errcode = 'NX404', message = 'there is no such conversation';
    end if;
    if moved.state = to_state and (to_state = 9 or moved.agent = by_agent) then
        return conversation_json(moved)::text; -- a repetition
    end if;
    if moved.state <> all (from_states) then
        raise exception using errcode = 'NX409',
            message = format('the conversation is %s', conversation_state_name(moved.state));
    end if;
    update conversation c
       set state = to_state,
           agent = case when to_state = 2 then by_agent else c.agent end,
           ended = case when to_state = 9 then now() end,
           last_activity = now()
     where c.tenant_id = of_tenant and c.id = wanted
    returning c.* into moved;
    insert into event (tenant_id, kind, conversation_id, state) values (of_tenant, 3, wanted, to_state);
    return conversation_json(moved)::text;
end $$;

create or replace function conversation_accept(of_tenant int, wanted uuid, by_agent text) returns text language sql as $$
    select conversation_move(of_tenant, wanted, array[1, 3]::smallint[], 2::smallint, by_agent);
$$;

create or replace function conversation_done(of_tenant int, wanted uuid, by_agent text) returns text language sql as $$
    select conversation_move(of_tenant, wanted, array[1, 2, 3]::smallint[], 9::smallint, by_agent);
$$;
