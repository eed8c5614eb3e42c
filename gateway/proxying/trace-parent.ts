import { randomBytes } from 'node:crypto'

/**
 * Makes values of `traceparent` (W3C Trace Context), each the beginning of a trace of its own that nobody has sampled. For
 * calls that a trusted proxy has not put into a trace.
 */
export function createTraceParents(): () => string {
  const trace = randomBytes(8).toString('hex')
  const parent = randomBytes(4).toString('hex')
  let count = 0
  return () => {
    const number = (++count).toString(16).padStart(16, '0')
    return `00-${trace}${number}-${parent}${number.slice(8)}-00`
  }
}
