import type { IncomingMessage } from 'node:http'
import { type Readable, Transform } from 'node:stream'
import { GatewayError } from '../errors.ts'

/**
 * The body to forward, or undefined when there is none. A GET or HEAD has none either: one that was
 * sent all the same is read and dropped, since apps disagree on what it means.
 *
 * @throws GatewayError `body-too-large` when its length is announced; else the stream fails with it
 */
export function requestBody(raw: IncomingMessage, maxBytes: number): Readable | undefined {
  const length = raw.headers['content-length']
  if (raw.method === 'GET' || raw.method === 'HEAD') return undefined
  if (raw.headers['transfer-encoding'] !== undefined) return raw.pipe(limited(maxBytes))
  if (length === undefined || length === '0') return undefined
  if (Number(length) > maxBytes) throw new GatewayError('body-too-large')
  return raw
}

function limited(maxBytes: number): Transform {
  let received = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, passed) {
      received += chunk.length
      if (received > maxBytes) passed(new GatewayError('body-too-large'))
      else passed(null, chunk)
    },
  })
}
