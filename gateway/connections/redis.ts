import { type RedisOptions as ClientOptions, type Cluster, type Command, Redis } from 'ioredis'
import { giveUpInTime } from './deadline.ts'

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
 */
export async function openRedis(url: string, options: RedisOptions): Promise<RedisConnection> {
  let lastError: string | null = `${withoutCredentials(url)}: no answer yet`
  const redis = new PunctualRedis(url, options.deadlineMs, {
    connectTimeout: 1_000,
    // A peer that vanished without a word leaves a socket that TCP believes in for a quarter of an hour.
    socketTimeout: Math.max(1_000, 2 * options.deadlineMs),
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // Short pauses, so that limits are enforced again within a second of its return.
    retryStrategy: (attempt) => Math.min(50 * attempt, 400),
    // A primary that became a replica answers READONLY for ever on the old socket.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  })
  redis.on('error', (error) => {
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

export function cureFor(error: Error & { code?: string }): string {
  if (/WRONGPASS|NOAUTH/.test(error.message)) return 'the password is refused; put the right one into the URL'
  if (error.code === 'ECONNREFUSED') return 'nothing listens there; start Redis or correct the URL'
  if (error.code === 'ENOTFOUND') return 'no such host; correct the URL'
  return error.message || (error.code ?? 'unknown error')
}
