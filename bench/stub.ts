// The backend of the benchmark, a process of its own: 1 KB of JSON for every call, as cheaply as Node can.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const bytes = 1024
const around = JSON.stringify({ filling: '' })
const body = Buffer.from(JSON.stringify({ filling: 'x'.repeat(bytes - around.length) }))

const server = createServer((request, response) => {
  request.resume()
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
})
// The gateway's idle connections outlive the pauses between rounds.
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  console.log(JSON.stringify({ event: 'listening', url: `http://127.0.0.1:${port}` }))
})
