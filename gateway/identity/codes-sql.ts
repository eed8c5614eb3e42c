import { createHash } from 'node:crypto'
import type { CodeIssue, CodePurpose, CodeRenewal, CodeTrial, NewCode } from './codes.ts'

export type CodeValue = string | bigint

/** One database, as both homes of the codes ask it. */
export interface CodeQueries {
  rows(text: string, values: readonly CodeValue[]): Promise<CodeRow[]>
  /** How many rows the conditions of the change have met. */
  change(text: string, values: readonly CodeValue[]): Promise<number>
  /** False when the row is there already. */
  insert(text: string, values: readonly CodeValue[]): Promise<boolean>
}

export interface CodeRow {
  readonly purpose: string
  readonly owner_hash: string
  readonly payload: string
  readonly code_hash: string | null
  readonly issues: string
}

const triesPerCode = 5n
const issuesPerHour = 5
const hourMs = 3_600_000
/** More than one, so that a crowd of old rows melts away; few, since somebody waits for a code. */
const droppedPerIssue = 3n

const key = 'purpose = ? AND owner_hash = ?'
const find = `SELECT payload, issues, code_hash FROM guichet_codes WHERE ${key}`
const insert = `INSERT INTO guichet_codes
  (payload, code_hash, tries_left, expires_at_ms, issues, keep_until_ms, purpose, owner_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
const newCode = 'code_hash = ?, tries_left = ?, expires_at_ms = ?, issues = ?, keep_until_ms = ?'
const replace = `UPDATE guichet_codes SET payload = ?, ${newCode} WHERE ${key} AND issues = ?`
const renew = `UPDATE guichet_codes SET ${newCode} WHERE ${key} AND issues = ? AND code_hash IS NOT NULL`
const takeTry = `UPDATE guichet_codes SET tries_left = tries_left - 1
  WHERE ${key} AND tries_left > 0 AND expires_at_ms > ?`
const findRight = `SELECT payload, issues FROM guichet_codes WHERE ${key} AND code_hash = ?`
const blank = `UPDATE guichet_codes SET code_hash = NULL, payload = '{}', tries_left = 0 WHERE ${key}`
const blankRight = `${blank} AND code_hash = ? AND issues = ?`
const findOld = 'SELECT purpose, owner_hash FROM guichet_codes WHERE keep_until_ms <= ? LIMIT ?'
// By their key, never by a range: ranges that InnoDB locks make two who ask for a code wait for each other.
const dropOld = `DELETE FROM guichet_codes WHERE ${key} AND keep_until_ms <= ?`

/**
 * No transaction and no lock: `issues` changes with each issue, so whoever still finds the text that was read
 * is alone. Who does not reads again; at most five an hour get past, so it ends.
 */
export async function issueCode(queries: CodeQueries, code: NewCode): Promise<CodeIssue> {
  await dropOldRows(queries, code.issuedAtMs)
  const owner = keyOf(code.purpose, code.owner)
  const payload = JSON.stringify(code.payload)
  for (;;) {
    const [row] = await queries.rows(find, owner)
    const values = valuesOf(code, row?.issues ?? '')
    if (values === null) return { kind: 'too-many' }
    const isKept =
      row === undefined
        ? await queries.insert(insert, [payload, ...values, ...owner])
        : (await queries.change(replace, [payload, ...values, ...owner, row.issues])) > 0
    if (isKept) return { kind: 'issued' }
  }
}

export async function renewCode(queries: CodeQueries, code: Omit<NewCode, 'payload'>): Promise<CodeRenewal> {
  const owner = keyOf(code.purpose, code.owner)
  for (;;) {
    const [row] = await queries.rows(find, owner)
    if (row === undefined || row.code_hash === null) return { kind: 'nothing-waits' }
    const values = valuesOf(code, row.issues)
    if (values === null) return { kind: 'too-many' }
    const isKept = (await queries.change(renew, [...values, ...owner, row.issues])) > 0
    if (isKept) return { kind: 'renewed', payload: JSON.parse(row.payload) }
  }
}

/** The try is taken first: whoever asks a hundred times at once has five of them looked at. */
export async function spendCode(
  queries: CodeQueries,
  ...[purpose, name, codeHash, nowMs]: [CodePurpose, string, string, number]
): Promise<CodeTrial> {
  const owner = keyOf(purpose, name)
  if ((await queries.change(takeTry, [...owner, wholeMs(nowMs)])) === 0) return { kind: 'wrong' }
  const [row] = await queries.rows(findRight, [...owner, codeHash])
  if (row === undefined) return { kind: 'wrong' }
  const isFirst = (await queries.change(blankRight, [...owner, codeHash, row.issues])) > 0
  return isFirst ? { kind: 'right', payload: JSON.parse(row.payload) } : { kind: 'wrong' }
}

/** When codes were issued is kept, or forgetting would be a way to be sent more. */
export async function forgetCode(queries: CodeQueries, purpose: CodePurpose, name: string): Promise<void> {
  await queries.change(blank, keyOf(purpose, name))
}

async function dropOldRows(queries: CodeQueries, nowMs: number): Promise<void> {
  const now = wholeMs(nowMs)
  for (const old of await queries.rows(findOld, [now, droppedPerIssue])) {
    await queries.change(dropOld, [old.purpose, old.owner_hash, now])
  }
}

/** Those of `newCode`; null when it would be one too many in the hour. */
function valuesOf(
  { codeHash, issuedAtMs, expiresAtMs }: Omit<NewCode, 'payload'>,
  issues: string,
): CodeValue[] | null {
  const sinceMs = issuedAtMs - hourMs
  const recent = issues.split(',').filter((at) => at !== '' && Number(at) > sinceMs)
  if (recent.length >= issuesPerHour) return null
  const keepUntilMs = Math.max(expiresAtMs, issuedAtMs + hourMs)
  return [
    codeHash,
    triesPerCode,
    wholeMs(expiresAtMs),
    [wholeMs(issuedAtMs), ...recent].join(),
    wholeMs(keepUntilMs),
  ]
}

/** JSON spells a lone surrogate out, which UTF-8 cannot: two odd owners never share a digest. */
const keyOf = (purpose: CodePurpose, owner: string): [string, string] => [
  purpose,
  createHash('sha256').update(JSON.stringify(owner)).digest('hex'),
]

const wholeMs = (atMs: number): bigint => BigInt(Math.floor(atMs))
