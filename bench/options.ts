import { parseArgs } from 'node:util'
import { cases } from './cases.ts'

export interface BenchOptions {
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly connections: number
  readonly users: number
  /** Names of the cases to run. */
  readonly only: readonly string[]
  /** Folder that gets the table; null: it is printed only. */
  readonly results: string | null
  /** Folder that gets a processor profile of the gateway when it stops; null: none is taken. */
  readonly profile: string | null
}

export const usage = `usage: npm run bench -- [options]

  --rounds N        how often every case runs; the table shows medians (5)
  --seconds S       how long a case runs in a round (2)
  --connections N   how many callers wait for an answer at any time (64)
  --users N         accounts that are connected (1000)
  --only CASE       this case only; may be repeated: ${cases.map(({ name }) => `"${name}"`).join(', ')}
  --no-peers        Guichet alone, without what it is compared with
  --quick           a check that it works, no figures: 1 round of 0.6 s, 50 users, no peers, nothing saved
  --results FOLDER  where the table goes (bench/results)
  --no-save         print the table only
  --profile FOLDER  also write a processor profile of the gateway there (it costs some percent)
`

const full = { rounds: 5, seconds: 2, connections: 64, users: 1_000 }
const quick = { rounds: 1, seconds: 0.6, connections: 16, users: 50 }

/** @throws Error that names the mistake */
export function readOptions(args: string[]): BenchOptions {
  const { values } = parseArgs({
    args,
    allowNegative: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      connections: { type: 'string' },
      users: { type: 'string' },
      only: { type: 'string', multiple: true },
      quick: { type: 'boolean', default: false },
      results: { type: 'string' },
      save: { type: 'boolean' },
      profile: { type: 'string' },
      peers: { type: 'boolean' },
    },
  })
  const usual = values.quick ? quick : full
  const withPeers = values.peers ?? !values.quick
  const only =
    values.only ?? cases.filter(({ peer }) => peer === undefined || withPeers).map(({ name }) => name)
  for (const name of only) {
    if (!cases.some((known) => known.name === name))
      throw new Error(
        `--only ${name}: no such case; there are ${cases.map((known) => known.name).join('; ')}`,
      )
  }
  const seconds = positive('seconds', values.seconds, usual.seconds)
  const isSaved = values.save ?? (values.results !== undefined || !values.quick)
  return {
    rounds: whole('rounds', values.rounds, usual.rounds),
    seconds,
    warmUpSeconds: seconds / 4,
    connections: whole('connections', values.connections, usual.connections),
    users: whole('users', values.users, usual.users),
    only,
    results: isSaved ? (values.results ?? 'bench/results') : null,
    profile: values.profile ?? null,
  }
}

function positive(name: string, text: string | undefined, usual: number): number {
  const value = text === undefined ? usual : Number(text)
  if (!(value > 0 && Number.isFinite(value))) throw new Error(`--${name} ${text}: write a number above 0`)
  return value
}

function whole(name: string, text: string | undefined, usual: number): number {
  const value = positive(name, text, usual)
  if (!Number.isInteger(value)) throw new Error(`--${name} ${text}: write a whole number`)
  return value
}
