import type { ConfigDraft } from '../draft.ts'
import { maskUrl } from '../mask.ts'
import type { Finding, Path } from '../problem.ts'

export function checkStores({ stores }: ConfigDraft): Finding[] {
  const { sessions, hits, accounts } = stores ?? {}
  return [
    ...checkStore(sessions, ['stores', 'sessions']),
    ...checkStore(hits, ['stores', 'hits']),
    ...checkStore(accounts, ['stores', 'accounts']),
    ...checkApart(sessions, hits),
    ...checkHitsOffCluster(sessions, hits),
  ]
}

export function checkStore(store: string | undefined, path: Path): Finding[] {
  if (store === undefined || store === 'embedded') return []
  const value = JSON.stringify(maskUrl(store))
  if (store.startsWith('sqlite:')) {
    if (/^sqlite:(?!\/\/)./.test(store)) return []
    return [{ path, value, message: 'names no SQLite file', cure: 'write sqlite:data/guichet.sqlite' }]
  }
  if (isCluster(store)) return checkCluster(store, path, value)
  if (isWatched(store)) return checkWatched(store, path, value)
  const url = URL.canParse(store) ? new URL(store) : undefined
  if (!url?.hostname) {
    const cure =
      'write SCHEME://USER:PASSWORD@HOST:PORT/NAME, and / @ # ? : in a password as %2F %40 %23 %3F %3A'
    return [{ path, value, message: 'not a URL', cure }]
  }
  if (store.startsWith('mysql:')) {
    if (url.pathname.length > 1) return []
    return [
      { path, value, message: 'names no database', cure: 'add the name of the database: mysql://…/guichet' },
    ]
  }
  if (/^(\/\d*)?$/.test(url.pathname)) return []
  return [{ path, value, message: 'not a database number', cure: 'end the URL with a number such as /0' }]
}

const isCluster = (store: string): boolean => /^rediss?-cluster:/.test(store)

const isWatched = (store: string): boolean => store.startsWith('redis-sentinel:')

/** `HOST:PORT` of every node or sentinel; empty when one of them is no address. */
function nodesOf(store: string, port = 6_379): string[] {
  const hosts = /^[a-z-]+:\/\/(?:[^@/]*@)?([^/@]+)/.exec(store)?.[1]?.split(',') ?? []
  if (!hosts.every((host) => URL.canParse(`redis://${host}`) && new URL(`redis://${host}`).hostname))
    return []
  return hosts.map((host) => addressOf(`redis://${host}`, port))
}

function checkCluster(store: string, path: Path, value: string): Finding[] {
  if (nodesOf(store).length === 0) {
    const cure =
      'write redis-cluster://USER:PASSWORD@HOST:PORT,HOST:PORT, and / @ # ? : in a password as %2F %40 %23 %3F %3A'
    return [{ path, value, message: 'not a list of nodes', cure }]
  }
  if (/^[^/]+:\/\/[^/]+\/?$/.test(store)) return []
  return [
    {
      path,
      value,
      message: 'a Redis Cluster has no numbered databases',
      cure: 'end the URL with the last HOST:PORT',
    },
  ]
}

function checkWatched(store: string, path: Path, value: string): Finding[] {
  const shape = 'redis-sentinel://HOST:26379,HOST:26379/MASTER/0'
  if (nodesOf(store).length === 0) {
    const cure = `write ${shape}, and / @ # ? : in a password as %2F %40 %23 %3F %3A`
    return [{ path, value, message: 'not a list of sentinels', cure }]
  }
  const [, name, rest = ''] = /^[^/]+:\/\/[^/]+(?:\/([\w.-]+))?(.*)$/.exec(store) ?? []
  if (name === undefined) {
    const cure = `add the name that the sentinels know the primary by: ${shape}`
    return [{ path, value, message: 'names no primary', cure }]
  }
  if (/^(\/\d*)?$/.test(rest)) return []
  return [{ path, value, message: 'not a database number', cure: 'end the URL with a number such as /0' }]
}

/** The database of the hits would be a number, which a cluster does not have. */
function checkHitsOffCluster(sessions: string | undefined, hits: string | undefined): Finding[] {
  if (!sessions || !isCluster(sessions) || !hits || !/^rediss?:/.test(hits) || !URL.canParse(hits)) return []
  if (!nodesOf(sessions).includes(addressOf(hits))) return []
  return [
    {
      path: ['stores', 'hits'],
      value: JSON.stringify(maskUrl(hits)),
      message: 'a node of the Redis Cluster of the sessions, which has no numbered databases',
      cure: 'name a Redis outside the cluster, or write sqlite:data/hits.sqlite',
    },
  ]
}

/** Hits may be dropped and rebuilt, sessions may not: they never share a database. */
function checkApart(sessions: string | undefined, hits: string | undefined): Finding[] {
  const databases = redisDatabases(sessions)
  if (!redisDatabases(hits).some((database) => databases.includes(database))) return []
  return [
    {
      path: ['stores', 'hits'],
      value: JSON.stringify(maskUrl(hits ?? '')),
      message: 'the Redis database of the sessions',
      cure: 'end the URL with another database number, such as /1',
    },
  ]
}

/** Where the database is, in one spelling; one per sentinel that leads to it. */
export function redisDatabases(store: string | undefined): string[] {
  if (!store) return []
  if (isWatched(store)) {
    const [, name, database] = /^[^/]+:\/\/[^/]+\/([^/]+)(?:\/(\d*))?$/.exec(store) ?? []
    return nodesOf(store, 26_379).map((sentinel) => `${sentinel}/${name}/${Number(database ?? 0)}`)
  }
  if (!/^rediss?:/.test(store) || !URL.canParse(store)) return []
  return [`${addressOf(store)}/${Number(new URL(store).pathname.slice(1))}`]
}

function addressOf(url: string, defaultPort = 6_379): string {
  const { hostname, port } = new URL(url)
  const host = ['localhost', '[::1]'].includes(hostname.toLowerCase()) ? '127.0.0.1' : hostname.toLowerCase()
  return `${host}:${port || defaultPort}`
}
