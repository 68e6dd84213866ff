-- Numbers and mail domains name the endpoint of their conversations. After a change each such name has its endpoint, unless it had
-- none before: channels_derive() checks this in the transaction of each change, whoever makes it; tenant_lock() notes the state
-- before.
--
-- As long as a contact center has no endpoints at all, the name is the queue itself and may be anything. A service that a number names
-- (its provider) must be there. What else may come before what it needs (a number without a provider before the service SMS, a
-- key before its contact center) waits for it.

-- [{"option": endpoint or provider, "number", "holder": its section, "name": of what it names, "there": does it exist?}]
create or replace function references_of(p_tenant int) returns jsonb
language sql stable as $$
    select coalesce(jsonb_agg(jsonb_build_object('option', o.option, 'number', c.options ->> 'channelId', 'holder', c.section,
                                                 'name', o.name, 'there', o.there) order by o.option desc, c.section), '[]')
      from transaction_section c
     cross join lateral (values
           ('endpoint', c.options ->> 'endpoint', exists (
               select from transaction_section e
                where e.tenant_id = p_tenant and e.transaction = 'NexusEndpoints'
                  and e.section in (c.options ->> 'endpoint', regexp_replace(c.options ->> 'endpoint', '^chat\.', '')))),
           ('provider', c.options ->> 'provider', exists (
               select from service v where v.tenant_id = p_tenant and v.name = c.options ->> 'provider'))) o (option, name, there)
     where c.tenant_id = p_tenant and c.transaction = 'NexusServices' and o.name <> ''
       and (c.section like 'chat.%' or c.section like 'cxc.%')
$$;

-- Before a change: the current references of each contact center that the transaction changes.
create or replace function references_note(p_tenant int) returns void
language plpgsql as $$
begin
    perform set_config('nexus.references',
                       (coalesce(nullif(current_setting('nexus.references', true), ''), '{}')::jsonb
                        || jsonb_build_object(p_tenant::text, references_of(p_tenant)))::text, true);
end
$$;

-- After it.
create or replace function references_check(p_tenant int) returns void
language plpgsql as $$
declare
    -- If nothing was noted, every fault is new.
    before jsonb := nullif(current_setting('nexus.references', true), '')::jsonb -> p_tenant::text;
    has_endpoints boolean := exists (select from transaction_section e where e.tenant_id = p_tenant and e.transaction = 'NexusEndpoints');
    lost record;
    was jsonb;
begin
    for lost in select r.*
                  from jsonb_to_recordset(references_of(p_tenant))
                       as r (option text, number text, holder text, name text, there boolean)
                 where not r.there and (r.option = 'provider' or has_endpoints) loop
        was := (select b from jsonb_array_elements(before) b
                 where b @> jsonb_build_object('option', lost.option, 'number', lost.number, 'name', lost.name));
        if was is null then
            raise exception '%: % names %"%", and there is no such %', lost.option, lost.holder,
                            case lost.option when 'provider' then 'the service ' else '' end, lost.name,
                            case lost.option when 'provider' then 'service' else 'endpoint' end using errcode = 'NX400';
        elsif lost.option = 'endpoint' and (was ->> 'there')::boolean then
            raise exception 'the endpoint "%" is named by %', lost.name, lost.holder using errcode = 'NX409';
        end if; -- a service may be taken away; then answers of the number wait
    end loop;
end
$$;

