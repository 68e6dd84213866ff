-- The agent's side: conversations, transcripts, answers. Reads give JSON text; errors are raised as NX404 and NX409.

create or replace function conversation_state_name(p_state smallint) returns text language sql immutable as $$
    select case p_state when :conversation_waiting then 'waiting' when :conversation_active then 'active' when :conversation_held then 'held' when :conversation_done then 'done' end;
$$;

create or replace function conversation_json(c conversation) returns json language sql stable as $$
    select json_build_object(
        'id', c.id, 'state', conversation_state_name(c.state), 'queue', c.queue, 'agent', c.agent,
        'channel', (select json_build_object('type', case k.kind when :channel_sms then 'sms' else 'email' end, 'address', k.address)
                      from channel k where k.tenant_id = c.tenant_id and k.id = c.channel_id),
        'contact', json_build_object('id', c.contact_id, 'address', c.address),
        'lastSequence', c.last_sequence, 'opened', moment(c.opened), 'waitingSince', moment(c.waiting_since),
        'lastActivity', moment(c.last_activity), 'ended', moment(c.ended));
$$;

create or replace function conversation_state_named(p_name text) returns smallint language sql immutable as $$
    select case p_name when 'waiting' then :conversation_waiting when 'active' then :conversation_active when 'held' then :conversation_held when 'done' then :conversation_done end::smallint;
$$;

-- Where a page of the list ends: "<state>-<µs since 1970>-<id>". It stays valid when the conversation has moved on.
create or replace function conversation_position(c conversation) returns text language sql immutable as $$
    select c.state || '-' || (extract(epoch from c.waiting_since) * 1000000)::bigint || '-' || c.id
$$;

-- A position, read back into a conversation that has what sorts it; null or '': none.
create or replace function conversation_after(p_after text) returns conversation language plpgsql immutable as $$
declare
    parts text[] := regexp_match(p_after, '^([1-9])-([0-9]{1,16})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$');
    place conversation;
begin
    if parts is null and p_after <> '' then
        raise exception 'after: must be the "next" of an earlier page' using errcode = 'NX400';
    end if;
    place.state := parts[1]::smallint;
    place.waiting_since := timestamptz 'epoch' + parts[2]::bigint * interval '1 microsecond';
    place.id := parts[3]::uuid;
    return place;
end $$;

-- Oldest waiting first. p_wanted null: all that are not done. p_senders: one person, who may be meant by several numbers
-- (senders_meant()); null: everybody. p_after: the "next" of the page before.
--
-- Only what is asked for stands in the statement, so that it is planned for that and finds its index, which has the rows in the order of
-- the list: a page reads what it shows, and what it skips. For one person all conversations are read; they are few.
create or replace function conversation_list_of_senders(
    p_tenant int, p_wanted text, p_queue text, p_contact uuid, p_skip int, p_at_most int, p_after text, p_senders text[])
returns text language plpgsql stable as $$
declare
    after conversation := conversation_after(p_after);
    one_person text := concat(
        case when p_senders is not null
             then ' and c.contact_id = any (array(select k.id from contact k where k.tenant_id = $1 and k.address = any ($4)))' end,
        case when p_contact is not null then ' and c.contact_id = $3' end);
    among text := case when one_person <> ''
                       then format('(select c.* from conversation c where c.tenant_id = $1 %s offset 0)', one_person) else 'conversation' end;
    matching text := concat(
        case when p_wanted is null then ' and c.state < :conversation_done' else ' and c.state = $2' end,
        case when p_queue is not null then ' and c.queue = $5' end,
        case when after.id is null then null
             when p_wanted is null then ' and (c.state, c.waiting_since, c.id) > ($8, $9, $10)'
             else ' and (c.waiting_since, c.id) > ($9, $10)' end);
    answer text;
begin
    execute format($list$
        with page as materialized (
            select c::conversation as one,
                   -- "rows", or all that have waited since the same moment are read.
                   row_number() over (order by c.state, c.waiting_since, c.id rows unbounded preceding) as place
              from %s c
             where c.tenant_id = $1 %s
             order by c.state, c.waiting_since, c.id offset $6 limit $7)
        select json_build_object('conversations', coalesce(json_agg(conversation_json(l.one) order by l.place), '[]'),
                                 'next', (select conversation_position(e.one) from page e where e.place = $6 + $7))::text
          from page l$list$, among, matching)
      into answer
     using p_tenant, conversation_state_named(p_wanted), p_contact, p_senders, p_queue, p_skip, p_at_most, after.state, after.waiting_since,
           after.id;
    return answer;
end $$;

-- The same for all persons.
-- Statement: CONVERSATION_LIST
create or replace function conversation_list(
    p_tenant int, p_wanted text, p_queue text, p_contact uuid, p_skip int, p_at_most int, p_after text)
returns text language sql stable as $$
    select conversation_list_of_senders(p_tenant, p_wanted, p_queue, p_contact, p_skip, p_at_most, p_after, null)
