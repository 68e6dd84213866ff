-- What operators see of a destination, and the switch by which they leave one alone.
alter table destination
    add column switched_off timestamptz;     -- by an operator; enabled is false then
create index destination_switched_off on destination (id) where switched_off is not null;

-- What each said last. Workers tell it every few seconds, not with each answer; what died with a worker is told by the next
-- answer. A row a destination, so it grows no further.
create table destination_answer (
    destination_id int  primary key references destination on delete cascade,
    tenant_id      int  not null,
    at             timestamptz not null,
    status         int,                      -- null: there was no answer
    decision       smallint not null,        -- as attempt.decision
    detail         text,                     -- as attempt.detail
    failing_since  timestamptz               -- since when all were bad; null: this one was good
);
select tenant_lock_rows('destination_answer');
