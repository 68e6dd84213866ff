-- Each batch of texts is asked whether one is a keyword (keywords_among()). Keys are compared byte by byte, and those of
-- contact centers are found without knowing whose they are.
alter table keyword alter column key type text collate "C";
alter table tenant_keyword alter column key type text collate "C";
create index tenant_keyword_key on tenant_keyword (key);
