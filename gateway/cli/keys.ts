import { parseArgs } from 'node:util'
import type { GatewayConfig } from '../config/config.ts'
import { publishAheadMs, rotateSigningKeys } from '../identity/rotate-signing-keys.ts'
import { keyStates, listKeyFiles } from '../identity/signing-key-files.ts'
import { acceptedForMs, openSigningKeys } from '../identity/signing-keys.ts'
import { configFrom } from './run.ts'

const usage = `usage: guichet keys list|rotate [--config FILE]

  list            the signing keys, and what each is good for
  rotate          a new key takes over in 5 minutes, so that whoever checks our signatures knows it by then;
                  the one before is accepted until its tokens have expired
  rotate --now    it takes over at once: for a key that is no longer secret. Then delete the old key's file

  --config FILE   config/gateway.yaml by default

Running gateways notice within 5 seconds.
`

/**
 * `guichet keys list|rotate`: the signing keys in `identity.keysDirectory`.
 * Exit codes: 0 done, 1 not done, 64 called wrongly, 78 bad configuration.
 */
export async function keys(args: string[]): Promise<number> {
  const [name = '', ...rest] = args
  if (name === '--help' || name === 'help') {
    process.stdout.write(usage)
    return 0
  }
  if (name !== 'list' && name !== 'rotate') {
    return wrongly(name === '' ? 'which command?' : `there is no command ${name}.`)
  }
  const parsed = parse(name, rest)
  if (typeof parsed === 'string') return wrongly(parsed)
  const config = await configFrom(parsed.config)
  if (config === null) return 78
  try {
    if (name === 'rotate') await rotate(config.identity, parsed.now)
    await list(config.identity)
    return 0
  } catch (error) {
    process.stderr.write(`guichet keys: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

function parse(name: 'list' | 'rotate', args: string[]): { config: string; now: boolean } | string {
  const config = { type: 'string', default: 'config/gateway.yaml' } as const
  const now = { type: 'boolean', default: false } as const
  try {
    return name === 'rotate'
      ? parseArgs({ args, options: { config, now } }).values
      : { ...parseArgs({ args, options: { config } }).values, now: false }
  } catch (error) {
    return (error as Error).message
  }
}

type Identity = GatewayConfig['identity']

async function rotate(identity: Identity, atOnce: boolean): Promise<void> {
  const { keysDirectory: directory, accessTokenLifetimeMs: tokenLifetimeMs } = identity
  // Makes the first key and the secret in a folder that no gateway has seen yet.
  await openSigningKeys({ directory, tokenLifetimeMs })
  const nowMs = Date.now()
  await rotateSigningKeys({
    directory,
    signsFromMs: atOnce ? nowMs : nowMs + publishAheadMs,
    nowMs,
    acceptedForMs: acceptedForMs(tokenLifetimeMs),
  })
}

async function list({ keysDirectory, accessTokenLifetimeMs }: Identity): Promise<void> {
  const files = await listKeyFiles(keysDirectory)
  const states = keyStates(files, Date.now(), acceptedForMs(accessTokenLifetimeMs))
  for (const [index, { name, signsFromMs }] of files.entries()) {
    const since = signsFromMs === 0 ? 'the first' : `from ${new Date(signsFromMs).toISOString()}`
    console.log(`${states[index]?.padEnd(9)} ${since.padEnd(29)} ${name}`)
  }
}

function wrongly(problem: string): number {
  process.stderr.write(`guichet keys: ${problem}\n${usage}`)
  return 64
}
