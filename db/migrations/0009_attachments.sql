-- Large contents come in pieces, before the message that carries them: docs/decisions/0025.

-- What is coming, or came. An upload without a message is seen by nobody, and is dropped after a while.
create table upload (
    tenant_id  int  not null,
    id         uuid not null,
    created    timestamptz not null default now(),
    message_id uuid,                         -- null: its message has not come
    primary key (tenant_id, id)
);
create index upload_waiting on upload (tenant_id, created) where message_id is null;

create table upload_piece (
    tenant_id int   not null,
    upload_id uuid  not null,
    stream    smallint not null,             -- which of the upload's contents
    number    int   not null,                -- from 0 without a gap
    bytes     bytea not null,
    primary key (tenant_id, upload_id, stream, number),
    foreign key (tenant_id, upload_id) references upload on delete cascade
);
alter table upload_piece alter column bytes set storage external; -- photos do not get smaller, and slices are read
select tenant_lock_rows('upload'), tenant_lock_rows('upload_piece');

-- An attachment has its content, or the stream of an upload that is its message's.
alter table attachment alter column content drop not null;
alter table attachment alter column content set storage external;
alter table attachment add column upload_id  uuid;
alter table attachment add column stream     smallint;
alter table attachment add column bytes      int not null default 0;
alter table attachment add column known_type text; -- by what its first bytes are; null: not known
alter table attachment add column file_name  text;
update attachment set bytes = length(content);
alter table attachment alter column bytes drop default;
