import type { Caller } from '../../identity/account.ts'
import type { ClientEnd } from './client-end.ts'

export interface Session {
  readonly accountId: string
  readonly sessionId: string
}

export interface OpenWebsocketsOptions {
  /** Asked of many at once, in one turn. Never rejects: while nobody can tell, a session is presumed alive. */
  readonly isAlive: (session: Session) => Promise<boolean>
  /** Listens to news of accounts whose sessions may have ended; null: of any. Returns what ends the listening. */
  readonly listen: (heard: (accountId: string | null) => void) => () => void
  /** Told how many are open. */
  readonly counted: (open: number) => void
  /** Between two looks at all sessions, for what no news tells of: their expiry, or a message that was lost. */
  readonly checkEveryMs?: number
}

export interface OpenWebsockets {
  /**
   * It is closed with 1008 when the caller's session ends, and with 1001 when the gateway goes.
   *
   * @param expiresAtMs when it is closed with 1008 in any case, epoch milliseconds; null: never
   */
  add(client: ClientEnd, caller: Caller, expiresAtMs: number | null): void
  /** Tells all of them, and those still to come, that the gateway is going away. */
  end(): void
}

interface SessionSockets extends Session {
  readonly clients: Set<ClientEnd>
}

/** The WebSockets of this process. */
export function trackWebsockets(options: OpenWebsocketsOptions): OpenWebsockets {
  const { isAlive, counted, checkEveryMs = 2_000 } = options
  const clients = new Set<ClientEnd>()
  const bySession = new Map<string, SessionSockets>()
  let isEnding = false
  let checking: NodeJS.Timeout | undefined

  const stopListening = options.listen((accountId) => {
    for (const session of bySession.values()) {
      if (accountId === null || session.accountId === accountId) void check(session)
    }
  })

  async function check(session: SessionSockets): Promise<void> {
    if (await isAlive(session)) return
    for (const client of session.clients) client.close(1008, 'session ended')
  }

  function enter(client: ClientEnd, { accountId, sessionId }: Session): void {
    const session = bySession.get(sessionId) ?? { accountId, sessionId, clients: new Set() }
    session.clients.add(client)
    bySession.set(sessionId, session)
    checking ??= setInterval(() => {
      for (const each of bySession.values()) void check(each)
    }, checkEveryMs).unref()
    client.once('close', () => {
      session.clients.delete(client)
      if (session.clients.size === 0) bySession.delete(sessionId)
    })
  }

  return {
    add(client, caller, expiresAtMs) {
      counted(clients.add(client).size)
      client.once('close', () => {
        clients.delete(client)
        counted(clients.size)
      })
      if (isEnding) return client.close(1001, goingAway)
      if (caller.kind === 'connected' && caller.sessionId !== null)
        enter(client, { accountId: caller.accountId, sessionId: caller.sessionId })
      if (expiresAtMs !== null) closeAt(client, expiresAtMs)
    },
    end() {
      isEnding = true
      stopListening()
      clearInterval(checking)
      for (const client of clients) client.close(1001, goingAway)
    },
  }
}

const goingAway = 'going away'

/** Node's timers end here: 24 days. */
const longestTimerMs = 2 ** 31 - 1

function closeAt(client: ClientEnd, atMs: number): void {
  const closing = setTimeout(
    () => client.close(1008, 'token expired'),
    Math.min(atMs - Date.now(), longestTimerMs),
  )
  client.once('close', () => clearTimeout(closing))
}
