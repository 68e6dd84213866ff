-- What was answered to requests that came with an Idempotency-Key, for as long as they may be repeated.
create table idempotency (
    tenant_id   int  not null,               -- whose key it is; 0: of those who act for all
    key         text not null,
    fingerprint uuid not null,               -- of method, path and body: the same key for another request is refused
    answer      text not null,               -- the answer's data, or what it is made of
    secret      text,                        -- sealed: what else it is made of, such as a new API key
    created     timestamptz not null default now()
);
create index idempotency_age on idempotency (created);
create index idempotency_secret on idempotency (tenant_id) where secret is not null;
alter table idempotency add primary key (tenant_id, key);
