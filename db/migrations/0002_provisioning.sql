-- Provisioning: what administrators say over HTTP or in a file. The tables here hold it as it was said; channel and
-- destination, which the hot path reads, are derived from it (channels_derive() in db/functions/channel.sql).

-- A contact center is founded by the first key, service or user that names its ccid; POST tenants gives it the rest.
alter table tenant
    alter column name drop not null,
    add column type              text,
    add column backend_url       text,           -- of its GWS
    add column username          text,
    add column token             text,           -- sealed
    add column genesys_tenant_id int,
    add column provisioned       timestamptz;    -- null: only founded
update tenant set provisioned = created;

-- api_key.prefix holds the first 13 characters of keys made from now on: it is the short id that reads show.
alter table api_key add column created_by text not null default '';
create index api_key_prefix on api_key (prefix);
create index api_key_tenant on api_key (tenant_id, id);

-- Where GWS is, and who we are there. Operators insert rows by hand; a clientsecret that is not sealed is sealed by
-- the first that reads it.
create table nex_gapis (
    id           int  generated always as identity primary key,
    url          text not null,
    clientid     text not null,
    apikey       text,
    clientsecret text not null default '',
    created      timestamptz not null default now(),
    region       text,
    authinturl   text,                           -- as we reach it
    authexturl   text                            -- as browsers reach it
);

-- secret has the shape in which it was posted, each text in it that is a secret replaced by its sealed form.
create table service (
    tenant_id  int  not null references tenant,
    name       text not null,
    url        text,                             -- null: none, or "N/A"
    data       jsonb not null default '{}',
    secret     jsonb not null default '{}',
    changed    timestamptz not null default now(),
    changed_by text not null default '',
    primary key (tenant_id, name)
);

-- NexusServices, NexusEndpoints and DesignerEnv: sections of options, all of them texts.
create table transaction_section (
    tenant_id   int  not null references tenant,
    transaction text not null,
    section     text not null,
    options     jsonb not null default '{}',
    secret      jsonb not null default '{}',     -- options that are secrets, sealed
    changed     timestamptz not null default now(),
    changed_by  text not null default '',
    primary key (tenant_id, transaction, section)
);

-- A number whose section went: nothing is accepted for it any more, what waits for delivery goes on.
alter table channel add column retired timestamptz;

-- What was provisioned before there were these tables, as if it had been said in their terms. Of two channels of one
-- name the later takes its address along.
insert into transaction_section (tenant_id, transaction, section, options)
select c.tenant_id, 'NexusServices',
       case c.kind when 2 then 'cxc.' else 'chat.' end || c.name
           || case when c.nth > 1 then '_' || ltrim(c.address, '+') else '' end,
       jsonb_strip_nulls(jsonb_build_object(
           'channelId', c.address, 'channelType', case c.kind when 2 then 'email' else 'sms' end, 'provider', c.provider,
           'endpoint', nullif(c.endpoint, ''), 'cxcOnly', case when c.campaign_only then 'true' end,
           'uncertain', case c.uncertain_policy when 2 then 'hold' end,
           'validity', case when c.validity <> interval '24 hours' then round(extract(epoch from c.validity)) || 's' end))
  from (select *, row_number() over (partition by tenant_id, kind, name order by id) as nth from channel) c;

insert into transaction_section (tenant_id, transaction, section, options)
select d.tenant_id, 'NexusServices', 'Async', jsonb_object_agg('header:' || h.key, h.value)
  from destination d cross join jsonb_each_text(d.headers) h
 group by d.tenant_id;

insert into service (tenant_id, name, data, secret)
select c.tenant_id, 'Async',
       jsonb_build_object('channels', jsonb_agg(jsonb_build_object(
           'channelId', c.address, 'webhook', jsonb_build_object('url', d.url)) order by c.id)),
       jsonb_build_object('channels', jsonb_agg(jsonb_build_object(
           'channelId', c.address, 'webhook', jsonb_build_object('secret', d.secrets))
           || case when c.secrets <> '{}' then jsonb_build_object('api', jsonb_build_object('secret', c.secrets))
                   else '{}' end order by c.id))
  from channel c
  join destination d on d.tenant_id = c.tenant_id and d.id = c.destination_id
 group by c.tenant_id;
