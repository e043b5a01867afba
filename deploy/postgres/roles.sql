-- Makes the database of one service and its two roles. For a superuser, once per service:
--
--   psql -v service=intake -v app_password=… -v owner_password=… -f roles.sql
--
-- Passwords on a command line are seen by others of that machine: leave them out, and set them with \password after.
--
-- `<service>_owner` owns the database and its tables. Only `redress-<service> migrate` uses it, as `database.owner_url`;
-- it makes the tables, and grants `<service>` what serving needs and no more. `<service>` is the role of `database.url`:
-- it can neither change the schema nor the journal, and the service refuses to start with a role that can.
-- Serving also refuses a server with fsync, full_page_writes or synchronous_commit off.
\set ON_ERROR_STOP on
\set owner :service _owner

CREATE ROLE :"owner" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE INHERIT NOREPLICATION NOBYPASSRLS;
CREATE ROLE :"service" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS;
\if :{?owner_password}
ALTER ROLE :"owner" PASSWORD :'owner_password';
\endif
\if :{?app_password}
ALTER ROLE :"service" PASSWORD :'app_password';
\endif

-- What every server has lets everybody in, and lets everybody make temporary tables there, unless it is closed. Where other
-- users of this server need `postgres`, grant it to them by name.
REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC;

CREATE DATABASE :"service" OWNER :"owner" TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"service" TO :"service";
