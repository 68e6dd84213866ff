-- What we answer to keywords (db/functions/keyword.sql).

-- Null: our own text in the language of the word. Empty: nothing is answered.
alter table channel
    add column stop_reply  text,
    add column start_reply text,
    add column help_reply  text;

-- The inbound message whose keyword an outbound one answers; such an answer an opt-out that is no younger does not stop.
alter table message add column answers uuid;

create table keyword_reply (
    language text     not null,
    meaning  smallint not null,
    body     text     not null,
    primary key (language, meaning)
);

-- How often a keyword was answered lately, so that two machines that answer each other come to an end. Rows of yesterday
-- are deleted (upkeep_forgotten()).
create table keyword_answer (
    tenant_id  int         not null,
    channel_id int         not null,
    address    text        not null,
    meaning    smallint    not null,
    since      timestamptz not null default now(), -- the first of them
    answers    smallint    not null default 1
);
create index keyword_answer_since on keyword_answer (since);
alter table keyword_answer add primary key (tenant_id, channel_id, address, meaning);
select tenant_lock_rows('keyword_answer');

-- They get another shape (db/functions/inbound.sql).
drop function if exists sms_accept(int[], text[], uuid[], text[], text[], text[], uuid[], text[], text[], smallint[], smallint[], text[]);
drop function if exists sms_accept_parts(int[], text[], uuid[], text[], text[], text[], uuid[], text[], text[], smallint[], smallint[], text[]);
drop function if exists keywords_take(int[], text[], uuid[], text[], text[], uuid[]);

-- A keyword in a batch of messages; place counts them from 1.
create type keyword_said as (
    tenant_id int, channel_id int, address text, id uuid, place bigint, meaning smallint, language text);
