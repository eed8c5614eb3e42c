import type { IncomingMessage } from 'node:http'
import { type Readable, Transform } from 'node:stream'
import { GatewayError } from '../errors.ts'

/**
 * The body to forward, as a stream of its own: whoever destroys it when the upstream fails must not
 * take the caller's connection along, on which the answer still has to travel. Undefined without one.
 *
 * @throws GatewayError `body-too-large` when its length is announced; else the stream fails with it
 */
export function requestBody(raw: IncomingMessage, maxBytes: number): Readable | undefined {
  const length = raw.headers['content-length']
  if (raw.method === 'GET' || raw.method === 'HEAD') return undefined
  if (raw.headers['transfer-encoding'] === undefined && (length === undefined || length === '0'))
    return undefined
  if (Number(length) > maxBytes) throw new GatewayError('body-too-large')

  let received = 0
  const body = new Transform({
    transform(chunk: Buffer, _encoding, passed) {
      received += chunk.length
      if (received > maxBytes) passed(new GatewayError('body-too-large'))
      else passed(null, chunk)
    },
  })
  return raw.pipe(body)
}
