-- For whom a GWS may vouch: for the contact centers that its row names, and for operators only where the row says so.
--   centers    null: any that no other row names; {}: none
--   operators  may users without a contact center act for all?
-- The first row is where people log in: it keeps vouching for all, so an installation with one row goes on as it was. Of
-- further rows each keeps the contact centers whose backend_url is its url, and no operators. "nexusctl gapis" changes it.
alter table nex_gapis add column centers uuid[], add column operators boolean;

update nex_gapis g
   set operators = first.id is not null,
       centers = case when first.id is null then
                     array(select t.ccid from tenant t where rtrim(t.backend_url, '/') = rtrim(g.url, '/') order by t.id) end
  from nex_gapis every
  left join (select min(id) as id from nex_gapis) first on first.id = every.id
 where every.id = g.id;
alter table nex_gapis alter column operators set not null;

-- A row that is inserted by hand, as the guide does it: the first one vouches for all, another one for nobody until it is told
-- for whom. The function of a trigger stands here and not in db/functions, because the trigger needs it.
create function gapis_bound() returns trigger
language plpgsql as $$
declare
    first boolean := not exists (select from nex_gapis);
begin
    new.operators := coalesce(new.operators, first);
    if new.centers is null and not first then
        new.centers := '{}';
    end if;
    return new;
end
$$;
create trigger gapis_bound before insert on nex_gapis for each row execute function gapis_bound();
