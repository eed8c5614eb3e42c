import { setTimeout as pause } from 'node:timers/promises'
import { createPool } from 'mysql2'
import type { Pool, PoolConnection } from 'mysql2/promise'

export interface MysqlOptions {
  /** Longest wait for one piece of work, connecting and queueing included; 2 s by default. */
  readonly deadlineMs?: number
  /** Longest wait for the first answer; 10 s by default, for a database that starts with us. */
  readonly readyWithinMs?: number
  readonly connectionLimit?: number
  /** How much work may wait for a connection; more is refused at once. */
  readonly queueLimit?: number
}

export interface MysqlConnection extends AsyncDisposable {
  readonly pool: Pool
  /**
   * Runs the work on a connection of its own, and never takes longer than the deadline: a connection that is
   * late is destroyed, since its answer could be taken for the next question's.
   *
   * @throws MysqlUnavailable when late, when the queue is full, or when no connection can be had; the work's own
   *   error otherwise.
   */
  run<T>(work: (connection: PoolConnection) => Promise<T>): Promise<T>
}

export class MysqlUnavailable extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'MysqlUnavailable'
  }
}

/**
 * Opens a pool and waits until the server answers.
 *
 * @param url `mysql://user:password@host:port/database`
 * @throws Error that names the host and the cure, never the password.
 */
export async function openMysql(url: string, options: MysqlOptions = {}): Promise<MysqlConnection> {
  const { deadlineMs = 2_000, readyWithinMs = 10_000, connectionLimit = 10, queueLimit = 200 } = options
  const place = placeOf(url)
  const core = createPool({
    uri: url,
    charset: 'utf8mb4',
    connectTimeout: deadlineMs,
    connectionLimit,
    queueLimit,
    supportBigNumbers: true,
    bigNumberStrings: true,
  })
  // A server without strict mode would cut a long text in silence. Whoever waits for a lock longer than the
  // deadline waits for nobody.
  const settings = `SET SESSION sql_mode = CONCAT_WS(',', NULLIF(@@sql_mode, ''), 'STRICT_TRANS_TABLES'),
    innodb_lock_wait_timeout = ${Math.ceil(deadlineMs / 1_000)}`
  core.on('connection', (connection) => connection.query(settings, () => undefined))
  const pool = core.promise()
  const mysql: MysqlConnection = {
    pool,
    run: (work) => runWithin(pool, deadlineMs, work),
    async [Symbol.asyncDispose]() {
      // A frozen server never says goodbye; ending the process's wait is all that is left.
      await Promise.race([pool.end().catch(() => undefined), pause(deadlineMs, undefined, { ref: false })])
    },
  }
  try {
    await untilReady(mysql, readyWithinMs)
  } catch (error) {
    await mysql[Symbol.asyncDispose]()
    throw new Error(`MySQL at ${place}: ${cureFor(error)}`, { cause: error })
  }
  return mysql
}

async function runWithin<T>(
  pool: Pool,
  deadlineMs: number,
  work: (connection: PoolConnection) => Promise<T>,
): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new MysqlUnavailable(`no answer within ${deadlineMs} ms`)),
    deadlineMs,
  )
  const getting = pool.getConnection()
  let connection: PoolConnection
  try {
    connection = await Promise.race([getting, late.promise])
  } catch (error) {
    clearTimeout(timer)
    getting.then(
      (unused) => unused.release(),
      () => undefined,
    )
    throw error instanceof MysqlUnavailable ? error : new MysqlUnavailable('no connection', error)
  }
  const working = work(connection)
  try {
    const result = await Promise.race([working, late.promise])
    connection.release()
    return result
  } catch (error) {
    if (error instanceof MysqlUnavailable) {
      working.catch(() => undefined)
      connection.destroy()
    } else {
      connection.release()
    }
    throw error
  } finally {
    clearTimeout(timer)
  }
}

const hopeless = new Set([
  'ER_ACCESS_DENIED_ERROR',
  'ER_DBACCESS_DENIED_ERROR',
  'ER_BAD_DB_ERROR',
  'ENOTFOUND',
])

async function untilReady(mysql: MysqlConnection, limitMs: number): Promise<void> {
  const endMs = performance.now() + limitMs
  for (;;) {
    try {
      await mysql.run((connection) => connection.ping())
      return
    } catch (error) {
      if (hopeless.has(codeOf(error)) || performance.now() + 250 > endMs) throw error
      await pause(250)
    }
  }
}

/** Of mysql2 or of the socket, from under `MysqlUnavailable` too; an empty text when there is none. */
function codeOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: string; cause?: unknown }
  return code ?? (cause === undefined ? '' : codeOf(cause))
}

function cureFor(error: unknown): string {
  switch (codeOf(error)) {
    case 'ER_ACCESS_DENIED_ERROR':
    case 'ER_DBACCESS_DENIED_ERROR':
      return 'user and password are refused. Correct them in the URL, or grant this user the database.'
    case 'ER_BAD_DB_ERROR':
      return 'there is no such database. Create it (CREATE DATABASE … CHARACTER SET utf8mb4), or correct the URL.'
    case 'ENOTFOUND':
      return 'there is no such host. Correct the URL.'
    case 'ECONNREFUSED':
      return 'nothing listens there. Start it, or correct the URL.'
    default:
      return `it does not answer (${error instanceof Error ? error.message : error}). Check that it runs and can be reached.`
  }
}

/** Host, port and database. A URL that cannot be read is not repeated: it may hold a password. */
function placeOf(url: string): string {
  const parsed = URL.parse(url)
  if (parsed?.protocol !== 'mysql:') {
    throw new Error(
      'The URL of MySQL cannot be read. Write mysql://user:password@host:3306/database, with % escapes.',
    )
  }
  return `${parsed.hostname}:${parsed.port || 3306}${parsed.pathname}`
}
