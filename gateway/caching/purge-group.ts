import { joined } from './cache-control.ts'
import type { ResponseHeaders } from './freshness.ts'

/** All answers of a path, whatever the query, the host and the caller. Paths are compared without regard to case. */
export const pathGroup = (path: string): string => `path ${path.toLowerCase()}`

/** All answers whose app marked them so, in Cache-Tag or Surrogate-Key. */
export const tagGroup = (tag: string): string => `tag ${tag}`

/** All answers of one address: what an unsafe call on it makes doubtful. */
export const addressGroup = (host: string, target: string): string =>
  `address ${host.toLowerCase()} ${target}`

/** Tags that one answer may carry, and the longest of them; more are not remembered. */
const mostTags = 64
const longestTag = 256

/** Cache-Tag is separated by commas, Surrogate-Key by spaces. */
export function tagsOf(headers: ResponseHeaders): readonly string[] {
  const written = [
    ...(joined(headers['cache-tag']) ?? '').split(','),
    ...(joined(headers['surrogate-key']) ?? '').split(/[\s,]/),
  ]
  const tags = written.map((tag) => tag.trim()).filter((tag) => tag !== '' && tag.length <= longestTag)
  return [...new Set(tags)].slice(0, mostTags)
}
