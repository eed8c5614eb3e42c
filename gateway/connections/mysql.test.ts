import { describe, expect, inject, test } from 'vitest'
import { createDatabase } from '../test/servers/mariadb.ts'
import { openMysql } from './mysql.ts'

describe('opening MySQL names the host and the cure, never the password', () => {
  const server = new URL(inject('mysqlUrl'))
  test.each([
    [
      'a port where nothing listens',
      'mysql://u:topsecret@127.0.0.1:9/db',
      /127\.0\.0\.1:9\/db: nothing listens there/,
    ],
    [
      'no such host',
      'mysql://u:topsecret@nowhere.invalid/db',
      /nowhere\.invalid:3306\/db: there is no such host/,
    ],
    ['a wrong password', `mysql://nobody:topsecret@${server.host}/db`, /user and password are refused/],
    ['no such database', `mysql://root@${server.host}/topsecretless`, /no such database\. Create it/],
    ['no URL at all', 'topsecret', /Write mysql:\/\//],
    ['another scheme', 'postgres://u:topsecret@127.0.0.1/db', /Write mysql:\/\//],
  ])('%s', async (_, url, message) => {
    const error = await openMysql(url, { readyWithinMs: 0 }).then(
      () => null,
      (reason: Error) => reason,
    )
    expect(error?.message).toMatch(message)
    expect(error?.message).not.toContain('topsecret@')
    expect(error?.message).not.toMatch(/topsecret$/)
  })
})

test('a long text is refused, not cut, even by a server without strict mode', async () => {
  await using mysql = await openMysql(await createDatabase(inject('mysqlUrl')))
  await mysql.pool.query('CREATE TABLE t (a VARCHAR(3))')
  await expect(mysql.pool.query("INSERT INTO t VALUES ('abcd')")).rejects.toMatchObject({
    code: 'ER_DATA_TOO_LONG',
  })
  const [rows] = await mysql.pool.query('SELECT @@sql_mode AS mode')
  expect(JSON.stringify(rows)).toContain('STRICT_TRANS_TABLES')
})

test('work beyond the queue is refused at once', async () => {
  await using mysql = await openMysql(inject('mysqlUrl'), { connectionLimit: 1, queueLimit: 1 })
  const asked = await Promise.allSettled(
    Array.from({ length: 4 }, () => mysql.run((connection) => connection.query('DO SLEEP(0.05)'))),
  )
  expect(asked.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected'])
  expect(asked[3]).toMatchObject({ reason: { name: 'MysqlUnavailable' } })
})
