-- What explaining a message takes (db/functions/timeline.sql): who did what, what was decided, and what the answers looked
-- like. The columns are null in rows of before, and where there is nothing to say.

-- Every start of a process that uses PostgreSQL. Its number stands in what it did.
create table process (
    id          int  generated always as identity primary key,
    incarnation uuid not null unique,
    name        text not null,               -- sms-worker-0
    build       text not null,
    started     timestamptz not null default now()
);
grant select on process to nexus_api;

-- Until when what is kept for a while only has been forgotten.
create table forgotten (
    about  text primary key,                 -- the table
    before timestamptz not null
);
grant select on forgotten to nexus_api;

alter table message
    add column process       int,            -- which accepted it
    add column repeated      int,            -- how often it came again; null: never
    add column repeated_last timestamptz;

alter table delivery
    add column process int;                  -- which claimed it last

-- decision: the class of the answer (0 ok, 1 retry, 2 config, 3 permanent, 4 gone), or 5 not sent, 6 uncertain, 7 forbidden
-- address, 8 settings that cannot be read; 16 more: it was the probe of a breaker. detail is nothing that the provider's
-- answer said in words (sms-worker/answer_excerpt.h).
alter table attempt
    add column process        int,
    add column destination_id int,
    add column decision       smallint,
    add column held_ms        int,           -- from the claim to the outcome
    add column sent_bytes     int,           -- of the body
    add column delay_ms       int,           -- until the next attempt
    add column detail         text;

-- When a destination was left alone, and when it was not any more.
create table breaker_change (
    tenant_id      int  not null,
    destination_id int  not null,
    at             timestamptz not null default now(),
    kind           smallint not null,        -- 1 opened, 2 closed, 3 switched off, 4 changed by provisioning
    until          timestamptz,              -- of 1: when it may be probed
    openings       int,                      -- in a row
    process        int
);
create index breaker_change_destination on breaker_change (tenant_id, destination_id, at);
select tenant_lock_rows('breaker_change');

alter table destination
    add column changed timestamptz;          -- its url, headers or secrets

create index replay_message on replay (tenant_id, message_id);
create index inbound_part_message on inbound_part (tenant_id, message_id) where message_id is not null;
