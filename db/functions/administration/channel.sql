-- Numbers and mail domains, derived from what was provisioned: sections chat.<Name> and cxc.<Name> of NexusServices say
-- that they exist, NexusEndpoints where their conversations wait, the service Async where their messages go.

-- A secret is a text, or a list while it is being rotated, the new one first.
create or replace function secret_list(p_secret jsonb) returns text[]
language sql immutable as $$
    select case jsonb_typeof(p_secret)
               when 'string' then array[p_secret #>> '{}']
               when 'array' then array(select jsonb_array_elements_text(p_secret))
               else '{}' end
$$;

-- The channels that a contact center's provisioning defines. url is null if there is no webhook. The provider is that of the section, else
-- that of the service SMS or Email, else the aggregator.
create or replace function channels_wanted(p_tenant int)
returns table (address text, kind smallint, name text, section text, provider text, endpoint text, campaign_only boolean,
               uncertain_policy smallint, validity interval, url text, headers jsonb, webhook_secrets text[],
               api_secrets text[])
language sql stable as $$
    with header as (
        select coalesce(jsonb_object_agg(substr(h.key, length('header:') + 1), h.value), '{}') as all_of_them
          from transaction_section s cross join jsonb_each_text(s.options) h
         where s.tenant_id = p_tenant and s.transaction = 'NexusServices' and s.section = 'Async'
           and h.key like 'header:%'
    ), gateway as (
        select d.value ->> 'channelId' as address, d.value #>> '{webhook,url}' as url,
               secret_list(e.value #> '{webhook,secret}') as webhook, secret_list(e.value #> '{api,secret}') as api
          from service v
         cross join jsonb_array_elements(v.data -> 'channels') d
          left join jsonb_array_elements(coalesce(v.secret -> 'channels', '[]')) e
                 on e.value ->> 'channelId' = d.value ->> 'channelId'
         where v.tenant_id = p_tenant and v.name = 'Async'
    ), said as (
        select s.section, s.options, s.options ->> 'channelId' as address, s.options ->> 'endpoint' as endpoint,
               case when s.section like 'cxc.%' then 2 else 1 end as kind
          from transaction_section s
         where s.tenant_id = p_tenant and s.transaction = 'NexusServices'
           and (s.section like 'chat.%' or s.section like 'cxc.%')
    )
    select s.address, s.kind::smallint, substr(s.section, strpos(s.section, '.') + 1), s.section,
           case when how.async then 'Async' else 'Portico' end, coalesce(place.queue, s.endpoint, ''),
           coalesce(s.options ->> 'cxcOnly', 'false')::boolean,
           case s.options ->> 'uncertain' when 'hold' then :policy_hold else :policy_resend end::smallint,
           coalesce(s.options ->> 'validity', '24h')::interval,
           case when how.async then g.url end, h.all_of_them, coalesce(g.webhook, '{}'), coalesce(g.api, '{}')
      from said s
     cross join header h
      left join gateway g on g.address = s.address
     cross join lateral (
           select 'Async' = coalesce(s.options ->> 'provider',
                                     (select v.data ->> 'provider' from service v
                                       where v.tenant_id = p_tenant
                                         and v.name = case s.kind when :channel_sms then 'SMS' else 'Email' end), '')) how (async)
      left join lateral (
           -- Endpoints are named with their prefix or without it.
           select e.options ->> 'queue' from transaction_section e
            where e.tenant_id = p_tenant and e.transaction = 'NexusEndpoints' and e.options ? 'queue'
              and e.section in (s.endpoint, regexp_replace(s.endpoint, '^chat\.', ''))
            order by length(e.section) desc limit 1) place (queue) on true
$$;

-- The secrets that a request may be signed with, sealed, one a line. about says why these numbers are listed (secrets null: that number has
-- none):
--   1  it names a number of the contact center
--   2  it names none, as a receipt may, or what is no number in use; it is a receipt for a message of these numbers
--   3  its message is not known (yet), so it may be about any number that has, or had, a secret: p_limit of them and one
--      more, which says that there are more
create or replace function proof_secrets(p_tenant int, p_number text, p_message text, p_limit int)
returns table (ccid text, address text, secrets text, about smallint)
language plpgsql stable
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    of_tenant text := (select t.ccid::text from tenant t where t.id = p_tenant);
begin
    return query
        select of_tenant, c.address, array_to_string(nullif(c.secrets, '{}'), E'\n'), :about_its_number::smallint
          from channel c
         where c.tenant_id = p_tenant and c.address = p_number and c.retired is null;
    if found then
        return;
    end if;
    return query
        select of_tenant, c.address, array_to_string(nullif(c.secrets, '{}'), E'\n'), :about_its_message::smallint
          from (select p.channel_id from provider_message p
                 where p.tenant_id = p_tenant and p.provider_id = p_message
                 union
                select m.channel_id from message m
                 where m.tenant_id = p_tenant and m.id = message_id_of(p_message) and m.direction = :direction_out) known
          join channel c on c.tenant_id = p_tenant and c.id = known.channel_id
         where receipt_fits(p_tenant, p_number, c.address)
         order by c.id desc limit p_limit;
    if found then
        return;
    end if;
    return query
        select of_tenant, c.address, array_to_string(c.secrets, E'\n'), :about_any::smallint
          from channel c
         where c.tenant_id = p_tenant and c.secrets <> '{}'
         order by c.retired is not null, c.id limit p_limit + 1;
end
$$;

-- The same for older workers, which know neither the message nor whether there are more numbers.
create or replace function channel_secrets(p_tenant int, p_number text)
returns table (ccid text, address text, secrets text)
language sql stable as $$
    select s.ccid, s.address, s.secrets from proof_secrets(p_tenant, p_number, null, 31) s where s.secrets is not null
$$;

-- Numbers that are no longer provisioned are no longer in use, so another contact center may have them.
create or replace function channels_retire(p_tenant int) returns void
language sql as $$
    update channel c
       set retired = now()
     where c.tenant_id = p_tenant and c.retired is null
       and not exists (select from channels_wanted(p_tenant) w where w.address = c.address)
$$;

-- What one contact center has at a time (index channel_claim): a number, a mail domain, or a short code of the country that its
-- section says. The same digits are another one's short code in another country; two that say none mean the same one.
create or replace function channel_claim(p_tenant int, p_address text, p_kind smallint) returns text
language sql stable as $$
    select case when p_kind = 2 then 'mail:' || p_address
                when p_address like '+%' then p_address
                else 'short:' || coalesce((select s.options ->> 'country' from transaction_section s
                                            where s.tenant_id = p_tenant and s.transaction = 'NexusServices'
                                              and s.section like 'chat.%' and s.options ->> 'channelId' = p_address
                                            order by s.section limit 1), '') || ':' || p_address end
$$;

-- Contact centers that take numbers wait for each other: two that want each other's numbers would take them in different orders.
create or replace function channels_lock(p_tenant int) returns void
language plpgsql as $$
begin
    if exists (select from channels_wanted(p_tenant) w
                where not exists (select from channel c
                                   where c.tenant_id = p_tenant and c.retired is null
                                     and c.claim = channel_claim(p_tenant, w.address, w.kind))) then
        perform pg_advisory_xact_lock(hashtext('nexus.channels'));
    end if;
end
$$;

-- The error for a number of another contact center, without naming that. A contact center sees only its own channels, so it may be any of
-- those that are about to come into use.
create or replace function channel_is_taken(p_tenant int) returns void
language plpgsql as $$
declare
    sections text[];
    short boolean;
begin
    select array_agg(w.section order by w.section), bool_or(w.kind = :channel_sms and w.address not like '+%') into sections, short
      from channels_wanted(p_tenant) w
     where not exists (select from channel c where c.tenant_id = p_tenant and c.address = w.address and c.retired is null
                                               and c.claim = channel_claim(p_tenant, w.address, w.kind));
    raise exception 'channelId: in use by another contact center, in %',
                    case when cardinality(sections) > 1 then 'one of ' else '' end || array_to_string(sections, ', ')
                    || case when short then '; a short code of another country needs its country there' else '' end
          using errcode = 'NX409';
end
$$;

-- Brings channel and destination to the state of the provisioning; called in the transaction of each change of it. Unchanged rows are not
-- touched. Each channel has a row of destination of its own; one that had no webhook for a while gets the row back for which its messages
-- wait, so none of them has to be moved. A new URL starts with a closed breaker.
create or replace function channels_derive(p_tenant int) returns void
language plpgsql as $$
declare
    twice record;
    broken text;
begin
    perform references_check(p_tenant);
    select w.address, string_agg(w.section, ' and ' order by w.section) as sections into twice
      from channels_wanted(p_tenant) w group by w.address having count(*) > 1 limit 1;
    if twice.address is not null then
        raise exception 'channelId: the same in %', twice.sections using errcode = 'NX409';
    end if;

    perform channels_retire(p_tenant);
    perform channels_lock(p_tenant);

    -- A destination with a new URL is tried again at once.
    insert into breaker_change (tenant_id, destination_id, kind)
    select p_tenant, d.id, :breaker_reset
      from channels_wanted(p_tenant) w
      join channel c on c.tenant_id = p_tenant and c.address = w.address
      join destination d on d.tenant_id = p_tenant and d.id = c.destination_id
     where w.url <> d.url and (d.failures > 0 or not d.enabled);

    with wanted as materialized (
        select w.*, case when w.url is not null
                         then coalesce(c.destination_id, destination_left(p_tenant, c.id),
                                       nextval(pg_get_serial_sequence('destination', 'id'))::int) end as destination_id
          from channels_wanted(p_tenant) w
          left join channel c on c.tenant_id = p_tenant and c.address = w.address
    ), pointed as (
        insert into destination as d (id, tenant_id, url, headers, secrets) overriding system value
        select w.destination_id, p_tenant, w.url, w.headers, w.webhook_secrets
          from wanted w where w.destination_id is not null
            on conflict (id) do update
            set url = excluded.url, headers = excluded.headers, secrets = excluded.secrets, changed = now(),
                failures = case when d.url = excluded.url then d.failures else 0 end,
                not_before = case when d.url = excluded.url then d.not_before else '-infinity' end
          where (d.url, d.headers, d.secrets) is distinct from (excluded.url, excluded.headers, excluded.secrets)
    )
    insert into channel as c (tenant_id, address, kind, name, provider, destination_id, endpoint, campaign_only,
                              uncertain_policy, validity, secrets, claim)
    select p_tenant, w.address, w.kind, w.name, w.provider, w.destination_id, w.endpoint, w.campaign_only,
           w.uncertain_policy, w.validity, w.api_secrets, channel_claim(p_tenant, w.address, w.kind)
      from wanted w
        on conflict (tenant_id, address) do update
        set kind = excluded.kind, name = excluded.name, provider = excluded.provider,
            destination_id = excluded.destination_id, endpoint = excluded.endpoint,
            campaign_only = excluded.campaign_only, uncertain_policy = excluded.uncertain_policy,
            validity = excluded.validity, secrets = excluded.secrets, claim = excluded.claim, retired = null
      where (c.kind, c.name, c.provider, c.destination_id, c.endpoint, c.campaign_only, c.uncertain_policy, c.validity,
             c.secrets, c.claim, c.retired)
            is distinct from
            (excluded.kind, excluded.name, excluded.provider, excluded.destination_id, excluded.endpoint,
             excluded.campaign_only, excluded.uncertain_policy, excluded.validity, excluded.secrets, excluded.claim, null);

    perform destinations_follow(p_tenant);
    perform keywords_derive(p_tenant);
exception when unique_violation then
    get stacked diagnostics broken = constraint_name;
    if broken <> 'channel_claim' then
        raise;
    end if;
    perform channel_is_taken(p_tenant);
end
$$;

-- Waiting deliveries follow their number. A webhook that no number has is never called; what waited for it goes to the webhook that
-- its number has now, or waits until it has one again: 10 000 rows at once, the others by upkeep. After each provisioning, even if it
-- changes nothing, destinations that fail are tried at once and those that were switched off are switched on, so that none stays off
-- unnoticed.
create or replace function destinations_follow(p_tenant int) returns void
language plpgsql as $$
begin
    insert into breaker_change (tenant_id, destination_id, kind)
    select p_tenant, d.id, :breaker_switched_on from destination d where d.tenant_id = p_tenant and d.switched_off is not null;
    update destination dst set enabled = used.now, switched_off = null
      from (select d.id, exists (select from channel c where c.tenant_id = p_tenant and c.destination_id = d.id
                                                         and c.retired is null) as now
              from destination d where d.tenant_id = p_tenant) used
     where dst.tenant_id = p_tenant and dst.id = used.id
       and (dst.enabled <> used.now or dst.switched_off is not null);

    insert into breaker_change (tenant_id, destination_id, kind)
    select p_tenant, d.id, :breaker_reset from destination d where d.tenant_id = p_tenant and d.enabled and d.failures > 0;
    update destination set failures = 0, not_before = '-infinity'
     where tenant_id = p_tenant and enabled and failures > 0;

    perform deliveries_follow(array(select d.id from destination d where d.tenant_id = p_tenant and not d.enabled), 10000);
    perform destination_hurry(d.id) from destination d where d.tenant_id = p_tenant and d.enabled;
end
$$;

-- The number that a channel has.
create or replace function channel_address(p_tenant int, p_channel int) returns text
language sql stable as $$
    select c.address from channel c where c.tenant_id = p_tenant and c.id = p_channel
$$;
