-- A provider's id is unique for one number of ours only: two numbers' receipts with the same id are two receipts.
alter table receipt
    add column number_key text not null generated always as (coalesce(channel_address, '')) stored,
    drop constraint receipt_pkey;
alter table receipt add primary key (tenant_id, provider_id, state, number_key);
