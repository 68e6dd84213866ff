-- The words by which people stop, resume and ask (db/functions/keyword.sql): ours, which everybody has, and what tenants added.
create table keyword (
    key      text     primary key,           -- keyword_key(word): what a text is compared with
    word     text     not null,
    language text     not null,              -- ISO 639-1; of our answer
    meaning  smallint not null               -- 1 stop, 2 start, 3 help
);
grant select on keyword to nexus_api;

create table tenant_keyword (
    tenant_id int      not null,
    key       text     not null,
    word      text     not null,
    meaning   smallint not null,
    primary key (tenant_id, key)
);
select tenant_lock_rows('tenant_keyword');
