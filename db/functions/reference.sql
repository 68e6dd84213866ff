-- Numbers and mail domains name the endpoint of their conversations. A change leaves no such name without its endpoint, unless
-- it found it like that: channels_derive() asks in the transaction of each change, whoever makes it; tenant_lock() notes how
-- things stood before.
--
-- As long as a contact center has no endpoints at all, the name is the queue itself and may be anything. A service that a number names
-- (its provider) must be there. What else may come before what it needs (a number without a provider before the service SMS, a
-- key before its contact center) waits for it.

-- [{"number", "holder": its section, "endpoint": its name, "there": is it?}]
create or replace function endpoint_references(p_tenant int) returns jsonb
language sql stable as $$
    select coalesce(jsonb_agg(jsonb_build_object(
               'number', c.options ->> 'channelId', 'holder', c.section, 'endpoint', c.options ->> 'endpoint', 'there', exists (
               select from transaction_section e
                where e.tenant_id = p_tenant and e.transaction = 'NexusEndpoints'
                  and e.section in (c.options ->> 'endpoint', regexp_replace(c.options ->> 'endpoint', '^chat\.', ''))))
               order by c.section), '[]')
      from transaction_section c
     where c.tenant_id = p_tenant and c.transaction = 'NexusServices' and c.options ->> 'endpoint' <> ''
       and (c.section like 'chat.%' or c.section like 'cxc.%')
$$;

-- A number or mail domain may say whose gateway it uses, which is a service that must be there: the same shape, "service" is its name.
create or replace function service_references(p_tenant int) returns jsonb
language sql stable as $$
    select coalesce(jsonb_agg(jsonb_build_object(
               'number', c.options ->> 'channelId', 'holder', c.section, 'service', c.options ->> 'provider', 'there', exists (
               select from service v where v.tenant_id = p_tenant and v.name = c.options ->> 'provider'))
               order by c.section), '[]')
      from transaction_section c
     where c.tenant_id = p_tenant and c.transaction = 'NexusServices' and c.options ->> 'provider' <> ''
       and (c.section like 'chat.%' or c.section like 'cxc.%')
$$;

-- Before a change: how things stand, for each contact center that the transaction changes.
create or replace function references_note(p_tenant int) returns void
language plpgsql as $$
begin
    perform set_config('nexus.references',
                       (coalesce(nullif(current_setting('nexus.references', true), ''), '{}')::jsonb
                        || jsonb_build_object(p_tenant::text, endpoint_references(p_tenant) || service_references(p_tenant)))::text, true);
end
$$;

-- After it.
create or replace function references_check(p_tenant int) returns void
language plpgsql as $$
declare
    -- Where nobody noted, all that is wrong is new.
    before jsonb := nullif(current_setting('nexus.references', true), '')::jsonb -> p_tenant::text;
    lost record;
    was jsonb;
begin
    for lost in select r.number, r.holder, r.service
                  from jsonb_to_recordset(service_references(p_tenant)) as r (number text, holder text, service text, there boolean)
                 where not r.there loop
        was := (select b from jsonb_array_elements(before) b
                 where b @> jsonb_build_object('number', lost.number, 'service', lost.service));
        if was is null then
            raise exception 'provider: % names the service "%", and there is no such service', lost.holder, lost.service
                  using errcode = 'NX400';
        end if; -- it may be taken away; then answers of the number wait
    end loop;
    if not exists (select from transaction_section e where e.tenant_id = p_tenant and e.transaction = 'NexusEndpoints') then
        return;
    end if;
    for lost in select r.number, r.holder, r.endpoint
                  from jsonb_to_recordset(endpoint_references(p_tenant))
                       as r (number text, holder text, endpoint text, there boolean)
                 where not r.there loop
        was := (select b from jsonb_array_elements(before) b
                 where b @> jsonb_build_object('number', lost.number, 'endpoint', lost.endpoint));
        if was is null then
            raise exception 'endpoint: % names "%", and there is no such endpoint', lost.holder, lost.endpoint
                  using errcode = 'NX400';
        elsif (was ->> 'there')::boolean then
            raise exception 'the endpoint "%" is named by %', lost.endpoint, lost.holder using errcode = 'NX409';
        end if;
    end loop;
end
$$;
