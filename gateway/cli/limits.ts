import { parseArgs } from 'node:util'
import { parseDurationMs } from '../config/duration.ts'
import { type LimitsAnswer, limitsTable } from './limits-table.ts'

const usage = `usage: guichet limits COMMAND SUBJECT [--admin URL]

  show SUBJECT
  reset SUBJECT [--policy NAME] [--reason TEXT]      one policy, or all
  boost SUBJECT --policy NAME --quota N --for DURATION --reason TEXT

  SUBJECT        user:42, email:ada@example.org, address:192.0.2.7, login:ada@example.org, role:admin,
                 header:NAME=VALUE, several joined by +
  --for          with its unit, up to 400d: 2h
  --admin URL    of any of the gateways, http://127.0.0.1:9090 by default; changes reach all of them

The admin token is taken from GUICHET_ADMIN_TOKEN.
`

interface Call {
  readonly method: 'GET' | 'DELETE' | 'PUT'
  readonly path: string
  readonly body?: object
}

type Options = { readonly [name in 'admin' | 'policy' | 'quota' | 'for' | 'reason']?: string }

interface Command {
  readonly takes: readonly (keyof Options)[]
  readonly needs: readonly (keyof Options)[]
  call(subject: string, options: Options): Call | { readonly problem: string }
}

const commands: Record<string, Command> = {
  show: { takes: [], needs: [], call: (subject) => ({ method: 'GET', path: pathOf(subject) }) },
  reset: {
    takes: ['policy', 'reason'],
    needs: [],
    call(subject, { policy, reason }) {
      const query = new URLSearchParams({ ...(policy && { policy }), ...(reason && { reason }) })
      return { method: 'DELETE', path: `${pathOf(subject)}?${query}` }
    },
  },
  boost: {
    takes: ['policy', 'quota', 'for', 'reason'],
    needs: ['policy', 'quota', 'for', 'reason'],
    call(subject, { policy, quota = '', for: duration = '', reason }) {
      const forMs = parseDurationMs(duration)
      if (!/^\d{1,10}$/.test(quota)) return { problem: '--quota is a whole number of calls.' }
      if (forMs === undefined) return { problem: '--for needs a unit, such as 30m, 2h or 7d.' }
      const body = { policy, quota: Number(quota), forSeconds: Math.ceil(forMs / 1000), reason }
      return { method: 'PUT', path: `${pathOf(subject)}/boost`, body }
    },
  },
}

const pathOf = (subject: string): string => `/api/limits/${encodeURIComponent(subject)}`

/**
 * `guichet limits COMMAND SUBJECT`: asks a running gateway, so that embedded stores are reached too.
 * Exit codes: 0 done, 1 not done, 64 called wrongly.
 */
export async function limits(args: string[]): Promise<number> {
  const [name = '', ...rest] = args
  if (name === '--help' || name === 'help') {
    process.stdout.write(usage)
    return 0
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) return wrongly(name === '' ? 'which command?' : `there is no command ${name}.`)
  const parsed = parse(command, rest)
  if ('problem' in parsed) return wrongly(parsed.problem)
  const call = command.call(parsed.subject, parsed.options)
  if ('problem' in call) return wrongly(call.problem)
  const token = process.env.GUICHET_ADMIN_TOKEN
  if (!token) return wrongly('set GUICHET_ADMIN_TOKEN to the admin token of the gateway.')
  return ask(call, parsed.options.admin ?? 'http://127.0.0.1:9090', token)
}

type Parsed = { subject: string; options: Options } | { problem: string }

function parse({ takes, needs }: Command, args: string[]): Parsed {
  try {
    const { values, positionals } = parseArgs({
      args,
      options: Object.fromEntries([...takes, 'admin'].map((name) => [name, { type: 'string' as const }])),
      allowPositionals: true,
    })
    const [subject, ...others] = positionals
    if (subject === undefined || others.length > 0) return { problem: 'name one SUBJECT, such as user:42.' }
    const options = values as Options
    const missing = needs.filter((name) => !options[name])
    if (missing.length > 0) return { problem: `add ${missing.map((option) => `--${option}`).join(' and ')}.` }
    if (options.admin !== undefined && !/^https?:\/\//.test(options.admin))
      return { problem: '--admin is a URL, such as http://127.0.0.1:9090.' }
    return { subject, options }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

async function ask({ method, path, body }: Call, admin: string, token: string): Promise<number> {
  let response: Response
  try {
    response = await fetch(`${admin.replace(/\/+$/, '')}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        'user-agent': 'guichet-cli',
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    })
  } catch {
    return failed(`no gateway answers at ${admin}. Start it, or name its admin listener with --admin URL.`)
  }
  const answer = (await response.json().catch(() => ({}))) as Partial<LimitsAnswer> & { detail?: string }
  if (!response.ok || answer.policies === undefined) {
    return failed(answer.detail ?? `${admin} answered ${response.status}: is this an admin listener?`)
  }
  process.stdout.write(limitsTable(answer as LimitsAnswer))
  return 0
}

function failed(problem: string): number {
  process.stderr.write(`guichet limits: ${problem}\n`)
  return 1
}

function wrongly(problem: string): number {
  process.stderr.write(`guichet limits: ${problem}\n${usage}`)
  return 64
}
