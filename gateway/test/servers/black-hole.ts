import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

export interface BlackHole extends AsyncDisposable {
  readonly port: number
  /** How many connections were accepted so far. */
  readonly accepted: number
}

/** A TCP server that accepts, reads everything and never answers. */
export async function startBlackHole(): Promise<BlackHole> {
  const sockets = new Set<Socket>()
  let accepted = 0
  const server = createServer((socket) => {
    accepted++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    socket.resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted
    },
    async [Symbol.asyncDispose]() {
      if (!server.listening) return
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
