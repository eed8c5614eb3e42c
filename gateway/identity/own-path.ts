const longest = 2_000

/**
 * The path of this site that a `return_to` names, ready for a `Location` header, or null when it
 * could lead anywhere else. Browsers read `/\evil`, `/\t/evil` and `https:evil` as other sites.
 */
export function ownPath(text: unknown): string | null {
  if (typeof text !== 'string' || text.length > longest || !text.startsWith('/')) return null
  // Backslashes, controls and spaces, raw or encoded: no page of ours has them, and readers differ on them.
  if (/[\\\p{C}\p{Z}]|%(0|1|5c|7f)/iu.test(text)) return null
  const origin = 'http://own.invalid'
  const url = URL.parse(text, origin)
  if (url === null || url.origin !== origin) return null
  // Dot segments are resolved now: `/..//evil` has become `//evil`.
  if (/^\/(\/|%2f)/i.test(url.pathname)) return null
  return `${url.pathname}${url.search}${url.hash}`
}
