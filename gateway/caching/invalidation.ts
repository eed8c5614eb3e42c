import type { AnswerFilter, AnswerSink, AnswerSource, Failure, HeaderFields } from '../proxying/send-http.ts'
import { addressGroup, withoutDefaultPort } from './purge-group.ts'
import type { Responses } from './responses.ts'
import { addCacheStatus } from './stored-answer.ts'

const safe = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Whether a call with this method may change something (RFC 9110 §9.2.1). */
export const isUnsafe = (method: string): boolean => !safe.has(method)

/**
 * Purges what a call that may have changed something makes doubtful (RFC 9111 §4.4), when its answer is no error:
 * its own address, and those of the same host that Location and Content-Location name.
 */
export const invalidatingFilter =
  (responses: Responses, host: string, target: string): AnswerFilter =>
  (_asked, client) =>
    watching(client, (status, headers) => {
      addCacheStatus(headers, 'fwd=method')
      if (status >= 400) return
      for (const group of groupsOf(headers, host, target)) responses.purge(group).catch(() => undefined)
    })

/** Tells that the cache had nothing to say to this request. */
export const bypassingFilter: AnswerFilter = (_asked, client) =>
  watching(client, (_status, headers) => addCacheStatus(headers, 'fwd=bypass'))

function groupsOf(headers: HeaderFields, host: string, target: string): Set<string> {
  const groups = new Set([addressGroup(host, target)])
  // A client of HTTP/1.0 need not name one.
  const own = URL.parse(`http://${host}/`)
  for (const value of [headers.location, headers['content-location']].flat()) {
    if (own === null || value === undefined) continue
    const url = URL.parse(value, `${own.origin}${target}`)
    // Another host's answers are not this one's to doubt.
    if (url !== null && withoutDefaultPort(url.host) === withoutDefaultPort(own.host)) {
      groups.add(addressGroup(host, `${url.pathname}${url.search}`))
    }
  }
  return groups
}

/** Passes everything on, after a look at the head. */
function watching(client: AnswerSink, look: (status: number, headers: HeaderFields) => void): AnswerSink {
  return {
    informed: (status, headers) => client.informed(status, headers),
    begin(status: number, headers: HeaderFields, source: AnswerSource): void {
      look(status, headers)
      client.begin(status, headers, source)
    },
    write: (chunk) => client.write(chunk),
    end: (trailers) => client.end(trailers),
    failed: (failure: Failure) => client.failed(failure),
  }
}
