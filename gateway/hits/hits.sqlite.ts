import type { DatabaseSync } from 'node:sqlite'
import type { Hit } from './hit.ts'
import { type HitBatch, type Hits, recentCallsKept } from './hits.ts'

/** Append only: a database at version n has run the first n. */
const migrations = [
  `CREATE TABLE hits_services (service TEXT PRIMARY KEY, calls INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE hits_accounts (account_id TEXT PRIMARY KEY, calls INTEGER NOT NULL) WITHOUT ROWID;
   CREATE INDEX hits_accounts_by_calls ON hits_accounts (calls, account_id);
   CREATE TABLE hits_senders (sender TEXT PRIMARY KEY, sequence INTEGER NOT NULL, at_ms INTEGER NOT NULL)
     WITHOUT ROWID;
   CREATE TABLE hits_recent (id INTEGER PRIMARY KEY, account_id TEXT, service TEXT NOT NULL, hit TEXT NOT NULL);`,
]

const rememberSenderMs = 86_400_000

/**
 * Hits in SQLite, so that the demo's counts survive a restart (`:memory:` keeps them in process).
 * The database may be shared: its tables begin with `hits_`, and no transaction outlives its call.
 */
export function createSqliteHits(database: DatabaseSync): Hits {
  migrate(database)
  const lastSequence = database.prepare('SELECT sequence FROM hits_senders WHERE sender = ?')
  const rememberSender = database.prepare(
    `INSERT INTO hits_senders VALUES (?, ?, ?)
     ON CONFLICT (sender) DO UPDATE SET sequence = excluded.sequence, at_ms = excluded.at_ms`,
  )
  const dropOldSenders = database.prepare('DELETE FROM hits_senders WHERE at_ms < ?')
  const addToService = database.prepare(
    'INSERT INTO hits_services VALUES (?, ?) ON CONFLICT (service) DO UPDATE SET calls = calls + excluded.calls',
  )
  const addToAccount = database.prepare(
    'INSERT INTO hits_accounts VALUES (?, ?) ON CONFLICT (account_id) DO UPDATE SET calls = calls + excluded.calls',
  )
  const announceAccount = database.prepare('INSERT OR IGNORE INTO hits_accounts VALUES (?, 0)')
  const forgetAccount = database.prepare('DELETE FROM hits_accounts WHERE account_id = ?')
  const addRecent = database.prepare('INSERT INTO hits_recent (account_id, service, hit) VALUES (?, ?, ?)')
  const trimRecent = database.prepare(
    'DELETE FROM hits_recent WHERE id <= (SELECT max(id) FROM hits_recent) - ?',
  )
  const services = database.prepare('SELECT service, calls FROM hits_services ORDER BY calls DESC, service')
  const leastActive = database.prepare(
    'SELECT account_id AS accountId, calls FROM hits_accounts ORDER BY calls, account_id LIMIT ?',
  )
  const recent = database.prepare(
    `SELECT hit FROM hits_recent WHERE (?1 IS NULL OR account_id = ?1) AND (?2 IS NULL OR service = ?2)
     ORDER BY id DESC LIMIT ?3`,
  )
  const ping = database.prepare('SELECT 1')

  function count(batch: HitBatch): void {
    const last = lastSequence.get(batch.sender)
    if (last !== undefined && batch.sequence <= Number(last.sequence)) return
    rememberSender.run(batch.sender, batch.sequence, Date.now())
    if (batch.sequence === 1) dropOldSenders.run(Date.now() - rememberSenderMs)
    for (const { service, calls } of batch.services) addToService.run(service, calls)
    for (const { accountId, calls } of batch.accounts) addToAccount.run(accountId, calls)
    for (const hit of batch.recent) addRecent.run(hit.accountId, hit.service, JSON.stringify(hit))
    trimRecent.run(recentCallsKept)
  }

  return {
    record: async (batch) => inTransaction(database, () => count(batch)),
    services: async () =>
      services.all().map((row) => ({ service: String(row.service), calls: Number(row.calls) })),
    leastActive: async (limit) =>
      leastActive
        .all(Math.max(0, limit))
        .map((row) => ({ accountId: String(row.accountId), calls: Number(row.calls) })),
    announce: async (accountIds) =>
      inTransaction(database, () => {
        for (const id of accountIds) announceAccount.run(id)
      }),
    forget: async (accountIds) =>
      inTransaction(database, () => {
        for (const id of accountIds) forgetAccount.run(id)
      }),
    recent: async ({ accountId = null, service = null, limit }) =>
      recent.all(accountId, service, limit).map((row) => JSON.parse(String(row.hit)) as Hit),
    ping: async () => {
      ping.get()
    },
  }
}

function migrate(database: DatabaseSync): void {
  database.exec('CREATE TABLE IF NOT EXISTS hits_schema (version INTEGER NOT NULL)')
  inTransaction(database, () => {
    const version = Number(
      database.prepare('SELECT coalesce(max(version), 0) AS version FROM hits_schema').get()?.version,
    )
    for (const [index, migration] of migrations.entries()) {
      if (index < version) continue
      database.exec(migration)
      database.prepare('INSERT INTO hits_schema VALUES (?)').run(index + 1)
    }
  })
}

function inTransaction(database: DatabaseSync, work: () => void): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    work()
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
