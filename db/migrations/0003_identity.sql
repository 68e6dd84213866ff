-- Identity: sessions of people who logged in through GWS, and the news that somebody's rights have changed.

-- digest is SHA-256 of the cookie's value, which is random; nobody finds a session by guessing, so no tenant stands before
-- it. token is the user's at GWS, sealed under a key that follows from the cookie's value: the table alone opens nothing.
create table admin_session (
    digest    bytea not null,
    tenant_id int   references tenant,       -- null: of a user who acts for all
    user_name text  not null,
    gws       int   not null references nex_gapis on delete cascade,
    token     text  not null,
    created   timestamptz not null default now(),
    used      timestamptz not null default now(),
    expires   timestamptz not null           -- whatever happens
);
create index admin_session_user on admin_session (user_name, tenant_id, created);
create index admin_session_expires on admin_session (expires);
create index admin_session_gws on admin_session (gws);
alter table admin_session add primary key (digest);

-- Gateways remember who holds a key or a token. Whatever changes that, by HTTP, by nexusctl or by hand, is told on channel
-- nexus_identity with the transaction's commit: the tenant's number, 0 for those who act for all, '*' for everybody.
-- Functions of triggers stand here and not in db/functions, because the triggers need them.
create function identity_tell(p_tenants int[]) returns void
language plpgsql as $$
begin
    if array_position(p_tenants, null) is not null or cardinality(p_tenants) > 100 then
        perform pg_notify('nexus_identity', '*');
    else
        perform pg_notify('nexus_identity', tenant::text) from unnest(p_tenants) tenant;
    end if;
end
$$;

-- A cluster key acts for any contact center.
create function identity_keys_changed() returns trigger
language plpgsql as $$
begin
    perform identity_tell(array(select distinct c.tenant_id from changed c));
    return null;
end
$$;

create function identity_tenants_changed() returns trigger
language plpgsql as $$
begin
    perform identity_tell(array(select c.id from changed c));
    return null;
end
$$;

create function identity_sessions_changed() returns trigger
language plpgsql as $$
begin
    perform identity_tell(array(select distinct coalesce(c.tenant_id, 0) from changed c));
    return null;
end
$$;

create function identity_everybody_changed() returns trigger
language plpgsql as $$
begin
    perform pg_notify('nexus_identity', '*');
    return null;
end
$$;

create trigger identity_inserted after insert on api_key referencing new table as changed
    for each statement execute function identity_keys_changed();
create trigger identity_updated after update on api_key referencing new table as changed
    for each statement execute function identity_keys_changed();
create trigger identity_deleted after delete on api_key referencing old table as changed
    for each statement execute function identity_keys_changed();
create trigger identity_inserted after insert on tenant referencing new table as changed
    for each statement execute function identity_tenants_changed();
create trigger identity_updated after update on tenant referencing new table as changed
    for each statement execute function identity_tenants_changed();
create trigger identity_deleted after delete on tenant referencing old table as changed
    for each statement execute function identity_tenants_changed();
create trigger identity_deleted after delete on admin_session referencing old table as changed
    for each statement execute function identity_sessions_changed();
create trigger identity_changed after insert or update or delete or truncate on nex_gapis
    for each statement execute function identity_everybody_changed();
create trigger identity_truncated after truncate on api_key
    for each statement execute function identity_everybody_changed();
create trigger identity_truncated after truncate on admin_session
    for each statement execute function identity_everybody_changed();
