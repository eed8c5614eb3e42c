import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import type { Logger } from 'pino'
import type { AuditAction, AuditTrail } from '../admin/audit.ts'
import type { GatewayConfig } from '../config/config.ts'
import { formatProblem, loadConfig } from '../config/load.ts'
import { type Account, isPlan } from '../identity/account.ts'
import type { Accounts } from '../identity/accounts.ts'
import type { Codes } from '../identity/codes.ts'
import { createAccount, passwordProblem } from '../identity/create-account.ts'
import { normaliseEmail } from '../identity/email.ts'
import { forgetCodes } from '../identity/forget-codes.ts'
import { createPasswordHashing } from '../identity/password-hashing.ts'
import { openAccounts } from '../open-stores.ts'
import { accountsTable } from './accounts-table.ts'
import { endSessions } from './end-sessions.ts'

const usage = `usage: guichet users COMMAND [--config FILE]

  add --email E --password P --first-name F --last-name L [--role admin] [--plan P]
  list
  disable --email E                ends the account's sessions too
  enable --email E
  password --email E --password P  ends the account's sessions too
  role --email E --role R          user or admin; ends the account's sessions too
  plan --email E --plan P          for quotas by plan; --plan '' takes it away
  delete --email E                 for ever, with the account's sessions

  --password -   reads it from standard input, so that no list of processes shows it
  --config FILE  config/gateway.yaml by default
`

const optionNames = ['email', 'password', 'first-name', 'last-name', 'role', 'plan'] as const
type OptionName = (typeof optionNames)[number]
type Options = Partial<Record<OptionName, string>>

interface Command {
  readonly needs: readonly OptionName[]
  readonly takes?: readonly OptionName[]
  act(at: At): Promise<number>
}

interface At {
  readonly accounts: Accounts
  readonly codes: Codes
  readonly config: GatewayConfig
  readonly options: Options
  /** Before the change: what an operator does with this command leaves its entry, as with the admin API. */
  note(action: AuditAction, subject: string, reason?: string): Promise<void>
}

interface AtAccount extends At {
  readonly account: Account
}

const commands: Record<string, Command> = {
  add: { needs: ['email', 'password', 'first-name', 'last-name'], takes: ['role', 'plan'], act: add },
  list: { needs: [], act: list },
  disable: { needs: ['email'], act: onAccount(disable) },
  enable: { needs: ['email'], act: onAccount(enable) },
  password: { needs: ['email', 'password'], act: onAccount(setPassword) },
  role: { needs: ['email', 'role'], act: onAccount(setRole) },
  plan: { needs: ['email', 'plan'], act: onAccount(setPlan) },
  delete: { needs: ['email'], act: onAccount(remove) },
}

/**
 * `guichet users COMMAND`: accounts from the command line.
 * Exit codes: 0 done, 1 not done (the e-mail is taken or unknown, a store is away), 64 called wrongly, 78 bad
 * configuration.
 */
export async function users(args: string[]): Promise<number> {
  const [name = '', ...rest] = args
  if (name === '--help' || name === 'help') {
    process.stdout.write(usage)
    return 0
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) return wrongly(name === '' ? 'which command?' : `there is no command ${name}.`)
  const parsed = parse(command, rest)
  if (parsed.kind === 'wrong') return wrongly(parsed.problem)
  const { options } = parsed
  if (options.role !== undefined && options.role !== 'user' && options.role !== 'admin') {
    return wrongly('--role is user or admin.')
  }
  if (options.plan && !isPlan(options.plan)) {
    return wrongly('--plan is 1 to 64 letters, digits, ".", "_" and "-", a letter or digit first.')
  }
  if (options.password === '-') options.password = (await text(process.stdin)).replace(/\r?\n$/, '')

  const loaded = loadConfig(parsed.configFile)
  if (loaded.kind === 'bad') {
    for (const problem of loaded.problems) console.error(formatProblem(problem))
    return 78
  }
  const { config } = loaded
  try {
    await using opened = new AsyncDisposableStack()
    const log = { warn: say } as Pick<Logger, 'warn'>
    const { home: accounts, codes, audit } = await openAccounts(config.stores.accounts, opened, log)
    return await command.act({ accounts, codes, config, options, note: noting(audit) })
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error))
  }
}

const noting =
  (audit: AuditTrail): At['note'] =>
  (action, subject, reason = '') =>
    audit.record({
      ...{ atMs: Date.now(), via: 'CLI', peer: '', action, subject, reason },
      ...{ policy: null, quota: null, forSeconds: null },
    })

type Parsed = { kind: 'parsed'; options: Options; configFile: string } | { kind: 'wrong'; problem: string }

function parse({ needs, takes = [] }: Command, args: string[]): Parsed {
  const known = [...needs, ...takes, 'config']
  try {
    const { values } = parseArgs({
      args,
      options: Object.fromEntries(known.map((name) => [name, { type: 'string' as const }])),
    })
    const missing = needs.filter((name) => values[name] === undefined)
    if (missing.length > 0)
      return { kind: 'wrong', problem: `add ${missing.map((name) => `--${name}`).join(' and ')}.` }
    const { config = 'config/gateway.yaml', ...options } = values as Options & { config?: string }
    return { kind: 'parsed', options, configFile: config }
  } catch (error) {
    return { kind: 'wrong', problem: (error as Error).message }
  }
}

