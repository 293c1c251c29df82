-- A statement that may have to be taken back by itself keeps a copy of every page it touches, and a reference or a
-- trigger means that it may. Runs and their tags are written thousands of times a second by the one writer, which looks
-- their process and their tags up first, so nothing but its own care stands behind these references any more; whoever
-- checks a file looks at them, see store/unguarded.py. Dropping a constraint in place is to change the schema's text.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, ' REFERENCES processes (id)', '') WHERE type = 'table' AND name = 'runs';
UPDATE sqlite_schema SET sql = replace(sql, ' REFERENCES tags (id)', '') WHERE type = 'table' AND name = 'run_tags';
PRAGMA writable_schema = RESET;

-- Runs that fail as they are told are few: who inserts them adds their words. This also tells other connections that
-- the schema has changed.
DROP TRIGGER run_words_added;
