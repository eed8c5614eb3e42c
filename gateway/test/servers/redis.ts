import { once } from 'node:events'
import { connect } from 'node:net'
import { type PrivateServer, startPrivateServer } from './private-server.ts'

export interface RedisOptions {
  /** Further settings as on the command line: `['--maxmemory', '10mb']`. */
  args?: string[]
  /** Sets `requirepass`; `url()` then carries it. */
  password?: string
  /** Name or path of the program; `redis-server` unless told. */
  binary?: string
}

export interface PrivateRedis extends PrivateServer {
  /** `redis://127.0.0.1:port/db`; 256 databases exist. */
  url(db?: number): string
}

/**
 * An empty Redis without persistence: after `restart` the port is the same and the data is gone.
 *
 * @throws Error with the cure when redis-server is missing.
 */
export async function startRedis(options: RedisOptions = {}): Promise<PrivateRedis> {
  const { password } = options
  const server = await startPrivateServer({
    binary: options.binary ?? 'redis-server',
    cure: 'apt-get install redis-server',
    args: ({ folder, port }) => [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
      ...['--save', '', '--appendonly', 'no', '--databases', '256'],
      ...(password === undefined ? [] : ['--requirepass', password]),
      ...(options.args ?? []),
    ],
    // The pid tells our server from another one that won a race for the port.
    answers: async ({ port, pid }) => {
      const reply = await talk(port, [
        ...(password === undefined ? [] : [['AUTH', password]]),
        ['PING'],
        ['INFO', 'server'],
        ['QUIT'],
      ])
      return reply.includes('+PONG') && reply.includes(`process_id:${pid}\r\n`)
    },
  })
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}@`
  const url = (db = 0) => `redis://${secret}127.0.0.1:${server.port}/${db}`
  return Object.defineProperties({ url } as PrivateRedis, Object.getOwnPropertyDescriptors(server))
}

/** Sends commands in RESP and returns everything that came back until the server closed the connection. */
async function talk(port: number, commands: string[][]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.setTimeout(1_000, () => socket.destroy(new Error('no answer')))
  let reply = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    reply += chunk
  })
  for (const words of commands) {
    const bulks = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
    socket.write(`*${words.length}\r\n${bulks.join('')}`)
  }
  await once(socket, 'close')
  return reply
}
