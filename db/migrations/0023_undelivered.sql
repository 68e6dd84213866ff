-- The list of what is undelivered for all contact centers, the latest first.
create index undelivered_latest on undelivered (since, message_id);

-- What a replayed message had failed with. Null in rows of before.
alter table replay
    add column failed      timestamptz,
    add column reason      text,
    add column last_status int,
    add column attempts    int;
