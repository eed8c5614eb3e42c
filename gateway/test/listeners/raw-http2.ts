import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'

export interface Frame {
  readonly type: 'data' | 'headers' | 'reset' | 'settings' | 'ping' | 'goaway' | 'window' | 'other'
  readonly stream: number
  /** Of a reset or a goaway. */
  readonly code: number
}

/** A client by HTTP/2 that sends frames as they are given: for what no client would send. */
export interface RawHttp2 extends Disposable {
  readonly frames: readonly Frame[]
  readonly closed: Promise<unknown>
  /** A request's head; the body follows unless `isWhole`. */
  head(stream: number, fields: readonly (readonly [string, string])[], isWhole?: boolean): void
  data(stream: number, text: string, isLast?: boolean): void
  reset(stream: number, code: number): void
}

const types: Record<number, Frame['type']> = {
  ...{ 0: 'data', 1: 'headers', 3: 'reset', 4: 'settings', 6: 'ping', 7: 'goaway', 8: 'window' },
}
const endStream = 0x1
const endHeaders = 0x4

/** RFC 9113 §8.3.1, for a GET of `/x`. */
export const pseudo = (method = 'GET', path = '/x', authority = 'shop.example'): [string, string][] => [
  [':method', method],
  [':scheme', 'https'],
  [':path', path],
  [':authority', authority],
]

export async function connectRawHttp2({ url, ca }: { url: string; ca: string }): Promise<RawHttp2> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), ca, ALPNProtocols: ['h2'] })
  await once(socket, 'secureConnect')
  socket.on('error', () => {})
  const frames: Frame[] = []
  readFrames(socket, frames)
  const send = (type: number, flags: number, stream: number, payload: Buffer): void => {
    const head = Buffer.alloc(9)
    head.writeUIntBE(payload.length, 0, 3)
    head.writeUInt8(type, 3)
    head.writeUInt8(flags, 4)
    head.writeUInt32BE(stream, 5)
    if (socket.writable) socket.write(Buffer.concat([head, payload]))
  }
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  send(4, 0, 0, Buffer.alloc(0))
  return {
    frames,
    closed: once(socket, 'close'),
    head: (stream, fields, isWhole = true) =>
      send(1, endHeaders | (isWhole ? endStream : 0), stream, Buffer.concat(fields.map(literal))),
    data: (stream, text, isLast = false) => send(0, isLast ? endStream : 0, stream, Buffer.from(text)),
    reset(stream, code) {
      const payload = Buffer.alloc(4)
      payload.writeUInt32BE(code)
      send(3, 0, stream, payload)
    },
    [Symbol.dispose]: () => socket.destroy(),
  }
}

/** RFC 7541 §6.2.2: a literal field, never indexed, not compressed. */
function literal([name, value]: readonly [string, string]): Buffer {
  const text = (of: string): Buffer => {
    const bytes = Buffer.from(of, 'latin1')
    if (bytes.length > 126) throw new Error('needs a longer prefix than these tests do')
    return Buffer.concat([Buffer.from([bytes.length]), bytes])
  }
  return Buffer.concat([Buffer.from([0]), text(name), text(value)])
}

function readFrames(socket: TLSSocket, frames: Frame[]): void {
  let unread = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    unread = Buffer.concat([unread, chunk])
    while (unread.length >= 9 && unread.length >= 9 + unread.readUIntBE(0, 3)) {
      const length = unread.readUIntBE(0, 3)
      const type = types[unread.readUInt8(3)] ?? 'other'
      const codeAt = type === 'reset' ? 9 : type === 'goaway' ? 13 : null
      frames.push({
        type,
        stream: unread.readUInt32BE(5),
        code: codeAt === null ? 0 : unread.readUInt32BE(codeAt),
      })
      unread = unread.subarray(9 + length)
    }
  })
}
