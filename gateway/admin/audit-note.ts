import type { IncomingMessage } from 'node:http'
import { GatewayError } from '../errors.ts'
import type { AuditEntry, AuditTrail } from './audit.ts'

export interface NotingOptions {
  readonly audit: AuditTrail
  /** For the log: what was done and by whom. */
  readonly changed: (entry: Omit<AuditEntry, 'atMs'>) => void
}

/**
 * Writes a change into the audit trail and the log. Called first: there is no change without an entry, though
 * an entry's change may have failed.
 */
export function noting({ audit, changed }: NotingOptions) {
  return async function note(
    { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
    what: Omit<AuditEntry, 'atMs' | 'via' | 'peer'>,
  ): Promise<void> {
    const via = headers['user-agent']?.startsWith('guichet-cli') ? 'CLI' : 'admin API'
    const entry = { via, peer: socket.remoteAddress ?? '', ...what } as const
    await orAuditAway(audit.record({ atMs: Date.now(), ...entry }))
    changed(entry)
  }
}

/** @throws GatewayError `store-unavailable` when the trail cannot be written or read */
export async function orAuditAway<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    throw new GatewayError('store-unavailable', {
      sentence:
        'The audit trail does not answer, and nothing is changed without it. Try again when the database of ' +
        'accounts is back; /readyz tells.',
      retryAfterSeconds: 2,
      cause,
    })
  }
}
