-- Messages for those who run the place: the latest first, without texts and numbers.

-- A page of messages, as JSON. The latest are found by walking the events backwards, which are stored in the order of
-- acceptance: one page reads at most 5000 of them, however many messages there are, and says under "next" where the next
-- page goes on. So the list goes back as far as events are kept. With a phone or a conversation the walk goes through that
-- person's or that conversation's messages instead.
--
-- after is the "next" of the page before. Each filter that is null lets everything through.
create or replace function message_list_of_senders(
    of_tenant int, of_senders text[], of_conversation uuid, of_number text, of_direction smallint, of_state text,
    after text, at_most int)
returns text language plpgsql stable
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    page     json;
    last     text;
    count_of int;
    walked   int;
    walk_end text;
begin
    if after is not null and after !~ '^[0-9]{1,18}-[0-9]{1,18}$' then
        raise exception using errcode = 'NX400', message = 'after: the "next" of an earlier page is wanted';
    end if;
    if of_state is not null and not exists (select from message_state s where s.name = of_state) then
        raise exception using errcode = 'NX400', message = 'state: a state of messages is wanted, such as accepted, sent or failed';
    end if;
    if of_senders is not null or of_conversation is not null then
        return message_list_of(of_tenant, of_senders, of_conversation, of_number, of_direction, of_state,
                               split_part(after, '-', 1)::bigint, at_most);
    end if;
    with walk as materialized (
        select e.message_id, e.xid, e.ordinal
          from event e
         where e.tenant_id = of_tenant and e.kind = 1
           and (after is null or (e.xid, e.ordinal) < (split_part(after, '-', 1)::bigint, split_part(after, '-', 2)::bigint))
         order by e.xid desc, e.ordinal desc
         limit 5000
    ), found_ones as materialized (
        select w.xid, w.ordinal, m as one
          from walk w
          join message m on m.tenant_id = of_tenant and m.id = w.message_id
          join message_state s on s.id = m.state
          join channel c on c.tenant_id = m.tenant_id and c.id = m.channel_id
         where (of_number is null or c.address = of_number)
           and (of_direction is null or m.direction = of_direction)
           and (of_state is null or s.name = of_state)
         order by w.xid desc, w.ordinal desc
         limit at_most
    )
    select (select json_agg(message_summary(f.one) order by f.xid desc, f.ordinal desc) from found_ones f),
           (select count(*) from found_ones),
           (select f.xid || '-' || f.ordinal from found_ones f order by f.xid, f.ordinal limit 1),
           (select count(*) from walk),
           (select w.xid || '-' || w.ordinal from walk w order by w.xid, w.ordinal limit 1)
      into page, count_of, last, walked, walk_end;
    return json_build_object('messages', coalesce(page, '[]'),
                             'next', case when count_of = at_most then last when walked = 5000 then walk_end end)::text;
end $$;

-- What sms-workers of before call.
create or replace function message_list(
    of_tenant int, of_phone text, of_conversation uuid, of_number text, of_direction smallint, of_state text,
    after text, at_most int)
returns text language sql stable as $$
    select message_list_of_senders(of_tenant, case when of_phone is not null then array[of_phone] end, of_conversation, of_number,
                                   of_direction, of_state, after, at_most)
$$;

-- The same of one person or one conversation. before_us: microseconds since 1970.
drop function if exists message_list_of(int, text, uuid, text, smallint, text, bigint, int);
create or replace function message_list_of(
    of_tenant int, of_senders text[], of_conversation uuid, of_number text, of_direction smallint, of_state text,
    before_us bigint, at_most int)
returns text language sql stable as $$
    with talk as materialized (
        -- Two parts, of which one runs: a condition for both would read all conversations.
        select t.id
          from conversation t
         where t.tenant_id = of_tenant and t.id = of_conversation
           and (of_senders is null
                or t.contact_id in (select k.id from contact k where k.tenant_id = of_tenant and k.address = any (of_senders)))
         union all
        select t.id
          from contact k
          join conversation t on t.tenant_id = k.tenant_id and t.contact_id = k.id
         where of_conversation is null and k.tenant_id = of_tenant and k.address = any (of_senders)
    ), found_ones as materialized (
        select m as one, m.created
          from talk t
          join message m on m.tenant_id = of_tenant and m.conversation_id = t.id
          join message_state s on s.id = m.state
          join channel c on c.tenant_id = m.tenant_id and c.id = m.channel_id
         where (before_us is null or m.created < timestamptz 'epoch' + before_us * interval '1 us')
           and (of_number is null or c.address = of_number)
           and (of_direction is null or m.direction = of_direction)
           and (of_state is null or s.name = of_state)
         order by m.created desc
         fetch first at_most rows with ties -- those of one moment stand on one page
    )
    select json_build_object(
        'messages', coalesce(json_agg(message_summary(f.one) order by f.created desc, (f.one).sequence desc), '[]'),
        'next', case when count(*) >= at_most then (extract(epoch from min(f.created)) * 1000000)::bigint || '-0' end)::text
      from found_ones f
$$;
