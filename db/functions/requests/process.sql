-- Registers the process of a connection. A worker does it once for each connection, before it uses it; rows written over the connection
-- then get the process's number, without a parameter in any statement.

-- Statement: PROCESS_INTRODUCE
create or replace function process_introduce(p_incarnation uuid, p_name text, p_build text) returns int
language plpgsql as $$
declare
    number int;
begin
    select p.id into number from process p where p.incarnation = p_incarnation;
    if number is null then
        -- This row promises nothing: a worker can start while a synchronous standby is away.
        perform set_config('synchronous_commit', 'local', true);
        insert into process (incarnation, name, build) values (p_incarnation, p_name, p_build)
            on conflict (incarnation) do update set name = excluded.name -- another connection was faster
        returning id into number;
    end if;
    perform set_config('nexus.process', number::text, false);
    return number;
end
$$;

-- Ends the server process of an earlier connection of this program, which did not answer; on the connection that replaces it.
-- Statement: CONNECTION_REPLACE
create or replace function connection_replace(p_left int) returns boolean
language sql as $$
    select bool_and(pg_terminate_backend(a.pid)) from pg_stat_activity a
     where a.pid = p_left and a.usename = current_user and a.application_name = current_setting('application_name')
$$;

-- Null for connections that did not register: nexusctl, or an older binary.
create or replace function process_here() returns int
language sql stable as $$
    select nullif(current_setting('nexus.process', true), '')::int
$$;

-- Why the login role has more rights than a worker needs: superuser, bypassrls or owner; null: it has not.
create or replace function login_excess() returns text
language sql stable as $$
    select case when r.rolsuper then 'superuser' when r.rolbypassrls then 'bypassrls'
                when pg_has_role(r.oid, 'nexus_owner', 'member') then 'owner' end
    from pg_roles r where r.rolname = session_user
$$;
