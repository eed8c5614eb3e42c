import { createHash, createHmac, randomBytes } from 'node:crypto'

export interface RefreshToken {
  readonly accountId: string
  readonly sessionId: string
  readonly secret: string
}

/** 144 bits, new at every login. */
export const newSessionId = (): string => randomBytes(18).toString('base64url')

/** 256 bits; each refresh replaces it by its successor. */
export const newRefreshSecret = (): string => randomBytes(32).toString('base64url')

/**
 * What names the one secret that follows another. The same predecessor always gives the same successor,
 * so an answer that was lost can be given again although stores keep only hashes; without `key`, nobody
 * who has an old secret can tell the next.
 */
export function createSuccession(key: Buffer): (token: RefreshToken) => string {
  return ({ sessionId, secret }) =>
    createHmac('sha256', key).update(`${sessionId}.${secret}`).digest('base64url')
}

/** What a store keeps of a secret: nobody who reads the store can use it. */
export const hashRefreshSecret = (secret: string): string =>
  createHash('sha256').update(secret).digest('base64url')

export const formatRefreshToken = ({ accountId, sessionId, secret }: RefreshToken): string =>
  `${accountId}.${sessionId}.${secret}`

/** Null for whatever we have not made, so that no store is asked about it. */
export function readRefreshToken(text: string): RefreshToken | null {
  const [, accountId, sessionId, secret] = /^([1-9]\d{0,18})\.([\w-]{24})\.([\w-]{43})$/.exec(text) ?? []
  if (accountId === undefined || sessionId === undefined || secret === undefined) return null
  return { accountId, sessionId, secret }
}
