import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { cp, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { type PrivateServer, startPrivateServer } from './private-server.ts'

export interface MariadbOptions {
  /** Further settings as on the command line: `['--max-connections=5']`. */
  args?: string[]
  /** Name or path of the program; `mariadbd` unless told. */
  binary?: string
}

export interface PrivateMariadb extends PrivateServer {
  /** `mysql://root@127.0.0.1:port/` of a root without a password; with `database` after the slash when given. */
  url(database?: string): string
}

const cure = 'apt-get install mariadb-server'
const isRoot = process.getuid?.() === 0
const asRoot = isRoot ? ['--user=root'] : []

/**
 * A fresh MariaDB on TCP and on a socket in its own folder. After `restart` the data is still there, as after a crash.
 *
 * @throws Error with the cure when MariaDB is missing.
 */
export async function startMariadb(options: MariadbOptions = {}): Promise<PrivateMariadb> {
  const server = await startPrivateServer({
    binary: options.binary ?? (await mariadbd()),
    cure,
    prepare: async (folder) => cp(await template(), join(folder, 'data'), { recursive: true }),
    args: ({ folder, port }) => [
      '--no-defaults', // the machine's own /etc/mysql is none of our business
      ...asRoot,
      ...[
        `--datadir=${folder}/data`,
        `--socket=${socketIn(folder)}`,
        `--pid-file=${folder}/pid`,
        `--tmpdir=${folder}`,
      ],
      ...[`--port=${port}`, '--bind-address=127.0.0.1', '--skip-name-resolve'],
      ...[
        '--character-set-server=utf8mb4',
        '--performance-schema=OFF',
        '--skip-log-bin',
        '--max-connections=300',
      ],
      ...['--innodb-flush-log-at-trx-commit=0', '--innodb-buffer-pool-size=32M', '--innodb-log-file-size=4M'],
      ...(options.args ?? []),
    ],
    // The socket's path tells our server from another one that won a race for the port.
    answers: async ({ folder, port }) => {
      await using connection = await createConnection({
        host: '127.0.0.1',
        port,
        user: 'root',
        connectTimeout: 1_000,
      })
      const [rows] = await connection.query<RowDataPacket[]>('SELECT @@socket AS socket')
      return rows[0]?.socket === socketIn(folder)
    },
  })
  const url = (database = '') => `mysql://root@127.0.0.1:${server.port}/${database}`
  return Object.defineProperties({ url } as PrivateMariadb, Object.getOwnPropertyDescriptors(server))
}

/**
 * Creates an empty utf8mb4 database with a name nobody else has, on the server of `url` (its user must be allowed
 * to), and returns its URL. It stays until the server goes.
 */
export async function createDatabase(url: string): Promise<string> {
  const name = `guichet_${randomUUID().replaceAll('-', '')}`
  await using connection = await createConnection({ uri: url })
  await connection.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`)
  const created = new URL(url)
  created.pathname = `/${name}`
  return created.href
}

const socketIn = (folder: string) => join(folder, 'sock')

/** Debian keeps it in /usr/sbin, which a normal user's PATH leaves out. */
async function mariadbd(): Promise<string> {
  const debian = '/usr/sbin/mariadbd'
  return (await exists(debian)) ? debian : 'mariadbd'
}

/**
 * An initialised data folder to copy from: made once per MariaDB version, since making one takes a second and
 * copying it a tenth. Renaming makes it appear whole, so two processes may race for it.
 */
async function template(): Promise<string> {
  const run = promisify(execFile)
  const missing = (error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new Error(`${error.path ?? 'mariadbd'} is missing: ${cure}`) : error
  }
  const { stdout } = await run(await mariadbd(), ['--no-defaults', '--version']).catch(missing)
  const version = /\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? 'unknown'
  const cache = fileURLToPath(new URL('../../../node_modules/.cache/guichet', import.meta.url))
  const made = join(cache, `mariadb-${version}-uid-${process.getuid?.() ?? 0}`)
  if (await exists(made)) return made

  await mkdir(cache, { recursive: true })
  const fresh = await mkdtemp(join(cache, 'making-'))
  try {
    await run('mariadb-install-db', [
      ...['--no-defaults', ...asRoot, `--datadir=${fresh}`, '--auth-root-authentication-method=normal'],
      ...['--skip-test-db', '--skip-name-resolve', '--innodb-log-file-size=4M'],
    ]).catch(missing)
    await rename(fresh, made).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
  return made
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
