import cluster from 'node:cluster'
import { type Gateway, openGateway } from '../compose.ts'
import type { GatewayConfig } from '../config/config.ts'
import { createLog } from '../log.ts'
import type { DrainChange } from '../proxying/balancing/drained-targets.ts'
import type { Order, Word } from '../workers/messages.ts'
import { surviveStrayErrors } from './survive-stray-errors.ts'

type Serve = Extract<Order, { kind: 'serve' }>

/** `guichet worker`: one process of several, which `guichet run` starts and tells what to do. */
export async function worker(_args: string[]): Promise<number> {
  if (!cluster.isWorker) {
    process.stderr.write(
      'guichet worker: only guichet run starts this; write workers: 2 in its configuration\n',
    )
    return 64
  }
  const orders = listenToOrders()
  say({ kind: 'ready' })
  const serve = await orders.serve
  try {
    await serveUntilTold(serve, orders)
    return 0
  } catch (error) {
    say({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) })
    return 1
  } finally {
    cluster.worker?.disconnect()
  }
}

async function serveUntilTold({ config, adminToken }: Serve, orders: Orders): Promise<void> {
  const log = createLog(config.log.level).child({ worker: process.pid })
  const gateway = await openGateway(config, log, { adminToken, scrape: orders.scrape })
  surviveStrayErrors(log)
  orders.carryOut(gateway)
  const { url, adminUrl, checkUrl } = gateway
  say({ kind: 'listening', places: { url, adminUrl, checkUrl } })
  const end = await orders.end
  if (end.kind === 'retire') await Promise.race([retire(gateway, end.config), orders.stop])
  await gateway[Symbol.asyncDispose]()
  say({ kind: 'reported', report: await gateway.report() })
}

/** Requests that still come, on connections that are open, meet what the new workers serve, wherever that is possible. */
async function retire(gateway: Gateway, config: GatewayConfig): Promise<void> {
  await gateway.reload(config).catch(() => {})
  gateway.configReloaded(true)
  const retired = gateway.retire()
  say({ kind: 'retiring' })
  await retired
}

type Orders = ReturnType<typeof listenToOrders>

function listenToOrders() {
  const serve = Promise.withResolvers<Serve>()
  const end = Promise.withResolvers<Extract<Order, { kind: 'retire' | 'stop' }>>()
  const stop = Promise.withResolvers<void>()
  const scrapes = new Map<number, (text: string) => void>()
  let gateway: Gateway | null = null
  let scrapeCount = 0
  let isObeying = false

  function stopNow(): void {
    end.resolve({ kind: 'stop' })
    stop.resolve()
  }
  /** What the primary has said is no news to it. */
  function obey(change: DrainChange): void {
    isObeying = true
    gateway?.drained.change(change)
    isObeying = false
  }
  process.on('message', (order: Order) => {
    if (order.kind === 'serve') serve.resolve(order)
    else if (order.kind === 'retire') end.resolve(order)
    else if (order.kind === 'stop') stopNow()
    else if (order.kind === 'config-refused') gateway?.configReloaded(false)
    else if (order.kind === 'drain') obey(order.change)
    else if (order.kind === 'report')
      void gateway?.report().then((report) => say({ kind: 'reported', report }))
    else if (order.kind === 'scraped') {
      scrapes.get(order.id)?.(order.text)
      scrapes.delete(order.id)
    }
  })
  // A service manager may signal every process; what the terminal says to all, the primary hands on.
  process.on('SIGTERM', stopNow)
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})

  return {
    serve: serve.promise,
    end: end.promise,
    stop: stop.promise,
    carryOut(opened: Gateway): void {
      gateway = opened
      opened.drained.listen((change) => {
        if (!isObeying) say({ kind: 'drained', change })
      })
    },
    /** The figures of all workers. */
    scrape: (): Promise<string> =>
      new Promise((resolve) => {
        scrapes.set(scrapeCount, resolve)
        say({ kind: 'scrape', id: scrapeCount++ })
      }),
  }
}

function say(word: Word): void {
  // When the primary is gone, nobody listens and Node ends this process.
  if (process.connected) process.send?.(word, () => {})
}
