// The backend of the benchmark, a process of its own: 1 KB of JSON for every call, or as much as the path says, as
// cheaply as Node can; anyone may keep it. WebSockets get their messages back.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

const around = JSON.stringify({ filling: '' })
const bodies = new Map<string, Buffer>()

function bodyFor(path: string): Buffer {
  let body = bodies.get(path)
  if (body === undefined) {
    const bytes = Number(/\/bytes\/(\d+)/.exec(path)?.[1] ?? 1024)
    body = Buffer.from(JSON.stringify({ filling: 'x'.repeat(bytes - around.length) }))
    bodies.set(path, body)
  }
  return body
}

const server = createServer((request, response) => {
  request.resume()
  const body = bodyFor(request.url ?? '/')
  const headers = {
    'content-type': 'application/json',
    'content-length': body.length,
    'cache-control': 'public, max-age=3600',
  }
  response.writeHead(200, headers).end(body)
})
const sockets = new WebSocketServer({ server })
sockets.on('connection', (socket) =>
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
)
// The gateway's idle connections outlive the pauses between rounds.
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  console.log(JSON.stringify({ event: 'listening', url: `http://127.0.0.1:${port}` }))
})
