import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws'

export interface WebsocketApp extends AsyncDisposable {
  readonly url: string
  /** Every handshake it has accepted, oldest first. */
  readonly seen: IncomingMessage[]
  /** Its ends of the WebSockets, oldest first. */
  readonly sockets: WebSocket[]
  /** How many of its connections are open, WebSockets and others. */
  openConnections(): number
}

export type Served = (socket: WebSocket, request: IncomingMessage) => void

/** Says back what it hears, as it heard it. */
const echo: Served = (socket) =>
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))

/** An unchanged app with WebSockets, behind the gateway; `GET` answers `plain`. */
export async function startWebsocketApp(
  serve: Served = echo,
  options: ServerOptions = {},
  server: Server = createServer(),
): Promise<WebsocketApp> {
  const seen: IncomingMessage[] = []
  const sockets: WebSocket[] = []
  const open = new Set<Socket>()
  server.on('request', (_request, response) => response.end('plain'))
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket)).on('error', () => {})
  })
  const websockets = new WebSocketServer({ server, maxPayload: 64 * 1024 * 1024, ...options })
  websockets.on('connection', (socket, request) => {
    seen.push(request)
    sockets.push(socket)
    socket.on('error', () => {})
    serve(socket, request)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const scheme = 'setSecureContext' in server ? 'https' : 'http'
  return {
    url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    sockets,
    openConnections: () => open.size,
    async [Symbol.asyncDispose]() {
      websockets.close()
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
