-- The tables of the main job. Rules that hold for all of them:
--   the integer tenant comes first in every key, so that a cross-tenant reference cannot be written down;
--   ids are 128-bit: time-ordered where we choose them, name-based where the outside gave a name (message.id);
--   primary keys are made last, after the other indexes: while a table is new all its indexes look equally good to the planner,
--     it then takes the youngest, and the plan it makes so may be kept for as long as a worker lives;
--   unique indexes decide duplicates;  all due, lease and expiry times are PostgreSQL's clock.

create table tenant (
    id      int  generated always as identity primary key,
    ccid    uuid not null unique,           -- the contact center's id, as callers know it
    name    text not null unique,
    created timestamptz not null default now()
);

-- A key is stored as HMAC-SHA-256 (pepper, SHA-256 (key)); the key itself is shown once.
create table api_key (
    id          int   generated always as identity primary key,
    tenant_id   int   references tenant,     -- null: a cluster key ("*"), which acts for the tenant named in each call
    mac         bytea not null unique,
    prefix      text  not null,              -- the first 8 characters, for people
    name        text  not null,
    permissions text[] not null,             -- product:role:resource
    enabled     boolean not null default true,
    revoked     boolean not null default false,
    expires     timestamptz,
    capacity    int not null default 120,    -- requests per frequency seconds; 0: no limit
    frequency   int not null default 60,
    created     timestamptz not null default now()
);

-- Where deliveries go: one row a webhook. Breaker state is here so that opening it is one update, never one a message.
create table destination (
    id          int  generated always as identity primary key,
    tenant_id   int  not null references tenant,
    url         text not null,
    headers     jsonb not null default '{}', -- static headers ("header:" options)
    secrets     text[] not null default '{}',-- sealed webhook secrets, the current one first; two while one is rotated
    enabled     boolean not null default true,
    not_before  timestamptz not null default '-infinity', -- breaker open until then
    failures    int not null default 0,      -- consecutive openings, for the doubling
    unique (tenant_id, id)
);

-- A number or mail domain of a tenant, with what happens to its messages.
create table channel (
    id               int  generated always as identity primary key,
    tenant_id        int  not null references tenant,
    address          text not null,          -- "+18445551212", "12345", "mail.example.com"
    kind             smallint not null,      -- 1 sms, 2 email
    name             text not null,          -- the section it was provisioned under
    provider         text not null,          -- "Async"
    destination_id   int,
    endpoint         text not null default '',  -- the queue new conversations wait in
    campaign_only    boolean not null default false, -- cxcOnly: messages are kept, no conversation is opened
    uncertain_policy smallint not null default 1,    -- 1 resend, 2 hold
    validity         interval not null default '24 hours',
    secrets          text[] not null default '{}',   -- sealed secrets of the inbound API, the current one first
    unique (tenant_id, address),
    unique (tenant_id, id),
    foreign key (tenant_id, destination_id) references destination (tenant_id, id)
);

create table contact (
    tenant_id int  not null,
    id        uuid not null,
    address   text not null,                 -- the number that made it known
    name      text,
    created   timestamptz not null default now()
);
create unique index contact_address on contact (tenant_id, address);
alter table contact add primary key (tenant_id, id);

