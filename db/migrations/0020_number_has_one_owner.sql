-- A number is in use by one contact center at a time. A short code is another one's in another country, so it may be.
--
-- A database that already has doubles keeps the owner that runs: the one with the latest conversation, else the oldest one.
-- The others are retired, as if their section had been taken away: their texts are answered 404, their answers wait. Each is
-- told as a warning and stands in the audit log as number.retire; "nexusctl numbers move" gives the number to another one.
-- Provisioning of a contact center that still asks for it is refused until its section is removed.
create temporary table doubled on commit drop as
select * from (
    select c.id, c.tenant_id, c.address, c.destination_id,
           row_number() over (partition by c.address order by latest.at desc nulls last, c.id) as place
      from channel c
     cross join lateral (select max(v.last_activity) as at from conversation v
                          where v.tenant_id = c.tenant_id and v.channel_id = c.id) latest
     where c.retired is null and c.kind = 1 and c.address like '+%'
       and exists (select from channel o where o.address = c.address and o.id <> c.id and o.retired is null and o.kind = 1)) ranked
 where place > 1;

do $$
declare
    one record;
begin
    for one in select d.*, t.ccid from doubled d join tenant t on t.id = d.tenant_id order by d.address, d.id loop
        raise warning 'number % was in use twice: contact center % lost it, as another one''s conversations are newer',
                      one.address, one.ccid;
        insert into audit (tenant_id, actor, credential, action, object, fields)
        values (one.tenant_id, session_user, 'local', 'number.retire', one.address, '{retired}');
    end loop;
end
$$;

update channel c set retired = now() from doubled d where c.id = d.id;
update destination s set enabled = false
  from doubled d
 where s.tenant_id = d.tenant_id and s.id = d.destination_id
   and not exists (select from channel c where c.tenant_id = s.tenant_id and c.destination_id = s.id and c.retired is null);

create unique index channel_owner on channel (address) where retired is null and kind = 1 and address like '+%';