$$;

create or replace function contact_list_of_senders(p_tenant int, p_senders text[]) returns text language sql stable as $$
    select json_build_object('contacts', coalesce(json_agg(json_build_object(
               'id', k.id, 'address', k.address, 'name', k.name, 'created', moment(k.created))), '[]'))::text
      from contact k
     where k.tenant_id = p_tenant and k.address = any (p_senders);
$$;

-- Called by older workers, which know no "after".
create or replace function conversation_list_of_senders(
    p_tenant int, p_wanted text, p_queue text, p_contact uuid, p_skip int, p_at_most int, p_senders text[])
returns text language sql stable as $$
    select conversation_list_of_senders(p_tenant, p_wanted, p_queue, p_contact, p_skip, p_at_most, null, p_senders)
$$;
create or replace function conversation_list(
    p_tenant int, p_wanted text, p_queue text, p_contact uuid, p_skip int, p_at_most int)
returns text language sql stable as $$
    select conversation_list(p_tenant, p_wanted, p_queue, p_contact, p_skip, p_at_most, null)
$$;

-- Called by older chat-workers, which pass one spelling.
create or replace function conversation_list_of_address(
    p_tenant int, p_wanted text, p_queue text, p_contact uuid, p_skip int, p_at_most int, p_address text)
returns text language sql stable as $$
    select conversation_list_of_senders(p_tenant, p_wanted, p_queue, p_contact, p_skip, p_at_most,
                                        array[sender_as_known(p_tenant, p_address)])
$$;

create or replace function contact_list(p_tenant int, p_address text) returns text language sql stable as $$
    select contact_list_of_senders(p_tenant, array[sender_as_known(p_tenant, p_address)])
$$;

-- Statement: CONVERSATION_READ
create or replace function conversation_read(p_tenant int, p_wanted uuid) returns text language plpgsql stable as $$
declare
    found_one conversation;
begin
    select * into found_one from conversation c where c.tenant_id = p_tenant and c.id = p_wanted;
    if not found then
        raise exception using errcode = 'NX404', message = 'there is no such conversation';
    end if;
    return conversation_json(found_one)::text;
end $$;

-- Statement: TRANSCRIPT_READ
create or replace function transcript_read(p_tenant int, p_wanted uuid, p_after_sequence int, p_at_most int)
returns text language plpgsql stable as $$
declare
    transcript json;
    last int;
begin
    select c.last_sequence into last from conversation c where c.tenant_id = p_tenant and c.id = p_wanted;
    if not found then
        raise exception using errcode = 'NX404', message = 'there is no such conversation';
    end if;
    select json_agg(json_build_object(
               'sequence', m.sequence, 'id', m.id, 'direction', case m.direction when :direction_in then 'in' else 'out' end,
               'type', 'Text', 'text', m.body, 'content', m.content, 'state', s.name, 'author', m.author,
               'created', moment(m.created), 'attachments',
               attachments_json(m.tenant_id, m.id)) order by m.sequence)
      into transcript
      from (select * from message m
             where m.tenant_id = p_tenant and m.conversation_id = p_wanted and m.sequence > p_after_sequence
             order by m.sequence limit p_at_most) as m
      join message_state s on s.id = m.state;
    return json_build_object('messages', coalesce(transcript, '[]'), 'lastSequence', last)::text;
end $$;

-- Whether a message equals what is posted. A plain expression, which the planner inlines.
create or replace function post_is(p_stored_body text, p_stored_content jsonb, p_body text, p_content text) returns boolean
language sql immutable as $$
    select p_stored_body = coalesce(p_body, '') and p_stored_content is not distinct from p_content::jsonb
$$;

