import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * Tells whether an Authorization header carries the admin token. Both are hashed first, so that
 * neither the token's length nor where a guess goes wrong shows in the time taken.
 *
 * @throws Error when the token is empty: every caller would pass.
 */
export function createTokenCheck(token: string): (authorization: string | undefined) => boolean {
  if (token === '') throw new Error('The admin token is empty. Set GUICHET_ADMIN_TOKEN.')
  const expected = digest(token)
  return function isAdmin(authorization) {
    const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    return timingSafeEqual(digest(given ?? ''), expected)
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** For who has configured none. */
export const randomAdminToken = (): string => randomBytes(24).toString('base64url')
