import type { Logger } from 'pino'

/**
 * Logs an exception that nobody caught and a rejection that nobody awaited, and lets the process live (ASVS 16.5.4).
 *
 * Node would end it. But what one request holds is its own and every change in a store is one atomic step, so a stray
 * error leaves nothing half-done, while an end would cut everyone's calls, as often as whoever found the bug likes.
 * Before the gateway listens there is nobody to protect: errors end the start.
 */
export function surviveStrayErrors(log: Pick<Logger, 'error'>): void {
  const survive = (err: unknown, origin: string): void => {
    log.error({ err, origin }, 'an error that nobody handled; the gateway goes on')
  }
  process.on('uncaughtException', survive)
  process.on('unhandledRejection', (reason) => survive(reason, 'unhandledRejection'))
}
