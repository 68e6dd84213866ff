-- Series of parts of long texts (db/functions/inbound_part.sql).

-- series: what belongs together, named by the id of the part that began it; null: joined before there were series. copy_of: it was
-- received before under another name.
alter table inbound_part
    add column series      uuid,
    add column copy_of     uuid,
    add column traceparent text;
drop index inbound_part_waiting;
create index inbound_part_waiting on inbound_part (tenant_id, channel_id, address, reference)
    where message_id is null and copy_of is null;
create index inbound_part_reference on inbound_part (tenant_id, channel_id, address, reference, received);

-- Of how many parts a text was joined; null: it came whole. The ledger counts the parts.
alter table message add column parts smallint;

-- How long a reference names a series after its last part: NEXUS_PART_WAIT.
create table inbound_part_wait (
    one  boolean  primary key default true check (one),
    wait interval not null
);
insert into inbound_part_wait (wait) values ('10 min');
grant select on inbound_part_wait to nexus_api;

-- A text on its way into sms_accept().
create type mo_whole as (
    tenant_id int, number text, id uuid, external_id text, address text, body text, parts smallint, traceparent text);

-- What waits becomes series: of parts with one number the first goes into the first series, and so on. The ledger learns that
-- they were accepted.
update inbound_part p
   set series = s.series
  from (select n.tenant_id, n.id,
               first_value(n.id) over (partition by n.tenant_id, n.channel_id, n.address, n.reference, n.total, n.nth
                                       order by n.received, n.id) as series
          from (select p.*, row_number() over (partition by p.tenant_id, p.channel_id, p.address, p.reference, p.total, p.part
                                               order by p.received, p.id) as nth
                  from inbound_part p where p.message_id is null) n) s
 where p.tenant_id = s.tenant_id and p.id = s.id;
insert into ledger_entry (tenant_id, channel_id, direction, day, accepted)
select p.tenant_id, p.channel_id, 1, (p.received at time zone 'utc')::date, count(*)
  from inbound_part p where p.series is not null
 group by 1, 2, 4;

-- It gets another shape (db/functions/ledger.sql).
drop view if exists ledger;
drop function if exists ledger_window(date, date, int);
