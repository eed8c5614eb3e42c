import { type CryptoKey, createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'

export interface RemoteKeysOptions {
  readonly url: string
  /** Told when the keys cannot be fetched, once until they can be again. */
  readonly warn: (cause: unknown) => void
  /** Milliseconds of a clock that never goes back; the process's by default. */
  readonly now?: () => number
  readonly deadlineMs?: number
}

/** Thrown while there has never been an answer. */
export class KeysUnavailable extends Error {}

export interface RemoteKeys {
  /** Finds the key that a token's header names, as jose asks for it. */
  readonly find: JWTVerifyGetKey
  /** Asks the issuer, unless that was done a moment ago. Never rejects. */
  refresh(): Promise<void>
}

/** How long a withdrawn key may be believed. */
const freshForMs = 600_000
const askAgainAfterMs = 30_000
const largestAnswer = 262_144

/**
 * The keys behind a JWKS URL. The last good answer stays until there is a better one, however long the issuer
 * is away. A key that is not in it makes one question, and unknown ones cannot make more than one in 30 s.
 */
export function createRemoteKeys(options: RemoteKeysOptions): RemoteKeys {
  const { url, warn, now = () => performance.now(), deadlineMs = 2_000 } = options
  let keys: JWTVerifyGetKey | null = null
  let fetchedAtMs = Number.NEGATIVE_INFINITY
  let askedAtMs = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | null = null
  let isAway = false

  async function ask(): Promise<void> {
    askedAtMs = now()
    try {
      keys = createLocalJWKSet(await fetchKeys(url, deadlineMs))
      fetchedAtMs = now()
      isAway = false
    } catch (cause) {
      if (!isAway) warn(cause)
      isAway = true
    }
  }

  function refresh(): Promise<void> {
    if (asking === null && now() - askedAtMs < askAgainAfterMs) return Promise.resolve()
    asking ??= ask().finally(() => {
      asking = null
    })
    return asking
  }

  async function look(...token: Parameters<JWTVerifyGetKey>): Promise<CryptoKey> {
    if (keys === null) throw new KeysUnavailable()
    return (await keys(...token)) as CryptoKey
  }

  return {
    refresh,
    async find(...token) {
      if (now() - fetchedAtMs >= freshForMs) await refresh()
      try {
        return await look(...token)
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
        await refresh()
        return await look(...token)
      }
    },
  }
}

async function fetchKeys(url: string, deadlineMs: number): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    // A redirect leads to an address that nobody has configured.
    redirect: 'error',
    headers: { accept: 'application/jwk-set+json, application/json' },
    signal: AbortSignal.timeout(deadlineMs),
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`${url} answered ${response.status}`)
  }
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > largestAnswer) throw new Error(`${url} answered more than ${largestAnswer} bytes`)
    chunks.push(chunk)
  }
  const answer = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Partial<JSONWebKeySet> | null
  if (!Array.isArray(answer?.keys) || answer.keys.length === 0) throw new Error(`${url} has no keys`)
  return { keys: answer.keys }
}
