import { connect } from 'node:net'

export interface RawAnswer {
  readonly status: number
  readonly head: string
  readonly body: string
  readonly isClosed: boolean
}

/**
 * Sends bytes as they are and returns all that comes back until the server closes, or until nothing
 * has come for `quietMs`.
 */
export async function sendRaw(url: string, bytes: string | Buffer, quietMs = 300): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const { promise, resolve } = Promise.withResolvers<boolean>()
  let received = ''
  let quiet = setTimeout(resolve, 5_000, false)
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
    clearTimeout(quiet)
    quiet = setTimeout(resolve, quietMs, false)
  })
  socket.on('close', () => resolve(true))
  socket.on('error', () => resolve(true))
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  const isClosed = await promise
  clearTimeout(quiet)
  socket.destroy()
  const split = received.indexOf('\r\n\r\n')
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(received)?.[1] ?? 0),
    head: split === -1 ? received : received.slice(0, split),
    body: split === -1 ? '' : received.slice(split + 4),
    isClosed,
  }
}
