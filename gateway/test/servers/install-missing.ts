/**
 * What the tests need besides npm packages. On Debian as root the missing programs are installed; elsewhere one
 * line each says what to do, and the exit code is 1.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const path = `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/usr/local/sbin`

const needs = [
  { program: 'redis-server', debian: 'redis-server', isThere: () => onPath('redis-server') },
  { program: 'mariadbd', debian: 'mariadb-server', isThere: () => onPath('mariadbd') },
  { program: 'mariadb-install-db', debian: 'mariadb-server', isThere: () => onPath('mariadb-install-db') },
  { program: 'chromium', debian: 'chromium', isThere: () => onPath('chromium') },
  { program: 'prometheus', debian: 'prometheus', isThere: () => onPath('prometheus') },
  { program: 'promtool', debian: 'prometheus', isThere: () => onPath('promtool') },
  { program: 'libfaketime', debian: 'libfaketime', isThere: hasFaketime },
]

let missing = needs.filter((need) => !need.isThere())
if (missing.length > 0 && process.getuid?.() === 0 && onPath('apt-get')) {
  install([...new Set(missing.map((need) => need.debian))])
  missing = needs.filter((need) => !need.isThere())
}
for (const { program, debian } of missing) {
  console.error(`${program} is missing: apt-get install ${debian} (or your system's package of it)`)
}
process.exitCode = missing.length === 0 ? 0 : 1

function install(packages: string[]): void {
  console.error(`installing for the tests: ${packages.join(' ')}`)
  // A second apt on the machine holds its lock for a while; waiting is better than failing.
  const settings = ['-qq', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3']
  aptGet([...settings, 'update'])
  aptGet([...settings, 'install', '--yes', '--no-install-recommends', ...packages])
}

/** All of its output goes to stderr: stdout belongs to the tests. */
function aptGet(args: string[]): void {
  const env = { ...process.env, PATH: path, DEBIAN_FRONTEND: 'noninteractive' }
  const { status } = spawnSync('apt-get', args, { env, stdio: ['ignore', 2, 2] })
  if (status !== 0) console.error(`apt-get ${args.at(-1)} ended with ${status}`)
}

function onPath(program: string): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function hasFaketime(): boolean {
  const libraries = '/usr/lib'
  return (
    existsSync(libraries) &&
    readdirSync(libraries).some((folder) =>
      existsSync(join(libraries, folder, 'faketime', 'libfaketime.so.1')),
    )
  )
}
