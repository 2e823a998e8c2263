-- Doorward's tables, PostgreSQL, version 1. Times: bigint, microseconds since 1970 UTC. Text compares as bytes.
-- The public contract is doorward_user.id alone: an application may reference it and nothing else.

CREATE TABLE doorward_meta (            -- 'schema', 'agree/provider/email', ...: one row per item
  name text COLLATE "C" PRIMARY KEY,
  value bytea NOT NULL,
  changed_at bigint NOT NULL);

CREATE TABLE doorward_user (
  id uuid PRIMARY KEY,
  realm text COLLATE "C" NOT NULL DEFAULT '' CHECK (octet_length(realm) <= 64),
  attributes text COLLATE "C" NOT NULL DEFAULT '{}',
  version bigint NOT NULL DEFAULT 1,
  session_epoch bigint NOT NULL DEFAULT 0,
  disabled_at bigint,
  signed_in_at bigint,                  -- written by create_sign_in: that update is the lock
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL) WITH (fillfactor = 90);
CREATE INDEX doorward_user_realm ON doorward_user (realm, id);
-- For lists of those that are enabled, or that are not.
CREATE INDEX doorward_user_enabled ON doorward_user (realm, (disabled_at IS NULL), id);

CREATE TABLE doorward_unique_attribute (
  realm text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  value bytea NOT NULL CHECK (octet_length(value) <= 1024),
  user_id uuid NOT NULL REFERENCES doorward_user (id) ON DELETE CASCADE,
  PRIMARY KEY (realm, name, value));
CREATE INDEX doorward_unique_attribute_user ON doorward_unique_attribute (user_id);

CREATE TABLE doorward_identity (
  realm text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  canonical bytea NOT NULL CHECK (octet_length(canonical) <= 1024),
  raw bytea NOT NULL,
  rule text COLLATE "C" NOT NULL,
  rule_version bigint NOT NULL,
  user_id uuid NOT NULL REFERENCES doorward_user (id) ON DELETE CASCADE,
  verified_at bigint,
  created_at bigint NOT NULL,
  last_used_at bigint,
  reach bytea NOT NULL DEFAULT '' CHECK (octet_length(reach) % 32 = 0),  -- hashes of the addresses it asserts
  vouched boolean NOT NULL DEFAULT false,
  PRIMARY KEY (realm, provider, canonical)) WITH (fillfactor = 90);
CREATE INDEX doorward_identity_user ON doorward_identity (user_id);

CREATE TABLE doorward_authenticator (
  user_id uuid NOT NULL REFERENCES doorward_user (id) ON DELETE CASCADE,
  grp text COLLATE "C" NOT NULL,        -- credentials group: 'password', else the provider name
  id uuid NOT NULL,                     -- all zero where the kind keeps one per user: the key makes it one
  realm text COLLATE "C" NOT NULL,
  handle bytea,                         -- what RESOLVE names (passkey id, key prefix)
  kind text COLLATE "C" NOT NULL,
  record bytea NOT NULL,                -- sealed
  record_version bigint NOT NULL,       -- compare-and-swap
  label text COLLATE "C" NOT NULL DEFAULT '',
  status bigint NOT NULL DEFAULT 0,     -- 0 active, 1 must change, 2 suspended
  created_at bigint NOT NULL,
  last_used_at bigint,
  expires_at bigint,
  set_over bytea CHECK (octet_length(set_over) = 32),  -- the address over which recovery set it
  failures bigint NOT NULL DEFAULT 0,   -- since the last success, where they are counted
  PRIMARY KEY (user_id, grp, id),
  UNIQUE (realm, grp, handle)) WITH (fillfactor = 90);

CREATE TABLE doorward_user_address (    -- one side each: the key says so
  user_id uuid NOT NULL REFERENCES doorward_user (id) ON DELETE CASCADE,
  address bytea NOT NULL CHECK (octet_length(address) = 32),  -- SHA-256(realm, channel, canonical), length-prefixed
  side bigint NOT NULL CHECK (side IN (1, 2)),  -- 1 recovers or starts, 2 is at a second name
  proved_at bigint,
  proved_by text COLLATE "C" CHECK (proved_by IN ('message', 'operator')),
  PRIMARY KEY (user_id, address),
  CHECK ((proved_at IS NULL) = (proved_by IS NULL)));

