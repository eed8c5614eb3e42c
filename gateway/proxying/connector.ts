import type { Socket } from 'node:net'
import { buildConnector } from 'undici'
import type { Upstream } from './upstream.ts'

/** Opens connections to an upstream, with its timeout and its rules for TLS. */
export function createConnector({ connectTimeoutMs, ca }: Upstream): buildConnector.connector {
  const connect = buildConnector({
    allowH2: false,
    timeout: connectTimeoutMs,
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
  })
  return (options, connected) =>
    connect(options, (...[error, socket]) => {
      if (error !== null) return connected(error, null)
      watchRequests(socket)
      connected(null, socket)
    })
}

const lostWhenReused = new WeakSet<Error>()

/**
 * Whether a request was lost on a connection that had carried others: its app may have closed it for being idle just as
 * the request left, and never have seen it (RFC 9112 §9.3.1).
 */
export const wasReused = (error: Error): boolean => lostWhenReused.has(error)

const interimContinue = /^HTTP\/1\.[01] 100[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n/
const longestInterim = 4096
const statusAt = 'HTTP/1.1 '.length

/**
 * Notes when a request is lost that was not the connection's first, and takes a bare `100 Continue` off the front of an
 * answer: RFC 9110 §15.2 wants it understood even by who has not asked, and undici takes it for a broken answer. An answer
 * begins where a request's head was written, which undici writes as a string that begins with the method.
 */
function watchRequests(socket: Socket): void {
  const { read, write } = socket
  let requests = 0
  let isHeadAwaited = false
  let held: Buffer | null = null

  socket.prependListener('error', (error) => {
    if (requests > 1) lostWhenReused.add(error)
  })

  socket.write = function skippingWrite(this: Socket, chunk: unknown, ...rest: unknown[]): boolean {
    if (typeof chunk === 'string' && chunk.charCodeAt(0) > 64) {
      requests++
      isHeadAwaited = true
    }
    return write.call(this, chunk as string, ...(rest as []))
  } as typeof write

  socket.read = function skippingRead(this: Socket, size?: number): Buffer | null {
    const chunk = read.call(this, size) as Buffer | null
    if (!isHeadAwaited || chunk === null) return chunk
    const rest = withoutContinue(held === null ? chunk : Buffer.concat([held, chunk]))
    isHeadAwaited = mayBecomeContinue(rest)
    held = isHeadAwaited ? rest : null
    return isHeadAwaited ? null : rest
  }
}

/** Of the usual answer only the first digit of its status is looked at. */
const isFinal = (bytes: Buffer): boolean => bytes.length > statusAt && bytes[statusAt] !== 0x31

function withoutContinue(bytes: Buffer): Buffer {
  if (isFinal(bytes)) return bytes
  const match = interimContinue.exec(bytes.toString('latin1', 0, longestInterim))
  return match === null ? bytes : withoutContinue(bytes.subarray(match[0].length))
}

/** Whether what has come so far may be the beginning of a `100 Continue`. */
function mayBecomeContinue(bytes: Buffer): boolean {
  if (isFinal(bytes) || bytes.length >= longestInterim) return false
  const start = bytes.toString('latin1', 0, statusAt + 3)
  return 'HTTP/1.1 100'.startsWith(start) || 'HTTP/1.0 100'.startsWith(start)
}
