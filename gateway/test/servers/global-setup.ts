import type { TestProject } from 'vitest/node'
import { startMariadb } from './mariadb.ts'
import { startRedis } from './redis.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Of a Redis that all test files share, database 0. Each file takes a database or a key prefix of its own. */
    redisUrl: string
    /** Of a MariaDB or MySQL that all test files share; see `createDatabase`. */
    mysqlUrl: string
  }
}

/** Starts what every run needs, or takes REDIS_URL and MYSQL_URL from the environment. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using opened = new AsyncDisposableStack()
  const started = await Promise.allSettled([
    process.env.REDIS_URL ?? startRedis().then((redis) => opened.use(redis).url()),
    process.env.MYSQL_URL ?? startMariadb().then((mariadb) => opened.use(mariadb).url()),
  ])
  // All are awaited before the first failure counts, so that none is left running behind it.
  const [redis, mysql] = started
  if (redis.status === 'rejected') throw redis.reason
  if (mysql.status === 'rejected') throw mysql.reason
  project.provide('redisUrl', redis.value)
  project.provide('mysqlUrl', mysql.value)
  const running = opened.move()
  return () => running.disposeAsync()
}