-- Posts a batch of answers: message, delivery, event and ledger entry in one transaction, which also moves on the
-- conversation's sequence. p_ids are name-based where the caller gave a clientId, so a repetition finds its message.
-- One row for each, in order. outcome: 1 stored now or before, 2 no such conversation, 3 the conversation is done,
-- 4 its channel has no webhook, 5 the sender has a name and no number, 6 another text or content was posted with this clientId. destination
-- is set for new messages: whose doorbell to ring. A crash anywhere in here leaves nothing; after COMMIT everything is stored, and the
-- sweep of the delivery engine finds the row without a doorbell.
create or replace function conversation_post(
    p_tenants int[], p_conversations uuid[], p_ids uuid[], p_client_ids text[], p_authors text[], p_bodies text[], p_contents text[],
    p_traces text[])
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
          from unnest(p_tenants, p_conversations, p_ids, p_client_ids, p_authors, p_bodies, p_contents, p_traces) with ordinality
               as i (tenant_id, conversation_id, id, client_id, author, body, content, trace, place)
    ), locked as materialized (
        -- In the order in which sms_accept() takes open conversations, so that two batches wait for each other and do not
        -- deadlock.
        select c.tenant_id, c.id, c.channel_id, c.address
          from (select distinct i.tenant_id, i.conversation_id from input i) as i
          join conversation c on c.tenant_id = i.tenant_id and c.id = i.conversation_id
         where c.state < :conversation_done
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
        select p.tenant_id, p.id, p.channel_id, p.conversation_id, p.sequence, :direction_out, :state_accepted, p.address, p.author,
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
        select p.tenant_id, :event_message, p.conversation_id, p.id, p.sequence, :state_accepted from placed p order by p.place
    ), entered as (
        insert into ledger_entry (tenant_id, channel_id, direction, accepted, state, messages)
        select p.tenant_id, p.channel_id, :direction_out, count(*), :state_accepted, count(*) from placed p group by 1, 2
    )
    select array_agg(p.id order by p.place), array_agg(p.sequence order by p.place),
           array_agg(p.destination_id order by p.place), count(*) - (select count(*) from written)
      into stored, places, bells, missed
      from placed p;

    if missed > 0 then
        raise exception using errcode = '40001', message = 'stored in the meantime';
    end if;
    if cardinality(stored) = cardinality(p_ids) then
        return query select :post_stored::smallint, p.place, s.name, p.bell
                       from unnest(places, bells) as p (place, bell) cross join message_state s where s.id = :state_accepted;
        return;
    end if;
    perform message_repeated(
                p_tenants,
                array_agg(case when post_is(m.body, m.content, i.body, i.content) then i.id end order by i.place),
                stored)
       from unnest(p_tenants, p_ids, p_bodies, p_contents) with ordinality as i (tenant_id, id, body, content, place)
       left join message m on m.tenant_id = i.tenant_id and m.id = i.id;
    return query
        select case when m.id is not null and not post_is(m.body, m.content, i.body, i.content) then :post_another_text
                    when m.id is not null then :post_stored
                    when c.id is null then :post_no_such_conversation
                    when c.state = :conversation_done then :post_conversation_is_done
                    when not sender_is_number(c.address) then :post_no_number
                    else :post_no_way_out end::smallint,
               m.sequence, s.name,
               case when i.id = any (stored) then k.destination_id end
          from unnest(p_tenants, p_conversations, p_ids, p_bodies, p_contents) with ordinality
               as i (tenant_id, conversation_id, id, body, content, place)
          left join message m on m.tenant_id = i.tenant_id and m.id = i.id
          left join message_state s on s.id = m.state
          left join conversation c on c.tenant_id = i.tenant_id and c.id = i.conversation_id
          left join channel k on k.tenant_id = c.tenant_id and k.id = c.channel_id
         order by i.place;
end $$;

-- The answer to a post; null for an error. It is stable because || of such types is stable; PostgreSQL would not inline it as immutable.
create or replace function post_answer(p_outcome smallint, p_message_id uuid, p_sequence int, p_state text) returns text
language sql stable as $$
    select case when p_outcome = :post_stored then '{"id":"' || p_message_id || '","sequence":' || p_sequence || ',"state":"' || p_state || '"}' end
$$;

-- Moves a conversation to another state, if it is in one of those given, and tells the agents.
create or replace function conversation_move(p_tenant int, p_wanted uuid, p_from_states smallint[], p_to_state smallint, p_by_agent text)
returns text language plpgsql as $$
declare
    moved conversation;
begin
    select * into moved from conversation c where c.tenant_id = p_tenant and c.id = p_wanted for update;
    if not found then
        raise exception using errcode = 'NX404', message = 'there is no such conversation';
    end if;
    if moved.state = p_to_state and (p_to_state = :conversation_done or moved.agent = p_by_agent) then
        perform stored_durably(); -- a repetition
        return conversation_json(moved)::text;
    end if;
    if moved.state <> all (p_from_states) then
        raise exception using errcode = 'NX409',
            message = format('the conversation is %s', conversation_state_name(moved.state));
    end if;
    update conversation c
       set state = p_to_state,
           agent = case when p_to_state = :conversation_active then p_by_agent else c.agent end,
           ended = case when p_to_state = :conversation_done then now() end,
           last_activity = now()
     where c.tenant_id = p_tenant and c.id = p_wanted
    returning c.* into moved;
    insert into event (tenant_id, kind, conversation_id, state) values (p_tenant, :event_conversation, p_wanted, p_to_state);
    return conversation_json(moved)::text;
end $$;

-- Statement: CONVERSATION_ACCEPT
create or replace function conversation_accept(p_tenant int, p_wanted uuid, p_by_agent text) returns text language sql as $$
    select conversation_move(p_tenant, p_wanted, array[:conversation_waiting, :conversation_held]::smallint[], :conversation_active::smallint, p_by_agent);
$$;

-- Statement: CONVERSATION_DONE
create or replace function conversation_done(p_tenant int, p_wanted uuid, p_by_agent text) returns text language sql as $$
    select conversation_move(p_tenant, p_wanted, array[:conversation_waiting, :conversation_active, :conversation_held]::smallint[], :conversation_done::smallint, p_by_agent);
$$;
