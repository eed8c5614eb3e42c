import { type Directives, directiveMs } from './cache-control.ts'
import type { StoredResponse } from './responses.ts'

/** What a stored answer is good for, at this moment and for this request. */
export type Usability =
  | { readonly kind: 'fresh'; readonly ageMs: number }
  /** May be given once more while it is renewed behind the caller's back. */
  | { readonly kind: 'stale-while-revalidate'; readonly ageMs: number }
  /** The app is asked first. */
  | { readonly kind: 'to-validate'; readonly ageMs: number; readonly mayHelpOut: boolean }

/** RFC 9111 §4.2.3. A clock that was set back makes nothing younger than it arrived. */
export const ageMs = ({ receivedAtMs, initialAgeMs }: StoredResponse, nowMs: number): number =>
  initialAgeMs + Math.max(0, nowMs - receivedAtMs)

/** @param asked the request's Cache-Control, in so far as it is known */
export function usabilityOf(stored: StoredResponse, asked: Directives, nowMs: number): Usability {
  const age = ageMs(stored, nowMs)
  const { freshForMs, alwaysAsk, staleWhileRevalidateMs, staleIfErrorMs } = stored.lifetime
  const staleForMs = age - freshForMs
  const mayHelpOut = staleForMs < staleIfErrorMs
  const wantsNews = asked.has('no-cache') || age > (directiveMs(asked, 'max-age') ?? Number.POSITIVE_INFINITY)
  if (alwaysAsk || wantsNews) return { kind: 'to-validate', ageMs: age, mayHelpOut }
  if (staleForMs + (directiveMs(asked, 'min-fresh') ?? 0) < 0) return { kind: 'fresh', ageMs: age }
  if (staleForMs < staleWhileRevalidateMs && !asked.has('min-fresh'))
    return { kind: 'stale-while-revalidate', ageMs: age }
  return { kind: 'to-validate', ageMs: age, mayHelpOut }
}

/** Longest time that an answer past its freshness is kept to be asked about with its validators. */
const keptForValidationMs = 3_600_000

/** How long a place should keep it; 0: not at all. */
export function keepMs(stored: StoredResponse, hasValidator: boolean): number {
  const { freshForMs, staleWhileRevalidateMs, staleIfErrorMs } = stored.lifetime
  const afterwardsMs = Math.max(
    staleWhileRevalidateMs,
    staleIfErrorMs,
    hasValidator ? keptForValidationMs : 0,
  )
  return Math.max(0, freshForMs + afterwardsMs - stored.initialAgeMs)
}
