-- The list of what is undelivered is read in several orders, page by page, each by an index of its own: for one contact center and for all
-- together. So the number stands in the row, and the last HTTP status also where the failure itself had none.
-- status_key: a row's place among the statuses. A column, because behind row-level security PostgreSQL uses no index on the expression itself.
alter table undelivered add column channel text not null default '', add column status_key int generated always as (coalesce(last_status, 0)) stored;

update undelivered u
   set channel = c.address,
       last_status = coalesce(u.last_status, (select a.status from attempt a
                                               where a.tenant_id = u.tenant_id and a.message_id = u.message_id and a.status is not null
                                               order by a.at desc limit 1))
  from message m join channel c on c.id = m.channel_id
 where m.tenant_id = u.tenant_id and m.id = u.message_id;

drop index undelivered_since;
create index undelivered_since    on undelivered (tenant_id, since, message_id);
create index undelivered_channel  on undelivered (tenant_id, channel, since, message_id);
create index undelivered_reason   on undelivered (tenant_id, reason, since, message_id);
create index undelivered_status   on undelivered (tenant_id, status_key, since, message_id);
create index undelivered_attempts on undelivered (tenant_id, attempts, since, message_id);
create index undelivered_all_channel  on undelivered (channel, since, message_id);
create index undelivered_all_reason   on undelivered (reason, since, message_id);
create index undelivered_all_status   on undelivered (status_key, since, message_id);
create index undelivered_all_attempts on undelivered (attempts, since, message_id);

-- The last status stands in the row now.
drop function if exists undelivered_status(undelivered);