-- conversation.last_sequence counts its messages without a gap. The row is updated with every message: fillfactor
-- leaves room so that the update stays on its page and touches no index (HOT); no updated column is indexed.
create table conversation (
    tenant_id     int  not null,
    id            uuid not null,
    channel_id    int  not null,
    address       text not null,             -- the consumer's
    contact_id    uuid,
    state         smallint not null,         -- 1 waiting, 2 active, 3 held, 9 done
    last_sequence int  not null default 0,
    last_activity timestamptz not null default now(),
    queue         text not null,
    agent         text,                      -- who accepted it
    opened        timestamptz not null default now(),
    waiting_since timestamptz not null default now(),
    ended         timestamptz
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
create unique index conversation_open on conversation (tenant_id, channel_id, address) where state < 9;
create index conversation_waiting on conversation (tenant_id, state, waiting_since) where state < 9;
create index conversation_contact on conversation (tenant_id, contact_id);
alter table conversation add primary key (tenant_id, id);

-- id is name-based for what came with a name (MO: tenant, number, message_id; post: conversation, clientId), so the primary
-- key is also the index that decides duplicates, and a repetition leads to the same id without a look-up.
create table message (
    tenant_id       int  not null,
    id              uuid not null,
    channel_id      int  not null,
    conversation_id uuid,                    -- null: campaign numbers
    sequence        int,
    direction       smallint not null,       -- 1 in, 2 out
    state           smallint not null,       -- message_state below
    created         timestamptz not null default now(),
    address         text not null,           -- the consumer's
    author          text,                    -- who posted an outbound one
    external_id     text,                    -- the sender's id; the caller's clientId
    body            text not null default '',
    content         jsonb,
    provider_id     text,                    -- what the provider calls it
    changed         timestamptz,             -- last change of state
    traceparent     text
) with (fillfactor = 85);
create unique index message_sequence on message (tenant_id, conversation_id, sequence);
create index message_created on message using brin (created) with (pages_per_range = 32);
alter table message add primary key (tenant_id, id);

-- States: each a fact we can prove. The ledger counts messages by them.
create table message_state (
    id       smallint primary key,
    name     text not null unique,
    terminal boolean not null
);
insert into message_state values
    (1, 'accepted', false), (2, 'held', false), (3, 'sending', false), (4, 'sent', false),
    (5, 'delivered', true), (6, 'read', true), (7, 'failed', true), (8, 'expired', true),
    (9, 'opted_out', true), (10, 'suppressed', true), (11, 'cancelled', true), (12, 'uncertain', false),
    (13, 'received', true); -- an inbound message, once committed, is where it belongs

create table attachment (
    tenant_id    int  not null,
    message_id   uuid not null,
    ordinal      smallint not null,
    content_type text not null,
    content      bytea not null,
    primary key (tenant_id, message_id, ordinal)
);

-- Parts of a long MO. They stay for a while after they were joined (message_id), so that a repeated part is
-- recognised. Phones use references again: only parts that wait belong to one message.
create table inbound_part (
    tenant_id   int  not null,
    id          uuid not null,               -- name-based, as message.id; the joined message gets that of its first part
    channel_id  int  not null,
    address     text not null,
    reference   text not null,
    part        smallint not null,
    total       smallint not null,
    external_id text not null,
    body        text not null,
    received    timestamptz not null default now(),
    message_id  uuid                        -- null: waits for the others
);
create index inbound_part_waiting on inbound_part (tenant_id, channel_id, address, reference) where message_id is null;
create index inbound_part_age on inbound_part (received);
alter table inbound_part add primary key (tenant_id, id);

-- What each accepting transaction claims to have accepted: the other side of the ledger's equation. Appended to, and
-- summed up by provisioning-worker.
create table ledger_entry (
    tenant_id  int  not null,
    channel_id int  not null,
    direction  smallint not null,
    day        date not null default (now() at time zone 'utc')::date,
    accepted   bigint not null
);
create index ledger_entry_day on ledger_entry (day);

-- The queue of what must leave: small, hot, deleted from when a message is finished. The row is the queue entry.
create table delivery (
    id              bigint generated always as identity primary key,
    tenant_id       int  not null,
    destination_id  int  not null,
    channel_id      int  not null,
    message_id      uuid not null,
    conversation_id uuid,                    -- order is kept within it; null: none
    address         text not null,
    due             timestamptz not null default now(),
    expires         timestamptz not null,
    attempt         smallint not null default 0,
    lease_until     timestamptz,             -- null: nobody holds it
    lease_epoch     int not null default 0   -- counts claims; an outcome under an old epoch is refused
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
create index delivery_due on delivery (destination_id, due);
create index delivery_conversation on delivery (tenant_id, conversation_id, id) where conversation_id is not null;
create index delivery_expires on delivery (expires);

-- Failed for good, and can be replayed under the same message id.
create table undelivered (
    tenant_id   int  not null,
    message_id  uuid not null,
    destination_id int not null,
    reason      text not null,               -- refused, expired, exhausted, gone, uncertain, forbidden_address, …
    last_status int,
    attempts    int not null,
    since       timestamptz not null default now()
);
create index undelivered_since on undelivered (tenant_id, since);
alter table undelivered add primary key (tenant_id, message_id);
create table replay (                        -- the audit trail of replays
    tenant_id  int  not null,
    message_id uuid not null,
    at         timestamptz not null default now(),
    by         text not null
);

-- One row an attempt, appended only; daily partitions are made ahead and dropped by provisioning-worker.
create table attempt (
    tenant_id   int  not null,
    message_id  uuid not null,
    at          timestamptz not null default now(),
    attempt     smallint not null,
    outcome     text not null,               -- sent, retry, failed, uncertain, …
    status      int,
    duration_ms int,
    worker      text
) partition by range (at);
create index attempt_message on attempt (tenant_id, message_id);
create table attempt_default partition of attempt default;

-- How the provider calls a message: receipts are bound through it.
create table provider_message (
    tenant_id   int  not null,
    provider_id text not null,
    channel_id  int  not null,
    message_id  uuid not null,
    primary key (tenant_id, provider_id, channel_id)
);

-- Receipts are stored first and bound afterwards; bound is null until their message is known.
create table receipt (
    tenant_id   int  not null,
    provider_id text not null,
    state       smallint not null,           -- 1 to 8, SMPP 3.4
    channel_address text,
    result_code int,
    received    timestamptz not null default now(),
    message_id  uuid
);
create index receipt_unbound on receipt (tenant_id, received) where message_id is null;
create index receipt_unbound_age on receipt (received) where message_id is null;
alter table receipt add primary key (tenant_id, provider_id, state);

-- STOP and START of a number pair. A row with cleared null refuses every outbound message of the pair.
create table opt_out (
    tenant_id  int  not null,
    channel_id int  not null,
    address    text not null,
    since      timestamptz not null default now(),
    evidence   uuid not null,                -- the message that said so
    cleared    timestamptz,
    cleared_by uuid,
    primary key (tenant_id, channel_id, address)
);

-- What agents' screens are told, in commit order. position is (transaction, ordinal): a reader takes only transactions
-- older than every running one, so that nothing can appear behind it later (docs/decisions/event-positions.md).
create table event (
    tenant_id       int    not null,
    xid             bigint not null default (pg_current_xact_id()::text::bigint),
    ordinal         bigint generated always as identity,
    at              timestamptz not null default now(),
    kind            smallint not null,       -- 1 message, 2 state of a message, 3 conversation
    conversation_id uuid,
    message_id      uuid,
    sequence        int,
    state           smallint
) partition by range (at);
create index event_position on event (tenant_id, xid, ordinal);
create table event_default partition of event default;
