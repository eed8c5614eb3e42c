/** What operators do to somebody's limits, account and sessions, to stored answers and to targets of upstreams. */
const auditActions = [
  'reset',
  'boost',
  'create-account',
  'change-account',
  'delete-account',
  'end-sessions',
  'purge-cache',
  'drain-target',
  'restore-target',
] as const
export type AuditAction = (typeof auditActions)[number]

/** Something an operator has done. */
export interface AuditEntry {
  /** Epoch milliseconds. */
  readonly atMs: number
  /** Which way it came: the token does not tell who holds it. */
  readonly via: 'admin API' | 'CLI'
  /** Address of the peer. */
  readonly peer: string
  readonly action: AuditAction
  /** As windows are named: `u:42`; `email:ada@example.org` for an account that has no id yet; `path:/a`, `tag:news`, `upstream:app/10.0.0.7:3000`. */
  readonly subject: string
  /** Null: all policies. */
  readonly policy: string | null
  /** Of a boost; null for a reset. */
  readonly quota: number | null
  readonly forSeconds: number | null
  /** Why, and empty when a reset came without one; of an account, what was changed, never a secret. */
  readonly reason: string
}

/** Longest reason that is kept. */
export const longestReason = 500

/**
 * The audit trail, in the database of accounts (`audit.mysql.ts`, `audit.sqlite.ts`): table `guichet_audit`,
 * to which nothing here adds but `record`, and from which nothing deletes. Both reject when the
 * database does not answer.
 */
export interface AuditTrail {
  record(entry: AuditEntry): Promise<void>
  /** Newest first. */
  recent(limit: number): Promise<AuditEntry[]>
}

/** The table's columns in the order of `valuesOf`. */
export const auditColumns = 'at_ms, via, peer, action, subject, policy, quota, for_seconds, reason'

export interface AuditRow {
  readonly at_ms: number | string | bigint
  readonly via: string
  readonly peer: string
  readonly action: string
  readonly subject: string
  readonly policy: string | null
  readonly quota: number | string | bigint | null
  readonly for_seconds: number | string | bigint | null
  readonly reason: string
}

export const insertAudit = `INSERT INTO guichet_audit (${auditColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
export const recentAudit = `SELECT ${auditColumns} FROM guichet_audit ORDER BY id DESC LIMIT ?`

export function valuesOf(entry: AuditEntry): (string | bigint | null)[] {
  const { atMs, via, peer, action, subject, policy, quota, forSeconds, reason } = entry
  const whole = (number: number | null): bigint | null =>
    number === null ? null : BigInt(Math.round(number))
  return [whole(atMs), via, peer, action, subject, policy, whole(quota), whole(forSeconds), reason]
}

export function entryOf(row: AuditRow): AuditEntry {
  const number = (value: AuditRow['quota']): number | null => (value === null ? null : Number(value))
  return {
    atMs: Number(row.at_ms),
    via: row.via === 'CLI' ? 'CLI' : 'admin API',
    peer: row.peer,
    action: auditActions.find((action) => action === row.action) ?? 'reset',
    subject: row.subject,
    policy: row.policy,
    quota: number(row.quota),
    forSeconds: number(row.for_seconds),
    reason: row.reason,
  }
}
