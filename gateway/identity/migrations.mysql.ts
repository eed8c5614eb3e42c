import type { PoolConnection, RowDataPacket } from 'mysql2/promise'
import type { MysqlConnection } from '../connections/mysql.ts'
import { adoptMysqlTable } from './adoption.mysql.ts'
import { type Migration, type MigrationReport, migrations } from './migrations.ts'

const lockWaitSeconds = 60

/**
 * Runs the migrations that are missing, under a lock of the server: a second gateway waits for the first, then
 * finds nothing to do. Without a deadline, since changing a large table takes its time.
 *
 * @throws AdoptionRefused, or the server's own Error.
 */
export async function migrateMysql(
  { pool }: MysqlConnection,
  nowMs: number = Date.now(),
): Promise<MigrationReport> {
  const connection = await pool.getConnection()
  // Locks are of the whole server: the database's name makes this one ours, its digest keeps it under 64 characters.
  const lock = "CONCAT('guichet.migrations.', MD5(DATABASE()))"
  try {
    const [[asked]] = await connection.query<RowDataPacket[]>(
      `SELECT GET_LOCK(${lock}, ${lockWaitSeconds}) AS locked`,
    )
    if (Number(asked?.locked) !== 1) {
      throw new Error(
        `Another gateway has been migrating the database for ${lockWaitSeconds} s. Wait until it is done, then start again.`,
      )
    }
    return await runMissing(connection, nowMs)
  } finally {
    // The lock goes with its connection, whatever state an error left that in.
    connection.destroy()
  }
}

async function runMissing(connection: PoolConnection, nowMs: number): Promise<MigrationReport> {
  await connection.query(
    'CREATE TABLE IF NOT EXISTS guichet_migrations (number INT PRIMARY KEY, name VARCHAR(100) NOT NULL, ran_at_ms BIGINT NOT NULL) ENGINE = InnoDB',
  )
  const [rows] = await connection.query<RowDataPacket[]>('SELECT number FROM guichet_migrations')
  const done = new Set(rows.map((row) => Number(row.number)))
  const ran: string[] = []
  const warnings: string[] = []
  for (const migration of migrations) {
    const { number, name, mysql } = migration
    if (done.has(number)) continue
    if (number === 1 && (await hasTable(connection))) warnings.push(...(await adoptMysqlTable(connection)))
    else if (!(await isThere(connection, migration))) {
      for (const statement of mysql) await connection.query(statement)
    }
    await connection.query('INSERT INTO guichet_migrations (number, name, ran_at_ms) VALUES (?, ?, ?)', [
      number,
      name,
      nowMs,
    ])
    ran.push(name)
  }
  return { ran, warnings }
}

async function hasTable(connection: PoolConnection): Promise<boolean> {
  const [rows] = await connection.query<RowDataPacket[]>("SHOW TABLES LIKE 'utilisateurs'")
  return rows.length > 0
}

async function isThere(
  connection: PoolConnection,
  { unlessColumn, unlessIndex }: Migration,
): Promise<boolean> {
  return (
    (unlessColumn !== undefined && (await hasColumn(connection, unlessColumn))) ||
    (unlessIndex !== undefined && (await hasIndex(connection, unlessIndex)))
  )
}

async function hasIndex(connection: PoolConnection, name: string): Promise<boolean> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT 1 FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND INDEX_NAME = ?',
    [name],
  )
  return rows.length > 0
}

async function hasColumn(connection: PoolConnection, name: string): Promise<boolean> {
  const [rows] = await connection.query<RowDataPacket[]>('SHOW COLUMNS FROM utilisateurs WHERE Field = ?', [
    name,
  ])
  return rows.length > 0
}
