-- Who changed what: a row for each administrative change, written in its transaction (db/functions/audit.sql). Rows are added
-- and read; nobody changes one. They go when they are old, a month at a time.

create table audit (
    at         timestamptz not null default now(),
    id         bigint generated always as identity,
    tenant_id  int,                          -- null: of no contact center, or of all
    actor      text not null,                -- a user's name, or the first characters of a key
    actor_name text,                         -- what people call the key
    credential text not null,                -- key, token, session; local: nexusctl
    address    text,                         -- the client's
    action     text not null,                -- key.create, service.change…
    object     text not null,
    fields     text[] not null default '{}', -- names of what changed; never a value
    primary key (at, id)
) partition by range (at);
create table audit_default partition of audit default;
create index audit_tenant on audit (tenant_id, at, id);

-- Functions of triggers stand here and not in db/functions, because the triggers need them. What is younger than any
-- retention that can be set stays, whoever asks; upkeep drops older months, and deletes as old rows of audit_default.
create function audit_stays() returns trigger
language plpgsql as $$
begin
    if tg_op = 'DELETE' and old.at < now() - interval '30 days' then
        return old;
    end if;
    raise exception 'the audit log is only ever added to' using errcode = '42501';
end
$$;
create trigger audit_stays before update or delete on audit for each row execute function audit_stays();
create trigger audit_stays_whole before truncate on audit for each statement execute function audit_stays();
create trigger audit_stays_whole before truncate on audit_default for each statement execute function audit_stays();

alter table audit enable row level security;
create policy own_tenant on audit for select to nexus_api using (tenant_id = scope_tenant());
create policy own_change on audit for insert to nexus_api with check (tenant_id = scope_tenant());
grant select, insert on audit to nexus_api;
