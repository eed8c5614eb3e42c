import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** How long a client that was refused may take to close its connection. */
const lingerMs = 1_000

/**
 * Whether a request is taken for a WebSocket handshake. Every other upgrade is an ordinary request, which
 * RFC 9110 §7.8 allows: nothing but WebSocket is ever tunnelled. So is one with a body, and one behind requests that
 * are not answered yet, since its 101 would overtake their answers.
 */
export function isWebsocketHandshake({ method, headers, socket, httpVersion }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    httpVersion === '1.1' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    headers['transfer-encoding'] === undefined &&
    (headers['content-length'] ?? '0') === '0' &&
    !(socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage
  )
}

/** Whether the request came by `acceptUpgrades`. */
export const isUpgrade = (request: IncomingMessage): boolean =>
  (request as IncomingMessage & { upgrade?: boolean | null }).upgrade === true

/**
 * Sends handshakes down the same road as requests. What refuses one answers as it answers any request; then the
 * connection is closed, since Node's parser has left it. The step that switches protocols ends the response
 * with 101, and from then on the socket is its own.
 */
export function acceptUpgrades(
  server: Server,
  route: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  // Told which they are, Node leaves the others where they were.
  Object.assign(server, { shouldUpgradeCallback: isWebsocketHandshake })
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    // Before all else: an unheard error of a socket ends the process.
    socket.on('error', () => {})
    // From a server that nobody has told.
    if (!isWebsocketHandshake(request)) return void socket.destroy()
    if (head.length > 0) socket.unshift(head)
    route(request, createResponse(request, socket))
  })
}

/** What Node's server would have made of a request, as far as the parser's end leaves it to do. */
function createResponse(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  const drained = (): void => void response.emit('drain')
  socket.on('drain', drained)
  response.once('finish', () => {
    socket.off('drain', drained)
    response.detachSocket(socket)
    if (response.statusCode !== 101) closeGently(socket)
    response.destroyed = true
    response.emit('close')
  })
  return response
}

/** A socket that is closed with bytes unread resets the connection, and takes the answer with it. */
function closeGently(socket: Socket): void {
  socket.end()
  socket.resume()
  const cutting = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(cutting))
}
