import { Redis } from 'ioredis'
import { createConnection } from 'mysql2/promise'
import { expect, inject, test } from 'vitest'
import { createDatabase, startMariadb } from './mariadb.ts'
import { startRedis } from './redis.ts'

test('a Redis can be frozen, thawed, killed and restarted empty on its port', async () => {
  await using redis = await startRedis({ password: 's:e/cret', args: ['--maxmemory', '50mb'] })
  const client = new Redis(redis.url(3), {
    commandTimeout: 200,
    maxRetriesPerRequest: 0,
    retryStrategy: () => 20,
  })
  client.on('error', () => {})
  try {
    await client.set('a', '1')
    expect(await client.config('GET', 'maxmemory')).toEqual(['maxmemory', '52428800'])
    redis.freeze()
    await expect(client.get('a')).rejects.toThrow(/timed out/)
    redis.thaw()
    expect(await client.get('a')).toBe('1')

    const before = redis.pid
    await redis.kill()
    await expect(client.get('a')).rejects.toThrow()
    await redis.restart()
    expect(redis.pid).not.toBe(before)
    await expect.poll(() => client.get('a').catch(() => 'down'), { timeout: 5_000 }).toBeNull()
  } finally {
    client.disconnect()
  }
})

test('a MariaDB keeps its databases through kill and restart', async () => {
  await using mariadb = await startMariadb()
  const url = await createDatabase(mariadb.url())
  {
    await using connection = await createConnection({ uri: url })
    await connection.query('CREATE TABLE kept (name VARCHAR(20)) SELECT ? AS name', ['José 🎟'])
  }
  await mariadb.restart()
  await using connection = await createConnection({ uri: url })
  expect((await connection.query('SELECT name FROM kept'))[0]).toEqual([{ name: 'José 🎟' }])
})

test('the shared servers answer, and every created database is another one', async () => {
  const client = new Redis(inject('redisUrl'))
  expect(await client.ping()).toBe('PONG')
  client.disconnect()
  const urls = await Promise.all([createDatabase(inject('mysqlUrl')), createDatabase(inject('mysqlUrl'))])
  expect(new Set(urls).size).toBe(2)
})

test('a missing server fails with one line that names the cure', async () => {
  await expect(startRedis({ binary: 'no-redis' })).rejects.toThrow(
    /^no-redis is missing: apt-get install redis-server$/,
  )
  await expect(startMariadb({ binary: '/no/mariadbd' })).rejects.toThrow(
    /^\/no\/mariadbd is missing: apt-get install mariadb-server$/,
  )
})
