import { Cluster, type Command, type RedisOptions as NodeOptions, Redis } from 'ioredis'
import { giveUpInTime } from './deadline.ts'
import { cureFor, type RedisOptions, readyWithin, withoutCredentials } from './redis.ts'

export interface RedisClusterConnection extends AsyncDisposable {
  readonly redis: Cluster
  /** Why it is not ready, in one line without credentials; null while it is. */
  problem(): string | null
}

/**
 * Opens connections to every node of a cluster that mend themselves and follow its slots, with the same
 * promises as `openRedis`: a deadline for every command, no queue while a node is away.
 *
 * @param url `redis-cluster://USER:PASSWORD@HOST:PORT,HOST:PORT`, any nodes of it; `rediss-cluster://` for TLS
 */
export async function openRedisCluster(url: string, options: RedisOptions): Promise<RedisClusterConnection> {
  const place = withoutCredentials(url)
  const unknown = `${place}: no answer yet`
  let lastError: string | null = unknown
  const { nodes, nodeOptions } = readClusterUrl(url, options)
  const cluster = new PunctualCluster(nodes, options.deadlineMs, {
    redisOptions: nodeOptions,
    enableOfflineQueue: false,
    clusterRetryStrategy: pauseMs,
    // A node that is gone answers for its slots at once: nothing is done after its caller has given up.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // While a slot moves, a script whose keys are on both sides has to ask again; the deadline ends it.
    retryDelayOnTryAgain: 5,
    maxRedirections: 200,
    slotsRefreshTimeout: 1_000,
    slotsRefreshInterval: 1_000,
  })
  const remember = (error: Error): void => {
    // ioredis keeps the reason to itself when no node can be reached.
    const isClosed = error.message === 'Connection is closed.'
    if (!isClosed) lastError = `${place}: ${cureFor(error)}`
    else if (lastError === unknown)
      lastError = `${place}: no node listens there; start Redis or correct the URL`
  }
  cluster.on('node error', remember)
  cluster.on('error', (error: Error & { lastNodeError?: Error }) => remember(error.lastNodeError ?? error))
  // A node is else connected by its first command, and refuses those that come before it is. Not before the
  // cluster is known: it asks its way through nodes of its own until then.
  const connectNodes = (): Redis[] => cluster.nodes('master').map(connect)
  cluster.on('ready', () => {
    lastError = null
    connectNodes()
  })
  cluster.on('+node', () => setImmediate(() => cluster.status === 'ready' && connectNodes()))
  const limitMs = options.readyWithinMs ?? 2_000
  await readyWithin(cluster, limitMs)
  if (cluster.status === 'ready') await Promise.all(connectNodes().map((node) => readyWithin(node, limitMs)))
  return {
    redis: cluster,
    problem: () => (cluster.status === 'ready' ? null : (lastError ?? `${place}: connection lost`)),
    async [Symbol.asyncDispose]() {
      await cluster.quit().catch(() => undefined)
      cluster.disconnect()
    },
  }
}

function connect(node: Redis): Redis {
  if (node.status === 'wait') node.connect().catch(() => undefined)
  return node
}

const pauseMs = (attempt: number): number => Math.min(50 * attempt, 400)

class PunctualCluster extends Cluster {
  readonly #deadlineMs: number

  constructor(
    nodes: readonly Node[],
    deadlineMs: number,
    options: NonNullable<ConstructorParameters<typeof Cluster<'legacy'>>[1]>,
  ) {
    super([...nodes], options)
    this.#deadlineMs = deadlineMs
  }

  override sendCommand(command: Command, ...more: [stream?: never, node?: unknown]): unknown {
    const sent = super.sendCommand(command, ...more)
    giveUpInTime(command, this.#deadlineMs)
    return sent
  }
}

/**
 * Hears what is published on any node, over a connection to one of them at a time: the next one when it is
 * lost. ioredis's own subscriber moves on without a word, and what was said meanwhile would be missed unknown.
 */
export function openClusterSubscriber(
  url: string,
  options: RedisOptions,
): AsyncDisposable & { readonly redis: Redis } {
  const { nodes, nodeOptions } = readClusterUrl(url, options)
  let at = Math.floor(Math.random() * nodes.length)
  const redis: Redis = new Redis({
    ...nodeOptions,
    ...(nodes[at] as Node),
    enableOfflineQueue: false,
    retryStrategy(attempt: number) {
      at = (at + 1) % nodes.length
      Object.assign(redis.options, nodes[at])
      return pauseMs(attempt)
    },
  })
  redis.on('error', () => undefined)
  return { redis, [Symbol.asyncDispose]: async () => redis.disconnect() }
}

/** Answers as they came in RESP2, which the types want to be told. */
type PlainOptions = NodeOptions & { replyMapping?: 'legacy' }

interface Node {
  readonly host: string
  readonly port: number
}

/** @throws Error when the configuration let something else through */
function readClusterUrl(
  url: string,
  { deadlineMs }: RedisOptions,
): { readonly nodes: readonly Node[]; readonly nodeOptions: PlainOptions } {
  const [, tls, user, password, hosts = ''] =
    /^redis(s?)-cluster:\/\/(?:([^:@]*)(?::([^@]*))?@)?([^/]+)\/?$/.exec(url) ?? []
  const nodes = hosts.split(',').map((host): Node => {
    if (!URL.canParse(`redis://${host}`)) throw new Error(`not the address of a node: ${host}`)
    const { hostname, port } = new URL(`redis://${host}`)
    return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6379) }
  })
  const nodeOptions: PlainOptions = {
    ...(user ? { username: decodeURIComponent(user) } : {}),
    ...(password ? { password: decodeURIComponent(password) } : {}),
    ...(tls ? { tls: {} } : {}),
    connectTimeout: 1_000,
    socketTimeout: Math.max(1_000, 2 * deadlineMs),
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  }
  return { nodes, nodeOptions }
}
