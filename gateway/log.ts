import { type Logger, pino } from 'pino'

/** One JSON line an event on standard output, where a container's log is read from. */
export function createLog(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime })
}
