-- Up to which position a contact center's events are forgotten (events_forget() in db/functions/event.sql).
create table event_forgotten (
    tenant_id int    primary key,
    history   bigint not null, -- of the database, that xid is of: event_epoch()
    xid       bigint not null,
    ordinal   bigint not null
);
select tenant_lock_rows('event_forgotten');
