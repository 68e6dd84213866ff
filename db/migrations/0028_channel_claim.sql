-- A short code of one country, and a mail domain, are in use by one contact center at a time, too, as numbers are (0020). claim is
-- what is one contact center's (channel_claim() in db/functions/channel.sql).
--
-- Nothing stops where there are doubles. The one with the latest conversation, else the oldest, gets the claim; the others go on
-- without one, each is told as a warning, and is refused when it is provisioned the next time: until its section is removed or,
-- of a short code, says its country.
alter table channel add column claim text;

create temporary table claimed on commit drop as
select c.id, c.tenant_id, w.claim, row_number() over (partition by w.claim order by latest.at desc nulls last, c.id) as place
  from channel c
 cross join lateral (select case when c.kind = 2 then 'mail:' || c.address when c.address like '+%' then c.address
                                 else 'short::' || c.address end) w (claim)
 cross join lateral (select max(v.last_activity) as at from conversation v
                      where v.tenant_id = c.tenant_id and v.channel_id = c.id) latest
 where c.retired is null;

update channel c set claim = d.claim from claimed d where c.id = d.id and d.place = 1;

do $$
declare
    one record;
begin
    for one in select c.address, t.ccid from claimed d join channel c on c.id = d.id join tenant t on t.id = d.tenant_id
                where d.place > 1 order by c.address, c.id loop
        raise warning '% is in use twice: contact center % is refused when it is provisioned the next time, as another one''s conversations are newer',
                      one.address, one.ccid;
    end loop;
end
$$;

drop index channel_owner;
create unique index channel_claim on channel (claim) where retired is null;
