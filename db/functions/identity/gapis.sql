-- GWS as operators configure it (nexusctl gapis): its address, our client there, and the contact centers for which it may vouch.

create or replace function gapis_json(g nex_gapis) returns json
language sql stable as $$
    select json_build_object('id', g.id::text, 'url', g.url, 'clientid', g.clientid, 'authinturl', g.authinturl,
                             'authexturl', g.authexturl, 'centers', g.centers, 'operators', g.operators,
                             'secret', case when g.clientsecret = '' then 'none' when g.clientsecret ~ '^v[12]\|' then 'sealed'
                                            else 'in clear' end)
$$;

-- Statement: GAPIS_LIST
create or replace function gapis_list() returns text
language sql stable as $$
    select json_build_object('gapis', coalesce(json_agg(gapis_json(g) order by g.id), '[]'))::text from nex_gapis g
$$;

-- p_doc {"url", "clientid", "secret" sealed, "authinturl", "authexturl", "centers" (null: any that no other row names),
-- "operators"}.
create or replace function gapis_add(p_doc jsonb) returns text
language plpgsql security definer set search_path from current as $$
declare
    made nex_gapis;
begin
    if exists (select from nex_gapis g where g.url = p_doc->>'url' and g.clientid = p_doc->>'clientid') then
        raise exception 'this client at this URL is there already' using errcode = 'NX409';
    end if;
    insert into nex_gapis (url, clientid, clientsecret, authinturl, authexturl, operators)
    values (p_doc->>'url', p_doc->>'clientid', coalesce(p_doc->>'secret', ''), p_doc->>'authinturl', p_doc->>'authexturl',
            (p_doc->>'operators')::boolean)
    returning * into made;
    -- The trigger gapis_bound() has made a further row vouch for no contact center; p_doc decides.
    update nex_gapis g
       set centers = case when jsonb_typeof(p_doc->'centers') = 'array' then
                         array(select jsonb_array_elements_text(p_doc->'centers')::uuid) end
     where g.id = made.id
    returning * into made;
    perform audit_write(0, 'gapis.create', made.clientid, '{}');
    return gapis_json(made)::text;
end
$$;

-- Users who logged in there are logged out.
create or replace function gapis_remove(p_id int) returns text
language plpgsql security definer set search_path from current as $$
declare
    gone nex_gapis;
begin
    delete from nex_gapis g where g.id = p_id returning * into gone;
    if gone.id is null then
        raise exception 'there is no such row' using errcode = 'NX404';
    end if;
    perform audit_write(0, 'gapis.delete', gone.clientid, '{}');
    return gapis_json(gone)::text;
end
$$;