async function add({ accounts, options, note }: At): Promise<number> {
  const noted: Pick<Accounts, 'create'> = {
    async create(account) {
      await note('create-account', `email:${account.email}`)
      return accounts.create(account)
    },
  }
  const result = await createAccount(
    { accounts: noted, hashing: createPasswordHashing() },
    {
      email: options.email ?? '',
      password: options.password ?? '',
      firstName: options['first-name'] ?? '',
      lastName: options['last-name'] ?? '',
      role: options.role === 'admin' ? 'admin' : 'user',
      plan: options.plan || null,
    },
  )
  if (result.kind === 'invalid') {
    const flags = {
      email: '--email',
      password: '--password',
      firstName: '--first-name',
      lastName: '--last-name',
      plan: '--plan',
    }
    for (const [field, problem] of Object.entries(result.problems)) {
      say(`${flags[field as keyof typeof flags]}: ${problem}`)
    }
    return 64
  }
  if (result.kind === 'email-taken') {
    return failed(`${result.email} has an account already. To change its password: guichet users password.`)
  }
  const { id, email, role } = result.account
  console.log(`added account ${id}: ${email} (${role})`)
  return 0
}

async function list({ accounts }: At): Promise<number> {
  const all: Account[] = []
  for (let after = '0'; ; ) {
    const page = await accounts.list(after, 500)
    all.push(...page)
    const last = page.at(-1)
    if (last === undefined) break
    after = last.id
  }
  process.stdout.write(accountsTable(all))
  return 0
}

/** What is done to the account with the e-mail of the options. */
function onAccount(act: (at: AtAccount) => Promise<number>): Command['act'] {
  return async (at) => {
    const { email = '' } = at.options
    const reading = normaliseEmail(email)
    const found = reading.kind === 'email' ? await at.accounts.findByEmail(reading.email) : null
    if (found !== null) return act({ ...at, account: found.account })
    return failed(`no account has the e-mail ${JSON.stringify(email)}. To see all: guichet users list.`)
  }
}

async function disable({ account, accounts, codes, config, note }: AtAccount): Promise<number> {
  await note('change-account', `u:${account.id}`, 'isActive: false')
  await accounts.update(account.id, { isActive: false })
  await forgetCodes(codes, account.id)
  console.log(`disabled account ${account.id}: ${account.email}`)
  return endSessions(account.id, config)
}

async function enable({ account, accounts, note }: AtAccount): Promise<number> {
  await note('change-account', `u:${account.id}`, 'isActive: true')
  await accounts.update(account.id, { isActive: true })
  console.log(`enabled account ${account.id}: ${account.email}`)
  return 0
}

async function setPassword({ account, accounts, codes, config, options, note }: AtAccount): Promise<number> {
  const { password = '' } = options
  const problem = passwordProblem(password, account)
  if (problem !== null) return wrongly(`--password: ${problem}`)
  await note('change-account', `u:${account.id}`, 'password')
  await accounts.setPasswordHash(account.id, await createPasswordHashing().hashPassword(password))
  await forgetCodes(codes, account.id)
  console.log(`changed the password of account ${account.id}: ${account.email}`)
  return endSessions(account.id, config)
}

async function setRole({ account, accounts, config, options, note }: AtAccount): Promise<number> {
  const role = options.role === 'admin' ? 'admin' : 'user'
  await note('change-account', `u:${account.id}`, `role: ${role}`)
  await accounts.update(account.id, { role })
  console.log(`changed the role of account ${account.id}: ${account.email} (${role})`)
  return endSessions(account.id, config)
}

async function setPlan({ account, accounts, options, note }: AtAccount): Promise<number> {
  await note('change-account', `u:${account.id}`, `plan: ${options.plan || 'none'}`)
  await accounts.update(account.id, { plan: options.plan || null })
  console.log(`changed the plan of account ${account.id}: ${account.email} (${options.plan || 'none'})`)
  console.log('it counts from the next login or refresh')
  return 0
}

async function remove({ account, accounts, codes, config, note }: AtAccount): Promise<number> {
  await note('delete-account', `u:${account.id}`)
  const removal = await accounts.remove(account.id)
  if (removal.kind === 'referenced') {
    return failed(
      `the app has rows that refer to account ${account.id}, in the same database. Delete them first, or: guichet users disable.`,
    )
  }
  await forgetCodes(codes, account.id)
  console.log(`deleted account ${account.id}: ${account.email}`)
  return endSessions(account.id, config)
}

function say(line: string): void {
  process.stderr.write(`guichet users: ${line}\n`)
}

function failed(line: string): number {
  say(line)
  return 1
}

function wrongly(problem: string): number {
  say(problem)
  process.stderr.write(usage)
  return 64
}
