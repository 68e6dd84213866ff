-- Private networks that the webhooks of one contact center may reach: "10.1.0.0/16", or at one port only "10.1.0.0/16:8443".
-- Operators grant them (nexusctl networks), nobody else: no statement of one tenant writes this table.
create table tenant_network (
    tenant_id int  not null references tenant on delete cascade,
    range     text not null check (length(range) <= 64), -- in the one spelling of address_grant_read() (common/io/address.h)
    granted   timestamptz not null default now(),
    primary key (tenant_id, range)
);
select tenant_lock_rows('tenant_network');
