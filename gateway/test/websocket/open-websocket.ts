import { once } from 'node:events'
import { type ClientOptions, WebSocket } from 'ws'

export interface OpenOptions extends ClientOptions {
  readonly protocols?: string[]
}

/** A WebSocket through the gateway; rejects when the handshake fails. */
export async function openWebsocket(
  { url }: { readonly url: string },
  path = '/',
  { protocols = [], ...options }: OpenOptions = {},
): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, protocols, options)
  await once(socket, 'open')
  socket.on('error', () => {})
  return socket
}

/** The next message, as text or bytes. */
export async function nextMessage(socket: WebSocket): Promise<string | Buffer> {
  const [data, isBinary] = (await once(socket, 'message')) as [Buffer, boolean]
  return isBinary ? data : data.toString()
}

/** How the socket was closed: the code, and the reason that was given. */
export async function closed(socket: WebSocket): Promise<[number, string]> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  return [code, reason.toString()]
}

/** A handshake as a client sends it, in bytes; lines replace or add to the usual ones, null leaves one out. */
export function handshake(path: string, lines: Readonly<Record<string, string | null>> = {}): string {
  const all = {
    Host: 'gateway.example',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...lines,
  }
  const fields = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]))
  return `GET ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`
}
