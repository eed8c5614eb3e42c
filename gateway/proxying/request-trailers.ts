import type { IncomingMessage } from 'node:http'
import { GatewayError } from '../errors.ts'
import { isClaim } from './claims.ts'
import { bytesOf, maxHeaderBytes, maxHeaderLines } from './header-bounds.ts'
import { addField } from './http1/response-head.ts'
import { passableTrailers } from './response-headers.ts'
import type { HeaderFields } from './send-http.ts'

/** What follows a request's body in chunks, as far as an app may be told of it. */
export class RequestTrailers {
  readonly #raw: IncomingMessage

  constructor(raw: IncomingMessage) {
    this.#raw = raw
  }

  /** The client's Trailer field; empty when it names nothing that may pass. */
  announced(): string {
    const { trailer } = this.#raw.headers
    if (trailer === undefined) return ''
    const names = String(trailer).split(',')
    return Object.keys(this.#passable(names.flatMap((name) => [name.trim(), '']))).join(', ')
  }

  /**
   * Not before the body has ended.
   *
   * @throws GatewayError `headers-too-large`
   */
  fields(): HeaderFields {
    const { rawTrailers } = this.#raw
    if (rawTrailers.length > 2 * maxHeaderLines || bytesOf(rawTrailers) > maxHeaderBytes)
      throw new GatewayError('headers-too-large')
    return this.#passable(rawTrailers)
  }

  /** @param lines a name, its value, and so on */
  #passable(lines: readonly string[]): HeaderFields {
    const fields: HeaderFields = {}
    for (let i = 0; i < lines.length; i += 2) {
      const name = (lines[i] as string).toLowerCase()
      if (isPlain.test(name) && !isClaim(name) && !isForHeads.test(name))
        addField(fields, name, lines[i + 1] as string)
    }
    return passableTrailers(fields, this.#raw.headers.connection)
  }
}

/** Any other name is one that some reader takes for another: a CGI folds `_`, `.` and more into `-`. */
const isPlain = /^[a-z\d-]+$/

// RFC 9110 §6.5.1: what steers a request, says whose it is, or whence it comes. An app that throws trailers together
// with headers would believe it, and none of ours has looked at it.
const isForHeads =
  /^(?:accept|access-control-|authorization$|cookie|early-data$|expect$|from$|host$|if-|max-forwards$|origin$|pragma$|prefer$|priority$|proxy-|range$|referer$|sec-|user-agent$|via$)/
