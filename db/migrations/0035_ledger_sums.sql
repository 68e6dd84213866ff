-- The ledger is a sum: each change of a state is entered, and the entries are added up for each day and for all days (db/functions/operators/
-- ledger.sql). What the sums say of the days before this migration is completed by the first recount of each day.
alter table ledger_entry
    add column state    smallint not null default 0,  -- 0: a claim whose state the recount of its day adds
    add column messages bigint   not null default 0;  -- how many came into the state (or left it, if negative)
alter table ledger_entry alter column accepted set default 0;

-- Only counts change, and no index has them: the updates stay on their pages.
create table ledger_sum (
    tenant_id  int      not null,
    day        date     not null,            -- UTC; -infinity: all days together
    channel_id int      not null,
    direction  smallint not null,
    state      smallint not null,
    accepted   bigint   not null,
    messages   bigint   not null
) with (fillfactor = 70);
create index ledger_sum_day on ledger_sum (day);
alter table ledger_sum add primary key (tenant_id, day, channel_id, direction, state);

-- The days that have entries, and when each was counted last.
create table ledger_recount (
    day     date        primary key,
    since   timestamptz not null default now(),
    counted timestamptz,                     -- null: not yet
    took_ms bigint      not null default 0
);
insert into ledger_recount (day) select distinct e.day from ledger_entry e;

-- What the last recount of a day did not find, or found too much (negative).
create table ledger_missing (
    tenant_id  int      not null,
    day        date     not null,
    channel_id int      not null,
    direction  smallint not null,
    messages   bigint   not null
);
create index ledger_missing_day on ledger_missing (day);
alter table ledger_missing add primary key (tenant_id, day, channel_id, direction);

-- They get another shape.
drop view if exists ledger;
drop function if exists ledger_window(date, date, int);
