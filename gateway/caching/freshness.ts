import { type Directives, directiveMs, type FieldValue, joined } from './cache-control.ts'

export type ResponseHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** For how long an answer may be used, as it says itself. Nothing is guessed from Last-Modified. */
export interface Lifetime {
  /** From its making; 0 when it says nothing, or nothing that can be understood. */
  readonly freshForMs: number
  /** `no-cache`: fresh or not, the app is asked first. */
  readonly alwaysAsk: boolean
  /** How long after its freshness it may answer while it is renewed, and when the app fails. */
  readonly staleWhileRevalidateMs: number
  readonly staleIfErrorMs: number
}

/**
 * @param defaultErrorMs for an answer without `stale-if-error`
 */
export function lifetimeOf(headers: ResponseHeaders, directives: Directives, receivedAtMs: number): Lifetime {
  // RFC 9111 §4.2.4: these forbid every stale use; s-maxage does too, for a shared cache (§5.2.2.10).
  const mayBeStale = !['must-revalidate', 'proxy-revalidate', 'no-cache', 's-maxage'].some((name) =>
    directives.has(name),
  )
  const staleMs = (name: string): number => (mayBeStale ? (directiveMs(directives, name) ?? 0) : 0)
  return {
    freshForMs: explicitLifetimeMs(headers, directives, receivedAtMs) ?? 0,
    alwaysAsk: directives.has('no-cache'),
    staleWhileRevalidateMs: staleMs('stale-while-revalidate'),
    staleIfErrorMs: staleMs('stale-if-error'),
  }
}

/** RFC 9111 §4.2.1, for a shared cache; null when the answer does not say. */
export function explicitLifetimeMs(
  headers: ResponseHeaders,
  directives: Directives,
  receivedAtMs: number,
): number | null {
  const maxAgeMs = directiveMs(directives, 's-maxage') ?? directiveMs(directives, 'max-age')
  if (maxAgeMs !== null) return maxAgeMs
  const { expires } = headers
  if (expires === undefined) return null
  // Several lines, or no date: expired already (§5.3).
  const expiresAtMs = typeof expires === 'string' ? httpDateMs(expires) : null
  return expiresAtMs === null ? 0 : Math.max(0, expiresAtMs - dateMs(headers, receivedAtMs))
}

/**
 * How old an answer already was when it had arrived (RFC 9111 §4.2.3).
 *
 * @param delayMs from the request to the answer
 */
export function initialAgeMs(headers: ResponseHeaders, receivedAtMs: number, delayMs: number): number {
  const apparentMs = Math.max(0, receivedAtMs - dateMs(headers, receivedAtMs))
  return Math.max(apparentMs, ageFieldMs(headers.age) + delayMs)
}

/** The first member counts; what is no whole number is ignored (RFC 9111 §5.1). */
function ageFieldMs(value: FieldValue): number {
  const first = joined(value)?.split(',')[0]?.trim() ?? ''
  return /^\d+$/.test(first) ? Math.min(Number(first), 2 ** 31) * 1000 : 0
}

function dateMs({ date }: ResponseHeaders, otherwise: number): number {
  return (typeof date === 'string' ? httpDateMs(date) : null) ?? otherwise
}

const httpDate = /^[A-Z][a-z]{2,8}, \d{2}[ -][A-Z][a-z]{2}[ -]\d{2,4} \d{2}:\d{2}:\d{2} GMT$/
const asctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/

/** The three forms of RFC 9110 §5.6.7, in epoch milliseconds; null for anything else JavaScript would accept. */
export function httpDateMs(text: string): number | null {
  const isAsctime = asctime.test(text)
  if (!isAsctime && !httpDate.test(text)) return null
  const ms = Date.parse(isAsctime ? `${text} GMT` : text)
  return Number.isNaN(ms) ? null : ms
}
