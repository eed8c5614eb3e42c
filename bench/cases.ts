import { type PeerName, peerQuota, peers } from './peers.ts'

/** What one row of the table measures. The next case is one more entry of `cases`. */
export interface BenchCase {
  readonly name: string
  /** The load goes through this one instead of the gateway. */
  readonly peer?: PeerName
  /** Where on the peer; by default it follows from the name. */
  readonly path?: string
  /** Size of the app's answer; 1 KB unless told. */
  readonly answerBytes?: number
  /** Only so many wait for an answer at any time. */
  readonly mostConnections?: number
  /** Calls are POSTs with so large a body. */
  readonly bodyBytes?: number
  /** Calls are messages on WebSockets, each sent when the echo of the one before has come. */
  readonly isWebSocket?: true
  /** How the gateway treats the call; null: the load goes straight to the stub, without a gateway. */
  readonly route: {
    readonly access: 'public' | 'connected'
    readonly service?: string
    readonly cache?: true
    readonly policies: readonly BenchPolicy[]
  } | null
  /** Calls carry the tokens of the users, each user's in turn. */
  readonly asUsers: boolean
  /** Of the users only so many call. */
  readonly mostCallers?: number
  /** The one status that every answer must have. */
  readonly status: number
  /** Every user makes this many calls before the first load begins, and is denied afterwards. */
  readonly callsBefore?: number
  /** Who gives the denials. */
  readonly deniedBy?: 'memory' | 'store'
  /** A steady rate, which the gateway answers with ease; without it each connection calls as soon as it has an answer. */
  readonly callsPerSecond?: number
  /** So many wrong logins come beside the load, each for another account from another address. */
  readonly loginsPerSecond?: number
  /** Before each load the callers' windows are filled with old calls up to this part of the quota. */
  readonly filledTo?: number
}

export interface BenchPolicy {
  readonly quota: number
  /** As the configuration has it; where it depends on how many call, a function of that. */
  readonly per: string | ((callers: number) => string)
  readonly by: 'user' | 'address'
  readonly countsDenied?: true
}

/** The case that the others are compared with. */
export const yardstick = 'bare proxy'

// Nobody reaches this quota. The windows are short, so that the logs stay as short as in real use.
const endless = 100_000
const perSeconds = (seconds: number): BenchPolicy => ({ quota: endless, per: `${seconds}s`, by: 'user' })

/** The yardstick and nothing but the limiter: anonymous calls to a public route, no service. */
const limiterAlone = (name: string, count: number): BenchCase => ({
  name,
  route: {
    access: 'public',
    // One address makes all the calls: windows so short that its logs are those of many callers.
    policies: Array.from({ length: count }, (_, index) => ({
      quota: endless,
      per: `${50 * (index + 1)}ms`,
      by: 'address',
    })),
  },
  asUsers: false,
  status: 200,
})

/** More than one gateway answers: callers who share this equally are never denied. */
const mostCallsPerMs = 20

/** The windows of all quotas let the same rate through, so that only the length of the logs differs. */
export const windowMsOf = (quota: number, callers: number): number =>
  Math.ceil((quota * callers) / mostCallsPerMs)

const nearlyFull = (quota: number): BenchCase => ({
  name: `quota ${quota}`,
  route: {
    access: 'connected',
    policies: [{ quota, per: (callers) => `${windowMsOf(quota, callers)}ms`, by: 'user' }],
  },
  asUsers: true,
  mostCallers: 192, // a log of 90,000 calls takes 1 MB
  status: 200,
  filledTo: 0.9,
})

/** Admitted calls that nobody is in a hurry for: what their p99 tells is what keeps them waiting. */
const steady = (name: string): BenchCase => ({
  name,
  route: { access: 'connected', service: 'achat', policies: [perSeconds(1)] },
  asUsers: true,
  status: 200,
  callsPerSecond: 300,
})

// Longer than any run, so that who is denied stays so.
const spent = { quota: 10, per: '12h', by: 'user' } as const

const bare = (name: string): BenchCase => ({
  name,
  route: { access: 'public', policies: [] },
  asUsers: false,
  status: 200,
})

export const peerCaseName = (peer: PeerName, job: 'bare' | 'admitted' | 'denied'): string => `${peer}: ${job}`

const peerCases = (peer: PeerName): BenchCase[] => [
  { peer, name: peerCaseName(peer, 'bare'), path: '/bare', route: null, asUsers: false, status: 200 },
  { peer, name: peerCaseName(peer, 'admitted'), path: '/admitted', route: null, asUsers: true, status: 200 },
  {
    ...{ peer, name: peerCaseName(peer, 'denied'), path: '/denied', route: null, asUsers: true, status: 429 },
    callsBefore: peerQuota,
  },
]

export const cases: readonly BenchCase[] = [
  { name: 'stub alone', route: null, asUsers: false, status: 200 },
  bare(yardstick),
  limiterAlone('1 policy', 1),
  limiterAlone('3 policies', 3),
  limiterAlone('5 policies', 5),
  {
    name: 'admitted, three policies',
    route: {
      access: 'connected',
      service: 'vente',
      policies: [perSeconds(1), perSeconds(2), perSeconds(3)],
    },
    asUsers: true,
    status: 200,
  },
  {
    name: 'admitted',
    route: { access: 'connected', service: 'achat', policies: [perSeconds(1)] },
    asUsers: true,
    status: 200,
  },
  {
    name: 'denied from memory',
    route: { access: 'connected', service: 'achat', policies: [spent] },
    asUsers: true,
    status: 429,
    callsBefore: spent.quota,
    deniedBy: 'memory',
  },
  {
    name: 'denied by the store',
    // A denial that counts changes with each call, so no gateway may remember it.
    route: { access: 'connected', service: 'achat', policies: [{ ...spent, countsDenied: true }] },
    asUsers: true,
    status: 429,
    callsBefore: spent.quota,
    deniedBy: 'store',
  },
  steady('steady'),
  { ...steady('steady, 200 logins a second'), loginsPerSecond: 200 },
  nearlyFull(10),
  nearlyFull(1_000),
  nearlyFull(100_000),
  {
    name: 'cached hit',
    route: { access: 'public', service: 'vente', cache: true, policies: [] },
    asUsers: false,
    status: 200,
  },
  {
    name: 'cached hit, admitted',
    route: { access: 'connected', service: 'vente', cache: true, policies: [perSeconds(1)] },
    asUsers: true,
    status: 200,
  },
  { ...bare('answers of 100 KB'), answerBytes: 100_000 },
  { ...bare('answers of 10 MB'), answerBytes: 10_000_000, mostConnections: 4 },
  { ...bare('POST of 10 KB'), bodyBytes: 10_000 },
  { ...bare('WebSocket echo'), isWebSocket: true, status: 101 },
  ...peers.flatMap(({ name }) => peerCases(name)),
]

/** Where the calls of a case go. The app finds in it how large an answer is wanted. */
export const pathOf = ({ name, path, answerBytes }: BenchCase): string =>
  path ?? `/${slugOf(name)}${answerBytes === undefined ? '' : `/bytes/${answerBytes}`}`

/** A name starts with a letter. */
export const policyNameOf = ({ name }: BenchCase, index: number): string =>
  `case-${slugOf(name)}-${index + 1}`

export const callersOf = ({ mostCallers }: BenchCase, users: number): number =>
  Math.min(users, mostCallers ?? users)

export const slugOf = (name: string): string => name.replace(/[^a-z0-9]+/g, '-')
