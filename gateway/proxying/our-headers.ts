import type { HeaderFields } from './send-http.ts'

/**
 * Adds to an answer's headers those that the steps before have set. Lists are joined: an upstream that has
 * limits of its own adds to ours, it does not hide them. Of all else ours counts.
 */
export function addOurs(headers: HeaderFields, ours: Readonly<Record<string, unknown>>): void {
  if (ours['x-ratelimit-remaining'] !== undefined) ours = tighterLegacy(headers, ours)
  for (const name in ours) {
    const value = ours[name] as string | string[]
    const theirs = headers[name]
    if (theirs === undefined || !joined.has(name)) headers[name] = value
    else headers[name] = name === 'set-cookie' ? [theirs, value].flat() : `${value}, ${theirs}`
  }
}

/** RFC 9110 §7.6.3: every proxy on the way says that it was there, and in which version it was spoken to. */
export function addVia(headers: HeaderFields, version: string): void {
  const here = `${version} guichet`
  headers.via = headers.via === undefined ? here : `${headers.via}, ${here}`
}

const joined = new Set(['ratelimit', 'ratelimit-policy', 'set-cookie', 'vary'])
const legacyFields = ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset']

/** These are no lists: of two limits the caller is told the tighter, all of it. */
function tighterLegacy(headers: HeaderFields, ours: Readonly<Record<string, unknown>>) {
  const isTheirsTighter = Number(headers['x-ratelimit-remaining']) < Number(ours['x-ratelimit-remaining'])
  if (!isTheirsTighter) {
    for (const name of legacyFields) delete headers[name]
    return ours
  }
  return Object.fromEntries(Object.entries(ours).filter(([name]) => !legacyFields.includes(name)))
}
