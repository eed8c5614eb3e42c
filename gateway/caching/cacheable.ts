import { type Directives, joined, readDirectives } from './cache-control.ts'
import type { Audience } from './cache-key.ts'
import type { CacheableRequest } from './cache-request.ts'
import { explicitLifetimeMs, type Lifetime, lifetimeOf, type ResponseHeaders } from './freshness.ts'

/** Whether an answer may be stored, and for whom. */
export type Verdict =
  | { readonly kind: 'not-stored' }
  | {
      readonly kind: 'stored'
      readonly audience: Audience
      /** Lower-case names of its Vary, sorted; null without one. */
      readonly varyBy: readonly string[] | null
      readonly lifetime: Lifetime
    }

/** Statuses whose meaning is understood here; 206 is not, and errors that may pass are not kept. */
const understood = new Set([200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 410])

/** Whether an answer says what there is, so that an earlier one need not be kept beside it. */
export const isUnderstood = (status: number): boolean => understood.has(status)

const notStored: Verdict = { kind: 'not-stored' }

/**
 * RFC 9111 §3 for a shared cache, and stricter: only what the app allows in so many words, never a cookie, and
 * for callers who are known only what is theirs, unless the answer says `public`. That alone lets an answer
 * reach everyone: §3.5 would take s-maxage and must-revalidate for it too, which apps write without thinking of callers.
 */
export function judgeAnswer(
  request: CacheableRequest,
  status: number,
  headers: ResponseHeaders,
  receivedAtMs: number,
): Verdict {
  const directives = readDirectives(headers['cache-control'])
  if (request.isHead || !understood.has(status) || isForbidden(headers, directives)) return notStored
  if (!isWorthKeeping(headers, directives, receivedAtMs)) return notStored
  const varyBy = fieldsOfVary(headers)
  if (varyBy === 'anything') return notStored
  const audience = directives.has('public') && !varyBy?.some(isAboutCaller) ? 'everyone' : 'circle'
  if (audience === 'circle' && request.circle.kind === 'nobody') return notStored
  return {
    kind: 'stored',
    audience,
    varyBy: varyBy?.filter((name) => !isAboutCaller(name)) ?? null,
    lifetime: lifetimeOf(headers, directives, receivedAtMs),
  }
}

/**
 * `private` and `no-cache` that name fields are taken as if they named none, which is always allowed.
 * `must-understand` lifts `no-store` where the status is understood (§5.2.2.3).
 */
const isForbidden = (headers: ResponseHeaders, directives: Directives): boolean =>
  directives.has('private') ||
  (directives.has('no-store') && !directives.has('must-understand')) ||
  headers['set-cookie'] !== undefined ||
  headers['content-range'] !== undefined

/** Fresh for a while, or to be asked about with a validator: no guess is ever made from Last-Modified alone. */
function isWorthKeeping(headers: ResponseHeaders, directives: Directives, receivedAtMs: number): boolean {
  const freshForMs = explicitLifetimeMs(headers, directives, receivedAtMs)
  if (freshForMs !== null && freshForMs > 0 && !directives.has('no-cache')) return true
  return (freshForMs !== null || directives.has('no-cache')) && hasValidator(headers)
}

export const hasValidator = ({ etag, 'last-modified': lastModified }: ResponseHeaders): boolean =>
  typeof etag === 'string' || typeof lastModified === 'string'

/** What the gateway itself says anew for every request: an answer that depends on it fits no other. */
const anewEachTime = new Set([
  '*',
  'forwarded',
  'traceparent',
  'tracestate',
  'via',
  'x-forwarded-for',
  'x-guichet-assertion',
  'x-request-id',
])

function fieldsOfVary({ vary }: ResponseHeaders): readonly string[] | null | 'anything' {
  const names = (joined(vary) ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
  if (names.some((name) => anewEachTime.has(name))) return 'anything'
  return names.length === 0 ? null : [...new Set(names)].toSorted()
}

const callerFields = new Set([
  'authorization',
  'cookie',
  'x-forwarded-email',
  'x-forwarded-groups',
  'x-forwarded-name',
  'x-forwarded-user',
])

/** An answer that depends on who calls is nobody else's, whatever it says of itself. */
const isAboutCaller = (name: string): boolean => callerFields.has(name)
