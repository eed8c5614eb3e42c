import { createApp } from './app.ts'
import { demoArticles } from './demo-articles.ts'
import { openArticles } from './open-articles.ts'
import { readSettings } from './settings.ts'

const drainMs = 5_000

async function start(): Promise<void> {
  const read = readSettings(process.env)
  if (read.kind === 'invalid') throw new Error(read.problems.join('\netuservices: '))
  const { host, port, databaseUrl, demoData, stopWithStdin, ...options } = read.settings

  await using opened = new AsyncDisposableStack()
  const articles = opened.adopt(await openArticles(databaseUrl), (shelf) => shelf.close())
  if (demoData) await articles.insertIfEmpty(demoArticles(new Date()))
  const app = opened.adopt(await createApp({ articles, ...options }), (running) => running.close())
  const backend = await app.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE'
      ? new Error(`port ${port} is taken: set PORT to another, or to 0.`)
      : error
  })
  const running = opened.move()

  let stopping = false
  const stop = () => {
    if (stopping) return
    stopping = true
    // A connection that becomes idle after the close has begun would keep the process for its whole keep-alive.
    setInterval(() => app.server.closeIdleConnections(), 50).unref()
    setTimeout(() => process.exit(0), drainMs).unref()
    running.disposeAsync().then(() => process.exit(0), fail)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  if (stopWithStdin) process.stdin.once('close', stop).resume()

  const human = `EtuServices listens on ${backend} (Ctrl-C stops it)`
  console.log(process.stdout.isTTY ? human : JSON.stringify({ event: 'listening', backend }))
}

function fail(error: unknown): never {
  console.error(`etuservices: ${error instanceof Error ? error.message : error}`)
  process.exit(1)
}

start().catch(fail)
