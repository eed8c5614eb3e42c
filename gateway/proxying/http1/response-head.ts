import { ExchangeError } from '../exchange-error.ts'
import type { HeaderFields } from '../send-http.ts'

export interface ResponseHead {
  readonly status: number
  /** Names in lower case; a repeated field is a list. */
  readonly headers: HeaderFields
  /** How the body's end is found. */
  readonly framing: Framing
  /** For how long the connection stays of use after this answer, as its headers say; 0: it is closed. */
  readonly keptForMs: number
}

export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  /** It ends with the connection. */
  | { readonly kind: 'close' }

/** As Node's own parser has it. */
export const maxHeadBytes = 16_384

// RFC 9112 §4 and §5 to the letter: a bare LF, a folded line, a space before the colon or a control character is what
// two readers take differently.
const wellFormed =
  /^HTTP\/1\.[01] [1-9]\d\d(?: [\t\x20-\x7e\x80-\xff]*)?\r\n(?:[!#$%&'*+.^`|~\w-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n$/

/**
 * Reads the head of an answer.
 *
 * @param text as latin-1, with the empty line at its end
 * @param method of the request
 * @throws ExchangeError when it is no HTTP, or two readers could find different ends of its body
 */
export function readResponseHead(text: string, method: string): ResponseHead {
  if (!wellFormed.test(text)) throw new ExchangeError('broken', 'the answer is no HTTP/1.1')
  const statusAt = 'HTTP/1.1 '.length
  const status = Number(text.slice(statusAt, statusAt + 3))
  const headers = readFields(text, text.indexOf('\r\n') + 2)
  const isOld = text.charCodeAt(statusAt - 2) === 0x30
  return {
    status,
    headers,
    framing: framingOf(text, status, headers, method, isOld),
    keptForMs: keptFor(headers, isOld),
  }
}

/** Lines of `name: value` from `at` to the empty one; they are well-formed. */
function readFields(text: string, at: number): HeaderFields {
  const fields: HeaderFields = {}
  for (let start = at; ; ) {
    const end = text.indexOf('\r\n', start)
    if (end === start) return fields
    const colon = text.indexOf(':', start)
    addField(fields, text.slice(start, colon).toLowerCase(), trimmed(text, colon + 1, end))
    start = end + 2
  }
}

/** @param name in lower case */
export function addField(fields: HeaderFields, name: string, value: string): void {
  // Not a field, but the prototype of all.
  if (name === '__proto__') return
  const before = fields[name]
  if (before === undefined || !Object.hasOwn(fields, name)) fields[name] = value
  else if (typeof before === 'string') fields[name] = [before, value]
  else before.push(value)
}

/** Without spaces and tabs at its ends. Not `trim`, which takes bytes of UTF-8 for spaces. */
function trimmed(text: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09

const wellFormedTrailers = /^(?:[!#$%&'*+.^`|~\w-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n$/

/**
 * Reads the lines that follow a chunked body.
 *
 * @throws ExchangeError when they are none
 */
export function readTrailers(text: string): HeaderFields {
  if (!wellFormedTrailers.test(text)) throw new ExchangeError('broken', 'the trailers are no HTTP/1.1')
  const trailers = readFields(text, 0)
  if (trailers['content-length'] === undefined && trailers['transfer-encoding'] === undefined) return trailers
  throw new ExchangeError('broken', 'the trailers say something about where the answer ends')
}

// With a tab beside it, which RFC 9110 allows, Node's parser takes it for another coding.
const plainlyChunked = /\r\ntransfer-encoding: *chunked *\r\n/i

/** RFC 9112 §6.3. */
function framingOf(
  text: string,
  status: number,
  headers: HeaderFields,
  method: string,
  isOld: boolean,
): Framing {
  const coding = headers['transfer-encoding']
  const length = headers['content-length']
  if (coding !== undefined && (length !== undefined || isOld)) {
    throw new ExchangeError('broken', 'the answer has a Transfer-Encoding where none may be')
  }
  if (length !== undefined && !(typeof length === 'string' && /^\d{1,15}$/.test(length))) {
    throw new ExchangeError('broken', 'the answer has no single Content-Length')
  }
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') return none
  if (length !== undefined) return { kind: 'length', bytes: Number(length) }
  if (coding === undefined) return untilClose
  if (typeof coding !== 'string' || !plainlyChunked.test(text)) {
    throw new ExchangeError('broken', `the answer has the Transfer-Encoding ${coding}`)
  }
  return inChunks
}

const none: Framing = { kind: 'none' }
const inChunks: Framing = { kind: 'chunked' }
const untilClose: Framing = { kind: 'close' }

/** Unless the app says how long it keeps an idle connection. */
const idleForMs = 30_000

/** An app that closes a connection for being idle must not do so just as a request leaves. */
const marginMs = 1_000

function keptFor({ connection, 'keep-alive': keepAlive }: HeaderFields, isOld: boolean): number {
  if (connection !== 'keep-alive') {
    const options = String(connection ?? '').toLowerCase()
    if (options.includes('close') || (isOld && !options.includes('keep-alive'))) return 0
  }
  if (keepAlive === undefined) return idleForMs
  const seconds = /(?:^|,)\s*timeout=(\d{1,9})/i.exec(String(keepAlive))?.[1]
  return seconds === undefined
    ? idleForMs
    : Math.max(0, Math.min(idleForMs, Number(seconds) * 1_000 - marginMs))
}
