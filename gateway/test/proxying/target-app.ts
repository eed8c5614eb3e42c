import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A server of its own process, to be killed and frozen: answers its NAME, a few milliseconds later, and writes
 * the path of each POST to standard output when it has arrived.
 */
const { NAME = '', PORT = '0', DELAY_MS = '5' } = process.env

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    if (request.method === 'POST') process.stdout.write(`${request.url}\n`)
    setTimeout(() => response.end(NAME), Number(DELAY_MS))
  })
})
server.listen(Number(PORT), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ event: 'listening', url: `http://127.0.0.1:${port}` })}\n`)
})
