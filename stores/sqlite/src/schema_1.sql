-- Doorward's schema 1 on SQLite. Only doorward_user.id is a public contract: applications may refer to it.
--
-- Times: microseconds since 1970 UTC. Durations: microseconds. Hashes: SHA-256. JSON is text, made by the library.
-- Text compares as bytes (BINARY), identifiers are blobs. Rowid tables where rows are fat; WITHOUT ROWID where small.
-- Whatever belongs to a user says ON DELETE CASCADE, so that a deletion reaches every table.

-- 'schema': the version as text. 'agree/…': what all processes must have alike, one row per item.
CREATE TABLE doorward_meta (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE doorward_user (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  realm TEXT NOT NULL DEFAULT '' CHECK (length(CAST(realm AS BLOB)) <= 64),
  attributes TEXT NOT NULL DEFAULT '{}',
  version INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
  session_epoch INTEGER NOT NULL DEFAULT 0 CHECK (session_epoch >= 0),
  disabled_at INTEGER,
  signed_in_at INTEGER, -- written by each new sign-in: that update is the user's lock
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX doorward_user_realm ON doorward_user (realm, id);
-- For lists of those that are enabled, or that are not.
CREATE INDEX doorward_user_enabled ON doorward_user (realm, (disabled_at IS NULL), id);

CREATE TABLE doorward_unique_attribute (
  realm TEXT NOT NULL,
  name TEXT NOT NULL,
  value BLOB NOT NULL CHECK (length(value) <= 1024),
  user_id BLOB NOT NULL REFERENCES doorward_user (id) ON DELETE CASCADE,
  PRIMARY KEY (realm, name, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX doorward_unique_attribute_user ON doorward_unique_attribute (user_id);

CREATE TABLE doorward_identity (
  realm TEXT NOT NULL,
  provider TEXT NOT NULL,
  canonical BLOB NOT NULL CHECK (length(canonical) <= 1024),
  raw BLOB NOT NULL,
  rule TEXT NOT NULL,
  rule_version INTEGER NOT NULL,
  user_id BLOB NOT NULL REFERENCES doorward_user (id) ON DELETE CASCADE,
  verified_at INTEGER,
  created_at INTEGER NOT NULL,
  last_used_at INTEGER,
  reach BLOB NOT NULL DEFAULT x'' CHECK (length(reach) % 32 = 0), -- hashes of the addresses it asserts
  vouched INTEGER NOT NULL DEFAULT 0 CHECK (vouched IN (0, 1)),
  PRIMARY KEY (realm, provider, canonical)
) STRICT, WITHOUT ROWID;
CREATE INDEX doorward_identity_user ON doorward_identity (user_id);

CREATE TABLE doorward_authenticator (
  user_id BLOB NOT NULL REFERENCES doorward_user (id) ON DELETE CASCADE,
  grp TEXT NOT NULL, -- credentials group: 'password', else the provider name
  id BLOB NOT NULL CHECK (length(id) = 16), -- all zero where the kind keeps one per user: the key makes it one
  realm TEXT NOT NULL,
  handle BLOB CHECK (length(handle) <= 1024), -- what RESOLVE names: a passkey id, a key prefix
  kind TEXT NOT NULL,
  record BLOB NOT NULL, -- sealed
  record_version INTEGER NOT NULL CHECK (record_version >= 1), -- for compare-and-swap
  label TEXT NOT NULL DEFAULT '',
  status INTEGER NOT NULL DEFAULT 0 CHECK (status BETWEEN 0 AND 2), -- 0 active, 1 must change, 2 suspended
  created_at INTEGER NOT NULL,
  last_used_at INTEGER,
  expires_at INTEGER,
  set_over BLOB CHECK (length(set_over) = 32), -- the address over which recovery set it
  failures INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0), -- since the last success, where they are counted
  PRIMARY KEY (user_id, grp, id),
  UNIQUE (realm, grp, handle)
) STRICT;

CREATE TABLE doorward_user_address ( -- one side each: the key says so
  user_id BLOB NOT NULL REFERENCES doorward_user (id) ON DELETE CASCADE,
  address BLOB NOT NULL CHECK (length(address) = 32), -- SHA-256 of realm, channel and canonical, each with its length
  side INTEGER NOT NULL CHECK (side IN (1, 2)), -- 1 recovers or starts, 2 is at a second name
  proved_at INTEGER,
  proved_by TEXT CHECK (proved_by IN ('message', 'operator')),
  PRIMARY KEY (user_id, address),
  CHECK ((proved_at IS NULL) = (proved_by IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE doorward_sign_in (
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  user_id BLOB NOT NULL REFERENCES doorward_user (id) ON DELETE CASCADE,
  epoch INTEGER NOT NULL,
  generation INTEGER NOT NULL CHECK (generation BETWEEN 0 AND 4294967295),
  family_hash BLOB NOT NULL CHECK (length(family_hash) = 32),
  salt BLOB CHECK (length(salt) = 32),
  refresh_hash BLOB CHECK (length(refresh_hash) = 32),
  access_hash BLOB CHECK (length(access_hash) = 32),
  access_expires_at INTEGER NOT NULL,
  previous_refresh_hash BLOB CHECK (length(previous_refresh_hash) = 32),
  previous_access_hash BLOB CHECK (length(previous_access_hash) = 32),
  previous_access_expires_at INTEGER,
  confirmed_at INTEGER,
  idle_expires_at INTEGER NOT NULL,
  absolute_expires_at INTEGER NOT NULL,
  access_ttl INTEGER NOT NULL CHECK (access_ttl >= 0),
  idle_ttl INTEGER NOT NULL CHECK (idle_ttl >= 0),
  persistent INTEGER NOT NULL CHECK (persistent IN (0, 1)),
  authenticated_at INTEGER NOT NULL,
  factors TEXT NOT NULL,
  attributes TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
  agent TEXT NOT NULL,
  address TEXT NOT NULL,
  replaces BLOB CHECK (length(replaces) = 16), -- the sign-in that this step-up ends when first used
  created_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  ended_at INTEGER,
  end_reason TEXT,
  CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
  -- An ended sign-in keeps nothing that a token could be compared with, but the family.
  CHECK (ended_at IS NULL OR coalesce(salt, refresh_hash, access_hash, previous_refresh_hash, previous_access_hash) IS NULL),
  CHECK (ended_at IS NOT NULL OR (refresh_hash IS NOT NULL AND access_hash IS NOT NULL))
) STRICT;
CREATE INDEX doorward_sign_in_user ON doorward_sign_in (user_id);
-- For the cap and the list of devices: a user's ended sign-ins, which are kept for a while, cost nothing.
CREATE INDEX doorward_sign_in_live ON doorward_sign_in (user_id, absolute_expires_at) WHERE ended_at IS NULL;
-- For purging: when the row stopped, or will stop, being good for anything.
CREATE INDEX doorward_sign_in_gone ON doorward_sign_in (coalesce(ended_at, min(idle_expires_at, absolute_expires_at)));

CREATE TABLE doorward_flow ( -- state sealed: realm, provider, subject or decoy, factors, epoch
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  step INTEGER NOT NULL CHECK (step BETWEEN 0 AND 4294967295),
  secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32), -- all zero while it is taken
  user_id BLOB CHECK (length(user_id) = 16),
  filed_under BLOB NOT NULL CHECK (length(filed_under) = 16), -- the user, or nobody beside somebody
  browser_hash BLOB CHECK (length(browser_hash) = 32),
  attempts_left INTEGER NOT NULL CHECK (attempts_left BETWEEN 0 AND 4294967295),
  state BLOB NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX doorward_flow_user ON doorward_flow (filed_under);
CREATE INDEX doorward_flow_expires ON doorward_flow (expires_at);

CREATE TABLE doorward_spent ( -- mark: SHA-256 of the id of a flow that no row held and that was answered rightly
  mark BLOB NOT NULL PRIMARY KEY CHECK (length(mark) = 32),
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX doorward_spent_expires ON doorward_spent (expires_at);

CREATE TABLE doorward_token ( -- user_id NULL: a decoy
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  purpose TEXT NOT NULL,
  secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32),
  realm TEXT NOT NULL,
  provider TEXT NOT NULL,
  canonical BLOB NOT NULL CHECK (length(canonical) <= 1024),
  user_id BLOB CHECK (length(user_id) = 16),
  filed_under BLOB NOT NULL CHECK (length(filed_under) = 16), -- the user, or nobody beside somebody
  epoch INTEGER,
  expires_at INTEGER NOT NULL,
  consumed_at INTEGER
) STRICT;
CREATE INDEX doorward_token_user ON doorward_token (filed_under);
CREATE INDEX doorward_token_expires ON doorward_token (expires_at);

CREATE TABLE doorward_outbox ( -- payload sealed: channel, address, template, decoy flag
  id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  user_id BLOB CHECK (length(user_id) = 16),
  filed_under BLOB NOT NULL CHECK (length(filed_under) = 16), -- the user, or nobody beside somebody
  payload BLOB NOT NULL,
  due_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX doorward_outbox_due ON doorward_outbox (due_at);
CREATE INDEX doorward_outbox_user ON doorward_outbox (filed_under);
CREATE INDEX doorward_outbox_expires ON doorward_outbox (expires_at);
-- What a foreign key would do for these three, whose keys nobody's rows have, too.
CREATE TRIGGER doorward_user_gone AFTER DELETE ON doorward_user BEGIN
  DELETE FROM doorward_flow WHERE filed_under = OLD.id AND user_id = OLD.id;
  DELETE FROM doorward_token WHERE filed_under = OLD.id AND user_id = OLD.id;
  DELETE FROM doorward_outbox WHERE filed_under = OLD.id AND user_id = OLD.id;
END;

CREATE TABLE doorward_throttle ( -- bucket: SHA-256 of realm, operation, scope and subject, each with its length
  bucket BLOB NOT NULL PRIMARY KEY CHECK (length(bucket) = 32),
  failures INTEGER NOT NULL CHECK (failures BETWEEN 0 AND 4294967295),
  allowed_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX doorward_throttle_expires ON doorward_throttle (expires_at);

CREATE TABLE doorward_kv ( -- what plugins keep: realm and instance are set by the host, never by them
  realm TEXT NOT NULL,
  instance TEXT NOT NULL,
  name BLOB NOT NULL CHECK (length(name) <= 1024),
  user_id BLOB REFERENCES doorward_user (id) ON DELETE CASCADE, -- whose it is, where it is somebody's
  value BLOB NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  expires_at INTEGER,
  PRIMARY KEY (realm, instance, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX doorward_kv_user ON doorward_kv (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX doorward_kv_expires ON doorward_kv (expires_at) WHERE expires_at IS NOT NULL;
-- What a provider name keeps is counted over all realms.
CREATE INDEX doorward_kv_instance ON doorward_kv (instance);
