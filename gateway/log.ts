import { destination, type Logger, pino } from 'pino'

/** Lines that wait for a disk with room again; later ones are lost. */
const mostWaitingBytes = 1_048_576

/**
 * One JSON line an event on standard output, where a container's log is read from. A reader that has left or a
 * disk that is full costs lines, never an answer.
 */
export function createLog(level: string): Logger {
  const output = destination({ dest: 1, sync: true, maxLength: mostWaitingBytes })
  // Without a listener it would be thrown at whoever has just logged.
  output.on('error', () => {})
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, output)
}
