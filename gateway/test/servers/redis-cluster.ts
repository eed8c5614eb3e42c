import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from './free-port.ts'
import { type PrivateRedis, startRedis } from './redis.ts'

export interface RedisClusterOptions {
  /** Primaries; at least 3 elect a successor when one dies. */
  readonly nodes?: number
  /** Of each primary. */
  readonly replicas?: 0 | 1
  readonly password?: string
}

export interface RedisCluster extends AsyncDisposable {
  /** `redis-cluster://…` with every node. */
  readonly url: string
  readonly primaries: readonly PrivateRedis[]
  /** The replica of the primary at the same place. */
  readonly replicas: readonly PrivateRedis[]
  /** Moves a slot with its keys while it is in use, as `redis-cli --cluster reshard` does. */
  moveSlot(slot: number, to: PrivateRedis): Promise<void>
}

const slotCount = 16_384
const readyWithinMs = 30_000

/** Private servers that share the slots evenly; resolves when all of them agree on it. */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const { nodes = 3, replicas: perPrimary = 0, password } = options
  await using starting = new AsyncDisposableStack()
  const started = await Promise.allSettled(
    Array.from({ length: nodes * (1 + perPrimary) }, async () => starting.use(await startNode(password))),
  )
  const servers = started.map((start) => {
    if (start.status === 'rejected') throw start.reason
    return start.value
  })
  const clients = new Map(
    servers.map((server) => [server, starting.adopt(new Redis(server.url()), (redis) => redis.disconnect())]),
  )
  const clientOf = (server: PrivateRedis): Redis => clients.get(server) as Redis
  const [first] = servers as [PrivateRedis]
  const primaries = servers.slice(0, nodes)
  const replicas = servers.slice(nodes)

  for (const [i, server] of servers.entries()) {
    clientOf(server).on('error', () => undefined)
    await clientOf(server).cluster('SET-CONFIG-EPOCH', i + 1)
    if (server !== first) await clientOf(first).cluster('MEET', '127.0.0.1', server.port, await busOf(server))
  }
  const share = slotCount / nodes
  for (const [i, server] of primaries.entries()) {
    const [from, to] = [Math.round(i * share), Math.round((i + 1) * share) - 1]
    await clientOf(server).cluster('ADDSLOTSRANGE', from, to)
  }
  await everyNode((info) => info.includes(`cluster_known_nodes:${servers.length}\r`))
  for (const [i, replica] of replicas.entries()) {
    const primary = await clientOf(primaries[i] as PrivateRedis).cluster('MYID')
    await clientOf(replica).cluster('REPLICATE', String(primary))
  }
  await everyNode((info) => info.includes('cluster_state:ok'))
  for (const replica of replicas) {
    await until(async () => (await clientOf(replica).info('replication')).includes('master_link_status:up'))
  }

  async function busOf(server: PrivateRedis): Promise<number> {
    return Number((await clientOf(server).config('GET', 'cluster-port'))[1])
  }

  function everyNode(isReady: (info: string) => boolean): Promise<void> {
    return until(async () => {
      const infos = await Promise.all(servers.map((server) => clientOf(server).cluster('INFO')))
      return infos.every((info) => isReady(String(info)))
    })
  }

  async function moveSlot(slot: number, to: PrivateRedis): Promise<void> {
    const ids = new Map<PrivateRedis, string>()
    for (const server of primaries) ids.set(server, String(await clientOf(server).cluster('MYID')))
    const owned = await Promise.all(
      primaries.map(async (server) => holds(String(await clientOf(server).cluster('NODES')), slot)),
    )
    const from = primaries[owned.indexOf(true)] as PrivateRedis
    if (from === to) return
    await clientOf(to).cluster('SETSLOT', slot, 'IMPORTING', ids.get(from) as string)
    await clientOf(from).cluster('SETSLOT', slot, 'MIGRATING', ids.get(to) as string)
    for (;;) {
      const keys = (await clientOf(from).cluster('GETKEYSINSLOT', slot, 10)) as string[]
      if (keys.length === 0) break
      // One at a time, so that calls find their keys on both sides.
      for (const key of keys) await clientOf(from).migrate('127.0.0.1', to.port, key, 0, 5_000)
    }
    for (const server of [to, from, ...primaries]) {
      await clientOf(server).cluster('SETSLOT', slot, 'NODE', ids.get(to) as string)
    }
  }

  const opened = starting.move()
  return {
    url: `redis-cluster://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    primaries,
    replicas,
    moveSlot,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

async function startNode(password: string | undefined): Promise<PrivateRedis> {
  return startRedis({
    ...(password === undefined ? {} : { password }),
    args: [
      ...['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())],
      ...['--cluster-node-timeout', '1000', '--cluster-replica-validity-factor', '0'],
      ...['--repl-diskless-sync-delay', '0'],
      ...(password === undefined ? [] : ['--masterauth', password]),
    ],
  })
}

/** Whether the node that says this holds the slot itself. */
function holds(nodes: string, slot: number): boolean {
  const own = nodes.split('\n').find((line) => line.includes('myself')) ?? ''
  return own
    .split(' ')
    .slice(8)
    .some((range) => {
      const [from = Number.NaN, to = from] = range.split('-').map(Number)
      return from <= slot && slot <= to
    })
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + readyWithinMs
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`the cluster was not ready within ${readyWithinMs} ms`)
    await sleep(20)
  }
}
