import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

export interface RawApp extends AsyncDisposable {
  readonly url: string
  /** All that has arrived, connection by connection. */
  readonly received: string[]
  /** How many of its connections are open. */
  openConnections(): number
}

/** Called with every request whose head is complete. */
export type RawAnswer = (socket: Socket, request: string) => void

/** An app that speaks bytes, not HTTP: for answers that no HTTP server would give. */
export async function startRawApp(answer: RawAnswer): Promise<RawApp> {
  const received: string[] = []
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    const index = received.push('') - 1
    open.add(socket)
    let request = ''
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    socket.on('data', (chunk) => {
      received[index] += chunk.toString('latin1')
      request += chunk.toString('latin1')
      if (!request.includes('\r\n\r\n')) return
      const whole = request
      request = ''
      answer(socket, whole)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    openConnections: () => open.size,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** An app that answers every request with these bytes, and then closes or keeps the connection. */
export const startRawAnswers = (bytes: string, after: 'close' | 'keep' = 'close'): Promise<RawApp> =>
  startRawApp((socket) => {
    if (after === 'close') socket.end(bytes, 'latin1')
    else socket.write(bytes, 'latin1')
  })
