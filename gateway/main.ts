#!/usr/bin/env node
// Reads the command line and runs one command of cli/; nothing else.

type Command = (args: string[]) => Promise<number>

const commands: Record<string, () => Promise<Command>> = {
  run: async () => (await import('./cli/run.ts')).run,
  worker: async () => (await import('./cli/worker.ts')).worker,
  demo: async () => (await import('./cli/demo.ts')).demo,
  check: async () => (await import('./cli/check.ts')).check,
  users: async () => (await import('./cli/users.ts')).users,
  keys: async () => (await import('./cli/keys.ts')).keys,
  limits: async () => (await import('./cli/limits.ts')).limits,
  schema: async () => (await import('./cli/schema.ts')).schema,
}

const usage = `usage: guichet COMMAND

  run --config FILE    start the gateway (npm run gateway)
  demo                 start the gateway, EtuServices and demo accounts, with no other server (npm start)
  check FILE           check a configuration: every problem with its place and its cure
  users add|list|disable|enable|password --config FILE
  keys list|rotate --config FILE
                       the keys that sign tokens; a new one takes over without a restart
  limits show|reset|boost SUBJECT --admin URL
                       somebody's live limits, on every gateway at once
  schema [--write FILE]  the configuration's JSON Schema
`

const [name = '', ...args] = process.argv.slice(2)
const load = commands[name]
if (load === undefined) {
  process.stderr.write(usage)
  process.exitCode = name === '' || name === '--help' || name === 'help' ? 0 : 64
} else {
  const command = await load()
  process.exitCode = await command(args)
}
