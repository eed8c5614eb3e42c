import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { openGateway } from '../compose.ts'
import type { GatewayConfig } from '../config/config.ts'
import { createAccount } from '../identity/create-account.ts'
import { createPasswordHashing } from '../identity/password-hashing.ts'
import { createLog } from '../log.ts'
import { openAccounts } from '../open-stores.ts'
import { type Banner, printBanner } from './banner.ts'
import { configFrom } from './run.ts'
import { untilStopped } from './signals.ts'
import { surviveStrayErrors } from './survive-stray-errors.ts'

type DemoAccount = NonNullable<Banner['accounts']>[number]

const people = [
  { firstName: 'Ada', lastName: 'Lovelace', email: 'ada.lovelace@etu.example', role: 'user' },
  { firstName: 'Alan', lastName: 'Turing', email: 'alan.turing@etu.example', role: 'user' },
  { firstName: 'Grace', lastName: 'Hopper', email: 'grace.hopper@etu.example', role: 'admin' },
] as const

/** `guichet demo`: EtuServices, the gateway and three accounts, with no server but this one. */
export async function demo(_args: string[]): Promise<number> {
  const stopped = untilStopped()
  try {
    await using opened = new AsyncDisposableStack()
    const backend = opened.use(await startBackend())
    process.env.UPSTREAM_URL = backend.url
    const config = await configFrom(fileURLToPath(new URL('../../config/demo.yaml', import.meta.url)))
    if (config === null) return 78
    const accounts = await makeAccounts(config)
    const log = createLog(config.log.level)
    const gateway = opened.use(await openGateway(config, log))
    surviveStrayErrors(log)
    printBanner({
      gateway: gateway.url,
      admin: gateway.adminUrl,
      backend: backend.url,
      adminToken: gateway.adminToken,
      accounts,
    })
    // Ctrl-C reaches both processes, in any order.
    const backendGone = backend.ended.then(() => pause(500, true as const, { ref: false }))
    if (await Promise.race([stopped, backendGone]))
      throw new Error('EtuServices ended by itself; start again')
    return 0
  } catch (error) {
    process.stderr.write(`guichet: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

/** The demo's accounts; their passwords are made once and kept beside the data, for this machine's eyes. */
async function makeAccounts({ stores, identity }: GatewayConfig): Promise<DemoAccount[]> {
  const file = join(identity.keysDirectory, 'demo-accounts.json')
  const known = readAccounts(file)
  if (known !== null) return known
  await using opened = new AsyncDisposableStack()
  const { home: accounts } = await openAccounts(stores.accounts, opened, pino())
  const hashing = createPasswordHashing()
  const made: DemoAccount[] = []
  for (const person of people) {
    const password = randomBytes(9).toString('base64url')
    const result = await createAccount({ accounts, hashing }, { ...person, password })
    if (result.kind === 'created') made.push({ email: person.email, password })
  }
  mkdirSync(identity.keysDirectory, { recursive: true, mode: 0o700 })
  writeFileSync(file, JSON.stringify(made), { mode: 0o600 })
  return made
}

function readAccounts(file: string): DemoAccount[] | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as DemoAccount[]
  } catch {
    return null
  }
}

interface Backend extends AsyncDisposable {
  readonly url: string
  readonly ended: Promise<void>
}

/** @throws Error with what EtuServices said, when it does not start */
async function startBackend(): Promise<Backend> {
  const dataDirectory = process.env.DATA_DIR ?? 'data'
  const child = spawn(process.execPath, [fileURLToPath(new URL('../../backend/main.ts', import.meta.url))], {
    env: {
      ...process.env,
      PORT: process.env.BACKEND_PORT ?? '3000',
      HOST: '127.0.0.1',
      DATABASE_URL: `sqlite:${join(dataDirectory, 'etuservices.sqlite')}`,
      DEMO_DATA: '1',
      // The kernel closes our end of the pipe however we end, SIGKILL included.
      STOP_WITH_STDIN: '1',
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
  })
  const url = await firstUrl(child, ended)
  child.stdout.resume()
  child.stderr.pipe(process.stderr)
  return {
    url,
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function firstUrl(
  { stdout, stderr }: ChildProcessWithoutNullStreams,
  ended: Promise<void>,
): Promise<string> {
  let said = ''
  const listen = (chunk: Buffer): void => {
    said += chunk
  }
  stderr.on('data', listen)
  for await (const line of createInterface({ input: stdout })) {
    if (!line.startsWith('{"event":"listening"')) continue
    stderr.off('data', listen)
    process.stderr.write(said)
    return (JSON.parse(line) as { backend: string }).backend
  }
  await ended
  const reason = said
    .trim()
    .replace(/^etuservices: /, '')
    .replace(/\bPORT\b/, 'BACKEND_PORT')
  throw new Error(`EtuServices did not start: ${reason}`)
}