CREATE TABLE doorward_sign_in (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES doorward_user (id) ON DELETE CASCADE,
  epoch bigint NOT NULL,
  generation bigint NOT NULL CHECK (generation BETWEEN 0 AND 4294967295),
  family_hash bytea NOT NULL CHECK (octet_length(family_hash) = 32),
  salt bytea CHECK (octet_length(salt) = 32),
  refresh_hash bytea CHECK (octet_length(refresh_hash) = 32),
  access_hash bytea CHECK (octet_length(access_hash) = 32),
  access_expires_at bigint NOT NULL,
  previous_refresh_hash bytea CHECK (octet_length(previous_refresh_hash) = 32),
  previous_access_hash bytea CHECK (octet_length(previous_access_hash) = 32),
  previous_access_expires_at bigint,
  confirmed_at bigint,
  idle_expires_at bigint NOT NULL,
  absolute_expires_at bigint NOT NULL,
  access_ttl bigint NOT NULL,
  idle_ttl bigint NOT NULL,
  persistent boolean NOT NULL,
  authenticated_at bigint NOT NULL,
  factors text COLLATE "C" NOT NULL,
  attributes text COLLATE "C" NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  agent text COLLATE "C" NOT NULL,
  address text COLLATE "C" NOT NULL,
  replaces uuid,
  created_at bigint NOT NULL,
  last_seen_at bigint NOT NULL,
  ended_at bigint,
  end_reason text COLLATE "C",
  due_at bigint NOT NULL) WITH (fillfactor = 80);  -- room on the page for the next version of a row
CREATE INDEX doorward_sign_in_user ON doorward_sign_in (user_id);
-- For the cap and the list of devices: a user's ended sign-ins, which are kept for a while, cost nothing.
CREATE INDEX doorward_sign_in_live ON doorward_sign_in (user_id, absolute_expires_at) WHERE ended_at IS NULL;
-- For purging: not before this moment is the row good for nothing. What a refresh writes is in no index, so the page that
-- has the row is all that it changes; a purge that finds the row in use moves due_at on, once in an idle lifetime.
CREATE INDEX doorward_sign_in_due ON doorward_sign_in (COALESCE(ended_at, due_at));

CREATE TABLE doorward_flow (            -- token: dwf_ + id, step, secret; state sealed
  id uuid PRIMARY KEY,
  step bigint NOT NULL,
  secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),  -- all zero while it is taken
  user_id uuid REFERENCES doorward_user (id) ON DELETE CASCADE,
  browser_hash bytea CHECK (octet_length(browser_hash) = 32),
  attempts_left bigint NOT NULL,
  state bytea NOT NULL,
  expires_at bigint NOT NULL);
CREATE INDEX doorward_flow_user ON doorward_flow (user_id);
CREATE INDEX doorward_flow_expires ON doorward_flow (expires_at);

CREATE TABLE doorward_spent (           -- mark: SHA-256(id) of a flow that no row held and that was answered rightly
  mark bytea PRIMARY KEY CHECK (octet_length(mark) = 32),
  expires_at bigint NOT NULL);
CREATE INDEX doorward_spent_expires ON doorward_spent (expires_at);

CREATE TABLE doorward_token (           -- user_id NULL: decoy
  id uuid PRIMARY KEY,
  purpose text COLLATE "C" NOT NULL,
  secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
  realm text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  canonical bytea NOT NULL CHECK (octet_length(canonical) <= 1024),
  user_id uuid REFERENCES doorward_user (id) ON DELETE CASCADE,
  epoch bigint,
  expires_at bigint NOT NULL,
  consumed_at bigint);
CREATE INDEX doorward_token_user ON doorward_token (user_id);
CREATE INDEX doorward_token_expires ON doorward_token (expires_at);

CREATE TABLE doorward_outbox (          -- payload sealed: channel, address, template, decoy flag
  id uuid PRIMARY KEY,
  user_id uuid REFERENCES doorward_user (id) ON DELETE CASCADE,
  payload bytea NOT NULL,
  due_at bigint NOT NULL,
  attempts bigint NOT NULL DEFAULT 0,
  expires_at bigint NOT NULL);
CREATE INDEX doorward_outbox_due ON doorward_outbox (due_at);
CREATE INDEX doorward_outbox_user ON doorward_outbox (user_id);
CREATE INDEX doorward_outbox_expires ON doorward_outbox (expires_at);

CREATE TABLE doorward_throttle (        -- bucket: SHA-256(realm, operation, scope, subject), length-prefixed
  bucket bytea PRIMARY KEY CHECK (octet_length(bucket) = 32),
  failures bigint NOT NULL,
  allowed_at bigint NOT NULL,
  expires_at bigint NOT NULL) WITH (fillfactor = 80);
CREATE INDEX doorward_throttle_expires ON doorward_throttle (expires_at);

CREATE TABLE doorward_kv (
  realm text COLLATE "C" NOT NULL,
  instance text COLLATE "C" NOT NULL,
  name bytea NOT NULL,
  value bytea NOT NULL,
  version bigint NOT NULL,
  expires_at bigint,
  PRIMARY KEY (realm, instance, name));
CREATE INDEX doorward_kv_instance ON doorward_kv (instance);
CREATE INDEX doorward_kv_expires ON doorward_kv (expires_at) WHERE expires_at IS NOT NULL;
