-- Senders: numbers in the normal spelling that the gateway makes (common/text/phone.h), and names.

create or replace function sender_is_number(p_sender text) returns boolean language sql immutable as $$
    select p_sender ~ '^\+?[0-9]+$'
$$;

-- The same of a whole batch at once. A name has no control characters (common/text/phone.h).
create or replace function senders_are_numbers(p_senders text[]) returns boolean language sql stable as $$
    select (array_to_string(p_senders, E'\n') || E'\n') ~ '^(?:\+?[0-9]+\n)*$'
$$;

-- The senders as they are known: a name in the case in which it came first. Two that come first at the same time wait for each other; a
-- known sender does not wait.
create or replace function senders_known(p_tenants int[], p_senders text[]) returns text[] language plpgsql as $$
begin
    perform pg_advisory_xact_lock(key)
       from (select distinct hashtextextended(i.tenant_id || '|' || lower(i.sender collate "und-x-icu"), 0) as key
               from unnest(p_tenants, p_senders) as i (tenant_id, sender)
              where not sender_is_number(i.sender) and sender_known(i.tenant_id, i.sender) is null
              order by 1) keys;
    return array(
        select case when sender_is_number(i.sender) then i.sender
                    else coalesce(sender_known(i.tenant_id, i.sender),
                                  first_value(i.sender) over (partition by i.tenant_id, lower(i.sender collate "und-x-icu")
                                                              order by i.place)) end
          from unnest(p_tenants, p_senders) with ordinality as i (tenant_id, sender, place)
         order by i.place);
end $$;

-- A name as the contact has it that it belongs to; null: there is none yet.
create or replace function sender_known(p_tenant int, p_name text) returns text language sql stable as $$
    select k.address from contact k
     where k.tenant_id = p_tenant and lower(k.address collate "und-x-icu") = lower(p_name collate "und-x-icu")
       and k.address !~ '^\+?[0-9]+$'
     order by k.created limit 1
$$;

-- The sender that is searched for: a number, or a name as its contact has it.
create or replace function sender_as_known(p_tenant int, p_sender text) returns text language sql stable as $$
    select case when sender_is_number(p_sender) then p_sender else sender_known(p_tenant, p_sender) end
$$;

-- The addresses that a search for a sender may mean: those that hold in every country (no code), and numbers in the countries where
-- the contact center has a number. null: the search names no sender.
create or replace function senders_meant(p_tenant int, p_spellings text[], p_codes text[]) returns text[] language sql stable as $$
    select case when p_spellings is not null then
               array(select sender_as_known(p_tenant, m.spelling)
                       from unnest(p_spellings, p_codes) m (spelling, code)
                      where m.code is null
                         or exists (select from channel c where c.tenant_id = p_tenant and starts_with(c.address, '+' || m.code))) end
$$;
