import type { IncomingHttpHeaders } from 'node:http'
import { Refusal } from './refusal.ts'

export interface User {
  kind: 'known'
  id: string
  /** Never empty. */
  name: string
}

export type Visitor = { kind: 'anonymous' } | User

/** As long as the columns that keep them. */
const maxIdLength = 255
const maxNameLength = 100

/**
 * Who calls, as the gateway in front says: X-Forwarded-User is an id, X-Forwarded-Name a name (UTF-8 or
 * percent-encoded), X-Forwarded-Email stands in for a missing name. All three are trusted as they are.
 */
export function visitorOf(headers: IncomingHttpHeaders): Visitor {
  const id = decoded(headers['x-forwarded-user'])
  // A shortened id would be someone else's.
  if (id === '' || id.length > maxIdLength) return { kind: 'anonymous' }
  const name = unescaped(decoded(headers['x-forwarded-name'])) || decoded(headers['x-forwarded-email']) || id
  return { kind: 'known', id, name: [...name].slice(0, maxNameLength).join('') }
}

/**
 * The visitor as one who may write.
 *
 * @throws Refusal `login-required` when anonymous
 */
export function userOf(headers: IncomingHttpHeaders): User {
  const visitor = visitorOf(headers)
  if (visitor.kind === 'anonymous') throw new Refusal('login-required')
  return visitor
}

/** A Fastify hook that refuses anonymous visitors before their body is read. */
export async function usersOnly(request: { headers: IncomingHttpHeaders }): Promise<void> {
  userOf(request.headers)
}

/** Node hands header bytes on as Latin-1; what is no UTF-8 was Latin-1 indeed. */
function decoded(value: string | string[] | undefined): string {
  if (typeof value !== 'string') return ''
  if (/^[\x20-\x7e]*$/.test(value)) return value.trim()
  const utf8 = Buffer.from(value, 'latin1').toString('utf8')
  return (utf8.includes('\ufffd') ? value : utf8).replace(/\p{Cc}/gu, '').trim()
}

function unescaped(name: string): string {
  if (!name.includes('%')) return name
  try {
    return decodeURIComponent(name)
      .replace(/\p{Cc}/gu, '')
      .trim()
  } catch {
    return name
  }
}
