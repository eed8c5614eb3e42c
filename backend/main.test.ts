import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, inject, onTestFinished, test } from 'vitest'
import { articlesIn } from './test-app.ts'
import { newMysqlDatabase } from './test-database.ts'

const main = join(import.meta.dirname, 'main.ts')

/** The process as `npm run backend` starts it, in a folder of its own, with nothing but `env`. */
async function spawnBackend(env: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), 'etuservices-'))
  const stdio = ['ignore', 'pipe', 'pipe'] as const
  const child = spawn(process.execPath, [main], {
    cwd: folder,
    env: { PORT: '0', ...env },
    stdio: [...stdio],
  })
  const exited = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exited
    await rm(folder, { recursive: true })
  })
  return { child, folder, exited: exited.then(([code]) => code as number | null) }
}

async function listening(child: ChildProcess): Promise<string> {
  const [line] = await once(child.stdout as NodeJS.ReadableStream, 'data')
  const told = JSON.parse(String(line))
  expect(told).toEqual({ event: 'listening', backend: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) })
  return told.backend
}

test('it says where it listens, is healthy, and fills an empty shelf once', async () => {
  const { child, folder } = await spawnBackend({ DEMO_DATA: '1' })
  const url = await listening(child)
  expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' })
  const { articles } = await articlesIn(await fetch(`${url}/api/achat?limit=100`))
  expect(articles).toHaveLength(24)

  const env = { DEMO_DATA: '1', DATABASE_URL: `sqlite:${folder}/data/etuservices.sqlite` }
  const second = await spawnBackend(env)
  const again = await articlesIn(await fetch(`${await listening(second.child)}/api/achat?limit=100`))
  expect(again.articles).toHaveLength(24)
})

test.for(['SIGTERM', 'SIGINT'] as const)(
  '%s ends it with 0, though a client keeps its connection',
  async (signal) => {
    const { child, exited } = await spawnBackend({})
    const url = await listening(child)
    const agent = new Agent({ keepAlive: true })
    onTestFinished(() => agent.destroy())
    const [answer] = await once(get(`${url}/health`, { agent }), 'response')
    await text(answer)
    const askedAt = performance.now()
    child.kill(signal)
    expect(await exited).toBe(0)
    expect(performance.now() - askedAt).toBeLessThan(4_000)
  },
)

const sale = JSON.stringify({ title: 'Catan', category: 'jeu', priceCents: 1_800 })
const saleHead = `POST /api/vente HTTP/1.1\r\nHost: x\r\nX-Forwarded-User: 1\r\nContent-Type: application/json\r\nContent-Length: ${sale.length}\r\n\r\n`

/** A connection on which half a request is under way while the process already refuses new ones. */
async function halfSentWhileStopping(child: ChildProcess): Promise<Socket> {
  const port = Number(new URL(await listening(child)).port)
  const open = () => connect(port, '127.0.0.1')
  const socket = open()
  onTestFinished(() => void socket.destroy())
  // An answered request first, so that the process surely knows this connection.
  socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(socket, 'data')
  socket.write(saleHead + sale.slice(0, 10))
  child.kill('SIGTERM')
  for (let refused = false; !refused; ) {
    const other = open()
    refused = await once(other, 'connect').then(
      () => false,
      () => true,
    )
    other.destroy()
  }
  return socket
}

test('what was under way at SIGTERM is still answered', async () => {
  const { child, exited } = await spawnBackend({})
  const socket = await halfSentWhileStopping(child)
  socket.write(sale.slice(10))
  const [answer] = await once(socket, 'data')
  expect(String(answer)).toMatch(/^HTTP\/1\.1 201/)
  expect(await exited).toBe(0)
})

test('a client that never finishes does not hold the process beyond its deadline', async () => {
  const { child, exited } = await spawnBackend({})
  const socket = await halfSentWhileStopping(child)
  socket.on('error', () => {})
  const stoppingAt = performance.now()
  expect(await exited).toBe(0)
  expect(performance.now() - stoppingAt).toBeLessThan(8_000)
})

test('it works on MySQL', async () => {
  const { child } = await spawnBackend({ DATABASE_URL: await newMysqlDatabase(), DEMO_DATA: '1' })
  const url = await listening(child)
  expect((await articlesIn(await fetch(`${url}/api/achat?q=velo`))).articles).toMatchObject([
    { title: 'Vélo de ville 28"' },
  ])
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

test.for([
  ['postgres://x', /neither sqlite:FILE nor mysql:.*give sqlite:data/],
  ['sqlite:', /names no file: give sqlite:data/],
  ['mysql://127.0.0.1', /names no database: put it after the last slash/],
  ['mysql://u:p@ss/w@h:x/d', /cannot be read as a URL.*escape/],
  [
    'sqlite:taken/data.sqlite',
    /cannot open DATABASE_URL=sqlite:taken\/data\.sqlite .*folder this user may write to/,
  ],
  ['mysql://bob:secret@127.0.0.1:PORT/shop', /mysql:\/\/…@127\.0\.0\.1:\d+\/shop .*start the server/],
] as const)('DATABASE_URL=%s ends it with 1 and one line that names the cure', async ([url, cure]) => {
  const folder = await mkdtemp(join(tmpdir(), 'etuservices-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'taken'), 'a file where a folder should be')
  const asked = url.replace('taken', join(folder, 'taken')).replace('PORT', String(await freePort()))
  const { child, exited } = await spawnBackend({ DATABASE_URL: asked })
  const told = await text(child.stderr as NodeJS.ReadableStream)
  expect(told.replace(folder, '').replace('sqlite:/taken', 'sqlite:taken')).toMatch(cure)
  expect(told.trimEnd().split('\n')).toHaveLength(1)
  expect(told).not.toContain('secret')
  expect(await exited).toBe(1)
})

test('a missing MySQL database is told with the statement that creates it', async () => {
  const url = new URL(inject('mysqlUrl'))
  url.pathname = '/not_there'
  const { child, exited } = await spawnBackend({ DATABASE_URL: url.href })
  expect(await text(child.stderr as NodeJS.ReadableStream)).toContain('CREATE DATABASE not_there')
  expect(await exited).toBe(1)
})

test('a taken port and a wrong setting are told with the cure', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  const taken = await spawnBackend({ PORT: String(port) })
  expect(await text(taken.child.stderr as NodeJS.ReadableStream)).toContain(`port ${port} is taken: set PORT`)
  expect(await taken.exited).toBe(1)
  const wrong = await spawnBackend({ PORT: 'http', LOG_LEVEL: 'loud' })
  const told = await text(wrong.child.stderr as NodeJS.ReadableStream)
  expect(told).toContain('PORT=http is no port')
  expect(told).toContain('LOG_LEVEL=loud is unknown')
})
