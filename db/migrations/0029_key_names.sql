-- A contact center's keys, and the cluster keys, have names of their own. Two that were made in the same instant could share one.
-- Of such the oldest keeps its name; the others get their first characters behind it, as "designer (3f2a9c41)", and are good as
-- before. Each is told as a warning and stands in the audit log as key.change.
do $$
declare
    one record;
    named text;
begin
    for one in
        select k.id, k.tenant_id, k.name, k.prefix
          from (select k.*, row_number() over (partition by k.tenant_id, k.name order by k.id) as place
                  from api_key k where not k.revoked) k
         where k.place > 1
    loop
        named := format('%s (%s)', one.name, one.prefix);
        if exists (select from api_key k where k.tenant_id is not distinct from one.tenant_id and k.name = named and not k.revoked) then
            named := format('%s (%s, %s)', one.name, one.prefix, one.id);
        end if;
        update api_key k set name = named where k.id = one.id;
        raise warning 'two keys had one name: key % is called "%" now', one.prefix, named;
        insert into audit (tenant_id, actor, credential, action, object, fields)
        values (one.tenant_id, session_user, 'local', 'key.change', one.prefix, '{name}');
    end loop;
end
$$;

create unique index api_key_name on api_key (coalesce(tenant_id, 0), name) where not revoked;
