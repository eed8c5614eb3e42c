import type { GatewayConfig } from '../config/config.ts'
import { createRedisSessions } from '../identity/sessions.redis.ts'
import { openSessionsRedis } from '../open-stores.ts'

/**
 * Ends every session of an account on all gateways, at once when sessions are in Redis.
 * Returns the exit code: 1 with the cure when they could not be ended.
 */
export async function endSessions(accountId: string, { stores, admin }: GatewayConfig): Promise<number> {
  if (stores.sessions.kind === 'embedded') {
    console.log(
      `its sessions live inside the gateway: to end them, restart it, or send it DELETE /api/accounts/${accountId}/sessions ` +
        `with the admin token, to the admin listener (${admin.host}:${admin.port} in this file)`,
    )
    return 0
  }
  // Nobody waits here but a person: longer than a request may.
  await using connection = await openSessionsRedis(stores.sessions, {
    deadlineMs: Math.max(stores.deadlineMs, 2_000),
  })
  try {
    const ended = await createRedisSessions(connection.redis).endAll(accountId)
    console.log(`ended ${ended} ${ended === 1 ? 'session' : 'sessions'}`)
    return 0
  } catch (error) {
    const reason = connection.problem() ?? (error instanceof Error ? error.message : String(error))
    process.stderr.write(
      `guichet users: the account was changed, but its sessions go on: ${reason}. Run the same command again once Redis answers.\n`,
    )
    return 1
  }
}
