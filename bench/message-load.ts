// The load on WebSockets, a process of its own: each connection sends a message of 100 bytes as soon as the echo of the one
// before has come.
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { type Fired, type LoadJob, percentilesOf, runJob } from './load-job.ts'

const message = Buffer.alloc(100, 'x')

async function fire({ url, connections }: LoadJob, seconds: number): Promise<Fired> {
  const sockets = Array.from({ length: connections }, () => new WebSocket(url.replace(/^http/, 'ws')))
  await Promise.all(sockets.map((socket) => once(socket, 'open')))
  const durationsMs: number[] = []
  let errors = 0
  const startedAtMs = performance.now()
  for (const socket of sockets) {
    let sentAtMs = performance.now()
    socket.on('message', () => {
      const nowMs = performance.now()
      durationsMs.push(nowMs - sentAtMs)
      sentAtMs = nowMs
      socket.send(message)
    })
    socket.on('close', () => errors++)
    socket.send(message)
  }
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  const answers = durationsMs.length
  const firedForMs = performance.now() - startedAtMs
  for (const socket of sockets) {
    socket.removeAllListeners('close')
    socket.terminate()
  }
  return {
    seconds: firedForMs / 1000,
    statuses: { 101: answers },
    errors,
    ...percentilesOf(durationsMs.slice(0, answers)),
  }
}

await runJob(fire)
