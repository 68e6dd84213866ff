-- sms-workers remember the secrets of numbers for a while. Whatever changes a number, by HTTP, by nexusctl or by hand, is
-- told on channel nexus_channel with the transaction's commit: the tenant's number, '*' for everybody's. The functions of
-- triggers stand here and not in db/functions, because the triggers need them.
create function channels_tell() returns trigger
language plpgsql as $$
begin
    perform pg_notify('nexus_channel', c.tenant_id::text) from (select distinct tenant_id from changed) c;
    return null;
end
$$;

create function channels_tell_all() returns trigger
language plpgsql as $$
begin
    perform pg_notify('nexus_channel', '*');
    return null;
end
$$;

create trigger channel_inserted after insert on channel referencing new table as changed
    for each statement execute function channels_tell();
create trigger channel_updated after update on channel referencing new table as changed
    for each statement execute function channels_tell();
create trigger channel_deleted after delete on channel referencing old table as changed
    for each statement execute function channels_tell();
create trigger channel_truncated after truncate on channel
    for each statement execute function channels_tell_all();
