import type { RequestBody } from '../request-body.ts'
import type { HeaderFields, HttpRequest } from '../send-http.ts'

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
export function requestHead(request: HttpRequest, host: string): string {
  const { method, target, headers, body, takesTrailers } = request
  if (badTarget.test(target)) throw new TypeError('the target holds characters that no target may hold')
  // RFC 9110 §10.1.4. The rest of a client's TE is between it and us.
  const te = takesTrailers ? ', TE\r\nte: trailers' : ''
  let head = `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\nconnection: ${headers.connection ?? 'keep-alive'}${te}\r\n`
  for (const name in headers) {
    if (name === 'content-length' || name === 'connection') continue
    head += lines(name, headers[name] as string | string[])
  }
  return `${head}${framing(method, body)}\r\n`
}

/**
 * What ends a body in chunks, in latin-1.
 *
 * @throws TypeError when a value cannot be sent
 */
export function lastChunk(trailers: HeaderFields): string {
  let text = '0\r\n'
  for (const name in trailers) text += lines(name, trailers[name] as string | string[])
  return `${text}\r\n`
}

function lines(name: string, value: string | string[]): string {
  return typeof value === 'string' ? line(name, value) : value.map((one) => line(name, one)).join('')
}

function line(name: string, value: string): string {
  if (badValue.test(value))
    throw new TypeError(`the value of ${name} holds characters that no value may hold`)
  return `${name}: ${value}\r\n`
}

function framing(method: string, body: RequestBody | null): string {
  if (body?.length === null) {
    const announced = body.trailers?.announced() ?? ''
    return `transfer-encoding: chunked\r\n${announced === '' ? '' : line('trailer', announced)}`
  }
  const length = body === null ? 0 : body.length
  return length > 0 || bodyExpected.has(method) ? `content-length: ${length}\r\n` : ''
}
