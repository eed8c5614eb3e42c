import { joined } from './cache-control.ts'
import type { ResponseHeaders } from './freshness.ts'

/** All answers of a path, whatever the query, the host and the caller. Paths are compared without regard to case. */
export const pathGroup = (path: string): string => `path ${path.toLowerCase()}`

/** What an operator may mean by a path: one as it is matched, or as it stands in an address. */
export function pathGroupsOf(written: string): readonly string[] {
  try {
    return [...new Set([written, decodeURIComponent(written)].map(pathGroup))]
  } catch {
    return [pathGroup(written)]
  }
}

/** All answers whose app marked them so, in Cache-Tag or Surrogate-Key. */
export const tagGroup = (tag: string): string => `tag ${tag}`

/**
 * All answers of one address, however it is written (RFC 3986 §6.2.2 and §6.2.3): what an unsafe call on it makes
 * doubtful.
 */
export const addressGroup = (host: string, target: string): string =>
  `address ${withoutDefaultPort(host.toLowerCase())} ${target.includes('%') ? asShortAsPossible(target) : target}`

/** Of http and of https: a Host does not say which of them it is. */
export const withoutDefaultPort = (host: string): string => host.replace(/:(?:80|443)?$/, '')

const encodedByte = /%[0-9a-f]{2}/gi
// What nothing separates: unreserved, or what parsers of URLs encode (RFC 3986 §2.3; `'` in queries).
const needNoEncoding = /[\w.~"'<>^`{|}-]/

function asShortAsPossible(target: string): string {
  return target.replace(encodedByte, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16))
    return needNoEncoding.test(character) ? character : triplet.toUpperCase()
  })
}

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
