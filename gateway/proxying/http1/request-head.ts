import type { HttpRequest } from '../send-http.ts'

/** What the body's length is announced as; null: in chunks. */
export type BodyLength = number | null

// RFC 9110 §5.5, and the characters of a target that no reader takes for its end.
const badValue = /[^\t\x20-\x7e\x80-\xff]/
const badTarget = /[^\x21-\x7e\x80-\xff]/

const bodyExpected = new Set(['POST', 'PUT', 'PATCH'])

/**
 * The head of a request as it goes onto the wire, in latin-1.
 *
 * @param host of the target, with its port
 * @throws TypeError when a value cannot be sent; nobody has been asked then
 */
export function requestHead({ method, target, headers, body }: HttpRequest, host: string): string {
  if (badTarget.test(target)) throw new TypeError('the target holds characters that no target may hold')
  let head = `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\nconnection: ${headers.connection ?? 'keep-alive'}\r\n`
  for (const name in headers) {
    if (name === 'content-length' || name === 'connection') continue
    const value = headers[name] as string | string[]
    if (typeof value === 'string') head += line(name, value)
    else for (const one of value) head += line(name, one)
  }
  return `${head}${framing(method, body === null ? 0 : body.length)}\r\n`
}

function line(name: string, value: string): string {
  if (badValue.test(value))
    throw new TypeError(`the value of ${name} holds characters that no value may hold`)
  return `${name}: ${value}\r\n`
}

function framing(method: string, length: BodyLength): string {
  if (length === null) return 'transfer-encoding: chunked\r\n'
  return length > 0 || bodyExpected.has(method) ? `content-length: ${length}\r\n` : ''
}
