import { randomUUID } from 'node:crypto'
import { createConnection } from 'mysql2/promise'
import { inject } from 'vitest'

/** The URL of an empty database, on the server that all test files share, whose name nobody else takes. */
export async function newMysqlDatabase(): Promise<string> {
  const url = new URL(inject('mysqlUrl'))
  url.pathname = `/etuservices_${randomUUID().replaceAll('-', '')}`
  await using connection = await createConnection(inject('mysqlUrl'))
  await connection.query(`CREATE DATABASE ${url.pathname.slice(1)}`)
  return url.href
}
