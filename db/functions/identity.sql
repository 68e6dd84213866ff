-- Identity: contact centers as operators name them.

-- The surrogate of a contact center as operators name it; null or '' is 0, all of them.
create or replace function tenant_of(p_ccid text) returns int
language plpgsql stable as $$
declare
    found_id int;
begin
    if coalesce(p_ccid, '') = '' then
        return 0;
    end if;
    select id into found_id from tenant where ccid::text = lower(p_ccid);
    if found_id is null then
        raise exception 'there is no contact center with this ccid' using errcode = 'NX404';
    end if;
    return found_id;
end
$$;
