import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { startPrivateServer } from './private-server.ts'
import { type PrivateRedis, startRedis } from './redis.ts'

export interface WatchedRedis extends AsyncDisposable {
  /** `redis-sentinel://SENTINEL/name/db` */
  url(db?: number): string
  readonly sentinelPort: number
  readonly primary: PrivateRedis
  readonly replica: PrivateRedis
}

const name = 'guichet-test'
const readyWithinMs = 30_000

/** A primary, its replica and one sentinel that alone decides on a failover, about 2 s after a kill. */
export async function startWatchedRedis({
  password,
}: {
  readonly password?: string
} = {}): Promise<WatchedRedis> {
  await using starting = new AsyncDisposableStack()
  const start = async (args: string[]) =>
    starting.use(
      await startRedis({
        ...(password === undefined ? {} : { password }),
        args: [
          ...['--repl-diskless-sync-delay', '0', ...args],
          ...(password === undefined ? [] : ['--masterauth', password]),
        ],
      }),
    )
  const primary = await start([])
  const replica = await start(['--replicaof', '127.0.0.1', String(primary.port)])
  const sentinel = starting.use(
    await startPrivateServer({
      binary: 'redis-server',
      cure: 'apt-get install redis-server',
      // The sentinel writes what it learns into the file.
      prepare: (folder) =>
        writeFile(
          join(folder, 'sentinel.conf'),
          [
            `sentinel monitor ${name} 127.0.0.1 ${primary.port} 1`,
            `sentinel down-after-milliseconds ${name} 500`,
            `sentinel failover-timeout ${name} 3000`,
            ...(password === undefined ? [] : [`sentinel auth-pass ${name} ${password}`]),
          ].join('\n'),
        ),
      args: ({ folder, port }) => [
        join(folder, 'sentinel.conf'),
        '--sentinel',
        ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
      ],
      answers: async ({ port, pid }) =>
        (await ask(port, (redis) => redis.info('server'))).includes(`process_id:${pid}\r\n`),
    }),
  )
  await until(async () => {
    const known = await ask(sentinel.port, (redis) => redis.call('SENTINEL', 'REPLICAS', name))
    return String(known).includes('master-link-status,ok')
  })
  const started = starting.move()
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}@`
  return {
    url: (db = 0) => `redis-sentinel://${secret}127.0.0.1:${sentinel.port}/${name}/${db}`,
    sentinelPort: sentinel.port,
    primary,
    replica,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

async function ask<Answer>(port: number, question: (redis: Redis) => Promise<Answer>): Promise<Answer> {
  const redis = new Redis({ host: '127.0.0.1', port, retryStrategy: () => null })
  redis.on('error', () => undefined)
  try {
    return await question(redis)
  } finally {
    redis.disconnect()
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + readyWithinMs
  while (!(await isSo())) {
    if (performance.now() > deadline)
      throw new Error(`the sentinel knew no replica within ${readyWithinMs} ms`)
    await sleep(20)
  }
}
