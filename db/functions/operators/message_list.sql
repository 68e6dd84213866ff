-- Messages for operators and administrators: the latest first, without texts and numbers.

-- A page of messages, as JSON. The latest are found by walking the events backwards, which are stored in the order of
-- acceptance: one page reads at most 5000 of them, however many messages there are, and says under "next" where the next
-- page goes on. So the list goes back as far as events are kept. With a phone or a conversation the walk goes through that
-- person's or that conversation's messages instead.
--
-- p_after is the "next" of the page before. Each filter that is null lets everything through.
create or replace function message_list_of_senders(
    p_tenant int, p_senders text[], p_conversation uuid, p_number text, p_direction smallint, p_state text,
    p_after text, p_at_most int)
returns text language plpgsql stable
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    page     json;
    last     text;
    count_of int;
    walked   int;
    walk_end text;
begin
    if p_after is not null and p_after !~ '^[0-9]{1,18}-[0-9]{1,18}$' then
        raise exception using errcode = 'NX400', message = 'after: must be the "next" of an earlier page';
    end if;
    if p_state is not null and not exists (select from message_state s where s.name = p_state) then
        raise exception using errcode = 'NX400', message = 'state: must be a state of messages, such as accepted, sent or failed';
    end if;
    if p_senders is not null or p_conversation is not null then
        return message_list_of(p_tenant, p_senders, p_conversation, p_number, p_direction, p_state,
                               split_part(p_after, '-', 1)::bigint, p_at_most);
    end if;
    with walk as materialized (
        select e.message_id, e.xid, e.ordinal
          from event e
         where e.tenant_id = p_tenant and e.kind = :event_message
           and (p_after is null or (e.xid, e.ordinal) < (split_part(p_after, '-', 1)::bigint, split_part(p_after, '-', 2)::bigint))
         order by e.xid desc, e.ordinal desc
         limit 5000
    ), found_ones as materialized (
        select w.xid, w.ordinal, m as one
          from walk w
          join message m on m.tenant_id = p_tenant and m.id = w.message_id
          join message_state s on s.id = m.state
          join channel c on c.tenant_id = m.tenant_id and c.id = m.channel_id
         where (p_number is null or c.address = p_number)
           and (p_direction is null or m.direction = p_direction)
           and (p_state is null or s.name = p_state)
         order by w.xid desc, w.ordinal desc
         limit p_at_most
    )
    select (select json_agg(message_summary(f.one) order by f.xid desc, f.ordinal desc) from found_ones f),
           (select count(*) from found_ones),
           (select f.xid || '-' || f.ordinal from found_ones f order by f.xid, f.ordinal limit 1),
           (select count(*) from walk),
           (select w.xid || '-' || w.ordinal from walk w order by w.xid, w.ordinal limit 1)
      into page, count_of, last, walked, walk_end;
    return json_build_object('messages', coalesce(page, '[]'),
                             'next', case when count_of = p_at_most then last when walked = 5000 then walk_end end)::text;
end $$;

-- Called by older sms-workers.
create or replace function message_list(
    p_tenant int, p_phone text, p_conversation uuid, p_number text, p_direction smallint, p_state text,
    p_after text, p_at_most int)
returns text language sql stable as $$
    select message_list_of_senders(p_tenant, case when p_phone is not null then array[p_phone] end, p_conversation, p_number,
                                   p_direction, p_state, p_after, p_at_most)
$$;

-- The same of one person or one conversation. before_us: microseconds since 1970.
create or replace function message_list_of(
    p_tenant int, p_senders text[], p_conversation uuid, p_number text, p_direction smallint, p_state text,
    p_before_us bigint, p_at_most int)
returns text language sql stable as $$
    with talk as materialized (
        -- Two parts, of which one runs: a condition for both would read all conversations.
        select t.id
          from conversation t
         where t.tenant_id = p_tenant and t.id = p_conversation
           and (p_senders is null
                or t.contact_id in (select k.id from contact k where k.tenant_id = p_tenant and k.address = any (p_senders)))
         union all
        select t.id
          from contact k
          join conversation t on t.tenant_id = k.tenant_id and t.contact_id = k.id
         where p_conversation is null and k.tenant_id = p_tenant and k.address = any (p_senders)
    ), found_ones as materialized (
        select m as one, m.created
          from talk t
          join message m on m.tenant_id = p_tenant and m.conversation_id = t.id
          join message_state s on s.id = m.state
          join channel c on c.tenant_id = m.tenant_id and c.id = m.channel_id
         where (p_before_us is null or m.created < timestamptz 'epoch' + p_before_us * interval '1 us')
           and (p_number is null or c.address = p_number)
           and (p_direction is null or m.direction = p_direction)
           and (p_state is null or s.name = p_state)
         order by m.created desc
         fetch first p_at_most rows with ties -- messages of the same moment are on one page
    )
    select json_build_object(
        'messages', coalesce(json_agg(message_summary(f.one) order by f.created desc, (f.one).sequence desc), '[]'),
        'next', case when count(*) >= p_at_most then (extract(epoch from min(f.created)) * 1000000)::bigint || '-0' end)::text
      from found_ones f
$$;
