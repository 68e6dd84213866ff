-- What nexusctl migrate keeps about itself; run at the start of every migration, so it changes nothing when all is there.
create table if not exists schema_migration (
    version  int  primary key,
    name     text not null,
    checksum text not null,
    applied  timestamptz not null default now()
);
create table if not exists schema_function (
    name     text primary key,               -- of the file in db/functions
    checksum text not null,
    applied  timestamptz not null default now()
);
-- Functions that the release written last does not declare, and the one before did (db/undeclared.sql).
create table if not exists schema_retired (
    function text primary key,               -- as regprocedure shows it
    release  text not null                   -- schema_release() of the one written last
);

create or replace function schema_version() returns int language sql as $$
    select coalesce(max(version), 0) from schema_migration
$$;

-- Null when it was never applied.
create or replace function schema_checksum(p_version int) returns text language sql as $$
    select checksum from schema_migration where version = p_version
$$;

create or replace function schema_migrated(p_version int, p_name text, p_checksum text) returns void language sql as $$
    insert into schema_migration (version, name, checksum) values (p_version, p_name, p_checksum)
$$;

-- "name checksum", a line a file.
create or replace function schema_functions() returns text language sql as $$
    select coalesce(string_agg(name || ' ' || checksum || e'\n', '' order by name collate "C"), '') from schema_function
$$;

create or replace function schema_function_written(p_name text, p_checksum text) returns void language sql as $$
    insert into schema_function (name, checksum) values (p_name, p_checksum)
    on conflict (name) do update set checksum = excluded.checksum, applied = now()
$$;

-- Names a release by what db/functions declares in it.
create or replace function schema_release() returns text language sql as $$
    select md5(coalesce(string_agg(name || ' ' || checksum, e'\n' order by name collate "C"), ''))
      from schema_function where name not like '~%'
$$;

-- Called before the functions of a release are written: forgets those of the release before, but keeps its name.
create or replace function schema_functions_rewrite() returns void language plpgsql as $$
begin
    perform set_config('nexus.release_before', schema_release(), true);
    delete from schema_function;
end
$$;
