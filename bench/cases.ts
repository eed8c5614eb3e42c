/** What one row of the table measures. The next case is one more entry of `cases`. */
export interface BenchCase {
  readonly name: string
  /** How the gateway treats the call; null: the load goes straight to the stub, without a gateway. */
  readonly route: {
    readonly access: 'public' | 'connected'
    readonly service?: string
    readonly policies: readonly BenchPolicy[]
  } | null
  /** Calls carry the tokens of the users, each user's in turn. */
  readonly asUsers: boolean
  /** The one status that every answer must have. */
  readonly status: number
  /** Every user makes this many calls before the load begins, and is denied afterwards. */
  readonly callsBefore?: number
}

export interface BenchPolicy {
  readonly quota: number
  readonly per: string
}

/** The case that the others are compared with. */
export const yardstick = 'bare proxy'

// Nobody reaches this quota. The windows are short, so that the logs stay as short as in real use.
const endless = 1_000_000
const perSecond: BenchPolicy = { quota: endless, per: '1s' }

export const cases: readonly BenchCase[] = [
  { name: 'stub alone', route: null, asUsers: false, status: 200 },
  { name: yardstick, route: { access: 'public', policies: [] }, asUsers: false, status: 200 },
  {
    name: 'admitted',
    route: { access: 'connected', service: 'achat', policies: [perSecond] },
    asUsers: true,
    status: 200,
  },
  {
    name: 'admitted, three policies',
    route: {
      access: 'connected',
      service: 'vente',
      policies: [perSecond, { quota: endless, per: '2s' }, { quota: endless, per: '3s' }],
    },
    asUsers: true,
    status: 200,
  },
  {
    name: 'denied',
    route: { access: 'connected', service: 'achat', policies: [{ quota: 10, per: '10m' }] },
    asUsers: true,
    status: 429,
    callsBefore: 10,
  },
]

/**
 * Where the calls of a case go. Every round has paths, and so windows, of its own: users who spent theirs in an
 * earlier round would be let in again ten minutes later.
 */
export const pathOf = ({ name }: BenchCase, round: number): string => `/${slugOf(name)}/${round}`

export const slugOf = (name: string): string => name.replace(/[^a-z0-9]+/g, '-')
