import { type RedisOptions as ClientOptions, type Cluster, type Command, Redis } from 'ioredis'
import { giveUpInTime } from './deadline.ts'
import { readSentinelUrl } from './redis-sentinel.ts'

export interface RedisOptions {
  /** Longest wait for an answer; a command that waited longer may still be executed. */
  readonly deadlineMs: number
  /** Longest wait for the first connection; after it the gateway starts without. */
  readonly readyWithinMs?: number
}

export interface RedisConnection extends AsyncDisposable {
  readonly redis: Redis
  /** Why it is not ready, in one line without credentials; null while it is. */
  problem(): string | null
}

/**
 * Opens a connection that mends itself. Nothing queues while it is away: commands reject at once
 * when it is closed, and after the deadline when the server is silent.
 * Resolves when it is ready or the wait is over, never rejects.
 *
 * @param url `redis://…` or `rediss://…` of a server, or `redis-sentinel://…` of the sentinels that know it:
 *   they are asked at each connection, so that it follows the primary
 */
export async function openRedis(url: string, options: RedisOptions): Promise<RedisConnection> {
  let lastError: string | null = `${withoutCredentials(url)}: no answer yet`
  const watched = readSentinelUrl(url)
  const redis = new PunctualRedis(watched?.url ?? url, options.deadlineMs, {
    ...(watched && {
      sentinels: [...watched.sentinels],
      name: watched.name,
      sentinelRetryStrategy: pauseMs,
      // A sentinel that is silent must not keep the others from being asked.
      sentinelCommandTimeout: 1_000,
    }),
    connectTimeout: 1_000,
    // A peer that vanished without a word leaves a socket that TCP believes in for a quarter of an hour.
    socketTimeout: Math.max(1_000, 2 * options.deadlineMs),
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // Short pauses, so that limits are enforced again within a second of its return.
    retryStrategy: pauseMs,
    // A primary that became a replica answers READONLY for ever on the old socket.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  })
  redis.on('error', (error) => {
    // Said without a reason each time that ioredis has been through the list, whatever the sentinels answered.
    if (isAboutSentinels(error) && !error.message.includes('Last error')) return
    lastError = `${withoutCredentials(url)}: ${cureFor(error)}`
  })
  redis.on('ready', () => {
    lastError = null
  })
  await readyWithin(redis, options.readyWithinMs ?? 2_000)
  return {
    redis,
    problem: () =>
      redis.status === 'ready' ? null : (lastError ?? `${withoutCredentials(url)}: connection lost`),
    async [Symbol.asyncDispose]() {
      await redis.quit().catch(() => undefined)
      redis.disconnect()
    },
  }
}

const pauseMs = (attempt: number): number => Math.min(50 * attempt, 400)

/** Gives every command a deadline of its own. */
class PunctualRedis extends Redis {
  readonly #deadlineMs: number

  constructor(url: string, deadlineMs: number, options: ClientOptions & { replyMapping?: 'legacy' }) {
    super(url, options)
    this.#deadlineMs = deadlineMs
  }

  override sendCommand(command: Command, stream?: Parameters<Redis['sendCommand']>[1]): unknown {
    const sent = super.sendCommand(command, stream)
    giveUpInTime(command, this.#deadlineMs)
    return sent
  }
}

export async function readyWithin(redis: Redis | Cluster, limitMs: number): Promise<void> {
  if (redis.status === 'ready') return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, limitMs)
  redis.once('ready', resolve)
  await promise
  clearTimeout(timer)
  redis.off('ready', resolve)
}

export const withoutCredentials = (url: string): string => url.replace(/\/\/.*@/, '//')

const isAboutSentinels = ({ message }: Error): boolean => message.startsWith('All sentinels are unreachable')

export function cureFor(error: Error & { code?: string }): string {
  if (isAboutSentinels(error)) {
    if (error.message.includes('No such master'))
      return 'the sentinels know no primary of this name; correct the name'
    if (error.message.includes('NOAUTH'))
      return 'the sentinels ask for a password, which they are never given; let them answer without'
    return 'no sentinel answers there; start one or correct the URL'
  }
  if (/WRONGPASS|NOAUTH/.test(error.message)) return 'the password is refused; put the right one into the URL'
  if (error.code === 'ECONNREFUSED') return 'nothing listens there; start Redis or correct the URL'
  if (error.code === 'ENOTFOUND') return 'no such host; correct the URL'
  return error.message || (error.code ?? 'unknown error')
}
