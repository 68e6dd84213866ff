-- Deleting a contact center takes a while (db/functions/tenant_delete.sql). From when on nobody acts for it any more.
alter table tenant add column deleting timestamptz;

-- Whose the entries of the audit log were that outlive a contact center. Rows go with the last of those (upkeep_audit()).
create table tenant_deleted (
    id   int  primary key,                   -- as it was in tenant; never given again
    ccid uuid not null,
    at   timestamptz not null default now()
);
