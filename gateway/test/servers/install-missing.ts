import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** What the tests need besides npm packages, and Debian's package of it. */
const needs = [
  { program: 'redis-server', debian: 'redis-server' },
  { program: 'mariadbd', debian: 'mariadb-server' },
  { program: 'mariadb-install-db', debian: 'mariadb-server' },
  { program: 'chromium', debian: 'chromium' },
  { program: 'prometheus', debian: 'prometheus' },
  { program: 'promtool', debian: 'prometheus' },
  { program: 'nginx', debian: 'nginx-light' },
  { program: 'caddy', debian: 'caddy' },
  { program: 'libfaketime.so.1', debian: 'libfaketime' },
  { program: 'openssl', debian: 'openssl' },
]

export interface Machine {
  /** Folders to look for programs in, as in PATH. */
  path: string
  /** Folder of the libraries: `<libraries>/<architecture>/faketime/libfaketime.so.1`. */
  libraries: string
  isRoot: boolean
  /** A script Debian's packages ask whether they may start their service. */
  policyFile: string
}

/**
 * On Debian as root installs what is missing; its output goes to stderr. Returns one line with the cure for each
 * program that is missing afterwards.
 */
export function installMissing(machine: Machine): string[] {
  const missing = () => needs.filter(({ program }) => !isThere(machine, program))
  const before = missing()
  if (before.length === 0) return []
  if (machine.isRoot && onPath(machine.path, 'apt-get')) {
    install(machine, [...new Set(before.map(({ debian }) => debian))])
  }
  return missing().map(({ program, debian }) => `${program} is missing: apt-get install ${debian}`)
}

function install(machine: Machine, packages: string[]): void {
  console.error(`installing for the tests: ${packages.join(' ')}`)
  // The packages would start their servers, and Prometheus's port is our admin port. 101 = "you may not".
  const mayForbid = !existsSync(machine.policyFile)
  if (mayForbid) writeFileSync(machine.policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    // Another apt on the machine may hold the lock for a while.
    const patience = ['-q', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3']
    aptGet(machine.path, [...patience, 'update'])
    aptGet(machine.path, [...patience, 'install', '--yes', '--no-install-recommends', ...packages])
  } finally {
    if (mayForbid) rmSync(machine.policyFile, { force: true })
  }
}

/** A failure shows in what is missing afterwards: a stale mirror need not matter. */
function aptGet(path: string, args: string[]): void {
  const env = { ...process.env, PATH: path, DEBIAN_FRONTEND: 'noninteractive' }
  const { status, error } = spawnSync('apt-get', args, { env, stdio: ['ignore', 2, 2] })
  if (status !== 0) console.error(`apt-get ${args.join(' ')} failed: ${error?.message ?? `exit ${status}`}`)
}

function isThere(machine: Machine, program: string): boolean {
  if (!program.startsWith('lib')) return onPath(machine.path, program)
  const { libraries } = machine
  const folders = existsSync(libraries) ? readdirSync(libraries) : []
  return folders.some((folder) => existsSync(join(libraries, folder, 'faketime', program)))
}

function onPath(path: string, program: string): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

if (import.meta.main) {
  const lines = installMissing({
    // Debian keeps mariadbd in /usr/sbin, which a normal user's PATH leaves out.
    path: [process.env.PATH, '/usr/sbin', '/sbin'].join(delimiter),
    libraries: '/usr/lib',
    isRoot: process.getuid?.() === 0,
    policyFile: '/usr/sbin/policy-rc.d',
  })
  for (const line of lines) console.error(line)
  process.exitCode = lines.length === 0 ? 0 : 1
}
